"""How fast the collector is, on a real Mosquitto and a real PostgreSQL, beside peers and a limit, in one run.

One reading a message: against a paho subscriber that acknowledges by hand, parses the JSON and stores nothing; with
`--with-node-red` also against Node-RED, which inserts message by message.
Many readings a message: against a bare staged COPY of the same rows, committed in batches of the same size, and against
one INSERT a row, each committed, of the first `--row-by-row` readings.

Data: `--messages` messages of one reading, then `--rows` readings in messages of `--per-message`, of `--sensors`
sensors, each with one alarm level unless `--no-alarms`. The broker holds all of it before the clock starts, so that
the publisher takes no time from what is measured. Rounds alternate between all of them; the table gives medians.
With `--with-node-red` there follows a burst: `--burst` messages of one reading, published while the collector, and
then Node-RED, runs, and how many of them were stored in the end.

Guards against: work per message or per row that creeps into decoding, batching, storing or acknowledging.
Needs `mosquitto`, and at the first `--with-node-red` npm's registry; uses the PostgreSQL of
SITEPROOF_TEST_DATABASE_URL, else an embedded one. Run it from the repository's root: `python -m benchmarks.collector`.
"""

import argparse
import signal
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.collector_node_red import CONNECTIONS, FORM_WAIT_MS, NodeRedPeer, install
from benchmarks.collector_peers import time_copy, time_row_by_row, time_subscriber
from benchmarks.collector_stage import (
    CLIENT,
    Load,
    Stopwatch,
    Took,
    empty,
    fill_session,
    make_database,
    make_load,
    open_session,
    publish,
    run_mosquitto,
    settle,
    wait_until,
)
from iot.collector import Collector
from storage.database import Database


@dataclass
class Line:
    """A line of the table: what was measured, and of each round how many readings it took and for how long."""

    name: str
    rounds: list[tuple[int, Took]] = field(default_factory=list)

    def add(self, rows: int, took: Took) -> None:
        """Another round."""
        self.rounds.append((rows, took))

    def list_rates(self) -> list[float]:
        """Readings a second of each round; 0 where none came."""
        return [rows / took.wall_s if rows else 0.0 for rows, took in self.rounds]

    def format(self) -> str:
        """Median readings a second, median processor time for a reading, and the rates of all rounds."""
        rates = self.list_rates()
        cpu_us = statistics.median(took.cpu_s / max(rows, 1) for rows, took in self.rounds) * 1e6
        each = " ".join(f"{rate:,.0f}" for rate in rates)
        return f"{self.name:44}{statistics.median(rates):12,.0f}{cpu_us:8.1f}  {each}"


