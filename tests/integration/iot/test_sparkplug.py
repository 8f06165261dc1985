"""Edge nodes of Sparkplug B on the real Mosquitto, their bytes by Google's protobuf, and the collector."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from domain.sensor import SensorKind
from iot.collector import Collector
from iot.replay import ReplayResult, replay_dead_letters
from iot.sparkplug_session import find_stale_since
from storage.database import Database
from storage.dead_letter import count_dead_letters
from storage.reading import list_readings
from storage.sensor import find_sensor_entry, put_sensor
from storage.sparkplug import SparkplugSource, list_sparkplug_sources
from tests.integration.iot.conftest import DEADLINE_S, Mosquitto, wait_until
from tests.integration.iot.test_collector import publish_to, run_collector
from tests.sparkplug_payloads import decode, encode

START = datetime(2026, 7, 1, tzinfo=UTC)
START_MS = 1782864000000  # date -u -d 2026-07-01T00:00:00Z +%s prints 1782864000
INT64, DOUBLE, BOOLEAN, STRING = 4, 10, 11, 12


class EdgeNode:
    """An edge node of project b1 with a device `pier`: a will, births with aliases, and an ear for commands."""

    def __init__(self, url: str, *, bd_seq: int = 0, name: str = "gw") -> None:
        self._bd_seq, self._name, self._seq = bd_seq, name, 0
        self.commands: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.will_set(f"spBv1.0/b1/NDEATH/{name}", encode(self._bd(), timestamp=START_MS), qos=1)
        self._client.on_message = self._on_message
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        host, port = url.removeprefix("mqtt://").split(":")
        self._client.connect(host, int(port))
        self._client.loop_start()
        self._client.subscribe(f"spBv1.0/b1/NCMD/{name}", qos=1)
        assert subscribed.wait(DEADLINE_S)

    def _bd(self) -> dict[str, object]:
        return {"name": "bdSeq", "datatype": INT64, "long_value": self._bd_seq}

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.commands.put((message.topic, decode(bytes(message.payload))))

    def bear(self, *, alias: int = 1) -> None:
        """The births of node and device; the device's metric `settlement` gets this alias."""
        self._seq = 255
        control = {"name": "Node Control/Rebirth", "datatype": BOOLEAN, "boolean_value": False}
        self._publish(
            "NBIRTH", self._bd(), control, {"name": "firmware", "alias": 99, "datatype": STRING, "string_value": "2.1"}
        )
        metric = {"name": "settlement", "alias": alias, "datatype": DOUBLE, "double_value": 0.0, "timestamp": START_MS}
        self._publish("DBIRTH", metric)

    def say(self, second: int, value: float, *, alias: int = 1, **more: object) -> None:
        """The device's value, by alias alone."""
        metric = {"alias": alias, "timestamp": START_MS + 1000 * second, "double_value": value, **more}
        self._publish("DDATA", metric)

    def lose(self) -> None:
        """A message of which only the number is used."""
        self._seq = (self._seq + 1) % 256

    def _publish(self, verb: str, *metrics: dict[str, object]) -> None:
        self._seq = (self._seq + 1) % 256
        topic = f"spBv1.0/b1/{verb}/{self._name}" + ("/pier" if verb[0] == "D" else "")
        # With QoS 0, as Sparkplug has it; the tests run on loopback and wait for each message's effect.
        self._client.publish(topic, encode(*metrics, timestamp=START_MS, seq=self._seq)).wait_for_publish(DEADLINE_S)

    def expect_rebirth_request(self) -> None:
        """Wait for the command that asks for the births."""
        topic, payload = self.commands.get(timeout=DEADLINE_S)
        assert topic == f"spBv1.0/b1/NCMD/{self._name}"
        (metric,) = payload.metrics
        assert (metric.name, metric.datatype, metric.boolean_value) == ("Node Control/Rebirth", BOOLEAN, True)

    def vanish(self) -> None:
        """Be cut off without a word, so that the broker sends the will."""
        sock = self._client.socket()
        assert sock is not None
        self._client.loop_stop()
        sock.close()

    def close(self) -> None:
        """Take leave without a will."""
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def run_edge_node(url: str, *, bd_seq: int = 0) -> Iterator[EdgeNode]:
    """An edge node, disconnected afterwards."""
    node = EdgeNode(url, bd_seq=bd_seq)
    try:
        yield node
    finally:
        node.close()


@pytest.fixture
def pier(registered: Database) -> Database:
    """Bridge b1 with the sensor that the device's metric `settlement` stands for."""
    register(registered, "pier.settlement")
    return registered


