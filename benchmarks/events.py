"""Events read while 100 writers write: none skipped, none twice, in order; and what a page costs in a long table.

1,000,000 events by 100 concurrent connections, in transactions of 1 to 20 events of which some are held open for a
while, so that later ones commit before them. Two readers follow from the first event on: one of everything, one of the
half that lies in its area. A third, the peer in the same run, goes by the sequence alone, as outboxes often do, and
shows what is lost by that. Then pages of 100 are timed at the start, the middle and the end of the table, and for an
area of which there is nothing, beside the same in a table of 10,000.

Guards against: a cursor that passes an event which commits late, and pages whose cost grows with the table. Run it from
the repository's root: `python -m benchmarks.events [--events N] [--writers N]`; some minutes on two cores.
"""

import argparse
import multiprocessing as mp
import random
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.synchronize import Event as Flag
from pathlib import Path
from typing import Final

import psycopg

from runtime.embedded_postgresql import EmbeddedPostgresql
from storage.database import Connection, Database
from storage.event import START_CURSOR, insert_event, list_events
from storage.migration import migrate
from storage.page import encode_cursor

NEAR: Final = "county/near"
FAR: Final = "county/far"
NOWHERE: Final = "county/nowhere"
PROCESSES: Final = 4  # of writers, so that one interpreter's lock does not stand between them
LONGEST_TRANSACTION: Final = 20
HELD: Final = 0.02  # share of transactions that are held open
HELD_S: Final = 0.2
PAGE: Final = 500
TIMED_PAGE: Final = 100
SMALL: Final = 10_000
TIMINGS: Final = 100


@dataclass(frozen=True)
class Reading:
    """What a reader saw.

    Attributes:
        seen: (writer, number) in the order of reading.
        pages: how many were read.
    """

    name: str
    seen: list[tuple[int, int]]
    pages: int


def write(connection: Connection, writer: int, number: int) -> None:
    """One event of a writer."""
    insert_event(
        connection,
        type_="siteproof.benchmark.written",
        project_id="benchmark",
        area=NEAR if writer % 2 else FAR,
        subject=f"{writer}/{number}",
        occurred_at=datetime.now(UTC),
        data={"writer": writer, "number": number, "text": "a finding's sentence of ordinary length, in two languages"},
    )


def run_writer(url: str, writer: int, events: int) -> None:
    """All events of one writer, over a connection of its own."""
    chance = random.Random(writer)  # noqa: S311 - the same run every time
    number = 0
    with psycopg.connect(url) as connection:
        while number < events:
            size = min(chance.randint(1, LONGEST_TRANSACTION), events - number)
            with connection.pipeline(), connection.transaction():
                for each in range(number, number + size):
                    write(connection, writer, each)
                if chance.random() < HELD:
                    connection.execute("SELECT pg_sleep(%s)", (HELD_S,))
            number += size


