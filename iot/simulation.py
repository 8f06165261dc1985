"""A simulated bridge: gauges whose truth is known, with temperature, noise, faults and a scripted failure. Pure.

It is the demo's bridge and the tests' truth; `iot.publication` publishes it as real gauges would.
"""

import heapq
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

_DAY: Final = timedelta(days=1)
_YEAR: Final = timedelta(days=365.25)
_MIDSUMMER: Final = datetime(2000, 7, 20, 7, tzinfo=UTC)  # of the hottest day, 15 o'clock at UTC+8
_TERZAGHI_TERMS: Final = 200  # right to 1e-4 from a time factor of 1e-6 on


@dataclass(frozen=True, slots=True)
class Weather:
    """A temperature that goes with the year and the day.

    Attributes:
        mean: of the year. [Cel]
        yearly: half of the difference between summer and winter. [Cel]
        daily: half of the difference between day and night. [Cel]
    """

    mean: float = 16.0
    yearly: float = 11.0
    daily: float = 5.0

    def celsius(self, t: datetime) -> float:
        """The temperature at a time. [Cel]."""
        since = t - _MIDSUMMER
        return (
            self.mean
            + self.yearly * math.cos(2 * math.pi * (since / _YEAR))
            + self.daily * math.cos(2 * math.pi * ((since % _DAY) / _DAY))
        )


class LawKind(StrEnum):
    """How settlement goes on after a load."""

    EXPONENTIAL = "exponential"
    TERZAGHI = "terzaghi"


@dataclass(frozen=True, slots=True)
class SettlementLaw:
    """How a pier settles under a load.

    Attributes:
        final_mm: where it ends. [mm]
        time_constant: of the exponential law, after which 63 % of it are there; of Terzaghi's (1925) series, in which
            its time factor grows by 1.
        kind: which law.
    """

    final_mm: float = 20.0
    time_constant: timedelta = timedelta(days=30)
    kind: LawKind = LawKind.EXPONENTIAL

    def settlement_mm(self, age: timedelta) -> float:
        """The true settlement so long after loading. [mm]."""
        factor = max(age / self.time_constant, 0.0)
        if self.kind is LawKind.EXPONENTIAL:
            return self.final_mm * (1 - math.exp(-factor))
        if factor == 0:
            return 0.0
        rows = ((math.pi * (2 * m + 1) / 2) ** 2 for m in range(_TERZAGHI_TERMS))
        return self.final_mm * (1 - sum(2 / row * math.exp(-row * factor) for row in rows))


@dataclass(frozen=True, slots=True)
class Failure:
    """A movement beside the law that grows faster and faster, as under a scoured footing, and then stands still.

    Attributes:
        begins_at: nothing before. Aware.
        lasts: until it stands still.
        size_mm: all of it. [mm]
    """

    begins_at: datetime
    lasts: timedelta
    size_mm: float

    def movement_mm(self, t: datetime) -> float:
        """The movement at a time: its growth is e-fold in each quarter of its time. [mm]."""
        share = min(max((t - self.begins_at) / self.lasts, 0.0), 1.0)
        return self.size_mm * math.expm1(4 * share) / math.expm1(4.0)


class FaultKind(StrEnum):
    """What may be wrong with a gauge."""

    STUCK = "stuck"
    GAP = "gap"
    SPIKES = "spikes"
    DRIFT = "drift"
    OUT_OF_RANGE = "out_of_range"


@dataclass(frozen=True, slots=True)
class Fault:
    """A time in which a gauge does not tell the truth.

    Attributes:
        begins_at: included. Aware.
        ends_at: not included. Aware.
        size_mm: height of a spike, the drift at its end, or what a gauge says that is out of range. [mm]
    """

    kind: FaultKind
    begins_at: datetime
    ends_at: datetime
    size_mm: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """A movement that goes away again, such as under a load that stands on the bridge for a time.

    Attributes:
        begins_at: nothing before. Aware.
        ends_at: nothing from here on. Aware.
        size_mm: while it stands; it comes and goes within a tenth of its time each. [mm]
    """

    begins_at: datetime
    ends_at: datetime
    size_mm: float

    def movement_mm(self, t: datetime) -> float:
        """The movement at a time. [mm]."""
        share = (t - self.begins_at) / (self.ends_at - self.begins_at)
        return self.size_mm * max(0.0, min(1.0, 10 * share, 10 * (1 - share)))


