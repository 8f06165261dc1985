"""Alignments and chainage (stations along a road or canal): reading them, and going between chainage and place."""

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any, ClassVar, Final, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString

from domain.errors import Invalid
from domain.place import Position
from geofence.feature import (
    MAX_EXTENT_M,
    MAX_VERTICES,
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

# China's longest road, G219, has 10,065 km. [m]
MAX_CHAINAGE_M: Final = 20_000_000.0
# Shorter than this is a click, not a road. [m]
MIN_LENGTH_M: Final = 1.0
# How far beyond an end is still the end: what sums of floats lose. [m]
_END_TOLERANCE_M: Final = 1e-3
# Sign, kilometres, metres of at most three digits; K-0+050, which some write, has the sign inside.
_CHAINAGE: Final = re.compile(r"(-?)K(-?)([0-9]{1,6})\+([0-9]{1,3}(?:\.[0-9]{1,6})?)", re.IGNORECASE)
_MAX_DECIMALS: Final = 3
_MIN_POSITIONS: Final = 2


class NotAnAlignment(Invalid):
    """Something else than a Feature with a line string."""

    code: ClassVar[str] = "geofence.not_an_alignment"


class EmptyAlignment(Invalid):
    """A line without length."""

    code: ClassVar[str] = "geofence.empty_alignment"


class AlignmentTooLong(Invalid):
    """A line beyond any single site."""

    code: ClassVar[str] = "geofence.alignment_too_long"


class InvalidChainage(Invalid):
    """A chainage that is no finite number, cannot be read, or is not on the line."""

    code: ClassVar[str] = "geofence.invalid_chainage"


@dataclass(frozen=True, slots=True)
class ChainagePoint:
    """Where a position lies along an alignment.

    Attributes:
        chainage_m: of the nearest point of the line. [m]
        offset_m: distance from the line: negative on the left, positive on the right, looking along rising chainage;
            before the start or after the end it is the distance from that end. [m]
        uncertainty_m: radius around the position that holds the true place with 68 %; along the line alone the true
            chainage is within it more often. [m]
    """

    chainage_m: float
    offset_m: float
    uncertainty_m: float


@dataclass(frozen=True, slots=True)
class AlignmentInPlane:
    """An alignment in a plane around it, with long edges divided.

    Attributes:
        plane: the projection.
        points_m: (N, 2) x, y. [m]
        points_lonlat: (N, 2). [deg]
        along_m: (N,) geodesic length from the start. [m]
    """

    plane: LocalPlane
    points_m: Points
    points_lonlat: Points
    along_m: NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """The centre line of a road or canal, in WGS 84; its edges are straight in lon and lat (RFC 7946).

    Lengths are on the ellipsoid; on ground at height h they are longer by h / 6,371 km (0.16 m per km at 1,000 m).

    Attributes:
        geometry: it may cross itself. [deg]
        crs: the frame that it was given in.
        given: the Feature or geometry as it was given, untouched.
        start_chainage_m: of its first point; it rises along the line. [m]
    """

    geometry: LineString
    crs: str
    given: dict[str, Any]
    start_chainage_m: float = 0.0

    def geometry_geojson(self) -> dict[str, Any]:
        """The WGS 84 line as GeoJSON."""
        return cast("dict[str, Any]", json.loads(shapely.to_geojson(self.geometry)))

    @property
    def length_m(self) -> float:
        """Geodesic length [m]."""
        return float(self.in_plane.along_m[-1])

    @property
    def end_chainage_m(self) -> float:
        """Chainage of its last point [m]."""
        return self.start_chainage_m + self.length_m

    @cached_property
    def in_plane(self) -> AlignmentInPlane:
        """The line in a plane around its middle, kept with it."""
        west, south, east, north = self.geometry.bounds
        plane = LocalPlane(lon=(west + east) / 2, lat=(south + north) / 2)
        points_m = shapely.get_coordinates(plane.geometry_to_plane(self.geometry))
        # Equal neighbours would be edges without direction.
        is_new = np.append([True], np.any(np.diff(points_m, axis=0) != 0, axis=1))
        points_m = points_m[is_new]
        points_lonlat = plane.to_lonlat(points_m)
        lengths_m = GEOD.line_lengths(points_lonlat[:, 0], points_lonlat[:, 1])
        along_m = np.append([0.0], np.cumsum(lengths_m))
        return AlignmentInPlane(plane=plane, points_m=points_m, points_lonlat=points_lonlat, along_m=along_m)

    def project(self, position: Position) -> ChainagePoint:
        """Find the nearest point of the line; where several are as near, the one of the lowest chainage.

        Raises:
            InvalidPosition: the position is not finite, or beyond 180 or 90 degrees.
        """
        if not (abs(position.lon) <= 180 and abs(position.lat) <= 90):  # noqa: PLR2004
            raise InvalidPosition("the position is no place on earth")
        local = self.in_plane
        (point,) = local.plane.to_plane(np.array([[position.lon, position.lat]]))
        starts, edges = local.points_m[:-1], np.diff(local.points_m, axis=0)
        shares = np.clip(((point - starts) * edges).sum(axis=1) / (edges**2).sum(axis=1), 0, 1)
        nearest = starts + shares[:, np.newaxis] * edges
        index = int(np.argmin(((point - nearest) ** 2).sum(axis=1)))
        ((lon, lat),) = local.plane.to_lonlat(nearest[index : index + 1])
        distance_m = geodesic_m(lon_a=position.lon, lat_a=position.lat, lon_b=float(lon), lat_b=float(lat))
        share = float(shares[index])
        direction = _direction_at(edges, index, share)
        away = point - nearest[index]
        is_left = direction[0] * away[1] - direction[1] * away[0] > 0
        along_m = local.along_m[index] + share * (local.along_m[index + 1] - local.along_m[index])
        return ChainagePoint(
            chainage_m=self.start_chainage_m + float(along_m),
            offset_m=-distance_m if is_left else distance_m,
            uncertainty_m=believed_accuracy_m(position),
        )

    def point_at(self, chainage_m: float) -> tuple[float, float]:
        """The place of a chainage on the line: lon, lat [deg].

        Raises:
            InvalidChainage: not finite, before the start or after the end.
        """
        if not math.isfinite(chainage_m):
            raise InvalidChainage("the chainage is not a finite number")
        along_m = chainage_m - self.start_chainage_m
        if not -_END_TOLERANCE_M <= along_m <= self.length_m + _END_TOLERANCE_M:
            start, end = (format_chainage(value, decimals=1) for value in (self.start_chainage_m, self.end_chainage_m))
            raise InvalidChainage(f"{chainage_m:.1f} m is not on the alignment, which goes from {start} to {end}")
        local = self.in_plane
        x, y = (np.interp(along_m, local.along_m, local.points_m[:, axis]) for axis in (0, 1))
        ((lon, lat),) = local.plane.to_lonlat(np.array([[x, y]]))
        return float(lon), float(lat)


def parse_alignment(feature: object, *, near: Position | None = None, default_crs: str = "wgs84") -> Alignment:
    """Read an alignment.

    Args:
        feature: a GeoJSON Feature, or a bare geometry, with a LineString; `properties.crs` names its frame,
            `properties.start_chainage_m` the chainage of its first point (0 where silent); heights are dropped.
        near: where the project is, if known; catches a wrong frame, zone or order of axes.
        default_crs: the frame where the Feature is silent.

    Raises:
        NotAnAlignment: another type, or no GeoJSON.
        EmptyAlignment: fewer than two positions, or less than 1 m long.
        AlignmentTooLong: more than `MAX_EXTENT_M` across, or `MAX_CHAINAGE_M` long.
        InvalidChainage: `start_chainage_m` is no finite number, or beyond `MAX_CHAINAGE_M`.
        TooManyVertices: more than `MAX_VERTICES`.
        FarFromProject: it is more than 100 km from `near`.
        SwappedAxes: lat before lon, or northing before easting.
        InvalidPosition: positions that are no place.
        UnknownFrame: no frame that we know.
    """
    opened = open_feature(
        feature,
        geometry_types=("LineString",),
        default_crs=default_crs,
        wrong=NotAnAlignment,
        empty=EmptyAlignment,
    )
    start_chainage_m = _read_start_chainage_m(opened.properties)
    positions = read_list(opened.coordinates, what="coordinates", wrong=NotAnAlignment)
    if len(positions) > MAX_VERTICES:
        raise TooManyVertices(f"the alignment has more than {MAX_VERTICES} vertices: simplify it")
    points = read_points(positions, what="the line")
    if len(points) < _MIN_POSITIONS:
        raise EmptyAlignment("the line has fewer than two positions")
    geometry = LineString(convert(points, frame=opened.frame, near=near, what="alignment"))
    across_m = extent_m(geometry)
    if across_m > MAX_EXTENT_M:
        raise AlignmentTooLong(
            f"the alignment is {across_m / 1000:.0f} km across, more than {MAX_EXTENT_M / 1000:.0f}: "
            "is a position or the frame wrong?",
            extent_km=round(across_m / 1000),
        )
    given = cast("dict[str, Any]", feature)
    alignment = Alignment(geometry=geometry, crs=opened.frame.name, given=given, start_chainage_m=start_chainage_m)
    # The bounds bound the length only of a line that does not go to and fro.
    if across_m < MIN_LENGTH_M:
        raise EmptyAlignment(f"the line is less than {MIN_LENGTH_M:.0f} m long")
    if alignment.length_m > MAX_CHAINAGE_M:
        raise AlignmentTooLong(f"the alignment is {alignment.length_m / 1000:.0f} km long")
    check_near(geometry, near=near, what="alignment")
    return alignment


def format_chainage(chainage_m: float, *, decimals: int = 0) -> str:
    """Write a chainage as engineers do: 150 as `K0+150`, 999.6 as `K1+000`, -50 as `-K0+050`.

    Args:
        chainage_m: rounded half up. [m]
        decimals: of the metres, 0 to 3.

    Raises:
        InvalidChainage: not finite, or beyond twice `MAX_CHAINAGE_M`.
    """
    if not 0 <= decimals <= _MAX_DECIMALS:
        message = f"decimals is 0 to {_MAX_DECIMALS}, not {decimals}"
        raise ValueError(message)
    # Twice, because a line that starts late ends later.
    if not math.isfinite(chainage_m) or abs(chainage_m) > 2 * MAX_CHAINAGE_M:
        raise InvalidChainage("the chainage is not a finite number of metres that a road can have")
    rounded = Decimal(str(chainage_m)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    kilometres, metres = divmod(abs(rounded), 1000)
    width = 3 if decimals == 0 else 4 + decimals
    return f"{'-' if rounded < 0 else ''}K{kilometres:.0f}+{metres:0{width}.{decimals}f}"


def parse_chainage(text: str) -> float:
    """Read `K1+234.5` as 1234.5; small k, full-width characters and a sign before or after the K are accepted [m].

    Raises:
        InvalidChainage: it is not written so, or beyond `MAX_CHAINAGE_M`.
    """
    match = _CHAINAGE.fullmatch(unicodedata.normalize("NFKC", text[:64]).strip())
    if match is None or (match[1] and match[2]):
        raise InvalidChainage(f"{text[:40]!r} is no chainage: write it like K1+234.5")
    # Decimal, because 1000 + 0.1 in floats need not be the float that is written 1000.1.
    chainage_m = float(int(match[3]) * 1000 + Decimal(match[4]))
    if chainage_m > MAX_CHAINAGE_M:
        raise InvalidChainage(f"{text[:40]!r} is longer than any road")
    return -chainage_m if match[1] or match[2] else chainage_m


def _read_start_chainage_m(properties: Mapping[str, Any]) -> float:
    value = properties.get("start_chainage_m")
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidChainage("start_chainage_m is not a number")
    # Compared before it is made a float, because an integer of JSON may be too large for one.
    if not -MAX_CHAINAGE_M <= value <= MAX_CHAINAGE_M:
        raise InvalidChainage("start_chainage_m is not a finite number of metres that a road can have")
    return float(value)


def _direction_at(edges: Points, index: int, share: float) -> NDArray[np.float64]:
    """Direction of the line at a share of an edge; at a vertex the mean of both edges, which halves a bend.

    With one edge alone, a point outside of a sharp bend could be put on the wrong side.
    """
    direction = edges[index] / np.hypot(*edges[index])
    other = index + 1 if share == 1 else index - 1
    if share in {0, 1} and 0 <= other < len(edges):
        direction = direction + edges[other] / np.hypot(*edges[other])
    return np.asarray(direction, dtype=np.float64)
