"""The outbox: events written in the transaction that caused them, read in an order that skips none."""

from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.event import Event
from storage.database import Connection
from storage.page import MAX_NUMBER, decode_cursor, encode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("event")
START_CURSOR: Final = encode_cursor(0, 0)


def insert_event(
    connection: Connection,
    *,
    type_: str,
    project_id: str,
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
) -> list[Event]:
    """The events after a cursor within an area, each with the cursor to go on from.

    Raises:
        InvalidCursor: `after` is not one of ours.
    """
    after_tx, after_seq = decode_cursor(after, count=2)
    values = {"area": area, "project_id": project_id, "after_tx": after_tx, "after_seq": after_seq, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_events"], values).fetchall()
    return [Event(cursor=encode_cursor(row.pop("tx"), row.pop("seq")), **row) for row in rows]
