"""What every kind of drawing file is read into: shapes on named layers, before anything is believed of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final

from domain.errors import Invalid
from geofence.frame import Points

# Of all shapes of the chosen layers together: a road of 20 km with both its edges, a vertex every metre. [1]
MAX_POINTS: Final = 100_000
BINARY_DXF: Final = b"AutoCAD Binary DXF\r\n\x1a\x00"

# Metres in one of each; the international foot and inch (1959) and the survey foot of 1200/3937 m.
METRES_IN: Final = {
    "m": 1.0,
    "dm": 0.1,
    "cm": 0.01,
    "mm": 0.001,
    "km": 1000.0,
    "ft": 0.3048,
    "us_ft": 1200 / 3937,
    "in": 0.0254,
}


class DrawingFormat(StrEnum):
    """The files that can be read."""

    DXF = "dxf"
    GEOJSON = "geojson"
    KML = "kml"


class ShapeKind(StrEnum):
    """How a shape's points hang together."""

    POINT = "point"
    LINE = "line"
    RING = "ring"


class UnreadableDrawing(Invalid):
    """A file that is no DXF, GeoJSON or KML, or is broken."""

    code: ClassVar[str] = "drawing.unreadable"


class EmptyDrawing(Invalid):
    """A drawing in which nothing can be read."""

    code: ClassVar[str] = "drawing.empty"


class DrawingTooLarge(Invalid):
    """A drawing over one of the stated limits."""

    code: ClassVar[str] = "drawing.too_large"


class UnclearUnit(Invalid):
    """A DXF whose header does not say in which unit it is drawn, or says one that is usually a template's."""

    code: ClassVar[str] = "drawing.unit_unclear"


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape.

    Attributes:
        layers: every name by which it may be chosen.
        points: (N, 2) x, y in the file's frame; a ring ends where it began. [deg or m]
        name: of the block, the Feature or the placemark; None where it has none.
        is_part: it lies in a block whose reference is a shape of its own.
    """

    layers: tuple[str, ...]
    kind: ShapeKind
    points: Points
    name: str | None = None
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A drawing file, read.

    Attributes:
        shapes: those on the wanted layers, at least.
        layers: how many entities are on each layer.
        unread: how many entities of which type were on wanted layers and are none that is read here.
        unit: that the points were converted from, to metres; None where the frame alone says it.
        crs: that the file itself names; None where it is silent.
    """

    format: DrawingFormat
    shapes: tuple[Shape, ...]
    layers: Mapping[str, int]
    unread: Mapping[str, int] = field(default_factory=dict)
    unit: str | None = None
    crs: str | None = None


def fold(layer: str) -> str:
    """A layer's name as it is compared: DXF does not tell large letters from small ones."""
    return layer.strip().casefold()


def is_dxf(data: bytes) -> bool:
    """Whether the bytes begin as a DXF does: binary, or a section after any comments (group code 999)."""
    if data.startswith(BINARY_DXF):
        return True
    lines = [line.strip() for line in data[:65536].lstrip(b"\xef\xbb\xbf").split(b"\n", 200)]
    pairs = [pair for pair in zip(lines[0::2], lines[1::2], strict=False) if pair[0] != b"999"]
    return bool(pairs) and pairs[0] == (b"0", b"SECTION")
