"""Findings as rows. What recording one means beside its row (the event) is in `findings`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.access import Principal
from domain.finding import Decision, Finding, FindingStatus, Kind, NewFinding, Severity
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("finding")


def insert_finding(connection: Connection, *, finding: NewFinding) -> Finding | None:
    """Store a finding; None where the same one (by `dedup_key`) is there already."""
    values = {
        "id": uuid4(),
        "project_id": finding.project_id,
        "milestone_id": finding.milestone_id,
        "kind": finding.kind,
        "code": finding.code,
        "severity": finding.severity,
        "title": Jsonb(finding.title),
        "occurred_at": finding.occurred_at,
        "media_id": finding.media_id,
        "sensor_id": finding.sensor_id,
        "box_xyxy_px": None if finding.box_xyxy_px is None else list(finding.box_xyxy_px),
        "chainage_m": None if finding.chainage_m is None else list(finding.chainage_m),
        "details": Jsonb(finding.details),
        "dedup_key": finding.dedup_key,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["insert_finding"], values).fetchone()
    return None if row is None else _finding(row)


def find_finding(connection: Connection, *, finding_id: UUID) -> Finding | None:
    """The finding of this id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_finding"], {"id": finding_id}).fetchone()
    return None if row is None else _finding(row)


def lock_finding(connection: Connection, *, finding_id: UUID) -> None:
    """Hold the finding's row until the transaction ends, so that two reviewers do not decide at once."""
    connection.execute(_QUERIES["lock_finding"], {"id": finding_id})


