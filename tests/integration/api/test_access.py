"""Every route of the application, asked by every role, near and far."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute

from api.application import list_routes
from api.openapi import find_roles
from domain.access import Role
from tests.integration.api.conftest import AREA, SQUARE, Api
from tests.pictures import make_jpeg

# The role may use the route, but not for this thing: an area that is not its own, another's photo with its faces.
OTHER_REFUSALS = {"access.area_forbidden", "media.faces_covered"}
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
# What a sender may do and see of its own, it does here; that others' are hidden has its own tests.
OWN = {"media_id", "finding_id"}
PLACE = {"structure": "bridge", "along_m": 0}


def list_cases() -> Iterator[tuple[str, str]]:
    """(method, path) of every route that needs a token."""
    for route in list_routes():
        if find_roles(route) is not None:
            for method in sorted(route.methods or ()):
                yield method, route.path


CASES = sorted(list_cases())


def find_route(method: str, path: str) -> APIRoute:
    """The route of this method and path."""
    return next(each for each in list_routes() if each.path == path and method in (each.methods or ()))


@pytest.fixture
def ids(api: Api) -> dict[str, str]:
    """One of each thing, in AREA."""
    core = api.make_token(Role.CORE)
    api.put_project()
    api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=core)
    line = {"type": "LineString", "coordinates": [[120.06, 30.29], [120.061, 30.29]]}
    feature = {"type": "Feature", "properties": {}, "geometry": line}
    api.client.put("/v1/projects/p1/alignment", json=feature, headers=core)
    api.client.put("/v1/projects/p1/milestones/m1", json={"title": "M"}, headers=core)
    sensor = {"project_id": "p1", "kind": "settlement", "unit": "mm", "placement": PLACE}
    api.client.put("/v1/sensors/s1", json=sensor, headers=core)
    api.client.put("/v1/projects/p1/cameras/c1", json={"name": "C"}, headers=core)
    sent = api.client.post(
        "/v1/projects/p1/media",
        files={"file": ("a.jpg", make_jpeg(lon=120.09, lat=30.29))},
        headers=api.make_token(Role.INSPECTOR),
    ).json()
    issue = {"project_id": "p1", "title": "Crack"}
    raised = api.client.post("/v1/issues", json=issue, headers=api.make_token(Role.INSPECTOR)).json()
    webhook = {"url": "https://core.example/hook"}
    api.client.put("/v1/webhooks/w1", json=webhook, headers=core)
    code = api.client.get("/v1/projects/p1", headers=core).json()["public_code"]
    form = {"text": "Crack", "opened": "0"}
    reported = api.client.post(f"/p/{code}/reports", data=form, follow_redirects=False)
    report_id = reported.headers["Location"].rpartition("/")[2].partition("?")[0]
    metadata = {"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": "project_id cDE="}
    begun = api.client.post("/v1/uploads", headers=api.make_token(Role.INSPECTOR) | metadata)
    return {
        "project_id": "p1",
        "upload_id": begun.headers["Location"].rpartition("/")[2],
        "milestone_id": "m1",
        "camera_id": "c1",
        "sensor_id": "s1",
        "media_id": sent["id"],
        "finding_id": sent["finding_ids"][0],
        "structure": "bridge",
        "issue_id": raised["id"],
        "webhook_id": "w1",
        "delivery_id": str(uuid4()),
        "report_id": report_id,
    }


def ask(api: Api, method: str, path: str, ids: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
    """Status and code of a request with an empty object for a body."""
    response = api.client.request(
        method, path.format(**ids), headers=headers, content=b"{}" if method != "GET" else None
    )
    is_problem = response.headers.get("content-type") == "application/problem+json"
    return response.status_code, response.json()["code"] if is_problem and method != "HEAD" else ""


@pytest.mark.parametrize(("method", "path"), CASES, ids=lambda value: value)
def test_route__asked_by_every_role__lets_in_whom_it_names_and_nobody_else(
    api: Api, ids: dict[str, str], method: str, path: str
) -> None:
    """In sight: the named roles come through, the others are forbidden; out of sight: not found; no token: 401."""
    roles = find_roles(find_route(method, path))
    assert roles is not None
    for role in Role:
        status, code = ask(api, method, path, ids, api.make_token(role))
        if role is Role.FIELD and OWN & set(path.replace("{", "}").split("}")):
            assert status == HTTPStatus.NOT_FOUND, role
        elif role in roles:
            assert status not in REFUSED or code in OTHER_REFUSALS, (role, code)
            assert status < HTTPStatus.INTERNAL_SERVER_ERROR
        else:
            assert (status, code) == (HTTPStatus.FORBIDDEN, "access.role_forbidden"), role
    assert ask(api, method, path, ids, {})[0] == HTTPStatus.UNAUTHORIZED
    assert ask(api, method, path, ids, {"Authorization": "Bearer sp_made_up"})[0] == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(("method", "path"), [case for case in CASES if "{" in case[1]], ids=lambda value: value)
def test_route__of_a_thing_out_of_sight__is_not_found_for_every_role(
    api: Api, ids: dict[str, str], method: str, path: str
) -> None:
    """Another area's thing cannot be told from one that does not exist."""
    for role in Role:
        far = ask(api, method, path, ids, api.make_token(role, area=AREA + "-2"))
        assert far[0] == HTTPStatus.NOT_FOUND, (role, far)
        if method == "GET":
            made_up = dict.fromkeys(ids, str(uuid4()))
            assert ask(api, method, path, made_up, api.make_token(role, area=AREA + "-2")) == far


def test_token__revoked__is_unknown_at_once(api: Api) -> None:
    """A revoked token opens nothing."""
    from storage.token import list_tokens, revoke_token  # noqa: PLC0415

    headers = api.make_token(Role.CORE)
    assert api.client.get("/v1/whoami", headers=headers).json()["role"] == "core"
    with api.database.transaction() as connection:
        for token in list_tokens(connection):
            revoke_token(connection, token_id=token.id)
    assert api.client.get("/v1/whoami", headers=headers).status_code == HTTPStatus.UNAUTHORIZED


def test_openapi__over_http__names_the_roles(api: Api) -> None:
    """An integrator reads in openapi.json who may use a route."""
    schema = api.client.get("/openapi.json").json()
    review = schema["paths"]["/v1/findings/{finding_id}/review"]["post"]
    assert review["x-roles"] == ["inspector"]
    assert json.dumps(schema).count("#/components/schemas/Problem") > 20
