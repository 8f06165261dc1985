"""What the benchmarks of the collector stand on: a broker, a database, a load, a session that holds it, and a clock.

Whom the clock is held on stands in `collector.py` (ours) and in `collector_peers.py` and `collector_node_red.py`.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.trial_database import open_trial_database
from domain.project import ProjectClass, ProjectKind
from domain.sensor import AlarmLevel, SensorKind
from iot.mosquitto_configuration import write_mosquitto_configuration
from iot.topics import READINGS, make_topic
from storage.database import Database
from storage.project import put_project
from storage.sensor import put_sensor

START = datetime(2026, 7, 1, tzinfo=UTC)
PROJECT = "bench"
CLIENT = "bench-subscriber"
DEADLINE_S = 300.0
QUIET_S = 30.0  # no row for so long: nothing more will come
POLL_S = 0.05

Row = tuple[int, datetime, float, None, int, int]


@dataclass(frozen=True)
class Load:
    """What one round publishes: (topic, payload) pairs holding `rows` readings."""

    messages: list[tuple[str, str]]
    rows: int


def make_load(*, rows: int, per_message: int, sensors: int) -> Load:
    """Readings a second apart, the sensors taking turns message by message."""
    messages = []
    counts = [0] * sensors
    for number in range(rows // per_message):
        sensor = number % sensors
        items = []
        for _ in range(per_message):
            t = START + timedelta(seconds=counts[sensor])
            items.append(
                {"t": t.isoformat().replace("+00:00", "Z"), "v": counts[sensor] % 997 / 100, "seq": counts[sensor]}
            )
            counts[sensor] += 1
        topic = make_topic(project_id=PROJECT, sensor_id=f"s{sensor}")
        messages.append((topic, json.dumps(items[0] if per_message == 1 else items)))
    return Load(messages, len(messages) * per_message)


@dataclass(frozen=True)
class Took:
    """What a round took: by the clock, and of this process's own processor time, which a busy machine changes less."""

    wall_s: float
    cpu_s: float


class Stopwatch:
    """Started where it is made; the processor time is this process's, unless another clock of it is given."""

    def __init__(self, read_cpu_s: Callable[[], float] = time.process_time) -> None:
        self._read_cpu_s = read_cpu_s
        self._wall, self._cpu = time.perf_counter(), read_cpu_s()

    def read(self) -> Took:
        """What has passed."""
        return Took(time.perf_counter() - self._wall, self._read_cpu_s() - self._cpu)


@contextmanager
def run_mosquitto() -> Iterator[str]:
    """A Mosquitto of its own, as `siteproof up` configures it."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        sys.exit("mosquitto is not installed")
    port = find_free_port()
    with tempfile.TemporaryDirectory() as folder:
        path = write_mosquitto_configuration(Path(folder), host="127.0.0.1", port=port)
        process = subprocess.Popen([program, "-c", str(path)], stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: can_connect(port), what="mosquitto")
            yield f"mqtt://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def find_free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def can_connect(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], *, what: str) -> None:
    """Look again and again, until it is so."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"gave up waiting for {what}")
        time.sleep(0.002)


@contextmanager
def make_database(*, sensors: int, alarms: bool) -> Iterator[tuple[Database, list[int]]]:
    """A migrated database with one project and its sensors, dropped afterwards, and the sensors' keys."""
    with open_trial_database() as database:
        yield database, register(database, sensors=sensors, above_mm=1e6 if alarms else None)


def register(database: Database, *, sensors: int, above_mm: float | None) -> list[int]:
    """Store the project and its sensors, with one alarm level where it is given, and return their keys in order."""
    levels = () if above_mm is None else (AlarmLevel(level="red", action="nobody, this is a trial", above=above_mm),)
    with database.transaction() as connection:
        put_project(
            connection,
            project_id=PROJECT,
            name="Benchmark",
            kind=ProjectKind.BRIDGE,
            area="county/town",
            contractor=None,
            starts_on=None,
            ends_on=None,
            time_zone="Asia/Shanghai",
            position=None,
            project_class=ProjectClass.B,
            public_code="bench",
        )
        for number in range(sensors):
            put_sensor(
                connection,
                sensor_id=f"s{number}",
                project_id=PROJECT,
                kind=SensorKind.SETTLEMENT,
                unit="mm",
                alarms=levels,
            )
        found = dict(connection.execute("SELECT id, key FROM sensor").fetchall())
    return [found[f"s{number}"] for number in range(sensors)]