def run_writers(url: str, writers: range, events: int) -> None:
    """Some of the writers, each in a thread."""
    threads = [threading.Thread(target=run_writer, args=(url, writer, events)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def follow(url: str, area: str, done: Flag, results: "mp.Queue[Reading]") -> None:
    """Read as `GET /v1/events` does, until the writers are done and all was read."""
    database, after, pages = Database(url, max_connections=1), START_CURSOR, 0
    seen: list[tuple[int, int]] = []
    while True:
        finished = done.is_set()
        with database.transaction() as connection:
            page = list_events(connection, area=area, project_id=None, after=after, limit=PAGE)
        after, pages = page.next, pages + 1
        seen += [_parse(event.subject) for event in page.events]
        if page.is_last and finished:
            break
        if page.is_last:
            time.sleep(0.02)
    database.close()
    results.put(Reading(area, seen, pages))


def follow_sequence(url: str, done: Flag, results: "mp.Queue[Reading]") -> None:
    """The peer: by the sequence alone, whatever is visible."""
    after, pages = 0, 0
    seen: list[tuple[int, int]] = []
    query = "SELECT seq, subject FROM event WHERE seq > %s ORDER BY seq LIMIT %s"
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            finished = done.is_set()
            rows = connection.execute(query, (after, PAGE)).fetchall()
            pages += 1
            seen += [_parse(subject) for _, subject in rows]
            if rows:
                after = rows[-1][0]
            elif finished:
                break
            else:
                time.sleep(0.02)
    results.put(Reading("by sequence", seen, pages))


def _parse(subject: str) -> tuple[int, int]:
    writer, _, number = subject.partition("/")
    return int(writer), int(number)


def count_out_of_order(seen: list[tuple[int, int]]) -> int:
    """Events that came before an earlier one of the same writer."""
    newest: dict[int, int] = {}
    wrong = 0
    for writer, number in seen:
        wrong += number < newest.get(writer, -1)
        newest[writer] = max(number, newest.get(writer, -1))
    return wrong


def judge(reading: Reading, wanted: set[tuple[int, int]]) -> tuple[int, int, int]:
    """Events that are skipped, that came twice, and that are out of their writer's order."""
    once = set(reading.seen)
    return len(wanted - once), len(reading.seen) - len(once), count_out_of_order(reading.seen)


def measure_pages(url: str) -> dict[str, float]:
    """The median time of a page at several places, in milliseconds."""
    database = Database(url, max_connections=1)
    with database.transaction() as connection:
        places = (
            "SELECT tx::text::bigint, seq FROM event ORDER BY tx, seq OFFSET (SELECT count(*) FROM event) * %s LIMIT 1"
        )
        middle, end = (connection.execute(places, (share,)).fetchone() for share in (0.5, 0.999))
    assert middle is not None
    assert end is not None
    cases = {
        "start": ("/", START_CURSOR),
        "middle": ("/", encode_cursor(*middle)),
        "end": ("/", encode_cursor(*end)),
        "half of it, middle": (NEAR, encode_cursor(*middle)),
        "nothing in the area": (NOWHERE, START_CURSOR),
    }
    times = {}
    for name, (area, after) in cases.items():
        taken = []
        for _ in range(TIMINGS):
            with database.transaction() as connection:
                began = time.perf_counter()
                list_events(connection, area=area, project_id=None, after=after, limit=TIMED_PAGE)
                taken.append(1_000 * (time.perf_counter() - began))
        times[name] = statistics.median(taken)
    database.close()
    return times


def start_server(folder: Path) -> EmbeddedPostgresql:
    """A PostgreSQL of our own that lets all writers in; its default is 100 connections."""
    with EmbeddedPostgresql(folder) as server, psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET max_connections = 200")
    return EmbeddedPostgresql(folder)


def prepare(server: str, name: str) -> str:
    """An empty, migrated database."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = psycopg.conninfo.make_conninfo(server, dbname=name)
    migrate(url)
    return url


def analyse(url: str) -> None:
    """What autovacuum would have done by then."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE event")


def run(url: str, *, writers: int, events: int) -> tuple[list[Reading], float]:
    """Write and read at once; gives back what the readers saw, and how many seconds the writers took."""
    done: Flag = mp.Event()
    results: mp.Queue[Reading] = mp.Queue()
    followers = [
        mp.Process(target=follow, args=(url, "/", done, results)),
        mp.Process(target=follow, args=(url, NEAR, done, results)),
        mp.Process(target=follow_sequence, args=(url, done, results)),
    ]
    shares = [range(first, writers, PROCESSES) for first in range(PROCESSES)]
    sources = [mp.Process(target=run_writers, args=(url, share, events // writers)) for share in shares]
    began = time.monotonic()
    for process in followers + sources:
        process.start()
    for process in sources:
        process.join()
    took_s = time.monotonic() - began
    done.set()
    readings = [results.get() for _ in followers]
    for process in followers:
        process.join()
    return sorted(readings, key=lambda each: each.name), took_s


def show(readings: list[Reading], *, writers: int, events: int) -> None:
    """The table of the readers."""
    everything = {(writer, number) for writer in range(writers) for number in range(events // writers)}
    near = {each for each in everything if each[0] % 2}
    print(f"{'reader':<24}{'wanted':>10}{'skipped':>10}{'twice':>8}{'out of order':>14}{'pages':>8}")
    for reading in readings:
        wanted = near if reading.name == NEAR else everything
        skipped, twice, wrong = judge(reading, wanted)
        print(f"{reading.name:<24}{len(wanted):>10,}{skipped:>10,}{twice:>8,}{wrong:>14,}{reading.pages:>8,}")
    whole, part = readings[0], readings[2] if readings[2].name == NEAR else readings[1]
    same = [each for each in whole.seen if each[0] % 2] == part.seen
    print(f"both readers in the same order: {'yes' if same else 'NO'}")


def main() -> None:
    """Run it and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--writers", type=int, default=100)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, start_server(Path(folder) / "data") as server:
        small = prepare(server.url, "small")
        with psycopg.connect(small) as connection:
            for number in range(SMALL):
                write(connection, number % 2, number)
        analyse(small)
        before = measure_pages(small)
        large = prepare(server.url, "large")
        with psycopg.connect(large) as connection:
            # Without it the peer would read the whole table for each of its pages.
            connection.execute("CREATE INDEX benchmark_event_seq ON event (seq)")
        readings, took_s = run(large, writers=given.writers, events=given.events)
        print(f"{given.events:,} events by {given.writers} writers in {took_s:.0f} s\n")
        show(readings, writers=given.writers, events=given.events)
        analyse(large)
        after = measure_pages(large)
        print(f"\n{'page of ' + str(TIMED_PAGE):<24}{f'{SMALL:,} rows':>16}{f'{given.events:,} rows':>18}   median")
        for name, small_ms in before.items():
            print(f"{name:<24}{small_ms:>13.1f} ms{after[name]:>15.1f} ms")


if __name__ == "__main__":
    main()
