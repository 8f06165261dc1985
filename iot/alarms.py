"""Alarms in event time: what new readings do to a sensor's alarm and to the trust in its gauge. Pure.

State in, readings in, state and changes out: the same whether readings come at once or one by one. A level trips by its
value or by its rate, is raised when that is confirmed, and ends when the value has come back for as long. Nothing is
confirmed and nothing ends across a gap. What is wrong with the gauge itself is `iot.gauge_health`; what a finding looks
like is `iot.alarm_finding`; what late readings change is `iot.rejudgement`. See docs/decisions/0007.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from domain.alarm import EndReason, GaugeFault
from domain.sensor import AlarmLevel, Sensor, SensorKind
from iot.alarm_state import AlarmState, LevelState
from iot.calm_stretch import pass_calm
from iot.change_rate import RATE_STEP_S, see_rate
from iot.gauge_health import FaultEnded, FaultRaised, Gauge, see_interval, see_outside, see_value
from storage.keyed_reading import GOOD, OUT_OF_RANGE

# Without `for_n` and `for_s` a level needs three readings: a spike of a gauge is one reading, sometimes two, and twice
# by chance in a row within the confirmation is rarer than once in many sensor-years (benchmarks/alarms.py).
DEFAULT_FOR_N: Final = 3
# With `for_s` alone, two readings so far apart; one reading proves nothing, however long the silence after it.
DEFAULT_FOR_N_WITH_S: Final = 2
SPIKING_FOR_N: Final = 6  # of a gauge that spikes, in a row without exception: an alarm comes later, and it comes
# One reading that says otherwise does not interrupt what the others say; two do.
MAX_CONTRARY: Final = 1
NOISE_HYSTERESIS: Final = 3.0  # of the median step between readings, where the level gives no hysteresis
MAX_NOISE_HYSTERESIS: Final = 0.1  # of the limit
RATE_HYSTERESIS: Final = 0.8  # of the limit, where a rate has come back


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """A level was reached and held.

    Attributes:
        value: of the reading that confirmed it, from the baseline; the rate where `quantity` is `rate_per_day`.
            [unit or unit/d]
        quantity: `above`, `below` or `rate_per_day`: which limit was exceeded.
        limit: that limit.
        since: the time of the first reading beyond it.
        at: the time of the reading that confirmed it.
        is_gauge_doubtful: whether the gauge was judged broken at that time.
    """

    level: AlarmLevel
    quantity: str
    value: float
    limit: float
    since: datetime
    at: datetime
    is_gauge_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class AlarmEnded:
    """The value came back from a level, or the sensor no longer has the level.

    Attributes:
        since: when the alarm that ended had begun.
        at: the time of the reading that confirmed it.
    """

    level: str
    since: datetime
    at: datetime
    reason: EndReason = EndReason.CLEARED


Change = AlarmRaised | AlarmEnded | FaultRaised | FaultEnded
# Time [s since 1970], value [unit], quality: GOOD or OUT_OF_RANGE.
JudgedReading = tuple[float, float, int]


@dataclass(frozen=True, slots=True)
class Watch:
    """What judging needs to know of a sensor.

    Attributes:
        levels: from the mildest to the severest.
        baseline: what `above` and `below` count from. [unit]
        suppressions: (from, to) of the times in which nothing is raised. [s since 1970]
        low: no level is tripped by a value from here ... [unit]
        high: ... to here. [unit]
        rules: a digest of what the levels are, so that a change of them is noticed.
    """

    levels: tuple[AlarmLevel, ...]
    baseline: float
    suppressions: tuple[tuple[float, float], ...]
    gauge: Gauge
    low: float
    high: float
    needs_rate: bool
    rules: int


def make_watch(sensor: Sensor) -> Watch:
    """What judging needs of a sensor. Where the profile has a baseline, the limits are of the movement since then."""
    baseline = sensor.profile.baseline or 0.0
    below = [level.below for level in sensor.alarms if level.below is not None]
    above = [level.above for level in sensor.alarms if level.above is not None]
    return Watch(
        levels=sensor.alarms,
        baseline=baseline,
        suppressions=tuple((each.from_.timestamp(), each.to.timestamp()) for each in sensor.profile.suppressions),
        gauge=Gauge(resolution=sensor.profile.resolution or 0.0, can_stick=sensor.kind is not SensorKind.RAIN),
        low=baseline + max(below) if below else float("-inf"),
        high=baseline + min(above) if above else float("inf"),
        needs_rate=any(level.rate_per_day is not None for level in sensor.alarms),
        rules=zlib.crc32(repr((sensor.alarms, baseline)).encode()),
    )


def is_watched(sensor: Sensor) -> bool:
    """Whether a sensor's readings are judged at all: where it has levels, or must not be silent."""
    return bool(sensor.alarms) or sensor.stale_after_s is not None


