"""What the evidence log costs: facts written by 8 writers, places and hashes, pages and proofs at a growing size.

Data: facts of 600 bytes, leaf and content. Each round adds a quarter of `--entries`; pages of 100 entries are read at
the log's beginning and end, and proofs are made for 50 indices and sizes spread over it; the fastest of five counts.

The peers in the same run: the same bytes as bare rows, each committed alone by as many writers; the tree's hashing
alone, in memory. Guards against: writers that wait for each other or for the log, and pages or proofs whose cost grows
with the table. Run it from the repository's root: `python -m benchmarks.evidence_log [--entries 100000]`.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from domain.access import Principal, Role
from domain.clock import SystemClock
from findings.evidence_log import prove_consistency, prove_inclusion, read_checkpoint
from findings.log_fact import record_fact
from findings.merkle import grow, hash_leaf
from runtime.embedded_postgresql import EmbeddedPostgresql
from runtime.log_home import DiskLogHome
from runtime.log_keeper import LogKeeper
from storage.database import Connection, Database
from storage.evidence_log import list_entries
from storage.migration import migrate
from storage.page import encode_cursor

WRITERS = 8
ROUNDS = 4
PROOFS = 50
PAGE = 100
CONTENT = {"text": "x" * 300}
ADMIN = Principal(uuid4(), Role.ADMIN, "/", None, None, None)
Write = Callable[[Connection], object]


def write_fact(connection: Connection) -> None:
    """A fact as a decision writes it."""
    subject, now = f"findings/{uuid4()}", datetime.now(UTC)
    record_fact(connection, kind="finding.reviewed", project_id="p", subject=subject, at=now, content=CONTENT)


def write_bare(connection: Connection) -> None:
    """The peer: as many bytes in a row of nothing else."""
    connection.execute("INSERT INTO bare (leaf, content) VALUES (%s, %s)", [bytes(250), bytes(350)])


def measure_writers(database: Database, write: Write, count: int) -> float:
    """Transactions a second of all writers together, one row each."""

    def write_many() -> None:
        for _ in range(count // WRITERS):
            with database.transaction() as connection:
                write(connection)

    start = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        for each in [pool.submit(write_many) for _ in range(WRITERS)]:
            each.result()
    return count / (time.perf_counter() - start)


def measure_ms(deed: Callable[[], object], *, times: int = 1) -> float:
    """How long it takes, the fastest of five, for each of `times`. [ms]."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        deed()
        best = min(best, time.perf_counter() - start)
    return 1000 * best / times


def show_reads(database: Database, size: int) -> str:
    """Pages and proofs at this size."""
    spread = [each * size // PROOFS for each in range(PROOFS)]
    with database.transaction() as connection:

        def read(after: int) -> None:
            list_entries(connection, principal=ADMIN, after=encode_cursor(after), limit=PAGE)

        def prove() -> None:
            for each in spread:
                prove_inclusion(connection, index=each, size=size)

        def prove_growth() -> None:
            for each in spread:
                prove_consistency(connection, first=each, second=size)

        pages = [measure_ms(partial(read, after)) for after in (0, size - PAGE)]
        proofs = [measure_ms(each, times=PROOFS) for each in (prove, prove_growth)]
    return (
        f"{size:>9} entries: page first {pages[0]:.2f}, last {pages[1]:.2f} ms;"
        f" inclusion {proofs[0]:.2f}, consistency {proofs[1]:.2f} ms"
    )


@contextmanager
def provide_database(folder: Path) -> Iterator[Database]:
    """A migrated database of our own."""
    with EmbeddedPostgresql(folder / "postgresql", owns_server=True) as server:
        migrate(server.url)
        database = Database(server.url, max_connections=WRITERS)
        try:
            yield database
        finally:
            database.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    entries = parser.parse_args().entries // ROUNDS
    with TemporaryDirectory() as folder, provide_database(Path(folder)) as database:
        keeper = LogKeeper(database, DiskLogHome(Path(folder) / "evidence-log"), SystemClock())
        with database.transaction() as connection:
            connection.execute("CREATE TABLE bare (seq bigint GENERATED ALWAYS AS IDENTITY, leaf bytea, content bytea)")
        alone, count = min(entries, 4_000), 0
        for _ in range(ROUNDS):
            bare, ours = (measure_writers(database, each, alone) for each in (write_bare, write_fact))
            with database.transaction() as connection:
                for _ in range(entries - alone):
                    write_fact(connection)
            start = time.perf_counter()
            count = read_checkpoint(keeper.publish()).size
            placed = entries / (time.perf_counter() - start)
            leaves = [bytes(250)] * entries
            hashed = entries / (measure_ms(lambda: grow({}, 0, map(hash_leaf, leaves))) / 1000)  # noqa: B023 - run at once
            print(show_reads(database, count))
            print(f"{'':>9} {WRITERS} writers: {ours:,.0f} facts/s, bare rows {bare:,.0f}/s ({ours / bare:.2f})")
            print(f"{'':>9} places: {placed:,.0f} entries/s, hashing alone {hashed:,.0f}/s", flush=True)


if __name__ == "__main__":
    main()
