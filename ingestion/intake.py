"""Accepting an upload: what is judged at once, the original kept, the row and its findings, in one transaction."""

from dataclasses import replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from domain.errors import Conflict
from domain.evidence import grade_checks
from domain.finding import Kind, NewFinding
from domain.media import Capture, Medium
from domain.project import Project
from domain.report import VILLAGER_TOKEN_ID
from findings.boundary import find_boundary
from findings.camera_health import judge_camera_picture
from findings.project_event import tell_media
from findings.recording import record_findings
from ingestion.capture import parse_capture_json
from ingestion.evidence_finding import EvidenceFinding
from ingestion.file_format import sniff_format
from ingestion.judgement import Context, judge
from ingestion.reuse_check import EarlierUse
from storage.camera_health import hear_camera
from storage.database import Connection
from storage.errors import ClientIdTaken, UnknownMilestone
from storage.media import (
    find_media,
    find_media_by_bytes,
    find_media_by_client_id,
    insert_media,
    list_earlier_uses,
    lock_bytes,
)
from storage.media_store import MediaStore, StagedFile
from storage.project import find_milestone


class UploadVanished(Conflict):
    """The row that this upload repeats went away at the same moment."""

    code: ClassVar[str] = "media.conflict"


def accept_upload(
    connection: Connection,
    *,
    store: MediaStore,
    staged: StagedFile,
    capture: Capture,
    given_capture: bytes | None,
    project: Project,
    token_id: UUID,
    received_at: datetime,
) -> tuple[Medium, bool]:
    """Take an upload in: judge what can be judged at once, keep the bytes, write the row, its findings and its event.

    Args:
        connection: of the request's transaction; its edge commits, and only then tells a worker.
        store: where the original is kept; it is kept before the row, so that no row ever lacks its bytes.
        staged: the file, received whole.
        capture: the sender's word.
        given_capture: the same as it came, JSON.
        project: that the asker may send to.
        token_id: the sender's.
        received_at: when the last byte had come. UTC.

    Returns:
        The medium, and whether it is new: the same bytes by the same token to the same project are one medium.

    Raises:
        UnsupportedFormat: the bytes are no JPEG, PNG, WebP, HEIC or MP4.
        Invalid: a header that cannot be read, too many pixels, an unknown milestone.
        ClientIdTaken: the shot's id came before with other bytes.
        StoreFull: there is no room.
    """
    media_format = sniff_format(staged.head)
    milestone_id = capture.milestone_id
    if milestone_id is not None:
        require_milestone(connection, project_id=project.id, milestone_id=milestone_id)
    # Two uploads of the same bytes at the same moment would each find no earlier use.
    lock_bytes(connection, sha256=staged.sha256)
    repeated = _find_repeated(connection, staged=staged, capture=capture, project=project, token_id=token_id)
    if repeated is not None:
        _see_repeated(connection, repeated, capture=capture, project=project, received_at=received_at)
        return repeated, False
    judgement = judge(
        staged.path,
        media_format=media_format,
        capture=capture,
        context=Context(
            boundary=find_boundary(connection, project_id=project.id),
            project_position=project.position,
            time_zone=project.time_zone,
            starts_on=project.starts_on,
            ends_on=project.ends_on,
            received_at=received_at,
            earlier=_list_earlier(connection, sha256=staged.sha256, project=project),
        ),
    )
    evidence = grade_checks(list(judgement.checks))
    store.keep(staged)
    media_id = uuid4()
    insert_media(
        connection,
        media_id=media_id,
        project_id=project.id,
        milestone_id=milestone_id,
        camera_id=capture.camera_id,
        client_id=capture.client_id,
        token_id=token_id,
        sha256=staged.sha256,
        size_bytes=staged.size_bytes,
        media_format=media_format,
        received_at=received_at,
        taken_at=judgement.taken_at,
        position=judgement.position,
        width_px=judgement.width_px,
        height_px=judgement.height_px,
        capture=parse_capture_json(given_capture),
        metadata=judgement.metadata.to_json(),
        checks=judgement.checks,
        grade=evidence.grade,
        grade_reasons=evidence.reasons,
    )
    if capture.camera_id is not None:
        hear_camera(connection, project_id=project.id, camera_id=capture.camera_id, at=received_at)
    medium = find_media(connection, media_id=media_id)
    if medium is None:
        raise UploadVanished("the same file is being taken in by another request: send it again")
    if token_id != VILLAGER_TOKEN_ID:
        # A villager's photo is evidence for no milestone: what the checks say of it is for the desk, on the medium.
        record_findings(connection, [make_evidence_finding(each, medium=medium) for each in judgement.findings])
    tell_media(connection, project, medium, event="received", now=received_at)
    return medium, True


def _see_repeated(
    connection: Connection, medium: Medium, *, capture: Capture, project: Project, received_at: datetime
) -> None:
    """A fixed camera that sends the very same file as another shot has frozen; the same shot is merely sent again."""
    is_retry = capture.client_id is None or capture.client_id == medium.client_id
    if capture.camera_id is None or capture.camera_id != medium.camera_id or is_retry:
        return
    at = capture.taken_at or received_at
    judge_camera_picture(connection, project=project, medium=replace(medium, received_at=received_at), look=None, at=at)


def make_evidence_finding(finding: EvidenceFinding, *, medium: Medium) -> NewFinding:
    """Attach what a check found to its medium, milestone and project; once a medium and code."""
    return NewFinding(
        project_id=medium.project_id,
        milestone_id=medium.milestone_id,
        kind=Kind.EVIDENCE,
        code=finding.code,
        severity=finding.severity,
        title=finding.title,
        occurred_at=medium.taken_at or medium.received_at,
        dedup_key=f"media:{medium.id}:{finding.code}",
        media_id=medium.id,
        details=finding.details,
    )


def require_milestone(connection: Connection, *, project_id: str, milestone_id: str) -> None:
    """Refuse a milestone that the project does not have.

    Raises:
        UnknownMilestone: it does not.
    """
    if find_milestone(connection, project_id=project_id, milestone_id=milestone_id) is None:
        raise UnknownMilestone(f"the project has no milestone {milestone_id}")


def _find_repeated(
    connection: Connection, *, staged: StagedFile, capture: Capture, project: Project, token_id: UUID
) -> Medium | None:
    if capture.client_id is not None:
        known = find_media_by_client_id(
            connection, project_id=project.id, token_id=token_id, client_id=capture.client_id
        )
        if known is not None and known[1] != staged.sha256:
            raise ClientIdTaken("this client_id was used for another file", media_id=str(known[0]))
    media_id = find_media_by_bytes(connection, project_id=project.id, token_id=token_id, sha256=staged.sha256)
    return None if media_id is None else find_media(connection, media_id=media_id)


def _list_earlier(connection: Connection, *, sha256: str, project: Project) -> list[EarlierUse]:
    return [
        EarlierUse(media_id, project_id, token_id, received_at, same_project=project_id == project.id)
        for media_id, project_id, token_id, received_at in list_earlier_uses(connection, sha256=sha256)
    ]
