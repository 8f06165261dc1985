import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import SiteproofError
from domain.place import Position
from geofence.frame import InvalidPosition, UnknownFrame
from geofence.position import (
    ASSUMED_ACCURACY_M,
    believed_accuracy_m,
    distance_m,
    parse_position,
)

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)


def test_parse_position__whole() -> None:
    """Everything that a phone says is kept, unknown keys are not."""
    position = parse_position(
        {
            "lon": 120.5,
            "lat": 30,
            "accuracy_m": 4.5,
            "crs": "WGS84",
            "source": "exif",
            "altitude_m": 12.5,
            "bearing_deg": -90,
            "speed": 3,
        }
    )
    assert position == Position(
        lon=120.5,
        lat=30.0,
        accuracy_m=4.5,
        source="exif",
        given_lon=120.5,
        given_lat=30.0,
        crs="wgs84",
        altitude_m=12.5,
        bearing_deg=270.0,
    )


def test_parse_position__silent() -> None:
    """What is null or absent is not known, and the source is the caller's word."""
    position = parse_position({"lon": 120.5, "lat": 30.0, "accuracy_m": None, "crs": None}, source="project")
    assert (position.accuracy_m, position.altitude_m, position.bearing_deg) == (None, None, None)
    assert (position.source, position.crs) == ("project", "wgs84")


def test_parse_position__gcj02() -> None:
    """A position of a Chinese map is converted, and the given one kept (pair of eviltransform's tests, Shanghai)."""
    position = parse_position({"lon": 121.531541859215, "lat": 31.17530398364597, "crs": "GCJ02"})
    assert (position.lon, position.lat) == pytest.approx((121.5272106, 31.1774276), abs=1e-9)
    assert (position.given_lon, position.given_lat, position.crs) == (121.531541859215, 31.17530398364597, "gcj02")


def test_parse_position__projected() -> None:
    """Easting and northing of a zone (`echo "30.5 120.25" | cs2cs -f %.4f EPSG:4490 EPSG:4549`, swapped)."""
    position = parse_position({"lon": 523999.7690, "lat": 3375568.3074, "crs": "EPSG:4549"})
    assert (position.lon, position.lat) == pytest.approx((120.25, 30.5), abs=1e-8)
    assert position.given_lon == 523999.7690


@pytest.mark.parametrize("accuracy_m", [0, -1, math.nan, math.inf, -math.inf])
def test_parse_position__accuracy_that_says_nothing(accuracy_m: float) -> None:
    """IOS says -1 where it has no accuracy; so does what is not finite."""
    assert parse_position({"lon": 120.5, "lat": 30.0, "accuracy_m": accuracy_m}).accuracy_m is None


@pytest.mark.parametrize("bearing_deg", [-1e-20, 360, 720.0])
def test_parse_position__bearing_of_a_whole_turn(bearing_deg: float) -> None:
    """A whole turn is north."""
    assert parse_position({"lon": 120.5, "lat": 30.0, "bearing_deg": bearing_deg}).bearing_deg == 0


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        [120.5, 30.0],
        "120.5,30",
        {},
        {"lon": 120.5},
        {"lon": None, "lat": 30.0},
        {"lon": "120.5", "lat": "30"},
        {"lon": True, "lat": 30.0},
        {"lon": [120.5], "lat": 30.0},
        {"lon": 120.5, "lat": 90.01},
        {"lon": 30.0, "lat": 120.5},
        {"lon": 180.5, "lat": 30.0},
        {"lon": math.nan, "lat": 30.0},
        {"lon": 120.5, "lat": math.inf},
        {"lon": 10**400, "lat": 30.0},
        {"lon": 120.5, "lat": 30.0, "accuracy_m": "5"},
        {"lon": 120.5, "lat": 30.0, "altitude_m": math.nan},
        {"lon": 120.5, "lat": 30.0, "bearing_deg": {}},
        {"lon": 120.5, "lat": 30.0, "source": 3},
        {"lon": 120.5, "lat": 30.0, "source": ""},
        {"lon": 120.5, "lat": 30.0, "source": "x" * 65},
        {"lon": 120.5, "lat": 30.0, "crs": "EPSG:4549"},
    ],
)
def test_parse_position__invalid(value: object) -> None:
    """Text is no number, lat ends at 90, and the error says so by its code."""
    with pytest.raises(InvalidPosition) as caught:
        parse_position(value)
    assert caught.value.code == "geofence.invalid_position"


@pytest.mark.parametrize("crs", ["mars", 4490, ["wgs84"], "EPSG:999999"])
def test_parse_position__unknown_frame(crs: object) -> None:
    """A frame that we do not know is never taken for WGS 84."""
    with pytest.raises(UnknownFrame):
        parse_position({"lon": 120.5, "lat": 30.0, "crs": crs})


@settings(deadline=None)
@given(
    any_json
    | st.dictionaries(
        st.sampled_from(["lon", "lat", "accuracy_m", "crs", "source", "altitude_m", "bearing_deg", "given"]),
        any_json | st.floats(-90, 90) | st.sampled_from(["gcj02", "EPSG:4549"]),
    )
)
def test_parse_position__any_json(value: object) -> None:
    """Any JSON gives a position or our error."""
    try:
        position = parse_position(value)
    except SiteproofError:
        return
    assert abs(position.lon) <= 180
    assert abs(position.lat) <= 90


@pytest.mark.parametrize(
    ("a", "b", "expected_m"),
    [
        # `echo "30 120 LAT LON" | geod +ellps=WGS84 -I +units=m` of PROJ 9.1.1.
        ((120.0, 30.0), (120.0, 30.01), 1108.5253),
        ((120.0, 30.0), (120.01, 30.0), 964.8628),
        ((120.0, 30.0), (121.5, 31.5), 219730.3924),
        ((120.0, 30.0), (120.0, 30.0), 0.0),
    ],
)
def test_distance_m__as_geod(a: tuple[float, float], b: tuple[float, float], expected_m: float) -> None:
    """Geodesic on the ellipsoid, the same both ways."""
    assert distance_m(Position(*a), Position(*b)) == pytest.approx(expected_m, abs=1e-4)
    assert distance_m(Position(*b), Position(*a)) == pytest.approx(expected_m, abs=1e-4)


@pytest.mark.parametrize("accuracy_m", [None, 0.0, -3.0, math.nan, math.inf])
def test_believed_accuracy_m__assumed(accuracy_m: float | None) -> None:
    """Where a fix says nothing usable, 10 m is assumed."""
    assert believed_accuracy_m(Position(120.0, 30.0, accuracy_m=accuracy_m)) == ASSUMED_ACCURACY_M == 10.0


def test_believed_accuracy_m__own() -> None:
    """Where it does, that is believed."""
    assert believed_accuracy_m(Position(120.0, 30.0, accuracy_m=3.5)) == 3.5