@contextmanager
def run(collector: Collector) -> Iterator[None]:
    """The collector in a thread, ended with the block."""
    stop = threading.Event()
    thread = threading.Thread(target=collector.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def time_collector(url: str, load: Load, database: Database) -> Took:
    """What the collector takes for the load, the last commit included."""
    empty(database)
    fill_session(url, load)
    collector = Collector(database, url=url, client_id=CLIENT)
    watch = Stopwatch()
    with run(collector):
        wait_until(lambda: collector.counters.stored >= load.rows, what="the collector")
        return watch.read()


def burst_collector(url: str, load: Load, database: Database) -> int:
    """How much is stored in the end of a load that is published while the collector runs."""
    empty(database)
    open_session(url)
    collector = Collector(database, url=url, client_id=CLIENT)
    with run(collector):
        wait_until(lambda: collector.is_subscribed, what="the collector")
        publish(url, load)
        return settle(database, wanted=load.rows, watch=Stopwatch())[0]


def make_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000, help="messages of one reading in a round")
    parser.add_argument("--rows", type=int, default=100_000, help="readings of a round with many in a message")
    parser.add_argument("--per-message", type=int, default=100)
    parser.add_argument("--row-by-row", type=int, default=5_000, help="rows of a round that are stored one by one")
    parser.add_argument("--sensors", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-alarms", action="store_true", help="sensors without alarm levels")
    parser.add_argument("--with-node-red", action="store_true", help="beside Node-RED, too, and with the burst")
    parser.add_argument("--burst", type=int, default=50_000, help="messages of one reading in the burst")
    parser.add_argument(
        "--cache", type=Path, default=Path("build/node-red"), help="folder that Node-RED is installed into"
    )
    return parser


def main() -> None:
    """Run the comparisons and print the table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is ended, too
    arguments = make_parser().parse_args()
    installed = install(arguments.cache) if arguments.with_node_red else None
    with (
        run_mosquitto() as url,
        make_database(sensors=arguments.sensors, alarms=not arguments.no_alarms) as (database, keys),
    ):
        node_red = NodeRedPeer(installed=installed, url=url, database=database, keys=keys) if installed else None
        compare(arguments, url=url, database=database, keys=keys, node_red=node_red)
        if node_red is not None:
            burst(arguments, url=url, database=database, node_red=node_red)


def compare(
    arguments: argparse.Namespace, *, url: str, database: Database, keys: list[int], node_red: NodeRedPeer | None
) -> None:
    """Run the rounds and print their table."""
    single = make_load(rows=arguments.messages, per_message=1, sensors=arguments.sensors)
    many = make_load(rows=arguments.rows, per_message=arguments.per_message, sensors=arguments.sensors)
    one_by_one = make_load(rows=arguments.row_by_row, per_message=1, sensors=arguments.sensors)
    subscriber = Line("paho, acknowledged by hand, stores nothing")
    ours = Line("collector, 1 reading a message")
    flow = Line("Node-RED, 1 reading a message")
    copied = Line("staged COPY of the same rows")
    inserted = Line(f"row by row with commit, {one_by_one.rows:,} rows only")
    ours_many = Line(f"collector, {arguments.per_message} readings a message")
    for _ in range(arguments.rounds):
        subscriber.add(single.rows, time_subscriber(url, single))
        ours.add(single.rows, time_collector(url, single, database))
        if node_red is not None:
            stored = node_red.store_held(single)
            flow.add(stored.rows, stored.took)
        copied.add(many.rows, time_copy(many, database, keys))
        inserted.add(one_by_one.rows, time_row_by_row(one_by_one, database, keys))
        ours_many.add(many.rows, time_collector(url, many, database))
    print(f"{arguments.rounds} rounds, {arguments.sensors} sensors, alarms {'off' if arguments.no_alarms else 'on'}")
    print(f"{'':44}{'readings/s':>12}{'cpu us':>8}  all rounds")
    for line in (subscriber, ours, flow, copied, inserted, ours_many):
        if line.rounds:
            print(line.format())
    if any(rows != single.rows for rows, _ in flow.rounds):
        print(f"Node-RED stored {[rows for rows, _ in flow.rounds]} of {single.rows:,}")
    for line, peer in ((ours, subscriber), (ours_many, copied)):
        ratio = statistics.median(line.list_rates()) / statistics.median(peer.list_rates())
        print(f"ratio, {line.name}: {ratio:.2f}")


def burst(arguments: argparse.Namespace, *, url: str, database: Database, node_red: NodeRedPeer) -> None:
    """Publish the burst to each, and print what was stored of it."""
    load = make_load(rows=arguments.burst, per_message=1, sensors=arguments.sensors)
    print(f"\n{f'stored of a burst of {load.rows:,} messages':58}{'stored':>8}")
    print(f"{'collector':58}{burst_collector(url, load, database):8,}")
    for wait_ms, said in ((0, "for ever, as pg has it"), (FORM_WAIT_MS, f"{FORM_WAIT_MS / 1000:.0f} s")):
        stored = node_red.store_burst(load, wait_ms=wait_ms)
        print(f"{f'Node-RED, waits for a connection {said}':58}{stored.rows:8,}")
        if stored.errors:
            print(f"  {len(stored.errors):,} errors in its log, the first: {stored.errors[0]}")
    print(f"{node_red.installed.describe()}; mqtt in with QoS 1 and a kept session, {CONNECTIONS} connections")


if __name__ == "__main__":
    main()
