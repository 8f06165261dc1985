import contextlib
import json
import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import SiteproofError
from domain.place import Position
from geofence.alignment import (
    Alignment,
    InvalidChainage,
    format_chainage,
    parse_alignment,
    parse_chainage,
)
from geofence.frame import InvalidPosition, from_wgs84, parse_crs

# `echo "30 120 LAT LON" | geod +ellps=WGS84 -I +units=m` (PROJ 9.1.1).
EAST_M = 964.8628  # 30 N, 120 to 120.01 E
NORTH_M = 1108.5253  # 120 E, 30 to 30.01 N
EAST = [[120.0, 30.0], [120.01, 30.0]]
NORTH = [[120.0, 30.0], [120.0, 30.01]]


def feature(coordinates: object, *, kind: str = "LineString", **properties: object) -> dict[str, Any]:
    """A Feature."""
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def code_of(value: object, *, near: Position | None = None) -> str:
    """The code that it is refused with."""
    with pytest.raises(SiteproofError) as caught:
        parse_alignment(value, near=near)
    assert caught.value.detail
    return caught.value.code


@pytest.mark.parametrize(("line", "length_m"), [(EAST, EAST_M), (NORTH, NORTH_M), ([*EAST, EAST[0]], 2 * EAST_M)])
def test_parse_alignment__length(line: list[list[float]], length_m: float) -> None:
    """Lengths are geodesic."""
    given_feature = feature(line, start_chainage_m=150)
    alignment = parse_alignment(given_feature, near=Position(120.0, 30.0))
    assert alignment.length_m == pytest.approx(length_m, abs=1e-3)
    assert alignment.start_chainage_m == 150.0
    assert alignment.end_chainage_m == pytest.approx(150 + length_m, abs=1e-3)
    assert alignment.given is given_feature


def test_parse_alignment__long_edge() -> None:
    """A long edge along a parallel is as long as the parallel, a little longer than the geodesic of 48,242.86 m.

    The parallel's arc is half a degree of N cos(lat): a / sqrt(1 - e2 sin2) cos(lat).
    """
    e2, lat = 0.00669437999014, math.radians(30.0005)
    arc_m = 6378137 / math.sqrt(1 - e2 * math.sin(lat) ** 2) * math.cos(lat) * math.radians(0.5)
    alignment = parse_alignment(feature([[119.5, 30.0005], [120.0, 30.0005]]))
    assert alignment.length_m == pytest.approx(arc_m, abs=0.01)
    assert alignment.length_m > 48_242.86


def test_parse_alignment__equal_neighbours_and_heights() -> None:
    """Positions said twice and heights change nothing; a silent start is chainage 0."""
    line = [[120.0, 30.0, 5.0], [120.0, 30.0, 6.0], [120.01, 30.0, None], [120.01, 30.0]]
    alignment = parse_alignment(feature(line, start_chainage_m=None))
    assert alignment.length_m == pytest.approx(EAST_M, abs=1e-3)
    assert alignment.start_chainage_m == 0.0


def test_parse_alignment__may_cross_itself() -> None:
    """A road may cross itself, as at a hairpin with an underpass."""
    assert parse_alignment(feature([[120.0, 30.0], [120.01, 30.01], [120.01, 30.0], [120.0, 30.01]])).length_m > 3000


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "cgcs2000", "EPSG:4549"])
def test_parse_alignment__frames(crs: str) -> None:
    """In each frame the same line comes out."""
    frame = parse_crs(crs)
    line = [list(from_wgs84(lon, lat, frame=frame)) for lon, lat in NORTH]
    alignment = parse_alignment(feature(line, crs=crs))
    assert alignment.crs == frame.name
    assert np.abs(shapely.get_coordinates(alignment.geometry) - np.array(NORTH)).max() < 1e-8


