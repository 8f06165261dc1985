"""Raising issues and leading them through their life: row, step, findings and events in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import ClassVar, Final
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from domain.access import Principal, Role
from domain.after_photo import AfterPhotoMissing, judge_after_photo
from domain.errors import Conflict, Invalid
from domain.finding import Decision, Finding, FindingStatus, Severity
from domain.issue import (
    RAISERS,
    Issue,
    IssueStatus,
    RoleMayNot,
    Transition,
    choose_due_date,
    end_of_day,
    find_unmended_since,
    require_step,
)
from domain.media import Medium
from domain.project import Project
from findings.log_fact import record_step
from findings.recording import decide_finding, get_finding, tell_finding
from storage.database import Connection
from storage.errors import UnknownMilestone
from storage.event import insert_event
from storage.finding import attach_finding, find_finding, lock_finding, lock_issue_findings, set_finding_status
from storage.issue import find_issue, insert_issue, insert_transition, list_transitions, lock_issue, update_issue
from storage.media import find_media
from storage.project import find_milestone, get_project

_BY_SEVERITY: Final = list(Severity)
# Where nobody says how bad it is, it must not let a milestone pass.
_DEFAULT_SEVERITY: Final = Severity.MAJOR
_WITHOUT_TERMS: Final = frozenset({IssueStatus.RECTIFIED, IssueStatus.CLOSED})


class UnknownIssueFinding(Invalid):
    """A finding is named that the project does not have."""

    code: ClassVar[str] = "issue.finding_unknown"


class FindingHasIssue(Conflict):
    """The finding ends in another issue already."""

    code: ClassVar[str] = "issue.finding_taken"


class FindingNotConfirmed(Conflict):
    """Nobody has decided upon the finding, or it was found to be none, or it is resolved."""

    code: ClassVar[str] = "issue.finding_not_confirmed"


class UnknownIssueMedium(Invalid):
    """A photo or clip is named that the project does not have."""

    code: ClassVar[str] = "issue.medium_unknown"


class NobodyAssigned(Invalid):
    """An issue cannot be assigned without a name, given or the project's contractor."""

    code: ClassVar[str] = "issue.nobody_assigned"


class TermsFixed(Invalid):
    """Who answers for mended work, or closes it, changes neither its due date nor who must mend it."""

    code: ClassVar[str] = "issue.terms_fixed"