def list_findings(
    connection: Connection,
    *,
    principal: Principal,
    after: str | None,
    limit: int,
    project_id: str | None = None,
    milestone_id: str | None = None,
    media_id: UUID | None = None,
    kind: Kind | None = None,
    status: FindingStatus | None = None,
    severity: Severity | None = None,
) -> Page[Finding]:
    """The findings within the principal's sight, oldest first."""
    values = {
        "area": principal.area,
        "token_project_id": principal.project_id,
        "own_media_of": principal.token_id if principal.sees_only_own_media else None,
        "project_id": project_id,
        "milestone_id": milestone_id,
        "media_id": media_id,
        "kind": kind,
        "status": status,
        "severity": severity,
        "after": decode_cursor(after)[0],
        "limit": limit + 1,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_findings"], values).fetchall()
    return cut_page([(row.pop("seq"), _finding(row)) for row in rows], limit=limit)


def list_sensor_findings(
    connection: Connection,
    *,
    project_id: str,
    sensor_ids: Collection[str],
    from_: datetime,
    to: datetime,
    limit: int,
) -> list[Finding]:
    """What was seen of a project's sensors and not dismissed, the newest first.

    Args:
        connection: of the caller's transaction.
        project_id: of the sensors.
        sensor_ids: which.
        from_: included, by the time it happened.
        to: included.
        limit: at most so many.
    """
    values = {"project_id": project_id, "sensor_ids": list(sensor_ids), "from": from_, "to": to, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_finding(row) for row in cursor.execute(_QUERIES["list_sensor_findings"], values)]


def list_finding_ids(connection: Connection, *, media_id: UUID) -> list[UUID]:
    """The ids of one medium's findings, oldest first."""
    return [row[0] for row in connection.execute(_QUERIES["list_finding_ids"], {"media_id": media_id})]


def lock_occurrences(connection: Connection, *, project_id: str, camera_id: str) -> None:
    """Let one worker at a time ask and write what a camera told, until its transaction ends."""
    connection.execute(_QUERIES["lock_occurrences"], {"project_id": project_id, "camera_id": camera_id})


def list_occurrences(connection: Connection, *, project_id: str, dedup_keys: Sequence[str]) -> list[datetime]:
    """When the findings of these keys happened."""
    values = {"project_id": project_id, "dedup_keys": list(dedup_keys)}
    return [row[0] for row in connection.execute(_QUERIES["list_occurrences"], values)]


def list_media_findings(connection: Connection, *, media_id: UUID) -> list[Finding]:
    """One medium's findings, oldest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_finding(row) for row in cursor.execute(_QUERIES["list_media_findings"], {"media_id": media_id})]


def list_milestone_findings(connection: Connection, *, project_id: str, milestone_id: str, code: str) -> list[Finding]:
    """The findings of one code of a milestone, in any state, oldest first."""
    values = {"project_id": project_id, "milestone_id": milestone_id, "code": code}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_finding(row) for row in cursor.execute(_QUERIES["list_milestone_findings"], values)]


def move_finding(
    connection: Connection,
    *,
    finding_id: UUID,
    chainage_m: tuple[float, float],
    title: dict[str, str],
    details: dict[str, Any],
) -> None:
    """Write a finding's new ends along the alignment [m]; `details` are laid over those that it has."""
    values = {"id": finding_id, "chainage_m": list(chainage_m), "title": Jsonb(title), "details": Jsonb(details)}
    connection.execute(_QUERIES["move_finding"], values)


def review_finding(
    connection: Connection, *, finding_id: UUID, decision: Decision, reviewed_by: str, reason: str
) -> None:
    """Write a person's decision."""
    values = {"id": finding_id, "status": decision.value, "reviewed_by": reviewed_by, "reason": reason}
    connection.execute(_QUERIES["review_finding"], values)


def resolve_finding(connection: Connection, *, finding_id: UUID, resolution: dict[str, Any]) -> bool:
    """Resolve a finding that nobody has decided, with the reason in its details; whether it was one."""
    values = {"id": finding_id, "details": Jsonb({"resolution": resolution})}
    return connection.execute(_QUERIES["resolve_finding"], values).fetchone() is not None


def reopen_finding(connection: Connection, *, finding_id: UUID) -> bool:
    """Open a finding again that `resolve_finding` resolved; whether it was one."""
    return connection.execute(_QUERIES["reopen_finding"], {"id": finding_id}).fetchone() is not None


def list_holding_findings(
    connection: Connection, *, project_id: str, milestone_id: str
) -> list[tuple[UUID, str, Severity, FindingStatus]]:
    """Unsettled findings, major or worse, of a milestone and its project's sensors: (id, code, severity, status)."""
    values = {"project_id": project_id, "milestone_id": milestone_id}
    rows = connection.execute(_QUERIES["list_holding_findings"], values).fetchall()
    rows += connection.execute(_QUERIES["list_project_wide_holding_findings"], {"project_id": project_id}).fetchall()
    return [(row[0], row[1], Severity(row[2]), FindingStatus(row[3])) for row in rows]


def attach_finding(connection: Connection, *, finding_id: UUID, issue_id: UUID) -> None:
    """Say which issue a finding ends in."""
    connection.execute(_QUERIES["attach_finding"], {"id": finding_id, "issue_id": issue_id})


def set_finding_status(connection: Connection, *, finding_id: UUID, status: FindingStatus) -> None:
    """Write what became of a finding through its issue."""
    connection.execute(_QUERIES["set_finding_status"], {"id": finding_id, "status": status})


def lock_issue_findings(connection: Connection, *, issue_id: UUID) -> list[Finding]:
    """The findings of an issue, oldest first, held until the transaction ends."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_finding(row) for row in cursor.execute(_QUERIES["lock_issue_findings"], {"issue_id": issue_id})]


def take_unreviewed_findings(
    connection: Connection, *, now: datetime, recorded_before: datetime, limit: int
) -> list[UUID]:
    """Findings that nobody decided upon and nobody was reminded of, at most `limit`; told with the commit."""
    values = {"now": now, "recorded_before": recorded_before, "limit": limit}
    return [row[0] for row in connection.execute(_QUERIES["take_unreviewed_findings"], values)]


def _finding(row: dict[str, Any]) -> Finding:
    row["kind"] = Kind(row["kind"])
    row["severity"] = Severity(row["severity"])
    row["status"] = FindingStatus(row["status"])
    for key in ("box_xyxy_px", "chainage_m"):
        row[key] = None if row[key] is None else tuple(row[key])
    return Finding(**row)
