import json
import math
from typing import Any

import numpy as np
import pytest
from ezdxf.layouts.layout import Modelspace

from domain.errors import SiteproofError
from domain.place import Position
from geofence.drawing import Choice, Part, parse_drawing
from tests.dxf_drawing import CENTRE, CRS, EAST, NORTH, RED_LINE, draw, draw_road

NEAR = Position(120.0, 30.285)
ROAD = {Part.BOUNDARY: (RED_LINE,), Part.ALIGNMENT: (CENTRE,)}


def choose(**changes: Any) -> Choice:  # noqa: ANN401
    """The choice of the road's layers."""
    return Choice(**{"crs": CRS, "layers": ROAD, **changes})


def code_of(data: bytes, choice: Choice, *, near: Position | None = NEAR) -> tuple[str, dict[str, Any]]:
    """The code that the file is refused with, and the facts beside it."""
    with pytest.raises(SiteproofError) as caught:
        parse_drawing(data, choice=choice, near=near)
    return caught.value.code, caught.value.facts


def draw_old_road(model: Modelspace, _blocks: object) -> None:
    """The road with a POLYLINE for a boundary, because R12 has no LWPOLYLINE."""
    corners = [(EAST - 10, NORTH - 20), (EAST + 330, NORTH - 20), (EAST + 330, NORTH + 20), (EAST - 10, NORTH + 20)]
    model.add_polyline2d(corners, close=True, dxfattribs={"layer": RED_LINE})
    model.add_line((EAST, NORTH), (EAST + 320, NORTH), dxfattribs={"layer": CENTRE})


@pytest.mark.parametrize(
    ("version", "is_binary"), [("R12", False), ("R2000", False), ("R2010", False), ("R2010", True), ("R2018", False)]
)
def test_parse_drawing__a_road_in_any_version__is_read(version: str, is_binary: bool) -> None:  # noqa: FBT001
    """Chinese layer names, in GBK before 2007 and UTF-8 after it, ASCII and binary."""
    drawing = parse_drawing(
        draw(draw_old_road if version == "R12" else draw_road, version=version, is_binary=is_binary),
        choice=choose(unit="m"),
        near=NEAR,
    )
    assert drawing.boundary is not None
    assert drawing.alignment is not None
    # At the zone's meridian the scale is 1; 320 m east of it still 1 + 1e-9.
    assert drawing.alignment.length_m == pytest.approx(320, abs=0.001)
    assert drawing.boundary.area_m2 == pytest.approx(340 * 40, rel=1e-5)
    assert drawing.alignment.geometry.coords[0][0] == pytest.approx(120.0, abs=1e-9)
    assert (drawing.crs, drawing.warnings) == (CRS, ())


def test_parse_drawing__millimetres__are_metres_afterwards() -> None:
    """$INSUNITS 4 is millimetres."""
    data = draw(lambda model, blocks: draw_road(model, blocks, scale=1000), insunits=4)
    drawing = parse_drawing(data, choice=choose(), near=NEAR)
    assert drawing.unit == "mm"
    assert drawing.alignment is not None
    assert drawing.alignment.length_m == pytest.approx(320, abs=0.001)


@pytest.mark.parametrize("insunits", [0, 1, 2, 21])
def test_parse_drawing__no_unit_or_feet__is_asked_about(insunits: int) -> None:
    """Inches and feet are what a template says that nobody set, so they are not believed unasked."""
    code, facts = code_of(draw(draw_road, insunits=insunits), choose())
    assert (code, facts["insunits"]) == ("drawing.unit_unclear", insunits)
    assert parse_drawing(draw(draw_road, insunits=insunits), choice=choose(unit="m"), near=NEAR).unit == "m"


def test_parse_drawing__feet_that_are_meant__are_converted() -> None:
    """A foot is 0.3048 m."""
    data = draw(lambda model, blocks: draw_road(model, blocks, scale=1 / 0.3048), insunits=2)
    drawing = parse_drawing(data, choice=choose(unit="ft"), near=NEAR)
    assert drawing.alignment is not None
    assert drawing.alignment.length_m == pytest.approx(320, abs=0.001)


def test_parse_drawing__metres_called_feet__lie_far_from_the_project() -> None:
    """A wrong unit puts the northing of 3,352 km at 1,022 km: far from the project, whatever the zone."""
    code, _ = code_of(draw(draw_road), choose(unit="ft"))
    assert code in {"geofence.far_from_project", "geofence.invalid_position"}