def test_geometry_geojson__line() -> None:
    """The WGS 84 line as GeoJSON can be read again."""
    written = parse_alignment(feature(EAST)).geometry_geojson()
    assert written == {"type": "LineString", "coordinates": EAST}
    assert parse_alignment(json.loads(json.dumps(written))).length_m == pytest.approx(EAST_M, abs=1e-3)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "geofence.not_an_alignment"),
        (feature([EAST], kind="MultiLineString"), "geofence.not_an_alignment"),
        (feature([EAST], kind="Polygon"), "geofence.not_an_alignment"),
        ({"type": "FeatureCollection", "features": []}, "geofence.not_an_alignment"),
        (feature("x"), "geofence.not_an_alignment"),
        ({"type": "Feature", "geometry": None}, "geofence.empty_alignment"),
        (feature([]), "geofence.empty_alignment"),
        (feature([[120.0, 30.0]]), "geofence.empty_alignment"),
        (feature([[120.0, 30.0], [120.0, 30.0]]), "geofence.empty_alignment"),
        (feature([[120.0, 30.0], [120.000001, 30.0]]), "geofence.empty_alignment"),  # a decimetre
        (feature([[120.0, 30.0], [120.0, math.nan]]), "geofence.invalid_position"),
        (feature([[120.0, 30.0], ["120", "30"]]), "geofence.invalid_position"),
        (feature([[120.0, 30.0], [200.0, 95.0]]), "geofence.invalid_position"),
        (feature([[30.0, 120.0], [30.0, 120.01]]), "geofence.swapped_axes"),
        (feature([[120.0, 30.0], [126.0, 30.0]]), "geofence.alignment_too_long"),
        (feature([[120.0, 30.0], [124.0, 30.0]] * 30), "geofence.alignment_too_long"),  # 59 times 386 km
        (feature([[120.0, 30.0 + i * 1e-6] for i in range(20_001)]), "geofence.too_many_vertices"),
        (feature(EAST, start_chainage_m=math.nan), "geofence.invalid_chainage"),
        (feature(EAST, start_chainage_m=math.inf), "geofence.invalid_chainage"),
        (feature(EAST, start_chainage_m="K0+150"), "geofence.invalid_chainage"),
        (feature(EAST, start_chainage_m=True), "geofence.invalid_chainage"),
        (feature(EAST, start_chainage_m=10**400), "geofence.invalid_chainage"),
        (feature(EAST, crs="mars"), "geofence.unknown_frame"),
    ],
)
def test_parse_alignment__refused(value: object, code: str) -> None:
    """Each fault has its code."""
    assert code_of(value) == code


def test_parse_alignment__far() -> None:
    """Hundreds of kilometres from the project, it is refused with the distance."""
    assert code_of(feature(EAST), near=Position(121.5, 31.5)) == "geofence.far_from_project"


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=16,
)
numbers = st.floats() | st.floats(29.9, 30.1) | st.integers() | st.none()


@settings(deadline=None)
@given(
    any_json
    | st.builds(feature, any_json, crs=any_json, start_chainage_m=any_json)
    | st.builds(feature, st.lists(st.lists(numbers, max_size=3), max_size=4), start_chainage_m=numbers)
)
def test_parse_alignment__any_json(value: object) -> None:
    """Any JSON gives an alignment with a length or our error, and no warning."""
    try:
        alignment = parse_alignment(value)
    except SiteproofError:
        return
    assert alignment.length_m > 0
    assert alignment.geometry_geojson()["type"] == "LineString"


ROAD = parse_alignment(feature(NORTH, start_chainage_m=500))


