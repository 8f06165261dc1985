"""Milestones beyond their row: what may come before what, and the facts that the gate asks for."""

from collections import Counter
from collections.abc import Collection
from typing import Any, ClassVar, Final

from domain.errors import Invalid, NotFound
from domain.media import MediaStatus
from domain.place import Placement
from domain.project import Milestone
from findings.boundary import find_boundary
from findings.conformance import find_coverage, list_unsettled_gaps
from findings.coverage import Coverage
from findings.gate import GateFacts, Reason, counts_as_evidence, judge_gate
from findings.measured_conformance import list_standing_verdicts
from geofence.boundary import place
from storage.checkin import list_latest_checkins
from storage.database import Connection
from storage.evidence import list_milestone_evidence
from storage.finding import list_holding_findings
from storage.issue import list_holding_issues
from storage.project import find_milestone

_MAX_CHECKINS: Final = 500


class MilestoneCycle(Invalid):
    """A milestone would come before itself."""

    code: ClassVar[str] = "milestone.cycle"


class UnknownPredecessor(Invalid):
    """A milestone is said to come after one that the project does not have."""

    code: ClassVar[str] = "milestone.unknown_predecessor"


class UnknownElement(Invalid):
    """An element is required that no registered model can see; `known` lists what they can."""

    code: ClassVar[str] = "milestone.unknown_class"


class NoStations(NotFound):
    """The milestone requires no photos per station, or the project has no alignment to measure them along."""

    code: ClassVar[str] = "milestone.no_stations"


def require_known_elements(requires: dict[str, Any], known: Collection[str]) -> None:
    """Refuse an element that no model knows when it is asked for, not when the photos come.

    Raises:
        UnknownElement: names the label.
    """
    for element in requires.get("elements") or ():
        if element["label"] not in known:
            names = sorted(known)
            raise UnknownElement(
                f"no registered model knows {element['label'][:64]!r}; known are {', '.join(names)}",
                label=element["label"],
                known=names,
            )


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


def evaluate_coverage(connection: Connection, milestone: Milestone) -> Coverage:
    """Which stations are evidenced just now.

    Raises:
        NoStations: none are required, or there is no alignment.
    """
    sent = list_milestone_evidence(connection, project_id=milestone.project_id, milestone_id=milestone.id)
    coverage = find_coverage(connection, milestone, [medium for medium in sent if counts_as_evidence(medium)])
    if coverage is None:
        raise NoStations("the milestone requires no stations (`photos.every_m`), or the project has no alignment")
    return coverage


def _evaluate(connection: Connection, milestone: Milestone, *, known: dict[str, list[Reason]]) -> list[Reason]:
    if milestone.id not in known:
        holding_before = []
        for each in milestone.after:
            before = find_milestone(connection, project_id=milestone.project_id, milestone_id=each)
            if before is None or _evaluate(connection, before, known=known):
                holding_before.append(each)
        known[milestone.id] = judge_gate(_gather_facts(connection, milestone, holding_before))
    return known[milestone.id]


def _list_placements(connection: Connection, milestone: Milestone) -> list[Placement] | None:
    """Where the last check-ins lie, where any is required."""
    if not milestone.requires.get("checkin"):
        return []
    boundary = find_boundary(connection, project_id=milestone.project_id)
    if boundary is None:
        return None
    latest = list_latest_checkins(
        connection, project_id=milestone.project_id, milestone_id=milestone.id, limit=_MAX_CHECKINS
    )
    return [place(each.position, boundary=boundary) for each in latest]


def _gather_facts(connection: Connection, milestone: Milestone, holding_before: list[str]) -> GateFacts:
    sent = list_milestone_evidence(connection, project_id=milestone.project_id, milestone_id=milestone.id)
    counting = [medium for medium in sent if counts_as_evidence(medium)]
    coverage = find_coverage(connection, milestone, counting)
    gaps = None if coverage is None else list_unsettled_gaps(connection, milestone, coverage)
    return GateFacts(
        requires=milestone.requires,
        counting_photos=len(counting),
        waiting_media=sum(medium.status in {MediaStatus.RECEIVED, MediaStatus.ANALYSING} for medium in sent),
        holding=list_holding_findings(connection, project_id=milestone.project_id, milestone_id=milestone.id),
        holding_before=holding_before,
        holding_issues=list_holding_issues(connection, project_id=milestone.project_id, milestone_id=milestone.id),
        seen=Counter(label for medium in counting for label in medium.labels),
        gaps=gaps,
        measured=list_standing_verdicts(connection, milestone, counting),
        checkins=_list_placements(connection, milestone),
    )