def judge_readings(
    watch: Watch, state: AlarmState, readings: Iterable[JudgedReading]
) -> tuple[AlarmState, list[Change]]:
    """What new readings of one sensor do to its alarm.

    Args:
        watch: of the sensor; what the state holds of other levels is forgotten.
        state: after the last call; it is left as it is.
        readings: by time; those not newer than the state are passed over.

    Returns:
        The new state, and what was raised and ended, in the order of time.
    """
    new = state.copy()
    changes: list[Change] = []
    _apply_rules(watch, new, changes)
    rest = iter(readings)
    while (reading := pass_calm(watch, new, rest)) is not None:
        judge_reading(watch, new, reading, changes)
    return new, changes


def judge_reading(watch: Watch, state: AlarmState, reading: JudgedReading, changes: list[Change]) -> None:
    """What one reading of any kind does.

    Args:
        watch: of the sensor, whose levels are those of the state.
        state: changed in place.
        reading: passed over where it is not newer than the state.
        changes: what begins or ends is added.
    """
    at, value, q = reading
    if state.newest is not None and at <= state.newest:
        return
    state.newest = at
    if q != GOOD:
        if q == OUT_OF_RANGE:
            see_outside(state, at, value, changes)
        return
    see_interval(state, at)
    see_value(watch.gauge, state, at, value, changes)
    if watch.needs_rate:
        see_rate(state, at, value)
    if watch.needs_rate or state.levels or is_beyond_levels(watch, value):
        for level in watch.levels:
            _judge_level(watch, level, state, value, changes)


def is_beyond_levels(watch: Watch, value: float) -> bool:
    """Whether a value would trip any level by itself."""
    return value > watch.high or value < watch.low


def is_consequential(watch: Watch, state: AlarmState, reading: JudgedReading) -> bool:
    """Whether a reading that is older than the newest may change what was judged.

    It may where it lies beyond a level or outside of the range, where an alarm or a fault was under way at its time or
    ended later, or where it comes so late that a rate may become another. A normal reading of a quiet time does not:
    two collectors that share a sensor bring every second reading late.
    """
    at, value, q = reading
    return (
        q != GOOD
        or is_beyond_levels(watch, value)
        or at <= state.quiet_since
        or any(each.since <= at for each in state.levels.values())
        or any(since <= at for since in state.faults.values())
        or (watch.needs_rate and state.newest is not None and at < state.newest - RATE_STEP_S)
    )


def exceeding(watch: Watch, level: AlarmLevel, state: AlarmState, value: float) -> tuple[str, float, float] | None:
    """Which limit of a level a value exceeds: the limit's name, what exceeds it, and the limit; None where none is.

    A rate that may be noise exceeds nothing.
    """
    moved = value - watch.baseline
    if level.above is not None and moved > level.above:
        return "above", moved, level.above
    if level.below is not None and moved < level.below:
        return "below", moved, level.below
    rate = state.rate
    if level.rate_per_day is not None and rate is not None and abs(rate) > max(level.rate_per_day, state.rate_noise):
        return "rate_per_day", rate, level.rate_per_day
    return None


def _apply_rules(watch: Watch, state: AlarmState, changes: list[Change]) -> None:
    """Forget levels that the sensor no longer has; what came before a change of the levels is not judged again."""
    if state.rules == watch.rules:
        return
    if state.rules is not None:
        state.rules_from = state.newest
    state.rules = watch.rules
    names = {level.level for level in watch.levels}
    for name in [name for name in state.levels if name not in names]:
        gone = state.levels.pop(name)
        if gone.is_raised and state.newest is not None:
            at = to_time(state.newest)
            changes.append(AlarmEnded(name, to_time(gone.since), at, EndReason.LEVEL_REMOVED))


