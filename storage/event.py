"""The outbox: events written in the transaction that caused them, read in an order that skips none."""

from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.event import Event, EventBatch
from domain.identifier import EVERYWHERE
from storage.database import Connection
from storage.page import MAX_NUMBER, decode_cursor, encode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("event")
START_CURSOR: Final = encode_cursor(0, 0)
WINDOW_ROWS: Final = 5_000  # some 10 ms, where nothing in it is within the area


def insert_event(
    connection: Connection,
    *,
    type_: str,
    project_id: str | None,
    area: str,
    subject: str,
    occurred_at: datetime,
    data: dict[str, Any],
) -> None:
    """Write one event beside the change that it tells of."""
    values = {"id": uuid4(), "type": type_, "project_id": project_id, "area": area, "subject": subject}
    connection.execute(_QUERIES["insert_event"], {**values, "occurred_at": occurred_at, "data": Jsonb(data)})


def find_latest_cursor(connection: Connection) -> str:
    """The cursor behind every event that can be read just now; what is told later comes after it."""
    row = connection.execute(_QUERIES["find_horizon"]).fetchone()
    if row is None:
        raise RuntimeError("SELECT gave no row")
    return encode_cursor(row[0] - 1, MAX_NUMBER)


def list_events(
    connection: Connection, *, area: str, project_id: str | None, after: str | None, limit: int
) -> EventBatch:
    """The events after a cursor within an area, oldest first, at most `limit`.

    A call looks at no more than WINDOW_ROWS rows, whatever the area and however long the table: an empty page that is
    not the last moves the cursor on.

    Raises:
        InvalidCursor: `after` is not one of ours.
    """
    after_tx, after_seq = decode_cursor(after, count=2)
    rows = limit if area == EVERYWHERE and project_id is None else max(limit, WINDOW_ROWS)
    start = {"after_tx": after_tx, "after_seq": after_seq}
    # Never prepared: a plan made without the values does not know that the window is small, and reads the whole table.
    found = connection.execute(_QUERIES["find_window"], start | {"rows": rows}, prepare=False).fetchone()
    if found is None:
        raise RuntimeError("SELECT gave no row")
    count, end = found
    if end is None:
        return EventBatch((), after or START_CURSOR, is_last=True)
    values = {"end_tx": end[0], "end_seq": end[1], "area": area, "project_id": project_id, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        events = [_event(row) for row in cursor.execute(_QUERIES["list_events"], start | values, prepare=False)]
    if len(events) == limit:
        return EventBatch(events, events[-1].cursor, is_last=False)
    return EventBatch(events, encode_cursor(*end), is_last=count < rows)


def _event(row: dict[str, Any]) -> Event:
    return Event(cursor=encode_cursor(row.pop("tx"), row.pop("seq")), **row)
