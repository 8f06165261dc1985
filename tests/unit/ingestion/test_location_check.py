from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence import Verdict
from domain.finding import Severity
from domain.place import Position
from geofence.boundary import Boundary, parse_boundary
from ingestion.location_check import judge_location

# A site of 0.02 by 0.02 degrees. At 31 degrees north on WGS 84 (GRS 80 series for arc lengths) a degree of longitude is
# 95,506 m and a degree of latitude 110,863 m; so 0.01 degrees are 955 m and 1,109 m.
WEST, SOUTH, EAST, NORTH = 121.0, 31.0, 121.02, 31.02
RING = [[WEST, SOUTH], [EAST, SOUTH], [EAST, NORTH], [WEST, NORTH], [WEST, SOUTH]]
MIDDLE = Position(lon=121.01, lat=31.01, source="exif")
OUTSIDE = Position(lon=121.03, lat=31.01, source="exif")
EDGE = Position(lon=121.0, lat=31.01, source="exif")
ZERO = Position(lon=0.0, lat=0.0, source="exif")


@pytest.fixture
def boundary() -> Boundary:
    """The site."""
    return parse_boundary({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [RING]}})


def said(position: Position) -> Position:
    """The same as the sender's word."""
    return replace(position, source="capture")


def test_judge_location__inside(boundary: Boundary) -> None:
    """A fix in the middle passes, 955 m within the nearest side."""
    judgement = judge_location(from_file=MIDDLE, from_sender=None, boundary=boundary)
    assert (judgement.check.verdict, judgement.check.code) == (Verdict.PASS, "location.inside")
    assert judgement.check.facts["distance_m"] == pytest.approx(-955, abs=1)
    assert judgement.findings == ()
    assert judgement.position == MIDDLE


def test_judge_location__outside(boundary: Boundary) -> None:
    """A fix 955 m east of the site fails, and is a major finding."""
    judgement = judge_location(from_file=OUTSIDE, from_sender=None, boundary=boundary)
    assert (judgement.check.verdict, judgement.check.code) == (Verdict.FAIL, "location.outside")
    assert judgement.check.facts["distance_m"] == pytest.approx(955, abs=1)
    assert "955 m outside" in judgement.check.detail["en"] or "954 m outside" in judgement.check.detail["en"]
    assert [(finding.code, finding.severity) for finding in judgement.findings] == [
        ("evidence.location_outside", Severity.MAJOR)
    ]


def test_judge_location__on_the_line(boundary: Boundary) -> None:
    """On the boundary line nobody can tell, and nobody is accused."""
    judgement = judge_location(from_file=EDGE, from_sender=None, boundary=boundary)
    assert (judgement.check.verdict, judgement.check.code) == (Verdict.UNKNOWN, "location.cannot_tell")
    assert judgement.findings == ()


def test_judge_location__coarse_fix(boundary: Boundary) -> None:
    """955 m outside with an accuracy of 600 m is within twice the accuracy: cannot tell."""
    coarse = replace(OUTSIDE, accuracy_m=600.0)
    assert judge_location(from_file=coarse, from_sender=None, boundary=boundary).check.code == "location.cannot_tell"


def test_judge_location__no_position(boundary: Boundary) -> None:
    """No position is unknown, never an accusation."""
    judgement = judge_location(from_file=None, from_sender=None, boundary=boundary)
    assert (judgement.check.verdict, judgement.check.code) == (Verdict.UNKNOWN, "location.no_position")
    assert judgement.position is None
    assert judgement.findings == ()


def test_judge_location__null_island(boundary: Boundary) -> None:
    """0, 0 is no position, though it is 12,000 km outside."""
    judgement = judge_location(from_file=ZERO, from_sender=None, boundary=boundary)
    assert (judgement.check.verdict, judgement.check.code) == (Verdict.UNKNOWN, "location.null_island")
    assert judgement.position is None


def test_judge_location__null_island_beside_a_fix(boundary: Boundary) -> None:
    """0, 0 from one source neither spoils the other's fix nor disagrees with it."""
    judgement = judge_location(from_file=ZERO, from_sender=said(MIDDLE), boundary=boundary)
    assert judgement.check.code == "location.inside"
    assert judgement.findings == ()
    assert judgement.position == said(MIDDLE)


