"""The collector between real brokers and the real database."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from iot.collector import Collector
from iot.lane import UNSTORABLE
from storage.database import Database
from storage.dead_letter import count_dead_letters
from storage.reading import latest_readings, list_readings
from storage.sensor import find_sensor_entry
from tests.integration.iot.conftest import DEADLINE_S, Mosquitto, Publisher, count_rows, wait_until

START = datetime(2026, 7, 1, tzinfo=UTC)
TOPIC = "siteproof/v1/b1/s1"
# What `siteproof collect` does, in a process that can be killed.
PROGRAM = """
import sys, threading
from iot.collector import Collector
from storage.database import Database
collector = Collector(Database(sys.argv[1]), url=sys.argv[2], client_id="collector", max_batch=200)
collector.run(threading.Event())
"""


def reading(second: float, value: float = 1.0) -> str:
    """The payload of one reading."""
    return json.dumps({"t": (START + timedelta(seconds=second)).isoformat(), "v": value})


@contextmanager
def run_collector(
    database: Database, url: str, *, use_mqtt5: bool = False, max_waiting: int = 50_000
) -> Iterator[Collector]:
    """A collector in a thread, subscribed; stopped afterwards."""
    collector = Collector(database, url=url, client_id="collector", use_mqtt5=use_mqtt5, max_waiting=max_waiting)
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: collector.is_subscribed, what="the subscription")
        yield collector
    finally:
        stop.set()
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


@contextmanager
def publish_to(url: str) -> Iterator[Publisher]:
    """A publisher, closed afterwards."""
    publisher = Publisher(url)
    try:
        yield publisher
    finally:
        publisher.close()


def test_run__from_message_to_row(registered: Database, broker_url: str) -> None:
    """What is published is stored once, with malformed neighbours and unknown sensors beside it."""
    with run_collector(registered, broker_url) as collector, publish_to(broker_url) as publisher:
        publisher.publish(TOPIC, *(reading(second) for second in range(300)))
        publisher.publish(TOPIC, *(reading(second) for second in range(100)))
        publisher.publish(TOPIC, b"garbage", f"[{reading(1000)}, 7, {reading(1001)}]", b"")
        publisher.publish("siteproof/v1/b1/nobody", reading(0))
        publisher.publish("siteproof/v1/b2/s1", reading(0))
        wait_until(lambda: collector.counters.received == 405, what="405 messages")
        wait_until(lambda: collector.counters.dead == 5, what="5 dead letters")
        wait_until(lambda: collector.counters.stored == 302, what="302 readings")
    assert collector.counters.duplicate == 100
    assert count_rows(registered, "reading") == 302
    with registered.transaction() as connection:
        counts = count_dead_letters(connection)
    assert counts == {
        "payload.not_a_reading": 1,
        "payload.not_json": 2,
        "reading.unknown_sensor": 1,
        "reading.wrong_project": 1,
    }


def test_run__threshold_becomes_finding(registered: Database, broker_url: str) -> None:
    """A value above the level is one finding, however many readings confirm it."""
    with run_collector(registered, broker_url) as collector, publish_to(broker_url) as publisher:
        publisher.publish(TOPIC, reading(0, 1.0), reading(1, 10.5), reading(2, 11.0), reading(3, 12.0))
        wait_until(lambda: collector.counters.stored == 4, what="4 readings")
    assert count_rows(registered, "finding") == 1


def test_run__late_and_out_of_order(registered: Database, broker_url: str) -> None:
    """Readings of any age in any order are stored by their own times."""
    seconds = [86_400 * day for day in (5, -2000, 3, -9000, 4)]
    with run_collector(registered, broker_url) as collector, publish_to(broker_url) as publisher:
        publisher.publish(TOPIC, *(reading(second) for second in seconds))
        wait_until(lambda: collector.counters.stored == 5, what="5 readings")
    with registered.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id="s1")
        assert entry is not None
        stored = list_readings(connection, sensor_key=entry.key, limit=9)
    assert [each.t for each in stored] == [START + timedelta(seconds=second) for second in sorted(seconds)]


def test_run__mqtt5(registered: Database, mosquitto: Mosquitto) -> None:
    """MQTT 5 works as 3.1.1 does, its session too."""
    with run_collector(registered, mosquitto.url, use_mqtt5=True), publish_to(mosquitto.url) as publisher:
        publisher.publish(TOPIC, reading(0))
        wait_until(lambda: count_rows(registered, "reading") == 1, what="the first reading")
    with publish_to(mosquitto.url) as publisher:
        publisher.publish(TOPIC, reading(1))
    with run_collector(registered, mosquitto.url, use_mqtt5=True):
        wait_until(lambda: count_rows(registered, "reading") == 2, what="the reading sent while nobody listened")


def test_run__stopped_and_started(registered: Database, mosquitto: Mosquitto) -> None:
    """What is published while the collector rests waits at the broker; what was acknowledged does not come again."""
    with run_collector(registered, mosquitto.url) as first, publish_to(mosquitto.url) as publisher:
        publisher.publish(TOPIC, *(reading(second) for second in range(1000)))
        wait_until(lambda: first.counters.received > 0, what="the first message")
    stored = count_rows(registered, "reading")
    assert stored == first.counters.stored == first.counters.received
    with publish_to(mosquitto.url) as publisher:
        publisher.publish(TOPIC, *(reading(second) for second in range(1000, 2000)))
    with run_collector(registered, mosquitto.url) as second:
        wait_until(lambda: count_rows(registered, "reading") == 2000, what="the rest")
    assert second.counters.received == 2000 - stored
    assert second.counters.duplicate == 0


def test_run__two_share(registered: Database, mosquitto: Mosquitto) -> None:
    """Two collectors of one group store everything once between them."""
    stop = threading.Event()
    collectors = [
        Collector(registered, url=mosquitto.url, client_id=f"collector-{number}", group="county") for number in (1, 2)
    ]
    threads = [threading.Thread(target=collector.run, args=(stop,)) for collector in collectors]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: all(collector.is_subscribed for collector in collectors), what="both subscriptions")
        with publish_to(mosquitto.url) as publisher:
            publisher.publish(TOPIC, *(reading(second, 11.0) for second in range(2000)))
        wait_until(lambda: sum(each.counters.stored for each in collectors) == 2000, what="2000 readings")
    finally:
        stop.set()
        for thread in threads:
            thread.join(DEADLINE_S)
    assert all(collector.counters.received > 0 for collector in collectors)
    assert sum(collector.counters.received for collector in collectors) == 2000
    assert count_rows(registered, "finding") == 1


def test_run__killed_in_the_middle_of_a_batch(registered: Database, mosquitto: Mosquitto, repository: Path) -> None:
    """Killed with -9 while it stores, again and again, every acknowledged reading is there once."""
    batch, kills = 1500, 3
    command = [sys.executable, "-c", PROGRAM, registered.url, mosquitto.url]
    # Subscribe once, so that the broker keeps what comes from now on.
    with run_collector(registered, mosquitto.url):
        pass
    for kill in range(kills):
        process = subprocess.Popen(command, cwd=repository, stderr=subprocess.DEVNULL)
        try:
            # Held, so that the collector stands in the middle of its transaction when it is killed.
            with psycopg.connect(registered.url) as holder:
                holder.execute("LOCK TABLE reading IN EXCLUSIVE MODE")
                with publish_to(mosquitto.url) as publisher:
                    seconds = range(kill * batch, (kill + 1) * batch)
                    publisher.publish(TOPIC, *(reading(second) for second in seconds))
                wait_until(partial(is_somebody_waiting, registered), what="a batch in the middle")
                process.send_signal(signal.SIGKILL)
                process.wait(DEADLINE_S)
        finally:
            process.kill()
            process.wait(DEADLINE_S)
    count = kills * batch
    with run_collector(registered, mosquitto.url):
        wait_until(lambda: count_rows(registered, "reading") == count, what="every reading")
    with registered.transaction() as connection:
        row = connection.execute("SELECT count(*), count(DISTINCT t) FROM reading").fetchone()
    assert row == (count, count)


def is_somebody_waiting(database: Database) -> bool:
    """Whether a connection to this database waits for a lock."""
    with database.transaction() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
    return row is not None and row[0] > 0


def set_connections(database: Database, admin_url: str, *, allowed: bool) -> None:
    """Take the database away from everybody, or give it back."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        name = psycopg.conninfo.conninfo_to_dict(database.url)["dbname"]
        connection.execute(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                sql.Identifier(str(name)), sql.SQL("true" if allowed else "false")
            )
        )
        if not allowed:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
                [name],
            )


