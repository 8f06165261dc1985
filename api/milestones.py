"""`/v1/projects/{project_id}/milestones`: milestones and their gate."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response

from api.access import EVERYBODY, Allowed, Asker, see_project
from api.coverage_view import view_coverage
from api.etag import make_etag, require_match
from api.measurement_requirement import require_measurable
from api.paging import After, Limit, make_collection
from api.projects import WRITERS
from api.schemas import Collection, CoverageView, GateReason, GateView, MilestoneBody, MilestoneView
from api.strict_json import StrictRoute
from domain.access import Role
from domain.errors import NotFound
from domain.identifier import require_caller_id
from domain.measurement import find_wanted, lacks_measurement
from domain.project import Milestone, Project
from findings.conformance import list_unsettled_gaps, update_conformance
from findings.milestone import evaluate_coverage, evaluate_gate, require_known_elements, require_order
from storage.database import Connection
from storage.media import list_analysed_photos
from storage.project import find_milestone, list_milestones, lock_project, put_milestone

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["milestones"])
_MAX_MEASURED_LATE: Final = 1000  # the newest, at 2 to 5 s each


class NoMilestone(NotFound):
    """The project has no such milestone."""

    code = "milestone.not_found"


@router.put("/projects/{project_id}/milestones/{milestone_id}", responses={201: {"model": MilestoneView}})
def put_milestone_route(
    milestone_id: str,
    body: MilestoneBody,
    response: Response,
    asker: Annotated[Asker[Project], Depends(Allowed(WRITERS, see_project))],
    if_match: Annotated[str | None, Header()] = None,
) -> MilestoneView:
    """Create a milestone, or change it."""
    require_caller_id(milestone_id)
    project_id = asker.thing.id
    after = tuple(body.after)
    requires = body.requires.model_dump(mode="json", exclude_none=True)
    require_known_elements(requires, asker.services.known_classes)
    require_measurable(requires)
    with asker.transaction() as connection:
        # Held, because two milestones that are set at once could otherwise each come before the other.
        lock_project(connection, project_id=project_id)
        stored = find_milestone(connection, project_id=project_id, milestone_id=milestone_id)
        require_match(if_match, None if stored is None else stored.version)
        require_order(connection, project_id=project_id, milestone_id=milestone_id, after=after)
        milestone, created = put_milestone(
            connection,
            project_id=project_id,
            milestone_id=milestone_id,
            title=body.title,
            planned_on=body.planned_on,
            after=after,
            requires=requires,
        )
        now = asker.services.clock.now()
        update_conformance(connection, project=asker.thing, milestone_id=milestone_id, now=now)
        unmeasured = _list_unmeasured(connection, milestone)
    for media_id in unmeasured:
        asker.services.ring(media_id)
    response.status_code = 201 if created else 200
    response.headers["ETag"] = make_etag(milestone.version)
    return MilestoneView.of(milestone)


@router.get("/projects/{project_id}/milestones/{milestone_id}")
def get_milestone_route(
    milestone_id: str,
    response: Response,
    asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))],
) -> MilestoneView:
    """One milestone."""
    with asker.transaction() as connection:
        milestone = _get(connection, asker.thing.id, milestone_id)
    response.headers["ETag"] = make_etag(milestone.version)
    return MilestoneView.of(milestone)


@router.get("/projects/{project_id}/milestones")
def list_milestones_route(
    asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))], limit: Limit, after: After = None
) -> Collection[MilestoneView]:
    """The project's milestones in the order of their making."""
    with asker.transaction() as connection:
        page = list_milestones(connection, project_id=asker.thing.id, after=after, limit=limit)
    return make_collection(page, [MilestoneView.of(milestone) for milestone in page.items])


@router.get("/projects/{project_id}/milestones/{milestone_id}/gate")
def get_gate_route(
    milestone_id: str,
    asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY - {Role.FIELD}, see_project))],
) -> GateView:
    """Whether the milestone may pass, and if not, every reason."""
    with asker.transaction() as connection:
        reasons = evaluate_gate(connection, _get(connection, asker.thing.id, milestone_id))
    return GateView(
        verdict="hold" if reasons else "pass",
        reasons=[GateReason(code=each.code, detail=each.detail, **each.facts) for each in reasons],
        evaluated_at=asker.services.clock.now(),
    )


@router.get("/projects/{project_id}/milestones/{milestone_id}/coverage")
def get_coverage_route(
    milestone_id: str,
    asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY - {Role.FIELD}, see_project))],
) -> CoverageView:
    """Which stations of the alignment are evidenced for the milestone, and the length that they make."""
    with asker.transaction() as connection:
        milestone = _get(connection, asker.thing.id, milestone_id)
        coverage = evaluate_coverage(connection, milestone)
        gaps = list_unsettled_gaps(connection, milestone, coverage)
    return view_coverage(coverage, gaps, side=(milestone.requires.get("photos") or {}).get("side"))


def _list_unmeasured(connection: Connection, milestone: Milestone) -> list[UUID]:
    """Photos that came before what is wanted now; a worker measures them when it is rung for."""
    wanted = find_wanted(milestone.requires)
    if wanted is None:
        return []
    photos = list_analysed_photos(
        connection, project_id=milestone.project_id, milestone_id=milestone.id, limit=_MAX_MEASURED_LATE
    )
    return [media_id for media_id, measured in photos if lacks_measurement(measured, wanted)]


def _get(connection: Connection, project_id: str, milestone_id: str) -> Milestone:
    milestone = find_milestone(connection, project_id=project_id, milestone_id=milestone_id)
    if milestone is None:
        raise NoMilestone("the project has no such milestone")
    return milestone
