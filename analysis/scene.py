"""Gathering what hazard rules ask of a shot: the project's rules in force, its camera, and what that showed before."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.camera import Camera
from domain.measurement import Wanted, find_wanted
from domain.media import Medium
from domain.project import Project
from storage.camera import find_camera, list_camera_views
from storage.camera_health import find_camera_health
from storage.database import Connection
from storage.hazard_rules import find_hazard_rules
from storage.project import find_milestone
from vision.hazard_judgement import longest_dwell_s
from vision.hazard_rules import HazardRules, MalformedHazardRules, RulesInForce, change_hazard_rules
from vision.scene import EarlierView, Scene

_LOG: Final = logging.getLogger(__name__)
_MAX_EARLIER: Final = 500  # at one a minute more than eight hours; the way of one photo must not grow with the camera


@dataclass(frozen=True, slots=True)
class Circumstances:
    """By which rules a medium is judged, what is known of the shot, and what is to be measured in it."""

    in_force: RulesInForce
    scene: Scene
    wanted: Wanted | None = None


def gather_circumstances(
    connection: Connection, *, medium: Medium, project: Project, rules: HazardRules
) -> Circumstances:
    """What hazard rules ask of a medium.

    Args:
        connection: only read from.
        medium: that is to be judged.
        project: of it.
        rules: the file's, on which the project's changes are laid.
    """
    in_force = _find_rules(connection, project, rules)
    camera = None
    if medium.camera_id is not None:
        camera = find_camera(connection, project_id=project.id, camera_id=medium.camera_id)
    zone, skew_s = ZoneInfo(project.time_zone), _find_skew(connection, medium, camera)
    taken_at = find_true_time(medium, clock_skew_s=skew_s)
    return Circumstances(
        in_force,
        Scene(
            project_kind=project.kind,
            taken_at=taken_at,
            local_time=None if taken_at is None else taken_at.astimezone(zone).time(),
            is_fixed=medium.camera_id is not None,
            camera=camera,
            earlier=_list_earlier(connection, medium, in_force, zone, skew_s),
        ),
        _find_wanted(connection, medium),
    )


def find_true_time(medium: Medium, *, clock_skew_s: float) -> datetime | None:
    """When a shot was taken: the sender's word as it is, a camera's own clock less its skew; None where nothing says.

    Args:
        medium: the shot.
        clock_skew_s: by how much the camera's clock is ahead. [s]
    """
    if medium.taken_at is None or medium.capture.get("taken_at") is not None:
        return medium.taken_at
    return medium.taken_at - timedelta(seconds=clock_skew_s)


def _find_wanted(connection: Connection, medium: Medium) -> Wanted | None:
    if medium.milestone_id is None or medium.format.is_clip:
        return None
    milestone = find_milestone(connection, project_id=medium.project_id, milestone_id=medium.milestone_id)
    return None if milestone is None else find_wanted(milestone.requires)


def _find_skew(connection: Connection, medium: Medium, camera: Camera | None) -> float:
    """By how much the camera's clock is ahead: as a person set it, or else as its sender measured it [s]."""
    if camera is not None and camera.clock_skew_s != 0:
        return camera.clock_skew_s
    if medium.camera_id is None:
        return 0.0
    health = find_camera_health(connection, project_id=medium.project_id, camera_id=medium.camera_id)
    return 0.0 if health is None or health.clock_skew_s is None else health.clock_skew_s


def _find_rules(connection: Connection, project: Project, rules: HazardRules) -> RulesInForce:
    given = find_hazard_rules(connection, project_id=project.id)
    if given is None:
        return RulesInForce(rules)
    try:
        return change_hazard_rules(rules, given=given.given, version=given.version)
    except MalformedHazardRules as error:
        # They were refused where they did not fit, so the file changed since. Findings then name the file's version.
        _LOG.error("the hazard rules of %s do not fit the file any more: %s", project.id, error.detail)
        return RulesInForce(rules)


def _list_earlier(
    connection: Connection, medium: Medium, in_force: RulesInForce, zone: ZoneInfo, skew_s: float
) -> tuple[EarlierView, ...]:
    dwell_s = longest_dwell_s(in_force)
    if medium.camera_id is None or medium.taken_at is None or medium.format.is_clip or dwell_s <= 0:
        return ()
    # By half a dwell further back, so that a photo just before the span closes the gap to its beginning.
    since = medium.taken_at - timedelta(seconds=1.5 * dwell_s)
    views = list_camera_views(
        connection,
        project_id=medium.project_id,
        camera_id=medium.camera_id,
        since=since,
        before=medium.taken_at,
        limit=_MAX_EARLIER,
    )
    skew = timedelta(0) if medium.capture.get("taken_at") is not None else timedelta(seconds=skew_s)
    times = [(view, (view.taken_at - skew).astimezone(UTC)) for view in views]
    return tuple(
        EarlierView(at, at.astimezone(zone).time(), view.width_px, view.height_px, view.detections)
        for view, at in times
    )
