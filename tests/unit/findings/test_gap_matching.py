from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from findings.coverage import Interval
from findings.gap_matching import GapChanges, match_gaps

A, B = UUID(int=1), UUID(int=2)


def test_match_gaps__a_photo_at_its_edge__shrinks_it() -> None:
    """The finding goes on with its new ends."""
    assert match_gaps({A: (0, 300)}, [(50, 300)]) == GapChanges({A: (50, 300)}, (), ())


def test_match_gaps__a_photo_in_its_middle__splits_it() -> None:
    """It goes on as its longer part, 150 m, and the shorter one is new."""
    assert match_gaps({A: (0, 300)}, [(0, 100), (150, 300)]) == GapChanges({A: (150, 300)}, (), ((0, 100),))


def test_match_gaps__filled__is_gone() -> None:
    """Nothing is left of it."""
    assert match_gaps({A: (0, 50), B: (100, 150)}, [(100, 150)]) == GapChanges({}, (A,), ())


def test_match_gaps__evidence_lost_between_two__joins_them() -> None:
    """The longer one, 100 m, goes on; the other one is part of it now."""
    assert match_gaps({A: (0, 50), B: (100, 200)}, [(0, 200)]) == GapChanges({B: (0, 200)}, (A,), ())


def test_match_gaps__nothing_changed__changes_nothing() -> None:
    """The same gaps again."""
    assert match_gaps({A: (0, 50), B: (100, 150)}, [(0, 50), (100, 150)]) == GapChanges({}, (), ())


def intervals(cuts: set[int]) -> list[Interval]:
    """Every second stretch between the cuts."""
    points = sorted(cuts)
    return [(float(a), float(b)) for a, b in zip(points[0::2], points[1::2], strict=False)]


@given(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40)))
def test_match_gaps__whatever_was_and_is__every_gap_is_told_once(before: set[int], after: set[int]) -> None:
    """Those kept, moved and new are just the gaps of now."""
    recorded = {UUID(int=number): gap for number, gap in enumerate(intervals(before))}
    changes = match_gaps(recorded, intervals(after))
    kept = {key: changes.moved.get(key, gap) for key, gap in recorded.items() if key not in changes.gone}
    assert sorted([*kept.values(), *changes.new]) == intervals(after)
