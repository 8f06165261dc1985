"""Design drawings: from a file and the choice of its layers to boundary, alignment, width and structures.

The readers of single formats are in `drawing_dxf`, `drawing_geojson` and `drawing_kml`; what makes a boundary or an
alignment good is said in `boundary` and `alignment`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Final

import shapely
from shapely.geometry import Polygon

from domain.errors import Invalid
from domain.place import Position
from geofence.alignment import Alignment, parse_alignment
from geofence.boundary import Boundary, parse_boundary
from geofence.drawing_geojson import read_geojson
from geofence.drawing_joining import Chain, join_lines
from geofence.drawing_kml import read_kml
from geofence.drawing_shape import (
    METRES_IN,
    DrawingFormat,
    ReadFile,
    Shape,
    ShapeKind,
    UnclearUnit,
    UnreadableDrawing,
    fold,
    is_dxf,
)
from geofence.drawing_structure import Structure, find_structures
from geofence.drawing_width import Width, measure_width
from geofence.frame import Frame, Points, parse_crs

# What draughtsmen leave open between two lines that they mean to meet. [m], [deg]
JOIN_M: Final = 0.05
JOIN_DEG: Final = 5e-7
MAX_RINGS: Final = 200
MIN_WIDTH_M: Final = 0.1
MAX_WIDTH_M: Final = 500.0
_SHOWN_LAYERS: Final = 200


class Part(StrEnum):
    """What of a drawing a layer is chosen for; also the layer's name where nobody chooses one."""

    BOUNDARY = "boundary"
    ALIGNMENT = "alignment"
    EDGES = "edges"
    STRUCTURES = "structures"


class UnknownLayer(Invalid):
    """A layer that the drawing does not have; the layers that it has are in `layers`."""

    code: ClassVar[str] = "drawing.unknown_layer"


class NoLayerChosen(Invalid):
    """Neither a boundary's nor an alignment's layer was named, and none has the default's name."""

    code: ClassVar[str] = "drawing.no_layer_chosen"


class EmptyLayer(Invalid):
    """A chosen layer holds nothing that is read as what it was chosen for."""

    code: ClassVar[str] = "drawing.empty_layer"


class OpenBoundary(Invalid):
    """The lines of the boundary's layer do not close."""

    code: ClassVar[str] = "drawing.open_boundary"


class SeveralAlignments(Invalid):
    """The alignment's layer holds several lines that do not meet."""

    code: ClassVar[str] = "drawing.several_alignments"


class FrameMissing(Invalid):
    """A DXF came without its coordinate frame, or with one that is not in metres."""

    code: ClassVar[str] = "drawing.frame_missing"


class InvalidWidth(Invalid):
    """A width that no road, canal or pipe has."""

    code: ClassVar[str] = "drawing.invalid_width"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the sender says of a drawing.

    Attributes:
        crs: the frame; None: what the file says, else WGS 84; a DXF needs it.
        unit: of a DXF, one of `METRES_IN`; None: what its header says.
        layers: by part, the layers that hold it.
        width_m: of the road or canal as designed. [m]
        start_chainage_m: of the alignment's first point. [m]
        is_reversed: chainage rises against the drawn direction.
    """

    crs: str | None = None
    unit: str | None = None
    layers: Mapping[Part, tuple[str, ...]] = field(default_factory=dict)
    width_m: float | None = None
    start_chainage_m: float = 0.0
    is_reversed: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing that was read and believed.

    Attributes:
        crs: the frame that it was in.
        unit: of a DXF; None for the others.
        layers: how many entities are on each.
        unread: by type, how many entities on chosen layers are none that is read.
        warnings: stable codes of what could not be checked or found.
    """

    format: DrawingFormat
    crs: str
    unit: str | None
    layers: Mapping[str, int]
    chosen: Mapping[Part, tuple[str, ...]]
    unread: Mapping[str, int]
    boundary: Boundary | None
    alignment: Alignment | None
    width: Width | None
    structures: tuple[Structure, ...]
    warnings: tuple[str, ...]


