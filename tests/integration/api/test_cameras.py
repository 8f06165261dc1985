"""Fixed cameras over HTTP."""

from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from domain.access import Role
from tests.integration.api.conftest import Api

PATH = "/v1/projects/p1/cameras"
PIT = {"id": "pit", "name": "基坑", "polygon": [[0.1, 0.5], [0.4, 0.5], [0.4, 0.9], [0.1, 0.9]]}
GROUND: list[dict[str, list[float]]] = [
    {"image": [0.1, 0.7], "ground_m": [-10, 25]},
    {"image": [0.9, 0.7], "ground_m": [10, 25]},
    {"image": [0.2, 0.95], "ground_m": [-3.33, 11.11]},
    {"image": [0.8, 0.95], "ground_m": [3.33, 11.11]},
]


def put_camera(api: Api, camera_id: str = "c1", **body: Any) -> httpx2.Response:  # noqa: ANN401 - a JSON body
    """Register a camera as an inspector would."""
    given = {"name": "大门", **body}
    return api.client.put(f"{PATH}/{camera_id}", json=given, headers=api.make_token(Role.INSPECTOR))


def test_put_camera__with_zone_and_ground__comes_back_as_it_was_given(api: Api) -> None:
    """Zones, ground points and the clock's skew are kept; the same again changes nothing."""
    api.put_project()
    created = put_camera(api, zones=[PIT], ground_points=GROUND, clock_skew_s=-75.5)
    assert (created.status_code, created.headers["etag"]) == (HTTPStatus.CREATED, '"1"')
    again = put_camera(api, zones=[PIT], ground_points=GROUND, clock_skew_s=-75.5)
    assert (again.status_code, again.headers["etag"]) == (HTTPStatus.OK, '"1"')
    read = api.client.get(f"{PATH}/c1", headers=api.make_token(Role.CONTRACTOR)).json()
    assert read["zones"] == [PIT]
    assert [point["image"] for point in read["ground_points"]] == [point["image"] for point in GROUND]
    assert read["clock_skew_s"] == -75.5


def test_put_camera__changed__has_another_version_and_heeds_if_match(api: Api) -> None:
    """Who edits what somebody else changed is told so."""
    api.put_project()
    put_camera(api)
    assert put_camera(api, zones=[PIT]).headers["etag"] == '"2"'
    headers = api.make_token(Role.INSPECTOR) | {"If-Match": '"1"'}
    response = api.client.put(f"{PATH}/c1", json={"name": "x"}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (412, "precondition.failed")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"zones": [{**PIT, "polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}]}, "camera.invalid_zone"),
        ({"zones": [{**PIT, "polygon": [[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]}]}, "camera.invalid_zone"),
        ({"zones": [PIT, PIT]}, "camera.invalid_zone"),
        ({"zones": [{**PIT, "polygon": [[0, 0], [640, 0], [0, 480]]}]}, "request.invalid"),
        ({"zones": [{**PIT, "polygon": [[0, 0], [1, 0]]}]}, "request.invalid"),
        ({"ground_points": GROUND[:3]}, "camera.degenerate_ground_points"),
        (
            {"ground_points": [{"image": [x, 0.7], "ground_m": [x, 25]} for x in (0.1, 0.3, 0.5, 0.9)]},
            "camera.degenerate_ground_points",
        ),
        ({"clock_skew_s": "late"}, "request.invalid"),
    ],
)
def test_put_camera__that_makes_no_sense__is_refused_with_the_reason(api: Api, body: dict[str, Any], code: str) -> None:
    """A zone that bounds nothing and points that fix no ground are told at once, not when somebody fell."""
    api.put_project()
    response = put_camera(api, **body)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert api.client.get(f"{PATH}/c1", headers=api.make_token(Role.ADMIN)).status_code == HTTPStatus.NOT_FOUND


def test_list_cameras__of_a_project__are_its_own(api: Api) -> None:
    """Cameras of one id in two projects are two cameras."""
    api.put_project("p1")
    api.put_project("p2")
    for number in range(3):
        put_camera(api, f"c{number}")
    headers = api.make_token(Role.SUPERVISOR)
    page = api.client.get(PATH, params={"limit": 2}, headers=headers).json()
    rest = api.client.get(PATH, params={"limit": 2, "after": page["next"]}, headers=headers).json()
    assert [each["id"] for each in page["items"] + rest["items"]] == ["c0", "c1", "c2"]
    assert api.client.get("/v1/projects/p2/cameras", headers=headers).json()["items"] == []


def test_put_camera__by_the_contractor__is_forbidden(api: Api) -> None:
    """Who is watched does not draw the zones."""
    api.put_project()
    response = api.client.put(f"{PATH}/c1", json={"name": "x"}, headers=api.make_token(Role.CONTRACTOR))
    assert (response.status_code, response.json()["code"]) == (403, "access.role_forbidden")


def test_put_camera__working_hours_and_silence__come_back(api: Api) -> None:
    """Outside of the hours nothing is asked of the camera; a span of nothing is refused."""
    api.put_project()
    hours = {"start": "07:00", "end": "18:30"}
    put_camera(api, working_hours=hours, silent_after_s=600)
    read = api.client.get(f"{PATH}/c1", headers=api.make_token(Role.CONTRACTOR)).json()
    assert (read["working_hours"], read["silent_after_s"]) == (hours, 600)
    refused = put_camera(api, working_hours={"start": "07:00", "end": "07:00"})
    assert (refused.status_code, refused.json()["code"]) == (422, "request.invalid")


def test_put_status__by_a_field_device__is_read_by_everybody(api: Api) -> None:
    """What was measured of the clock stays while later reports say nothing of it."""
    api.put_project()
    path, headers = f"{PATH}/gate/status", api.make_token(Role.FIELD)
    assert api.client.get(path, headers=headers).json()["code"] == "camera.never_heard"
    body = {"state": "sending", "next_within_s": 300, "clock_skew_s": 41.5}
    assert api.client.put(path, json=body, headers=headers).status_code == HTTPStatus.OK
    api.client.put(path, json={"state": "unreachable", "next_within_s": 300}, headers=headers)
    read = api.client.get(path, headers=api.make_token(Role.CONTRACTOR)).json()
    assert (read["state"], read["clock_skew_s"], read["faults"]) == ("unreachable", 41.5, [])
    assert read["heard_at"] < read["due_at"]
