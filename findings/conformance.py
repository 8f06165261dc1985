"""Findings about a milestone as a whole: stations without evidence, elements that must not be there, what was measured.

Worked out anew whenever a photo of the milestone was analysed or decided upon, its requirements or the alignment
changed, or its planned day is over; see docs/decisions/0011.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.finding import Finding, FindingStatus, Kind, NewFinding, Severity
from domain.project import Milestone, Project
from findings.coverage import Coverage, Interval, StationSide, judge_coverage, subtract
from findings.gap_matching import match_gaps
from findings.gate import counts_as_evidence
from findings.measured_conformance import update_measured
from findings.recording import get_finding, record_findings, reopen_findings, resolve_findings, tell_finding
from geofence.alignment import Alignment, format_chainage, parse_alignment
from storage.database import Connection
from storage.evidence import SentMedium, list_begun_milestones, list_milestone_evidence, lock_milestone
from storage.finding import list_milestone_findings, move_finding
from storage.media import find_media
from storage.page import MAX_PAGE
from storage.project import find_milestone, find_project, find_zone, list_milestones

STATION_GAP: Final = "conformance.station_gap"
ELEMENT_PRESENT: Final = "conformance.element_present"
_STANDING: Final = frozenset({FindingStatus.OPEN, FindingStatus.CONFIRMED})


def find_alignment(connection: Connection, *, project_id: str) -> Alignment | None:
    """The project's alignment, parsed; None where none was given."""
    zone = find_zone(connection, project_id=project_id, role="alignment")
    if zone is None:
        return None
    properties = {"crs": "wgs84", "start_chainage_m": zone.start_chainage_m}
    return parse_alignment({"type": "Feature", "properties": properties, "geometry": zone.geometry})


def find_coverage(connection: Connection, milestone: Milestone, counting: Sequence[SentMedium]) -> Coverage | None:
    """Which stations the counting photos evidence; None where none are required or there is no alignment."""
    photos = milestone.requires.get("photos") or {}
    every_m = photos.get("every_m")
    alignment = None if every_m is None else find_alignment(connection, project_id=milestone.project_id)
    if every_m is None or alignment is None:
        return None
    side = photos.get("side")
    return judge_coverage(
        alignment,
        [(medium.id, medium.position) for medium in counting],
        every_m=every_m,
        side=None if side is None else StationSide(side),
    )


def list_unsettled_gaps(connection: Connection, milestone: Milestone, coverage: Coverage) -> list[Interval]:
    """The gaps without those that an inspector dismissed, for there nothing is to be shown [m]."""
    return _unsettled(coverage, _list_recorded(connection, milestone, STATION_GAP))


def update_conformance(
    connection: Connection, *, project: Project, milestone_id: str, now: datetime, media_id: UUID | None = None
) -> None:
    """Bring a milestone's findings in line with what was sent for it.

    Args:
        connection: of the caller's transaction; it commits.
        project: of the milestone.
        milestone_id: one that may have gone meanwhile.
        now: UTC.
        media_id: what alone is new; None: everything is looked at.
    """
    lock_milestone(connection, project_id=project.id, milestone_id=milestone_id)
    milestone = find_milestone(connection, project_id=project.id, milestone_id=milestone_id)
    if milestone is None:
        return
    sent = list_milestone_evidence(connection, project_id=project.id, milestone_id=milestone_id)
    counting = [medium for medium in sent if counts_as_evidence(medium)]
    _update_gaps(connection, project, milestone, counting, now)
    _update_elements(connection, milestone, [each for each in counting if media_id in {None, each.id}], now)
    update_measured(connection, milestone, counting, now=now)


def update_project_conformance(connection: Connection, *, project: Project, now: datetime) -> None:
    """The same for every milestone of a project, because its alignment changed."""
    cursor: str | None = None
    while True:
        page = list_milestones(connection, project_id=project.id, after=cursor, limit=MAX_PAGE)
        for milestone in page.items:
            update_conformance(connection, project=project, milestone_id=milestone.id, now=now)
        cursor = page.next
        if cursor is None:
            return


def survey_milestones(connection: Connection, *, now: datetime, limit: int) -> int:
    """Tell the gaps of milestones whose planned day is over and that have none told yet; how many were looked at."""
    begun = list_begun_milestones(connection, now=now, code=STATION_GAP, limit=limit)
    for milestone in begun:
        project = find_project(connection, project_id=milestone.project_id)
        if project is not None:
            update_conformance(connection, project=project, milestone_id=milestone.id, now=now)
    return len(begun)


