"""A project with sensors, and real brokers."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from domain.project import ProjectClass, ProjectKind
from domain.sensor import AlarmLevel, SensorKind
from iot.mosquitto_configuration import write_mosquitto_configuration
from storage.database import Database
from storage.project import put_project
from storage.sensor import put_sensor

DEADLINE_S = 60.0
YELLOW = AlarmLevel(
    level="yellow", action="the town engineer inspects within a day", above=10.0, hysteresis=0.5, for_n=1
)


def wait_until(condition: Callable[[], bool], *, what: str) -> None:
    """Look again and again until it is so, or the deadline has passed."""
    deadline = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited too long for {what}")
        pause.wait(0.01)


def find_free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def can_connect(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Mosquitto:
    """A real Mosquitto with persistence, that can be stopped and started."""

    def __init__(self, folder: Path, port: int) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        assert program is not None, "mosquitto is not installed"
        path = write_mosquitto_configuration(folder, host="127.0.0.1", port=port)
        self.port, self.url = port, f"mqtt://127.0.0.1:{port}"
        self._command = [program, "-c", str(path)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        wait_until(lambda: can_connect(self.port), what="mosquitto")

    def stop(self) -> None:
        """End it, with everything written."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(DEADLINE_S)
            self._process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running Mosquitto."""
    broker = Mosquitto(tmp_path / "mosquitto", find_free_port())
    broker.start()
    yield broker
    broker.stop()


@contextmanager
def run_amqtt() -> Iterator[str]:
    """The embedded broker in a process of its own, as `siteproof up` runs it; its URL."""
    port = find_free_port()
    program = "import sys, threading; from iot.embedded_broker import run_embedded_broker as run; "
    program += "run('127.0.0.1', int(sys.argv[1]), threading.Event())"
    process = subprocess.Popen([sys.executable, "-c", program, str(port)], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: can_connect(port), what="the embedded broker")
        yield f"mqtt://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(DEADLINE_S)


@pytest.fixture(params=["mosquitto", "amqtt"])
def broker_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each broker that the product runs with."""
    if request.param == "mosquitto":
        yield request.getfixturevalue("mosquitto").url
    else:
        with run_amqtt() as url:
            yield url


class Publisher:
    """A gauge: publishes with QoS 1 and knows what the broker has taken."""

    def __init__(self, url: str) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.max_inflight_messages_set(500)
        host, port = url.removeprefix("mqtt://").split(":")
        self._client.connect(host, int(port))
        self._client.loop_start()

    def publish(self, topic: str, *payloads: bytes | str) -> None:
        """Publish, and return when the broker has acknowledged all of it."""
        infos = [self._client.publish(topic, payload, qos=1) for payload in payloads]
        for info in infos:
            info.wait_for_publish(DEADLINE_S)
        assert all(info.is_published() for info in infos)

    def close(self) -> None:
        """Take leave."""
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def registered(database: Database) -> Database:
    """A database with bridge b1, sensors s1 (with an alarm above 10) and s2, and project b2 without sensors."""
    with database.transaction() as connection:
        for project_id in ("b1", "b2"):
            put_project(
                connection,
                project_id=project_id,
                name="Stone bridge",
                kind=ProjectKind.BRIDGE,
                area="county/town",
                contractor=None,
                starts_on=None,
                ends_on=None,
                time_zone="Asia/Shanghai",
                position=None,
                project_class=ProjectClass.B,
                public_code=f"code-{project_id}",
            )
        put_sensor(connection, sensor_id="s1", project_id="b1", kind=SensorKind.SETTLEMENT, unit="mm", alarms=[YELLOW])
        put_sensor(connection, sensor_id="s2", project_id="b1", kind=SensorKind.TILT, unit="deg", range_max=5.0)
    return database


def count_rows(database: Database, table: str) -> int:
    """How many rows `reading`, `dead_letter` or `finding` has."""
    queries = {
        "reading": "SELECT count(*) FROM reading",
        "dead_letter": "SELECT count(*) FROM dead_letter",
        "finding": "SELECT count(*) FROM finding",
    }
    with database.transaction() as connection:
        row = connection.execute(queries[table].encode()).fetchone()
    assert row is not None
    return int(row[0])
