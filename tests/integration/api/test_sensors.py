"""The registry of sensors over HTTP."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from domain.access import Role
from iot.batch import SensorDirectory, store_batch
from iot.decoding import read_message
from tests.integration.api.conftest import Api
from tests.sparkplug_payloads import encode

BODY: dict[str, Any] = {"project_id": "p1", "kind": "settlement", "unit": "mm"}
START = datetime(2026, 7, 1, tzinfo=UTC)
START_MS = 1782864000000  # date -u -d 2026-07-01T00:00:00Z +%s prints 1782864000


def test_put_sensor__everything_that_is_known(api: Api) -> None:
    """What was given comes back, and giving it again changes nothing."""
    api.put_project()
    headers = api.make_token(Role.CORE)
    body = BODY | {
        "resolution": 0.01,
        "baseline": 1.5,
        "placement": {"structure": "bridge", "along_m": 12.5, "across_m": -1.0, "height_m": None},
        "events": [{"at": "2026-07-01T00:00:00Z", "text": "deck cast", "is_loading": True}],
        "suppressions": [{"from": "2026-07-01T00:00:00Z", "to": "2026-07-02T00:00:00Z", "reason": "load test"}],
    }
    first = api.client.put("/v1/sensors/s1", json=body, headers=headers)
    assert first.status_code == HTTPStatus.CREATED
    assert {key: first.json()[key] for key in body} == body
    again = api.client.put("/v1/sensors/s1", json=body, headers=headers)
    assert (again.status_code, again.headers["ETag"]) == (HTTPStatus.OK, first.headers["ETag"])
    assert api.client.get("/v1/sensors/s1", headers=headers).json() == first.json()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"unit": "°C"}, "sensor.invalid_unit"),
        ({"calibration": {"unit": "kPa"}}, "sensor.invalid_calibration"),
        ({"calibration": {"reference": {"sensor_id": "nobody"}}}, "sensor.unknown_reference"),
        ({"calibration": {"reference": {"sensor_id": "s1"}}}, "sensor.reference_chain"),
    ],
)
def test_put_sensor__refused(api: Api, change: dict[str, Any], code: str) -> None:
    """Each refusal has its own code."""
    api.put_project()
    response = api.client.put("/v1/sensors/s1", json=BODY | change, headers=api.make_token(Role.CORE))
    assert (response.status_code, response.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, code)


def test_post_instrument__versions_are_kept(api: Api) -> None:
    """A new instrument shows in the sensor, in its versions and in its ETag; one before it is a conflict."""
    api.put_project()
    headers = api.make_token(Role.CORE)
    api.client.put("/v1/sensors/s1", json=BODY, headers=headers)
    given = {"since": "2026-07-01T00:00:00Z", "serial": "B-7", "calibration": {"scale": 2}, "level": 3.0}
    replaced = api.client.post("/v1/sensors/s1/instruments", json=given, headers=headers)
    assert replaced.status_code == HTTPStatus.CREATED
    assert replaced.json()["instruments"] == [
        {"since": None, "serial": None, "calibration": {}, "level": None, "offset": 0.0},
        given | {"offset": None},
    ]
    assert replaced.json()["calibration"] == {"scale": 2}
    earlier = api.client.post("/v1/sensors/s1/instruments", json=given, headers=headers)
    assert (earlier.status_code, earlier.json()["code"]) == (HTTPStatus.CONFLICT, "sensor.instrument_out_of_order")
    versions = api.client.get("/v1/sensors/s1/calibrations", headers=headers).json()["items"]
    assert [each["calibration"] for each in versions] == [{}, {"scale": 2}]


def test_post_instrument__who_may(api: Api) -> None:
    """An inspector sees it and may not, another county does not see it."""
    api.put_project()
    api.client.put("/v1/sensors/s1", json=BODY, headers=api.make_token(Role.CORE))
    given = {"since": "2026-07-01T00:00:00Z"}
    for headers, status in (
        (api.make_token(Role.INSPECTOR), HTTPStatus.FORBIDDEN),
        (api.make_token(Role.CORE, area="elsewhere"), HTTPStatus.NOT_FOUND),
    ):
        assert api.client.post("/v1/sensors/s1/instruments", json=given, headers=headers).status_code == status


def test_get_latest__edge_node_offline(api: Api) -> None:
    """The newest reading of a Sparkplug metric says since when its node is offline, until it is born again."""
    api.put_project()
    headers = api.make_token(Role.CORE)
    for sensor_id in ("level", "other"):
        api.client.put(f"/v1/sensors/{sensor_id}", json=BODY, headers=headers)
    directory = SensorDirectory()

    def come(second: int, topic: str, payload: bytes) -> None:
        message = read_message(topic, payload, arrived_at=START + timedelta(seconds=second))
        with api.database.transaction() as connection:
            store_batch(connection, messages=[message], directory=directory)

    def find_stale_since(sensor_id: str = "level") -> object:
        return api.client.get(f"/v1/sensors/{sensor_id}/latest", headers=headers).json()["stale_since"]

    birth = encode({"name": "level", "datatype": 10, "double_value": 1.0}, timestamp=START_MS, seq=0)
    come(0, "spBv1.0/p1/NBIRTH/gw", birth)
    come(1, "siteproof/v1/p1/other", b'{"t": "2026-07-01T00:00:00Z", "v": 1}')
    assert find_stale_since() is None
    come(5, "spBv1.0/p1/NDEATH/gw", encode(timestamp=START_MS))
    assert find_stale_since() == "2026-07-01T00:00:05Z"
    assert find_stale_since("other") is None
    come(6, "spBv1.0/p1/NBIRTH/gw2", birth)  # another node stands for it, and is online
    assert find_stale_since() is None
    come(7, "spBv1.0/p1/NDEATH/gw2", encode(timestamp=START_MS))
    assert find_stale_since() == "2026-07-01T00:00:07Z"
    come(8, "spBv1.0/p1/NBIRTH/gw", birth)
    assert find_stale_since() is None


def test_list_latest__every_sensor_within_sight(api: Api) -> None:
    """The newest by its own time, a silent sensor without one, page by page; another county sees none of it."""
    api.put_project()
    core = api.make_token(Role.CORE)
    for name in ("s1", "s2", "s3"):
        api.client.put(f"/v1/sensors/{name}", json=BODY, headers=core)
    with api.database.transaction() as connection:
        text = b'[{"t": "2026-07-01T01:00:00Z", "v": 2}, {"t": "2026-07-01T00:00:00Z", "v": 1}]'
        message = read_message("siteproof/v1/p1/s1", text, arrived_at=START + timedelta(hours=2))
        store_batch(connection, messages=[message], directory=SensorDirectory())
    shown = api.client.get("/v1/latest?limit=2", headers=core).json()
    assert [(each["sensor_id"], each["t"], each["v"]) for each in shown["items"]] == [
        ("s1", "2026-07-01T01:00:00Z", 2.0),
        ("s2", None, None),
    ]
    rest = api.client.get(f"/v1/latest?limit=2&after={shown['next']}", headers=core).json()
    assert ([each["sensor_id"] for each in rest["items"]], rest["next"]) == (["s3"], None)
    (first, *_others) = api.client.get("/v1/latest?project_id=p1", headers=core).json()["items"]
    assert (first["kind"], first["unit"], first["q"], first["stale_since"]) == ("settlement", "mm", "good", None)
    elsewhere = api.make_token(Role.INSPECTOR, area="elsewhere")
    assert api.client.get("/v1/latest", headers=elsewhere).json() == {"items": [], "next": None}
