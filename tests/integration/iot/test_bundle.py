"""Messages of several sensors, SenML packs and ChirpStack's uplinks, from the real broker into the real database."""

import json
import os
import subprocess
import sys
from pathlib import Path

from domain.sensor import SensorKind
from storage.database import Database
from storage.dead_letter import count_dead_letters, list_dead_letters
from storage.reading import latest_readings
from storage.sensor import put_sensor
from tests.integration.iot.conftest import DEADLINE_S, Mosquitto, wait_until
from tests.integration.iot.test_collector import publish_to, run_collector

T = 1782892800  # date -u -d 2026-07-01T08:00:00Z +%s
UPLINK_TOPIC = "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010101/event/up"
UPLINK = {
    "time": "2026-07-01T08:00:00.123456789+00:00",
    "deviceInfo": {"devEui": "0101010101010101", "tags": {"siteproof_tilt.x": "s2"}},
    "fCnt": 10,
    "data": "qg==",
    "object": {"tilt": {"x": 0.5, "y": 0.25}, "battery": {"mV": 3600}},
}


def list_latest(database: Database, *sensor_ids: str) -> dict[str, float]:
    """The newest values."""
    with database.transaction() as connection:
        return {key: each.v for key, each in latest_readings(connection, sensor_ids=list(sensor_ids)).items()}


def count_letters(database: Database) -> dict[str, int]:
    """Dead letters by code."""
    with database.transaction() as connection:
        return count_dead_letters(connection)


def register(database: Database, sensor_id: str, project_id: str = "b1") -> None:
    """Register a tilt meter."""
    with database.transaction() as connection:
        put_sensor(connection, sensor_id=sensor_id, project_id=project_id, kind=SensorKind.TILT, unit="deg")


def replay(database: Database, repository: Path) -> str:
    """What `siteproof replay` prints."""
    environment = os.environ | {"SITEPROOF_DATABASE_URL": database.url}
    command = [sys.executable, "-m", "runtime", "replay"]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, timeout=DEADLINE_S, check=True)
    return done.stdout.decode()


def test_run__senml_pack(registered: Database, mosquitto: Mosquitto, repository: Path) -> None:
    """Units are converted; another project's sensor, an unknown one and text wait one by one, and are replayed."""
    register(registered, "s9", project_id="b2")
    pack = [
        {"bn": "s", "bt": T, "n": "1", "u": "cm", "v": 0.25},
        {"n": "2", "u": "mrad", "v": 10},
        {"n": "9", "v": 1},
        {"n": "late", "v": 7, "t": 60},
        {"n": "1", "vs": "text"},
    ]
    with run_collector(registered, mosquitto.url) as collector, publish_to(mosquitto.url) as publisher:
        publisher.publish("siteproof/v1/b1/senml", json.dumps(pack))
        wait_until(lambda: collector.counters.stored == 2, what="2 readings")
    latest = list_latest(registered, "s1", "s2")
    assert latest["s1"] == 2.5
    assert round(latest["s2"], 6) == 0.572958  # 0.01 rad * 180 / pi
    assert count_letters(registered) == {
        "reading.wrong_project": 1,
        "reading.unknown_sensor": 1,
        "reading.not_a_number": 1,
    }
    register(registered, "slate")
    printed = replay(registered, repository)
    assert printed.startswith("3 dead letters tried again: 1 readings stored")
    assert list_latest(registered, "slate") == {"slate": 7.0}
    assert count_letters(registered) == {"reading.wrong_project": 1, "reading.not_a_number": 1}


def test_run__uplink(registered: Database, mosquitto: Mosquitto) -> None:
    """Nested fields: a tag names one's sensor, another has the device's number before it, the third is nobody's."""
    register(registered, "0101010101010101.tilt.y", project_id="b2")
    with run_collector(registered, mosquitto.url) as collector, publish_to(mosquitto.url) as publisher:
        publisher.publish(UPLINK_TOPIC, json.dumps(UPLINK), json.dumps(UPLINK))
        wait_until(lambda: collector.counters.duplicate == 2, what="the second one")
    assert list_latest(registered, "s2", "0101010101010101.tilt.y") == {"s2": 0.5, "0101010101010101.tilt.y": 0.25}
    assert (collector.counters.stored, collector.counters.skipped) == (2, 2)
    assert count_letters(registered) == {}


def test_run__uplink_of_nobody(registered: Database, mosquitto: Mosquitto, repository: Path) -> None:
    """An uplink of which no sensor is registered, and one without a codec, are kept; the first is replayed."""
    event = json.dumps(UPLINK | {"deviceInfo": {"devEui": "0101010101010101"}})
    raw = json.dumps(UPLINK | {"object": None})
    with run_collector(registered, mosquitto.url) as collector, publish_to(mosquitto.url) as publisher:
        publisher.publish(UPLINK_TOPIC, event, raw)
        wait_until(lambda: collector.counters.dead == 2, what="2 dead letters")
    with registered.transaction() as connection:
        letters = list_dead_letters(connection, after=None, limit=9).items
    assert [(each.code, each.topic, each.payload.decode()) for each in letters] == [
        ("reading.unknown_sensor", UPLINK_TOPIC, event),
        ("chirpstack.no_object", UPLINK_TOPIC, raw),
    ]
    register(registered, "0101010101010101.tilt.x")
    assert replay(registered, repository).startswith("2 dead letters tried again: 1 readings stored")
    assert list_latest(registered, "0101010101010101.tilt.x") == {"0101010101010101.tilt.x": 0.5}
    assert count_letters(registered) == {"chirpstack.no_object": 1}


def test_run__unknown_topics(registered: Database, mosquitto: Mosquitto) -> None:
    """What is subscribed to and says nothing that we know is kept; commands and hosts' states are not."""
    with run_collector(registered, mosquitto.url) as collector, publish_to(mosquitto.url) as publisher:
        for topic in ("spBv1.0/b1/NCMD/gw", "spBv1.0/STATE/host", "spBv1.0/b1/DATA/gw", "spBv1.0/b1/NDATA"):
            publisher.publish(topic, b"x")
        publisher.publish("spBv1.0/b1/NDATA/gw", b"x")
        wait_until(lambda: collector.counters.received == 5, what="5 messages")
        wait_until(lambda: collector.counters.dead == 3, what="3 dead letters")
    assert count_letters(registered) == {"topic.unknown": 2, "sparkplug.not_a_payload": 1}
