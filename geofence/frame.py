"""Coordinate frames: reading their names, and converting points to and from WGS 84.

Every point is x, y, which is lon, lat or easting, northing, whatever order the frame's authority prints. What a point
means (accuracy, source) is in `position`.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from domain.errors import Invalid

Points: TypeAlias = NDArray[np.float64]

# The rectangle in which GCJ-02 and BD-09 are shifted. It stands in every published version of the formula
# (github.com/googollee/eviltransform, github.com/wandergis/coordtransform). It also holds neighbours of China: who
# gives a frame of China says by that to be in China. [deg]
CHINA_LONLAT: Final = (72.004, 0.8293, 137.8347, 55.8271)

# Krasovsky 1940, which the published formula uses: EPSG ellipsoid 7024. [m], [1]
_KRASOVSKY_A: Final = 6378245.0
_KRASOVSKY_F: Final = 1 / 298.3
_KRASOVSKY_E2: Final = _KRASOVSKY_F * (2 - _KRASOVSKY_F)

# BD-09, as in the same two libraries: shift and wobble. [deg]
_BD09_LON: Final = 0.0065
_BD09_LAT: Final = 0.006
_BD09_FREQUENCY: Final = math.pi * 3000 / 180

# The shift changes by at most a few metres in a kilometre, so each step gains two to three digits; only at 105 E, where
# the formula holds a square root of |lon - 105|, are more needed.
_INVERSE_STEPS: Final = 50
_INVERSE_TOLERANCE_DEG: Final = 1e-12

# How far outside its stated area of use a projected frame is still believed: surveyors carry a zone over into the next
# one (3 degrees wide in CGCS2000), never further. [deg]
_AREA_MARGIN_DEG: Final = 3.0

_EPSG: Final = re.compile(r"(?:epsg:|urn:ogc:def:crs:epsg:[0-9.]*:)([0-9]{1,6})")
_SAME_AS: Final = {
    "cgcs2000": "epsg:4490",
    "urn:ogc:def:crs:ogc:1.3:crs84": "wgs84",
    "urn:ogc:def:crs:ogc::crs84": "wgs84",
}
_SHOWN: Final = 60


class UnknownFrame(Invalid):
    """The name of a coordinate frame that we cannot read positions in."""

    code: ClassVar[str] = "geofence.unknown_frame"


class InvalidPosition(Invalid):
    """Numbers that are no place on earth in the frame that they are given in."""

    code: ClassVar[str] = "geofence.invalid_position"


@dataclass(frozen=True, slots=True)
class Frame:
    """A coordinate frame.

    Attributes:
        name: as it is kept: `wgs84`, `gcj02`, `bd09`, `EPSG:n`.
        epsg: the code; None for the first three.
        is_projected: x, y are easting, northing rather than lon, lat.
        area_lonlat: where it is meant to be used: west, south, east, north; None for everywhere. [deg]
    """

    name: str
    epsg: int | None = None
    is_projected: bool = False
    area_lonlat: tuple[float, float, float, float] | None = None

    def is_in_area(self, points_lonlat: Points, *, margin_deg: float = 0.0) -> NDArray[np.bool_]:
        """Whether each WGS 84 point lies where the frame is meant to be used.

        Args:
            points_lonlat: (N, 2). [deg]
            margin_deg: how far outside still counts. [deg]
        """
        if self.area_lonlat is None:
            return np.ones(len(points_lonlat), dtype=np.bool_)
        west, south, east, north = self.area_lonlat
        lon, lat = points_lonlat[:, 0], points_lonlat[:, 1]
        # An area over the antimeridian is written with west > east; it wraps.
        width = (east - west) % 360 if east != west + 360 else 360.0
        in_lon = (lon - west + margin_deg) % 360 <= min(width + 2 * margin_deg, 360.0)
        return np.asarray(in_lon & (lat >= south - margin_deg) & (lat <= north + margin_deg), dtype=np.bool_)


WGS84: Final = Frame("wgs84")
GCJ02: Final = Frame("gcj02", area_lonlat=CHINA_LONLAT)
BD09: Final = Frame("bd09", area_lonlat=CHINA_LONLAT)
_NAMED: Final = {frame.name: frame for frame in (WGS84, GCJ02, BD09)}


def parse_crs(text: str) -> Frame:
    """Read the name of a frame, in any case.

    Args:
        text: `wgs84`, `gcj02`, `bd09`, `cgcs2000` (which is `EPSG:4490`) or `EPSG:n` with a geographic frame in degrees
            or a projected one; also the URNs of these that older GeoJSON carries.

    Raises:
        UnknownFrame: no such frame, or not one of the horizontal plane.
    """
    name = text.strip().lower()
    name = _SAME_AS.get(name, name)
    if named := _NAMED.get(name):
        return named
    if (match := _EPSG.fullmatch(name)) is None:
        raise UnknownFrame(
            f"{text[:_SHOWN]!r} is no coordinate frame known here: give wgs84, gcj02, bd09, cgcs2000 or EPSG:n"
        )
    return _epsg_frame(int(match[1]))


def to_wgs84(lon_or_x: float, lat_or_y: float, *, frame: Frame) -> tuple[float, float]:
    """Convert one point to WGS 84; see `points_to_wgs84`.

    Returns:
        Lon, lat. [deg]

    Raises:
        InvalidPosition: it is no place in the frame.
    """
    ((lon, lat),) = points_to_wgs84(np.array([[lon_or_x, lat_or_y]], dtype=np.float64), frame=frame)
    return float(lon), float(lat)


def from_wgs84(lon: float, lat: float, *, frame: Frame) -> tuple[float, float]:
    """Convert one WGS 84 point to a frame; see `points_from_wgs84`.

    Returns:
        Lon, lat, or easting, northing. [deg or m]

    Raises:
        InvalidPosition: it is no place, or the frame cannot show it.
    """
    ((x, y),) = points_from_wgs84(np.array([[lon, lat]], dtype=np.float64), frame=frame)
    return float(x), float(y)


def points_to_wgs84(points: Points, *, frame: Frame) -> Points:
    """Convert points of a frame to WGS 84.

    GCJ-02 and BD-09 are shifted where the WGS 84 point lies in `CHINA_LONLAT` and equal WGS 84 elsewhere; the inverse
    leaves less than 1e-9 degrees. At the rectangle's very edge, far from any site, the frames jump, so a point there
    may come back moved. CGCS2000 and WGS 84 are taken as one: they differ by less than a metre.

    Args:
        points: (N, 2), rows x, y; N of 0 gives an empty array. [deg or m]
        frame: what they are given in.

    Returns:
        (N, 2), rows lon, lat. [deg]

    Raises:
        InvalidPosition: one of them is not finite, beyond 180 or 90 degrees, or, in a projected frame, more than
            3 degrees outside the frame's area of use.
    """
    _check_shape(points)
    _check_finite(points)
    if frame.epsg is not None and frame.is_projected:
        converted = _transform(points, frame.epsg, to_wgs84=True)
        _check_projected(points, converted, frame)
        return converted
    _check_degrees(points)
    if frame.epsg is not None:
        converted = _transform(points, frame.epsg, to_wgs84=True)
        _check_degrees(converted)
        return converted
    if frame == GCJ02:
        return _unshifted(points, _gcj02_shifted)
    if frame == BD09:
        return _unshifted(points, _bd09_shifted)
    return points.copy()


def points_from_wgs84(points_lonlat: Points, *, frame: Frame) -> Points:
    """Convert WGS 84 points to a frame: the inverse of `points_to_wgs84`.

    Args:
        points_lonlat: (N, 2), rows lon, lat; N of 0 gives an empty array. [deg]
        frame: what is wanted.

    Returns:
        (N, 2), rows x, y. [deg or m]

    Raises:
        InvalidPosition: one of them is not finite or beyond 180 or 90 degrees, or the frame cannot show it.
    """
    _check_shape(points_lonlat)
    _check_finite(points_lonlat)
    _check_degrees(points_lonlat)
    if frame.epsg is not None:
        converted = _transform(points_lonlat, frame.epsg, to_wgs84=False)
        if frame.is_projected:
            _check_projected(points_lonlat, points_lonlat, frame)
        _check_finite(converted)
        return converted
    if frame == GCJ02:
        return _shifted(points_lonlat, _gcj02_shifted)
    if frame == BD09:
        return _shifted(points_lonlat, _bd09_shifted)
    return points_lonlat.copy()


@lru_cache(maxsize=64)
def _epsg_frame(code: int) -> Frame:
    try:
        crs = CRS.from_epsg(code)
    except ProjError as error:
        raise UnknownFrame(f"EPSG:{code} is not in the EPSG registry") from error
    if crs.type_name not in {"Geographic 2D CRS", "Projected CRS"}:
        raise UnknownFrame(f"EPSG:{code} is a {crs.type_name}: a frame of the horizontal plane is needed")
    if crs.is_geographic and crs.axis_info[0].unit_name != "degree":
        raise UnknownFrame(f"EPSG:{code} is not in degrees")
    area = crs.area_of_use
    return Frame(
        name=f"EPSG:{code}",
        epsg=code,
        is_projected=crs.is_projected,
        area_lonlat=None if area is None else (area.west, area.south, area.east, area.north),
    )


@lru_cache(maxsize=64)
def _transformer(code: int, *, to_wgs84: bool) -> Transformer:
    source, target = (code, 4326) if to_wgs84 else (4326, code)
    return Transformer.from_crs(source, target, always_xy=True)


def _transform(points: Points, code: int, *, to_wgs84: bool) -> Points:
    """Convert with PROJ; rows that it cannot convert are infinite."""
    if not len(points):
        return points.copy()
    x, y = _transformer(code, to_wgs84=to_wgs84).transform(points[:, 0], points[:, 1])
    return np.column_stack([x, y])


def _check_shape(points: Points) -> None:
    if points.ndim != 2 or points.shape[1] != 2:  # noqa: PLR2004
        message = f"points are (N, 2), not {points.shape}"
        raise ValueError(message)


def _check_finite(points: Points) -> None:
    if not np.isfinite(points).all():
        raise InvalidPosition("a position holds a value that is not a finite number")


def _check_degrees(points: Points) -> None:
    bad = (np.abs(points[:, 0]) > 180) | (np.abs(points[:, 1]) > 90)  # noqa: PLR2004
    if bad.any():
        lon, lat = points[int(np.argmax(bad))]
        raise InvalidPosition(
            f"lon {lon:.7g}, lat {lat:.7g} is no place: lon ends at 180 degrees and lat at 90", lon=lon, lat=lat
        )


def _check_projected(points: Points, points_lonlat: Points, frame: Frame) -> None:
    finite: NDArray[np.bool_] = np.isfinite(points_lonlat[:, 0]) & np.isfinite(points_lonlat[:, 1])
    # Infinity cannot be wrapped around the earth without a warning.
    comparable = np.where(finite[:, np.newaxis], points_lonlat, 0.0)
    bad = ~(finite & frame.is_in_area(comparable, margin_deg=_AREA_MARGIN_DEG))
    if bad.any():
        x, y = points[int(np.argmax(bad))]
        raise InvalidPosition(f"x {x:.10g}, y {y:.10g} is outside of where {frame.name} is used", x=x, y=y)


def _is_in_china(points_lonlat: Points) -> NDArray[np.bool_]:
    return GCJ02.is_in_area(points_lonlat)


def _shifted(points_lonlat: Points, shift: Callable[[Points], Points]) -> Points:
    result = points_lonlat.copy()
    inside = _is_in_china(points_lonlat)
    result[inside] = shift(points_lonlat[inside])
    return result


def _unshifted(points: Points, shift: Callable[[Points], Points]) -> Points:
    """Solve `shift(w) = points` by fixed-point iteration; points without a solution in China are as in WGS 84."""
    result = points.copy()
    # Far from China the formula grows without bound; a shift is less than 0.02 degrees.
    near_china = GCJ02.is_in_area(points, margin_deg=0.1)
    wanted = points[near_china]
    guess = wanted.copy()
    for _ in range(_INVERSE_STEPS):
        step = wanted - shift(guess)
        guess = guess + step
        if not step.size or np.abs(step).max() < _INVERSE_TOLERANCE_DEG:
            break
    result[near_china] = np.where(_is_in_china(guess)[:, np.newaxis], guess, wanted)
    return result


def _gcj02_shifted(points_lonlat: Points) -> Points:
    """WGS 84 to GCJ-02, for points in China, by the formula published in the libraries named above.

    The shift is a polynomial and sines of the distance from 105 E, 35 N, in metres on Krasovsky's ellipsoid.
    """
    lon, lat = points_lonlat[:, 0], points_lonlat[:, 1]
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    north_waves = (
        common
        + 20 * np.sin(np.pi * y)
        + 40 * np.sin(np.pi * y / 3)
        + 160 * np.sin(np.pi * y / 12)
        + 320 * np.sin(np.pi * y / 30)
    )
    east_waves = (
        common
        + 20 * np.sin(np.pi * x)
        + 40 * np.sin(np.pi * x / 3)
        + 150 * np.sin(np.pi * x / 12)
        + 300 * np.sin(np.pi * x / 30)
    )
    north_m = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root + north_waves * 2 / 3
    east_m = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root + east_waves * 2 / 3
    latitude = np.radians(lat)
    w2 = 1 - _KRASOVSKY_E2 * np.sin(latitude) ** 2
    meridian_radius_m = _KRASOVSKY_A * (1 - _KRASOVSKY_E2) / w2**1.5
    parallel_radius_m = _KRASOVSKY_A / np.sqrt(w2) * np.cos(latitude)
    return np.column_stack(
        [lon + np.degrees(east_m / parallel_radius_m), lat + np.degrees(north_m / meridian_radius_m)]
    )


def _bd09_shifted(points_lonlat: Points) -> Points:
    """WGS 84 to BD-09, for points in China: GCJ-02, then a turn and a stretch in polar coordinates of lon and lat."""
    gcj = _gcj02_shifted(points_lonlat)
    x, y = gcj[:, 0], gcj[:, 1]
    radius = np.hypot(x, y) + 2e-5 * np.sin(y * _BD09_FREQUENCY)
    angle = np.arctan2(y, x) + 3e-6 * np.cos(x * _BD09_FREQUENCY)
    return np.column_stack([radius * np.cos(angle) + _BD09_LON, radius * np.sin(angle) + _BD09_LAT])
