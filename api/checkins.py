"""`/v1/projects/{project_id}/checkins`: who was at the site for a milestone."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Query, Response

from api.access import EVERYBODY, Allowed, Asker, see_project
from api.paging import After, Limit, make_collection
from api.schemas import CheckinBody, CheckinView, Collection
from api.strict_json import StrictRoute
from domain.access import Role
from domain.checkin import Checkin
from domain.errors import Conflict, Invalid
from domain.project import Project
from findings.boundary import find_boundary
from geofence.boundary import place
from geofence.position import parse_position
from storage.checkin import find_checkin_by_client_id, insert_checkin, list_checkins

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["checkins"])
_CLOCK_AHEAD: Final = timedelta(minutes=5)  # a phone's clock is set by its network, to seconds


class NoFix(Invalid):
    """A position of 0, 0: a receiver that has none yet."""

    code = "checkin.no_fix"


class InFuture(Invalid):
    """A check-in that has not happened yet."""

    code = "checkin.in_future"


class CheckinIdTaken(Conflict):
    """This client_id was used for another check-in."""

    code = "checkin.client_id_taken"


@router.post("/projects/{project_id}/checkins", status_code=201, responses={200: {"model": CheckinView}})
def post_checkin_route(
    body: CheckinBody, response: Response, asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))]
) -> CheckinView:
    """Say that one is at the site for a milestone; the same `client_id` again is the same check-in."""
    now = asker.services.clock.now()
    given = Checkin(
        id=uuid4(),
        project_id=asker.thing.id,
        milestone_id=body.milestone_id,
        token_id=asker.principal.token_id,
        client_id=body.client_id,
        position=parse_position(body.position.model_dump(exclude_none=True)),
        at=body.at or now,
        received_at=now,
    )
    if given.position.is_null_island:
        raise NoFix("0, 0 is no fix: wait until the phone has one")
    if given.at > now + _CLOCK_AHEAD:
        raise InFuture("`at` has not come yet: check the phone's clock")
    with asker.transaction() as connection:
        stored: Checkin | None = given
        if not insert_checkin(connection, checkin=given) and given.client_id is not None:
            stored = find_checkin_by_client_id(
                connection, project_id=given.project_id, token_id=given.token_id, client_id=given.client_id
            )
        boundary = find_boundary(connection, project_id=asker.thing.id)
    if stored is None or (stored.milestone_id, stored.position) != (given.milestone_id, given.position):
        raise CheckinIdTaken("this client_id was used for another check-in")
    if stored is not given:
        response.status_code = 200
    return CheckinView.of(stored, None if boundary is None else place(stored.position, boundary=boundary))


@router.get("/projects/{project_id}/checkins")
def list_checkins_route(
    asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY - {Role.FIELD}, see_project))],
    limit: Limit,
    milestone_id: Annotated[str, Query(max_length=64)],
    after: After = None,
) -> Collection[CheckinView]:
    """A milestone's check-ins in the order of their arrival, judged by the boundary of now."""
    with asker.transaction() as connection:
        page = list_checkins(connection, project_id=asker.thing.id, milestone_id=milestone_id, after=after, limit=limit)
        boundary = find_boundary(connection, project_id=asker.thing.id)
    placed = [None if boundary is None else place(each.position, boundary=boundary) for each in page.items]
    views = [CheckinView.of(each, placement) for each, placement in zip(page.items, placed, strict=True)]
    return make_collection(page, views)
