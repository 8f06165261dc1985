"""Check-ins from the phone to the gate."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from domain.access import Role
from tests.integration.api.conftest import SQUARE, Api

CHECKINS = "/v1/projects/p1/checkins"
INSIDE = {"lon": 120.0605, "lat": 30.2905, "accuracy_m": 8}
# 0.001 degrees of latitude are 111 m: that far north of the middle, so some 55 m outside.
OUTSIDE = {"lon": 120.0605, "lat": 30.2915, "accuracy_m": 8}


@pytest.fixture
def phone(api: Api) -> dict[str, str]:
    """A field token; a project with a boundary whose milestone requires a check-in."""
    core = api.make_token(Role.CORE)
    api.put_project()
    api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=core).raise_for_status()
    body = {"title": "M", "requires": {"checkin": True}}
    api.client.put("/v1/projects/p1/milestones/m1", json=body, headers=core).raise_for_status()
    return api.make_token(Role.FIELD)


def reasons(api: Api) -> list[dict[str, Any]]:
    """Why the gate holds."""
    told = api.client.get("/v1/projects/p1/milestones/m1/gate", headers=api.make_token(Role.CORE)).json()["reasons"]
    assert isinstance(told, list)
    return told


def test_checkin__outside_then_inside__holds_then_lets_the_gate_pass(api: Api, phone: dict[str, str]) -> None:
    """The gate says how far away the last one was."""
    assert [each["code"] for each in reasons(api)] == ["gate.checkin_missing"]
    far = api.client.post(CHECKINS, json={"milestone_id": "m1", "position": OUTSIDE}, headers=phone)
    assert (far.status_code, far.json()["side"]) == (201, "outside")
    (reason,) = reasons(api)
    assert (reason["side"], reason["checkins"]) == ("outside", 1)
    assert reason["distance_m"] == pytest.approx(55, abs=2)

    near = api.client.post(CHECKINS, json={"milestone_id": "m1", "position": INSIDE}, headers=phone)
    assert near.json()["side"] == "inside"
    assert reasons(api) == []
    listed = api.client.get(CHECKINS, params={"milestone_id": "m1"}, headers=api.make_token(Role.INSPECTOR)).json()
    assert [each["side"] for each in listed["items"]] == ["outside", "inside"]


def test_checkin__sent_twice__is_one(api: Api, phone: dict[str, str]) -> None:
    """A phone that lost the answer sends it again; another place under the same id is a mistake."""
    body = {"milestone_id": "m1", "position": INSIDE, "client_id": str(uuid4())}
    first, again = (api.client.post(CHECKINS, json=body, headers=phone) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = api.client.post(CHECKINS, json=body | {"position": OUTSIDE}, headers=phone)
    assert (other.status_code, other.json()["code"]) == (409, "checkin.client_id_taken")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"position": {"lon": 0, "lat": 0}}, "checkin.no_fix"),
        ({"at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, "checkin.in_future"),
        ({"milestone_id": "m2"}, "milestone.unknown"),
    ],
)
def test_checkin__that_cannot_be__is_refused(
    api: Api, phone: dict[str, str], changes: dict[str, object], code: str
) -> None:
    """Nothing is stored."""
    answer = api.client.post(CHECKINS, json={"milestone_id": "m1", "position": INSIDE, **changes}, headers=phone)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
