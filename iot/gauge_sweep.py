"""What a sweep tells of gauges that their own readings cannot: silence, and drift against a redundant gauge."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from domain.alarm import Episode, GaugeFault
from domain.sensor import Sensor
from iot.alarm_judgement import record_changes
from iot.alarm_state import AlarmState, state_from_json, state_to_json
from iot.alarms import Change, to_time
from iot.gauge_drift import WINDOW, Drift, DriftVerdict, judge_drift
from iot.gauge_health import end_fault, raise_fault
from iot.units import IncompatibleUnits, find_conversion
from storage.alarm_episode import list_open_episodes, list_open_episodes_of_code
from storage.alarm_state import list_alarm_states, lock_alarm_states, put_alarm_states
from storage.database import Connection, Database
from storage.reading import bucket_readings
from storage.rejudgement import list_redundant_sensors, list_silent_sensors
from storage.sensor import SensorEntry, find_sensor_entry

_OTHER_FAULTS: Final = (GaugeFault.STUCK.value, GaugeFault.SPIKING.value, GaugeFault.OUT_OF_RANGE.value)
_HOURS: Final = 24 * (WINDOW.days + 1)


def sweep_silence(database: Database, *, now: datetime) -> int:
    """Raise what has been silent for too long and end what speaks again, each sensor in a transaction of its own.

    Args:
        database: migrated.
        now: the latest time that is not the future. Aware.

    Returns:
        How many sensors fell silent or speak again.
    """
    with database.transaction() as connection:
        silent = {each.sensor_id: each.since for each in list_silent_sensors(connection, now=now)}
        known = {each.sensor_id: each for each in list_open_episodes_of_code(connection, code=GaugeFault.SILENT.value)}
    changed = 0
    for sensor_id in sorted(silent.keys() ^ known.keys()):
        judge = partial(_see_silence, since=silent.get(sensor_id), now=now)
        with database.transaction() as connection:
            changed += _change(connection, sensor_id, judge)
    return changed


def sweep_drift(database: Database, *, now: datetime) -> int:
    """Compare every sensor that names a redundant one with it, each pair in a transaction of its own.

    Args:
        database: migrated.
        now: the window ends here. Aware.

    Returns:
        How many sensors have parted from theirs, or are together again.
    """
    with database.transaction() as connection:
        pairs = list_redundant_sensors(connection)
    changed = 0
    for sensor_id, other_id in pairs:
        with database.transaction() as connection:
            changed += _compare(connection, sensor_id, other_id, now=now)
    return changed


def tell_drift(connection: Connection, own: SensorEntry, other: SensorEntry, *, now: datetime) -> Drift:
    """How a sensor stands to the one that measures the same; it cannot be told while one of the two is out of order."""
    stored = list_alarm_states(connection, sensor_ids=[own.sensor.id, other.sensor.id])
    states = [state_from_json(each) for each in stored.values()]
    silent = {
        each.sensor_id
        for each in list_open_episodes(connection, sensor_ids=[own.sensor.id, other.sensor.id])
        if each.found.code == GaugeFault.SILENT
    }
    if silent or any(fault in each.faults for each in states for fault in _OTHER_FAULTS):
        return Drift(DriftVerdict.CANNOT_TELL)
    try:
        scale, shift = find_conversion(other.sensor.unit, own.sensor.unit)
    except IncompatibleUnits:
        return Drift(DriftVerdict.CANNOT_TELL)
    known = _find_open_drift(connection, own.sensor)
    from_ = max([now - WINDOW, *(to_time(each.trusted_from) for each in states if each.trusted_from > 0)])
    return judge_drift(
        _list_hours(connection, own, from_=from_, to=now),
        {t: scale * v + shift for t, v in _list_hours(connection, other, from_=from_, to=now).items()},
        resolution=max(own.sensor.profile.resolution or 0.0, scale * (other.sensor.profile.resolution or 0.0)),
        parted_from=None if known is None else known.found.details["value"],
    )


def _compare(connection: Connection, sensor_id: str, other_id: str, *, now: datetime) -> int:
    own = find_sensor_entry(connection, sensor_id=sensor_id)
    other = None if other_id == sensor_id else find_sensor_entry(connection, sensor_id=other_id)
    if own is None:
        return 0
    if other is None or other.sensor.project_id != own.sensor.project_id:
        drift = Drift(DriftVerdict.CANNOT_TELL)
    else:
        drift = tell_drift(connection, own, other, now=now)
    return _change(connection, sensor_id, partial(_see_drift, drift=drift, now=now))


def _see_drift(state: AlarmState, changes: list[Change], *, drift: Drift, now: datetime) -> None:
    code, at = GaugeFault.DRIFTING, now.timestamp()
    state.can_compare = drift.verdict is not DriftVerdict.CANNOT_TELL
    if not state.can_compare:
        return
    if drift.verdict is DriftVerdict.PARTED:
        state.parting = drift.parting or 0.0
        if code not in state.faults:
            raise_fault(state, code, at, at, drift.base, changes)
    elif code in state.faults:
        end_fault(state, code, at, changes)


def _see_silence(state: AlarmState, changes: list[Change], *, since: datetime | None, now: datetime) -> None:
    code, at = GaugeFault.SILENT, now.timestamp()
    if since is None:
        if code in state.faults:
            end_fault(state, code, at, changes)
    elif code not in state.faults and (state.newest is None or state.newest <= since.timestamp()):
        raise_fault(state, code, since.timestamp(), at, None, changes)


def _change(connection: Connection, sensor_id: str, judge: Callable[[AlarmState, list[Change]], None]) -> int:
    """Let `judge` change a sensor's state, and record what it found; 1 where it found something."""
    entry = find_sensor_entry(connection, sensor_id=sensor_id)
    if entry is None:
        return 0
    state = state_from_json(lock_alarm_states(connection, sensor_ids=[sensor_id])[sensor_id])
    changes: list[Change] = []
    judge(state, changes)
    put_alarm_states(connection, states={sensor_id: state_to_json(state)})
    record_changes(connection, entry.sensor, changes)
    return min(len(changes), 1)


def _find_open_drift(connection: Connection, sensor: Sensor) -> Episode | None:
    opened = list_open_episodes(connection, sensor_ids=[sensor.id])
    return next((each for each in opened if each.found.code == GaugeFault.DRIFTING), None)


def _list_hours(connection: Connection, entry: SensorEntry, *, from_: datetime, to: datetime) -> dict[datetime, float]:
    hours = bucket_readings(connection, sensor_key=entry.key, from_=from_, to=to, every="1h", limit=_HOURS)
    return {each.t: each.mean for each in hours}