def _update_gaps(
    connection: Connection, project: Project, milestone: Milestone, counting: Sequence[SentMedium], now: datetime
) -> None:
    recorded = _list_recorded(connection, milestone, STATION_GAP)
    coverage = find_coverage(connection, milestone, counting)
    if not recorded and (coverage is None or not _has_begun(project, milestone, counting, now)):
        return
    gaps = [] if coverage is None else _unsettled(coverage, recorded)
    standing = {each.id: each.chainage_m for each in recorded if each.status in _STANDING and each.chainage_m}
    changes = match_gaps(standing, gaps)
    for finding_id, gap in changes.moved.items():
        move_finding(
            connection, finding_id=finding_id, chainage_m=gap, title=_title(gap), details=_detail(gap, milestone)
        )
        tell_finding(connection, get_finding(connection, finding_id), event="changed", at=now)
    reason = "not_required" if coverage is None else "evidence_came"
    resolve_findings(connection, changes.gone, reason=reason, at=now)
    record_findings(
        connection,
        [
            _make_gap(milestone, gap, number=number, now=now)
            for number, gap in enumerate(changes.new, start=len(recorded))
        ],
    )


def _has_begun(project: Project, milestone: Milestone, counting: Sequence[SentMedium], now: datetime) -> bool:
    """Before its first photo and its planned day, a milestone lacks everything, which is no news."""
    today = now.astimezone(ZoneInfo(project.time_zone)).date()
    return bool(counting) or (milestone.planned_on is not None and milestone.planned_on < today)


def _unsettled(coverage: Coverage, recorded: Sequence[Finding]) -> list[Interval]:
    settled = [each.chainage_m for each in recorded if each.status is FindingStatus.DISMISSED and each.chainage_m]
    return subtract(coverage.list_gaps(), settled)


def _list_recorded(connection: Connection, milestone: Milestone, code: str) -> list[Finding]:
    return list_milestone_findings(connection, project_id=milestone.project_id, milestone_id=milestone.id, code=code)


def _make_gap(milestone: Milestone, gap: Interval, *, number: int, now: datetime) -> NewFinding:
    return NewFinding(
        project_id=milestone.project_id,
        milestone_id=milestone.id,
        kind=Kind.CONFORMANCE,
        code=STATION_GAP,
        # Evidence that is still to come is no fault yet; the gate holds for the gap itself.
        severity=Severity.MINOR,
        title=_title(gap),
        occurred_at=now,
        dedup_key=f"station_gap:{milestone.id}:{number}",
        chainage_m=gap,
        details=_detail(gap, milestone),
    )


def _title(gap: Interval) -> dict[str, str]:
    begin, end = (format_chainage(each) for each in gap)
    return {
        "zh": f"{begin} 至 {end} 没有有效照片。",
        "en": f"No photo that counts was taken from {begin} to {end}.",
    }


def _detail(gap: Interval, milestone: Milestone) -> dict[str, Any]:
    photos = milestone.requires["photos"]
    return {"chainage": [format_chainage(each) for each in gap], "every_m": photos["every_m"]}


def _update_elements(connection: Connection, milestone: Milestone, photos: Sequence[SentMedium], now: datetime) -> None:
    absent = {each["label"] for each in milestone.requires.get("elements") or () if each.get("absent")}
    recorded = _list_recorded(connection, milestone, ELEMENT_PRESENT)
    gone = [each.id for each in recorded if each.details.get("label") not in absent]
    resolve_findings(connection, gone, reason="not_required", at=now)
    reopen_findings(connection, [each.id for each in recorded if each.details.get("label") in absent], at=now)
    known = {(each.media_id, each.details.get("label")) for each in recorded}
    record_findings(
        connection,
        [
            _make_element(connection, milestone, photo.id, label)
            for photo in photos
            for label in photo.labels
            if label in absent and (photo.id, label) not in known
        ],
    )


def _make_element(connection: Connection, milestone: Milestone, media_id: UUID, label: str) -> NewFinding:
    medium = find_media(connection, media_id=media_id)
    if medium is None:
        raise LookupError(media_id)
    surest = max((each for each in medium.detections if each.label == label), key=lambda each: each.score)
    return NewFinding(
        project_id=milestone.project_id,
        milestone_id=milestone.id,
        kind=Kind.CONFORMANCE,
        code=ELEMENT_PRESENT,
        severity=Severity.MAJOR,
        title={
            "zh": f"照片中有本阶段不应出现的“{label}”。",
            "en": f"The photo shows '{label}', which must not be there at this stage.",
        },
        occurred_at=medium.taken_at or medium.received_at,
        dedup_key=f"element:{milestone.id}:{media_id}:{label}",
        media_id=media_id,
        box_xyxy_px=surest.box_xyxy_px,
        details={"label": label, "score": surest.score},
    )
