"""Positions from and to JSON, their accuracy and distance. Frames and their formulas are in `frame`."""

import math
from collections.abc import Mapping
from typing import Any, Final

from domain.place import Position
from geofence.frame import InvalidPosition, UnknownFrame, parse_crs, to_wgs84
from geofence.local_plane import geodesic_m

# A phone under open sky is typically within 4.9 m (GPS.gov, "GPS Accuracy", citing van Diggelen and Enge 2015); twice
# that for trees, walls and a shot from the pocket, where no accuracy came with the fix. [m]
ASSUMED_ACCURACY_M: Final = 10.0

_MAX_SOURCE: Final = 64


def parse_position(value: object, *, source: str = "capture") -> Position:
    """Read `{lon, lat, accuracy_m?, crs?, source?, altitude_m?, bearing_deg?}`, converted to WGS 84.

    The given values and their frame are kept beside. Null is the same as silent. An accuracy of 0 or less, or not
    finite, is silent too (iOS says -1 where it has none). A bearing is brought into [0, 360). Unknown keys are ignored.

    Args:
        value: the JSON object; `lon` and `lat` are easting and northing in a projected `crs`. [deg or m]
        source: who said so, where the object is silent.

    Raises:
        InvalidPosition: not such an object, a value that is no number, or no place in its frame.
        UnknownFrame: `crs` names no frame that we know.
    """
    if not isinstance(value, Mapping):
        raise InvalidPosition("a position is an object with lon and lat")
    given_lon, given_lat = _number(value, "lon"), _number(value, "lat")
    if given_lon is None or given_lat is None:
        raise InvalidPosition("a position needs both lon and lat")
    crs = value.get("crs")
    if crs is None:
        crs = "wgs84"
    if not isinstance(crs, str):
        raise UnknownFrame("crs is not a text such as wgs84 or EPSG:4490")
    frame = parse_crs(crs)
    lon, lat = to_wgs84(given_lon, given_lat, frame=frame)
    bearing_deg = _finite(value, "bearing_deg")
    return Position(
        lon=lon,
        lat=lat,
        accuracy_m=_accuracy_m(_number(value, "accuracy_m")),
        source=_source(value, default=source),
        given_lon=given_lon,
        given_lat=given_lat,
        crs=frame.name,
        altitude_m=_finite(value, "altitude_m"),
        # The second one, because a tiny negative angle gives 360 itself.
        bearing_deg=None if bearing_deg is None else bearing_deg % 360 % 360,
    )


def distance_m(a: Position, b: Position) -> float:
    """Geodesic distance on the WGS 84 ellipsoid; altitudes are left aside [m]."""
    return geodesic_m(lon_a=a.lon, lat_a=a.lat, lon_b=b.lon, lat_b=b.lat)


def believed_accuracy_m(position: Position) -> float:
    """The radius to reckon with: the position's own, or `ASSUMED_ACCURACY_M` where it has none that is positive [m]."""
    return _accuracy_m(position.accuracy_m) or ASSUMED_ACCURACY_M


def _accuracy_m(accuracy_m: float | None) -> float | None:
    if accuracy_m is None or not math.isfinite(accuracy_m) or accuracy_m <= 0:
        return None
    return accuracy_m


def _source(value: Mapping[str, Any], *, default: str) -> str:
    source = value.get("source")
    if source is None:
        return default
    if not isinstance(source, str) or not 0 < len(source) <= _MAX_SOURCE:
        raise InvalidPosition(f"source is not a text of 1 to {_MAX_SOURCE} characters")
    return source


def _number(value: Mapping[str, Any], key: str) -> float | None:
    """A number that may be infinite; None where silent."""
    number = value.get(key)
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise InvalidPosition(f"{key} is not a number")
    try:
        return float(number)
    except OverflowError as error:
        raise InvalidPosition(f"{key} is too large") from error


def _finite(value: Mapping[str, Any], key: str) -> float | None:
    number = _number(value, key)
    if number is not None and not math.isfinite(number):
        raise InvalidPosition(f"{key} is not a finite number")
    return number
