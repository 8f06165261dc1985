"""Judging the new readings of a batch, and recording what comes of it: states, episodes, findings.

The caller opens and commits the transaction. Readings that come late are not judged here; where they may change what
was judged, the history is judged again by `iot.rejudgement`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from domain.alarm import EpisodeFound
from domain.finding import Finding
from domain.sensor import Sensor
from findings.recording import record_findings, resolve_findings
from iot.alarm_finding import make_finding
from iot.alarm_state import AlarmState, state_from_json, state_to_json
from iot.alarms import (
    AlarmRaised,
    Change,
    JudgedReading,
    Watch,
    is_consequential,
    is_watched,
    judge_readings,
    to_time,
)
from iot.decoding import RegisteredSensor
from iot.episodes import begin_episode, end_episode, find_track
from iot.gauge_health import FaultRaised
from storage.alarm_episode import insert_episode, list_open_episodes, update_episode
from storage.alarm_state import lock_alarm_states, put_alarm_states
from storage.database import Connection
from storage.keyed_reading import GOOD, OUT_OF_RANGE, ReadingColumns
from storage.rejudgement import (
    drop_checkpoints,
    drop_checkpoints_before,
    list_checkpoints,
    put_checkpoints,
    request_rejudgement,
)

# Judging again begins at a checkpoint. The older they are, the farther apart they are kept, so that it reads at most
# about twice as far back as the late reading lies, and a sensor has some two dozen after ten years.
CHECKPOINT_EVERY_S: Final = 6 * 3600.0
_KEPT_WHOLE: Final = 2  # the newest checkpoints are never thinned
_MAX_SAME_KEY: Final = 1000


def judge_new_readings(
    connection: Connection, new: ReadingColumns, sensors: Iterable[RegisteredSensor]
) -> list[Finding]:
    """Judge what is new of every watched sensor, and keep their states.

    Args:
        connection: of the caller's transaction.
        new: readings that were not stored before, of any sensors, by sensor and time.
        sensors: at least those that the readings are of.

    Returns:
        The findings that were recorded.
    """
    watched = {each.key: each for each in sensors if is_watched(each.sensor)}
    judged = new.take((new.q == GOOD) | (new.q == OUT_OF_RANGE))
    touched = {watched[key].sensor.id: (watched[key], own) for key, own in judged.split() if key in watched}
    if not touched:
        return []
    findings: list[Finding] = []
    states: dict[str, dict[str, Any]] = {}
    checkpoints: list[tuple[str, AlarmState]] = []
    for sensor_id, stored in lock_alarm_states(connection, sensor_ids=sorted(touched)).items():
        registered, own = touched[sensor_id]
        watch, before = registered.watch, state_from_json(stored)
        readings = _list_judged(own)
        _request_for_late(connection, sensor_id, watch, before, readings)
        if _needs_checkpoint(before, watch):
            before.checkpoint_at = before.newest
            checkpoints.append((sensor_id, before))
        after, changes = judge_readings(watch, before, readings)
        if after.rules_from != before.rules_from:
            keep_first_checkpoint(connection, sensor_id, after)
        states[sensor_id] = state_to_json(after)
        if changes:
            findings += record_changes(connection, registered.sensor, changes)
    if checkpoints:
        keep_checkpoints(connection, checkpoints)
    put_alarm_states(connection, states=states)
    return findings


def record_changes(connection: Connection, sensor: Sensor, changes: Iterable[Change]) -> list[Finding]:
    """Record what judging found: a finding for what begins, its resolution for what ends."""
    findings = []
    for change in changes:
        if isinstance(change, AlarmRaised | FaultRaised):
            findings.append(record_episode(connection, sensor, begin_episode(change)))
            continue
        for episode in list_open_episodes(connection, sensor_ids=[sensor.id]):
            if episode.found.track == find_track(change):
                ended = end_episode(episode.found, change)
                update_episode(connection, episode_id=episode.id, found=ended)
                resolve_findings(connection, [episode.finding_id], reason=str(ended.end_reason), at=change.at)
    return findings


def record_episode(connection: Connection, sensor: Sensor, found: EpisodeFound) -> Finding:
    """Record an episode with its finding, resolved at once where it is over already."""
    for number in range(1, _MAX_SAME_KEY):
        recorded = record_findings(connection, [make_finding(sensor, found, number=number)])
        if recorded:
            break
    else:
        raise RuntimeError(f"{sensor.id}: too many episodes that begin at {found.since}")
    insert_episode(connection, sensor_id=sensor.id, found=found, finding_id=recorded[0].id)
    if found.ended_at is not None:
        resolve_findings(connection, [recorded[0].id], reason=str(found.end_reason), at=found.ended_at)
    return recorded[0]


def keep_checkpoints(connection: Connection, states: Sequence[tuple[str, AlarmState]]) -> None:
    """Keep states as they were at their newest reading, and thin the older ones."""
    kept = [(each, to_time(state.newest), state_to_json(state)) for each, state in states if state.newest is not None]
    put_checkpoints(connection, states=kept)
    listed = list_checkpoints(connection, sensor_ids=[each for each, _, _ in kept])
    gone = [
        (each, to_time(at))
        for each, times in listed.items()
        for at in choose_superfluous([t.timestamp() for t in times])
    ]
    if gone:
        drop_checkpoints(connection, gone=gone)


def keep_first_checkpoint(connection: Connection, sensor_id: str, state: AlarmState) -> None:
    """Begin anew with checkpoints, because the sensor's levels are others from now on."""
    if state.rules_from is None:
        return
    at = to_time(state.rules_from)
    drop_checkpoints_before(connection, sensor_id=sensor_id, before=at)


def choose_superfluous(times: Sequence[float]) -> list[float]:
    """The checkpoints that may go: those without which the gap is no longer than the age of its younger end.

    Args:
        times: of the checkpoints, oldest first. [s since 1970]

    Returns:
        Some of them; never the oldest, and never one of the two newest.
    """
    gone: list[float] = []
    before = times[0] if times else 0.0
    for place in range(1, len(times) - _KEPT_WHOLE):
        at, following = times[place], times[place + 1]
        if following - before <= times[-1] - following:
            gone.append(at)
        else:
            before = at
    return gone


def _list_judged(readings: ReadingColumns) -> list[JudgedReading]:
    """Readings of one sensor as they are judged."""
    return list(zip(readings.list_seconds(), readings.v.tolist(), readings.q.tolist(), strict=True))


def _needs_checkpoint(state: AlarmState, watch: Watch) -> bool:
    if state.newest is None:
        return False
    return (
        state.checkpoint_at is None
        or state.newest - state.checkpoint_at >= CHECKPOINT_EVERY_S
        or state.rules != watch.rules
    )


def _request_for_late(
    connection: Connection, sensor_id: str, watch: Watch, state: AlarmState, readings: Sequence[JudgedReading]
) -> None:
    """Have the history judged again from the first late reading on that may change it."""
    for reading in readings:
        if state.newest is None or reading[0] > state.newest:
            return
        if is_consequential(watch, state, reading):
            request_rejudgement(connection, sensor_id=sensor_id, from_=to_time(reading[0]))
            return