def register(database: Database, sensor_id: str) -> None:
    """Register a settlement gauge of b1."""
    with database.transaction() as connection:
        put_sensor(connection, sensor_id=sensor_id, project_id="b1", kind=SensorKind.SETTLEMENT, unit="mm")


def list_stored(database: Database, sensor_id: str = "pier.settlement") -> list[tuple[int, float]]:
    """(second, value) of each reading, oldest first."""
    with database.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id=sensor_id)
        assert entry is not None
        readings = list_readings(connection, sensor_key=entry.key, limit=99)
    return [(round((each.t - START).total_seconds()), each.v) for each in readings]


def wait_for(database: Database, *expected: tuple[int, float]) -> None:
    """Wait until exactly these readings are there."""
    wait_until(lambda: list_stored(database) == list(expected), what=f"{expected}")


def find_source(database: Database, device_id: str = "pier") -> SparkplugSource | None:
    """What is known of the node's device, or of the node."""
    with database.transaction() as connection:
        sources = list_sparkplug_sources(connection, project_id="b1")
    return next((each for each in sources if each.key.device_id == device_id), None)


def is_online(database: Database) -> bool:
    """Whether the device is."""
    source = find_source(database)
    return source is not None and source.is_online


def count_letters(database: Database) -> dict[str, int]:
    """Dead letters by code."""
    with database.transaction() as connection:
        return count_dead_letters(connection)


def find_stale(database: Database) -> datetime | None:
    """Since when the pier's sensor is stale."""
    with database.transaction() as connection:
        return find_stale_since(connection, project_id="b1", sensor_id="pier.settlement")


def test_run__birth_data_death_and_birth(pier: Database, mosquitto: Mosquitto) -> None:
    """A node is born, says values by alias, dies by its will, and is born again with other aliases."""
    with run_collector(pier, mosquitto.url) as collector:
        first = EdgeNode(mosquitto.url)
        first.bear()
        first.say(1, 1.5)
        first.say(2, 2.5)
        wait_for(pier, (0, 0.0), (1, 1.5), (2, 2.5))
        assert find_stale(pier) is None
        first.vanish()
        wait_until(lambda: not is_online(pier), what="the death")
        assert find_stale(pier) is not None
        with run_edge_node(mosquitto.url, bd_seq=1) as second:
            second.bear(alias=7)
            second.say(3, 3.5, alias=7)
            wait_for(pier, (0, 0.0), (1, 1.5), (2, 2.5), (3, 3.5))
            assert find_stale(pier) is None
            assert second.commands.empty()
    assert count_letters(pier) == {}
    assert collector.counters.skipped > 0  # the node's firmware, which is nobody's


def test_run__lost_message(pier: Database, mosquitto: Mosquitto) -> None:
    """A number that is not the next one makes the collector ask for the births; what came is stored."""
    with run_collector(pier, mosquitto.url) as collector, run_edge_node(mosquitto.url) as node:
        node.bear()
        node.say(1, 1.5)
        node.lose()
        node.say(3, 3.5)
        node.expect_rebirth_request()
        node.bear()
        node.say(4, 4.5)
        wait_for(pier, (0, 0.0), (1, 1.5), (3, 3.5), (4, 4.5))
    assert collector.counters.rebirths == 1
    assert count_letters(pier) == {}


def test_run__unknown_alias(pier: Database, mosquitto: Mosquitto) -> None:
    """Data without a birth waits as a dead letter, the node is asked, and after its birth the letter is replayed."""
    with run_collector(pier, mosquitto.url), run_edge_node(mosquitto.url) as node:
        node.say(1, 1.5)
        node.expect_rebirth_request()
        wait_until(lambda: count_letters(pier) == {"sparkplug.unknown_alias": 1}, what="the dead letter")
        assert replay_dead_letters(pier) == ReplayResult(taken=1, dead=1)
        node.bear()
        wait_for(pier, (0, 0.0))
    assert replay_dead_letters(pier) == ReplayResult(taken=1, stored=1)
    assert list_stored(pier) == [(0, 0.0), (1, 1.5)]
    assert count_letters(pier) == {}


def test_run__historical_values(pier: Database, mosquitto: Mosquitto) -> None:
    """What the node kept while it was cut off is stored by its own time, and the newest stays the newest."""
    with run_collector(pier, mosquitto.url), run_edge_node(mosquitto.url) as node:
        node.bear()
        node.say(100, 10.5)
        node.say(50, 5.5, is_historical=True)
        wait_for(pier, (0, 0.0), (50, 5.5), (100, 10.5))


