"""Recording findings: the row and its event in one transaction, once however often it is told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from domain.errors import Conflict
from domain.finding import Decision, Finding, FindingStatus, NewFinding
from findings.log_fact import record_finding_event
from storage.database import Connection
from storage.event import insert_event
from storage.finding import (
    find_finding,
    insert_finding,
    lock_finding,
    reopen_finding,
    resolve_finding,
    review_finding,
)
from storage.project import get_project

UNREVIEWED: Final = "unreviewed"


class AlreadyReviewed(Conflict):
    """The finding was decided otherwise before."""

    code: ClassVar[str] = "finding.already_reviewed"


def record_findings(connection: Connection, findings: Sequence[NewFinding]) -> list[Finding]:
    """Record what is not recorded yet, each with its event.

    Args:
        connection: of the caller's transaction; it commits.
        findings: of any projects.

    Returns:
        Those that are new, in the order given.

    Raises:
        UnknownProject: a finding names a project that is not there.
    """
    recorded = []
    for new in findings:
        finding = insert_finding(connection, finding=new)
        if finding is not None:
            tell_finding(connection, finding, event="recorded")
            recorded.append(finding)
    return recorded


def decide_finding(
    connection: Connection, *, finding_id: UUID, decision: Decision, reviewed_by: str, reason: str
) -> Finding:
    """Write an inspector's decision; saying the same again changes nothing.

    Raises:
        AlreadyReviewed: it was decided otherwise, or is resolved.
        LookupError: there is no such finding.
    """
    lock_finding(connection, finding_id=finding_id)
    finding = get_finding(connection, finding_id)
    if finding.status is FindingStatus(decision.value):
        return finding
    if finding.status is not FindingStatus.OPEN:
        raise AlreadyReviewed(f"the finding is {finding.status} already", status=finding.status.value)
    review_finding(connection, finding_id=finding_id, decision=decision, reviewed_by=reviewed_by, reason=reason)
    decided = get_finding(connection, finding_id)
    tell_finding(connection, decided, event="reviewed")
    return decided


def resolve_findings(
    connection: Connection,
    finding_ids: Sequence[UUID],
    *,
    reason: str,
    at: datetime,
    **more: Any,  # noqa: ANN401
) -> None:
    """Resolve findings whose cause is gone; those that a person has decided stay as decided.

    Args:
        connection: of the caller's transaction; it commits.
        finding_ids: in any state.
        reason: why, a stable word.
        at: when the cause was gone, in event time. Aware.
        more: what else belongs to the reason, JSON-ready.
    """
    for finding_id in finding_ids:
        resolution = {"reason": reason, "at": at.isoformat(), **more}
        if resolve_finding(connection, finding_id=finding_id, resolution=resolution):
            tell_finding(connection, get_finding(connection, finding_id), event="resolved", at=at)


def reopen_findings(connection: Connection, finding_ids: Sequence[UUID], *, at: datetime) -> None:
    """Open findings again that were resolved by themselves, because their cause turns out to be still there."""
    for finding_id in finding_ids:
        if reopen_finding(connection, finding_id=finding_id):
            tell_finding(connection, get_finding(connection, finding_id), event="reopened", at=at)


def tell_finding(connection: Connection, finding: Finding, *, event: str, at: datetime | None = None) -> None:
    """Write the event `siteproof.finding.<event>` with what a follower needs to decide without asking back.

    What changes the finding goes into the evidence log too; a reminder does not.

    Args:
        connection: of the caller's transaction; it commits.
        finding: as it is now.
        event: what happened to it.
        at: when. UTC. Silent: the finding's own time where it was recorded, else that of its review.
    """
    project = get_project(connection, project_id=finding.project_id)
    if event != UNREVIEWED:
        reviewed_at = finding.reviewed_at if event == "reviewed" else None
        record_finding_event(connection, finding, event=event, at=at or reviewed_at or finding.recorded_at)
    insert_event(
        connection,
        type_=f"siteproof.finding.{event}",
        project_id=finding.project_id,
        area=project.area,
        subject=f"findings/{finding.id}",
        occurred_at=at or (finding.occurred_at if event == "recorded" else finding.reviewed_at or finding.recorded_at),
        data={
            "finding_id": str(finding.id),
            "project_id": finding.project_id,
            "milestone_id": finding.milestone_id,
            "kind": finding.kind,
            "code": finding.code,
            "severity": finding.severity,
            "status": finding.status,
            "title": finding.title,
            "media_id": None if finding.media_id is None else str(finding.media_id),
            "sensor_id": finding.sensor_id,
            "chainage_m": None if finding.chainage_m is None else list(finding.chainage_m),
            "issue_id": None if finding.issue_id is None else str(finding.issue_id),
        },
    )


def get_finding(connection: Connection, finding_id: UUID) -> Finding:
    """A finding that is known to be there.

    Raises:
        LookupError: it is not.
    """
    finding = find_finding(connection, finding_id=finding_id)
    if finding is None:
        raise LookupError(finding_id)
    return finding
