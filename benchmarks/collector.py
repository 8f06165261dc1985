"""How fast the collector is, on a real Mosquitto and a real PostgreSQL, beside a peer and a limit, in one run.

One reading a message: against a paho subscriber that acknowledges by hand, parses the JSON and stores nothing.
Many readings a message: against a bare staged COPY of the same rows, committed in batches of the same size.

Data: `--messages` messages of one reading, then `--rows` readings in messages of `--per-message`, of `--sensors`
sensors, each with one alarm level unless `--no-alarms`. The broker holds all of it before the clock starts, so that
the publisher takes no time from what is measured. Rounds alternate between the two; the table gives medians.

Guards against: work per message or per row that creeps into decoding, batching, storing or acknowledging.
Needs `mosquitto`; uses the PostgreSQL of SITEPROOF_TEST_DATABASE_URL, else an embedded one. Run it from the
repository's root: `python -m benchmarks.collector`.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from psycopg import sql

from domain.project import ProjectClass, ProjectKind
from domain.sensor import AlarmLevel, SensorKind
from iot.collector import MAX_BATCH, Collector
from iot.mosquitto_configuration import write_mosquitto_configuration
from iot.topics import READINGS, make_topic
from runtime.embedded_postgresql import EmbeddedPostgresql
from storage.database import Database
from storage.migration import migrate
from storage.project import put_project
from storage.sensor import put_sensor

START = datetime(2026, 7, 1, tzinfo=UTC)
PROJECT = "bench"
CLIENT = "bench-subscriber"
DEADLINE_S = 300.0

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
    """Started where it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Took:
        """What has passed."""
        return Took(time.perf_counter() - self._wall, time.process_time() - self._cpu)


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
    with tempfile.TemporaryDirectory() as folder:
        given = os.environ.get("SITEPROOF_TEST_DATABASE_URL")
        server = None if given else EmbeddedPostgresql(Path(folder) / "data")
        base = given or (server.__enter__().url if server else "")
        name = f"bench_{uuid.uuid4().hex}"
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        url = psycopg.conninfo.make_conninfo(base, dbname=name)
        migrate(url)
        database = Database(url)
        try:
            yield database, register(database, sensors=sensors, alarms=alarms)
        finally:
            database.close()
            with psycopg.connect(base, autocommit=True) as connection:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            if server is not None:
                server.__exit__(None, None, None)


def register(database: Database, *, sensors: int, alarms: bool) -> list[int]:
    """Store the project and its sensors, and return their keys in order."""
    level = AlarmLevel(level="red", action="nobody, this is a benchmark", above=1e6)
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
                alarms=[level] if alarms else [],
            )
        found = dict(connection.execute("SELECT id, key FROM sensor").fetchall())
    return [found[f"s{number}"] for number in range(sensors)]


def empty(database: Database) -> None:
    """Forget all readings and alarm states."""
    with database.transaction() as connection:
        connection.execute("TRUNCATE reading")
        connection.execute("TRUNCATE alarm_state")
        native = connection.execute("SELECT flavour = 'native' FROM storage_flavour").fetchone()
        if native == (True,):
            connection.execute("TRUNCATE reading_hour")


def split_url(url: str) -> tuple[str, int]:
    """Host and port."""
    host, port = url.removeprefix("mqtt://").split(":")
    return host, int(port)


def fill_session(url: str, load: Load) -> None:
    """Have the broker hold the load for the session of CLIENT."""
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


def time_peer(url: str, load: Load) -> Took:
    """What a bare subscriber takes for the load."""
    fill_session(url, load)
    client = Client(CallbackAPIVersion.VERSION2, client_id=CLIENT, clean_session=False, manual_ack=True)
    received = [0]

    def on_message(client: Client, _userdata: object, message: MQTTMessage) -> None:
        json.loads(message.payload)
        client.ack(message.mid, message.qos)
        received[0] += 1
        if received[0] == len(load.messages):
            client.disconnect()

    client.on_message = on_message
    client.connect(*split_url(url))
    watch = Stopwatch()
    client.loop_forever()
    return watch.read()


