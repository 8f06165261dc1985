"""Alarms in event time: when a sensor's values reach a level, and when they have come back. Pure: state in, state out.

A level trips by its value or by its rate, holds for its confirmation time by the readings' own times, and ends when
the value has come back by its hysteresis. Bad readings say nothing. A reading older than the newest one judged changes
nothing. What a finding looks like is in `iot.alarm_finding`; where the state is kept is `storage.alarm_state`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from domain.errors import Invalid
from domain.sensor import AlarmLevel
from iot.payload import NotANumber, require_finite

MAX_LEVELS: Final = 10
MAX_LEVEL_NAME: Final = 40
MAX_ACTION: Final = 1000
_KEYS: Final = {"level", "action", "above", "below", "rate_per_day", "for_s", "hysteresis"}

DAY_S: Final = 86_400.0
# A rate is a least-squares slope over the last day. Half a day is the least that it is said from: over less, the noise
# of a gauge (0.1 mm in an hour is 2.4 mm/d) would be taken for movement.
MIN_RATE_SPAN_S: Final = DAY_S / 2
MAX_RATE_SPAN_S: Final = 7 * DAY_S  # a reading before a longer gap says nothing of today's rate
RATE_STEP_S: Final = 900.0  # readings closer than this are thinned, so that a state has about a hundred points at most


class InvalidAlarm(Invalid):
    """An alarm level that is not of the form of DESIGN.md's `alarms`."""

    code: ClassVar[str] = "sensor.invalid_alarm"


class AlarmWithoutAction(Invalid):
    """A level that does not say who does what by when."""

    code: ClassVar[str] = "sensor.alarm_without_action"


class AlarmWithoutLimit(Invalid):
    """A level that nothing could ever reach."""

    code: ClassVar[str] = "sensor.alarm_without_limit"


class DuplicateAlarmLevel(Invalid):
    """Two levels of one sensor have the same name."""

    code: ClassVar[str] = "sensor.duplicate_alarm_level"


class TooManyAlarms(Invalid):
    """More than MAX_LEVELS levels."""

    code: ClassVar[str] = "sensor.too_many_alarms"


@dataclass(frozen=True, slots=True)
class AlarmRaised:
    """A level was reached and held.

    Attributes:
        value: of the reading that confirmed it, or the rate where `quantity` is `rate_per_day`. [unit or unit/d]
        quantity: `above`, `below` or `rate_per_day`: which limit was exceeded.
        limit: that limit.
        since: the time of the first reading beyond it.
        at: the time of the reading that confirmed it.
    """

    level: AlarmLevel
    value: float
    quantity: str
    limit: float
    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class AlarmCleared:
    """The value came back from a level by more than its hysteresis.

    Attributes:
        value: of the reading that ended it. [unit]
        since: when the alarm that ended had begun.
        at: the time of the reading that ended it.
    """

    level: AlarmLevel
    value: float
    since: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class LevelState:
    """Where one level stands that is beyond its limit: since when, and whether it is confirmed."""

    since: datetime
    is_raised: bool


@dataclass(frozen=True, slots=True)
class AlarmState:
    """Where a sensor's alarm stands.

    Attributes:
        newest: the time of the newest reading judged; None before the first.
        levels: those beyond their limit, by name.
        window: thinned (seconds since 1970, value) of the last day, oldest first; empty where no level asks for a rate.
    """

    newest: datetime | None = None
    levels: Mapping[str, LevelState] = field(default_factory=dict)
    window: tuple[tuple[float, float], ...] = ()


def parse_alarms(given: Sequence[Mapping[str, Any]]) -> tuple[AlarmLevel, ...]:
    """The levels of a sensor, from the mildest to the severest, as given.

    Raises:
        AlarmWithoutAction: a level does not say who does what by when.
        AlarmWithoutLimit: a level has none of `above`, `below` and `rate_per_day`.
        DuplicateAlarmLevel: a name stands twice.
        TooManyAlarms: there are more than MAX_LEVELS.
        InvalidAlarm: anything else that cannot be worked with.
    """
    if len(given) > MAX_LEVELS:
        raise TooManyAlarms(f"a sensor has at most {MAX_LEVELS} alarm levels")
    levels = tuple(_parse_level(each) for each in given)
    if len({level.level for level in levels}) != len(levels):
        raise DuplicateAlarmLevel("each alarm level has a name of its own")
    return levels


def _parse_level(given: Mapping[str, Any]) -> AlarmLevel:
    if unknown := set(given) - _KEYS:
        raise InvalidAlarm(f"an alarm level has no {sorted(map(str, unknown))}")
    name = _parse_text(given.get("level"), limit=MAX_LEVEL_NAME)
    if name is None:
        raise InvalidAlarm(f"an alarm level has a `level`, its name, of at most {MAX_LEVEL_NAME} characters")
    action = _parse_text(given.get("action"), limit=MAX_ACTION)
    if action is None:
        raise AlarmWithoutAction(f"level {name!r} must say in `action` who does what by when ({MAX_ACTION} characters)")
    level = AlarmLevel(
        level=name,
        action=action,
        above=_parse_number(given, "above"),
        below=_parse_number(given, "below"),
        rate_per_day=_parse_number(given, "rate_per_day"),
        for_s=_parse_number(given, "for_s") or 0.0,
        hysteresis=_parse_number(given, "hysteresis") or 0.0,
    )
    if level.above is None and level.below is None and level.rate_per_day is None:
        raise AlarmWithoutLimit(f"level {name!r} has none of `above`, `below` and `rate_per_day`")
    if level.for_s < 0 or level.hysteresis < 0 or (level.rate_per_day is not None and level.rate_per_day <= 0):
        raise InvalidAlarm(f"level {name!r}: `for_s` and `hysteresis` are not negative, `rate_per_day` is positive")
    if level.above is not None and level.below is not None and level.below > level.above:
        raise InvalidAlarm(f"level {name!r}: every value would lie above {level.above} or below {level.below}")
    return level


