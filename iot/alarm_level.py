"""The levels of a sensor's alarm, as they are given: what may stand there, and what is refused."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from domain.errors import Invalid
from domain.sensor import AlarmLevel
from iot.payload import NotANumber, require_finite

MAX_LEVELS: Final = 10
MAX_LEVEL_NAME: Final = 40
MAX_ACTION: Final = 1000
MAX_FOR_N: Final = 1000
_KEYS: Final = {"level", "action", "above", "below", "rate_per_day", "for_s", "for_n", "hysteresis"}


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
        for_n=_parse_count(given.get("for_n")),
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


def _parse_count(given: object) -> int | None:
    if given is None:
        return None
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MAX_FOR_N:
        raise InvalidAlarm(f"`for_n` is a whole number of readings from 1 to {MAX_FOR_N}")
    return given
