"""Which recorded gap a gap of now is: so that a finding shrinks and keeps its identity while photos come. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from findings.coverage import Interval


@dataclass(frozen=True, slots=True)
class GapChanges:
    """What recorded gaps become.

    Attributes:
        moved: recorded ones whose ends changed, with the new ends. [m]
        gone: recorded ones that are no gap any more.
        new: gaps that none was recorded of. [m]
    """

    moved: Mapping[UUID, Interval]
    gone: tuple[UUID, ...]
    new: tuple[Interval, ...]


def match_gaps(recorded: Mapping[UUID, Interval], gaps: Sequence[Interval]) -> GapChanges:
    """Match recorded gaps with those of now, the longest overlap first; each is matched once.

    A gap that a photo splits goes on as its longer part, and the other part is new; one of two that become one goes on.

    Args:
        recorded: by the finding's id; the order decides between equal overlaps. [m]
        gaps: of now, apart from each other. [m]
    """
    pairs = [
        (min(b, end) - max(a, begin), -order, -number, finding_id, (begin, end))
        for order, (finding_id, (a, b)) in enumerate(recorded.items())
        for number, (begin, end) in enumerate(gaps)
        if min(b, end) > max(a, begin)
    ]
    kept: dict[UUID, Interval] = {}
    taken: set[Interval] = set()
    for _, _, _, finding_id, gap in sorted(pairs, key=lambda pair: pair[:3], reverse=True):
        if finding_id not in kept and gap not in taken:
            kept[finding_id] = gap
            taken.add(gap)
    return GapChanges(
        moved={finding_id: gap for finding_id, gap in kept.items() if recorded[finding_id] != gap},
        gone=tuple(finding_id for finding_id in recorded if finding_id not in kept),
        new=tuple(gap for gap in gaps if gap not in taken),
    )
