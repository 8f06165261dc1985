"""Whole tables as text, out of one snapshot and into an empty database; what else a backup holds is not said here."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from graphlib import TopologicalSorter
from typing import ClassVar, Final

import psycopg
from psycopg import sql

from domain.errors import Conflict
from storage.database import Connection
from storage.errors import translate_errors
from storage.evidence_log import find_checkpoint
from storage.query import load_queries

_QUERIES: Final = load_queries("table_copy")
# What a value's text looks like must not depend on who runs it, nor may a long read be cut short.
_OPTIONS: Final = " ".join(
    f"-c {each}"
    for each in (
        "timezone=UTC",
        "datestyle=ISO",
        "intervalstyle=postgres",
        "extra_float_digits=1",
        "bytea_output=hex",
        "statement_timeout=0",
        "idle_in_transaction_session_timeout=0",
    )
)
# Rows that migrations write, so that a database of nothing else counts as empty.
_SEEDED: Final[dict[str, sql.SQL]] = {
    "reading_retention": sql.SQL("true"),
    "token": sql.SQL("secret_sha256 = decode(repeat('00', 32), 'hex')"),
}
_NONE: Final = sql.SQL("false")
_FETCHED: Final = 10_000
_GATHERED_BYTES: Final = 1 << 18


class SchemaChanged(Conflict):
    """A migration ran between two looks at the tables."""

    code: ClassVar[str] = "backup.schema_changed"


@dataclass(slots=True)
class RowTally:
    """How many rows went by, and a digest of them that does not depend on their order.

    The digest is the sum of the rows' SHA-256, each cut to 128 bits, modulo 2^128: it tells that a copy is whole, and
    is no defence against somebody who makes rows up; the SHA-256 of the file is.
    """

    rows: int = 0
    total: int = 0

    def add(self, block: bytes) -> None:
        """Count the rows of a block of COPY's text; it ends with the end of a row."""
        lines = block.split(b"\n")[:-1]
        self.rows += len(lines)
        self.total += sum(int.from_bytes(hashlib.sha256(line).digest()[:16]) for line in lines)

    @property
    def digest(self) -> str:
        """32 hexadecimal digits."""
        return f"{self.total % 2**128:032x}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its columns in the order in which a copy has them."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counter:
    """The numbering of an identity column; `last` is None where it gave no number yet."""

    table: str
    column: str
    last: int | None


@dataclass(frozen=True, slots=True)
class ClusterClock:
    """A cluster, and the number of its next transaction, its epoch in the upper 32 bits."""

    system: int
    next_tx: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of a database, seen through one transaction.

    Attributes:
        tables: all of them, by name.
        months: of which there are readings, in native partitions.
        keep_raw_days: the retention of raw readings. [d]
        checkpoint: the evidence log's head.
    """

    connection: Connection = field(repr=False)
    migrations: tuple[int, ...]
    flavour: str
    tables: tuple[Table, ...]
    counters: tuple[Counter, ...]
    months: tuple[date, ...]
    clock: ClusterClock
    keep_raw_days: int | None
    checkpoint: str | None

    def copy_out(self, table: Table) -> Iterator[bytes]:
        """The table's rows as COPY's text, a few at a time."""
        yield from _read_rows(self.connection, table)

    def list_originals(self) -> Iterator[tuple[str, int]]:
        """(SHA-256, size in bytes) of the originals that rows name, ordered, once each."""
        with self.connection.cursor("originals") as cursor:
            cursor.itersize = _FETCHED
            for row in cursor.execute(_QUERIES["list_originals"]):
                yield row[0], row[1]

    def count_erased(self) -> int:
        """How many originals were erased by law."""
        return int(str(_one(self.connection, "count_erased")))


@contextmanager
def open_snapshot(url: str) -> Iterator[Snapshot]:
    """One moment of a database, for as long as the block takes; writers go on meanwhile.

    Raises:
        SchemaChanged: a migration ran just now.
        DatabaseUnavailable: it does not answer.
    """
    with translate_errors(), psycopg.connect(url, options=_OPTIONS) as connection:
        before = _list_tables(connection)
        connection.rollback()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        # Locked before the snapshot is taken, which the first query does: no table can be changed or emptied between.
        names = sql.SQL(", ").join(sql.Identifier(each.name) for each in before)
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
        tables = _list_tables(connection)
        if tables != before:
            raise SchemaChanged("a migration ran just now: try again")
        yield _read_snapshot(connection, tables)


def find_cluster_clock(url: str) -> ClusterClock:
    """Where a cluster's transaction numbers stand.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    with _connect(url) as connection:
        return _find_clock(connection)


def list_filled_tables(url: str) -> list[str]:
    """The tables that hold rows, but for those that migrations write; none in a database that is as good as new."""
    with _connect(url) as connection:
        return [
            each.name
            for each in _list_tables(connection)
            if _has_rows(connection, each, but=_SEEDED.get(each.name, _NONE))
        ]


