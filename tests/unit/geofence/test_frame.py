import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import SiteproofError
from geofence.frame import (
    BD09,
    CHINA_LONLAT,
    GCJ02,
    WGS84,
    Frame,
    InvalidPosition,
    UnknownFrame,
    from_wgs84,
    parse_crs,
    points_from_wgs84,
    points_to_wgs84,
    to_wgs84,
)

china_lon = st.floats(73.0, 135.0)
china_lat = st.floats(18.0, 54.0)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("wgs84", "wgs84"),
        ("WGS84", "wgs84"),
        (" Gcj02 ", "gcj02"),
        ("BD09", "bd09"),
        ("cgcs2000", "EPSG:4490"),
        ("epsg:4490", "EPSG:4490"),
        ("EPSG:4549", "EPSG:4549"),
        ("EPSG:04549", "EPSG:4549"),
        ("EPSG:3857", "EPSG:3857"),
        ("urn:ogc:def:crs:EPSG::4490", "EPSG:4490"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "wgs84"),
    ],
)
def test_parse_crs__known(text: str, name: str) -> None:
    """Every frame is known by its names, in any case."""
    assert parse_crs(text).name == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wgs",
        "EPSG:",
        "EPSG:-1",
        "EPSG:0",
        "EPSG:999999",
        "EPSG:4490; drop table",
        "EPSG:４４９０",
        "+proj=longlat",
        "EPSG:4978",  # geocentric
        "EPSG:4979",  # three-dimensional
        "EPSG:5773",  # vertical
        "EPSG:9518",  # compound
        "EPSG:4807",  # in grads
    ],
)
def test_parse_crs__unknown(text: str) -> None:
    """What is not a horizontal frame in degrees or of a projection is refused."""
    with pytest.raises(UnknownFrame) as caught:
        parse_crs(text)
    assert caught.value.code == "geofence.unknown_frame"


@settings(deadline=None)
@given(st.text(max_size=40))
def test_parse_crs__any_text(text: str) -> None:
    """Any text gives a frame or our error."""
    with contextlib.suppress(UnknownFrame):
        assert isinstance(parse_crs(text), Frame)


@pytest.mark.parametrize(
    ("wgs84", "gcj02"),
    [
        # Tests of github.com/googollee/eviltransform (Shanghai, Shenzhen, Beijing).
        ((121.5272106, 31.1774276), (121.531541859215, 31.17530398364597)),
        ((113.912316, 22.543847), (113.9171764808363, 22.540796131694766)),
        ((116.377817, 39.911954), (116.38404722455657, 39.91334545536069)),
        # README and test of github.com/wandergis/coordtransform (near Tiananmen).
        ((116.404, 39.915), (116.41024449916938, 39.91640428150164)),
    ],
)
def test_gcj02__published_pairs(wgs84: tuple[float, float], gcj02: tuple[float, float]) -> None:
    """The forward formula gives what the open libraries print, and the inverse leads back."""
    assert from_wgs84(*wgs84, frame=GCJ02) == pytest.approx(gcj02, abs=1e-12)
    assert to_wgs84(*gcj02, frame=GCJ02) == pytest.approx(wgs84, abs=1e-9)


@pytest.mark.parametrize(
    ("wgs84", "bd09"),
    [
        # Test of the Rust tool geotool: 121.0917077, 30.6107779 in WGS 84.
        ((121.0917077, 30.6107779), (121.10271732371203, 30.61484572185035)),
        # Test of the JavaScript library gcoord, which compares to 5 decimals.
        ((122.98762210, 44.99171540), (123.0, 45.0)),
    ],
)
def test_bd09__published_pairs(wgs84: tuple[float, float], bd09: tuple[float, float]) -> None:
    """BD-09 agrees with two independent libraries within their own precision."""
    assert from_wgs84(*wgs84, frame=BD09) == pytest.approx(bd09, abs=5e-6)
    assert to_wgs84(*bd09, frame=BD09) == pytest.approx(wgs84, abs=5e-6)


def test_bd09__on_top_of_gcj02() -> None:
    """BD-09 is GCJ-02 turned further: 116.404, 39.915 of GCJ-02 in coordtransform's README."""
    wgs84 = to_wgs84(116.404, 39.915, frame=GCJ02)
    assert from_wgs84(*wgs84, frame=BD09) == pytest.approx((116.41036949371029, 39.92133699351021), abs=1e-9)


@settings(deadline=None)
@given(china_lon, china_lat, st.sampled_from([GCJ02, BD09]))
def test_shifted_frames__round_trip(lon: float, lat: float, frame: Frame) -> None:
    """From WGS 84 and back, nothing is lost, anywhere in China."""
    assert to_wgs84(*from_wgs84(lon, lat, frame=frame), frame=frame) == pytest.approx((lon, lat), abs=1e-9)


