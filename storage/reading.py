"""Readings: stored in batches, once for each sensor and time, and asked for raw, newest or in buckets of time.

One set of functions for both flavours of the table: a TimescaleDB hypertable with continuous aggregates, or native
partitions with a rollup. What a payload means and whether a time is plausible is decided in `iot`.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from time import monotonic, sleep
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg

from domain.errors import Invalid
from domain.sensor import Bucket, Quality, Reading
from storage.database import Connection
from storage.errors import translate_errors
from storage.keyed_reading import ReadingColumns, to_microseconds
from storage.query import load_queries

_QUERIES: Final = load_queries("reading")

MIN_KEEP_RAW_DAYS: Final = 30  # the refresh of the aggregates and the columnstore need some weeks of raw data [d]
MAX_EVERY: Final = timedelta(days=366)
_EVERY: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
REFRESH_WAIT_S: Final = 60.0  # far longer than a refresh of what is new takes [s]
_REFRESH_PAUSE_S: Final = 0.2
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(2001, 1, 1, tzinfo=UTC)
# PostgreSQL and Python can both say these; nothing acceptable lies outside.
_BEGINNING: Final = datetime(1900, 1, 1, tzinfo=UTC)
_END: Final = datetime(2200, 1, 1, tzinfo=UTC)
_DAILY_AGGREGATE_ZONE: Final = "Asia/Shanghai"  # of `reading_day` in the migration


class InvalidEvery(Invalid):
    """A bucket width that is not like `30s`, `5m`, `1h` or `1d`, or is longer than a year."""

    code: ClassVar[str] = "reading.invalid_every"


class UnknownTimeZone(Invalid):
    """A time zone that the IANA database does not have."""

    code: ClassVar[str] = "reading.unknown_time_zone"


class InvalidRetention(Invalid):
    """A retention that is shorter than the aggregates need."""

    code: ClassVar[str] = "reading.invalid_retention"


def is_timescale(connection: Connection) -> bool:
    """Whether the readings of this database lie in a TimescaleDB hypertable."""
    row = connection.execute(_QUERIES["flavour"]).fetchone()
    return row is not None and row[0] == "timescale"


def store_readings(connection: Connection, *, readings: ReadingColumns) -> ReadingColumns:
    """Store what is not there yet, of any age: one row for each sensor and time, the first one that came.

    Args:
        connection: of the caller's transaction.
        readings: in any order; may hold the same sensor and time several times.

    Returns:
        Those that are new, by sensor and time.
    """
    if not len(readings):
        return readings
    readings = readings.put_in_order()
    timescale = is_timescale(connection)
    stage_readings(connection, readings=readings)
    if timescale:
        connection.execute(_QUERIES["lift_limit_timescale"])
    else:
        connection.execute(_QUERIES["ensure_partitions_native"], {"months": readings.list_months()})
    rows = connection.execute(_QUERIES["insert_timescale" if timescale else "insert_native"])
    known = {(sensor_key, to_microseconds(t)) for sensor_key, t in rows}
    return readings.leave_out(known) if known else readings


def stage_readings(connection: Connection, *, readings: ReadingColumns) -> None:
    """Put readings into the transaction's own table `reading_staging`, which is emptied before."""
    connection.execute(_QUERIES["make_staging"])
    connection.execute(_QUERIES["empty_staging"])
    with connection.cursor() as cursor, cursor.copy(_QUERIES["copy_staging"]) as copy:
        copy.write(readings.write_copy())


def lift_decompression_limit(connection: Connection) -> None:
    """Let this transaction change compressed readings, however many; without TimescaleDB there are none."""
    if is_timescale(connection):
        connection.execute(_QUERIES["lift_limit_timescale"])


def find_held_values(connection: Connection, *, asked: Sequence[tuple[int, datetime, float]]) -> list[float | None]:
    """What other sensors said at given moments: the newest good reading at or before each, if it is young enough.

    Args:
        connection: of the caller's transaction.
        asked: (sensor key, moment, greatest age [s]) of each.

    Returns:
        A value or None for each, in their order.
    """
    values: list[float | None] = [None] * len(asked)
    if asked:
        keys, moments, ages = (list(column) for column in zip(*asked, strict=True))
        rows = connection.execute(
            _QUERIES["held_values"], {"sensor_keys": keys, "moments": moments, "max_ages_s": ages}
        )
        for number, value in rows:
            values[number - 1] = value
    return values


