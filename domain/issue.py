"""Quality issues: their life as a state machine, who may make which step of it, and when they are due.

Pure rules on what happened so far. Whether a photo shows mended work is `domain.after_photo`'s to say.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.access import Role
from domain.errors import Conflict, Forbidden
from domain.finding import Severity


class IssueStatus(StrEnum):
    """The life of an issue; `failed` and `closed` are what a re-inspection says."""

    OPEN = "open"
    ASSIGNED = "assigned"
    RECTIFIED = "rectified"
    FAILED = "failed"
    CLOSED = "closed"
    REOPENED = "reopened"


class Duty(StrEnum):
    """What a person is to an issue. Nobody has two duties in one issue, whatever tokens they hold."""

    EXECUTES = "executes"
    SUPERVISES = "supervises"
    DECIDES = "decides"


class RoleMayNot(Forbidden):
    """This role never makes this step."""

    code: ClassVar[str] = "issue.role_may_not"


class WrongStep(Conflict):
    """The step does not follow from where the issue stands."""

    code: ClassVar[str] = "issue.wrong_step"


class PersonUnnamed(Forbidden):
    """A token that names no person cannot show that who executes and who decides are two."""

    code: ClassVar[str] = "issue.person_unnamed"


class SamePerson(Forbidden):
    """The person has another duty in this issue already."""

    code: ClassVar[str] = "issue.same_person"


_UNMENDED: Final = frozenset({IssueStatus.OPEN, IssueStatus.ASSIGNED, IssueStatus.FAILED, IssueStatus.REOPENED})
# An issue that is raised names who must mend it, so the contractor may answer it before anybody assigns it anew.
STEPS: Final[dict[IssueStatus, frozenset[IssueStatus]]] = {
    IssueStatus.ASSIGNED: _UNMENDED,
    IssueStatus.RECTIFIED: _UNMENDED,
    IssueStatus.FAILED: frozenset({IssueStatus.RECTIFIED}),
    IssueStatus.CLOSED: frozenset({IssueStatus.RECTIFIED}),
    IssueStatus.REOPENED: frozenset({IssueStatus.CLOSED}),
}
RAISERS: Final = frozenset({Role.INSPECTOR, Role.ADMIN})
MAKERS: Final[dict[IssueStatus, frozenset[Role]]] = {
    IssueStatus.ASSIGNED: frozenset({Role.INSPECTOR, Role.SUPERVISOR, Role.ADMIN}),
    IssueStatus.RECTIFIED: frozenset({Role.CONTRACTOR}),
    IssueStatus.FAILED: frozenset({Role.INSPECTOR}),
    IssueStatus.CLOSED: frozenset({Role.INSPECTOR}),
    IssueStatus.REOPENED: frozenset({Role.INSPECTOR, Role.SUPERVISOR}),
}
DUTIES: Final = {
    Role.CONTRACTOR: Duty.EXECUTES,
    Role.SUPERVISOR: Duty.SUPERVISES,
    Role.INSPECTOR: Duty.DECIDES,
}
_NAMED: Final = frozenset({IssueStatus.RECTIFIED, IssueStatus.FAILED, IssueStatus.CLOSED})

# No standard sets these days. Chosen so that a danger to life is mended by the end of the next day, that what holds a
# milestone (major) is answered within the working week, and that the rest does not outlast a month's payment.
DUE_DAYS: Final[dict[Severity, int]] = {
    Severity.CRITICAL: 1,
    Severity.MAJOR: 3,
    Severity.MINOR: 7,
    Severity.INFO: 14,
}


@dataclass(frozen=True, slots=True)
class AfterPhoto:
    """A photo that was accepted as showing mended work.

    Attributes:
        unknown: what could not be told of it (`location`, `time`, `reuse`), for who re-inspects.
    """

    media_id: UUID
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of an issue, as it is recorded and never changed.

    Attributes:
        number: from 1, which raises it.
        from_: None where it was raised.
        by: the name to show: the person's, else the token's.
        person: whom the token names; None where it names nobody.
        after_photos: of a rectification, one for each of `media_ids`.
    """

    number: int
    from_: IssueStatus | None
    to: IssueStatus
    at: datetime
    by: str
    person: str | None
    role: Role
    note: str | None = None
    media_ids: tuple[UUID, ...] = ()
    after_photos: tuple[AfterPhoto, ...] = ()


