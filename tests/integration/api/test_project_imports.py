import json
from typing import Any

import httpx2
import pytest

from api.project_table import MAX_ROWS
from domain.access import Role
from tests.integration.api.conftest import AREA, SQUARE, Api

CSV = f"""id,name,kind,area,contractor,starts_on,class,lon,lat,crs
road-1,柳家湾村道,road,{AREA},老赵施工队,2026-03-01,A,120.0605,30.2905,wgs84
road-2,"桥, 小",bridge,{AREA},,,,,,
"""


def send(api: Api, content: str | bytes, media_type: str = "text/csv", *, area: str = AREA) -> httpx2.Response:
    """POST a file as the core system."""
    headers = {**api.make_token(Role.CORE, area=area), "Content-Type": media_type}
    data = content.encode() if isinstance(content, str) else content
    return api.client.post("/v1/project-imports", content=data, headers=headers)


def outcomes(response: httpx2.Response) -> list[tuple[int, str, str, str | None]]:
    """Row, id, outcome and code of each."""
    assert response.status_code == 200, response.text
    return [(each["row"], each["id"], each["outcome"], each["code"]) for each in response.json()["items"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_import__csv__creates_the_projects(api: Api, encoding: str) -> None:
    """As Excel writes it, here or in China; the same file again changes nothing."""
    first = send(api, CSV.encode(encoding), "text/csv; charset=utf-8")
    assert outcomes(first) == [(1, "road-1", "created", None), (2, "road-2", "created", None)]
    assert (first.json()["created"], first.json()["rejected"]) == (2, 0)
    core = api.make_token(Role.CORE)
    project = api.client.get("/v1/projects/road-1", headers=core).json()
    assert (project["name"], project["class"], project["starts_on"]) == ("柳家湾村道", "A", "2026-03-01")
    assert project["position"]["coordinates"] == [120.0605, 30.2905]
    assert api.client.get("/v1/projects/road-2", headers=core).json()["name"] == "桥, 小"
    assert {each[2] for each in outcomes(send(api, CSV.encode(encoding)))} == {"unchanged"}
    changed = outcomes(send(api, CSV.replace("老赵施工队", "老王施工队").encode(encoding)))
    assert [each[2] for each in changed] == ["changed", "unchanged"]
    events = api.client.get("/v1/events", headers=core).json()["items"]
    assert [each["type"].rpartition(".")[2] for each in events] == ["created", "created", "changed"]


def test_import__with_wrong_rows__keeps_the_right_ones_and_tells_why(api: Api) -> None:
    """Each row is judged for itself, with the code that a PUT of its own would have had."""
    api.put_project("far", area="county/other")
    content = f"""id,name,kind,area,starts_on,ends_on,lon,lat
good-1,A,road,{AREA},,,,
bad id,A,road,{AREA},,,,
kind,A,rocket,{AREA},,,,
,A,road,{AREA},,,,
far,A,road,{AREA},,,,
wide,A,road,county,,,,
days,A,road,{AREA},2026-05-01,2026-04-01,,
place,A,road,{AREA},,,200,30
cells,A,road,{AREA},,,,,one,too many
good-2,A,road,{AREA},,,,
"""
    assert outcomes(send(api, content)) == [
        (1, "good-1", "created", None),
        (2, "bad id", "rejected", "identifier.invalid"),
        (3, "kind", "rejected", "request.invalid"),
        (4, "", "rejected", "identifier.invalid"),
        (5, "far", "rejected", "project.not_found"),
        (6, "wide", "rejected", "access.area_forbidden"),
        (7, "days", "rejected", "project.days_out_of_order"),
        (8, "place", "rejected", "geofence.invalid_position"),
        (9, "cells", "rejected", "request.invalid"),
        (10, "good-2", "created", None),
    ]
    listed = api.client.get("/v1/projects", headers=api.make_token(Role.CORE)).json()["items"]
    assert [each["id"] for each in listed] == ["good-1", "good-2"]


def make_feature(project_id: str, geometry: Any, **properties: Any) -> dict[str, Any]:  # noqa: ANN401 - GeoJSON
    """A project as a Feature."""
    body = {"name": "村道", "kind": "road", "area": AREA}
    return {"type": "Feature", "id": project_id, "properties": body | properties, "geometry": geometry}


def test_import__geojson__takes_geometry_along(api: Api) -> None:
    """A polygon is the boundary, a line the alignment, a point the position; a wrong one undoes its own project."""
    line = {"type": "LineString", "coordinates": [[120.06, 30.29], [120.061, 30.29]]}
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [0.001, 0.001], [0.001, 0], [0, 0.001], [0, 0]]]}
    features = [
        make_feature("area-1", SQUARE["geometry"], crs="wgs84"),
        make_feature("line-1", line, start_chainage_m=100),
        make_feature("point-1", {"type": "Point", "coordinates": [120.06, 30.29]}),
        make_feature("none-1", None),
        make_feature("bow-1", bow),
        {"type": "Feature"},
    ]
    collection = json.dumps({"type": "FeatureCollection", "features": features})
    rows = outcomes(send(api, collection, "application/geo+json"))
    assert [(each[1], each[2]) for each in rows] == [
        ("area-1", "created"), ("line-1", "created"), ("point-1", "created"), ("none-1", "created"),
        ("bow-1", "rejected"), ("", "rejected"),
    ]  # fmt: skip
    assert rows[4][3] == "geofence.self_crossing_boundary"
    core = api.make_token(Role.CORE)
    assert api.client.get("/v1/projects/area-1/boundary", headers=core).status_code == 200
    alignment = api.client.get("/v1/projects/line-1/alignment", headers=core).json()
    assert alignment["properties"]["start_chainage_m"] == 100
    assert api.client.get("/v1/projects/bow-1", headers=core).status_code == 404
    again = outcomes(send(api, collection, "application/geo+json"))
    assert [each[2] for each in again] == 4 * ["unchanged"] + 2 * ["rejected"]


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (b"id,name,kind,area,colour\n", "text/csv", "import.unknown_heading"),
        (b"id,name,kind\n", "text/csv", "import.unknown_heading"),
        (b"", "text/csv", "import.unknown_heading"),
        (b"\xff\xfe\x00", "text/csv", "request.unreadable_body"),
        (b'id,name,kind,area\n"open,A,road,x\n', "text/csv", "request.unreadable_body"),
        (b"{}", "application/geo+json", "import.unknown_format"),
        (b"[", "application/json", "request.unreadable_body"),
        (b"id,name,kind,area\n", "application/pdf", "import.unknown_format"),
        (b"id,name,kind,area\n" + (MAX_ROWS + 1) * b"a,A,road,x\n", "text/csv", "import.too_many_rows"),
    ],
)
def test_import__file_that_is_none__is_refused_as_a_whole(api: Api, content: bytes, media_type: str, code: str) -> None:
    """What cannot be told apart into rows changes nothing."""
    refused = send(api, content, media_type)
    assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_import__too_large__is_refused(api: Api) -> None:
    """5 MB is the limit of every body."""
    refused = send(api, b"id,name,kind,area\n" + 5 * 1024 * 1024 * b" ")
    assert (refused.status_code, refused.json()["code"]) == (413, "request.body_too_large")
