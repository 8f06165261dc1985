"""Episodes of alarms and of gauges' faults, as rows. Which there are is `iot`'s to say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from domain.alarm import EndReason, Episode, EpisodeFound
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("alarm_episode")


def insert_episode(connection: Connection, *, sensor_id: str, found: EpisodeFound, finding_id: UUID) -> None:
    """Store an episode with its finding."""
    values = {
        "sensor_id": sensor_id,
        "level": found.level,
        "code": found.code,
        **_times(found),
        "details": Jsonb(found.details),
        "finding_id": finding_id,
    }
    connection.execute(_QUERIES["insert_episode"], values)


def update_episode(connection: Connection, *, episode_id: int, found: EpisodeFound) -> None:
    """Write when an episode was; what it is of stays."""
    connection.execute(_QUERIES["update_episode"], {"id": episode_id, **_times(found)})


def list_open_episodes(connection: Connection, *, sensor_ids: Sequence[str]) -> list[Episode]:
    """The episodes of these sensors that go on."""
    rows = connection.execute(_QUERIES["list_open_episodes"], {"sensor_ids": list(sensor_ids)})
    return [_episode(row) for row in rows]


def list_open_episodes_of_code(connection: Connection, *, code: str) -> list[Episode]:
    """The episodes of a code that go on, of every sensor."""
    return [_episode(row) for row in connection.execute(_QUERIES["list_open_episodes_of_code"], {"code": code})]


def list_episodes_after(connection: Connection, *, sensor_id: str, after: datetime) -> list[Episode]:
    """The episodes that go on after a time or begin after it, by their beginning, without those withdrawn."""
    rows = connection.execute(_QUERIES["list_episodes_after"], {"sensor_id": sensor_id, "after": after})
    return [_episode(row) for row in rows]


def list_episodes(connection: Connection, *, sensor_id: str, after: str | None, limit: int) -> Page[Episode]:
    """The episodes of a sensor, those recorded last first, withdrawn ones included.

    Raises:
        InvalidCursor: `after` is not a cursor of ours.
    """
    values = {"sensor_id": sensor_id, "after": decode_cursor(after)[0], "limit": limit + 1}
    episodes = [_episode(row) for row in connection.execute(_QUERIES["list_episodes"], values)]
    return cut_page([(each.id, each) for each in episodes], limit=limit)


def _times(found: EpisodeFound) -> dict[str, Any]:
    return {
        "since": found.since,
        "raised_at": found.raised_at,
        "ended_at": found.ended_at,
        "end_reason": found.end_reason,
    }


def _episode(row: tuple[Any, ...]) -> Episode:
    found = EpisodeFound(
        level=row[2],
        code=row[3],
        since=row[4],
        raised_at=row[5],
        ended_at=row[6],
        end_reason=None if row[7] is None else EndReason(row[7]),
        details=row[8],
    )
    return Episode(id=row[0], sensor_id=row[1], finding_id=row[9], found=found)