def test_run__database_gone_for_a_while(registered: Database, mosquitto: Mosquitto, postgres_url: str) -> None:
    """While the database is away nothing is lost, and no more is taken in than there is room for."""
    with run_collector(registered, mosquitto.url, max_waiting=100) as collector, publish_to(mosquitto.url) as publisher:
        publisher.publish(TOPIC, reading(-1))
        wait_until(lambda: collector.counters.stored == 1, what="the first reading")
        set_connections(registered, postgres_url, allowed=False)
        try:
            publisher.publish(TOPIC, *(reading(second) for second in range(1000)))
            wait_until(lambda: collector.counters.retries >= 1, what="a try without database")
            assert collector.counters.stored == 1
            # The first reading, the batch that is being tried, of 100 at most, and the 100 that fill the inbox again.
            assert collector.counters.received <= 1 + 100 + 100
        finally:
            set_connections(registered, postgres_url, allowed=True)
        wait_until(lambda: collector.counters.stored == 1001, what="every reading")
    assert count_rows(registered, "reading") == 1001
    assert collector.counters.dead == 0


def test_run__broker_gone_for_a_while(registered: Database, mosquitto: Mosquitto) -> None:
    """The collector connects again by itself, and finds its session as it was."""
    with run_collector(registered, mosquitto.url) as collector:
        with publish_to(mosquitto.url) as publisher:
            publisher.publish(TOPIC, *(reading(second) for second in range(500)))
        mosquitto.stop()
        wait_until(lambda: not collector.is_subscribed, what="the loss")
        mosquitto.start()
        wait_until(lambda: collector.is_subscribed, what="the next subscription")
        with publish_to(mosquitto.url) as publisher:
            publisher.publish(TOPIC, *(reading(second) for second in range(500, 1000)))
        wait_until(lambda: collector.counters.stored == 1000, what="every reading")
    assert count_rows(registered, "reading") == 1000