def has_readings(connection: Connection, *, sensor_key: int, from_: datetime, to: datetime) -> bool:
    """Whether a sensor has readings of `[from_, to]`."""
    row = connection.execute(_QUERIES["has_readings"], {"sensor_key": sensor_key, "from": from_, "to": to}).fetchone()
    return row == (True,)


def list_readings(
    connection: Connection,
    *,
    sensor_key: int,
    from_: datetime | None = None,
    to: datetime | None = None,
    after: datetime | None = None,
    limit: int,
) -> list[Reading]:
    """The readings of one sensor by their own time, good and bad.

    Args:
        connection: of the caller's transaction.
        sensor_key: of a registered sensor.
        from_: included; None begins with the oldest.
        to: not included; None ends with the newest.
        after: the time of the last reading of the page before.
        limit: at most so many.
    """
    values = {
        "sensor_key": sensor_key,
        "from": from_ or _BEGINNING,
        "to": to or _END,
        "after": after,
        "limit": limit,
    }
    return [_reading(row) for row in connection.execute(_QUERIES["list_readings"], values)]


def latest_readings(connection: Connection, *, sensor_ids: Sequence[str]) -> dict[str, Reading]:
    """The newest reading of each sensor by its own time, good or bad; sensors without one are missing."""
    rows = connection.execute(_QUERIES["latest_readings"], {"sensor_ids": list(sensor_ids)})
    return {row[0]: _reading(row) for row in rows}


def bucket_readings(
    connection: Connection,
    *,
    sensor_key: int,
    from_: datetime | None = None,
    to: datetime | None = None,
    every: str,
    time_zone: str = "UTC",
    limit: int,
) -> list[Bucket]:
    """Good readings of `[from_, to)` in buckets; a bucket without readings does not exist, so a gap stays a gap.

    The first and the last bucket hold only what lies in the window, so that a page may go on with `from_` at the
    next bucket's start. Buckets of hours come from the hourly aggregate, days from the daily or the hourly one where
    the zone's offsets allow it, everything else from the readings themselves.

    On TimescaleDB, data that comes more than an hour late reaches the aggregates with the next refresh, within
    minutes.

    Args:
        connection: of the caller's transaction.
        sensor_key: of a registered sensor.
        from_: included; None begins with the oldest.
        to: not included; None ends with the newest.
        every: a number and `s`, `m`, `h` or `d`; seconds to hours are counted in UTC, days in `time_zone`.
        time_zone: IANA name.
        limit: at most so many buckets.

    Raises:
        InvalidEvery: `every` is not of that form.
        UnknownTimeZone: there is no such zone.
    """
    width, is_days = parse_every(every)
    zone = _find_zone(time_zone if is_days else "UTC")
    window = (from_ or _BEGINNING, to or _END)
    values: dict[str, Any] = {
        "sensor_key": sensor_key,
        "from": window[0],
        "to": window[1],
        "width": width,
        "zone": zone.key,
        "limit": limit,
    }
    if is_days and zone.key == _DAILY_AGGREGATE_ZONE and is_timescale(connection):
        name = "bucket_day_timescale"
        values |= _whole(window, _DAY, zone)
    elif width % _HOUR == timedelta(0) and (not is_days or _has_whole_hour_offsets(zone.key)):
        name = "bucket_hour"
        values |= _whole(window, _HOUR, ZoneInfo("UTC"))
    else:
        name = "bucket_raw"
    rows = connection.execute(_QUERIES[name], values)
    return [Bucket(t=row[0], mean=row[1], min=row[2], max=row[3], n=row[4]) for row in rows]


def parse_every(text: str) -> tuple[timedelta, bool]:
    """The width of `text` like `30s`, `5m`, `1h`, `1d`, and whether it counts days.

    Raises:
        InvalidEvery: it is not of that form, or longer than a year.
    """
    match = _EVERY.fullmatch(text)
    width = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
    if match is None or width > MAX_EVERY:
        raise InvalidEvery(f"`every` is a number and s, m, h or d, at most a year, such as 5m or 1d, not {text[:40]!r}")
    return width, match[2] == "d"