@pytest.mark.parametrize("frame", [GCJ02, BD09])
def test_shifted_frames__at_105_east(frame: Frame) -> None:
    """The square root of the distance from 105 E does not keep the inverse from its end."""
    lon = 105 + np.array([0.0, 1e-13, -1e-11, 1e-9, -1e-7, 1e-5])
    points = np.column_stack([lon, np.full(6, 30.0)])
    back = points_to_wgs84(points_from_wgs84(points, frame=frame), frame=frame)
    assert np.abs(back - points).max() < 1e-9


@pytest.mark.parametrize("frame", [GCJ02, BD09])
@pytest.mark.parametrize("point", [(2.35, 48.85), (-122.4, 37.8), (151.2, -33.9), (0, 0), (180, 90), (-180, -90)])
def test_shifted_frames__outside_china(frame: Frame, point: tuple[float, float]) -> None:
    """Outside of the rectangle they are WGS 84."""
    assert from_wgs84(*point, frame=frame) == point
    assert to_wgs84(*point, frame=frame) == point


def test_gcj02__size_of_shift() -> None:
    """The shift in China is hundreds of metres, 350 on average, as DESIGN says: no sign or axis is mixed up."""
    west, south, east, north = 80.0, 20.0, 130.0, 50.0
    lon, lat = np.meshgrid(np.linspace(west, east, 60), np.linspace(south, north, 60))
    points = np.column_stack([lon.ravel(), lat.ravel()])
    moved = (points_from_wgs84(points, frame=GCJ02) - points) * 111_320
    moved[:, 0] *= np.cos(np.radians(points[:, 1]))
    distances_m = np.hypot(moved[:, 0], moved[:, 1])
    assert 250 < distances_m.mean() < 600
    assert distances_m.max() < 1200


def test_china__holds_its_corners() -> None:
    """The rectangle holds Kashgar, Heixiazi, Mohe and Sansha's south."""
    places = np.array([[75.99, 39.47], [134.77, 48.36], [122.53, 53.48], [112.3, 3.9]])
    assert GCJ02.is_in_area(places).all()
    assert GCJ02.area_lonlat == CHINA_LONLAT


# Expected numbers: `echo "LAT LON" | cs2cs -f %.4f EPSG:4490 EPSG:N` of PROJ 9.1.1, which prints northing, easting.
@pytest.mark.parametrize(
    ("crs", "lonlat", "easting_northing"),
    [
        ("EPSG:4549", (120.25, 30.5), (523999.7690, 3375568.3074)),
        ("EPSG:4549", (119.1, 33.2), (416080.9878, 3675290.2067)),
        ("EPSG:4549", (121.4, 28.9), (636552.8554, 3198992.1963)),
        ("EPSG:4548", (116.404, 39.915), (449042.0474, 4420261.2200)),
        ("EPSG:4526", (113.5, 30.0), (38451756.5514, 3320218.6504)),  # with the zone before the easting
        ("EPSG:32651", (120.25, 30.5), (236059.0590, 3377407.8796)),
    ],
)
def test_projected__as_cs2cs(crs: str, lonlat: tuple[float, float], easting_northing: tuple[float, float]) -> None:
    """Zones of CGCS2000 and UTM agree with PROJ's own program to a millimetre, in the order easting, northing."""
    frame = parse_crs(crs)
    assert from_wgs84(*lonlat, frame=frame) == pytest.approx(easting_northing, abs=1e-3)
    assert to_wgs84(*easting_northing, frame=frame) == pytest.approx(lonlat, abs=2e-8)


def test_projected__on_the_central_meridian() -> None:
    """On 120 E the easting of EPSG:4549 is its false easting, and the northing is the arc of the meridian."""
    # Snyder, USGS 1395, equation 3-21, on the ellipsoid of CGCS2000 (a 6378137, 1/f 298.257222101) at 30 N.
    a, e2, p = 6378137.0, (2 - 1 / 298.257222101) / 298.257222101, math.radians(30)
    arc_m = a * (
        (1 - e2 / 4 - 3 * e2**2 / 64 - 5 * e2**3 / 256) * p
        - (3 * e2 / 8 + 3 * e2**2 / 32 + 45 * e2**3 / 1024) * math.sin(2 * p)
        + (15 * e2**2 / 256 + 45 * e2**3 / 1024) * math.sin(4 * p)
        - 35 * e2**3 / 3072 * math.sin(6 * p)
    )
    assert from_wgs84(120.0, 30.0, frame=parse_crs("EPSG:4549")) == pytest.approx((500_000, arc_m), abs=1e-3)


def test_cgcs2000__is_wgs84() -> None:
    """The two datums are taken as one."""
    assert to_wgs84(116.404, 39.915, frame=parse_crs("cgcs2000")) == pytest.approx((116.404, 39.915), abs=1e-9)


