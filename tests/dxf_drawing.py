"""DXF files that tests draw, in the 3-degree zone of CGCS2000 around 120 E (EPSG:4549), far from our own reader."""

import io
from collections.abc import Callable
from typing import Any

import ezdxf
from ezdxf.layouts.layout import Modelspace

CRS = "EPSG:4549"
# The zone's meridian, 120 E, is easting 500 km; northing 3,352,000 m is about 30.29 N.
EAST, NORTH = 500_000.0, 3_352_000.0
RED_LINE, CENTRE = "用地红线", "道路中线"


def draw(
    fill: Callable[[Modelspace, Any], None], *, insunits: int = 6, version: str = "R2010", is_binary: bool = False
) -> bytes:
    """The bytes of a DXF whose model space and blocks `fill` draws."""
    document = ezdxf.new(version)  # type: ignore[attr-defined]
    document.header["$INSUNITS"] = insunits
    document.encoding = "gbk"
    fill(document.modelspace(), document.blocks)
    if is_binary:
        binary = io.BytesIO()
        document.write(binary, fmt="bin")
        return binary.getvalue()
    text = io.StringIO()
    document.write(text)
    return text.getvalue().encode(document.output_encoding)


def draw_road(model: Modelspace, _blocks: object, *, scale: float = 1.0) -> None:
    """A straight road of 320 m to the east, 5 m wide, in a boundary of 340 m by 40 m."""
    x, y = EAST * scale, NORTH * scale
    corners = [(-10, -20), (330, -20), (330, 20), (-10, 20)]
    model.add_lwpolyline(
        [(x + a * scale, y + b * scale) for a, b in corners], close=True, dxfattribs={"layer": RED_LINE}
    )
    model.add_line((x, y), (x + 320 * scale, y), dxfattribs={"layer": CENTRE})
    for side in (-2.5, 2.5):
        at = y + side * scale
        model.add_line((x, at), (x + 320 * scale, at), dxfattribs={"layer": "EDGE"})
