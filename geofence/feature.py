"""What boundaries and alignments share in being read from GeoJSON: the Feature, its positions, their frame and place.

What makes an area or a line good is said in `boundary` and `alignment`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from domain.errors import Invalid
from domain.place import Position
from geofence.frame import Frame, InvalidPosition, Points, UnknownFrame, parse_crs, points_to_wgs84
from geofence.local_plane import GEOD, LocalPlane, geodesic_m

# A drawing's curve at one vertex a metre fills 20 km with this; more is a wrong file, and slows every check. [1]
MAX_VERTICES: Final = 20_000
# A wrong zone of CGCS2000 is at least 3 degrees off, which is 190 km in the north of China; a county's centre, given
# as the position of one of its villages' roads, is nearer than this. [m]
MAX_FROM_PROJECT_M: Final = 100_000.0
# Longer than this crosses a province; it also refuses what straddles the antimeridian, which is not supported. [m]
MAX_EXTENT_M: Final = 500_000.0

_POSITION_LENGTH: Final = 2


class TooManyVertices(Invalid):
    """More positions than any site needs."""

    code: ClassVar[str] = "geofence.too_many_vertices"


class SwappedAxes(Invalid):
    """The positions make sense only as lat, lon (or northing, easting)."""

    code: ClassVar[str] = "geofence.swapped_axes"


class FarFromProject(Invalid):
    """The geometry lies far from where the project is said to be: a wrong frame, zone or file."""

    code: ClassVar[str] = "geofence.far_from_project"


@dataclass(frozen=True, slots=True)
class OpenFeature:
    """A Feature, or a bare geometry, taken apart but not yet believed.

    Attributes:
        geometry_type: one of those asked for.
        coordinates: anything.
        properties: empty for a bare geometry.
        frame: of the coordinates.
    """

    geometry_type: str
    coordinates: object
    properties: Mapping[str, Any]
    frame: Frame


def open_feature(
    feature: object,
    *,
    geometry_types: Sequence[str],
    default_crs: str,
    wrong: type[Invalid],
    empty: type[Invalid],
) -> OpenFeature:
    """Take a Feature or a bare geometry apart.

    Args:
        feature: as parsed from JSON.
        geometry_types: what is accepted.
        default_crs: the frame where the Feature is silent in `properties.crs` (and in the `crs` of GeoJSON 2008).
        wrong: raised where it is something else.
        empty: raised where there is no geometry in it.

    Raises:
        Invalid: of the two kinds above.
        UnknownFrame: the frame is none that we know.
    """
    wanted = " or ".join(geometry_types)
    if not isinstance(feature, Mapping):
        raise wrong(f"this is no GeoJSON object: a Feature with a {wanted} is needed")
    geometry: object = feature
    properties: object = {}
    if feature.get("type") == "Feature":
        geometry = feature.get("geometry")
        properties = feature.get("properties")
        if geometry is None:
            raise empty("the Feature has no geometry")
    if properties is None:
        properties = {}
    if not isinstance(geometry, Mapping) or not isinstance(properties, Mapping):
        raise wrong("the Feature's geometry or properties are no objects")
    kind = geometry.get("type")
    if not isinstance(kind, str) or kind not in geometry_types:
        found = kind[:40] if isinstance(kind, str) else "nothing"
        raise wrong(f"a Feature with a {wanted} is needed, this is {found}")
    return OpenFeature(
        geometry_type=kind,
        coordinates=geometry.get("coordinates"),
        properties=properties,
        frame=_read_frame(feature, properties, default_crs),
    )


def read_list(value: object, *, what: str, wrong: type[Invalid]) -> Sequence[object]:
    """An array of the coordinates' tree.

    Raises:
        Invalid: `wrong`, where it is none.
    """
    if not isinstance(value, list | tuple):
        raise wrong(f"{what} is not a list")
    return value


def read_points(positions: Sequence[object], *, what: str) -> Points:
    """Read positions as numbers; a third one, the height, is dropped.

    Returns:
        (N, 2) in the frame of the Feature. [deg or m]

    Raises:
        InvalidPosition: one of them is not at least two finite numbers.
    """
    points = np.empty((len(positions), _POSITION_LENGTH), dtype=np.float64)
    for index, position in enumerate(positions):
        if not isinstance(position, list | tuple) or len(position) < _POSITION_LENGTH:
            raise InvalidPosition(f"{what}: position {index + 1} is not a list of two numbers")
        for axis in range(_POSITION_LENGTH):
            points[index, axis] = _finite(position[axis], what=f"{what}: position {index + 1}")
    return points


def convert(points: Points, *, frame: Frame, near: Position | None, what: str) -> Points:
    """Convert a geometry's points to WGS 84, and notice where lat stands before lon.

    That is said where the points are a place only if swapped: no place at all as they stand, or outside of the frame's
    area of use and inside it swapped, or far from `near` and near it swapped.

    Args:
        points: (N, 2), N at least 1. [deg or m]
        frame: what they are given in.
        near: where the project is, if known.
        what: for the sentence: `boundary`.

    Returns:
        (N, 2) lon, lat. [deg]

    Raises:
        SwappedAxes: as above.
        InvalidPosition: they are no place either way.
    """
    swapped = _convert_or_none(points[:, ::-1].copy(), frame)
    try:
        converted = points_to_wgs84(points, frame=frame)
    except InvalidPosition as error:
        if swapped is None:
            raise
        raise _swapped_axes(points, what) from error
    if swapped is None:
        return converted
    if not frame.is_in_area(converted).any() and frame.is_in_area(swapped).all():
        raise _swapped_axes(points, what)
    if near is not None and not near.is_null_island and not _is_near(converted, near) and _is_near(swapped, near):
        raise _swapped_axes(points, what)
    return converted


def check_near(geometry: BaseGeometry, *, near: Position | None, what: str) -> None:
    """Refuse a geometry of which a part lies more than `MAX_FROM_PROJECT_M` from the project.

    Raises:
        FarFromProject: with the distance in kilometres.
    """
    if near is None or near.is_null_island:
        return
    plane = LocalPlane(lon=near.lon, lat=near.lat)
    centre = shapely.Point(0, 0)
    farthest_m = max(shapely.distance(plane.geometry_to_plane(part), centre) for part in shapely.get_parts(geometry))
    if farthest_m > MAX_FROM_PROJECT_M:
        raise FarFromProject(
            f"the {what} lies {farthest_m / 1000:.0f} km from the project's position: is the frame or the zone wrong?",
            distance_km=round(farthest_m / 1000),
        )


def extent_m(geometry: BaseGeometry) -> float:
    """Length of the diagonal of a WGS 84 geometry's bounds [m]."""
    west, south, east, north = geometry.bounds
    return max(
        geodesic_m(lon_a=west, lat_a=south, lon_b=east, lat_b=north),
        # Half around the earth and more, the short way goes the other side.
        (east - west) * 1e5 if east - west > 90 else 0.0,  # noqa: PLR2004
    )