@settings(deadline=None)
@given(st.floats(118.5, 121.5), st.floats(24.5, 53.0), st.sampled_from(["EPSG:4549", "EPSG:4528", "EPSG:32650"]))
def test_projected__round_trip(lon: float, lat: float, crs: str) -> None:
    """A zone leads back to where it came from."""
    frame = parse_crs(crs)
    assert to_wgs84(*from_wgs84(lon, lat, frame=frame), frame=frame) == pytest.approx((lon, lat), abs=1e-9)


@pytest.mark.parametrize(
    ("crs", "x", "y"),
    [
        ("wgs84", 120.0, 90.1),
        ("wgs84", 180.1, 30.0),
        ("wgs84", math.nan, 30.0),
        ("wgs84", 120.0, -math.inf),
        ("gcj02", 120.0, 120.0),
        ("bd09", 1e308, 30.0),
        ("EPSG:4490", 30.0, 120.0),
        ("EPSG:4549", 120.2, 30.5),  # degrees where metres belong
        ("EPSG:4549", 40_523_999.8, 3_375_568.3),  # the zone's number before the easting belongs to EPSG:4528
        ("EPSG:4549", 3_375_568.3, 523_999.8),  # northing, easting
        ("EPSG:4549", 1e300, -1e300),
        ("EPSG:3857", math.nan, 0.0),
    ],
)
def test_to_wgs84__no_place(crs: str, x: float, y: float) -> None:
    """What is no place in its frame is refused."""
    with pytest.raises(InvalidPosition) as caught:
        to_wgs84(x, y, frame=parse_crs(crs))
    assert caught.value.code == "geofence.invalid_position"


@pytest.mark.parametrize(("lon", "lat"), [(120.0, 91.0), (math.nan, 0.0), (181.0, 0.0)])
@pytest.mark.parametrize("frame", [WGS84, GCJ02, BD09, parse_crs("EPSG:4549")])
def test_from_wgs84__no_place(lon: float, lat: float, frame: Frame) -> None:
    """What is no place in WGS 84 is none in any frame."""
    with pytest.raises(InvalidPosition):
        from_wgs84(lon, lat, frame=frame)


def test_from_wgs84__out_of_the_zone() -> None:
    """A place far from the zone is refused rather than distorted."""
    with pytest.raises(InvalidPosition):
        from_wgs84(75.99, 39.47, frame=parse_crs("EPSG:4549"))


@settings(deadline=None)
@given(st.floats(), st.floats(), st.sampled_from(["wgs84", "gcj02", "bd09", "EPSG:4490", "EPSG:4549", "EPSG:4214"]))
def test_to_wgs84__any_floats(x: float, y: float, crs: str) -> None:
    """Any two floats give a place on earth or our error, and no warning."""
    try:
        lon, lat = to_wgs84(x, y, frame=parse_crs(crs))
    except SiteproofError:
        return
    assert abs(lon) <= 180
    assert abs(lat) <= 90


def test_points_to_wgs84__like_one_by_one() -> None:
    """The array form is the same as the single one, and does not change what it was given."""
    points = np.array([[116.404, 39.915], [2.35, 48.85], [121.5, 31.2]])
    kept = points.copy()
    converted = points_to_wgs84(points, frame=GCJ02)
    assert converted.tolist() == [
        pytest.approx(list(to_wgs84(float(lon), float(lat), frame=GCJ02)), abs=1e-11) for lon, lat in points
    ]
    assert np.array_equal(points, kept)


@pytest.mark.parametrize("crs", ["wgs84", "gcj02", "bd09", "EPSG:4490", "EPSG:4549"])
def test_points_to_wgs84__none(crs: str) -> None:
    """No points give no points."""
    assert points_to_wgs84(np.empty((0, 2)), frame=parse_crs(crs)).shape == (0, 2)
    assert points_from_wgs84(np.empty((0, 2)), frame=parse_crs(crs)).shape == (0, 2)


def test_points_to_wgs84__wrong_shape() -> None:
    """A wrong shape is the programmer's error."""
    with pytest.raises(ValueError, match=r"\(N, 2\)"):
        points_to_wgs84(np.zeros((2, 3)), frame=WGS84)


def test_is_in_area__over_the_antimeridian() -> None:
    """An area that is written with west > east wraps around."""
    frame = Frame("test", area_lonlat=(170.0, -50.0, -170.0, 50.0))
    points = np.array([[175.0, 0.0], [-175.0, 0.0], [0.0, 0.0], [165.0, 0.0]])
    assert frame.is_in_area(points).tolist() == [True, True, False, False]
    assert frame.is_in_area(points, margin_deg=6).tolist() == [True, True, False, True]
