"""Structures on a drawing (culverts, bridges, retaining walls): where each is, and at which chainage."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

import numpy as np

from domain.errors import Invalid
from domain.place import Position
from geofence.alignment import Alignment, ChainagePoint
from geofence.drawing_shape import Shape, ShapeKind
from geofence.feature import convert
from geofence.frame import Frame, Points

MAX_STRUCTURES: Final = 1_000
# Of one structure are projected onto the alignment, evenly taken. [1]
_MAX_PROJECTED: Final = 40


class TooManyStructures(Invalid):
    """More than a small work has: probably the wrong layer."""

    code: ClassVar[str] = "drawing.too_many_structures"


@dataclass(frozen=True, slots=True)
class Structure:
    """One structure.

    Attributes:
        layer: that it is drawn on.
        name: of its block, Feature or placemark.
        geometry: GeoJSON in WGS 84.
        chainage_m: from, to; None without an alignment. [m]
        offset_m: of its nearest point, negative on the left. [m]
    """

    layer: str
    name: str | None
    geometry: dict[str, Any]
    chainage_m: tuple[float, float] | None
    offset_m: float | None


def find_structures(
    shapes: Sequence[Shape], *, frame: Frame, alignment: Alignment | None, near: Position | None
) -> tuple[Structure, ...]:
    """The structures of a layer; a block is one at its insertion point, whatever it is drawn of.

    Raises:
        TooManyStructures: more than `MAX_STRUCTURES`.
        SwappedAxes: northing before easting.
        InvalidPosition: a point that is no place in the frame.
    """
    whole = [shape for shape in shapes if not shape.is_part]
    if len(whole) > MAX_STRUCTURES:
        raise TooManyStructures(f"the layer has {len(whole)} structures, more than {MAX_STRUCTURES}")
    return tuple(_make_structure(shape, frame, alignment, near) for shape in whole)


def _make_structure(shape: Shape, frame: Frame, alignment: Alignment | None, near: Position | None) -> Structure:
    points = convert(shape.points, frame=frame, near=near, what="structure")
    chainage_m, offset_m = None, None
    if alignment is not None:
        step = max(1, len(points) // _MAX_PROJECTED)
        found = [_project(alignment, point) for point in (*points[::step], points[-1])]
        chainages = [each.chainage_m for each in found]
        chainage_m = min(chainages), max(chainages)
        offset_m = min((each.offset_m for each in found), key=abs)
    return Structure(shape.layers[0], shape.name, _to_geojson(shape.kind, points), chainage_m, offset_m)


def _project(alignment: Alignment, point: Points) -> ChainagePoint:
    return alignment.project(Position(float(point[0]), float(point[1])))


def _to_geojson(kind: ShapeKind, points: Points) -> dict[str, Any]:
    positions = cast("list[list[float]]", np.round(points, 9).tolist())
    match kind:
        case ShapeKind.POINT:
            return {"type": "Point", "coordinates": positions[0]}
        case ShapeKind.LINE:
            return {"type": "LineString", "coordinates": positions}
        case ShapeKind.RING:
            return {"type": "Polygon", "coordinates": [positions]}
