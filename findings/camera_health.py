"""Findings of fixed cameras that go dark, freeze or fall silent: one an episode, resolved when the camera recovers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.camera import Camera
from domain.camera_health import (
    CameraFault,
    Change,
    HealthState,
    Look,
    must_be_light,
    see_picture,
    state_from_json,
    state_to_json,
)
from domain.finding import Kind, NewFinding, Severity
from domain.media import Medium
from domain.project import Project
from findings.recording import record_findings, resolve_findings
from storage.camera import find_camera
from storage.camera_health import (
    Silence,
    hear_camera,
    list_silent_cameras,
    lock_camera_health,
    put_camera_state,
)
from storage.database import Connection, Database
from storage.project import find_project

_TITLES: Final = {
    CameraFault.DARK: {"zh": "固定摄像头画面全黑", "en": "A fixed camera sees nothing: its pictures are dark"},
    CameraFault.FROZEN: {"zh": "固定摄像头画面静止不变", "en": "A fixed camera is frozen: it sends the same picture"},
    CameraFault.SILENT: {"zh": "固定摄像头已停止上传", "en": "A fixed camera sends nothing any more"},
}


def judge_camera_picture(
    connection: Connection, *, project: Project, medium: Medium, look: Look | None, at: datetime
) -> None:
    """Judge a fixed camera's picture, and record what begins or ends with it.

    Args:
        connection: of the caller's transaction; it commits.
        project: of the medium.
        medium: the photo; of no camera: nothing happens.
        look: at it; None where the very same file came again.
        at: the true time of the shot. UTC.
    """
    if medium.camera_id is None:
        return
    hear_camera(connection, project_id=project.id, camera_id=medium.camera_id, at=medium.received_at)
    row = lock_camera_health(connection, project_id=project.id, camera_id=medium.camera_id)
    if row is None:
        raise RuntimeError("the row that was just written is not there")
    camera = find_camera(connection, project_id=project.id, camera_id=medium.camera_id)
    state, changes = see_picture(
        state_from_json(row.state),
        look,
        at=at,
        must_be_light=must_be_light(camera, local=at.astimezone(ZoneInfo(project.time_zone))),
    )
    _record(connection, project.id, medium.camera_id, state, changes, media_id=medium.id)


def sweep_silent_cameras(database: Database, *, now: datetime) -> int:
    """Tell of cameras that fell silent and of those that speak again, each in a transaction of its own.

    Args:
        database: migrated.
        now: the latest time that is not the future. Aware.

    Returns:
        How many changed.
    """
    with database.transaction() as connection:
        silences = list_silent_cameras(connection, now=now)
    changed = 0
    for silence in silences:
        with database.transaction() as connection:
            changed += _judge_silence(connection, silence, now=now)
    return changed


def _judge_silence(connection: Connection, silence: Silence, *, now: datetime) -> bool:
    project_id, camera_id = silence.project_id, silence.camera_id
    project = find_project(connection, project_id=project_id)
    camera = find_camera(connection, project_id=project_id, camera_id=camera_id)
    if project is None:
        raise RuntimeError("a camera without its project")
    if silence.is_silent and not _must_send(camera, now.astimezone(ZoneInfo(project.time_zone))):
        return False
    hear_camera(connection, project_id=project_id, camera_id=camera_id, at=silence.heard_at)
    row = lock_camera_health(connection, project_id=project_id, camera_id=camera_id)
    if row is None:
        raise RuntimeError("the row that was just written is not there")
    state = state_from_json(row.state)
    is_known = CameraFault.SILENT in state.faults
    if is_known == silence.is_silent or (silence.is_silent and row.heard_at > silence.heard_at):
        return False
    at = silence.heard_at if silence.is_silent else row.heard_at
    change = Change(CameraFault.SILENT, is_raised=silence.is_silent, at=at)
    _record(connection, project_id, camera_id, state, [change], media_id=None)
    return True


def _must_send(camera: Camera | None, local: datetime) -> bool:
    """Whether a camera should have sent by now: in its hours, and for as long as its silence takes."""
    if camera is None or camera.working_hours is None:
        return True
    since = local - timedelta(seconds=camera.silent_after_s or 0)
    return camera.working_hours.holds(local.time()) and camera.working_hours.holds(since.time())


def _record(
    connection: Connection,
    project_id: str,
    camera_id: str,
    state: HealthState,
    changes: Sequence[Change],
    *,
    media_id: UUID | None,
) -> None:
    faults = dict(state.faults)
    for change in changes:
        if change.is_raised:
            for finding in record_findings(connection, [_make_finding(project_id, camera_id, change, media_id)]):
                faults[change.fault] = str(finding.id)
        else:
            resolve_findings(connection, [UUID(faults.pop(change.fault))], reason="recovered", at=change.at)
    written = state_to_json(replace(state, faults=faults))
    put_camera_state(connection, project_id=project_id, camera_id=camera_id, state=written)


def _make_finding(project_id: str, camera_id: str, change: Change, media_id: UUID | None) -> NewFinding:
    details: dict[str, object] = {"camera_id": camera_id, "since": change.at.isoformat()}
    return NewFinding(
        project_id=project_id,
        kind=Kind.EVIDENCE,
        code=change.fault,
        severity=Severity.MINOR,
        title=_TITLES[change.fault],
        occurred_at=change.at,
        dedup_key=f"camera:{camera_id}:{change.fault}:{change.at.isoformat()}",
        media_id=media_id,
        details=details | ({"pictures": change.pictures} if change.pictures else {}),
    )