@dataclass(frozen=True, slots=True)
class NewIssue:
    """An issue before it is raised; what is None is filled in from its findings, its project and its severity."""

    title: str | None = None
    severity: Severity | None = None
    milestone_id: str | None = None
    finding_ids: tuple[UUID, ...] = ()
    due_date: date | None = None
    assigned_to: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A step that somebody wants to make."""

    to: IssueStatus
    note: str | None = None
    media_ids: tuple[UUID, ...] = ()
    assigned_to: str | None = None
    due_date: date | None = None


def raise_issue(
    connection: Connection,
    *,
    project: Project,
    new: NewIssue,
    principal: Principal,
    now: datetime,
    reason: str | None = None,
) -> Issue:
    """Raise an issue; an inspector who raises it from open findings confirms them by that.

    Args:
        connection: of the caller's transaction; it commits.
        project: the issue's.
        new: what the caller says of it; with a title, or with a finding.
        principal: who raises it.
        now: UTC.
        reason: of the findings' confirmation; silent: the issue's title.

    Raises:
        RoleMayNot: the role raises no issues.
        UnknownMilestone: the project has no such milestone.
        UnknownIssueFinding: the project has no such finding.
        FindingHasIssue: a finding has an issue already.
        FindingNotConfirmed: a finding is dismissed or resolved, or open and the principal no inspector.
    """
    if principal.role not in RAISERS:
        raise RoleMayNot(f"a token of role {principal.role} may not raise an issue", role=principal.role.value)
    findings = [_take_finding(connection, each, project) for each in sorted(set(new.finding_ids))]
    milestone_id = new.milestone_id or _find_common_milestone(findings)
    if milestone_id and find_milestone(connection, project_id=project.id, milestone_id=milestone_id) is None:
        raise UnknownMilestone(f"the project has no milestone {milestone_id}")
    zone = ZoneInfo(project.time_zone)
    severity = new.severity or max(
        (each.severity for each in findings), key=_BY_SEVERITY.index, default=_DEFAULT_SEVERITY
    )
    due_date = new.due_date or choose_due_date(severity, now=now, zone=zone)
    title = new.title or next(iter(_list_titles(findings)))
    issue_id = uuid4()
    insert_issue(
        connection,
        issue_id=issue_id,
        project_id=project.id,
        milestone_id=milestone_id,
        title=title,
        severity=severity,
        assigned_to=new.assigned_to or project.contractor,
        due_date=due_date,
        due_at=end_of_day(due_date, zone=zone),
        creation_author=principal.label,
        now=now,
    )
    first = _make_transition(principal, number=1, from_=None, step=Step(IssueStatus.OPEN), now=now)
    insert_transition(connection, issue_id=issue_id, transition=first, token_id=principal.token_id)
    for finding in findings:
        attach_finding(connection, finding_id=finding.id, issue_id=issue_id)
        _confirm(connection, finding, principal=principal, reason=reason or title)
    issue = get_issue(connection, issue_id)
    record_step(connection, issue, first)
    tell_issue(connection, issue, event=issue.status, at=now, by=first.by)
    return issue


def make_step(connection: Connection, *, issue_id: UUID, step: Step, principal: Principal, now: datetime) -> Issue:
    """Lead an issue one step on, with what that means for its findings.

    Args:
        connection: of the caller's transaction; it commits.
        issue_id: of an issue that is there.
        step: where to.
        principal: who makes it.
        now: UTC.

    Raises:
        RoleMayNot: the role never makes this step.
        WrongStep: it does not follow from where the issue stands.
        PersonUnnamed: the token names nobody.
        SamePerson: the person has another duty in this issue.
        UnknownIssueMedium: the project has no such photo or clip.
        TermsFixed: a rectification or closing names a due date or an assignee.
        NobodyAssigned: it would be assigned to nobody.
        AfterPhotoMissing: a rectification without a photo; the other errors of `domain.after_photo` likewise.
        LookupError: there is no such issue.
    """
    lock_issue(connection, issue_id=issue_id)
    issue = get_issue(connection, issue_id)
    project = get_project(connection, project_id=issue.project_id)
    history = list_transitions(connection, issue_id=issue_id)
    require_step(step.to, status=issue.status, role=principal.role, person=principal.person, history=history)
    if step.to in _WITHOUT_TERMS and (step.due_date or step.assigned_to):
        raise TermsFixed(f"`due_date` and `assigned_to` are not set by a step to {step.to}")
    media = [_get_medium(connection, each, project) for each in dict.fromkeys(step.media_ids)]
    transition = _make_transition(principal, number=len(history) + 1, from_=issue.status, step=step, now=now)
    if step.to is IssueStatus.RECTIFIED:
        transition = _show_mended(transition, media, since=find_unmended_since(history))
    assigned_to = step.assigned_to or issue.assigned_to or project.contractor
    if step.to is IssueStatus.ASSIGNED and assigned_to is None:
        raise NobodyAssigned("say to whom: `assigned_to`")
    due_date = _choose_next_due_date(issue, step, project=project, now=now)
    insert_transition(connection, issue_id=issue_id, transition=transition, token_id=principal.token_id)
    update_issue(
        connection,
        issue_id=issue_id,
        status=step.to,
        assigned_to=assigned_to,
        due_date=due_date,
        due_at=issue.due_at if due_date == issue.due_date else end_of_day(due_date, zone=ZoneInfo(project.time_zone)),
        now=now,
    )
    moved = get_issue(connection, issue_id)
    record_step(connection, moved, transition)
    tell_issue(connection, moved, event=step.to, at=now, by=transition.by)
    _move_findings(connection, moved, now=now)
    return moved


def get_issue(connection: Connection, issue_id: UUID) -> Issue:
    """An issue that is known to be there.

    Raises:
        LookupError: it is not.
    """
    issue = find_issue(connection, issue_id=issue_id)
    if issue is None:
        raise LookupError(issue_id)
    return issue


def tell_issue(connection: Connection, issue: Issue, *, event: str, at: datetime, by: str | None) -> None:
    """Write the event `siteproof.issue.<event>`, with who caused it where that is a person."""
    insert_event(
        connection,
        type_=f"siteproof.issue.{event}",
        project_id=issue.project_id,
        area=get_project(connection, project_id=issue.project_id).area,
        subject=f"issues/{issue.id}",
        occurred_at=at,
        data={
            "issue_id": str(issue.id),
            "project_id": issue.project_id,
            "milestone_id": issue.milestone_id,
            "title": issue.title,
            "severity": issue.severity,
            "status": issue.status,
            "assigned_to": issue.assigned_to,
            "due_at": issue.due_at.isoformat().replace("+00:00", "Z"),
            "finding_ids": [str(each) for each in issue.finding_ids],
            "by": by,
        },
    )


def _take_finding(connection: Connection, finding_id: UUID, project: Project) -> Finding:
    lock_finding(connection, finding_id=finding_id)
    finding = find_finding(connection, finding_id=finding_id)
    if finding is None or finding.project_id != project.id:
        raise UnknownIssueFinding("the project has no such finding", finding_id=str(finding_id))
    if finding.issue_id is not None:
        raise FindingHasIssue("the finding has an issue already", issue_id=str(finding.issue_id))
    return finding


def _confirm(connection: Connection, finding: Finding, *, principal: Principal, reason: str) -> None:
    may_decide = principal.role is Role.INSPECTOR and finding.status is FindingStatus.OPEN
    if may_decide:
        decide_finding(
            connection,
            finding_id=finding.id,
            decision=Decision.CONFIRMED,
            reviewed_by=principal.label,
            reason=reason,
        )
    elif finding.status is not FindingStatus.CONFIRMED:
        raise FindingNotConfirmed(f"the finding is {finding.status}", status=finding.status.value)


def _find_common_milestone(findings: Sequence[Finding]) -> str | None:
    milestones = {each.milestone_id for each in findings}
    return milestones.pop() if len(milestones) == 1 else None


def _list_titles(findings: Sequence[Finding]) -> list[str]:
    return [each.title.get("zh") or each.title.get("en") or each.code for each in findings]


def _get_medium(connection: Connection, media_id: UUID, project: Project) -> Medium:
    medium = find_media(connection, media_id=media_id)
    if medium is None or medium.project_id != project.id:
        raise UnknownIssueMedium("the project has no such photo or clip", media_id=str(media_id))
    return medium


def _make_transition(
    principal: Principal, *, number: int, from_: IssueStatus | None, step: Step, now: datetime
) -> Transition:
    return Transition(
        number=number,
        from_=from_,
        to=step.to,
        at=now,
        by=principal.label,
        person=principal.person,
        role=principal.role,
        note=step.note,
        media_ids=tuple(dict.fromkeys(step.media_ids)),
    )


def _show_mended(transition: Transition, media: Sequence[Medium], *, since: datetime) -> Transition:
    if not media:
        raise AfterPhotoMissing("name the photos that show it mended: `media_ids`")
    return replace(transition, after_photos=tuple(judge_after_photo(each, since=since) for each in media))


def _choose_next_due_date(issue: Issue, step: Step, *, project: Project, now: datetime) -> date:
    """What is said, else a new term where it is reopened; mending badly (`failed`) buys no time."""
    if step.due_date is not None:
        return step.due_date
    if step.to is IssueStatus.REOPENED:
        return choose_due_date(issue.severity, now=now, zone=ZoneInfo(project.time_zone))
    return issue.due_date


def _move_findings(connection: Connection, issue: Issue, *, now: datetime) -> None:
    """Closing resolves what was confirmed, reopening takes that back."""
    changes = {
        IssueStatus.CLOSED: (FindingStatus.CONFIRMED, FindingStatus.RESOLVED, "resolved"),
        IssueStatus.REOPENED: (FindingStatus.RESOLVED, FindingStatus.CONFIRMED, "reopened"),
    }
    if issue.status not in changes:
        return
    before, after, event = changes[issue.status]
    for finding in lock_issue_findings(connection, issue_id=issue.id):
        if finding.status is before:
            set_finding_status(connection, finding_id=finding.id, status=after)
            tell_finding(connection, get_finding(connection, finding.id), event=event, at=now)
