"""DXF files as shapes, through ezdxf: ASCII or binary, any version, with blocks taken apart.

What is not on a wanted layer is dropped before ezdxf makes entities of it, so that a topographic base map under the
road costs a second and not a minute. Curves become polylines that leave them by `TOLERANCE_M` at most.

Loaded when the first DXF comes, because ezdxf takes a second to load and looks through the machine's fonts.
"""

import io
import logging
import struct
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import numpy as np
from ezdxf import path as dxf_path
from ezdxf.document import Drawing as Document
from ezdxf.entities.dxfentity import DXFEntity
from ezdxf.entities.insert import Insert
from ezdxf.entities.lwpolyline import LWPolyline
from ezdxf.entities.polyline import Polyline
from ezdxf.entities.spline import Spline
from ezdxf.lldxf.const import DXFError
from ezdxf.lldxf.tagger import ascii_tags_loader, binary_tags_loader
from ezdxf.lldxf.types import DXFTag
from ezdxf.lldxf.validator import dxf_info
from ezdxf.math import Matrix44, Vec3

from geofence.drawing_shape import (
    BINARY_DXF,
    MAX_POINTS,
    METRES_IN,
    DrawingFormat,
    DrawingTooLarge,
    EmptyDrawing,
    ReadFile,
    Shape,
    ShapeKind,
    UnclearUnit,
    UnreadableDrawing,
    fold,
)
from geofence.feature import MAX_EXTENT_M, MAX_VERTICES
from geofence.frame import Points

# A malformed file would write a line of it for each of its entities.
logging.getLogger("ezdxf").setLevel(logging.CRITICAL)

# Far below what a phone's fix or a tape can tell. [m]
TOLERANCE_M: Final = 0.01
# Of the whole file: at some 2 us each they are gone through in seconds; 100,000 lines are 1.4 million. [1]
MAX_TAGS: Final = 4_000_000
# On the wanted layers, block references included, and again in the blocks' definitions. [1]
MAX_ENTITIES: Final = 20_000
# Entities met while blocks are taken apart; a block of blocks can hold any number in a few lines. [1]
MAX_VISITS: Final = 50_000
MAX_DEPTH: Final = 16
# Interpolating a spline through points costs the cube of their number. [1]
MAX_FIT_POINTS: Final = 500
MAX_CONTROL_POINTS: Final = 5_000

