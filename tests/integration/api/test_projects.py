import time
from concurrent.futures import ThreadPoolExecutor, wait

from domain.access import Role
from storage.project import lock_project
from tests.integration.api.conftest import AREA, SQUARE, Api


def test_put_project__new__is_created_with_its_defaults_and_a_public_code(api: Api) -> None:
    """A new project answers 201 with what was silent filled in."""
    response = api.put_project()
    body = response.json()
    assert response.status_code == 201
    assert body["time_zone"] == "Asia/Shanghai"
    assert body["class"] == "B"
    assert len(body["public_code"]) == 10
    assert response.headers["etag"] == '"1"'


def test_put_project__the_same_again__changes_nothing(api: Api) -> None:
    """A PUT is idempotent: 200, the same version and code."""
    first = api.put_project()
    second = api.put_project()
    assert second.status_code == 200
    assert second.headers["etag"] == first.headers["etag"]
    assert second.json() == first.json()


def test_put_project__if_match_of_an_old_version__is_refused(api: Api) -> None:
    """Who edits what somebody else changed is told so."""
    api.put_project()
    api.put_project(name="改名")
    headers = api.make_token(Role.CORE) | {"If-Match": '"1"'}
    body = {"name": "x", "kind": "road", "area": AREA}
    response = api.client.put("/v1/projects/p1", json=body, headers=headers)
    assert response.status_code == 412
    assert response.json()["code"] == "precondition.failed"


def test_put_project__two_editors_of_one_version_at_once__only_one_comes_through(api: Api) -> None:
    """If-Match is judged by what is stored when the change is made, not by what was there when the request came."""
    api.put_project()
    headers = api.make_token(Role.CORE) | {"If-Match": '"1"'}

    def edit(name: str) -> int:
        body = {"name": name, "kind": "road", "area": AREA}
        return api.client.put("/v1/projects/p1", json=body, headers=headers).status_code

    with ThreadPoolExecutor() as pool:
        # Held, so that both requests have come and neither has changed anything.
        with api.database.transaction() as connection:
            lock_project(connection, project_id="p1")
            edits = [pool.submit(edit, name) for name in ("甲", "乙")]
            deadline = time.monotonic() + 30
            while count_waiting(api) < len(edits) and time.monotonic() < deadline:
                wait([*edits], timeout=0.1)
        statuses = sorted(each.result() for each in edits)
    assert statuses == [200, 412]


def count_waiting(api: Api) -> int:
    """How many connections to this database wait for a lock."""
    with api.database.transaction() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return 0 if row is None else int(row[0])


def test_put_project__in_an_area_that_the_token_has_not__is_forbidden(api: Api) -> None:
    """A token puts projects into its own area only."""
    body = {"name": "x", "kind": "road", "area": "county/other"}
    response = api.client.put("/v1/projects/p9", json=body, headers=api.make_token(Role.CORE))
    assert (response.status_code, response.json()["code"]) == (403, "access.area_forbidden")


def test_put_project__position_in_gcj02__keeps_the_given_value_and_its_frame(api: Api) -> None:
    """The converted position stands beside the given one."""
    body = api.put_project(position={"lon": 120.0646, "lat": 30.2876, "crs": "gcj02"}).json()
    assert body["position"]["given"] == {"lon": 120.0646, "lat": 30.2876, "crs": "gcj02"}
    # GCJ-02 is 300 to 600 m off in Hangzhou: 0.002 to 0.006 degrees of longitude and latitude together.
    assert 0.002 < abs(body["position"]["lon"] - 120.0646) + abs(body["position"]["lat"] - 30.2876) < 0.012


def test_put_project__position_as_geojson_point__is_read(api: Api) -> None:
    """A GeoJSON Point is a position, longitude first."""
    body = api.put_project(position={"type": "Point", "coordinates": [120.06, 30.29]}).json()
    assert body["position"]["coordinates"] == [120.06, 30.29]


def test_get_project__of_another_area__is_not_found(api: Api) -> None:
    """What a token may not see is not there."""
    api.put_project()
    headers = api.make_token(Role.SUPERVISOR, area="county/town/vill")
    assert api.client.get("/v1/projects/p1", headers=headers).status_code == 404
    assert api.client.get("/v1/projects", headers=headers).json()["items"] == []


def test_get_project__token_of_another_project__is_not_found(api: Api) -> None:
    """A project token sees its own project alone."""
    api.put_project("p1")
    api.put_project("p2")
    headers = api.make_token(Role.CONTRACTOR, project="p2")
    assert api.client.get("/v1/projects/p1", headers=headers).status_code == 404
    assert [item["id"] for item in api.client.get("/v1/projects", headers=headers).json()["items"]] == ["p2"]


