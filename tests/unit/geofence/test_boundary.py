import copy
import json
import math
import time
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from domain.errors import SiteproofError
from domain.place import Position, Side
from geofence.boundary import EmptyBoundary, SelfCrossingBoundary, parse_boundary, place
from geofence.frame import BD09, GCJ02, InvalidPosition, from_wgs84, parse_crs

# A site of 0.002 x 0.001 degrees at 30 N, 120 E. `echo "30 120 LAT LON" | geod +ellps=WGS84 -I +units=m` (PROJ 9.1.1):
# 192.9726 m from 120 to 120.002 E on 30 N, 110.8525 m from 30 to 30.001 N.
WIDTH_M, HEIGHT_M = 192.9726, 110.8525
SQUARE = [[120.0, 30.0], [120.002, 30.0], [120.002, 30.001], [120.0, 30.001], [120.0, 30.0]]
HOLE = [[120.0005, 30.0004], [120.0005, 30.0006], [120.0015, 30.0006], [120.0015, 30.0004], [120.0005, 30.0004]]
HERE = Position(120.001, 30.0005)


def feature(coordinates: object, *, kind: str = "Polygon", **properties: object) -> dict[str, Any]:
    """A Feature."""
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def shifted(ring: list[list[float]], east_deg: float, north_deg: float = 0.0) -> list[list[float]]:
    """The ring elsewhere."""
    return [[lon + east_deg, lat + north_deg] for lon, lat in ring]


def code_of(value: object, *, near: Position | None = None) -> str:
    """The code that it is refused with."""
    with pytest.raises(SiteproofError) as caught:
        parse_boundary(value, near=near)
    assert caught.value.detail
    return caught.value.code


def test_parse_boundary__polygon() -> None:
    """A plain polygon keeps what was given, and knows its size."""
    given_feature = feature([SQUARE], name="site")
    kept = copy.deepcopy(given_feature)
    boundary = parse_boundary(given_feature, near=HERE)
    assert boundary.given is given_feature
    assert boundary.given == kept
    assert boundary.crs == "wgs84"
    assert boundary.bounds_lonlat == (120.0, 30.0, 120.002, 30.001)
    # The upper side is shorter by cos 30.001 / cos 30, 1e-5 of it: well within the tolerance.
    assert boundary.area_m2 == pytest.approx(WIDTH_M * HEIGHT_M, rel=2e-5)


def test_parse_boundary__hole() -> None:
    """A hole does not count: half the width and a fifth of the height are away."""
    boundary = parse_boundary(feature([SQUARE, HOLE]))
    assert boundary.area_m2 == pytest.approx(WIDTH_M * HEIGHT_M * 0.9, rel=1e-4)


def test_parse_boundary__bare_geometry_and_multipolygon() -> None:
    """A geometry without a Feature is taken, and two parts are twice the area."""
    bare = {"type": "MultiPolygon", "coordinates": [[SQUARE], [shifted(SQUARE, 0.01)]]}
    boundary = parse_boundary(bare)
    assert isinstance(boundary.geometry, shapely.MultiPolygon)
    assert boundary.area_m2 == pytest.approx(2 * WIDTH_M * HEIGHT_M, rel=2e-5)


def test_parse_boundary__heights_are_dropped() -> None:
    """A third number, even null, does not matter."""
    ring = [[*position, height] for position, height in zip(SQUARE, [1.0, None, 2, 3, 4.5], strict=True)]
    assert parse_boundary(feature([ring])).geometry == parse_boundary(feature([SQUARE])).geometry