def test_judge_location__no_boundary() -> None:
    """Without a boundary nothing can be checked, but the distance from the project is told: 955 m."""
    judgement = judge_location(from_file=OUTSIDE, from_sender=None, boundary=None, project_position=MIDDLE)
    assert (judgement.check.verdict, judgement.check.code) == (Verdict.UNKNOWN, "location.no_boundary")
    assert judgement.check.facts["project_distance_m"] == pytest.approx(1910, abs=2)  # 0.02 degrees


@pytest.mark.parametrize("swapped", [False, True])
def test_judge_location__one_inside_one_outside(boundary: Boundary, *, swapped: bool) -> None:
    """Inside by one and outside by the other fails, and the disagreement is a finding of its own."""
    file, sender = (OUTSIDE, said(MIDDLE)) if swapped else (MIDDLE, said(OUTSIDE))
    judgement = judge_location(from_file=file, from_sender=sender, boundary=boundary)
    assert (judgement.check.verdict, judgement.check.code) == (Verdict.FAIL, "location.outside")
    assert [finding.code for finding in judgement.findings] == [
        "evidence.location_outside",
        "evidence.location_disagreement",
    ]
    assert judgement.position == file


def test_judge_location__both_inside_but_apart(boundary: Boundary) -> None:
    """Two places within the site that are 0.005 degrees (554 m) apart disagree: a warning and a finding."""
    other = replace(said(MIDDLE), lat=31.015)
    judgement = judge_location(from_file=MIDDLE, from_sender=other, boundary=boundary)
    assert (judgement.check.verdict, judgement.check.code) == (Verdict.WARN, "location.disagreement")
    assert [finding.code for finding in judgement.findings] == ["evidence.location_disagreement"]
    assert judgement.check.facts["disagreement_m"] == pytest.approx(554, abs=1)


@pytest.mark.parametrize(
    ("apart_deg", "accuracies", "disagrees"),
    [
        (0.00044, (None, None), False),  # 48.8 m: below 50 m, though beyond 2 x 10 + 2 x 10
        (0.00046, (None, None), True),  # 51.0 m
        (0.00046, (20.0, None), False),  # 2 x 20 + 2 x 10 = 60 m
        (0.00046, (1.0, 1.0), True),
        (0.002, (100.0, 20.0), False),  # 221.7 m against 240 m
        (0.0023, (100.0, 20.0), True),  # 255.0 m
    ],
)
def test_judge_location__disagreement_limits(
    boundary: Boundary, apart_deg: float, accuracies: tuple[float | None, float | None], *, disagrees: bool
) -> None:
    """They disagree beyond twice the sum of their accuracies (10 m where silent), and beyond 50 m."""
    file = replace(MIDDLE, accuracy_m=accuracies[0])
    sender = replace(said(MIDDLE), lat=MIDDLE.lat + apart_deg, accuracy_m=accuracies[1])
    judgement = judge_location(from_file=file, from_sender=sender, boundary=boundary)
    assert (judgement.check.code == "location.disagreement") is disagrees


def test_judge_location__disagreement_without_boundary() -> None:
    """Disagreement is seen without a boundary too."""
    judgement = judge_location(from_file=MIDDLE, from_sender=said(OUTSIDE), boundary=None)
    assert judgement.check.code == "location.disagreement"


def test_judge_location__each_source_is_told(boundary: Boundary) -> None:
    """The facts name each source with its own code."""
    judged = judge_location(from_file=EDGE, from_sender=said(EDGE), boundary=boundary).check.facts["judged"]
    assert isinstance(judged, list)
    assert [(one["source"], one["code"]) for one in judged] == [
        ("exif", "location.cannot_tell"),
        ("capture", "location.cannot_tell"),
    ]


positions = st.builds(
    Position,
    lon=st.floats(-180, 180),
    lat=st.floats(-90, 90),
    accuracy_m=st.one_of(st.none(), st.floats(0.1, 1e6)),
)


@given(st.one_of(st.none(), positions), st.one_of(st.none(), positions))
def test_judge_location__anywhere(file: Position | None, sender: Position | None) -> None:
    """Wherever the two are, there is one check, each failure is a finding, and unknown is none."""
    boundary = parse_boundary({"type": "Polygon", "coordinates": [RING]})
    judgement = judge_location(from_file=file, from_sender=sender, boundary=boundary)
    if judgement.check.verdict in {Verdict.FAIL, Verdict.WARN}:
        assert judgement.findings
    else:
        assert not judgement.findings
