"""Receiving villagers' reports and answering them: row and event in one transaction. No event tells who wrote one."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID, uuid4

from domain.access import Principal
from domain.errors import Invalid
from domain.project import Project
from domain.report import ANSWER_WITHIN, Report, ReportAnswered, ReportForm, ReportStatus
from findings.issue import NewIssue, raise_issue
from storage.database import Connection
from storage.event import insert_event
from storage.project import get_project
from storage.report import answer_report, find_report, insert_report, lock_report


class DismissedWithIssue(Invalid):
    """A report that is dismissed raises no issue, and nothing of its text is published."""

    code: ClassVar[str] = "report.dismissed_with_issue"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the desk says to a report.

    Attributes:
        text: public.
        published_text: in the place of the report's own text, where that names somebody; None: as it came.
        issue: to raise from it; with a title.
    """

    status: ReportStatus
    text: str
    published_text: str | None = None
    issue: NewIssue | None = None


def receive_report(
    connection: Connection, *, project: Project, form: ReportForm, media_id: UUID | None, now: datetime
) -> Report:
    """Store a report with its event; the caller's transaction commits.

    Raises:
        UnstorableText: the text holds what cannot be stored.
    """
    report_id = uuid4()
    insert_report(
        connection,
        report_id=report_id,
        project_id=project.id,
        form=form,
        media_id=media_id,
        received_at=now,
        due_at=now + ANSWER_WITHIN,
    )
    report = get_report(connection, report_id)
    tell_report(connection, report, event="received", at=now)
    return report


def give_answer(
    connection: Connection, *, report_id: UUID, answer: Answer, principal: Principal, now: datetime
) -> Report:
    """Answer a report, once, and raise an issue from it where the desk wants one.

    Args:
        connection: of the caller's transaction; it commits.
        report_id: of a report that is there.
        answer: answered or dismissed.
        principal: who answers.
        now: UTC.

    Raises:
        ReportAnswered: it was answered before.
        DismissedWithIssue: it is dismissed, with an issue or with a text to publish.
        RoleMayNot: the role raises no issues.
        UnknownMilestone: the project has no such milestone.
        LookupError: there is no such report.
    """
    lock_report(connection, report_id=report_id)
    report = get_report(connection, report_id)
    if report.status is not ReportStatus.RECEIVED:
        raise ReportAnswered(f"the report is {report.status} already", status=report.status.value)
    if answer.status is ReportStatus.DISMISSED and (answer.issue or answer.published_text is not None):
        raise DismissedWithIssue("a dismissed report raises no issue and publishes no text")
    issue_id = None
    if answer.issue is not None:
        project = get_project(connection, project_id=report.project_id)
        issue_id = raise_issue(connection, project=project, new=answer.issue, principal=principal, now=now).id
    answer_report(
        connection,
        report_id=report_id,
        status=answer.status,
        answer=answer.text,
        published_text=answer.published_text,
        issue_id=issue_id,
        answered_by=principal.label,
        now=now,
    )
    answered = get_report(connection, report_id)
    tell_report(connection, answered, event="answered", at=now)
    return answered


def get_report(connection: Connection, report_id: UUID) -> Report:
    """A report that is known to be there.

    Raises:
        LookupError: it is not.
    """
    report = find_report(connection, report_id=report_id)
    if report is None:
        raise LookupError(report_id)
    return report


def tell_report(connection: Connection, report: Report, *, event: str, at: datetime) -> None:
    """Write the event `siteproof.report.<event>`, without a word of the report or of who wrote it."""
    insert_event(
        connection,
        type_=f"siteproof.report.{event}",
        project_id=report.project_id,
        area=get_project(connection, project_id=report.project_id).area,
        subject=f"reports/{report.id}",
        occurred_at=at,
        data={
            "report_id": str(report.id),
            "project_id": report.project_id,
            "status": report.status,
            "due_at": report.due_at.isoformat().replace("+00:00", "Z"),
            "issue_id": None if report.issue_id is None else str(report.issue_id),
        },
    )
