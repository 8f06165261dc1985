"""What was sent for a milestone, as the gate and coverage ask for it: a lean row a medium."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row

from domain.media import MediaStatus
from domain.place import Position, position_from_json
from domain.project import Milestone
from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("evidence")


@dataclass(frozen=True, slots=True)
class SentMedium:
    """A photo or clip of a milestone.

    Attributes:
        is_elsewhere: its location check failed.
        labels: what is seen in it.
        is_accepted: an inspector dismissed what was found against it, and nothing else of it stands.
        measurements: as stored, without what a judgement does not need.
    """

    id: UUID
    status: MediaStatus
    grade: str
    position: Position | None
    is_elsewhere: bool
    labels: tuple[str, ...]
    is_accepted: bool
    measurements: tuple[dict[str, Any], ...] = ()


def list_milestone_evidence(connection: Connection, *, project_id: str, milestone_id: str) -> list[SentMedium]:
    """Everything that was sent for a milestone, in the order of arrival."""
    values = {"project_id": project_id, "milestone_id": milestone_id}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_milestone_evidence"], values).fetchall()
    for row in rows:
        row["status"] = MediaStatus(row["status"])
        row["position"] = None if row["position"] is None else position_from_json(row["position"])
        row["labels"] = tuple(row["labels"])
        row["measurements"] = tuple(row["measurements"])
    return [SentMedium(**row) for row in rows]


def lock_milestone(connection: Connection, *, project_id: str, milestone_id: str) -> None:
    """Let one transaction at a time work out a milestone's findings, until it ends."""
    values = {"project_id": project_id, "milestone_id": milestone_id}
    connection.execute(_QUERIES["lock_milestone"], values)
    connection.execute(_QUERIES["lock_milestone_row"], values)


def list_begun_milestones(connection: Connection, *, now: datetime, code: str, limit: int) -> list[Milestone]:
    """Milestones with stations whose planned day is over and that have no finding of this code, the latest first."""
    values = {"now": now, "code": code, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_begun_milestones"], values).fetchall()
    return [Milestone(**row | {"after": tuple(row["after"])}) for row in rows]