def test_parse_drawing__the_zone_beside__is_caught_by_the_projects_position() -> None:
    """The same eastings in the zone around 117 E are 3 degrees, 289 km, further west."""
    assert code_of(draw(draw_road), choose(crs="EPSG:4548"))[0] == "geofence.far_from_project"
    drawing = parse_drawing(draw(draw_road), choice=choose(crs="EPSG:4548"), near=None)
    assert drawing.warnings == ("drawing.zone_unchecked",)


@pytest.mark.parametrize("crs", [None, "wgs84", "EPSG:4490"])
def test_parse_drawing__a_dxf_without_a_projected_frame__is_refused(crs: str | None) -> None:
    """A DXF does not say its frame, and is not drawn in degrees."""
    assert code_of(draw(draw_road), choose(crs=crs))[0] == "drawing.frame_missing"


def test_parse_drawing__unknown_layer__is_told_with_the_layers() -> None:
    """The error lists the layers that there are."""
    code, facts = code_of(draw(draw_road), choose(layers={Part.BOUNDARY: ("红线",)}))
    assert (code, facts["layers"]) == ("drawing.unknown_layer", ["EDGE", RED_LINE, CENTRE])


def test_parse_drawing__layer_names_in_other_letters__are_the_same() -> None:
    """DXF does not tell Edge from EDGE."""
    layers = {Part.ALIGNMENT: (CENTRE,), Part.EDGES: ("edge",)}
    drawing = parse_drawing(draw(draw_road), choice=choose(layers=layers), near=NEAR)
    assert drawing.width is not None
    # 2.5 m on each side, on a section every 10 m.
    assert drawing.width.median_m == pytest.approx(5.0, abs=0.001)
    assert drawing.width.sections == 32


def test_parse_drawing__nothing_chosen__names_the_layers() -> None:
    """Without a choice, layers called boundary and alignment are taken; here there is none."""
    assert code_of(draw(draw_road), choose(layers={}))[0] == "drawing.no_layer_chosen"


def test_parse_drawing__lines_and_an_arc__are_joined_in_their_order() -> None:
    """100 m east, a quarter circle of 50 m to the north, 60 m north: drawn out of order, one of them backwards."""

    def road(model: Modelspace, _blocks: object) -> None:
        at = {"layer": CENTRE}
        x, y = EAST + 150, NORTH + 50
        model.add_line((x, y), (x, y + 60), dxfattribs=at)
        model.add_line((EAST + 100, NORTH), (EAST, NORTH), dxfattribs=at)
        model.add_arc((EAST + 100, NORTH + 50), 50, 270, 360, dxfattribs=at)

    layers = {Part.ALIGNMENT: (CENTRE,)}
    drawing = parse_drawing(draw(road), choice=choose(layers=layers), near=NEAR)
    assert drawing.alignment is not None
    # Chords that leave the arc by 1 cm are shorter than it by 2 h^2 / 3 R for each radian of it at most: under 0.1 m.
    assert drawing.alignment.length_m == pytest.approx(100 + 50 * math.pi / 2 + 60, abs=0.1)
    # Most of it was drawn from the south-west to the north: 60 m and the arc's 79 against 100.
    assert drawing.alignment.geometry.coords[0][1] < drawing.alignment.geometry.coords[-1][1]
    turned = parse_drawing(draw(road), choice=choose(layers=layers, is_reversed=True), near=NEAR)
    assert turned.alignment is not None
    assert turned.alignment.geometry.coords[0] == drawing.alignment.geometry.coords[-1]


def test_parse_drawing__a_bulge__is_an_arc() -> None:
    """A bulge of 1 is a half circle: over 200 m it is 100 pi long."""

    def road(model: Modelspace, _blocks: object) -> None:
        points = [(EAST, NORTH, 1.0), (EAST + 200, NORTH, 0.0)]
        model.add_lwpolyline(points, format="xyb", dxfattribs={"layer": CENTRE})

    drawing = parse_drawing(draw(road), choice=choose(layers={Part.ALIGNMENT: (CENTRE,)}), near=NEAR)
    assert drawing.alignment is not None
    assert drawing.alignment.length_m == pytest.approx(100 * math.pi, abs=0.1)
    (west, south, east, north) = drawing.alignment.geometry.bounds
    # A positive bulge lies to the right of the way from start to end: south of it. A degree of latitude is 110,850 m.
    assert (north - south) * 110_850 == pytest.approx(100, abs=0.2)
    assert south < drawing.alignment.geometry.coords[0][1]
    assert east > west


