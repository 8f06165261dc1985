import json
from typing import Any

import httpx2
import pytest
from ezdxf.layouts.layout import Modelspace
from shapely.geometry import shape

from domain.access import Role
from tests.dxf_drawing import CENTRE, CRS, EAST, NORTH, RED_LINE, draw, draw_road
from tests.integration.api.conftest import Api

POSITION = {"lon": 120.0, "lat": 30.29}
ROAD = {"crs": CRS, "boundary_layer": RED_LINE, "alignment_layer": CENTRE}


def send(api: Api, data: bytes, *, if_match: str = "*", **fields: str) -> httpx2.Response:
    """Bring a drawing in."""
    return api.client.post(
        "/v1/projects/p1/drawing",
        files={"file": ("plan.dxf", data)},
        data=ROAD | fields,
        headers=api.make_token(Role.CORE) | ({} if if_match == "*" else {"If-Match": if_match}),
    )


def test_post_drawing__a_dxf__becomes_boundary_alignment_and_width(api: Api) -> None:
    """What the drawing says is the project's, and is given back as GeoJSON in WGS 84."""
    api.put_project(position=POSITION)
    data = draw(draw_road)
    sent = send(api, data, edge_layer="EDGE", start_chainage="K0+150", width_m="5")
    assert sent.status_code == 201, sent.text
    core = api.make_token(Role.CORE)
    view = api.client.get("/v1/projects/p1/drawing", headers=core).json()
    assert view == sent.json()
    assert [each["properties"]["role"] for each in view["features"]] == ["boundary", "alignment"]
    assert view["width"]["given_m"] == 5
    assert view["width"]["median_m"] == pytest.approx(5, abs=0.001)
    assert view["source"]["layers"] == {RED_LINE: 1, CENTRE: 1, "EDGE": 2}
    alignment = api.client.get("/v1/projects/p1/alignment", headers=core).json()
    assert alignment["properties"]["start_chainage_m"] == 150
    # What was given is kept beside it, in its own frame.
    assert alignment["given"]["geometry"]["coordinates"][0] == [EAST, NORTH]
    assert alignment["given"]["properties"]["crs"] == CRS
    kept = api.media_folder.rglob(view["source"]["sha256"] + "*")
    assert [each.read_bytes() for each in kept] == [data]


def test_post_drawing__again_and_changed__has_a_version(api: Api) -> None:
    """The same drawing again is the same version; another one grows it; If-Match of an old one is refused."""
    api.put_project(position=POSITION)
    data = draw(draw_road)
    first, second = send(api, data), send(api, data)
    assert (first.headers["etag"], second.headers["etag"], second.status_code) == ('"1"', '"1"', 200)
    third = send(api, data, width_m="4.5")
    assert third.headers["etag"] == '"2"'
    stale = send(api, data, if_match='"1"')
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition.failed")


def test_post_drawing__several_layers_by_a_mapping__are_read_together(api: Api) -> None:
    """A road whose centre line is drawn on two layers, and culverts of a third."""
    api.put_project(position=POSITION)

    def road(model: Modelspace, blocks: Any) -> None:  # noqa: ANN401
        model.add_line((EAST, NORTH), (EAST + 100, NORTH), dxfattribs={"layer": "ZX1"})
        model.add_line((EAST + 100, NORTH), (EAST + 150, NORTH), dxfattribs={"layer": "ZX2"})
        blocks.new("HD")
        model.add_blockref("HD", (EAST + 120, NORTH), dxfattribs={"layer": "涵洞"})

    layers = {"alignment": ["ZX1", "ZX2"], "structures": ["涵洞"]}
    fields = {"boundary_layer": "", "alignment_layer": "", "layers": json.dumps(layers)}
    view = send(api, draw(road), if_match="*", **fields).json()
    structure = view["features"][-1]
    assert structure["properties"]["chainage"] == ["K0+120", "K0+120"]
    assert structure["properties"]["name"] == "HD"
    assert structure["geometry"]["type"] == "Point"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"boundary_layer": "红线"}, "drawing.unknown_layer"),
        ({"crs": "EPSG:4548"}, "geofence.far_from_project"),
        ({"crs": "EPSG:1"}, "geofence.unknown_frame"),
        ({"crs": ""}, "drawing.frame_missing"),
        ({"unit": "furlong"}, "drawing.unit_unclear"),
        ({"width_m": "wide"}, "drawing.invalid_form"),
        ({"layers": "["}, "drawing.invalid_form"),
        ({"layers": '{"roof": []}'}, "drawing.invalid_form"),
        ({"start_chainage": "K0-150"}, "geofence.invalid_chainage"),
        ({"start_chainage": "nan"}, "geofence.invalid_chainage"),
        ({"crs": "x" * 20_000}, "upload.capture_too_large"),
    ],
)
def test_post_drawing__a_wrong_choice__is_refused_and_nothing_changes(
    api: Api, fields: dict[str, str], code: str
) -> None:
    """Each refusal has its code, and the project keeps what it had."""
    api.put_project(position=POSITION)
    response = send(api, draw(draw_road), if_match="*", **fields)
    assert (response.status_code, response.json()["code"]) == (422, code)
    gone = api.client.get("/v1/projects/p1/drawing", headers=api.make_token(Role.CORE))
    assert (gone.status_code, gone.json()["code"]) == (404, "drawing.not_found")


def test_post_drawing__larger_than_allowed__is_refused(api: Api) -> None:
    """32 MiB is the limit of the file."""
    api.put_project()
    response = send(api, b"0\nSECTION\n" + b" " * (32 * 1024 * 1024))
    assert (response.status_code, response.json()["code"]) == (413, "media.too_large")


def test_post_drawing__what_get_gave__is_taken_again(api: Api) -> None:
    """The GeoJSON of one project is a drawing for another one."""
    api.put_project(position=POSITION)
    view = send(api, draw(draw_road)).json()
    api.put_project("p2", position=POSITION)
    core = api.make_token(Role.CORE)
    again = api.client.post(
        "/v1/projects/p2/drawing", files={"file": ("a.geojson", json.dumps(view).encode())}, headers=core
    )
    assert again.status_code == 201, again.text
    for one, other in zip(again.json()["features"], view["features"], strict=True):
        # Positions are kept to 1e-9 degrees, a tenth of a millimetre.
        assert shape(one["geometry"]).equals_exact(shape(other["geometry"]), 1e-9)