def find_flavour(url: str) -> str | None:
    """Where readings lie, `timescale` or `native`; None before the first migration."""
    with _connect(url) as connection:
        if not _one(connection, "has_migrations"):
            return None
        row = connection.execute(_QUERIES["find_flavour"]).fetchone()
        return None if row is None else str(row[0])


def is_original_named(url: str, *, sha256: str) -> bool:
    """Whether a row names these bytes just now."""
    with _connect(url) as connection:
        row = connection.execute(_QUERIES["is_named"], {"sha256": sha256}).fetchone()
        return row is not None and bool(row[0])


@contextmanager
def open_load(url: str) -> Iterator[Connection]:
    """A transaction to load tables in: all of them are there when the block ends, or none where it raises."""
    with _connect(url) as connection:
        yield connection


def sort_for_loading(connection: Connection, names: Iterable[str]) -> list[str]:
    """Tables in an order in which each comes behind those that it refers to."""
    wanted = set(names)
    sorter = TopologicalSorter({name: set[str]() for name in sorted(wanted)})
    for child, parent in connection.execute(_QUERIES["list_references"]):
        if child in wanted and parent in wanted:
            sorter.add(child, parent)
    return list(sorter.static_order())


def load_table(connection: Connection, table: Table, blocks: Iterable[bytes]) -> None:
    """Write a table's rows; constraints are checked as for any other rows, and what a migration wrote goes before."""
    if _has_rows(connection, table):
        connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), _names(table.columns))
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for block in blocks:
            copy.write(block)


def tally_table(connection: Connection, table: Table) -> RowTally:
    """Read a table again, and count what is there."""
    tally = RowTally()
    for block in _read_rows(connection, table):
        tally.add(block)
    return tally


def make_reading_months(connection: Connection, months: Sequence[date]) -> None:
    """Make the partitions of these months."""
    if months:
        connection.execute(_QUERIES["make_reading_months"], {"months": list(months)})


def set_counters(connection: Connection, counters: Iterable[Counter]) -> None:
    """Let each numbering go on from where it stood."""
    for each in counters:
        if each.last is not None:
            values = {"table": each.table, "column": each.column, "last": each.last}
            connection.execute(_QUERIES["set_counter"], values)


def mark_restored(connection: Connection, *, manifest_sha256: str) -> None:
    """Say, in the transaction that loads, which backup was loaded; `unmark_restored` ends it."""
    connection.execute(_QUERIES["make_progress"])
    connection.execute(_QUERIES["insert_progress"], {"manifest_sha256": manifest_sha256})


def find_restored(url: str) -> str | None:
    """The manifest of the backup that was loaded, and whose restore did not come to its end."""
    with _connect(url) as connection:
        if not _one(connection, "has_progress"):
            return None
        row = connection.execute(_QUERIES["find_progress"]).fetchone()
        return None if row is None else str(row[0])


def unmark_restored(url: str) -> None:
    """The restore is at its end."""
    with _connect(url) as connection:
        connection.execute(_QUERIES["drop_progress"])


@contextmanager
def _connect(url: str) -> Iterator[Connection]:
    with translate_errors(), psycopg.connect(url, options=_OPTIONS) as connection:
        yield connection


def _read_snapshot(connection: Connection, tables: tuple[Table, ...]) -> Snapshot:
    return Snapshot(
        connection=connection,
        migrations=tuple(row[0] for row in connection.execute(_QUERIES["list_migrations"])),
        flavour=str(_one(connection, "find_flavour")),
        tables=tables,
        counters=tuple(Counter(*row) for row in connection.execute(_QUERIES["list_counters"])),
        months=tuple(row[0] for row in connection.execute(_QUERIES["list_reading_months"])),
        clock=_find_clock(connection),
        keep_raw_days=_one(connection, "find_raw_limit"),  # type: ignore[arg-type]
        checkpoint=find_checkpoint(connection),
    )


def _read_rows(connection: Connection, table: Table) -> Iterator[bytes]:
    """Rows as they come, gathered, because each step further on costs more than a row does."""
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(_names(table.columns), sql.Identifier(table.name))
    rows, size = list[bytes](), 0
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for row in copy:
            rows.append(bytes(row))
            size += len(row)
            if size > _GATHERED_BYTES:
                yield b"".join(rows)
                rows, size = [], 0
        yield b"".join(rows)


def _list_tables(connection: Connection) -> tuple[Table, ...]:
    return tuple(Table(row[0], tuple(row[1])) for row in connection.execute(_QUERIES["list_tables"]))


def _find_clock(connection: Connection) -> ClusterClock:
    row = connection.execute(_QUERIES["find_clock"]).fetchone()
    if row is None:
        raise RuntimeError("SELECT gave no row")
    return ClusterClock(*row)


def _has_rows(connection: Connection, table: Table, *, but: sql.SQL = _NONE) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE NOT ({}))").format(sql.Identifier(table.name), but)
    row = connection.execute(query).fetchone()
    return row is not None and bool(row[0])


def _one(connection: Connection, query: str) -> object:
    row = connection.execute(_QUERIES[query]).fetchone()
    return None if row is None else row[0]


def _names(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
