from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from domain.access import Role
from domain.errors import SiteproofError
from domain.finding import Severity
from domain.issue import (
    Issue,
    IssueStatus,
    PersonUnnamed,
    RoleMayNot,
    SamePerson,
    Transition,
    WrongStep,
    choose_due_date,
    end_of_day,
    find_unmended_since,
    list_steps,
    name_person,
    require_step,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai, eight hours ahead

# The life as docs/issues.md draws it, written out: (from, to, who may).
LIFE = {
    ("open", "assigned"): "inspector supervisor admin",
    ("open", "rectified"): "contractor",
    ("assigned", "assigned"): "inspector supervisor admin",
    ("assigned", "rectified"): "contractor",
    ("rectified", "failed"): "inspector",
    ("rectified", "closed"): "inspector",
    ("failed", "assigned"): "inspector supervisor admin",
    ("failed", "rectified"): "contractor",
    ("closed", "reopened"): "inspector supervisor",
    ("reopened", "assigned"): "inspector supervisor admin",
    ("reopened", "rectified"): "contractor",
}
PEOPLE = (None, "王工", "Li Si", "老赵", "Chen")


def make_history(*steps: tuple[str, str, str | None]) -> list[Transition]:
    """Steps (to, role, person), an hour apart, the first of which raises the issue at NOON."""
    history: list[Transition] = []
    for number, (to, role, person) in enumerate(steps, 1):
        before = history[-1].to if history else None
        at = NOON + timedelta(hours=number - 1)
        history.append(Transition(number, before, IssueStatus(to), at, person or "?", person, Role(role)))
    return history


def ask(to: str, role: str, person: str | None, history: list[Transition]) -> None:
    """Ask for a step after this history."""
    require_step(IssueStatus(to), status=history[-1].to, role=Role(role), person=person, history=history)


RAISED = ("open", "inspector", "王工")
RECTIFIED = ("rectified", "contractor", "老赵")


def test_require_step__the_whole_life__passes() -> None:
    """Raised, assigned, mended badly, mended well, closed, reopened by the supervisor, mended and closed again."""
    life = [
        RAISED,
        ("assigned", "inspector", "王工"),
        RECTIFIED,
        ("failed", "inspector", "李工"),
        RECTIFIED,
        ("closed", "inspector", "王工"),
        ("reopened", "supervisor", "陈科"),
        RECTIFIED,
        ("closed", "inspector", "李工"),
    ]
    for length in range(1, len(life)):
        ask(*life[length], make_history(*life[:length]))


@pytest.mark.parametrize("role", ["contractor", "supervisor", "admin", "core", "field"])
def test_require_step__closing_by_anybody_but_an_inspector__is_refused(role: str) -> None:
    """To close is the inspector's alone, an operator's neither."""
    with pytest.raises(RoleMayNot):
        ask("closed", role, "somebody", make_history(RAISED, RECTIFIED))


def test_require_step__closing_what_nobody_rectified__does_not_follow() -> None:
    """There is no way around mending it."""
    with pytest.raises(WrongStep):
        ask("closed", "inspector", "李工", make_history(RAISED))


@pytest.mark.parametrize("to", ["closed", "failed"])
@pytest.mark.parametrize("person", ["老赵", " 老 赵 "])
def test_require_step__the_person_who_rectified__may_not_decide_with_another_token(to: str, person: str) -> None:
    """Two tokens of one person are one person, however the name is spaced."""
    with pytest.raises(SamePerson):
        ask(to, "inspector", person, make_history(RAISED, RECTIFIED))


def test_require_step__an_earlier_round__still_counts() -> None:
    """Who mended it in the first round does not close the second, which another mended."""
    history = make_history(RAISED, RECTIFIED, ("failed", "inspector", "王工"), ("rectified", "contractor", "小钱"))
    with pytest.raises(SamePerson):
        ask("closed", "inspector", "老赵", history)
    ask("closed", "inspector", "王工", history)


def test_require_step__who_decided__may_not_execute_nor_supervise() -> None:
    """The three duties are three persons', in whichever order they come."""
    with pytest.raises(SamePerson):
        ask("rectified", "contractor", "王工", make_history(RAISED))
    with pytest.raises(SamePerson):
        ask("reopened", "supervisor", "王工", make_history(RAISED, RECTIFIED, ("closed", "inspector", "王工")))
    with pytest.raises(SamePerson):
        ask("closed", "inspector", "陈科", make_history(RAISED, ("assigned", "supervisor", "陈科"), RECTIFIED))


@pytest.mark.parametrize("person", [None, "", "  "])
@pytest.mark.parametrize(
    ("to", "role"), [("rectified", "contractor"), ("closed", "inspector"), ("failed", "inspector")]
)
def test_require_step__a_token_without_a_person__neither_rectifies_nor_decides(
    to: str, role: str, person: str | None
) -> None:
    """Where the person is not known, that two are different cannot be told."""
    history = make_history(RAISED) if to == "rectified" else make_history(RAISED, RECTIFIED)
    with pytest.raises(PersonUnnamed):
        ask(to, role, person, history)


def test_list_steps__is_what_the_person_may_do() -> None:
    """The page offers these and no others."""
    history = make_history(RAISED, RECTIFIED)

    def offer(role: str, person: str) -> list[str]:
        steps = list_steps(status=history[-1].to, role=Role(role), person=person, history=history)
        return [each.value for each in steps]

    assert offer("inspector", "王工") == ["failed", "closed"]
    assert offer("inspector", "老赵") == []
    assert offer("contractor", "老赵") == []


def test_name_person__width_case_and_blanks__do_not_make_another() -> None:
    """`Ｌｉ ＳＩ` in full-width letters is Li Si."""
    assert name_person("Ｌｉ ＳＩ") == name_person("li si")
    assert name_person("李四") != name_person("李五")


@pytest.mark.parametrize(("severity", "last_day"), [("critical", 21), ("major", 23), ("minor", 27), ("info", 4)])
def test_choose_due_date__by_severity__counts_days_of_the_project(severity: str, last_day: int) -> None:
    """1, 3, 7 and 14 days after 20 November; the last is 4 December."""
    month = 12 if severity == "info" else 11
    assert choose_due_date(Severity(severity), now=NOON, zone=SHANGHAI) == date(2026, month, last_day)


def test_choose_due_date__late_in_the_evening_of_utc__is_the_next_day_on_site() -> None:
    """20:00 in UTC is 04:00 of the 21st in Shanghai, so the next day is the 22nd."""
    late = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
    assert choose_due_date(Severity.CRITICAL, now=late, zone=SHANGHAI) == date(2026, 11, 22)


def test_end_of_day__in_shanghai__is_16_hours_in_utc() -> None:
    """Midnight after 21 November at +08:00 is 16:00 of the 21st in UTC."""
    assert end_of_day(date(2026, 11, 21), zone=SHANGHAI) == datetime(2026, 11, 21, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "late"),
    [("open", True), ("assigned", True), ("failed", True), ("reopened", True), ("rectified", False), ("closed", False)],
)
def test_is_overdue__after_the_last_day__unless_it_waits_for_an_inspector(status: str, late: bool) -> None:  # noqa: FBT001 - a case
    """At the very end of the day it is late, a second before it is not."""
    due_at = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    day = date(2026, 11, 21)
    issue = Issue(
        UUID(int=1), "p", None, "t", Severity.MAJOR, IssueStatus(status), None, day, due_at, NOON, "王工", NOON, 1
    )
    assert issue.is_overdue(due_at) is late
    assert not issue.is_overdue(due_at - timedelta(seconds=1))


