"""Alarms over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from domain.access import Role
from domain.errors import SiteproofError
from iot.alarm_level import parse_alarms
from iot.batch import SensorDirectory, store_batch
from iot.decoding import read_message
from tests.integration.api.conftest import Api

YELLOW = {"level": "yellow", "above": 10, "action": "inspect"}
RED = {"level": "red", "above": 20, "for_n": 2, "action": "close it"}


def put(api: Api, **changes: Any) -> None:  # noqa: ANN401 - any field
    """A bridge with one gauge of two levels."""
    api.put_project("b1", kind="bridge")
    body = {"project_id": "b1", "kind": "settlement", "unit": "mm", "alarms": [YELLOW, RED], **changes}
    assert api.client.put("/v1/sensors/g", json=body, headers=api.make_token(Role.CORE)).is_success


def publish(api: Api, *values: float, end: datetime | None = None) -> datetime:
    """Store values each minute, the last one at `end`, and return that."""
    last = end or datetime.now(UTC).replace(microsecond=0)
    times = [last - timedelta(minutes=len(values) - 1 - n) for n in range(len(values))]
    items = [{"t": t.isoformat(), "v": v} for t, v in zip(times, values, strict=True)]
    message = read_message("siteproof/v1/b1/g", json.dumps(items).encode(), arrived_at=last)
    with api.database.transaction() as connection:
        store_batch(connection, messages=[message], directory=SensorDirectory())
    return last


def ask(api: Api, **params: str) -> dict[str, Any]:
    """What the route says."""
    response = api.client.get("/v1/sensors/g/alarms", params=params, headers=api.make_token(Role.INSPECTOR))
    assert response.status_code == HTTPStatus.OK, response.text
    body: dict[str, Any] = response.json()
    return body


def states(body: dict[str, Any]) -> dict[str, str]:
    """The state of each level."""
    return {each["level"]: each["state"] for each in body["levels"]}


def test_alarms__never_heard_of(api: Api) -> None:
    """Of a sensor that never said anything nothing is known, and drift cannot be told."""
    put(api)
    body = ask(api)
    assert states(body) == {"yellow": "unknown", "red": "unknown"}
    assert (body["is_stale"], body["judged_until"], body["items"]) == (True, None, [])
    assert {each["state"] for each in body["gauge"]} == {"cannot_tell"}


def test_alarms__normal_pending_raised(api: Api) -> None:
    """A level is normal, then waits for its confirmation, then is raised, with its finding, limit and action."""
    put(api)
    publish(api, *(1 + n / 100 for n in range(9)), end=datetime.now(UTC) - timedelta(minutes=4))
    assert states(ask(api)) == {"yellow": "normal", "red": "normal"}
    publish(api, 15.0, 15.1, end=datetime.now(UTC) - timedelta(minutes=1))
    assert states(ask(api)) == {"yellow": "pending", "red": "normal"}
    publish(api, 15.2)
    body = ask(api)
    assert states(body) == {"yellow": "raised", "red": "normal"}
    (yellow, _) = body["levels"]
    assert (yellow["value"], yellow["above"], yellow["action"]) == (15.2, 10.0, "inspect")
    (episode,) = body["items"]
    assert (episode["level"], episode["code"], episode["ended_at"]) == ("yellow", "sensor.threshold", None)
    finding = api.client.get("/v1/findings", headers=api.make_token(Role.INSPECTOR)).json()["items"][0]
    assert (finding["id"], finding["status"]) == (episode["finding_id"], "open")


def test_alarms__stale_is_unknown_but_what_was_raised_stays(api: Api) -> None:
    """Hours after the last reading a level is unknown; one that was raised stays raised until its end is known."""
    put(api)
    publish(api, *([1.0, 1.1] * 10), *([15.0, 15.1] * 5), end=datetime.now(UTC) - timedelta(hours=3))
    body = ask(api)
    assert (states(body), body["is_stale"]) == ({"yellow": "raised", "red": "unknown"}, True)


def test_alarms__suppressed(api: Api) -> None:
    """Within a suppression what is confirmed is suppressed, and no finding is made."""
    now = datetime.now(UTC)
    window = {"from": (now - timedelta(hours=1)).isoformat(), "to": (now + timedelta(hours=1)).isoformat()}
    put(api, suppressions=[{**window, "reason": "load test"}])
    publish(api, *(15 + n / 100 for n in range(9)))
    body = ask(api)
    assert (states(body), body["items"]) == ({"yellow": "suppressed", "red": "normal"}, [])


def test_alarms__episodes_by_pages(api: Api) -> None:
    """The episodes come newest first, page by page, each once."""
    put(api, alarms=[{**YELLOW, "for_n": 1}])
    publish(api, *[15.0, 1.0, 15.1, 1.1, 15.2, 1.2, 15.3])
    found, after = [], ""
    while True:
        body = ask(api, limit="3", **({"after": after} if after else {}))
        found += [each["since"] for each in body["items"]]
        if body["next"] is None:
            break
        after = body["next"]
    assert len(found) == 4
    assert found == sorted(set(found), reverse=True)


def test_alarm_templates__none_applies_by_itself(api: Api) -> None:
    """Each names its source and who must confirm, holds no figure, and is refused by the registry as it stands."""
    items = api.client.get("/v1/alarm-templates", headers=api.make_token(Role.CONTRACTOR)).json()["items"]
    assert {each["kind"] for each in items} == {"settlement", "crack_width", "tilt", "water_level"}
    for each in items:
        assert each["source"]["standard"]
        assert set(each["must_confirm"]) == {"zh", "en"}
        for level in each["alarms"]:
            assert all(level[quantity] is None for quantity in each["quantities"])
            with pytest.raises(SiteproofError):
                parse_alarms([level])
