"""Boundaries of sites: reading and refusing them, and on which side of one a fix lies."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Final, cast

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from domain.errors import Invalid
from domain.place import Placement, Position, Side
from geofence.feature import (
    MAX_EXTENT_M,
    MAX_VERTICES,
    OpenFeature,
    TooManyVertices,
    check_near,
    convert,
    extent_m,
    open_feature,
    read_list,
    read_points,
)
from geofence.frame import InvalidPosition, Points
from geofence.local_plane import GEOD, LocalPlane, geodesic_m
from geofence.position import believed_accuracy_m

# The mean county of China: 9.6 million km2 in 2,843 of them (Ministry of Civil Affairs, 2022) gives 3,377. Whatever is
# "inside" of more than that says nothing about a village's road. [m2]
MAX_AREA_M2: Final = 3_400e6
# Nothing is built on less, and no fix could be told to be inside. [m2]
MIN_AREA_M2: Final = 1.0

# A fix is called outside only beyond this many of its accuracies, because that accuses somebody. The accuracy is the
# radius of 68 %; with equal normal errors east and north, sigma of one of them is accuracy / sqrt(-2 ln 0.32) =
# accuracy / 1.51. Only the component across the line matters, so 2 accuracies are 3.0 sigma: of the honest shots at
# the very edge 0.13 % are accused, of those further inside less.
OUTSIDE_ACCURACIES: Final = 2.0

_METRES_PER_DEGREE: Final = 111_320.0
_WHERE_INVALID: Final = re.compile(r"(?P<reason>[^\[]+)\[(?P<lon>\S+) (?P<lat>\S+)\]")
_MIN_RING: Final = 4


class NotABoundary(Invalid):
    """Something else than a Feature with a polygon or multipolygon."""

    code: ClassVar[str] = "geofence.not_a_boundary"


class EmptyBoundary(Invalid):
    """A boundary that holds no area."""

    code: ClassVar[str] = "geofence.empty_boundary"


class OpenRing(Invalid):
    """A ring that does not end where it began, or has too few positions to hold an area."""

    code: ClassVar[str] = "geofence.open_ring"


class SelfCrossingBoundary(Invalid):
    """A boundary that crosses itself, parts that overlap, or a hole that is not inside."""

    code: ClassVar[str] = "geofence.self_crossing_boundary"


class BoundaryTooLarge(Invalid):
    """A boundary beyond any single site."""

    code: ClassVar[str] = "geofence.boundary_too_large"


@dataclass(frozen=True, slots=True)
class BoundaryInPlane:
    """A boundary in a plane around it, made once and used for every fix.

    Attributes:
        plane: the projection.
        area: prepared for quick tests. [m]
        line: its outer and inner rings. [m]
    """

    plane: LocalPlane
    area: BaseGeometry
    line: BaseGeometry


@dataclass(frozen=True)
class Boundary:
    """The area of a site, in WGS 84; the edge between two vertices is straight in lon and lat (RFC 7946).

    Attributes:
        geometry: valid, within the limits above. [deg]
        crs: the frame that it was given in.
        given: the Feature or geometry as it was given, untouched.
    """

    geometry: Polygon | MultiPolygon
    crs: str
    given: dict[str, Any]

    def geometry_geojson(self) -> dict[str, Any]:
        """The WGS 84 geometry as GeoJSON, outer rings counterclockwise as RFC 7946 asks."""
        return cast("dict[str, Any]", json.loads(shapely.to_geojson(_oriented(self.geometry))))

    @cached_property
    def area_m2(self) -> float:
        """Area on the ellipsoid, without the holes [m2]."""
        area_m2, _ = GEOD.geometry_area_perimeter(_oriented(self.geometry))
        return abs(float(area_m2))

    @property
    def bounds_lonlat(self) -> tuple[float, float, float, float]:
        """West, south, east, north [deg]."""
        west, south, east, north = self.geometry.bounds
        return west, south, east, north

    @cached_property
    def in_plane(self) -> BoundaryInPlane:
        """The boundary in a plane around its middle, kept with it."""
        west, south, east, north = self.bounds_lonlat
        plane = LocalPlane(lon=(west + east) / 2, lat=(south + north) / 2)
        area = plane.geometry_to_plane(self.geometry)
        line = shapely.boundary(area)
        shapely.prepare(area)
        return BoundaryInPlane(plane=plane, area=area, line=line)


def parse_boundary(feature: object, *, near: Position | None = None, default_crs: str = "wgs84") -> Boundary:
    """Read a site's boundary.

    Args:
        feature: a GeoJSON Feature, or a bare geometry, with a Polygon or MultiPolygon; `properties.crs` names its
            frame; heights are dropped.
        near: where the project is, if known; catches a wrong frame, zone or order of axes.
        default_crs: the frame where the Feature is silent.

    Raises:
        NotABoundary: another type, or no GeoJSON.
        EmptyBoundary: no ring, or less than 1 m2.
        OpenRing: a ring of fewer than 4 positions, or one that does not close.
        SelfCrossingBoundary: crossing rings, overlapping parts, holes outside; says where, in WGS 84.
        TooManyVertices: more than `MAX_VERTICES`.
        BoundaryTooLarge: more than `MAX_AREA_M2`, or `MAX_EXTENT_M` across.
        FarFromProject: a part of it is more than 100 km from `near`.
        SwappedAxes: lat before lon, or northing before easting.
        InvalidPosition: positions that are no place.
        UnknownFrame: no frame that we know.
    """
    opened = open_feature(
        feature,
        geometry_types=("Polygon", "MultiPolygon"),
        default_crs=default_crs,
        wrong=NotABoundary,
        empty=EmptyBoundary,
    )
    polygons = _read_polygons(opened)
    rings = [ring for polygon in polygons for ring in polygon]
    converted = convert(np.concatenate(rings), frame=opened.frame, near=near, what="boundary")
    back = iter(np.split(converted, np.cumsum([len(ring) for ring in rings])[:-1]))
    parts = [[next(back) for _ in polygon] for polygon in polygons]
    for shell, *_ in parts:
        _check_not_flat(shell)
    made = [Polygon(shell, holes) for shell, *holes in parts]
    geometry = made[0] if opened.geometry_type == "Polygon" else MultiPolygon(made)
    _check_size(geometry)
    _check_simple(geometry)
    boundary = Boundary(geometry=geometry, crs=opened.frame.name, given=cast("dict[str, Any]", feature))
    _check_area(boundary)
    check_near(geometry, near=near, what="boundary")
    return boundary


def place(position: Position, *, boundary: Boundary) -> Placement:
    """Judge on which side of a boundary a fix lies.

    The distance is geodesic, to the nearest point of the boundary line, holes included. With the accuracy a of the fix
    (`ASSUMED_ACCURACY_M` where it has none that is positive and finite) it is inside at a or more inside the line,
    outside beyond `OUTSIDE_ACCURACIES` times a, and between them nobody can tell.

    Raises:
        InvalidPosition: the position is not finite, or beyond 180 or 90 degrees.
    """
    if not (abs(position.lon) <= 180 and abs(position.lat) <= 90):  # noqa: PLR2004
        raise InvalidPosition("the position is no place on earth")
    local = boundary.in_plane
    ((x, y),) = local.plane.to_plane(np.array([[position.lon, position.lat]]))
    nearest = shapely.get_coordinates(shapely.shortest_line(local.line, shapely.Point(x, y)))[:1]
    ((lon, lat),) = local.plane.to_lonlat(nearest)
    distance_m = geodesic_m(lon_a=position.lon, lat_a=position.lat, lon_b=float(lon), lat_b=float(lat))
    if shapely.contains_xy(local.area, x, y):
        distance_m = -distance_m
    accuracy_m = believed_accuracy_m(position)
    if distance_m <= -accuracy_m:
        side = Side.INSIDE
    elif distance_m > OUTSIDE_ACCURACIES * accuracy_m:
        side = Side.OUTSIDE
    else:
        side = Side.CANNOT_TELL
    return Placement(side=side, distance_m=distance_m, accuracy_m=accuracy_m)


def _read_polygons(opened: OpenFeature) -> list[list[Points]]:
    """Polygons, each a list of rings, each (N, 2) in the given frame [deg or m]."""
    is_single = opened.geometry_type == "Polygon"
    raw = [opened.coordinates] if is_single else read_list(opened.coordinates, what="coordinates", wrong=NotABoundary)
    if not raw:
        raise EmptyBoundary("the boundary has no polygon")
    count = 0
    polygons = []
    for number, raw_polygon in enumerate(raw, start=1):
        rings = []
        what = "the polygon" if is_single else f"polygon {number}"
        raw_rings = read_list(raw_polygon, what=what, wrong=NotABoundary)
        if not raw_rings:
            raise EmptyBoundary(f"{what} has no ring")
        for ring_number, raw_ring in enumerate(raw_rings, start=1):
            name = f"ring {ring_number} of {what}"
            positions = read_list(raw_ring, what=name, wrong=NotABoundary)
            count += len(positions)
            if count > MAX_VERTICES:
                raise TooManyVertices(f"the boundary has more than {MAX_VERTICES} vertices: simplify it")
            rings.append(_read_ring(positions, name))
        polygons.append(rings)
    return polygons


def _read_ring(positions: Sequence[object], name: str) -> Points:
    if not positions:
        raise EmptyBoundary(f"{name} has no positions")
    ring = read_points(positions, what=name)
    if len(ring) < _MIN_RING:
        raise OpenRing(f"{name} has {len(ring)} positions: four at least make an area, the last like the first")
    if not np.array_equal(ring[0], ring[-1]):
        raise OpenRing(f"{name} does not end where it began")
    return ring


def _check_not_flat(shell: Points) -> None:
    """Refuse what encloses nothing even when uncrossed; a bow tie, whose signed area is 0 too, is told elsewhere."""
    hull = shapely.convex_hull(shapely.MultiPoint(shell))
    scale_m2 = _METRES_PER_DEGREE**2 * math.cos(math.radians(float(shell[:, 1].mean())))
    if shapely.area(hull) * scale_m2 < MIN_AREA_M2:
        lon, lat = shell[0]
        raise EmptyBoundary(f"the boundary encloses no area at lon {lon:.6f}, lat {lat:.6f}", lon=lon, lat=lat)


def _check_size(geometry: BaseGeometry) -> None:
    across_m = extent_m(geometry)
    if across_m > MAX_EXTENT_M:
        raise BoundaryTooLarge(
            f"the boundary is {across_m / 1000:.0f} km across, more than {MAX_EXTENT_M / 1000:.0f}: "
            "is a position or the frame wrong?",
            extent_km=round(across_m / 1000),
        )


def _check_simple(geometry: BaseGeometry) -> None:
    explained = shapely.is_valid_reason(geometry)
    if explained == "Valid Geometry":
        return
    match = _WHERE_INVALID.fullmatch(explained)
    if match is None:
        raise SelfCrossingBoundary(f"the boundary is not a simple area: {explained.lower()}")
    lon, lat = float(match["lon"]), float(match["lat"])
    reason = "crosses itself" if match["reason"] == "Self-intersection" else f"is broken ({match['reason'].lower()})"
    raise SelfCrossingBoundary(f"the boundary {reason} at lon {lon:.6f}, lat {lat:.6f}", lon=lon, lat=lat)


def _check_area(boundary: Boundary) -> None:
    if boundary.area_m2 < MIN_AREA_M2:
        raise EmptyBoundary(f"the boundary holds {boundary.area_m2:.2f} m2, less than {MIN_AREA_M2:.0f}")
    if boundary.area_m2 > MAX_AREA_M2:
        raise BoundaryTooLarge(
            f"the boundary holds {boundary.area_m2 / 1e6:.0f} km2, more than a whole county's {MAX_AREA_M2 / 1e6:.0f}",
            area_km2=round(boundary.area_m2 / 1e6),
        )


def _oriented(geometry: BaseGeometry) -> BaseGeometry:
    return shapely.orient_polygons(geometry)