def test_parse_drawing__a_spline__passes_through_its_points() -> None:
    """A spline through points of one straight line is that line."""

    def road(model: Modelspace, _blocks: object) -> None:
        points = [(EAST + at, NORTH, 0) for at in (0, 40, 90, 150)]
        model.add_spline(points, dxfattribs={"layer": CENTRE})

    drawing = parse_drawing(draw(road), choice=choose(layers={Part.ALIGNMENT: (CENTRE,)}), near=NEAR)
    assert drawing.alignment is not None
    assert drawing.alignment.length_m == pytest.approx(150, abs=0.01)


def test_parse_drawing__a_road_in_a_block__is_put_where_its_reference_is() -> None:
    """A block with base point (10, 0) turned by 90 degrees and drawn at double size; its layer 0 is the reference's."""

    def road(model: Modelspace, blocks: Any) -> None:  # noqa: ANN401
        inner = blocks.new("INNER")
        inner.add_line((0, 0), (100, 0), dxfattribs={"layer": "0"})
        outer = blocks.new("OUTER", base_point=(10, 0))
        outer.add_blockref("INNER", (10, 0), dxfattribs={"layer": "0"})
        where = {"layer": CENTRE, "rotation": 90, "xscale": 2, "yscale": 2}
        model.add_blockref("OUTER", (EAST, NORTH), dxfattribs=where)

    drawing = parse_drawing(draw(road), choice=choose(layers={Part.ALIGNMENT: (CENTRE,)}), near=NEAR)
    assert drawing.alignment is not None
    # From (EAST, NORTH) 200 m to the north.
    given = drawing.alignment.given["geometry"]["coordinates"]
    assert np.allclose(given, [[EAST, NORTH], [EAST, NORTH + 200]], atol=1e-3)


def test_parse_drawing__structures__have_their_chainage() -> None:
    """A culvert as a block 80 m along and 3 m right, a wall from 100 to 130 m on the left."""

    def road(model: Modelspace, blocks: Any) -> None:  # noqa: ANN401
        draw_road(model, blocks)
        culvert = blocks.new("盖板涵")
        culvert.add_circle((0, 0), 1.0, dxfattribs={"layer": "0"})
        model.add_blockref("盖板涵", (EAST + 80, NORTH - 3), dxfattribs={"layer": "STRUCT"})
        model.add_line((EAST + 100, NORTH + 4), (EAST + 130, NORTH + 4), dxfattribs={"layer": "STRUCT"})

    layers = ROAD | {Part.STRUCTURES: ("STRUCT",)}
    drawing = parse_drawing(draw(road), choice=choose(layers=layers, start_chainage_m=1000), near=NEAR)
    by_name = {each.name: each for each in drawing.structures}
    culvert, wall = by_name["盖板涵"], by_name[None]
    assert culvert.geometry["type"] == "Point"
    assert culvert.chainage_m is not None
    assert culvert.chainage_m == pytest.approx((1080, 1080), abs=0.01)
    assert culvert.offset_m == pytest.approx(3, abs=0.01)
    assert wall.chainage_m == pytest.approx((1100, 1130), abs=0.01)
    assert wall.offset_m == pytest.approx(-4, abs=0.01)


def test_parse_drawing__a_bow_tie__is_refused_with_its_place() -> None:
    """A boundary that crosses itself bounds nothing."""

    def bow_tie(model: Modelspace, _blocks: object) -> None:
        corners = [(0, 0), (100, 100), (100, 0), (0, 100)]
        points = [(EAST + x, NORTH + y) for x, y in corners]
        model.add_lwpolyline(points, close=True, dxfattribs={"layer": RED_LINE})

    code, facts = code_of(draw(bow_tie), choose(layers={Part.BOUNDARY: (RED_LINE,)}))
    assert (code, round(facts["lon"], 3)) == ("geofence.self_crossing_boundary", 120.001)


def draw_boundary(*rings: list[tuple[float, float]], is_closed: bool = True) -> bytes:
    """A DXF with these rings on the boundary's layer."""

    def fill(model: Modelspace, _blocks: object) -> None:
        for ring in rings:
            points = [(EAST + x, NORTH + y) for x, y in ring]
            model.add_lwpolyline(points, close=is_closed, dxfattribs={"layer": RED_LINE})

    return draw(fill)


OUTER = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)]


def test_parse_drawing__a_ring_in_a_ring__is_a_hole() -> None:
    """10,000 m2 less 100; the ring far from both is an area of its own; a ring drawn twice counts once."""
    hole = [(10.0, 10.0), (20.0, 10.0), (20.0, 20.0), (10.0, 20.0)]
    apart = [(200.0, 0.0), (210.0, 0.0), (210.0, 10.0), (200.0, 10.0)]
    choice = choose(layers={Part.BOUNDARY: (RED_LINE,)})
    drawing = parse_drawing(draw_boundary(OUTER, hole, apart, OUTER), choice=choice, near=NEAR)
    assert drawing.boundary is not None
    assert drawing.boundary.area_m2 == pytest.approx(10_000 - 100 + 100, rel=1e-4)


