"""Where a sensor's alarm stands, as people are told. Pure. A gap is unknown, never normal."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.alarm import GaugeFault
from domain.sensor import AlarmLevel, Sensor
from iot.alarm_state import AlarmState
from iot.alarms import is_suppressed, make_watch, to_time
from iot.gauge_health import GAP_FACTOR, MIN_KNOWN, STUCK_KNOWN

STALE_GRACE_S: Final = 60.0  # a reading is on its way for so long [s]


class LevelStanding(StrEnum):
    """Where a level stands."""

    NORMAL = "normal"
    PENDING = "pending"
    RAISED = "raised"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


class FaultStanding(StrEnum):
    """Whether a fault is there."""

    NO = "no"
    YES = "yes"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class LevelNow:
    """A level, where it stands and since when."""

    level: AlarmLevel
    standing: LevelStanding
    since: datetime | None


@dataclass(frozen=True, slots=True)
class FaultNow:
    """A fault, whether it is there and since when."""

    code: GaugeFault
    standing: FaultStanding
    since: datetime | None


def is_stale(sensor: Sensor, state: AlarmState, *, now: datetime) -> bool:
    """Whether the newest good reading is too old to say how things stand now.

    It is after `stale_after_s`, and otherwise after four times the usual time between readings; before the first
    reading, and where that is not known, always.
    """
    if state.count == 0:
        return True
    age_s = now.timestamp() - state.at
    if sensor.stale_after_s is not None and age_s > sensor.stale_after_s:
        return True
    allowed_s = GAP_FACTOR * state.cadence_s + STALE_GRACE_S if state.cadence_s > 0 else STALE_GRACE_S
    return sensor.stale_after_s is None and age_s > allowed_s


def tell_levels(sensor: Sensor, state: AlarmState, *, now: datetime) -> list[LevelNow]:
    """Where each level stands.

    One that was raised stays so until its end is known: the silence of a gauge, or its being broken, ends nothing. Of
    the others nothing is known while the sensor is stale, the gauge is stuck or out of its range, or where the value
    is beyond the limit and the gauge drifts.
    """
    is_unknown = is_stale(sensor, state, now=now) or any(
        fault in state.faults for fault in (GaugeFault.STUCK, GaugeFault.OUT_OF_RANGE, GaugeFault.SILENT)
    )
    is_quiet = is_suppressed(make_watch(sensor), now.timestamp())
    return [_tell_level(level, state, is_unknown=is_unknown, is_quiet=is_quiet) for level in sensor.alarms]


def _tell_level(level: AlarmLevel, state: AlarmState, *, is_unknown: bool, is_quiet: bool) -> LevelNow:
    own = state.levels.get(level.level)
    if own is not None and own.is_raised:
        return LevelNow(level, LevelStanding.RAISED, to_time(own.since))
    if is_unknown:
        return LevelNow(level, LevelStanding.UNKNOWN, to_time(state.at) if state.count else None)
    if own is None:
        return LevelNow(level, LevelStanding.NORMAL, None)
    standing = LevelStanding.PENDING
    if own.is_held:
        standing = LevelStanding.UNKNOWN
    elif own.is_suppressed and is_quiet:
        standing = LevelStanding.SUPPRESSED
    return LevelNow(level, standing, to_time(own.since))


def tell_faults(sensor: Sensor, state: AlarmState) -> list[FaultNow]:
    """Which faults the gauge has, and which cannot be told.

    Drift cannot be told from one gauge alone, nor while one of the two is out of order; sticking not before the gauge's
    habits are known, nor of one that repeats itself; spikes not before its noise is known; range and silence not where
    none is given.
    """
    can_stick = make_watch(sensor).gauge.can_stick
    tellable = {
        GaugeFault.STUCK: can_stick and state.news >= STUCK_KNOWN and state.is_lively,
        GaugeFault.SPIKING: state.count > MIN_KNOWN,
        GaugeFault.DRIFTING: sensor.profile.redundant_with is not None and state.can_compare,
        GaugeFault.OUT_OF_RANGE: sensor.range_min is not None or sensor.range_max is not None,
        GaugeFault.SILENT: sensor.stale_after_s is not None,
    }
    return [_tell_fault(code, state, can_tell=can_tell) for code, can_tell in tellable.items()]


def _tell_fault(code: GaugeFault, state: AlarmState, *, can_tell: bool) -> FaultNow:
    since = state.faults.get(code.value)
    if since is not None:
        return FaultNow(code, FaultStanding.YES, to_time(since))
    return FaultNow(code, FaultStanding.NO if can_tell else FaultStanding.CANNOT_TELL, None)