def test_find_unmended_since__after_a_failed_round__is_when_it_failed() -> None:
    """An after-photo of the first round cannot show what was mended in the second."""
    history = make_history(RAISED, RECTIFIED, ("failed", "inspector", "王工"), RECTIFIED)
    assert find_unmended_since(history[:2]) == NOON
    assert find_unmended_since(history) == NOON + timedelta(hours=2)


class Walk(RuleBasedStateMachine):
    """One issue, led by whoever comes by, wherever they want it to go."""

    steps: ClassVar[int] = 0
    made: ClassVar[set[tuple[str, str]]] = set()

    def __init__(self) -> None:
        super().__init__()
        self.history = make_history(("open", "inspector", "王工"))
        # The duties of each person, kept apart from the history that the product reads.
        self.duties: dict[str, set[str]] = {"王工": {"inspector"}}

    @rule(to=st.sampled_from(list(IssueStatus)), role=st.sampled_from(list(Role)), person=st.sampled_from(PEOPLE))
    def take_a_step(self, to: IssueStatus, role: Role, person: str | None) -> None:
        """A step is made exactly when the table above allows it to this role and the person has no other duty."""
        Walk.steps += 1
        status = self.history[-1].to
        try:
            require_step(to, status=status, role=role, person=person, history=self.history)
            is_made = True
        except SiteproofError:
            is_made = False
        assert is_made == self.is_allowed(status.value, to.value, role.value, person)
        offered = list_steps(status=status, role=role, person=person, history=self.history)
        assert (to in offered) == is_made
        if is_made:
            Walk.made.add((status.value, to.value))
            step = Transition(len(self.history) + 1, status, to, NOON, person or "?", person, role)
            self.history.append(step)
            if person is not None and role is not Role.ADMIN:
                self.duties.setdefault(person, set()).add(role.value)

    def is_allowed(self, status: str, to: str, role: str, person: str | None) -> bool:
        """What the table says."""
        if role not in LIFE.get((status, to), "").split():
            return False
        if person is None:
            return to in {"assigned", "reopened"}
        return role == "admin" or self.duties.get(person, set()) <= {role}

    @invariant()
    def duties_are_apart(self) -> None:
        """Nobody who ever rectified it closed or failed it, and nobody supervised and did either."""
        by_duty: dict[str, set[str | None]] = {"contractor": set(), "inspector": set(), "supervisor": set()}
        for each in self.history:
            if each.person is not None and each.role.value in by_duty:
                by_duty[each.role.value].add(each.person)
        assert not by_duty["contractor"] & by_duty["inspector"]
        assert not by_duty["supervisor"] & (by_duty["contractor"] | by_duty["inspector"])
        closings = [each for each in self.history if each.to is IssueStatus.CLOSED]
        assert all(each.role is Role.INSPECTOR and each.person is not None for each in closings)
        assert all(each.from_ is IssueStatus.RECTIFIED for each in closings)


def test_life__10000_random_steps__no_role_makes_one_that_it_may_not() -> None:
    """Random walks agree with the table step by step, and between them reach every edge of it."""
    Walk.steps, Walk.made = 0, set()
    walks = settings(
        max_examples=120,
        stateful_step_count=100,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Walk, settings=walks)
    assert Walk.steps >= 10_000
    assert Walk.made == set(LIFE)


def test_transition__once_made__cannot_be_changed() -> None:
    """A step is a frozen value; changing it makes another."""
    (step,) = make_history(RAISED)
    assert replace(step, note="x") != step
    with pytest.raises(AttributeError):
        step.note = "x"  # type: ignore[misc]