def test_parse_drawing__a_boundary_left_open__says_where() -> None:
    """100 m are missing, which nobody means to be closed."""
    code, facts = code_of(draw_boundary(OUTER, is_closed=False), choose(layers={Part.BOUNDARY: (RED_LINE,)}))
    assert (code, facts["ends"]) == ("drawing.open_boundary", [EAST, NORTH + 100])


def test_parse_drawing__lines_that_fork_or_do_not_meet__are_refused() -> None:
    """Nobody can tell which is the alignment."""

    def fork(model: Modelspace, _blocks: object) -> None:
        for end in ((100, 0), (0, 100), (-100, 0)):
            model.add_line((EAST, NORTH), (EAST + end[0], NORTH + end[1]), dxfattribs={"layer": CENTRE})

    def two(model: Modelspace, _blocks: object) -> None:
        for at in (0, 50):
            model.add_line((EAST, NORTH + at), (EAST + 100, NORTH + at), dxfattribs={"layer": CENTRE})

    choice = choose(layers={Part.ALIGNMENT: (CENTRE,)})
    assert code_of(draw(fork), choice)[0] == "drawing.forked_line"
    assert code_of(draw(two), choice)[0] == "drawing.several_alignments"


def test_parse_drawing__a_layer_of_words_alone__says_so() -> None:
    """The layer is there, but no line is on it."""

    def words(model: Modelspace, _blocks: object) -> None:
        model.add_text("K0+000", dxfattribs={"layer": CENTRE})

    code, facts = code_of(draw(words), choose(layers={Part.ALIGNMENT: (CENTRE,)}))
    assert (code, facts["unread"]) == ("drawing.empty_layer", {"TEXT": 1})


def test_parse_drawing__no_entities__is_empty() -> None:
    """A new drawing that nothing was drawn in."""
    assert code_of(draw(lambda _model, _blocks: None), choose())[0] == "drawing.empty"


def make_lines(number: int, layer: str) -> bytes:
    """A DXF of so many lines, written by hand because that is quick."""
    head = b"0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1009\n9\n$INSUNITS\n70\n6\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n"
    line = f"0\nLINE\n8\n{layer}\n10\n500000.0\n20\n3352000.0\n11\n500100.0\n21\n3352000.0\n".encode()
    other = line.replace(layer.encode(), b"CENTRE")
    return head + line * number + other + b"0\nENDSEC\n0\nEOF\n"


def test_parse_drawing__a_hundred_thousand_entities_on_other_layers__are_passed_over() -> None:
    """The base map under a road costs nothing but being counted."""
    data = make_lines(100_000, "TOPO")
    drawing = parse_drawing(data, choice=choose(layers={Part.ALIGNMENT: ("CENTRE",)}), near=NEAR)
    assert drawing.layers == {"TOPO": 100_000, "CENTRE": 1}
    assert drawing.alignment is not None
    assert drawing.alignment.length_m == pytest.approx(100, abs=0.001)


def test_parse_drawing__a_hundred_thousand_entities_on_the_chosen_layer__are_refused() -> None:
    """The limit is stated."""
    code, facts = code_of(make_lines(100_000, "TOPO"), choose(layers={Part.ALIGNMENT: ("TOPO",)}))
    assert (code, facts["limit"]) == ("drawing.too_large", 40_000)


def test_parse_drawing__blocks_of_blocks__are_refused_and_not_unfolded() -> None:
    """Ten in ten in ten, five times over, would be 100,000 lines out of some 60 entities."""

    def bomb(model: Modelspace, blocks: Any) -> None:  # noqa: ANN401
        blocks.new("B0").add_line((0, 0), (1, 0), dxfattribs={"layer": "0"})
        for level in range(1, 6):
            block = blocks.new(f"B{level}")
            for _ in range(10):
                block.add_blockref(f"B{level - 1}", (0, 0), dxfattribs={"layer": "0"})
        model.add_blockref("B5", (EAST, NORTH), dxfattribs={"layer": CENTRE})

    assert code_of(draw(bomb), choose(layers={Part.ALIGNMENT: (CENTRE,)}))[0] == "drawing.too_large"