def _parse_text(given: object, *, limit: int) -> str | None:
    if not isinstance(given, str) or not given.strip() or len(given) > limit:
        return None
    return given.strip()


def _parse_number(given: Mapping[str, Any], key: str) -> float | None:
    if given.get(key) is None:
        return None
    try:
        return require_finite(given[key])
    except NotANumber as error:
        raise InvalidAlarm(f"`{key}` is a finite number: {error.detail}") from error


def judge_readings(
    levels: Sequence[AlarmLevel], state: AlarmState, readings: Sequence[tuple[datetime, float]]
) -> tuple[AlarmState, list[AlarmRaised | AlarmCleared]]:
    """What new good readings of one sensor do to its alarm.

    Args:
        levels: of the sensor; what the state holds of others is forgotten.
        state: after the last call.
        readings: (time, value) of good readings, by time; those not newer than the state are passed over. [unit]

    Returns:
        The new state, and what was raised and cleared, in the order of time.
    """
    needs_rate = any(level.rate_per_day is not None for level in levels)
    open_levels = {level.level: state.levels[level.level] for level in levels if level.level in state.levels}
    newest, window = state.newest, list(state.window) if needs_rate else []
    changes: list[AlarmRaised | AlarmCleared] = []
    for t, value in readings:
        if newest is not None and t <= newest:
            continue
        newest = t
        rate = _add_to_window(window, t.timestamp(), value) if needs_rate else None
        for level in levels:
            before = open_levels.get(level.level)
            after, change = _judge_level(level, before, t=t, value=value, rate=rate)
            if after is None:
                open_levels.pop(level.level, None)
            else:
                open_levels[level.level] = after
            if change is not None:
                changes.append(change)
    return AlarmState(newest=newest, levels=open_levels, window=tuple(window)), changes


def _judge_level(
    level: AlarmLevel, before: LevelState | None, *, t: datetime, value: float, rate: float | None
) -> tuple[LevelState | None, AlarmRaised | AlarmCleared | None]:
    beyond = _find_exceeded(level, value, rate)
    if beyond is None:
        if before is None or not before.is_raised:
            return None, None
        if _has_come_back(level, value, rate):
            return None, AlarmCleared(level=level, value=value, since=before.since, at=t)
        return before, None
    since = t if before is None else before.since
    if before is not None and before.is_raised:
        return before, None
    if (t - since).total_seconds() < level.for_s:
        return LevelState(since, is_raised=False), None
    quantity, exceeding, limit = beyond
    raised = AlarmRaised(level=level, value=exceeding, quantity=quantity, limit=limit, since=since, at=t)
    return LevelState(since, is_raised=True), raised


def _find_exceeded(level: AlarmLevel, value: float, rate: float | None) -> tuple[str, float, float] | None:
    if level.above is not None and value > level.above:
        return "above", value, level.above
    if level.below is not None and value < level.below:
        return "below", value, level.below
    if level.rate_per_day is not None and rate is not None and abs(rate) > level.rate_per_day:
        return "rate_per_day", rate, level.rate_per_day
    return None


def _has_come_back(level: AlarmLevel, value: float, rate: float | None) -> bool:
    """Whether every limit is known to be kept, the value's by its hysteresis; an unknown rate ends nothing."""
    return (
        (level.above is None or value <= level.above - level.hysteresis)
        and (level.below is None or value >= level.below + level.hysteresis)
        and (level.rate_per_day is None or (rate is not None and abs(rate) <= level.rate_per_day))
    )


def _add_to_window(window: list[tuple[float, float]], at_s: float, value: float) -> float | None:
    """Take a reading into the window and give its rate per day; None where the window is too short to say."""
    while window and at_s - window[0][0] > MAX_RATE_SPAN_S:
        del window[0]
    # The last reading before the day stays, so that one reading a day has a rate too.
    while len(window) > 1 and at_s - window[1][0] >= DAY_S:
        del window[0]
    points = [*window, (at_s, value)]
    if not window or at_s - window[-1][0] >= RATE_STEP_S:
        window.append((at_s, value))
    if at_s - points[0][0] < MIN_RATE_SPAN_S:
        return None
    return _slope(points) * DAY_S


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Least-squares slope of values over times, both shifted to the first point so that no digits are lost."""
    first_s, first = points[0]
    times = [at_s - first_s for at_s, _ in points]
    values = [value - first for _, value in points]
    mean_t, mean_v = sum(times) / len(times), sum(values) / len(values)
    spread = sum((t - mean_t) ** 2 for t in times)
    return sum((t - mean_t) * (v - mean_v) for t, v in zip(times, values, strict=True)) / spread


def state_to_json(state: AlarmState) -> dict[str, Any]:
    """The state, JSON-ready."""
    return {
        "newest": None if state.newest is None else state.newest.isoformat(),
        "levels": {
            name: {"since": level.since.isoformat(), "is_raised": level.is_raised}
            for name, level in state.levels.items()
        },
        "window": [list(point) for point in state.window],
    }


def state_from_json(value: Mapping[str, Any]) -> AlarmState:
    """The inverse of `state_to_json`; an empty object is a sensor that was never judged."""
    newest = value.get("newest")
    return AlarmState(
        newest=None if newest is None else datetime.fromisoformat(newest),
        levels={
            name: LevelState(datetime.fromisoformat(level["since"]), level["is_raised"])
            for name, level in value.get("levels", {}).items()
        },
        window=tuple((point[0], point[1]) for point in value.get("window", ())),
    )
