"""Quality issues and the steps of their life as rows. Which step may be made is said by `domain.issue`."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.access import Principal, Role
from domain.finding import Severity
from domain.issue import AfterPhoto, Issue, IssueStatus, Transition
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("issue")


def insert_issue(
    connection: Connection,
    *,
    issue_id: UUID,
    project_id: str,
    milestone_id: str | None,
    title: str,
    severity: Severity,
    assigned_to: str | None,
    due_date: date,
    due_at: datetime,
    creation_author: str,
    now: datetime,
) -> None:
    """Store an open issue; its first transition is stored apart.

    Raises:
        UnknownMilestone: the project has no such milestone.
    """
    values = {
        "id": issue_id,
        "project_id": project_id,
        "milestone_id": milestone_id,
        "title": title,
        "severity": severity,
        "assigned_to": assigned_to,
        "due_date": due_date,
        "due_at": due_at,
        "creation_author": creation_author,
        "now": now,
    }
    connection.execute(_QUERIES["insert_issue"], values)


def find_issue(connection: Connection, *, issue_id: UUID) -> Issue | None:
    """The issue of this id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_issue"], {"id": issue_id}).fetchone()
    return None if row is None else _issue(row)


def lock_issue(connection: Connection, *, issue_id: UUID) -> None:
    """Hold the issue's row until the transaction ends, so that its steps are made one after the other."""
    connection.execute(_QUERIES["lock_issue"], {"id": issue_id})


def list_issues(
    connection: Connection,
    *,
    principal: Principal,
    now: datetime,
    after: str | None,
    limit: int,
    project_id: str | None = None,
    milestone_id: str | None = None,
    status: IssueStatus | None = None,
    severity: Severity | None = None,
    assigned_to: str | None = None,
    overdue: bool | None = None,
) -> Page[Issue]:
    """The issues within the principal's sight, oldest first; `now` decides which are overdue."""
    values = {
        "area": principal.area,
        "token_project_id": principal.project_id,
        "project_id": project_id,
        "milestone_id": milestone_id,
        "status": status,
        "severity": severity,
        "assigned_to": assigned_to,
        "overdue": overdue,
        "now": now,
        "after": decode_cursor(after)[0],
        "limit": limit + 1,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_issues"], values).fetchall()
    return cut_page([(row.pop("seq"), _issue(row)) for row in rows], limit=limit)


def update_issue(
    connection: Connection,
    *,
    issue_id: UUID,
    status: IssueStatus,
    assigned_to: str | None,
    due_date: date,
    due_at: datetime,
    now: datetime,
) -> None:
    """Write where an issue stands after a step."""
    values = {
        "id": issue_id,
        "status": status,
        "assigned_to": assigned_to,
        "due_date": due_date,
        "due_at": due_at,
        "now": now,
    }
    connection.execute(_QUERIES["update_issue"], values)


def insert_transition(connection: Connection, *, issue_id: UUID, transition: Transition, token_id: UUID) -> None:
    """Record a step for good, with the token that made it."""
    values = {
        "issue_id": issue_id,
        "number": transition.number,
        "from_status": transition.from_,
        "to_status": transition.to,
        "at": transition.at,
        "by": transition.by,
        "person": transition.person,
        "role": transition.role,
        "token_id": token_id,
        "note": transition.note,
        "media_ids": list(transition.media_ids),
        "after_photos": Jsonb([asdict(each) | {"media_id": str(each.media_id)} for each in transition.after_photos]),
    }
    connection.execute(_QUERIES["insert_transition"], values)


def list_transitions(connection: Connection, *, issue_id: UUID) -> list[Transition]:
    """Every step of an issue, the one that raised it first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_transition(row) for row in cursor.execute(_QUERIES["list_transitions"], {"issue_id": issue_id})]


def list_holding_issues(
    connection: Connection, *, project_id: str, milestone_id: str
) -> list[tuple[UUID, str, Severity, IssueStatus]]:
    """Issues of a milestone that are not closed, major or worse: (id, title, severity, status)."""
    values = {"project_id": project_id, "milestone_id": milestone_id}
    rows = connection.execute(_QUERIES["list_holding_issues"], values).fetchall()
    return [(row[0], row[1], Severity(row[2]), IssueStatus(row[3])) for row in rows]


def take_overdue_issues(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Issues whose due time has passed and was not told yet, at most `limit`; they count as told with the commit."""
    return [row[0] for row in connection.execute(_QUERIES["take_overdue_issues"], {"now": now, "limit": limit})]


def _issue(row: dict[str, Any]) -> Issue:
    row["severity"] = Severity(row["severity"])
    row["status"] = IssueStatus(row["status"])
    row["finding_ids"] = tuple(row["finding_ids"])
    return Issue(**row)


def _transition(row: dict[str, Any]) -> Transition:
    from_status = row.pop("from_status")
    row["from_"] = None if from_status is None else IssueStatus(from_status)
    row["to"] = IssueStatus(row.pop("to_status"))
    row["role"] = Role(row["role"])
    row["media_ids"] = tuple(row["media_ids"])
    row["after_photos"] = tuple(
        AfterPhoto(UUID(each["media_id"]), tuple(each["unknown"])) for each in row["after_photos"]
    )
    return Transition(**row)