def parse_drawing(data: bytes, *, choice: Choice, near: Position | None) -> Drawing:
    """Read a drawing.

    Args:
        data: the whole file: a DXF, ASCII or binary, GeoJSON or KML.
        choice: what the sender says of it.
        near: where the project is, if known; a wrong frame, zone, unit or order of axes is then caught.

    Raises:
        Invalid: of the codes `drawing.*`, for the file and its layers, and `geofence.*`, for what it draws.
    """
    _require_sensible(choice)
    file = _read(data, choice)
    chosen = _choose(file, choice)
    frame = _find_frame(file, choice)
    shapes = {part: _pick(file, names) for part, names in chosen.items()}
    boundary = alignment = None
    if Part.BOUNDARY in chosen:
        feature = _make_boundary(shapes[Part.BOUNDARY], frame, file, chosen)
        boundary = parse_boundary(feature, near=near)
    if Part.ALIGNMENT in chosen:
        feature = _make_alignment(shapes[Part.ALIGNMENT], frame, file, chosen, choice)
        alignment = parse_alignment(feature, near=near)
    edges = [each.points for each in shapes.get(Part.EDGES, ()) if each.kind is not ShapeKind.POINT]
    width = None if alignment is None else measure_width(alignment, edges, frame=frame, given_m=choice.width_m)
    structures = find_structures(shapes.get(Part.STRUCTURES, ()), frame=frame, alignment=alignment, near=near)
    return Drawing(
        format=file.format,
        crs=frame.name,
        unit=file.unit,
        layers=file.layers,
        chosen=chosen,
        unread=file.unread,
        boundary=boundary,
        alignment=alignment,
        width=width,
        structures=structures,
        warnings=_list_warnings(boundary, alignment, width, near=near, has_edges=bool(edges)),
    )


def _require_sensible(choice: Choice) -> None:
    if choice.unit is not None and choice.unit not in METRES_IN:
        raise UnclearUnit(f"{choice.unit[:20]!r} is no unit: give one of {', '.join(METRES_IN)}", units=list(METRES_IN))
    if choice.width_m is not None and not MIN_WIDTH_M <= choice.width_m <= MAX_WIDTH_M:
        raise InvalidWidth(f"a width is {MIN_WIDTH_M} to {MAX_WIDTH_M:.0f} m")


def _read(data: bytes, choice: Choice) -> ReadFile:
    """Read by what the bytes are, whatever the file is called."""
    if is_dxf(data):
        from geofence.drawing_dxf import read_dxf  # noqa: PLC0415 - see there

        named = [name for names in choice.layers.values() for name in names] or [part.value for part in Part]
        return read_dxf(data, wanted={fold(name) for name in named}, unit=choice.unit)
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"{"):
        return read_geojson(data)
    if head.startswith(b"<"):
        return read_kml(data)
    hint = " (a DWG: save it as DXF)" if head.startswith(b"AC10") else ""
    raise UnreadableDrawing(f"the file is no DXF, GeoJSON or KML{hint}")


def _choose(file: ReadFile, choice: Choice) -> dict[Part, tuple[str, ...]]:
    """The layers of each part; where nobody chose any, those that are called like the parts."""
    known = {fold(name): name for name in file.layers}
    shown = sorted(file.layers)[:_SHOWN_LAYERS]
    chosen = {part: names for part, names in choice.layers.items() if names}
    if not chosen:
        chosen = {part: (known[part.value],) for part in Part if part.value in known}
    for names in chosen.values():
        for name in names:
            if fold(name) not in known:
                raise UnknownLayer(
                    f"the drawing has no layer {name[:60]!r}; it has {', '.join(shown[:30])}", layer=name, layers=shown
                )
    if not {Part.BOUNDARY, Part.ALIGNMENT} & chosen.keys():
        raise NoLayerChosen(
            f"name the layer of the boundary or of the alignment; there are {', '.join(shown[:30])}", layers=shown
        )
    return chosen


def _find_frame(file: ReadFile, choice: Choice) -> Frame:
    if file.format is not DrawingFormat.DXF:
        return parse_crs(choice.crs or file.crs or "wgs84")
    if choice.crs is None:
        raise FrameMissing("a DXF does not say its coordinate frame: give `crs`, such as EPSG:4549")
    frame = parse_crs(choice.crs)
    if not frame.is_projected:
        raise FrameMissing(f"a DXF is drawn in metres: {frame.name} is not, give the projected zone, such as EPSG:4549")
    return frame


def _pick(file: ReadFile, names: Sequence[str]) -> tuple[Shape, ...]:
    wanted = {fold(name) for name in names}
    return tuple(shape for shape in file.shapes if wanted & {fold(layer) for layer in shape.layers})


