"""What waits too long is told to who supervises, each once: overdue issues and reports, and unreviewed findings."""

from datetime import datetime, timedelta
from typing import Final

from findings.issue import get_issue, tell_issue
from findings.recording import UNREVIEWED, get_finding, tell_finding
from findings.report import get_report, tell_report
from storage.database import Connection
from storage.finding import take_unreviewed_findings
from storage.issue import take_overdue_issues
from storage.report import take_overdue_reports

REVIEW_WITHIN: Final = timedelta(hours=48)


def remind(connection: Connection, *, now: datetime, limit: int) -> int:
    """Write an event for each issue and report that became overdue, each finding that nobody reviewed for too long.

    Args:
        connection: of the caller's transaction; what is told and that it was told are committed together.
        now: UTC.
        limit: at most so many of each kind; the rest waits for the next call.

    Returns:
        How many were told.
    """
    issues = take_overdue_issues(connection, now=now, limit=limit)
    for issue_id in issues:
        issue = get_issue(connection, issue_id)
        tell_issue(connection, issue, event="overdue", at=issue.due_at, by=None)
    findings = take_unreviewed_findings(connection, now=now, recorded_before=now - REVIEW_WITHIN, limit=limit)
    for finding_id in findings:
        finding = get_finding(connection, finding_id)
        tell_finding(connection, finding, event=UNREVIEWED, at=finding.recorded_at + REVIEW_WITHIN)
    reports = take_overdue_reports(connection, now=now, limit=limit)
    for report_id in reports:
        report = get_report(connection, report_id)
        tell_report(connection, report, event="overdue", at=report.due_at)
    return len(issues) + len(findings) + len(reports)
