"""`/v1/events`: what happened, as CloudEvents 1.0, for the core project system to follow."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from api.access import EVERYBODY, Allowed, Asker, see_nothing
from api.paging import Limit
from api.schemas import Shape
from api.strict_json import StrictRoute
from domain.access import Role
from domain.event import Event
from storage.event import START_CURSOR, find_latest_cursor, list_events

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["events"])
MAX_WAIT_S = 25  # under the 30 s after which proxies cut an idle answer
_POLL_S = 0.5
LATEST = "latest"


class EventView(Shape):
    """A CloudEvents 1.0 envelope in its JSON format."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    data: dict[str, Any]


class EventPage(Shape):
    """Events, and the cursor to go on from, which is there even when no event is."""

    items: list[EventView]
    next: str


@router.get("/events")
def list_events_route(
    asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY - {Role.FIELD, Role.CONTRACTOR}, see_nothing))],
    limit: Limit,
    after: Annotated[
        str | None,
        Query(max_length=200, description="the `next` of the page before, or `latest` for what is yet to come"),
    ] = None,
    wait: Annotated[float, Query(ge=0, description=f"seconds to wait for one, at most {MAX_WAIT_S}")] = 0,
) -> EventPage:
    """The events after a cursor, within the token's area; none is skipped, none comes twice."""
    deadline = time.monotonic() + min(wait, MAX_WAIT_S)
    principal = asker.principal
    if after == LATEST:
        with asker.transaction() as connection:
            after = find_latest_cursor(connection)
    while True:
        with asker.transaction() as connection:
            events = list_events(
                connection, area=principal.area, project_id=principal.project_id, after=after, limit=limit
            )
        if events or time.monotonic() >= deadline:
            break
        time.sleep(_POLL_S)
    return EventPage(
        items=[_view(event) for event in events], next=events[-1].cursor if events else after or START_CURSOR
    )


def _view(event: Event) -> EventView:
    return EventView(
        specversion="1.0",
        id=str(event.id),
        source=f"/v1/projects/{event.project_id}",
        type=event.type,
        subject=event.subject,
        time=event.occurred_at.isoformat().replace("+00:00", "Z"),
        datacontenttype="application/json",
        data=event.data,
    )