def list_rows(load: Load, keys: list[int]) -> list[Row]:
    """The load as rows of the table `reading`, in the order of the messages."""
    rows: list[Row] = []
    for topic, payload in load.messages:
        key = keys[int(topic.rsplit("/s", 1)[1])]
        decoded = json.loads(payload)
        items = decoded if isinstance(decoded, list) else [decoded]
        rows += [(key, datetime.fromisoformat(item["t"]), item["v"], None, 0, item["seq"]) for item in items]
    return rows


def prepare_months(database: Database, rows: list[Row]) -> None:
    """Make the partitions that the rows fall into, which the collector makes by itself and a bare INSERT does not."""
    months = {row[1].date().replace(day=1) for row in rows}
    with database.transaction() as connection:
        if connection.execute("SELECT flavour = 'native' FROM storage_flavour").fetchone() == (True,):
            connection.execute("SELECT ensure_reading_partitions(%s::date[])", [sorted(months)])


def empty(database: Database) -> None:
    """Forget all readings and alarm states."""
    with database.transaction() as connection:
        connection.execute("TRUNCATE reading")
        connection.execute("TRUNCATE alarm_state")
        native = connection.execute("SELECT flavour = 'native' FROM storage_flavour").fetchone()
        if native == (True,):
            connection.execute("TRUNCATE reading_hour")


def settle(database: Database, *, wanted: int, watch: Stopwatch) -> tuple[int, Took]:
    """Wait until so many readings are committed, or none has come for QUIET_S.

    Returns:
        How many there are, and what the watch read when the last came.
    """
    count, took = 0, watch.read()
    last_s = time.monotonic()
    while count < wanted and time.monotonic() - last_s < QUIET_S:
        time.sleep(POLL_S)
        now = count_readings(database)
        if now != count:
            count, took, last_s = now, watch.read(), time.monotonic()
    return count, took


def count_readings(database: Database) -> int:
    """How many readings are committed."""
    with database.transaction() as connection:
        row = connection.execute("SELECT count(*) FROM reading").fetchone()
    return int(row[0]) if row else 0


def split_url(url: str) -> tuple[str, int]:
    """Host and port."""
    host, port = url.removeprefix("mqtt://").split(":")
    return host, int(port)


def fill_session(url: str, load: Load) -> None:
    """Have the broker hold the load for the session of CLIENT."""
    open_session(url)
    publish(url, load)


def open_session(url: str) -> None:
    """Have the broker hold what comes from now on, and nothing else, for the session of CLIENT."""
    subscriber = Client(CallbackAPIVersion.VERSION2, client_id=CLIENT, clean_session=True)
    subscriber.connect(*split_url(url))
    subscriber.loop_start()
    subscriber.disconnect()
    subscriber.loop_stop()
    subscribed = threading.Event()
    subscriber = Client(CallbackAPIVersion.VERSION2, client_id=CLIENT, clean_session=False)
    subscriber.on_connect = lambda client, *_: client.subscribe(READINGS, qos=1) and None
    subscriber.on_subscribe = lambda *_: subscribed.set()
    subscriber.connect(*split_url(url))
    subscriber.loop_start()
    subscribed.wait(DEADLINE_S)
    subscriber.disconnect()
    subscriber.loop_stop()


def publish(url: str, load: Load) -> None:
    """Publish the load with QoS 1, as fast as the broker acknowledges it; returns when all of it is acknowledged."""
    acknowledged = [0]
    publisher = Client(CallbackAPIVersion.VERSION2)
    publisher.max_inflight_messages_set(1000)

    def count(*_: object) -> None:
        acknowledged[0] += 1

    publisher.on_publish = count
    publisher.connect(*split_url(url))
    publisher.loop_start()
    for topic, payload in load.messages:
        publisher.publish(topic, payload, qos=1)
    wait_until(lambda: acknowledged[0] == len(load.messages), what="the publisher")
    publisher.disconnect()
    publisher.loop_stop()
