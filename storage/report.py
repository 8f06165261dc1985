"""Villagers' reports as rows. What of one is public is said by `domain.report`."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import dict_row

from domain.access import Principal
from domain.report import Report, ReportForm, ReportStatus
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("report")


def insert_report(
    connection: Connection,
    *,
    report_id: UUID,
    project_id: str,
    form: ReportForm,
    media_id: UUID | None,
    received_at: datetime,
    due_at: datetime,
) -> None:
    """Store a report that waits for its answer."""
    values = {"id": report_id, "project_id": project_id, "text": form.text, "place": form.place}
    values |= {"contact": form.contact, "media_id": media_id, "received_at": received_at, "due_at": due_at}
    connection.execute(_QUERIES["insert_report"], values)


def find_report(connection: Connection, *, report_id: UUID) -> Report | None:
    """The report of this id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_report"], {"id": report_id}).fetchone()
    return None if row is None else _report(row)


def lock_report(connection: Connection, *, report_id: UUID) -> None:
    """Hold the report's row until the transaction ends, so that it is answered once."""
    connection.execute(_QUERIES["lock_report"], {"id": report_id})


def list_reports(
    connection: Connection,
    *,
    principal: Principal,
    after: str | None,
    limit: int,
    project_id: str | None = None,
    status: ReportStatus | None = None,
) -> Page[Report]:
    """The reports within the principal's sight, oldest first."""
    values = {
        "area": principal.area,
        "token_project_id": principal.project_id,
        "project_id": project_id,
        "status": status,
        "after": decode_cursor(after)[0],
        "limit": limit + 1,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_reports"], values).fetchall()
    return cut_page([(row.pop("seq"), _report(row)) for row in rows], limit=limit)


def list_newest_reports(connection: Connection, *, project_id: str, limit: int) -> list[Report]:
    """A project's reports, newest first."""
    values = {"project_id": project_id, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_report(row) for row in cursor.execute(_QUERIES["list_public_reports"], values)]


def answer_report(
    connection: Connection,
    *,
    report_id: UUID,
    status: ReportStatus,
    answer: str,
    published_text: str | None,
    issue_id: UUID | None,
    answered_by: str,
    now: datetime,
) -> None:
    """Write the desk's answer."""
    values = {"id": report_id, "status": status, "answer": answer, "published_text": published_text}
    values |= {"issue_id": issue_id, "answered_by": answered_by, "now": now}
    connection.execute(_QUERIES["answer_report"], values)


def take_overdue_reports(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Reports whose time has passed and was not told yet, at most `limit`; they count as told with the commit."""
    return [row[0] for row in connection.execute(_QUERIES["take_overdue_reports"], {"now": now, "limit": limit})]


def _report(row: dict[str, Any]) -> Report:
    return Report(**row | {"status": ReportStatus(row["status"])})