def time_collector(url: str, load: Load, database: Database) -> Took:
    """What the collector takes for the load, the last commit included."""
    empty(database)
    fill_session(url, load)
    collector = Collector(database, url=url, client_id=CLIENT)
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,))
    watch = Stopwatch()
    thread.start()
    wait_until(lambda: collector.counters.stored >= load.rows, what="the collector")
    taken = watch.read()
    stop.set()
    thread.join()
    return taken


def time_copy(load: Load, database: Database, keys: list[int]) -> Took:
    """What staged COPYs of the same rows take, in batches like the collector's, each committed."""
    empty(database)
    rows: list[Row] = []
    for topic, payload in load.messages:
        key = keys[int(topic.rsplit("/s", 1)[1])]
        rows += [
            (key, datetime.fromisoformat(item["t"]), item["v"], None, 0, item["seq"]) for item in json.loads(payload)
        ]
    months = {row[1].date().replace(day=1) for row in rows}
    with database.transaction() as connection:
        if connection.execute("SELECT flavour = 'native' FROM storage_flavour").fetchone() == (True,):
            connection.execute("SELECT ensure_reading_partitions(%s::date[])", [sorted(months)])
    with psycopg.connect(database.url) as connection:
        connection.execute("CREATE TEMPORARY TABLE bare_staging (LIKE reading) ON COMMIT DELETE ROWS")
        connection.commit()
        watch = Stopwatch()
        for first in range(0, len(rows), MAX_BATCH):
            with connection.cursor().copy("COPY bare_staging FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["int4", "timestamptz", "float8", "float8", "int2", "int8"])
                for row in rows[first : first + MAX_BATCH]:
                    copy.write_row(row)
            connection.execute("INSERT INTO reading SELECT * FROM bare_staging ON CONFLICT DO NOTHING")
            connection.commit()
        return watch.read()


def main() -> None:
    """Run both comparisons and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000, help="messages of one reading in a round")
    parser.add_argument("--rows", type=int, default=100_000, help="readings of a round with many in a message")
    parser.add_argument("--per-message", type=int, default=100)
    parser.add_argument("--sensors", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-alarms", action="store_true", help="sensors without alarm levels")
    arguments = parser.parse_args()
    single = make_load(rows=arguments.messages, per_message=1, sensors=arguments.sensors)
    many = make_load(rows=arguments.rows, per_message=arguments.per_message, sensors=arguments.sensors)
    with (
        run_mosquitto() as url,
        make_database(sensors=arguments.sensors, alarms=not arguments.no_alarms) as (
            database,
            keys,
        ),
    ):
        peers, collectors, copies, collected = [], [], [], []
        for _ in range(arguments.rounds):
            peers.append(time_peer(url, single))
            collectors.append(time_collector(url, single, database))
            copies.append(time_copy(many, database, keys))
            collected.append(time_collector(url, many, database))
    print(f"{arguments.rounds} rounds, {arguments.sensors} sensors, alarms {'off' if arguments.no_alarms else 'on'}")
    print(f"{'':44}{'readings/s':>12}{'cpu us':>8}  all rounds")
    many_name = f"collector, {arguments.per_message} readings a message"
    for name, rows, tooks in (
        ("paho, acknowledged by hand, stores nothing", single.rows, peers),
        ("collector, 1 reading a message", single.rows, collectors),
        ("staged COPY of the same rows", many.rows, copies),
        (many_name, many.rows, collected),
    ):
        rates = [rows / took.wall_s for took in tooks]
        cpu_us = statistics.median(took.cpu_s for took in tooks) / rows * 1e6
        print(f"{name:44}{statistics.median(rates):12,.0f}{cpu_us:8.1f}  {' '.join(f'{rate:,.0f}' for rate in rates)}")
    for name, ours, theirs in (("1 reading a message", collectors, peers), (many_name, collected, copies)):
        ratio = statistics.median(t.wall_s for t in theirs) / statistics.median(t.wall_s for t in ours)
        print(f"ratio, {name}: {ratio:.2f}")


if __name__ == "__main__":
    main()