def test_geometry_geojson__counterclockwise() -> None:
    """The outer ring is counterclockwise and the hole clockwise, as RFC 7946 asks, however they were given."""
    written = parse_boundary(feature([SQUARE[::-1], HOLE[::-1]])).geometry_geojson()
    assert written["type"] == "Polygon"
    outer, inner = (shapely.LinearRing(ring) for ring in written["coordinates"])
    assert outer.is_ccw
    assert not inner.is_ccw
    assert parse_boundary(json.loads(json.dumps(written))).area_m2 == pytest.approx(WIDTH_M * HEIGHT_M * 0.9, rel=1e-4)


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "EPSG:4490", "EPSG:4549", "EPSG:3857"])
@pytest.mark.parametrize("where", ["properties", "default", "old"])
def test_parse_boundary__frames(crs: str, where: str) -> None:
    """In each frame, named in each way, the same boundary comes out."""
    frame = parse_crs(crs)
    ring = [list(from_wgs84(lon, lat, frame=frame)) for lon, lat in SQUARE]
    value = feature([ring])
    default = "wgs84"
    if where == "properties":
        value["properties"]["crs"] = crs.upper()
    elif where == "old":
        value["crs"] = {"type": "name", "properties": {"name": crs}}
    else:
        default = crs
    boundary = parse_boundary(value, near=HERE, default_crs=default)
    assert boundary.crs == frame.name
    assert np.abs(shapely.get_coordinates(boundary.geometry) - np.array(SQUARE)).max() < 1e-8


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "Feature",
        3,
        {},
        {"type": "FeatureCollection", "features": [feature([SQUARE])]},
        {"type": "GeometryCollection", "geometries": []},
        feature(SQUARE, kind="LineString"),
        feature([120.0, 30.0], kind="Point"),
        {"type": "Feature", "geometry": "POLYGON EMPTY"},
        {"type": "Feature", "geometry": {"type": ["Polygon"]}},
        {"type": "Feature", "properties": [], "geometry": {"type": "Polygon", "coordinates": [SQUARE]}},
        feature(None),
        feature("x"),
        feature({"0": SQUARE}),
        feature([None]),
        feature(["ring"]),
        feature([[SQUARE], None], kind="MultiPolygon"),
    ],
)
def test_parse_boundary__not_a_boundary(value: object) -> None:
    """Another type, or something else than GeoJSON."""
    assert code_of(value) == "geofence.not_a_boundary"


@pytest.mark.parametrize(
    "value",
    [
        {"type": "Feature", "properties": None, "geometry": None},
        feature([]),
        feature([[]]),
        feature([], kind="MultiPolygon"),
        feature([[]], kind="MultiPolygon"),
        feature([[SQUARE], []], kind="MultiPolygon"),
        feature([[[120.0, 30.0]] * 4]),
        feature([[[120.0, 30.0], [120.001, 30.001], [120.002, 30.002], [120.0, 30.0]]]),  # there and back
        feature([[[120.0, 30.0], [120.000001, 30.0], [120.000001, 30.000001], [120.0, 30.0]]]),  # a decimetre
    ],
)
def test_parse_boundary__empty(value: object) -> None:
    """No ring, one point, a line, less than a square metre."""
    assert code_of(value) == "geofence.empty_boundary"


@pytest.mark.parametrize(
    "ring",
    [SQUARE[:-1], SQUARE[:3], [SQUARE[0], SQUARE[1], SQUARE[0]], [SQUARE[0]], [*SQUARE[:4], [120.0, 30.0000001]]],
)
def test_parse_boundary__open_ring(ring: list[list[float]]) -> None:
    """A ring ends exactly where it began, with four positions at least."""
    assert code_of(feature([ring])) == "geofence.open_ring"
    assert code_of(feature([SQUARE, ring])) == "geofence.open_ring"


def test_parse_boundary__bow_tie() -> None:
    """A bow tie is refused with the place of its crossing, the middle of the square."""
    bow_tie = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3], SQUARE[0]]
    with pytest.raises(SiteproofError) as caught:
        parse_boundary(feature([bow_tie]))
    assert caught.value.code == "geofence.self_crossing_boundary"
    assert "lon 120.001000, lat 30.000500" in caught.value.detail
    assert caught.value.facts == {"lon": pytest.approx(120.001), "lat": pytest.approx(30.0005)}


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (feature([SQUARE, shifted(HOLE, 0.01)]), "hole"),
        (feature([SQUARE, SQUARE]), "crosses"),
        (feature([SQUARE, shifted(HOLE, 0.001)]), "crosses"),
        (feature([SQUARE, HOLE, shifted(HOLE, 0.0001, 0.0001)]), "crosses"),
        (feature([[SQUARE], [shifted(SQUARE, 0.001)]], kind="MultiPolygon"), "crosses"),
        (feature([[SQUARE], [HOLE]], kind="MultiPolygon"), "nested"),
        (feature([[SQUARE], [SQUARE]], kind="MultiPolygon"), "at lon 120"),
    ],
)
def test_parse_boundary__rings_against_each_other(value: object, word: str) -> None:
    """Holes outside, crossing holes, and overlapping parts are refused with what is wrong."""
    with pytest.raises(SiteproofError) as caught:
        parse_boundary(value)
    assert caught.value.code == "geofence.self_crossing_boundary"
    assert word in caught.value.detail


