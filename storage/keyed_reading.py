"""Readings on their way into the table: one by one as rows, and a batch of them column by column.

A batch is sorted, thinned and written as columns, because a row of Python's objects costs as much as storing it. What
the table holds afterwards is `storage.reading`'s to say.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise, product
from math import isnan, nan
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Of a reading, as `q` in the table.
GOOD: Final = 0
BAD: Final = 1  # by the gauge's own word
OUT_OF_RANGE: Final = 2  # of the sensor's own
UNCORRECTED: Final = 3  # the other sensor that its calibration needs said nothing at the time

_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# PostgreSQL counts from 2000-01-01, which is 10,957 days later.
_POSTGRESQL_EPOCH_US: Final = 10_957 * 86_400 * 1_000_000
# Of the binary format of COPY (PostgreSQL's documentation, COPY, "File Formats"): signature, flags, no extension.
_COPY_HEADER: Final = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TRAILER: Final = b"\xff\xff"
_NULL: Final = -1  # in place of a value's size


class KeyedReading(NamedTuple):
    """One reading.

    Attributes:
        sensor_key: the registered sensor's small number.
        t: the reading's own time; aware.
        v: derived, in the sensor's unit, finite.
        raw: what the gauge said before calibration; None where it is `v`.
        q: GOOD, or why it is not.
        seq: the gauge's own counter.
    """

    sensor_key: int
    t: datetime
    v: float
    raw: float | None = None
    q: int = GOOD
    seq: int | None = None

    @property
    def is_bad(self) -> bool:
        """Whether it counts for nothing but the record."""
        return self.q != GOOD


@dataclass(slots=True)
class ReadingLists:
    """Readings being gathered, a list for each column of `ReadingColumns`."""

    sensor_key: list[int] = field(default_factory=list)
    t_us: list[int] = field(default_factory=list)
    v: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    q: list[int] = field(default_factory=list)
    seq: list[int | None] = field(default_factory=list)

    def append(self, reading: KeyedReading) -> None:
        """Add one."""
        self.sensor_key.append(reading.sensor_key)
        self.t_us.append(to_microseconds(reading.t))
        self.v.append(reading.v)
        self.raw.append(nan if reading.raw is None else reading.raw)
        self.q.append(reading.q)
        self.seq.append(reading.seq)

    def extend(
        self, sensor_key: int, *, t_us: Sequence[int], v: Sequence[float], q: Sequence[int], seq: Sequence[int | None]
    ) -> None:
        """Add several of one sensor, whose values are as the gauge said them."""
        self.sensor_key += [sensor_key] * len(v)
        self.t_us += t_us
        self.v += v
        self.raw += [nan] * len(v)
        self.q += q
        self.seq += seq

    def to_columns(self) -> "ReadingColumns":
        """What was gathered."""
        return ReadingColumns(
            sensor_key=np.array(self.sensor_key, np.int32),
            t_us=np.array(self.t_us, np.int64),
            v=np.array(self.v, np.float64),
            raw=np.array(self.raw, np.float64),
            q=np.array(self.q, np.int16),
            seq=np.array([0 if each is None else each for each in self.seq], np.int64),
            has_seq=np.array([each is not None for each in self.seq], np.bool_),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ReadingColumns:
    """A batch of readings, each column of shape (N,).

    Attributes:
        sensor_key: of the registered sensors.
        t_us: their own times, since 1970 in UTC. [us]
        v: derived, in the sensor's unit, finite.
        raw: what the gauge said before calibration; NaN where it is `v`.
        q: GOOD, or why it is not.
        seq: the gauge's own counter.
        has_seq: whether it said one.
    """

    sensor_key: NDArray[np.int32]
    t_us: NDArray[np.int64]
    v: NDArray[np.float64]
    raw: NDArray[np.float64]
    q: NDArray[np.int16]
    seq: NDArray[np.int64]
    has_seq: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.v)

    def take(self, places: NDArray[Any] | slice) -> "ReadingColumns":
        """Those at these places, or where these are true."""
        return ReadingColumns(*(column[places] for column in _list_columns(self)))

    def put_in_order(self) -> "ReadingColumns":
        """By sensor and time, and of several with the same sensor and time only the first."""
        order = np.lexsort((self.t_us, self.sensor_key))  # which is stable
        key, t_us = self.sensor_key[order], self.t_us[order]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = (key[1:] != key[:-1]) | (t_us[1:] != t_us[:-1])
        return self.take(order[is_first])

    def leave_out(self, keys: Container[tuple[int, int]]) -> "ReadingColumns":
        """Those of which (sensor_key, t_us) is not among these."""
        own = zip(self.sensor_key.tolist(), self.t_us.tolist(), strict=True)
        return self.take(np.array([each not in keys for each in own], np.bool_))

    def split(self) -> "Iterator[tuple[int, ReadingColumns]]":
        """The readings of each sensor with its key; of columns that are in order."""
        bounds = [0, *(np.flatnonzero(np.diff(self.sensor_key)) + 1).tolist(), len(self)]
        for first, last in pairwise(bounds) if len(self) else ():
            yield int(self.sensor_key[first]), self.take(slice(first, last))

    def list_ends(self) -> tuple[datetime, datetime]:
        """The times of the first and the last; of columns of one sensor that are in order, and not empty. UTC."""
        return to_time(int(self.t_us[0])), to_time(int(self.t_us[-1]))

    def list_seconds(self) -> list[float]:
        """Their times since 1970, as `datetime.timestamp` has them. [s]."""
        seconds: list[float] = (self.t_us / 1e6).tolist()
        return seconds

    def list_months(self) -> list[date]:
        """The first days of the months, in UTC, in which they lie."""
        months: list[date] = np.unique(self.t_us.astype("M8[us]").astype("M8[M]")).astype("M8[D]").tolist()
        return months

    def list_rows(self) -> list[KeyedReading]:
        """The same, one by one. UTC."""
        return [
            KeyedReading(key, to_time(t_us), v, None if isnan(raw) else raw, q, seq if has_seq else None)
            for key, t_us, v, raw, q, seq, has_seq in zip(*(each.tolist() for each in _list_columns(self)), strict=True)
        ]

    def write_copy(self) -> bytes:
        """What COPY reads in its binary format: sensor_key, t, v, raw, q and seq of each; not in their order."""
        has_raw = ~np.isnan(self.raw)
        rows = b""
        for with_raw, with_seq in product((False, True), repeat=2):
            alike = self.take((has_raw == with_raw) & (self.has_seq == with_seq))
            rows += _write_rows(alike, with_raw=with_raw, with_seq=with_seq)
        return _COPY_HEADER + rows + _COPY_TRAILER


def gather(readings: Iterable[KeyedReading]) -> ReadingColumns:
    """Readings as columns, in their order."""
    lists = ReadingLists()
    for each in readings:
        lists.append(each)
    return lists.to_columns()


def concatenate(batches: Sequence[ReadingColumns]) -> ReadingColumns:
    """All of several batches; at least one."""
    return ReadingColumns(*(np.concatenate(each) for each in zip(*map(_list_columns, batches), strict=True)))


def to_microseconds(t: datetime) -> int:
    """A moment since 1970. Aware. [us]."""
    return (t - _UNIX) // _MICROSECOND


def to_time(t_us: int) -> datetime:
    """The inverse. UTC."""
    return _UNIX + timedelta(microseconds=t_us)


def _list_columns(readings: ReadingColumns) -> tuple[NDArray[Any], ...]:
    return (
        readings.sensor_key,
        readings.t_us,
        readings.v,
        readings.raw,
        readings.q,
        readings.seq,
        readings.has_seq,
    )


def _write_rows(readings: ReadingColumns, *, with_raw: bool, with_seq: bool) -> bytes:
    """Rows of which all or none have a raw value, and all or none a counter, so that they are equally long."""
    rows = np.zeros(len(readings), _make_row_type(with_raw=with_raw, with_seq=with_seq))
    values = (
        ("sensor_key", readings.sensor_key),
        ("t", readings.t_us - _POSTGRESQL_EPOCH_US),
        ("v", readings.v),
        ("raw", readings.raw if with_raw else None),
        ("q", readings.q),
        ("seq", readings.seq if with_seq else None),
    )
    rows["fields"] = len(values)
    for name, column in values:
        rows[f"{name}_size"] = _NULL if column is None else rows[name].itemsize
        if column is not None:
            rows[name] = column
    return rows.tobytes()


@cache
def _make_row_type(*, with_raw: bool, with_seq: bool) -> "np.dtype[np.void]":
    """A row as COPY has it: the number of fields, then of each its size and, where it is not null, its value."""
    fields = [("fields", ">i2")]
    for name, kind in (
        ("sensor_key", ">i4"),
        ("t", ">i8"),
        ("v", ">f8"),
        ("raw", ">f8" if with_raw else None),
        ("q", ">i2"),
        ("seq", ">i8" if with_seq else None),
    ):
        fields += [(f"{name}_size", ">i4")] + ([] if kind is None else [(name, kind)])
    return np.dtype(fields)