def _join(shapes: Sequence[Shape], frame: Frame, file: ReadFile, names: Sequence[str]) -> list[Chain]:
    lines = [each.points for each in shapes if len(each.points) > 1]
    if not lines:
        others = ", ".join(f"{number} {type_}" for type_, number in file.unread.items()) or "nothing that is read"
        raise EmptyLayer(f"there is no line on {', '.join(names)}: there is {others}", unread=dict(file.unread))
    return join_lines(lines, tolerance=JOIN_M if frame.is_projected else JOIN_DEG)


def _make_boundary(
    shapes: Sequence[Shape], frame: Frame, file: ReadFile, chosen: Mapping[Part, tuple[str, ...]]
) -> dict[str, Any]:
    chains = _join(shapes, frame, file, chosen[Part.BOUNDARY])
    for chain in chains:
        if not chain.is_ring:
            (x, y), (end_x, end_y) = chain.points[0], chain.points[-1]
            raise OpenBoundary(
                f"the boundary does not close: a line begins at {x:.3f}, {y:.3f} and ends at {end_x:.3f}, {end_y:.3f}",
                begins=[x, y],
                ends=[end_x, end_y],
            )
    if len(chains) > MAX_RINGS:
        raise OpenBoundary(f"the boundary's layer has {len(chains)} rings, more than {MAX_RINGS}: is it the right one?")
    polygons = _nest([chain.points for chain in chains])
    coordinates = [[_round(ring, frame) for ring in polygon] for polygon in polygons]
    geometry: dict[str, Any] = {"type": "MultiPolygon", "coordinates": coordinates}
    if len(coordinates) == 1:
        geometry = {"type": "Polygon", "coordinates": coordinates[0]}
    return {"type": "Feature", "properties": {"crs": frame.name}, "geometry": geometry}


def _nest(rings: Sequence[Points]) -> list[list[Points]]:
    """Polygons of an outer ring and its holes, by how many rings each lies in; crossing ones are told later."""
    areas = [Polygon(ring) for ring in rings]
    if len(rings) == 1 or not all(shapely.is_valid(each) for each in areas):
        return [[ring] for ring in rings]
    inside = [[j for j, outer in enumerate(areas) if j != i and outer.contains(each)] for i, each in enumerate(areas)]
    polygons = {i: [rings[i]] for i, outer in enumerate(inside) if len(outer) % 2 == 0}
    for i, outer in enumerate(inside):
        if len(outer) % 2 == 1:
            polygons[min(outer, key=lambda j: areas[j].area)].append(rings[i])
    return list(polygons.values())


def _make_alignment(
    shapes: Sequence[Shape],
    frame: Frame,
    file: ReadFile,
    chosen: Mapping[Part, tuple[str, ...]],
    choice: Choice,
) -> dict[str, Any]:
    chains = _join(shapes, frame, file, chosen[Part.ALIGNMENT])
    if len(chains) > 1:
        begins = [[float(value) for value in chain.points[0]] for chain in chains[:20]]
        raise SeveralAlignments(
            f"the alignment's layer has {len(chains)} lines that do not meet: keep one",
            lines=len(chains),
            begins=begins,
        )
    points = chains[0].points[::-1] if choice.is_reversed else chains[0].points
    return {
        "type": "Feature",
        "properties": {"crs": frame.name, "start_chainage_m": choice.start_chainage_m},
        "geometry": {"type": "LineString", "coordinates": _round(points, frame)},
    }


def _round(points: Points, frame: Frame) -> list[list[float]]:
    """Positions as they are kept: to a tenth of a millimetre."""
    decimals = 4 if frame.is_projected else 9
    return [[round(float(x), decimals), round(float(y), decimals)] for x, y in points]


def _list_warnings(
    boundary: Boundary | None,
    alignment: Alignment | None,
    width: Width | None,
    *,
    near: Position | None,
    has_edges: bool,
) -> tuple[str, ...]:
    warnings = []
    if near is None or near.is_null_island:
        # Without it the same figures in the zone beside would pass.
        warnings.append("drawing.zone_unchecked")
    if has_edges and (width is None or width.sections == 0):
        warnings.append("drawing.width_not_measured")
    if boundary is not None and alignment is not None and not boundary.geometry.intersects(alignment.geometry):
        warnings.append("drawing.alignment_outside_boundary")
    return tuple(warnings)