@pytest.mark.parametrize(
    "bad",
    [
        [math.nan, 30.0],
        [120.0, math.inf],
        ["120.0", "30.0"],
        [None, None],
        [True, False],
        [10**400, 30],
        [[120.0], [30.0]],
        [120.0],
        [],
        None,
        "120,30",
        {"lon": 120.0, "lat": 30.0},
        [200.0, 95.0],
    ],
)
def test_parse_boundary__invalid_position(bad: object) -> None:
    """A position that is not two finite numbers, or no place, is refused."""
    assert code_of(feature([[SQUARE[0], bad, *SQUARE[2:]]])) == "geofence.invalid_position"


def test_parse_boundary__says_which_position() -> None:
    """The sentence names polygon, ring and position, counted from 1."""
    value = feature([[SQUARE], [SQUARE, [HOLE[0], [None, 1], *HOLE[2:]]]], kind="MultiPolygon")
    with pytest.raises(InvalidPosition, match="ring 2 of polygon 2: position 2"):
        parse_boundary(value)


@pytest.mark.parametrize(
    ("ring", "crs", "near"),
    [
        (SQUARE, "wgs84", None),
        (SQUARE, "EPSG:4490", None),
        # Kashgar, 75.99 E, 39.47 N: lat, lon is a place in the Arctic, so WGS 84 needs the project's position ...
        (shifted(SQUARE, 75.99 - 120, 39.47 - 30), "wgs84", Position(75.99, 39.47)),
        # ... and a frame of China does not.
        (shifted(SQUARE, 75.99 - 120, 39.47 - 30), "gcj02", None),
        (shifted(SQUARE, 75.99 - 120, 39.47 - 30), "EPSG:4490", None),
        # Northing, easting is how the zones of CGCS2000 are printed on drawings.
        ([list(from_wgs84(lon, lat, frame=parse_crs("EPSG:4549"))) for lon, lat in SQUARE], "EPSG:4549", None),
        ([list(from_wgs84(lon, lat, frame=parse_crs("EPSG:3857"))) for lon, lat in SQUARE], "EPSG:3857", HERE),
    ],
)
def test_parse_boundary__swapped_axes(ring: list[list[float]], crs: str, near: Position | None) -> None:
    """Lat before lon, or northing before easting, is told as such; the right order is accepted."""
    swapped = [[second, first] for first, second in ring]
    assert code_of(feature([swapped], crs=crs), near=near) == "geofence.swapped_axes"
    assert parse_boundary(feature([ring], crs=crs), near=near).crs == parse_crs(crs).name


def test_parse_boundary__not_taken_for_swapped() -> None:
    """A boundary that is far either way is far, not swapped; one that is a place either way is accepted."""
    assert code_of(feature([shifted(SQUARE, -60)]), near=HERE) == "geofence.far_from_project"
    boundary = parse_boundary(feature([shifted(SQUARE, -80, 10)]))  # 40 E, 40 N
    assert boundary.bounds_lonlat[0] == pytest.approx(40.0)


def test_parse_boundary__far() -> None:
    """The distance stands in the sentence: 219,730 m from 30 N 120 E to 31.5 N 121.5 E (PROJ's geod)."""
    with pytest.raises(SiteproofError) as caught:
        parse_boundary(feature([shifted(SQUARE, 1.5, 1.5)]), near=Position(120.0, 30.0))
    assert caught.value.code == "geofence.far_from_project"
    assert "220 km" in caught.value.detail
    assert caught.value.facts["distance_km"] == 220


def test_parse_boundary__one_part_far() -> None:
    """One part in a wrong place is enough."""
    value = feature([[SQUARE], [shifted(SQUARE, 2.0)]], kind="MultiPolygon")
    assert code_of(value, near=HERE) == "geofence.far_from_project"
    assert parse_boundary(value).bounds_lonlat[2] == pytest.approx(122.002)


@pytest.mark.parametrize("near", [Position(120.9, 30.0), Position(0.0, 0.0), None])
def test_parse_boundary__near_enough(near: Position | None) -> None:
    """87 km (0.9 degrees of 96.486 m each thousandth) is near enough; 0, 0 is a receiver without a fix."""
    assert parse_boundary(feature([SQUARE]), near=near).crs == "wgs84"


