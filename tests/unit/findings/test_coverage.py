from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.place import Position
from findings.coverage import (
    Coverage,
    NotPlaced,
    StationSide,
    count_stations,
    judge_coverage,
    subtract,
)
from geofence.alignment import Alignment, parse_alignment

# At 30 N a degree of longitude is 96,486.3 m (geod: 964.8628 m for 0.01 degrees), one of latitude 110,852.5 m.
METRE_EAST = 0.01 / 964.8628
METRE_NORTH = 0.01 / 1108.5253


def make_alignment(length_m: float, *, start_m: float = 0.0) -> Alignment:
    """A line to the east."""
    line = {"type": "LineString", "coordinates": [[120.0, 30.0], [120.0 + length_m * METRE_EAST, 30.0]]}
    return parse_alignment({"type": "Feature", "properties": {"start_chainage_m": start_m}, "geometry": line})


def at(along_m: float, *, north_m: float = 0.0, accuracy_m: float = 5.0) -> Position:
    """A fix so far along the line, and to its left."""
    return Position(120.0 + along_m * METRE_EAST, 30.0 + north_m * METRE_NORTH, accuracy_m=accuracy_m)


def judge(
    *positions: Position | None,
    length_m: float = 300.0,
    start_m: float = 0.0,
    every_m: float = 50.0,
    side: StationSide | None = None,
) -> Coverage:
    """The coverage by photos from these positions."""
    photos = [(UUID(int=number), position) for number, position in enumerate(positions)]
    return judge_coverage(make_alignment(length_m, start_m=start_m), photos, every_m=every_m, side=side)


@pytest.mark.parametrize(
    ("length_m", "every_m", "stations"),
    [(300.0, 50.0, 6), (300.4, 50.0, 6), (299.7, 50.0, 6), (301.5, 50.0, 7), (30.0, 50.0, 1), (0.5, 50.0, 1)],
)
def test_count_stations__lengths_about_a_whole_number__have_no_stub(
    length_m: float, every_m: float, stations: int
) -> None:
    """A remainder under a metre belongs to the last station."""
    assert count_stations(length_m, every_m) == stations


def test_judge_coverage__three_photos__leave_three_gaps() -> None:
    """Stations of 50 m from K0+000; photos at 25, 75 and 160 m leave 100 to 150 and 200 to 300."""
    coverage = judge(at(25), at(75), at(160))
    first, second = coverage.list_gaps()
    assert first == (100.0, 150.0)
    assert second == pytest.approx((200, 300), abs=0.01)
    assert coverage.covered_m == pytest.approx(150)


def test_judge_coverage__stations__begin_at_the_start_chainage() -> None:
    """A line that begins at K0+120 has its second station from K0+170."""
    assert judge(at(60), start_m=120).covered == {1}
    assert judge(at(60), start_m=120).bounds_m(1) == (170.0, 220.0)


def test_judge_coverage__a_stations_end__belongs_to_the_next() -> None:
    """[0, 50) and [50, 100): 49.9 and 50.1 m are in different ones."""
    assert judge(at(49.9)).covered == {0}
    assert judge(at(50.1)).covered == {1}


def test_judge_coverage__no_photo__is_one_gap() -> None:
    """Neighbouring stations without evidence are one gap."""
    (gap,) = judge().list_gaps()
    assert gap == pytest.approx((0, 300), abs=0.01)
    assert judge().covered_m == 0


@pytest.mark.parametrize(
    ("position", "problem"),
    [
        (None, NotPlaced.NO_POSITION),
        (Position(0.0, 0.0), NotPlaced.NO_POSITION),
        (at(60, north_m=80), NotPlaced.OFF_THE_LINE),
        (at(60, north_m=52), None),
        (at(-70), NotPlaced.OFF_THE_LINE),
        (at(60, accuracy_m=26), NotPlaced.TOO_COARSE),
        (at(60, accuracy_m=25), None),
    ],
)
def test_judge_coverage__a_fix_that_does_not_tell_the_station__is_no_evidence(
    position: Position | None, problem: NotPlaced | None
) -> None:
    """50 m and its accuracy (5 m) away, or half a station (25 m) of accuracy, is as far as a photo is believed."""
    coverage = judge(position)
    assert [photo.problem for photo in coverage.photos] == [problem]
    assert len(coverage.covered) == (problem is None)


def test_judge_coverage__a_side__needs_a_fix_that_tells_it() -> None:
    """10 m to the left with 5 m of accuracy is left; 3 m is nobody's."""
    assert judge(at(60, north_m=10), side=StationSide.LEFT).covered == {1}
    assert judge(at(60, north_m=10), side=StationSide.RIGHT).covered == set()
    assert judge(at(60, north_m=3), side=StationSide.LEFT).photos[0].problem is NotPlaced.SIDE_UNKNOWN
    both = (at(60, north_m=10), at(70, north_m=-10), at(110, north_m=10))
    assert judge(*both, side=StationSide.BOTH).covered == {1}


@pytest.mark.parametrize(
    ("settled", "left"),
    [
        ([], [(100.0, 200.0), (300.0, 400.0)]),
        ([(100.0, 200.0)], [(300.0, 400.0)]),
        ([(150.0, 350.0)], [(100.0, 150.0), (350.0, 400.0)]),
        ([(120.0, 130.0)], [(100.0, 120.0), (130.0, 200.0), (300.0, 400.0)]),
        ([(0.0, 500.0)], []),
        ([(200.0, 300.0), (0.0, 10.0)], [(100.0, 200.0), (300.0, 400.0)]),
        ([(100.5, 400.0)], []),
    ],
)
def test_subtract__what_a_person_settled__is_no_gap(
    settled: list[tuple[float, float]], left: list[tuple[float, float]]
) -> None:
    """A stretch under a metre that is left over is nobody's work."""
    assert subtract([(100.0, 200.0), (300.0, 400.0)], settled) == left


@given(st.sets(st.integers(0, 11)), st.floats(5, 60))
def test_judge_coverage__gaps_and_covered__make_the_whole_line(indices: set[int], every_m: float) -> None:
    """Whatever is covered, gaps and covered stations together are the alignment, and gaps do not touch."""
    coverage = Coverage(every_m, 0.0, 12 * every_m, 12, frozenset(indices), ())
    gaps = coverage.list_gaps()
    assert sum(end - begin for begin, end in gaps) + coverage.covered_m == pytest.approx(12 * every_m)
    assert all(before[1] < after[0] for before, after in pairwise(gaps))