@dataclass(frozen=True, slots=True)
class Gauge:
    """A simulated gauge on a pier.

    Attributes:
        noise_mm: standard deviation of its own noise. [mm]
        per_degree_mm: its movement by temperature, for each degree above the weather's mean. [mm/Cel]
        loaded_at: when the load came on. Aware.
        loads: movements that go away again.
        resolution_mm: the smallest step that it can tell. [mm]
    """

    sensor_id: str
    law: SettlementLaw
    loaded_at: datetime
    noise_mm: float = 0.05
    per_degree_mm: float = 0.02
    failure: Failure | None = None
    faults: tuple[Fault, ...] = ()
    loads: tuple[Load, ...] = ()
    resolution_mm: float = 0.0001

    def true_mm(self, t: datetime) -> float:
        """The settlement alone, with what loads add to it. [mm]."""
        moved = self.law.settlement_mm(t - self.loaded_at) + sum(load.movement_mm(t) for load in self.loads)
        return moved if self.failure is None else moved + self.failure.movement_mm(t)


@dataclass(frozen=True, slots=True)
class SimulatedReading:
    """One reading of a simulated gauge, with what it would be without noise, temperature and faults.

    Attributes:
        t: the reading's own time. UTC.
        v: what the gauge says. [mm], of a thermometer [Cel]
        seq: the gauge's counter.
        true_mm: the settlement alone; of a thermometer the temperature. [mm] or [Cel]
    """

    sensor_id: str
    t: datetime
    v: float
    seq: int
    true_mm: float


def simulate_gauge(
    gauge: Gauge,
    *,
    weather: Weather,
    start: datetime,
    every: timedelta,
    seed: int,
    end: datetime | None = None,
) -> Iterator[SimulatedReading]:
    """The gauge's readings: the same for the same arguments.

    Args:
        gauge: which.
        weather: on its pier.
        start: of the first reading. Aware.
        every: between two readings.
        seed: of the noise.
        end: not included; None goes on for ever.

    Yields:
        Readings by time; none in a gap.
    """
    noise = random.Random(f"{seed} {gauge.sensor_id}")  # noqa: S311 - it must be repeatable, not secret
    last: float | None = None
    for seq, t in _moments(start, every, end):
        true_mm = gauge.true_mm(t)
        v = true_mm + gauge.per_degree_mm * (weather.celsius(t) - weather.mean) + noise.gauss(0.0, gauge.noise_mm)
        draw = noise.random()
        faults = [each for each in gauge.faults if each.begins_at <= t < each.ends_at]
        for fault in faults:
            v = _spoil(v, fault, t=t, last=last, draw=draw)
        if any(fault.kind is FaultKind.GAP for fault in faults):
            continue
        last = v
        told = round(round(v / gauge.resolution_mm) * gauge.resolution_mm, 6)
        yield SimulatedReading(gauge.sensor_id, t, told, seq, true_mm)


def simulate_thermometer(
    sensor_id: str,
    *,
    weather: Weather,
    start: datetime,
    every: timedelta,
    seed: int,
    end: datetime | None = None,
    noise: float = 0.1,
) -> Iterator[SimulatedReading]:
    """Readings of a thermometer in this weather, by time; the arguments are those of `simulate_gauge`. [Cel]."""
    errors = random.Random(f"{seed} {sensor_id}")  # noqa: S311 - it must be repeatable, not secret
    for seq, t in _moments(start, every, end):
        celsius = weather.celsius(t)
        yield SimulatedReading(sensor_id, t, round(celsius + errors.gauss(0.0, noise), 2), seq, celsius)


def merge_series(series: Sequence[Iterator[SimulatedReading]]) -> Iterator[SimulatedReading]:
    """The readings of several sensors in one stream, by time."""
    return heapq.merge(*series, key=lambda reading: reading.t)


def _moments(start: datetime, every: timedelta, end: datetime | None) -> Iterator[tuple[int, datetime]]:
    seq = 0
    while end is None or start + seq * every < end:
        yield seq, start + seq * every
        seq += 1


def _spoil(v: float, fault: Fault, *, t: datetime, last: float | None, draw: float) -> float:
    if fault.kind is FaultKind.STUCK and last is not None:
        return last
    if fault.kind is FaultKind.SPIKES and draw < _SPIKE_SHARE:
        return v + fault.size_mm
    if fault.kind is FaultKind.DRIFT:
        return v + fault.size_mm * ((t - fault.begins_at) / (fault.ends_at - fault.begins_at))
    if fault.kind is FaultKind.OUT_OF_RANGE:
        return fault.size_mm
    return v


_SPIKE_SHARE: Final = 0.02  # of the readings