@dataclass(frozen=True, slots=True)
class Issue:
    """A fault that somebody must mend. `title`, the dates and `assigned_to` are named as in BCF's topics.

    Attributes:
        assigned_to: the contractor who must mend it; None where nobody is named.
        due_date: the last day for it, in the project's time zone.
        due_at: the moment at which that day ends. UTC.
        version: grows by one with each step; the ETag.
    """

    id: UUID
    project_id: str
    milestone_id: str | None
    title: str
    severity: Severity
    status: IssueStatus
    assigned_to: str | None
    due_date: date
    due_at: datetime
    creation_date: datetime
    creation_author: str
    modified_date: datetime
    version: int
    finding_ids: tuple[UUID, ...] = ()

    def is_overdue(self, now: datetime) -> bool:
        """Whether it waits for its contractor after its last day; what waits for an inspector is not late."""
        return self.status in _UNMENDED and now >= self.due_at


def choose_due_date(severity: Severity, *, now: datetime, zone: ZoneInfo) -> date:
    """The last day to mend a fault that is raised now, by the days of `DUE_DAYS`, in `zone`."""
    return now.astimezone(zone).date() + timedelta(days=DUE_DAYS[severity])


def end_of_day(day: date, *, zone: ZoneInfo) -> datetime:
    """The moment at which a day of `zone` ends. UTC."""
    return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)


def require_step(
    to: IssueStatus, *, status: IssueStatus, role: Role, person: str | None, history: Iterable[Transition]
) -> None:
    """Accept a step.

    Args:
        to: where it leads.
        status: where the issue stands.
        role: of the token that asks.
        person: whom that token names.
        history: every step so far.

    Raises:
        RoleMayNot: the role never makes this step.
        WrongStep: the step does not follow from `status`.
        PersonUnnamed: it is a rectification or a decision on one, and the token names nobody.
        SamePerson: the person has another duty in this issue.
    """
    refusal = _judge_step(to, status=status, role=role, person=person, history=history)
    if refusal is not None:
        raise refusal


def list_steps(
    *, status: IssueStatus, role: Role, person: str | None, history: Sequence[Transition]
) -> list[IssueStatus]:
    """Every step that this person may make now with a token of this role, in the order of the life."""
    return [to for to in STEPS if _judge_step(to, status=status, role=role, person=person, history=history) is None]


def find_unmended_since(history: Sequence[Transition]) -> datetime:
    """When the fault was last seen: raised, found not mended, or reopened. An after-photo must be newer. UTC."""
    seen = {IssueStatus.OPEN, IssueStatus.FAILED, IssueStatus.REOPENED}
    return max(each.at for each in history if each.to in seen)


def name_person(person: str | None) -> str | None:
    """A person's name as it is compared: letter case, width and blanks do not make another person."""
    folded = "".join(unicodedata.normalize("NFKC", person or "").casefold().split())
    return folded or None


def _judge_step(
    to: IssueStatus, *, status: IssueStatus, role: Role, person: str | None, history: Iterable[Transition]
) -> Forbidden | Conflict | None:
    if role not in MAKERS.get(to, frozenset()):
        return RoleMayNot(f"a token of role {role} may not make an issue {to}", role=role.value, to=to.value)
    if status not in STEPS[to]:
        return WrongStep(f"the issue is {status}: it cannot become {to}", status=status.value, to=to.value)
    name = name_person(person)
    if name is None:
        unnamed = PersonUnnamed("this token names no person: make one with `siteproof token create --person`")
        return unnamed if to in _NAMED else None
    duty = DUTIES.get(role)
    held = {DUTIES.get(each.role) for each in history if name_person(each.person) == name}
    if duty is not None and held - {duty, None}:
        return SamePerson("who executes, who supervises and who decides an issue are different persons", to=to.value)
    return None
