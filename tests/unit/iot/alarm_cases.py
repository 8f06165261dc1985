"""What the tests of alarms share: a sensor, readings, and changes told briefly."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.alarm import GaugeFault
from domain.sensor import AlarmLevel, Sensor, SensorKind, SensorProfile
from iot.alarm_state import AlarmState
from iot.alarms import AlarmEnded, AlarmRaised, Change, Watch, judge_readings, make_watch
from iot.gauge_health import FaultRaised
from storage.keyed_reading import GOOD

START = datetime(2026, 7, 1, tzinfo=UTC)
ZERO = START.timestamp()
ABOVE_10 = AlarmLevel(level="yellow", action="inspect today", above=10.0)


def at(seconds: float) -> datetime:
    """So long after the start."""
    return START + timedelta(seconds=seconds)


def make_sensor(*levels: AlarmLevel, **changes: Any) -> Sensor:  # noqa: ANN401 - any field
    """A settlement gauge with these levels."""
    sensor = Sensor(
        id="pier-1",
        project_id="b1",
        kind=SensorKind.SETTLEMENT,
        unit="mm",
        position=None,
        calibration={},
        range_min=None,
        range_max=None,
        alarms=levels,
        stale_after_s=None,
        created_at=START,
        version=1,
        profile=SensorProfile(),
    )
    return replace(sensor, **changes)


def watch(*levels: AlarmLevel, **changes: Any) -> Watch:  # noqa: ANN401 - any field
    """What judging needs of that gauge."""
    return make_watch(make_sensor(*levels, **changes))


def judge(
    watched: Watch | AlarmLevel, readings: Sequence[tuple[float, float]], state: AlarmState | None = None
) -> tuple[AlarmState, list[tuple[str, str, float]]]:
    """What good (seconds, value) readings do: (`raised` or `ended`, of what, at which second)."""
    own = watch(watched) if isinstance(watched, AlarmLevel) else watched
    after, changes = judge_readings(own, state or AlarmState(), [(ZERO + s, v, GOOD) for s, v in readings])
    return after, [tell(change) for change in changes]


def tell(change: Change) -> tuple[str, str, float]:
    """A change, briefly."""
    seconds = (change.at - START).total_seconds()
    if isinstance(change, AlarmRaised):
        return "raised", change.level.level, seconds
    if isinstance(change, AlarmEnded):
        return "ended", change.level, seconds
    return ("raised" if isinstance(change, FaultRaised) else "ended"), GaugeFault(change.code).value, seconds