def _judge_level(watch: Watch, level: AlarmLevel, state: AlarmState, value: float, changes: list[Change]) -> None:
    beyond = exceeding(watch, level, state, value)
    own = state.levels.get(level.level)
    if own is None:
        if beyond is None:
            return
        own = state.levels[level.level] = LevelState(since=state.at)
    if own.is_raised:
        is_back = beyond is None and _has_come_back(watch, level, state, value)
        _follow_raised(level, state, own, changes, is_back=is_back)
    elif beyond is not None:
        _follow_pending(watch, level, state, own, beyond, changes)
    else:
        own.contrary += 1
        if state.is_gap or own.contrary > (0 if GaugeFault.SPIKING in state.faults else MAX_CONTRARY):
            del state.levels[level.level]
            state.quiet_since = state.at


def _follow_pending(
    watch: Watch,
    level: AlarmLevel,
    state: AlarmState,
    own: LevelState,
    beyond: tuple[str, float, float],
    changes: list[Change],
) -> None:
    if state.is_gap:
        own.since, own.n = state.at, 0
    own.n += 1
    own.contrary = 0
    faults = state.faults
    needed = needed_readings(level)
    if GaugeFault.SPIKING in faults:
        needed = max(needed, SPIKING_FOR_N)
    if own.n < needed or state.at - own.since < level.for_s:
        return
    own.is_held = GaugeFault.DRIFTING in faults and _is_explained_by_drift(watch, level, state, beyond)
    own.is_suppressed = is_suppressed(watch, state.at)
    if own.is_held or own.is_suppressed:
        return
    own.is_raised, own.n = True, 0
    since, at = to_time(own.since), to_time(state.at)
    changes.append(AlarmRaised(level, *beyond, since, at, is_gauge_doubtful=bool(faults)))


def _follow_raised(
    level: AlarmLevel, state: AlarmState, own: LevelState, changes: list[Change], *, is_back: bool
) -> None:
    if state.is_gap:
        own.n = own.contrary = 0
    if not is_back:
        own.contrary += 1
        if own.contrary > MAX_CONTRARY:
            own.n = own.contrary = 0
        return
    # A gauge that never moves is dead: a torn cable that says 0 for ever does not end an alarm.
    if GaugeFault.STUCK in state.faults or (state.run > 1 and state.is_lively):
        return
    if own.n == 0:
        own.back_since = state.at
    own.n += 1
    own.contrary = 0
    if own.n >= needed_readings(level) and state.at - own.back_since >= level.for_s:
        del state.levels[level.level]
        state.quiet_since = state.at
        changes.append(AlarmEnded(level.level, to_time(own.since), to_time(state.at)))


def _is_explained_by_drift(
    watch: Watch, level: AlarmLevel, state: AlarmState, beyond: tuple[str, float, float]
) -> bool:
    """Whether the gauge, as its twin says it would, is not beyond the limit; of a rate it cannot be told.

    The severest level is never explained: which of the two gauges drifts is not known, so somebody comes.
    """
    if level is watch.levels[-1]:
        return False
    quantity, moved, limit = beyond
    if quantity == "rate_per_day":
        return True
    return moved - state.parting <= limit if quantity == "above" else moved - state.parting >= limit


def needed_readings(level: AlarmLevel) -> int:
    """By how many readings a level must be exceeded before it is raised."""
    if level.for_n is not None:
        return level.for_n
    return DEFAULT_FOR_N_WITH_S if level.for_s > 0 else DEFAULT_FOR_N


def is_suppressed(watch: Watch, at: float) -> bool:
    """Whether nothing is raised at a time. [s since 1970]."""
    return any(first <= at < last for first, last in watch.suppressions)


def _has_come_back(watch: Watch, level: AlarmLevel, state: AlarmState, value: float) -> bool:
    """Whether every limit is known to be kept, the value's by its hysteresis; an unknown rate ends nothing."""
    moved = value - watch.baseline
    return (
        (level.above is None or moved <= level.above - _hysteresis(level, state, level.above))
        and (level.below is None or moved >= level.below + _hysteresis(level, state, level.below))
        and (
            level.rate_per_day is None
            or (state.rate is not None and abs(state.rate) <= RATE_HYSTERESIS * level.rate_per_day)
        )
    )


def _hysteresis(level: AlarmLevel, state: AlarmState, limit: float) -> float:
    if level.hysteresis > 0:
        return level.hysteresis
    return min(NOISE_HYSTERESIS * state.step, MAX_NOISE_HYSTERESIS * abs(limit))


def to_time(at: float) -> datetime:
    """The time of seconds since 1970. Aware, UTC."""
    return datetime.fromtimestamp(at, UTC)