def test_parse_boundary__wrong_zone_is_far() -> None:
    """The zone next to the right one is 3 degrees off, 290 km at 30 N."""
    ring = [list(from_wgs84(lon, lat, frame=parse_crs("EPSG:4549"))) for lon, lat in SQUARE]
    assert code_of(feature([ring], crs="EPSG:4550"), near=HERE) == "geofence.far_from_project"


@pytest.mark.parametrize(
    "ring",
    [
        [[119.0, 29.0], [120.0, 29.0], [120.0, 30.0], [119.0, 30.0], [119.0, 29.0]],  # 10,700 km2
        [[110.0, 30.0], [120.0, 30.0], [120.0, 30.0001], [110.0, 30.0]],  # 965 km long, 5 km2
        [[-179.9, 10.0], [179.9, 10.0], [179.9, 10.1], [-179.9, 10.1], [-179.9, 10.0]],  # over the antimeridian
    ],
)
def test_parse_boundary__too_large(ring: list[list[float]]) -> None:
    """More than a county, or longer than a province."""
    assert code_of(feature([ring])) == "geofence.boundary_too_large"


def circle(count: int, *, radius_deg: float = 0.01) -> list[list[float]]:
    """A closed ring of `count` positions around HERE."""
    angles = np.linspace(0, 2 * math.pi, count)
    ring = [[HERE.lon + radius_deg * math.cos(a), HERE.lat + radius_deg * math.sin(a)] for a in angles]
    ring[-1] = ring[0]
    return ring


def test_parse_boundary__vertices() -> None:
    """20,000 are accepted, one more is not, in one ring or in several."""
    assert len(shapely.get_coordinates(parse_boundary(feature([circle(20_000)])).geometry)) == 20_000
    assert code_of(feature([circle(20_001)])) == "geofence.too_many_vertices"
    assert code_of(feature([circle(19_996), HOLE])) == "geofence.too_many_vertices"


@pytest.mark.parametrize("crs", ["mars", 4490, {"type": "name"}, "EPSG:999999", "EPSG:4978"])
def test_parse_boundary__unknown_frame(crs: object) -> None:
    """A frame that we do not know is refused, never taken for WGS 84."""
    assert code_of(feature([SQUARE], crs=crs)) == "geofence.unknown_frame"