def test_list_projects__walked_by_pages__skips_none_and_repeats_none(api: Api) -> None:
    """Following `next` to its end gives every project once."""
    for number in range(7):
        api.put_project(f"p{number}")
    headers, seen, after = api.make_token(Role.CORE), [], None
    while True:
        page = api.client.get(
            "/v1/projects", params={"limit": 3} | ({"after": after} if after else {}), headers=headers
        ).json()
        seen += [item["id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [f"p{number}" for number in range(7)]


def test_list_projects__made_up_cursor__is_refused(api: Api) -> None:
    """A cursor that we did not give out is told as such."""
    response = api.client.get("/v1/projects?after=%FF%00", headers=api.make_token(Role.CORE))
    assert (response.status_code, response.json()["code"]) == (422, "page.invalid_cursor")


def test_put_boundary__square__comes_back_in_wgs84_with_what_was_given(api: Api) -> None:
    """A boundary is kept as given and as converted."""
    api.put_project()
    headers = api.make_token(Role.CORE)
    response = api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=headers)
    assert response.status_code == 201
    read = api.client.get("/v1/projects/p1/boundary", headers=headers).json()
    assert read["given"] == SQUARE
    assert read["geometry"]["type"] == "Polygon"


def test_put_boundary__far_from_the_projects_position__is_refused_with_the_reason(api: Api) -> None:
    """A wrong frame or zone is caught by the project's own position."""
    api.put_project(position={"lon": 104.0, "lat": 30.6})
    response = api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=api.make_token(Role.CORE))
    assert (response.status_code, response.json()["code"]) == (422, "geofence.far_from_project")


def test_put_boundary__bow_tie__is_refused(api: Api) -> None:
    """A boundary that crosses itself bounds nothing."""
    api.put_project()
    ring = [[120.0, 30.0], [120.01, 30.01], [120.01, 30.0], [120.0, 30.01], [120.0, 30.0]]
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    response = api.client.put("/v1/projects/p1/boundary", json=feature, headers=api.make_token(Role.CORE))
    assert (response.status_code, response.json()["code"]) == (422, "geofence.self_crossing_boundary")


def test_put_alignment__with_start_chainage__keeps_it(api: Api) -> None:
    """An alignment begins where its drawing says."""
    api.put_project()
    feature = {
        "type": "Feature",
        "properties": {"start_chainage_m": 150.0},
        "geometry": {"type": "LineString", "coordinates": [[120.06, 30.29], [120.063, 30.291]]},
    }
    headers = api.make_token(Role.CORE)
    assert api.client.put("/v1/projects/p1/alignment", json=feature, headers=headers).status_code == 201
    read = api.client.get("/v1/projects/p1/alignment", headers=headers).json()
    assert read["properties"]["start_chainage_m"] == 150.0


def test_put_milestone__that_would_come_before_itself__is_refused(api: Api) -> None:
    """The order of milestones has no circle."""
    api.put_project()
    headers = api.make_token(Role.CORE)
    path = "/v1/projects/p1/milestones"
    assert api.client.put(f"{path}/a", json={"title": "A"}, headers=headers).status_code == 201
    assert api.client.put(f"{path}/b", json={"title": "B", "after": ["a"]}, headers=headers).status_code == 201
    response = api.client.put(f"{path}/a", json={"title": "A", "after": ["b"]}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "milestone.cycle")


def test_get_gate__photos_required_and_none_there__holds_with_the_reason(api: Api) -> None:
    """The gate says why it holds."""
    api.put_project()
    headers = api.make_token(Role.CORE)
    body = {"title": "A", "requires": {"photos": {"min": 2}}}
    api.client.put("/v1/projects/p1/milestones/a", json=body, headers=headers)
    gate = api.client.get("/v1/projects/p1/milestones/a/gate", headers=headers).json()
    assert gate["verdict"] == "hold"
    assert [(reason["code"], reason["needed"]) for reason in gate["reasons"]] == [("gate.photos_missing", 2)]


def test_get_gate__nothing_required_and_nothing_wrong__passes(api: Api) -> None:
    """A milestone with nothing against it passes."""
    api.put_project()
    headers = api.make_token(Role.CORE)
    api.client.put("/v1/projects/p1/milestones/a", json={"title": "A"}, headers=headers)
    assert api.client.get("/v1/projects/p1/milestones/a/gate", headers=headers).json()["verdict"] == "pass"


def test_put_project__nan_and_nul_and_deep_nesting__are_refused_not_bugs(api: Api) -> None:
    """What PostgreSQL or another reader could not read again is refused at the door."""
    headers = api.make_token(Role.CORE) | {"Content-Type": "application/json"}
    bodies = [
        b'{"name": "x", "kind": "road", "area": "county", "position": {"lon": NaN, "lat": 1}}',
        b'{"name": "a\\u0000b", "kind": "road", "area": "county"}',
        b'{"name": "\\ud800", "kind": "road", "area": "county"}',
        b"[" * 100_000,
        b"{",
        b"",
        b"[]",
        b'{"name": "x", "kind": "road", "area": "county", "colour": 1}',
    ]
    for body in bodies:
        response = api.client.put("/v1/projects/p1", content=body, headers=headers)
        assert response.status_code == 422, body[:40]
        assert response.headers["content-type"] == "application/problem+json"
