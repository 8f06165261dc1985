import json
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.acceptance.conftest import Service, set_up_road, wait_for

PHOTOS = 12
READINGS = 6000
KILLS = 3


def test_worker_killed_in_the_middle__every_photo_is_analysed_once(service: Service, repository: Path) -> None:
    """Kill -9 of the worker while it analyses: it is started again, and each photo is analysed once."""
    set_up_road(service, "kill-road")
    original = (repository / "sample_media" / "road-no-hardhat.jpg").read_bytes()
    # All that follow are copies of it, and so alike in what is found.
    assert service.admin.post("/v1/projects/kill-road/media", files={"file": ("a.jpg", original)}).status_code == 201
    wait_for(lambda: _count(service, "analysed") == 1, seconds=60)
    ids = []
    for number in range(PHOTOS):
        # Bytes behind the end of a JPEG change its hash and nothing that is seen.
        files = {"file": ("a.jpg", original + bytes([number]))}
        sent = service.admin.post("/v1/projects/kill-road/media", files=files)
        assert sent.status_code == 201
        ids.append(sent.json()["id"])
    for _ in range(KILLS):
        wait_for(lambda: _count(service, "analysing") or _count(service, "analysed") == PHOTOS + 1)
        service.kill_part("worker")
        wait_for(lambda: _is_running(service, "worker"))
    wait_for(lambda: _count(service, "analysed") == PHOTOS + 1, seconds=180)

    media = [service.admin.get(f"/v1/media/{media_id}").json() for media_id in ids]
    codes = [sorted(_finding_codes(service, each)) for each in media]
    assert codes[0]
    assert codes == [codes[0]] * PHOTOS
    told = Counter(each["subject"] for each in _list_events(service) if each["type"] == "siteproof.media.analysed")
    assert {media_id: told[f"media/{media_id}"] for media_id in ids} == dict.fromkeys(ids, 1)


def test_collector_killed_in_the_middle__every_acknowledged_reading_is_stored_once(service: Service) -> None:
    """Kill -9 of the collector under a stream of readings: what the broker took is stored, and stored once."""
    set_up_road(service, "kill-bridge")
    sensor = {"project_id": "kill-bridge", "kind": "settlement", "unit": "mm"}
    assert service.admin.put("/v1/sensors/kill-gauge", json=sensor).status_code == 201
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=READINGS)
    acknowledged, done = set[int](), threading.Event()
    publisher = threading.Thread(target=_publish, args=(service, start, acknowledged, done))
    publisher.start()
    for step in range(1, KILLS + 1):
        wait_for(lambda step=step: len(acknowledged) > step * READINGS // (KILLS + 2))  # type: ignore[misc] # a loop's own
        service.kill_part("collect")
        wait_for(lambda: _is_running(service, "collect"))
    publisher.join()
    assert done.is_set()
    assert len(acknowledged) == READINGS

    wait_for(lambda: _latest(service) == READINGS - 1, seconds=120)
    stored = wait_for(lambda: _all_there(service))
    assert stored == list(range(READINGS))


def _publish(service: Service, start: datetime, acknowledged: set[int], done: threading.Event) -> None:
    client = Client(CallbackAPIVersion.VERSION2, client_id="kill-publisher", clean_session=False)
    # By packet number, of which paho gives out 65,535 before the first again.
    client.on_publish = lambda _client, _data, mid, *_: acknowledged.add(mid)
    client.connect("127.0.0.1", service.mqtt_port)
    client.loop_start()
    for number in range(READINGS):
        payload = {"t": (start + timedelta(seconds=number)).isoformat(), "v": number, "seq": number}
        info = client.publish("siteproof/v1/kill-bridge/kill-gauge", json.dumps(payload), qos=1)
        if number % 500 == 0:
            info.wait_for_publish(30)
    wait_for(lambda: len(acknowledged) == READINGS)
    client.disconnect()
    client.loop_stop()
    done.set()


def _all_there(service: Service) -> list[int] | None:
    values = [round(each["v"]) for each in _walk(service.admin, "/v1/sensors/kill-gauge/readings")]
    return values if len(values) >= READINGS else None


def _latest(service: Service) -> int:
    answer = service.admin.get("/v1/sensors/kill-gauge/latest")
    return round(answer.json()["v"]) if answer.is_success else -1


def _walk(client: httpx2.Client, path: str) -> Iterator[dict[str, Any]]:
    after = None
    while True:
        page = client.get(path, params={"limit": 500} | ({"after": after} if after else {})).json()
        yield from page["items"]
        after = page["next"]
        if after is None:
            return


def _list_events(service: Service) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    after = ""
    while True:
        page = service.admin.get("/v1/events", params={"limit": 500, "after": after}).json()
        events += page["items"]
        if not page["items"]:
            return events
        after = page["next"]


def _count(service: Service, status: str) -> int:
    path = "/v1/projects/kill-road/media"
    return len(service.admin.get(path, params={"status": status, "limit": 500}).json()["items"])


def _finding_codes(service: Service, medium: dict[str, Any]) -> list[str]:
    return [service.admin.get(f"/v1/findings/{each}").json()["code"] for each in medium["finding_ids"]]


def _is_running(service: Service, part: str) -> bool:
    try:
        return bool(service.find_part(part).is_running())
    except LookupError:
        return False
