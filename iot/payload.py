"""What the decoders of every payload format share: limits, the rules for a time and a value, and how an item fails."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, NamedTuple

from domain.errors import Invalid, SiteproofError
from storage.keyed_reading import to_microseconds, to_time

MAX_PAYLOAD_BYTES: Final = 1_000_000  # a day of one reading a second in JSON is four of these
MAX_READINGS: Final = 10_000  # in one message; keeps the longest transaction of one message under a second
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)  # before any gauge that speaks MQTT; clocks without battery say 1970
# A gateway whose clock is set to local time but sends it as UTC is up to 14 hours ahead: its record is worth keeping,
# and is seen to be ahead. Further than a day is no clock.
MAX_AHEAD: Final = timedelta(hours=24)


class PayloadTooLarge(Invalid):
    """A message of more than MAX_PAYLOAD_BYTES."""

    code: ClassVar[str] = "payload.too_large"


class TooManyReadings(Invalid):
    """A message of more than MAX_READINGS."""

    code: ClassVar[str] = "payload.too_many_readings"


class PayloadNotJson(Invalid):
    """Bytes that are no JSON text."""

    code: ClassVar[str] = "payload.not_json"


class NotAReading(Invalid):
    """JSON, but not an object with a time and a value, nor a list of such."""

    code: ClassVar[str] = "payload.not_a_reading"


class BadTime(Invalid):
    """A time that is missing, or neither RFC 3339 with an offset nor milliseconds since 1970."""

    code: ClassVar[str] = "reading.bad_time"


class ImplausibleTime(Invalid):
    """A time before EARLIEST, or more than MAX_AHEAD after the message came."""

    code: ClassVar[str] = "reading.implausible_time"


class NotANumber(Invalid):
    """A value that is missing, not finite, too large, or text."""

    code: ClassVar[str] = "reading.not_a_number"


class BadSequence(Invalid):
    """A `seq` that is not a whole number of 64 bits."""

    code: ClassVar[str] = "reading.bad_sequence"


class BadQuality(Invalid):
    """A `q` other than good and bad."""

    code: ClassVar[str] = "reading.bad_quality"


class GaugeReading(NamedTuple):
    """What a gauge said, before its sensor is known; a plain tuple.

    Attributes:
        t: its own time. UTC.
        v: finite, as the gauge says it.
        is_bad: by the gauge's own word.
        seq: the gauge's own counter.
    """

    t: datetime
    v: float
    is_bad: bool
    seq: int | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """One item of a message that cannot be a reading, with its own bytes; its neighbours are not lost."""

    item: bytes
    error: SiteproofError


@dataclass(slots=True)
class GaugeReadings:
    """What one gauge said in one message, column by column, because there are tens of thousands of readings a second.

    Attributes:
        t_us: their own times, since 1970 in UTC. [us]
        v: finite, as the gauge says them.
        is_bad: by the gauge's own word.
        seq: the gauge's own counter.
        rejected: the items that are no readings.
    """

    t_us: list[int] = field(default_factory=list)
    v: list[float] = field(default_factory=list)
    is_bad: list[bool] = field(default_factory=list)
    seq: list[int | None] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    def append(self, reading: GaugeReading) -> None:
        """Add one."""
        self.t_us.append(to_microseconds(reading.t))
        self.v.append(reading.v)
        self.is_bad.append(reading.is_bad)
        self.seq.append(reading.seq)

    def list_readings(self) -> list[GaugeReading]:
        """The same, one by one."""
        columns = zip(map(to_time, self.t_us), self.v, self.is_bad, self.seq, strict=True)
        return [GaugeReading(*row) for row in columns]


def gather_readings(readings: Iterable[GaugeReading]) -> GaugeReadings:
    """Readings of one gauge as columns, in their order."""
    gathered = GaugeReadings()
    for each in readings:
        gathered.append(each)
    return gathered


def require_plausible(t: datetime, *, arrived_at: datetime) -> datetime:
    """Return `t` if a reading may have that time.

    Raises:
        ImplausibleTime: it lies before EARLIEST, or more than MAX_AHEAD after `arrived_at`.
    """
    if t < EARLIEST:
        raise ImplausibleTime(f"{t.isoformat()} lies before {EARLIEST.date()}: the gauge's clock was not set")
    if t - arrived_at > MAX_AHEAD:
        raise ImplausibleTime(f"{t.isoformat()} lies more than a day after its arrival")
    return t


def require_finite(value: object) -> float:
    """Return `value` as a float if it is a number; true, false and text are none.

    Raises:
        NotANumber: it is none, or not finite, or larger than a float can be.
    """
    kind = type(value)
    if kind is float or kind is int:
        try:
            number = float(value)  # type: ignore[arg-type]
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise NotANumber(f"the value is not a finite number: {str(value)[:60]}" if kind is not int else "it is too large")
