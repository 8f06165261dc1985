"""A project's own hazard rules over HTTP."""

from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from domain.access import Role
from tests.integration.api.conftest import Api

PATH = "/v1/projects/p1/hazard-rules"


def put_rules(api: Api, rules: dict[str, Any], *, role: Role = Role.SUPERVISOR, if_match: str = "") -> httpx2.Response:
    """Set the rules of p1."""
    extra = {"If-Match": if_match} if if_match else {}
    return api.client.put(PATH, json={"rules": rules}, headers=api.make_token(role) | extra)


def test_get_hazard_rules__never_changed__are_the_files(api: Api) -> None:
    """Without a word of the project's the rules in force are the file's, and one says which class it lacks."""
    api.put_project()
    response = api.client.get(PATH, headers=api.make_token(Role.INSPECTOR))
    body = response.json()
    assert response.status_code == HTTPStatus.OK
    assert (body["given"], body["set_at"]) == ({}, None)
    assert body["rules"]["no_hardhat"]["severity"] == "major"
    assert body["versions"]["no_hardhat"] == "1"
    assert body["missing_classes"] == {"crowding_under_load": ["lifted_load"]}
    assert body["rules"]["crowding_under_load"]["enabled"] is False


def test_put_hazard_rules__one_figure__leaves_the_others_and_names_its_version(api: Api) -> None:
    """What the project says counts, the rest stays the file's; the changed rule's version says whose it is."""
    api.put_project()
    created = put_rules(api, {"no_vest": {"severity": "major"}})
    assert (created.status_code, created.headers["etag"]) == (HTTPStatus.CREATED, '"1"')
    again = put_rules(api, {"no_vest": {"severity": "major"}})
    assert (again.status_code, again.headers["etag"]) == (HTTPStatus.OK, '"1"')
    changed = put_rules(api, {"no_vest": {"severity": "critical"}, "lone_worker": {"enabled": False}}).json()
    assert changed["rules"]["no_vest"]["severity"] == "critical"
    assert changed["rules"]["no_vest"]["cooldown_s"] == 600
    assert (changed["versions"]["no_vest"], changed["versions"]["no_hardhat"]) == ("1+2", "1")
    read = api.client.get(PATH, headers=api.make_token(Role.CONTRACTOR))
    assert read.json() == changed
    assert read.headers["etag"] == '"2"'


def test_put_hazard_rules__with_if_match_of_an_old_version__is_refused(api: Api) -> None:
    """Two supervisors do not overwrite each other unseen."""
    api.put_project()
    put_rules(api, {"no_vest": {"severity": "major"}})
    put_rules(api, {})
    response = put_rules(api, {"no_vest": {"severity": "info"}}, if_match='"1"')
    assert (response.status_code, response.json()["code"]) == (412, "precondition.failed")
    assert put_rules(api, {"no_vest": {"severity": "info"}}, if_match='"2"').status_code == HTTPStatus.OK


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"no_helmet": {}}, "no_helmet"),
        ({"no_vest": {"colour": "lime"}}, "no_vest.colour"),
        ({"no_vest": {"severity": "grave"}}, "no_vest.severity"),
        ({"no_vest": {"cooldown_s": -1}}, "no_vest.cooldown_s"),
        ({"no_vest": {"enabled": "yes"}}, "no_vest.enabled"),
        ({"no_vest": {"version": 7}}, "no_vest.version"),
        ({"machinery_reach": {"reach_m": 1000}}, "machinery_reach.reach_m"),
        ({"machinery_reach": {"machinery": []}}, "machinery_reach.machinery"),
        ({"no_cones": {"working_hours": {"start": "7:00", "end": "19:00"}}}, "no_cones.working_hours.start"),
        ({"no_cones": {"working_hours": {"start": "07:00", "end": "07:00"}}}, "no_cones.working_hours"),
        ({"lone_worker": {"dwell_s": 0}}, "lone_worker"),
    ],
)
def test_put_hazard_rules__senseless__is_refused_and_the_field_named(
    api: Api, rules: dict[str, Any], field: str
) -> None:
    """Nothing of a refused change is kept."""
    api.put_project()
    response = put_rules(api, rules)
    assert (response.status_code, response.json()["code"]) == (422, "hazard_rules.malformed")
    assert response.json()["field"] == field
    assert api.client.get(PATH, headers=api.make_token(Role.ADMIN)).json()["set_at"] is None


def test_put_hazard_rules__class_that_no_model_knows__is_refused_with_the_reason(api: Api) -> None:
    """A rule that can never speak is worse than none: it looks as if somebody watched."""
    api.put_project()
    response = put_rules(api, {"crowding_under_load": {"enabled": True}})
    body = response.json()
    assert (response.status_code, body["code"]) == (422, "hazard_rules.unknown_class")
    assert (body["rule"], body["classes"]) == ("crowding_under_load", ["lifted_load"])
    assert "person" in body["known"]
    with_crane = put_rules(api, {"machinery_reach": {"machinery": ["machinery", "crane"]}})
    assert with_crane.json()["classes"] == ["crane"]
    assert put_rules(api, {"crowding_under_load": {"enabled": True, "loads": ["machinery"]}}).status_code == 201


def test_put_hazard_rules__by_who_is_judged_or_judges_by_them__is_forbidden(api: Api) -> None:
    """The contractor and the inspector read the rules; neither makes them."""
    api.put_project()
    for role in (Role.CONTRACTOR, Role.INSPECTOR, Role.CORE, Role.FIELD):
        assert put_rules(api, {}, role=role).status_code == HTTPStatus.FORBIDDEN
        reading = api.client.get(PATH, headers=api.make_token(role)).status_code
        assert reading == (HTTPStatus.FORBIDDEN if role is Role.FIELD else HTTPStatus.OK)


def test_put_hazard_rules__changed__is_told_and_stays_on_record(api: Api) -> None:
    """An event says that they changed, and every version stays in the table."""
    api.put_project()
    put_rules(api, {"no_vest": {"severity": "major"}})
    put_rules(api, {})
    told = api.client.get("/v1/events", headers=api.make_token(Role.CORE)).json()["items"]
    assert [each["type"] for each in told].count("siteproof.project.hazard_rules_changed") == 2
    with api.database.transaction() as connection:
        rows = connection.execute("SELECT version, given, set_by FROM hazard_rules ORDER BY version").fetchall()
    assert rows == [(1, {"no_vest": {"severity": "major"}}, "test supervisor"), (2, {}, "test supervisor")]
