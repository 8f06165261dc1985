"""Check-ins at the site as rows."""

from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.checkin import Checkin
from domain.place import position_from_json, position_to_json
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("checkin")


def insert_checkin(connection: Connection, *, checkin: Checkin) -> bool:
    """Store a check-in; False where the same token sent this `client_id` to the project before.

    Raises:
        UnknownMilestone: the project has no such milestone.
    """
    values = {
        "id": checkin.id,
        "project_id": checkin.project_id,
        "milestone_id": checkin.milestone_id,
        "token_id": checkin.token_id,
        "client_id": checkin.client_id,
        "position": Jsonb(position_to_json(checkin.position)),
        "at": checkin.at,
        "received_at": checkin.received_at,
    }
    return connection.execute(_QUERIES["insert_checkin"], values).fetchone() is not None


def find_checkin_by_client_id(
    connection: Connection, *, project_id: str, token_id: UUID, client_id: UUID
) -> Checkin | None:
    """The check-in that this token sent with this id."""
    values = {"project_id": project_id, "token_id": token_id, "client_id": client_id}
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_checkin_by_client_id"], values).fetchone()
    return None if row is None else _checkin(row)


def list_checkins(
    connection: Connection, *, project_id: str, milestone_id: str, after: str | None, limit: int
) -> Page[Checkin]:
    """A milestone's check-ins in the order of their arrival."""
    values = {
        "project_id": project_id,
        "milestone_id": milestone_id,
        "after": decode_cursor(after)[0],
        "limit": limit + 1,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_checkins"], values).fetchall()
    return cut_page([(row.pop("seq"), _checkin(row)) for row in rows], limit=limit)


def list_latest_checkins(connection: Connection, *, project_id: str, milestone_id: str, limit: int) -> list[Checkin]:
    """A milestone's last check-ins, the newest first."""
    values = {"project_id": project_id, "milestone_id": milestone_id, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_checkin(row) for row in cursor.execute(_QUERIES["list_latest_checkins"], values)]


def _checkin(row: dict[str, Any]) -> Checkin:
    return Checkin(**row | {"position": position_from_json(row["position"])})