def test_parse_drawing__a_block_within_itself__is_refused() -> None:
    """A broken file may hold it, and it has no end."""

    def loop(model: Modelspace, blocks: Any) -> None:  # noqa: ANN401
        block = blocks.new("SELF")
        block.add_blockref("SELF", (1, 0), dxfattribs={"layer": "0"})
        model.add_blockref("SELF", (EAST, NORTH), dxfattribs={"layer": CENTRE})

    assert code_of(draw(loop), choose(layers={Part.ALIGNMENT: (CENTRE,)}))[0] in {
        "drawing.too_large",
        "drawing.unreadable",
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"AC1027\x00\x00",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n",
        b"0\nSECTION\n2\nENTITIES\n0",
        b"AutoCAD Binary DXF\r\n\x1a\x00\x00",
        b"{",
        b"[]",
        b"<kml",
    ],
)
def test_parse_drawing__not_a_drawing__is_refused(data: bytes) -> None:
    """Whatever comes, it is an answer and not a crash."""
    assert code_of(data, choose())[0] in {"drawing.unreadable", "drawing.empty"}


@pytest.mark.parametrize("value", ["not a number", "nan", "1e999", ""])
def test_parse_drawing__a_coordinate_that_is_none__is_refused(value: str) -> None:
    """A number of the chosen layer that is none, or no finite one."""
    data = make_lines(1, "TOPO").replace(b"500000.0", value.encode(), 1)
    assert code_of(data, choose(layers={Part.ALIGNMENT: ("TOPO",)}))[0] in {"drawing.unreadable", "drawing.too_large"}


def test_parse_drawing__a_spline_without_points__is_broken_and_no_crash() -> None:
    """It can be read, but ezdxf cannot make a curve of it."""

    def road(model: Modelspace, _blocks: object) -> None:
        model.add_spline(dxfattribs={"layer": CENTRE})

    assert code_of(draw(road), choose(layers={Part.ALIGNMENT: (CENTRE,)}))[0] == "drawing.unreadable"


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>清溪</name>
<Folder><name>boundary</name><Placemark><name>范围</name><Polygon><outerBoundaryIs><LinearRing><coordinates>
120,30.29,5 120.004,30.29,5 120.004,30.292,5 120,30.292,5 120,30.29,5
</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder>
<Placemark><name>alignment</name><LineString><coordinates>120.0,30.291 120.003,30.291</coordinates></LineString>
</Placemark></Document></kml>"""


def test_parse_drawing__kml__is_read_by_folders_and_names() -> None:
    """Without a choice, what is called boundary and alignment is taken; heights are dropped."""
    drawing = parse_drawing(KML.encode(), choice=Choice(), near=NEAR)
    assert drawing.boundary is not None
    assert drawing.alignment is not None
    assert drawing.layers == {"清溪": 2, "boundary": 1, "范围": 1, "alignment": 1}
    assert list(drawing.alignment.geometry.coords) == [(120.0, 30.291), (120.003, 30.291)]


def test_parse_drawing__kml_with_entities__is_refused() -> None:
    """A document type could unfold to gigabytes, or read a file of ours."""
    bomb = '<!DOCTYPE kml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    data = KML.replace("<kml", bomb + "<kml", 1).replace("清溪", "&b;&f;")
    assert code_of(data.encode(), Choice())[0] == "drawing.unreadable"


def test_parse_drawing__geojson__goes_by_its_roles() -> None:
    """What GET gives is what POST takes, in the frame that its Features name."""
    line = {"type": "LineString", "coordinates": [[EAST, NORTH], [EAST + 320, NORTH]]}
    features = [{"type": "Feature", "properties": {"role": "alignment", "crs": CRS}, "geometry": line}]
    data = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    drawing = parse_drawing(data, choice=Choice(start_chainage_m=150), near=NEAR)
    assert drawing.alignment is not None
    assert drawing.crs == CRS
    assert drawing.alignment.end_chainage_m == pytest.approx(470, abs=0.001)


@pytest.mark.parametrize(
    ("coordinates", "code"),
    [([[120.0, 30.29]], "drawing.empty_layer"), ([[1e300, 1e300], [1e300, 1e301]], "geofence.invalid_position")],
)
def test_parse_drawing__geojson_that_is_no_line__is_refused(coordinates: list[list[float]], code: str) -> None:
    """One position, or positions beyond the earth."""
    line = {"type": "LineString", "coordinates": coordinates}
    feature = {"type": "Feature", "properties": {"role": "alignment"}, "geometry": line}
    assert code_of(json.dumps(feature).encode(), Choice())[0] == code


@pytest.mark.parametrize("width_m", [0.0, -3.0, math.nan, 1e9])
def test_parse_drawing__a_width_that_is_none__is_refused(width_m: float) -> None:
    """A width is 0.1 to 500 m."""
    assert code_of(draw(draw_road), choose(width_m=width_m))[0] == "drawing.invalid_width"