def test_run__restart_between_birth_and_data(pier: Database, mosquitto: Mosquitto) -> None:
    """Another process resolves the aliases, and asks for the births, because data with QoS 0 may have been lost."""
    with run_edge_node(mosquitto.url) as node:
        with run_collector(pier, mosquitto.url):
            node.bear()
            wait_for(pier, (0, 0.0))
        with run_collector(pier, mosquitto.url):
            node.say(5, 5.5)
            wait_for(pier, (0, 0.0), (5, 5.5))
            node.expect_rebirth_request()
    assert count_letters(pier) == {}


def test_run__death_while_the_collector_rests(pier: Database, mosquitto: Mosquitto) -> None:
    """The will waits at the broker: aliases of the session that has ended are not trusted after the restart."""
    node = EdgeNode(mosquitto.url)
    with run_collector(pier, mosquitto.url):
        node.bear(alias=1)
        wait_for(pier, (0, 0.0))
    node.vanish()
    with run_collector(pier, mosquitto.url), run_edge_node(mosquitto.url, bd_seq=1) as again:
        wait_until(lambda: not is_online(pier), what="the death")
        again.say(5, 5.5, alias=1)
        again.expect_rebirth_request()
    assert list_stored(pier) == [(0, 0.0)]
    assert count_letters(pier) == {"sparkplug.unknown_alias": 1}


def test_run__nobody_registered_and_replayed(registered: Database, mosquitto: Mosquitto) -> None:
    """Births and data of a device without sensors are kept, and read by their aliases once one is registered."""
    with run_collector(registered, mosquitto.url), run_edge_node(mosquitto.url) as node:
        node.bear()
        node.say(1, 1.5)
        wait_until(lambda: count_letters(registered) == {"reading.unknown_sensor": 2}, what="two dead letters")
    register(registered, "pier.settlement")
    assert replay_dead_letters(registered) == ReplayResult(taken=2, stored=2)
    assert list_stored(registered) == [(0, 0.0), (1, 1.5)]
    assert count_letters(registered) == {}


def test_run__group_that_is_no_project(registered: Database, mosquitto: Mosquitto) -> None:
    """Another one's nodes are neither remembered nor asked for anything; what they say is kept."""
    payload = encode({"alias": 1, "double_value": 1.0}, timestamp=START_MS, seq=9)
    with run_collector(registered, mosquitto.url) as collector, publish_to(mosquitto.url) as publisher:
        publisher.publish("spBv1.0/b9/DDATA/gw/pier", payload)
        wait_until(lambda: count_letters(registered) == {"sparkplug.unknown_alias": 1}, what="the dead letter")
    assert collector.counters.rebirths == 0
    with registered.transaction() as connection:
        assert list_sparkplug_sources(connection, project_id="b9") == []


def test_run__other_projects_sensor(registered: Database, mosquitto: Mosquitto) -> None:
    """A node of project b2 cannot speak for a sensor of b1."""
    payload = encode({"name": "s1", "double_value": 1.0}, timestamp=START_MS, seq=0)
    with run_collector(registered, mosquitto.url), publish_to(mosquitto.url) as publisher:
        publisher.publish("spBv1.0/b2/NBIRTH/gw", payload)
        wait_until(lambda: count_letters(registered) == {"reading.wrong_project": 1}, what="the dead letter")
    assert list_stored(registered, "s1") == []


def test_run__two_collectors_share(pier: Database, mosquitto: Mosquitto) -> None:
    """Of two that share the messages each resolves the aliases that the other one has seen defined."""
    stop = threading.Event()
    collectors = [Collector(pier, url=mosquitto.url, client_id=f"c{number}", group="county") for number in (1, 2)]
    threads = [threading.Thread(target=each.run, args=(stop,)) for each in collectors]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: all(each.is_subscribed for each in collectors), what="both subscriptions")
        with run_edge_node(mosquitto.url) as node:
            node.bear()
            wait_for(pier, (0, 0.0))
            wait_until(lambda: find_source(pier, "") is not None, what="the node's birth")
            for second in range(1, 11):
                node.say(second, second + 0.5)
            wait_for(pier, (0, 0.0), *((second, second + 0.5) for second in range(1, 11)))
    finally:
        stop.set()
        for thread in threads:
            thread.join(DEADLINE_S)
    assert all(each.counters.received > 0 for each in collectors)
