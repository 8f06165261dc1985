"""Alarms: where a sensor's stands, what was, and templates for setting levels."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends

from api.access import Allowed, Asker, see_nothing, see_sensor
from api.paging import After, Limit
from api.schemas import (
    AlarmsView,
    AlarmTemplateView,
    Collection,
    EpisodeView,
    GaugeFaultView,
    LevelView,
)
from api.sensors import READERS
from api.strict_json import StrictRoute
from domain.alarm import Episode
from domain.sensor import Sensor
from iot.alarm_state import state_from_json
from iot.alarm_template import TEMPLATES
from iot.alarm_view import LevelNow, is_stale, tell_faults, tell_levels
from iot.alarms import to_time
from storage.alarm_episode import list_episodes
from storage.alarm_state import list_alarm_states
from storage.rejudgement import is_rejudgement_waiting

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["alarms"])


@router.get("/sensors/{sensor_id}/alarms")
def get_alarms_route(
    asker: Annotated[Asker[Sensor], Depends(Allowed(READERS, see_sensor))], limit: Limit, after: After = None
) -> AlarmsView:
    """Where each level stands, whether the gauge can be believed, and the episodes, those recorded last first."""
    sensor, now = asker.thing, asker.services.clock.now()
    with asker.transaction() as connection:
        state = state_from_json(list_alarm_states(connection, sensor_ids=[sensor.id]).get(sensor.id, {}))
        page = list_episodes(connection, sensor_id=sensor.id, after=after, limit=limit)
        is_rejudging = is_rejudgement_waiting(connection, sensor_id=sensor.id)
    value = state.last if state.count else None
    return AlarmsView(
        sensor_id=sensor.id,
        judged_until=None if state.newest is None else to_time(state.newest),
        value=value,
        rate_per_day=state.rate,
        baseline=sensor.profile.baseline,
        is_stale=is_stale(sensor, state, now=now),
        is_rejudging=is_rejudging,
        levels=[_view_level(each, value) for each in tell_levels(sensor, state, now=now)],
        gauge=[
            GaugeFaultView(code=each.code, state=each.standing.value, since=each.since)
            for each in tell_faults(sensor, state)
        ],
        items=[_view_episode(each) for each in page.items],
        next=page.next,
    )


@router.get("/alarm-templates")
def list_templates_route(
    asker: Annotated[Asker[None], Depends(Allowed(READERS, see_nothing))],
) -> Collection[AlarmTemplateView]:
    """Ways to set alarm levels, each with its source; the designer or the county gives and confirms the figures."""
    del asker
    return Collection[AlarmTemplateView](
        items=[AlarmTemplateView.model_validate(asdict(each)) for each in TEMPLATES], next=None
    )


def _view_level(now: LevelNow, value: float | None) -> LevelView:
    level = now.level
    return LevelView(
        level=level.level,
        state=now.standing.value,
        since=now.since,
        value=value,
        above=level.above,
        below=level.below,
        rate_per_day=level.rate_per_day,
        action=level.action,
    )


def _view_episode(episode: Episode) -> EpisodeView:
    found = episode.found
    return EpisodeView(
        level=found.level,
        code=found.code,
        since=found.since,
        raised_at=found.raised_at,
        ended_at=found.ended_at,
        end_reason=found.end_reason,
        finding_id=episode.finding_id,
    )
