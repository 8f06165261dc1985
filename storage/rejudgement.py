"""Alarm histories that are to be judged again, checkpoints to begin from, and sensors that fell silent.

What judging is, is asked of `iot.rejudgement` and `iot.gauge_sweep`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from psycopg.types.json import Jsonb

from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("rejudgement")


class Rejudgement(NamedTuple):
    """An alarm history in question, from a time on, and how far judging it again has come."""

    from_: datetime
    progress: dict[str, Any] | None


class JudgedRow(NamedTuple):
    """A stored reading that is judged: good or out of range. [unit]."""

    t: datetime
    v: float
    q: int


def request_rejudgement(connection: Connection, *, sensor_id: str, from_: datetime) -> None:
    """Have the alarm history from a time on judged again; requests of one sensor grow together."""
    connection.execute(_QUERIES["request"], {"sensor_id": sensor_id, "from": from_})


def find_waiting_rejudgement(connection: Connection, *, without: Collection[str]) -> str | None:
    """The sensor that has waited longest, without these; not one whose values are still being made anew."""
    row = connection.execute(_QUERIES["find_waiting"], {"without": list(without)}).fetchone()
    return None if row is None else row[0]


def lock_rejudgement(connection: Connection, *, sensor_id: str) -> Rejudgement | None:
    """What is in question, held until the transaction ends. Lock the alarm's state before, as collectors do."""
    row = connection.execute(_QUERIES["lock"], {"sensor_id": sensor_id}).fetchone()
    return None if row is None else Rejudgement(*row)


def keep_progress(connection: Connection, *, sensor_id: str, progress: Mapping[str, Any]) -> None:
    """Write how far it has come."""
    connection.execute(_QUERIES["keep_progress"], {"sensor_id": sensor_id, "progress": Jsonb(progress)})


def finish_rejudgement(connection: Connection, *, sensor_id: str) -> None:
    """All of it is judged again."""
    connection.execute(_QUERIES["finish"], {"sensor_id": sensor_id})


def is_rejudgement_waiting(connection: Connection, *, sensor_id: str) -> bool:
    """Whether a part of a sensor's alarm history is in question."""
    return connection.execute(_QUERIES["is_waiting"], {"sensor_id": sensor_id}).fetchone() == (True,)


def find_checkpoint(connection: Connection, *, sensor_id: str, before: datetime) -> dict[str, Any] | None:
    """The newest state that was kept of a time before this one."""
    row = connection.execute(_QUERIES["find_checkpoint"], {"sensor_id": sensor_id, "before": before}).fetchone()
    return None if row is None else row[0]


def put_checkpoints(connection: Connection, *, states: Sequence[tuple[str, datetime, Mapping[str, Any]]]) -> None:
    """Keep the states of sensors as they were at a time."""
    ids, times, kept = zip(*states, strict=True)
    values = {"sensor_ids": list(ids), "times": list(times), "states": [Jsonb(each) for each in kept]}
    connection.execute(_QUERIES["put_checkpoints"], values)


def list_checkpoints(connection: Connection, *, sensor_ids: Sequence[str]) -> dict[str, list[datetime]]:
    """The times of the states that are kept, oldest first, by sensor."""
    times: dict[str, list[datetime]] = {}
    for sensor_id, t in connection.execute(_QUERIES["list_checkpoints"], {"sensor_ids": list(sensor_ids)}):
        times.setdefault(sensor_id, []).append(t)
    return times


def drop_checkpoints(connection: Connection, *, gone: Sequence[tuple[str, datetime]]) -> None:
    """Forget these states."""
    values = {"sensor_ids": [each[0] for each in gone], "times": [each[1] for each in gone]}
    connection.execute(_QUERIES["drop_checkpoints"], values)


def drop_checkpoints_between(connection: Connection, *, sensor_id: str, after: datetime, to: datetime) -> None:
    """Forget the states of `(after, to]`."""
    connection.execute(_QUERIES["drop_checkpoints_between"], {"sensor_id": sensor_id, "after": after, "to": to})


def drop_checkpoints_before(connection: Connection, *, sensor_id: str, before: datetime) -> None:
    """Forget the states before a time."""
    connection.execute(_QUERIES["drop_checkpoints_before"], {"sensor_id": sensor_id, "before": before})


def list_judged_readings(
    connection: Connection, *, sensor_key: int, after: datetime, to: datetime, limit: int
) -> list[JudgedRow]:
    """The readings of `(after, to]` that are judged, by time."""
    values = {"sensor_key": sensor_key, "after": after, "to": to, "limit": limit}
    return [JudgedRow(*row) for row in connection.execute(_QUERIES["list_judged_readings"], values)]


class SilentSensor(NamedTuple):
    """A sensor that says nothing, and since when."""

    sensor_id: str
    key: int
    since: datetime


def list_silent_sensors(connection: Connection, *, now: datetime) -> list[SilentSensor]:
    """The sensors whose newest reading is older than their `stale_after_s` allows."""
    return [SilentSensor(*row) for row in connection.execute(_QUERIES["list_silent"], {"now": now})]


def list_redundant_sensors(connection: Connection) -> list[tuple[str, str]]:
    """(sensor, the one that measures the same thing) of every sensor that names one."""
    return list(connection.execute(_QUERIES["list_redundant"]).fetchall())
