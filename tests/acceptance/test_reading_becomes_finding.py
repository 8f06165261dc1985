import json
from datetime import UTC, datetime, timedelta

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from domain.access import Role
from tests.acceptance.conftest import Service, set_up_road, wait_for

ALARM = {"level": "red", "above": 10, "for_s": 60, "hysteresis": 1, "action": "立即停工 Stop work at once"}


def test_reading_becomes_finding(service: Service) -> None:
    """A settlement that stays above its level becomes one finding; what cannot be read does not stop its neighbours."""
    set_up_road(service, "reading-bridge")
    sensor = {"project_id": "reading-bridge", "kind": "settlement", "unit": "mm", "alarms": [ALARM]}
    assert service.admin.put("/v1/sensors/pier-7", json=sensor).status_code == 201
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
    values = [2.0, 4.0, 11.0, 11.5, 12.0, 12.5]
    payloads: list[bytes] = [
        json.dumps({"t": (now + timedelta(seconds=60 * n)).isoformat(), "v": v}).encode() for n, v in enumerate(values)
    ]
    bad = [b"not json", b'{"t": "1970-01-01T00:00:00Z", "v": 1}', b'{"t": "2099-01-01T00:00:00Z", "v": 1}']
    bad += [b'{"t": 1, "v": NaN}', b"", b"\xff\xfe"]
    client = Client(CallbackAPIVersion.VERSION2, client_id="reading-test")
    client.connect("127.0.0.1", service.mqtt_port)
    client.loop_start()
    for payload in [*payloads[:3], *bad, *payloads[3:]]:
        client.publish("siteproof/v1/reading-bridge/pier-7", payload, qos=1).wait_for_publish(30)
    client.publish("siteproof/v1/reading-bridge/nobody", payloads[0], qos=1).wait_for_publish(30)
    client.publish("siteproof/v1/other-project/pier-7", payloads[0], qos=1).wait_for_publish(30)
    client.disconnect()
    client.loop_stop()

    inspector = service.make_client(Role.INSPECTOR)
    (finding,) = wait_for(
        lambda: inspector.get("/v1/findings", params={"project_id": "reading-bridge"}).json()["items"]
    )
    assert (finding["kind"], finding["severity"], finding["sensor_id"]) == ("sensor", "critical", "pier-7")
    # Above since the reading of minute 2; counted after 60 s of the readings' own time, whenever they arrived.
    assert finding["details"]["action"] == ALARM["action"]
    page = wait_for(lambda: _list_readings(service, len(values)))
    assert [each["v"] for each in page] == values
    assert service.admin.get("/v1/sensors/pier-7/latest").json()["v"] == 12.5
    assert len(inspector.get("/v1/findings", params={"project_id": "reading-bridge"}).json()["items"]) == 1


def _list_readings(service: Service, count: int) -> list[dict[str, float]] | None:
    items: list[dict[str, float]] = service.admin.get("/v1/sensors/pier-7/readings").json()["items"]
    return items if len(items) >= count else None