def test_run__one_message_that_the_database_refuses(registered: Database, mosquitto: Mosquitto) -> None:
    """It becomes a dead letter by itself; everything around it is stored, and the collector goes on."""
    with registered.transaction() as connection:
        # What no decoder knows of: a rule of the database alone.
        connection.execute("ALTER TABLE reading ADD CONSTRAINT reading_no_13 CHECK (v <> 13)")
    with run_collector(registered, mosquitto.url) as collector, publish_to(mosquitto.url) as publisher:
        publisher.publish(TOPIC, *(reading(second, 13.0 if second == 40 else 1.0) for second in range(100)))
        wait_until(lambda: collector.counters.dead == 1, what="the dead letter")
        publisher.publish(TOPIC, reading(200))
        wait_until(lambda: collector.counters.stored == 100, what="everything else")
    with registered.transaction() as connection:
        assert count_dead_letters(connection) == {UNSTORABLE: 1}
        assert latest_readings(connection, sensor_ids=["s1"])["s1"].t == START + timedelta(seconds=200)


@pytest.mark.parametrize("size", [1_000_001])
def test_run__message_too_large(registered: Database, mosquitto: Mosquitto, size: int) -> None:
    """A message over the limit is a dead letter, and the next one is stored."""
    with run_collector(registered, mosquitto.url) as collector, publish_to(mosquitto.url) as publisher:
        publisher.publish(TOPIC, b" " * size, reading(1))
        wait_until(lambda: collector.counters.stored == 1, what="the reading")
    with registered.transaction() as connection:
        assert count_dead_letters(connection) == {"payload.too_large": 1}


class Witness:
    """Between collector and broker: hands on what both say, and keeps in which order messages were acknowledged."""

    def __init__(self, listener: socket.socket, broker_port: int) -> None:
        self.url = f"mqtt://127.0.0.1:{listener.getsockname()[1]}"
        self.delivered, self.acknowledged = bytearray(), bytearray()
        self._listener, self._broker_port = listener, broker_port

    def run(self) -> None:
        """Serve one connection until both sides have ended."""
        collector, _ = self._listener.accept()
        with collector, socket.create_connection(("127.0.0.1", self._broker_port)) as broker:
            back = threading.Thread(target=self._hand_on, args=(broker, collector, self.delivered))
            back.start()
            self._hand_on(collector, broker, self.acknowledged)
            back.join(DEADLINE_S)

    @staticmethod
    def _hand_on(source: socket.socket, target: socket.socket, heard: bytearray) -> None:
        with suppress(OSError):  # the other side is gone first
            while data := source.recv(65_536):
                heard += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextmanager
def witness_of(broker_port: int) -> Iterator[Witness]:
    """A witness that listens, and has ended afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        witness = Witness(listener, broker_port)
        thread = threading.Thread(target=witness.run)
        thread.start()
        yield witness
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


def list_packets(heard: bytearray) -> Iterator[tuple[int, bytearray]]:
    """(first byte, what follows the length) of MQTT packets."""
    position = 0
    while position < len(heard):
        first, length, shift = heard[position], 0, 0
        while True:
            position += 1
            length |= (heard[position] & 0x7F) << shift
            shift += 7
            if heard[position] < 0x80:
                break
        yield first, heard[position + 1 : position + 1 + length]
        position += 1 + length


def test_run__acknowledges_in_the_order_of_arrival(registered: Database, mosquitto: Mosquitto) -> None:
    """Messages of two sensors are stored by two threads, and acknowledged as they came (MQTT 3.1.1, MQTT-4.6.0-2)."""
    with (
        witness_of(mosquitto.port) as witness,
        run_collector(registered, witness.url) as collector,
        publish_to(mosquitto.url) as publisher,
    ):
        for second in range(300):
            publisher.publish(TOPIC if second % 3 else "siteproof/v1/b1/s2", reading(second))
        wait_until(lambda: collector.counters.stored == 300, what="300 readings")
    # A PUBLISH with QoS 1 has its number behind its topic, a PUBACK at its start (MQTT 3.1.1, 3.3.2 and 3.4.2).
    delivered = [
        int.from_bytes(body[2 + body[1] :][:2])
        for first, body in list_packets(witness.delivered)
        if first & 0xF6 == 0x32
    ]
    acknowledged = [int.from_bytes(body) for first, body in list_packets(witness.acknowledged) if first == 0x40]
    assert len(delivered) == 300
    assert acknowledged == delivered
