"""Alarm histories judged again from the stored readings, because late or corrected ones put them in question.

Page by page, each in a transaction of its own, from the newest checkpoint before the change to the newest reading;
collectors go on judging what is new meanwhile. The last page compares: what was not found is withdrawn, what is new is
raised with its own event time, and the new state takes the place of the old one.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from domain.alarm import EndReason, Episode, EpisodeFound, GaugeFault
from domain.sensor import Sensor
from findings.recording import reopen_findings, resolve_findings
from iot.alarm_judgement import keep_checkpoints, record_episode
from iot.alarm_state import AlarmState, state_from_json, state_to_json
from iot.alarms import judge_readings, to_time
from iot.batch import SensorDirectory
from iot.episodes import (
    compare_episodes,
    episode_from_json,
    episode_to_json,
    fold_changes,
    is_judged_from_readings,
)
from storage.alarm_episode import list_episodes_after, update_episode
from storage.alarm_state import lock_alarm_states, put_alarm_states
from storage.database import Connection, Database
from storage.recomputation import BEGINNING
from storage.rejudgement import (
    Rejudgement,
    drop_checkpoints_between,
    find_checkpoint,
    find_waiting_rejudgement,
    finish_rejudgement,
    keep_progress,
    list_judged_readings,
    lock_rejudgement,
)

_LOG: Final = logging.getLogger(__name__)
_TICK: Final = timedelta(microseconds=1)
PAGE: Final = 10_000  # readings that one transaction reads again; a collector waits for that sensor meanwhile


def rejudge_waiting(database: Database, *, max_pages: int, page: int = PAGE) -> int:
    """Judge again what waits for it.

    Args:
        database: migrated.
        max_pages: after so many transactions the rest waits for the next call.
        page: readings of one transaction.

    Returns:
        How many sensors' histories are done.
    """
    directory = SensorDirectory()
    done: list[str] = []
    for _ in range(max_pages):
        with database.transaction() as connection:
            sensor_id = find_waiting_rejudgement(connection, without=done)
            if sensor_id is None:
                break
            if _rejudge_page(connection, sensor_id, directory=directory, page=page):
                done.append(sensor_id)
    return len(done)


def _rejudge_page(connection: Connection, sensor_id: str, *, directory: SensorDirectory, page: int) -> bool:
    """Judge one page again; whether it was the last."""
    # The alarm's state first, as collectors do, so that nobody waits in a circle.
    live = state_from_json(lock_alarm_states(connection, sensor_ids=[sensor_id])[sensor_id])
    asked = lock_rejudgement(connection, sensor_id=sensor_id)
    registered = directory.look_up(connection, [sensor_id]).get(sensor_id)
    if asked is None or registered is None or live.newest is None:
        finish_rejudgement(connection, sensor_id=sensor_id)
        return True
    watch = registered.watch
    if live.rules != watch.rules:
        # The levels have changed since the last reading: they hold from there on, and what was stays as it was.
        finish_rejudgement(connection, sensor_id=sensor_id)
        return True
    progress = asked.progress or _begin(connection, sensor_id, asked, live)
    state = state_from_json(progress["state"])
    after = BEGINNING if state.newest is None else to_time(state.newest)
    until = to_time(live.newest)
    rows = list_judged_readings(connection, sensor_key=registered.key, after=after, to=until, limit=page)
    state, changes = judge_readings(watch, state, [(row.t.timestamp(), row.v, row.q) for row in rows])
    found = fold_changes([episode_from_json(each) for each in progress["found"]], changes)
    is_last = len(rows) < page
    reached = until if is_last or state.newest is None else to_time(state.newest)
    drop_checkpoints_between(connection, sensor_id=sensor_id, after=after, to=reached)
    state.checkpoint_at = state.newest
    keep_checkpoints(connection, [(sensor_id, state)])
    if not is_last:
        progress |= {"state": state_to_json(state), "found": [episode_to_json(each) for each in found]}
        keep_progress(connection, sensor_id=sensor_id, progress=progress)
        return False
    _finish(connection, registered.sensor, live=live, state=state, found=found, after=progress["after"])
    return True


def _begin(connection: Connection, sensor_id: str, asked: Rejudgement, live: AlarmState) -> dict[str, Any]:
    """Where judging again begins: the checkpoint before the change, and the episodes that went on at its time."""
    from_ = asked.from_ if live.rules_from is None else max(asked.from_, to_time(live.rules_from) + _TICK)
    kept = find_checkpoint(connection, sensor_id=sensor_id, before=from_)
    state = AlarmState(rules=live.rules, rules_from=live.rules_from) if kept is None else state_from_json(kept)
    state.rules, state.rules_from = live.rules, live.rules_from
    _take_swept_faults(state, live)
    after = BEGINNING if state.newest is None else to_time(state.newest)
    active = {f"level:{name}" for name, each in state.levels.items() if each.is_raised} | set(state.faults)
    going_on = [
        EpisodeFound(each.found.level, each.found.code, each.found.since, each.found.raised_at, None, None)
        for each in list_episodes_after(connection, sensor_id=sensor_id, after=after)
        if each.found.raised_at <= after and each.found.track in active and is_judged_from_readings(each.found)
    ]
    found = [episode_to_json(each) for each in going_on]
    return {"state": state_to_json(state), "found": found, "after": after.isoformat()}


def _finish(
    connection: Connection,
    sensor: Sensor,
    *,
    live: AlarmState,
    state: AlarmState,
    found: Sequence[EpisodeFound],
    after: str,
) -> None:
    begin = datetime.fromisoformat(after)
    recorded = [
        each
        for each in list_episodes_after(connection, sensor_id=sensor.id, after=begin)
        if is_judged_from_readings(each.found)
    ]
    own = [each for each in found if is_judged_from_readings(each)]
    comparison = compare_episodes(own, recorded, after=begin)
    for episode in comparison.withdrawn:
        _withdraw(connection, episode)
    for episode, now in comparison.changed:
        _change(connection, episode, now)
    for new in comparison.new:
        record_episode(connection, sensor, new)
    _take_swept_faults(state, live)
    put_alarm_states(connection, states={sensor.id: state_to_json(state)})
    finish_rejudgement(connection, sensor_id=sensor.id)
    _LOG.info(
        "%s judged again from %s: %d episodes new, %d changed, %d withdrawn",
        sensor.id,
        after,
        len(comparison.new),
        len(comparison.changed),
        len(comparison.withdrawn),
    )


def _withdraw(connection: Connection, episode: Episode) -> None:
    ended_at = episode.found.ended_at or episode.found.raised_at
    gone = replace(episode.found, ended_at=ended_at, end_reason=EndReason.WITHDRAWN)
    update_episode(connection, episode_id=episode.id, found=gone)
    resolve_findings(connection, [episode.finding_id], reason=EndReason.WITHDRAWN.value, at=ended_at)


def _change(connection: Connection, episode: Episode, now: EpisodeFound) -> None:
    update_episode(connection, episode_id=episode.id, found=now)
    if now.ended_at is not None:
        resolve_findings(connection, [episode.finding_id], reason=str(now.end_reason), at=now.ended_at)
    elif episode.found.ended_at is not None:
        reopen_findings(connection, [episode.finding_id], at=now.since)


def _take_swept_faults(state: AlarmState, live: AlarmState) -> None:
    """Silence and drift are as the sweep last saw them; they do not follow from the readings."""
    for code in (GaugeFault.SILENT.value, GaugeFault.DRIFTING.value):
        state.faults.pop(code, None)
        if code in live.faults:
            state.faults[code] = live.faults[code]
    state.parting, state.can_compare = live.parting, live.can_compare
    state.trusted_from = max(state.trusted_from, live.trusted_from)