def _read_frame(feature: Mapping[str, Any], properties: Mapping[str, Any], default_crs: str) -> Frame:
    crs = properties.get("crs")
    if crs is None and isinstance(old := feature.get("crs"), Mapping):
        named = old.get("properties")
        crs = named.get("name") if isinstance(named, Mapping) else False
    elif crs is None:
        crs = feature.get("crs")
    if crs is None:
        crs = default_crs
    if not isinstance(crs, str):
        raise UnknownFrame("crs is not a text such as wgs84 or EPSG:4490")
    return parse_crs(crs)


def _finite(value: object, *, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidPosition(f"{what} is not two numbers")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidPosition(f"{what} holds a value that is not a finite number")
    return number


def _convert_or_none(points: Points, frame: Frame) -> Points | None:
    try:
        return points_to_wgs84(points, frame=frame)
    except InvalidPosition:
        return None


def _is_near(points_lonlat: Points, near: Position) -> bool:
    count = len(points_lonlat)
    _, _, distances_m = GEOD.inv(
        np.full(count, near.lon), np.full(count, near.lat), points_lonlat[:, 0], points_lonlat[:, 1]
    )
    return bool(np.min(distances_m) <= MAX_FROM_PROJECT_M)


def _swapped_axes(points: Points, what: str) -> SwappedAxes:
    first, second = points[0]
    return SwappedAxes(
        f"the {what}'s positions are in the wrong order: {first:.7g}, {second:.7g} makes sense only swapped; "
        "GeoJSON has lon before lat, east before north"
    )