# $INSUNITS as AutoCAD's DXF reference numbers it. Inches and feet are left out on purpose: they are what a template
# that nobody set says, and a road drawn in them is rare here, so whoever means them says so.
_UNIT_OF_INSUNITS: Final = {4: "mm", 5: "cm", 6: "m", 7: "km", 14: "dm"}
_NAME_OF_INSUNITS: Final = {0: "no unit", 1: "inches", 2: "feet", 3: "miles", 10: "yards", 21: "US survey feet"}
_LAYER: Final = 8
_FIRST_IN_UTF8: Final = "AC1021"  # AutoCAD 2007
# They belong to the entity before them.
_FOLLOWERS: Final = frozenset({"VERTEX", "ATTRIB", "SEQEND"})
# ezdxf raises whatever its parsers and curves stumble over in a malformed file.
_BROKEN: Final = (
    DXFError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
_COUNTED_SECTIONS: Final = frozenset({"ENTITIES", "BLOCKS"})


@dataclass(slots=True)
class _Count:
    """What was met while the tags went by.

    Attributes:
        layers: entities of model and paper space by layer, and block contents by theirs.
    """

    layers: Counter[str] = field(default_factory=Counter)
    entities: int = 0
    kept: int = 0


def read_dxf(data: bytes, *, wanted: Collection[str], unit: str | None) -> ReadFile:
    """Read the shapes of a DXF that are on the wanted layers.

    Args:
        data: the whole file.
        wanted: layers, folded.
        unit: one of `METRES_IN`, instead of the header's; None: as the header says.

    Raises:
        UnreadableDrawing: it is no DXF, or is broken.
        EmptyDrawing: there is no entity in it.
        DrawingTooLarge: more tags, entities, points or nested blocks than the limits above.
        UnclearUnit: its header says no metric unit and none was given.
    """
    try:
        return _read(data, frozenset(wanted), unit)
    except _BROKEN as error:
        raise UnreadableDrawing(f"the DXF is broken: {type(error).__name__} {str(error)[:200]}") from error


def _read(data: bytes, wanted: frozenset[str], unit: str | None) -> ReadFile:
    count = _Count()
    document = Document.load(_keep_wanted(_load_tags(data), wanted, count))
    if not count.entities:
        raise EmptyDrawing("the DXF has no entities")
    unit = _require_unit(document, unit)
    walk = _Walk(document, wanted, METRES_IN[unit])
    shapes = tuple(walk.list_shapes())
    return ReadFile(DrawingFormat.DXF, shapes, dict(count.layers), dict(walk.unread), unit)


def _load_tags(data: bytes) -> Iterator[DXFTag]:
    if data.startswith(BINARY_DXF):
        yield from binary_tags_loader(data, errors="replace")
        return
    # The code page in the header counts up to AutoCAD 2004: Chinese drawings are in GBK there, in UTF-8 later.
    info = dxf_info(io.StringIO(data[:1_000_000].decode("ascii", errors="replace").replace("\r\n", "\n")))
    encoding = "utf-8" if info.version >= _FIRST_IN_UTF8 else info.encoding
    text = data.decode(encoding, errors="replace").removeprefix("\ufeff")
    yield from ascii_tags_loader(io.StringIO(text, newline=None))


def _keep_wanted(tags: Iterator[DXFTag], wanted: Collection[str], count: _Count) -> Iterator[DXFTag]:
    """The tags without the entities that are on no wanted layer; block references and definitions all stay."""
    section, chunk, is_kept = "", list[DXFTag](), True
    previous: DXFTag | None = None
    for number, tag in enumerate(tags):
        if number > MAX_TAGS:
            raise DrawingTooLarge(f"the DXF has more than {MAX_TAGS} tags: save the needed layers alone")
        if tag.code == 0:
            is_kept = _is_kept(chunk, section, is_kept, wanted, count)
            if is_kept:
                yield from chunk
            chunk = []
            if tag.value == "ENDSEC":
                section = ""
        elif tag.code == 2 and previous is not None and (previous.code, previous.value) == (0, "SECTION"):  # noqa: PLR2004
            section = str(tag.value)
        chunk.append(tag)
        previous = tag
    yield from chunk


def _is_kept(chunk: list[DXFTag], section: str, was_kept: bool, wanted: Collection[str], count: _Count) -> bool:  # noqa: FBT001
    """Whether an entity is handed to ezdxf; everything outside of the sections of entities is."""
    type_ = str(chunk[0].value) if chunk else ""
    if section not in _COUNTED_SECTIONS or type_ in {"SECTION", "BLOCK", "ENDBLK"}:
        return True
    if type_ in _FOLLOWERS:
        return was_kept or section == "BLOCKS"
    layer = next((str(tag.value) for tag in chunk if tag.code == _LAYER), "0")
    count.entities += 1
    count.layers[layer] += 1
    if section == "ENTITIES" and type_ != "INSERT" and fold(layer) not in wanted:
        return False
    count.kept += 1
    if count.kept > 2 * MAX_ENTITIES:
        raise DrawingTooLarge(
            f"the chosen layers and the blocks hold more than {2 * MAX_ENTITIES} entities: choose fewer, or save them "
            "alone",
            limit=2 * MAX_ENTITIES,
        )
    return True


def _require_unit(document: Document, unit: str | None) -> str:
    if unit is not None:
        return unit
    number = int(document.header.get("$INSUNITS", 0))
    found = _UNIT_OF_INSUNITS.get(number)
    if found is None:
        said = _NAME_OF_INSUNITS.get(number, f"unit {number}")
        raise UnclearUnit(
            f"the drawing's header says {said} ($INSUNITS {number}): give `unit`, one of {', '.join(METRES_IN)}",
            insunits=number,
            units=list(METRES_IN),
        )
    return found


class _Walk:
    """Goes through model space and the blocks in it."""

    def __init__(self, document: Document, wanted: frozenset[str], metres: float) -> None:
        self._document, self._wanted, self._metres = document, wanted, metres
        self._visits = self._points = 0
        self.unread: Counter[str] = Counter()

    def list_shapes(self) -> Iterator[Shape]:
        """The shapes on wanted layers, in metres."""
        yield from self._walk(self._document.modelspace(), Matrix44(), None, depth=0, is_part=False)

    def _walk(
        self, entities: object, placed: Matrix44, outer: str | None, *, depth: int, is_part: bool
    ) -> Iterator[Shape]:
        if depth > MAX_DEPTH:
            raise DrawingTooLarge(f"blocks are nested deeper than {MAX_DEPTH}")
        for entity in entities:  # type: ignore[attr-defined] # a layout or a block
            self._visits += 1
            if self._visits > MAX_VISITS:
                raise DrawingTooLarge(f"the blocks unfold to more than {MAX_VISITS} entities", limit=MAX_VISITS)
            own = str(entity.dxf.get("layer", "0"))
            # What is drawn on layer 0 of a block takes the layer of its reference.
            layer = outer if own == "0" and outer is not None else own
            if isinstance(entity, Insert):
                yield from self._walk_insert(entity, placed, layer, depth=depth, is_part=is_part)
            elif fold(layer) in self._wanted:
                for shape in self._make_shape(entity, placed, layer):
                    yield replace(shape, is_part=is_part)

    def _walk_insert(
        self, insert: Insert, placed: Matrix44, layer: str, *, depth: int, is_part: bool
    ) -> Iterator[Shape]:
        is_shape = fold(layer) in self._wanted
        if insert.mcount > MAX_VISITS:
            raise DrawingTooLarge(f"a block is repeated more than {MAX_VISITS} times", limit=MAX_VISITS)
        for each in insert.multi_insert() if insert.mcount > 1 else (insert,):
            block = each.block()
            if is_shape:
                at = placed.transform(each.ocs().to_wcs(Vec3(each.dxf.insert)))
                yield replace(self._make(layer, ShapeKind.POINT, [at], name=str(each.dxf.name)), is_part=is_part)
            if block is not None:
                moved = each.matrix44() * placed
                yield from self._walk(block, moved, layer, depth=depth + 1, is_part=is_part or is_shape)

    def _make_shape(self, entity: DXFEntity, placed: Matrix44, layer: str) -> Iterator[Shape]:
        if entity.dxftype() == "POINT":
            yield self._make(layer, ShapeKind.POINT, [placed.transform(Vec3(entity.dxf.location))])
            return
        _require_size(entity)
        try:
            path = dxf_path.make_path(entity)
        except TypeError:
            self.unread[entity.dxftype()] += 1
            return
        if not len(path):
            return
        moved = path.transform(placed)
        self._require_extent(moved)
        room = MAX_POINTS - self._points
        vertices = list(islice(moved.flattening(TOLERANCE_M / self._metres), room + 1))
        kind = ShapeKind.RING if path.is_closed and len(vertices) > 3 else ShapeKind.LINE  # noqa: PLR2004
        yield self._make(layer, kind, vertices)

    def _require_extent(self, path: dxf_path.Path) -> None:
        """Refuse what cannot be a site before it is divided into its many parts."""
        vertices = np.array([(each.x, each.y) for each in path.control_vertices()])
        extent_m = float(np.ptp(vertices, axis=0).max()) * self._metres
        if not extent_m <= MAX_EXTENT_M:
            raise DrawingTooLarge(f"an entity is larger than {MAX_EXTENT_M / 1000:.0f} km: is the unit right?")

    def _make(self, layer: str, kind: ShapeKind, vertices: list[Vec3], name: str | None = None) -> Shape:
        self._points += len(vertices)
        if self._points > MAX_POINTS:
            raise DrawingTooLarge(f"the chosen layers hold more than {MAX_POINTS} points", limit=MAX_POINTS)
        points: Points = np.array([(each.x, each.y) for each in vertices], dtype=np.float64) * self._metres
        if not np.isfinite(points).all():
            raise UnreadableDrawing(f"layer {layer[:60]!r} holds a coordinate that is no finite number")
        if kind is ShapeKind.RING:
            points[-1] = points[0]
        return Shape((layer,), kind, points, name)


def _require_size(entity: DXFEntity) -> None:
    """Refuse what would take minutes to make a path of."""
    if isinstance(entity, LWPolyline | Polyline) and len(entity) > MAX_VERTICES:
        raise DrawingTooLarge(f"a polyline has more than {MAX_VERTICES} vertices", limit=MAX_VERTICES)
    if isinstance(entity, Spline):
        by_controls = len(entity.control_points) > 0
        limit = MAX_CONTROL_POINTS if by_controls else MAX_FIT_POINTS
        if max(len(entity.control_points), 0 if by_controls else len(entity.fit_points)) > limit:
            raise DrawingTooLarge(f"a spline has more than {limit} points", limit=limit)