@pytest.mark.parametrize(
    ("lon", "lat", "chainage_m", "offset_m"),
    [
        (120.0, 30.0, 500.0, 0.0),
        (120.0, 30.01, 500 + NORTH_M, 0.0),
        (120.0, 30.005, 500 + NORTH_M / 2, 0.0),
        # Looking north, east is right: 0.001 degrees are 96.4863 m (geod) on 30 N, less by cos 30.005 / cos 30 here.
        (120.001, 30.005, 500 + NORTH_M / 2, 96.4814),
        (119.999, 30.005, 500 + NORTH_M / 2, -96.4814),
        # Before the start and after the end: the distance from there.
        (120.0, 29.99, 500.0, 1108.51),
        (120.0, 30.011, 500 + NORTH_M, 110.8526),
    ],
)
def test_project__north_road(lon: float, lat: float, chainage_m: float, offset_m: float) -> None:
    """Chainage counts from the start's, and the offset is negative on the left."""
    found = ROAD.project(Position(lon, lat, accuracy_m=4.0))
    assert found.chainage_m == pytest.approx(chainage_m, abs=0.02)
    assert found.offset_m == pytest.approx(offset_m, abs=0.02)
    assert found.uncertainty_m == 4.0


def test_project__without_accuracy() -> None:
    """A fix that is silent about its accuracy is taken as 10 m."""
    assert ROAD.project(Position(120.0, 30.005)).uncertainty_m == 10.0


@pytest.mark.parametrize("lon_end", [119.999, 120.001])
def test_project__outside_of_a_sharp_bend(lon_end: float) -> None:
    """Beyond the tip of a hairpin the side is that of the outside: right of a left bend, left of a right one."""
    # North, then back south with a little drift; the point lies beyond the tip and across the way back.
    hairpin = parse_alignment(feature([[120.0, 30.0], [120.0, 30.01], [lon_end, 30.0]]))
    sign = 1 if lon_end < 120 else -1
    for lon in (119.9999, 120.0, 120.0001):
        assert math.copysign(1, hairpin.project(Position(lon, 30.0101)).offset_m) == sign


@pytest.mark.parametrize("position", [Position(math.nan, 30.0), Position(120.0, 90.5), Position(math.inf, 0.0)])
def test_project__no_place(position: Position) -> None:
    """A position that is none is refused."""
    with pytest.raises(InvalidPosition):
        ROAD.project(position)


@pytest.mark.parametrize("chainage_m", [499.9, 500 + NORTH_M + 0.1, math.nan, math.inf, -1e300])
def test_point_at__not_on_the_line(chainage_m: float) -> None:
    """Before the start and after the end there is no point."""
    with pytest.raises(InvalidChainage):
        ROAD.point_at(chainage_m)


def test_point_at__ends_and_middle() -> None:
    """The ends are the ends, and half the length of a meridian's short arc is its middle."""
    assert ROAD.point_at(500) == pytest.approx((120.0, 30.0), abs=1e-9)
    assert ROAD.point_at(ROAD.end_chainage_m) == pytest.approx((120.0, 30.01), abs=1e-9)
    assert ROAD.point_at(500 + NORTH_M / 2) == pytest.approx((120.0, 30.005), abs=1e-7)


WINDING = parse_alignment(
    feature(
        [[120.0, 30.0], [120.01, 30.002], [120.02, 30.0], [120.05, 30.03], [120.09, 30.031], [120.3, 30.1]],
        start_chainage_m=-250.0,
    )
)


@settings(deadline=None)
@given(st.floats(0, 1))
def test_project__inverse_of_point_at(share: float) -> None:
    """A point of the line projects onto its own chainage, with no offset."""
    chainage_m = WINDING.start_chainage_m + share * WINDING.length_m
    found = WINDING.project(Position(*WINDING.point_at(chainage_m)))
    assert found.chainage_m == pytest.approx(chainage_m, abs=0.01)
    assert found.offset_m == pytest.approx(0, abs=0.01)