def set_retention(connection: Connection, *, keep_raw_days: int | None) -> None:
    """Keep raw readings so many days, or for ever where None; the hourly and daily aggregates are always kept.

    Readings that come later than that are stored until the next drop, and no longer counted in the aggregates.

    Raises:
        InvalidRetention: it is less than MIN_KEEP_RAW_DAYS.
    """
    if keep_raw_days is not None and keep_raw_days < MIN_KEEP_RAW_DAYS:
        raise InvalidRetention(f"raw readings are kept at least {MIN_KEEP_RAW_DAYS} days")
    if find_retention(connection) == keep_raw_days:
        return
    connection.execute(_QUERIES["put_retention"], {"keep_raw_days": keep_raw_days})
    if not is_timescale(connection):
        return
    connection.execute(_QUERIES["remove_policies_timescale"])
    if keep_raw_days is not None:
        connection.execute(_QUERIES["add_retention_timescale"], {"keep_raw_days": keep_raw_days})
    connection.execute(_QUERIES["add_refresh_timescale"], {"keep_raw_days": keep_raw_days})


def find_retention(connection: Connection) -> int | None:
    """How many days raw readings are kept; None is for ever."""
    row = connection.execute(_QUERIES["find_retention"]).fetchone()
    return None if row is None else row[0]


def drop_expired_readings(connection: Connection) -> int:
    """Drop the native partitions behind the retention and return their number; TimescaleDB does it by its own policy.

    Raises:
        DatabaseUnavailable: writers held the table for too long; try again later.
    """
    if is_timescale(connection):
        return 0
    connection.execute(_QUERIES["wait_briefly"])
    row = connection.execute(_QUERIES["drop_expired_native"]).fetchone()
    return 0 if row is None else row[0]


def refresh_aggregates(url: str) -> None:
    """Bring TimescaleDB's aggregates up to date at once, as its policies do every few minutes; native ones always are.

    Args:
        url: of the database; a connection of its own is opened, because a refresh refuses a transaction.

    Raises:
        DatabaseUnavailable: it does not answer, or its own refresh went on for longer than REFRESH_WAIT_S.
    """
    with translate_errors(), psycopg.connect(url, autocommit=True) as connection:
        if is_timescale(connection):
            for name in ("refresh_hour_timescale", "refresh_day_timescale"):
                _refresh(connection, name)


def _refresh(connection: Connection, name: str) -> None:
    """Refresh one aggregate; TimescaleDB refuses instead of waiting while its own job does the same."""
    deadline = monotonic() + REFRESH_WAIT_S
    while True:
        try:
            connection.execute(_QUERIES[name])
        except psycopg.errors.LockNotAvailable:
            if monotonic() > deadline:
                raise
            sleep(_REFRESH_PAUSE_S)
        else:
            return


def _reading(row: tuple[Any, ...]) -> Reading:
    return Reading(sensor_id=row[0], t=row[1], v=row[2], q=Quality.BAD if row[3] else Quality.GOOD, seq=row[4])


def _whole(window: tuple[datetime, datetime], width: timedelta, zone: ZoneInfo) -> dict[str, datetime]:
    """The part of a window that whole hours or days fill; empty, and at the window's start, where none fits."""
    start = _floor(window[0], width, zone)
    if start < window[0]:
        start = _floor(start + width, width, zone)
    end = _floor(window[1], width, zone)
    if end <= start:
        return {"whole_from": window[0], "whole_to": window[0]}
    return {"whole_from": start, "whole_to": end}


def _floor(moment: datetime, width: timedelta, zone: ZoneInfo) -> datetime:
    if width == _DAY:
        local = moment.astimezone(zone)
        return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    return moment - (moment - _EPOCH) % width


def _find_zone(time_zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimeZone(f"there is no time zone {time_zone[:60]!r}") from error


@cache
def _has_whole_hour_offsets(time_zone: str) -> bool:
    """Whether the zone has never been, since 2000, a part of an hour away from UTC, as India is."""
    zone = ZoneInfo(time_zone)
    days = (datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=10 * i) for i in range(1500))
    return all((day.astimezone(zone).utcoffset() or timedelta(0)) % _HOUR == timedelta(0) for day in days)
