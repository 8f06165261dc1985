"""Values that are to be made anew from their raw ones, because a calibration or another sensor's record changed.

What the values are is asked of `iot.recomputation`; here is which ones wait, and how they are replaced.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from storage.database import Connection
from storage.keyed_reading import KeyedReading, gather
from storage.query import load_queries
from storage.reading import is_timescale, lift_decompression_limit, stage_readings

_QUERIES: Final = load_queries("recomputation")
BEGINNING: Final = datetime(1900, 1, 1, tzinfo=UTC)
END: Final = datetime(2200, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)


class Recomputation(NamedTuple):
    """A part of a sensor's record, both ends included."""

    sensor_id: str
    from_: datetime
    to: datetime


class RawReading(NamedTuple):
    """A stored reading with what the gauge said.

    Attributes:
        raw: before calibration.
        v: as it is stored now. [unit]
        q: as it is stored now.
        is_raw_alone: whether `v` is stored as the raw value itself.
    """

    t: datetime
    raw: float
    v: float
    q: int
    is_raw_alone: bool
    seq: int | None


def request_recomputation(
    connection: Connection, *, sensor_id: str, from_: datetime = BEGINNING, to: datetime = END
) -> None:
    """Have the values of `[from_, to]` made anew; requests of one sensor grow together."""
    connection.execute(_QUERIES["request"], {"sensor_id": sensor_id, "from": from_, "to": to})


def see_recomputations(connection: Connection) -> None:
    """Mark what was requested as seen; only what has been seen is taken, so commit before `take_recomputation`."""
    connection.execute(_QUERIES["see"])


def take_recomputation(connection: Connection) -> Recomputation | None:
    """One that may begin, held until the transaction ends; None where there is none, or others have them."""
    row = connection.execute(_QUERIES["take"]).fetchone()
    return None if row is None else Recomputation(*row)


def advance_recomputation(connection: Connection, *, sensor_id: str, from_: datetime) -> None:
    """The record before `from_` is done."""
    connection.execute(_QUERIES["advance"], {"sensor_id": sensor_id, "from": from_})


def finish_recomputation(connection: Connection, *, sensor_id: str) -> None:
    """All of it is done."""
    connection.execute(_QUERIES["finish"], {"sensor_id": sensor_id})


def list_raw_readings(
    connection: Connection, *, sensor_key: int, from_: datetime, to: datetime, limit: int
) -> list[RawReading]:
    """Readings of `[from_, to]`, oldest first, at most `limit`."""
    values = {"sensor_key": sensor_key, "from": from_, "to": to, "limit": limit}
    return [RawReading(*row) for row in connection.execute(_QUERIES["list_raw"], values)]


def replace_values(connection: Connection, *, sensor_key: int, readings: Sequence[KeyedReading]) -> None:
    """Replace values, raw values and qualities of stored readings, and what was summed up of them.

    Args:
        connection: of the caller's transaction.
        sensor_key: of all of them.
        readings: by time; at least one.
    """
    lift_decompression_limit(connection)
    stage_readings(connection, readings=gather(readings))
    first, last = readings[0].t, readings[-1].t
    values = {
        "sensor_key": sensor_key,
        "from": first,
        "to": last,
        "from_hour": first.replace(minute=0, second=0, microsecond=0),
        "to_hour": last.replace(minute=0, second=0, microsecond=0) + _HOUR,
    }
    connection.execute(_QUERIES["update_readings"], values)
    if not is_timescale(connection):  # TimescaleDB's aggregates see by themselves what changed
        connection.execute(_QUERIES["forget_hours_native"], values)
        connection.execute(_QUERIES["roll_hours_native"], values)