@settings(deadline=None)
@given(st.floats(119.9, 120.4), st.floats(29.9, 30.2))
def test_project__nothing_is_nearer(lon: float, lat: float) -> None:
    """No other point of the line is nearer than the one found, on a walk of 200 steps."""
    found = WINDING.project(Position(lon, lat))
    assert WINDING.start_chainage_m <= found.chainage_m <= WINDING.end_chainage_m
    plane = WINDING.in_plane.plane
    ((x, y),) = plane.to_plane(np.array([[lon, lat]]))
    chainages_m = np.linspace(WINDING.start_chainage_m, WINDING.end_chainage_m, 200)
    walk = plane.to_plane(np.array([WINDING.point_at(float(chainage_m)) for chainage_m in chainages_m]))
    # 0.01 % for the plane, as its docstring says.
    assert abs(found.offset_m) <= np.hypot(walk[:, 0] - x, walk[:, 1] - y).min() * 1.0001 + 0.01


@pytest.mark.parametrize(
    ("chainage_m", "decimals", "text"),
    [
        (0, 0, "K0+000"),
        (150, 0, "K0+150"),
        (1234.5, 0, "K1+235"),
        (1234.5, 1, "K1+234.5"),
        (7.25, 2, "K0+007.25"),
        (999.6, 0, "K1+000"),
        (999.4, 0, "K0+999"),
        (1999.95, 1, "K2+000.0"),
        (12345.678, 3, "K12+345.678"),
        (-50, 0, "-K0+050"),
        (-999.6, 0, "-K1+000"),
        (-0.4, 0, "K0+000"),
        (0.5, 0, "K0+001"),
    ],
)
def test_format_chainage__written(chainage_m: float, decimals: int, text: str) -> None:
    """Kilometres, a plus, three digits of metres; rounded half up, with carry."""
    assert format_chainage(chainage_m, decimals=decimals) == text


@pytest.mark.parametrize("chainage_m", [math.nan, math.inf, -math.inf, 1e300])
def test_format_chainage__not_finite(chainage_m: float) -> None:
    """What is no chainage is not written as one."""
    with pytest.raises(InvalidChainage) as caught:
        format_chainage(chainage_m)
    assert caught.value.code == "geofence.invalid_chainage"


def test_format_chainage__wrong_decimals() -> None:
    """More decimals than millimetres are the programmer's error."""
    with pytest.raises(ValueError, match="decimals"):
        format_chainage(1.0, decimals=4)


@pytest.mark.parametrize(
    ("text", "chainage_m"),
    [
        ("K1+234.5", 1234.5),
        ("k0+150", 150.0),
        (" K0+000 ", 0.0),
        ("Ｋ12＋345．678", 12345.678),
        ("K0+50", 50.0),
        ("-K0+050", -50.0),
        ("K-0+050", -50.0),
        ("K1+000.1", 1000.1),
    ],
)
def test_parse_chainage__read(text: str, chainage_m: float) -> None:
    """As engineers write it, full-width too."""
    assert parse_chainage(text) == chainage_m


@pytest.mark.parametrize(
    "text", ["", "1234.5", "K1", "K1+", "K1+1000", "K+5", "K1+-5", "-K-1+000", "K1+2e3", "K999999+0"]
)
def test_parse_chainage__refused(text: str) -> None:
    """Anything else is no chainage."""
    with pytest.raises(InvalidChainage):
        parse_chainage(text)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_parse_chainage__any_text(text: str) -> None:
    """Any text gives a number or our error."""
    with contextlib.suppress(InvalidChainage):
        assert math.isfinite(parse_chainage(text))


@settings(deadline=None)
@given(st.integers(-19_999_999_000, 19_999_999_000))
def test_parse_chainage__inverse_of_format(chainage_mm: int) -> None:
    """To a millimetre, what is written is read back."""
    assert parse_chainage(format_chainage(chainage_mm / 1000, decimals=3)) == chainage_mm / 1000


def test_alignment__is_a_value() -> None:
    """Two of the same Feature are equal."""
    assert parse_alignment(feature(EAST)) == parse_alignment(feature(EAST))
    assert isinstance(ROAD, Alignment)
