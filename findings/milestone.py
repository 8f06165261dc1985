"""Milestones beyond their row: what may come before what, and the facts that the gate asks for."""

from typing import ClassVar

from domain.errors import Invalid
from domain.media import MediaStatus
from domain.project import Milestone
from findings.gate import GateFacts, Reason, counts_as_evidence, judge_gate
from storage.database import Connection
from storage.finding import list_holding_findings
from storage.issue import list_holding_issues
from storage.media import list_media
from storage.page import MAX_PAGE
from storage.project import find_milestone


class MilestoneCycle(Invalid):
    """A milestone would come before itself."""

    code: ClassVar[str] = "milestone.cycle"


class UnknownPredecessor(Invalid):
    """A milestone is said to come after one that the project does not have."""

    code: ClassVar[str] = "milestone.unknown_predecessor"


def require_order(connection: Connection, *, project_id: str, milestone_id: str, after: tuple[str, ...]) -> None:
    """Accept the milestones that are to come before one.

    Raises:
        UnknownPredecessor: one of them is not there.
        MilestoneCycle: the milestone would come before itself.
    """
    to_visit = list(after)
    seen: set[str] = set()
    while to_visit:
        each = to_visit.pop()
        if each == milestone_id:
            raise MilestoneCycle(f"{milestone_id} would come before itself")
        if each in seen:
            continue
        seen.add(each)
        milestone = find_milestone(connection, project_id=project_id, milestone_id=each)
        if milestone is None:
            raise UnknownPredecessor(f"the project has no milestone {each}")
        to_visit.extend(milestone.after)


def evaluate_gate(connection: Connection, milestone: Milestone) -> list[Reason]:
    """The reasons for which a milestone holds just now; none means that it passes."""
    return _evaluate(connection, milestone, known={})


def _evaluate(connection: Connection, milestone: Milestone, *, known: dict[str, list[Reason]]) -> list[Reason]:
    if milestone.id not in known:
        holding_before = []
        for each in milestone.after:
            before = find_milestone(connection, project_id=milestone.project_id, milestone_id=each)
            if before is None or _evaluate(connection, before, known=known):
                holding_before.append(each)
        known[milestone.id] = judge_gate(_gather_facts(connection, milestone, holding_before))
    return known[milestone.id]


def _gather_facts(connection: Connection, milestone: Milestone, holding_before: list[str]) -> GateFacts:
    counting = waiting = 0
    cursor: str | None = None
    while True:
        page = list_media(
            connection,
            project_id=milestone.project_id,
            milestone_id=milestone.id,
            own_media_of=None,
            after=cursor,
            limit=MAX_PAGE,
        )
        for medium in page.items:
            counting += counts_as_evidence(medium)
            waiting += medium.status in {MediaStatus.RECEIVED, MediaStatus.ANALYSING}
        cursor = page.next
        if cursor is None:
            break
    return GateFacts(
        requires=milestone.requires,
        counting_photos=counting,
        waiting_media=waiting,
        holding=list_holding_findings(connection, project_id=milestone.project_id, milestone_id=milestone.id),
        holding_before=holding_before,
        holding_issues=list_holding_issues(connection, project_id=milestone.project_id, milestone_id=milestone.id),
    )
