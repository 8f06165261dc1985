"""`/v1/events`: what happened, as CloudEvents 1.0, for the core project system to follow."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, ClassVar, Final

from fastapi import APIRouter, Depends, Header, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.access import EVERYBODY, Allowed, Asker, see_nothing
from api.errors import Unauthenticated
from api.paging import Limit
from api.schemas import Shape
from api.services import MAX_STREAMS, Provided
from api.strict_json import StrictRoute
from domain.access import Role
from domain.errors import SiteproofError, Unavailable
from domain.event import Event, EventBatch, make_envelope
from storage.event import find_latest_cursor, list_events
from storage.page import DEFAULT_PAGE
from storage.token import is_token_active

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["events"])
MAX_WAIT_S = 25  # under the 30 s after which proxies cut an idle answer
HEARTBEAT_S: Final = 15.0
_POLL_S: Final = 0.5
_STREAM_POLL_S: Final = 1.0
_RECONNECT_MS: Final = 2_000
_MAX_WINDOWS: Final = 20  # in one answer, of rows that are all out of the token's area
LATEST = "latest"
READERS = EVERYBODY - {Role.FIELD, Role.CONTRACTOR}

Reader = Annotated[Asker[None], Depends(Allowed(READERS, see_nothing))]
AfterEvent = Annotated[
    str | None, Query(max_length=200, description="the `next` of the page before, or `latest` for what is yet to come")
]


class TooManyStreams(Unavailable):
    """MAX_STREAMS clients follow already."""

    code: ClassVar[str] = "events.too_many_streams"


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

    @classmethod
    def of(cls, event: Event) -> "EventView":
        """The envelope of an event."""
        return cls(**make_envelope(event))


class EventPage(Shape):
    """Events, and the cursor to go on from, which is there even when no event is."""

    items: list[EventView]
    next: str


@router.get("/events")
async def list_events_route(
    asker: Reader,
    limit: Limit,
    after: AfterEvent = None,
    wait: Annotated[float, Query(ge=0, description=f"seconds to wait for one, at most {MAX_WAIT_S}")] = 0,
) -> EventPage:
    """The events after a cursor, within the token's area; none is skipped, none comes twice."""
    # A coroutine, because who waits must not hold a thread while nothing happens.
    deadline = time.monotonic() + min(wait, MAX_WAIT_S)
    page = await run_in_threadpool(_read, asker, await run_in_threadpool(_find_start, asker, after), limit)
    while not page.events and time.monotonic() < deadline and not asker.services.is_stopping():
        await asyncio.sleep(_POLL_S)
        page = await run_in_threadpool(_read, asker, page.next, limit)
    return EventPage(items=[EventView.of(event) for event in page.events], next=page.next)


def _hold_stream_slot(services: Provided) -> Iterator[None]:
    """One of the places for followers, given back when the answer has ended, however it ends."""
    if not services.stream_slots.acquire(blocking=False):
        raise TooManyStreams(f"{MAX_STREAMS} clients follow already", limit=MAX_STREAMS)
    try:
        yield
    finally:
        services.stream_slots.release()


@router.get(
    "/events/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
def stream_events_route(
    asker: Reader,
    _slot: Annotated[None, Depends(_hold_stream_slot)],
    after: AfterEvent = None,
    last_event_id: Annotated[str | None, Header(max_length=200, description="comes before `after`")] = None,
) -> StreamingResponse:
    """The same events in the same order, as they come, by server-sent events; `id` is the cursor to go on from.

    A line of comment every 15 s shows that the connection lives. It ends after 15 minutes at the latest, when
    the token is revoked, and when the service stops: go on with `Last-Event-ID`, as a browser does by itself.
    """
    start = _find_start(asker, last_event_id or after)
    _read(asker, start, 1)  # A cursor that is none of ours is refused while there still is a status to refuse it with.
    return StreamingResponse(_follow(asker, start), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _follow(asker: Asker[None], after: str | None) -> AsyncIterator[str]:
    now = time.monotonic()
    end, beat_at = now + asker.services.stream_lifetime_s, now + HEARTBEAT_S
    yield f"retry: {_RECONNECT_MS}\n\n"
    # At least one look, however slow the machine and short the life.
    while not asker.services.is_stopping():
        try:
            page = await run_in_threadpool(_read_if_allowed, asker, after)
        except SiteproofError:
            return  # The client comes again, and is told then.
        for event in page.events:
            yield f"id: {event.cursor}\ndata: {EventView.of(event).model_dump_json()}\n\n"
        after, now = page.next, time.monotonic()
        if now >= end:
            return
        if now >= beat_at:
            # With the cursor, which also passes what is out of the token's sight.
            yield f": still here\nid: {after}\n\n"
            beat_at = now + HEARTBEAT_S
        if page.is_last:
            await asyncio.sleep(min(_STREAM_POLL_S, end - now))


def _read_if_allowed(asker: Asker[None], after: str | None) -> EventBatch:
    with asker.transaction() as connection:
        if not is_token_active(connection, token_id=asker.principal.token_id):
            raise Unauthenticated("the token was revoked")
    return _read(asker, after, DEFAULT_PAGE)


def _find_start(asker: Asker[None], after: str | None) -> str | None:
    if after != LATEST:
        return after
    with asker.transaction() as connection:
        return find_latest_cursor(connection)


def _read(asker: Asker[None], after: str | None, limit: int) -> EventBatch:
    page = _read_window(asker, after, limit)
    for _ in range(_MAX_WINDOWS):
        if page.events or page.is_last:
            break
        page = _read_window(asker, page.next, limit)
    return page


def _read_window(asker: Asker[None], after: str | None, limit: int) -> EventBatch:
    principal = asker.principal
    with asker.transaction() as connection:
        return list_events(connection, area=principal.area, project_id=principal.project_id, after=after, limit=limit)
