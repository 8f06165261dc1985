from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from geofence.alignment import Alignment, parse_alignment
from geofence.plan_drawing import HEIGHT_PX, KEY_PX, MARGIN_PX, WIDTH_PX, Plan, draw_plan

# `geod +ellps=WGS84 -I`: at 30 N 0.01 degrees of longitude are 964.8628 m.
METRE = 0.01 / 964.8628


def make_alignment(length_m: float) -> Alignment:
    """A line to the east that begins at K0+100."""
    line = {"type": "LineString", "coordinates": [[120.0, 30.0], [120.0 + length_m * METRE, 30.0]]}
    return parse_alignment({"type": "Feature", "properties": {"start_chainage_m": 100}, "geometry": line})


def elements(plan: Plan, name: str) -> list[Element]:
    """The parts of the drawn plan of a class."""
    root = fromstring(draw_plan(plan), forbid_dtd=True)
    return [each for each in root.iter() if each.get("class") == name]


def test_draw_plan__stations_and_a_gap__stand_where_they_are() -> None:
    """300 m fill the sheet between its margins, in the middle of it, 3.6 px a metre: K0+250 is half way."""
    plan = Plan("路", None, make_alignment(300.0), every_m=50.0, gaps=[(250.0, 300.0)])
    labels = [each.text for each in elements(plan, "chainage")]
    assert labels == ["K0+100", "K0+150", "K0+200", "K0+250", "K0+300", "K0+350", "K0+400"]
    (gap,) = elements(plan, "gap")
    middle, y = WIDTH_PX / 2, (HEIGHT_PX - KEY_PX) / 2
    assert gap.get("d") == f"M{middle:.1f} {y:.1f} L{middle + 50 * (WIDTH_PX - 2 * MARGIN_PX) / 300:.1f} {y:.1f}"
    assert gap[0].text == "K0+250–K0+300"


def test_draw_plan__many_stations__are_labelled_in_round_steps() -> None:
    """20 km in stations of 20 m are 1,000; of them every 50th is written, and the end is the last of these."""
    plan = Plan("路", None, make_alignment(20_000.0), every_m=20.0)
    labels = [each.text for each in elements(plan, "chainage")]
    assert labels[:3] == ["K0+100", "K1+100", "K2+100"]
    assert len(labels) <= 41


def test_draw_plan__photos__show_whether_they_count() -> None:
    """A photo on the line counts, one beside it does not, and one far from the sheet is not drawn."""
    photos = [(120.0005, 30.0, True), (120.001, 30.0001, False), (121.0, 30.0, True)]
    plan = Plan("路", None, make_alignment(300.0), photos=photos)
    assert (len(elements(plan, "photo")), len(elements(plan, "unplaced"))) == (1, 1)


def test_draw_plan__a_title_that_is_markup__stays_text() -> None:
    """Names come from outside."""
    hostile = '<script>alert(1)</script>"\x00\x08&'
    structure = {"properties": {"name": hostile}, "geometry": {"type": "Point", "coordinates": [120.0, 30.0]}}
    plan = Plan(hostile, None, make_alignment(300.0), structures=[structure])
    (drawn,) = elements(plan, "structure")
    assert drawn[0].text == '<script>alert(1)</script>"&'
    assert b"<script" not in draw_plan(plan)


def test_draw_plan__nothing_to_draw__is_a_mistake() -> None:
    """The caller asks first whether there is anything."""
    with pytest.raises(ValueError, match="needs a boundary"):
        draw_plan(Plan("路", None, None))