def test_parse_boundary__deeply_nested() -> None:
    """Depth does not matter: nothing here calls itself."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert code_of(feature(deep)) == "geofence.invalid_position"
    assert code_of({"type": "Feature", "geometry": deep}) == "geofence.not_a_boundary"


any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["gcj02", "Polygon"]),
    lambda children: (
        st.lists(children, max_size=5)
        | st.dictionaries(st.sampled_from(["type", "crs", "coordinates", "name"]), children, max_size=4)
    ),
    max_leaves=20,
)
numbers = st.floats() | st.floats(-180, 180) | st.floats(29.9, 30.1) | st.integers() | st.none() | st.booleans()
rings = st.lists(st.lists(numbers, max_size=3), max_size=6).map(lambda ring: [*ring, *ring[:1]])


@settings(deadline=None)
@given(
    any_json
    | st.builds(feature, any_json, kind=st.sampled_from(["Polygon", "MultiPolygon"]), crs=any_json)
    | st.builds(
        feature,
        st.lists(rings, max_size=3) | st.lists(st.lists(rings, max_size=2), max_size=2),
        kind=st.sampled_from(["Polygon", "MultiPolygon"]),
        crs=st.sampled_from(["wgs84", "gcj02", "bd09", "EPSG:4549", None]),
    ),
    st.sampled_from([None, HERE]),
)
def test_parse_boundary__any_json(value: object, near: Position | None) -> None:
    """Any JSON gives a valid boundary or our error, and no warning."""
    try:
        boundary = parse_boundary(value, near=near)
    except SiteproofError:
        return
    assert boundary.geometry.is_valid


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(119.9, 120.1), st.floats(29.9, 30.1)), min_size=3, max_size=8))
def test_parse_boundary__any_ring(points: list[tuple[float, float]]) -> None:
    """Any closed ring of places is a valid boundary, or is refused as crossing or empty."""
    ring = [list(point) for point in [*points, points[0]]]
    try:
        boundary = parse_boundary(feature([ring]), near=HERE)
    except (SelfCrossingBoundary, EmptyBoundary):
        return
    assert boundary.geometry.is_valid
    assert boundary.area_m2 >= 1


SITE = parse_boundary(feature([SQUARE]))
GEOD = Geod(ellps="WGS84")


@pytest.mark.parametrize(
    ("lon", "lat", "expected_m"),
    [
        # Arithmetic on the lengths of the head of this file.
        (120.001, 30.0005, -HEIGHT_M / 2),  # the middle; the long sides are nearest
        (120.0001, 30.0005, -WIDTH_M / 20),  # a twentieth of the width from the west side
        (120.001, 30.002, HEIGHT_M),  # north by its own height
        (120.001, 29.999, HEIGHT_M),
        (120.004, 30.0005, WIDTH_M),  # east by its own width
        (120.001, 30.0, 0.0),
        (119.99, 30.0, 964.8628),  # `echo "30 120 30 120.01" | geod`, to the west
        (120.0, 30.011, 1108.5253),  # `echo "30 120 30.01 120" | geod`, to the north
    ],
)
def test_place__distance(lon: float, lat: float, expected_m: float) -> None:
    """Metres from the line, negative inside."""
    assert place(Position(lon, lat), boundary=SITE).distance_m == pytest.approx(expected_m, rel=2e-5, abs=0.002)


@pytest.mark.parametrize(("lon", "lat"), [(121.5, 31.5), (116.4, 39.9), (-60.0, -30.0), (120.0, 90.0), (180.0, -90.0)])
def test_place__far(lon: float, lat: float) -> None:
    """Far away it is the geodesic distance to the nearest corner, even at the other end of the earth."""
    nearest_m = min(GEOD.inv(lon, lat, corner[0], corner[1])[2] for corner in SQUARE)
    placed = place(Position(lon, lat), boundary=SITE)
    assert placed.side is Side.OUTSIDE
    # At the antipode and the poles an edge may be nearer than its corners, by less than the site's size.
    assert placed.distance_m == pytest.approx(nearest_m, abs=5)


@pytest.mark.parametrize(
    ("distance_m", "accuracy_m", "side"),
    [
        (-10.1, 10.0, Side.INSIDE),
        (-9.9, 10.0, Side.CANNOT_TELL),
        (0.0, 10.0, Side.CANNOT_TELL),
        (19.9, 10.0, Side.CANNOT_TELL),
        (20.1, 10.0, Side.OUTSIDE),
        (-9.9, 5.0, Side.INSIDE),
        (19.9, 5.0, Side.OUTSIDE),
        (20.1, 50.0, Side.CANNOT_TELL),
        (-10.1, None, Side.INSIDE),  # 10 m are assumed
        (-9.9, None, Side.CANNOT_TELL),
        (19.9, -1.0, Side.CANNOT_TELL),
        (20.1, 0.0, Side.OUTSIDE),
        (20.1, math.nan, Side.OUTSIDE),
        (20.1, math.inf, Side.OUTSIDE),
    ],
)
def test_place__rule(distance_m: float, accuracy_m: float | None, side: Side) -> None:
    """Inside from one accuracy within, outside beyond two, and between nobody can tell."""
    # North of the upper side by so many metres, 110.8525 m being 0.001 degrees.
    position = Position(120.001, 30.001 + distance_m / HEIGHT_M * 0.001, accuracy_m=accuracy_m)
    placed = place(position, boundary=SITE)
    assert placed.side is side
    assert placed.distance_m == pytest.approx(distance_m, abs=0.01)
    assert placed.accuracy_m == (accuracy_m if accuracy_m and 0 < accuracy_m < 1e9 else 10.0)


def test_place__in_a_hole() -> None:
    """Inside of a hole is outside: the hole is 22 m high, so its middle is 11 m from its line."""
    placed = place(Position(120.001, 30.0005, accuracy_m=3.0), boundary=parse_boundary(feature([SQUARE, HOLE])))
    assert placed.distance_m == pytest.approx(HEIGHT_M / 10, rel=1e-4)
    assert placed.side is Side.OUTSIDE


def test_place__in_the_second_part() -> None:
    """Each part counts."""
    boundary = parse_boundary(feature([[SQUARE], [shifted(SQUARE, 0.01)]], kind="MultiPolygon"))
    assert place(Position(120.011, 30.0005), boundary=boundary).side is Side.INSIDE
    assert place(Position(120.006, 30.0005), boundary=boundary).distance_m == pytest.approx(2 * WIDTH_M, rel=1e-4)


@pytest.mark.parametrize("position", [Position(math.nan, 30.0), Position(120.0, math.inf), Position(120.0, 91.0)])
def test_place__no_place(position: Position) -> None:
    """A position that is none is refused."""
    with pytest.raises(InvalidPosition):
        place(position, boundary=SITE)


def test_place__long_edge() -> None:
    """An edge is straight in lon and lat: half a degree along a parallel, where the geodesic runs 26 m further north.

    26 m is L^2 tan(30) / 8R with L of 48,243 m (`geod` from 119.5 to 120 E).
    """
    long_site = [[119.5, 30.0], [120.0, 30.0], [120.0, 30.01], [119.5, 30.01], [119.5, 30.0]]
    boundary = parse_boundary(feature([long_site]))
    assert place(Position(119.75, 30.0), boundary=boundary).distance_m == pytest.approx(0, abs=0.1)
    placed = place(Position(119.75, 30.009), boundary=boundary)
    assert placed.distance_m == pytest.approx(-HEIGHT_M, abs=0.1)


@settings(deadline=None)
@given(st.floats(0, 360), st.floats(0.0, 10_000), st.floats(0.1, 2_000))
def test_place__within_half_a_percent(azimuth_deg: float, radius_m: float, step_m: float) -> None:
    """Of a tiny site, distances to 10 km are geodesic within 0.5 % and grow with the way walked away."""
    tiny = parse_boundary(feature([circle(41, radius_deg=0.00001)]))
    size_m = 0.00001 * 111_320
    distances_m = []
    for way_m in (radius_m, radius_m + step_m):
        lon, lat, _ = GEOD.fwd(HERE.lon, HERE.lat, azimuth_deg, way_m)
        distance_m = place(Position(lon, lat), boundary=tiny).distance_m
        # The ring is between 0.86 (cos 30) and 1 times its size in metres away from the middle.
        assert way_m * 0.995 - 1.01 * size_m <= distance_m <= way_m * 1.005 - 0.85 * size_m
        distances_m.append(distance_m)
    assert distances_m[0] < distances_m[1]


@settings(deadline=None)
@given(st.floats(119.995, 120.007), st.floats(29.995, 30.006), st.floats(0.5, 100), st.floats(1.0, 50))
def test_place__worse_fix_never_says_more(lon: float, lat: float, accuracy_m: float, factor: float) -> None:
    """A less accurate fix at the same place gives the same side or none, never the other one."""
    better = place(Position(lon, lat, accuracy_m=accuracy_m), boundary=SITE)
    worse = place(Position(lon, lat, accuracy_m=accuracy_m * factor), boundary=SITE)
    assert worse.distance_m == better.distance_m
    assert worse.side in {better.side, Side.CANNOT_TELL}


@settings(deadline=None)
@given(st.floats(119.99, 120.012), st.floats(29.99, 30.011))
def test_place__sign_is_containment(lon: float, lat: float) -> None:
    """Negative means inside, in agreement with the plain comparison of numbers."""
    inside = 120.0 < lon < 120.002 and 30.0 < lat < 30.001
    placed = place(Position(lon, lat), boundary=SITE)
    assert (placed.distance_m < 0) == inside or abs(placed.distance_m) < 0.001


@pytest.mark.parametrize("frame", [GCJ02, BD09])
def test_place__wrong_frame_is_hundreds_of_metres_off(frame: Any) -> None:  # noqa: ANN401
    """The middle of the site, written in a frame of China and taken for WGS 84, is outside by hundreds of metres."""
    lon, lat = from_wgs84(HERE.lon, HERE.lat, frame=frame)
    placed = place(Position(lon, lat, accuracy_m=5.0), boundary=SITE)
    assert placed.side is Side.OUTSIDE
    assert placed.distance_m > 200


def test_place__quick_enough() -> None:
    """After the first call, one with 1,000 vertices takes less than 5 ms."""
    boundary = parse_boundary(feature([circle(1000)]))
    place(HERE, boundary=boundary)
    started = time.process_time()
    for step in range(50):
        place(Position(120.0 + step * 0.001, 30.0), boundary=boundary)
    assert (time.process_time() - started) / 50 < 0.005
