"""The evidence log as rows that are never changed. What is hashed and signed is `findings`' to say."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from domain.access import Principal
from domain.log_entry import LogEntry
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("evidence_log")
_LEAVES_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """An entry as somebody sees it: out of sight, only its hash may be told."""

    entry: LogEntry
    in_sight: bool


def insert_pending(
    connection: Connection, *, kind: str, project_id: str | None, subject: str, leaf: bytes, content: bytes
) -> None:
    """Let a fact wait for its place; it gets one once the caller's transaction is committed."""
    values = {"kind": kind, "project_id": project_id, "subject": subject, "leaf": leaf, "content": content}
    connection.execute(_QUERIES["insert_pending"], values)


def lock_log(connection: Connection) -> None:
    """Be the only one who gives places and signs, until the transaction ends."""
    connection.execute(_QUERIES["lock_log"])


def find_log_size(connection: Connection) -> int:
    """How many entries have their place."""
    return _find_number(connection, "find_log_size")


def count_pending(connection: Connection) -> int:
    """How many facts wait for their place."""
    return _find_number(connection, "count_pending")


def take_pending(connection: Connection, *, size: int, limit: int) -> list[bytes]:
    """Give waiting facts their places from `size` on, at most `limit`; the leaves in their order.

    The caller holds the log's lock.
    """
    rows = connection.execute(_QUERIES["take_pending"], {"size": size, "limit": limit}).fetchall()
    return [row[1] for row in sorted(rows)]


def insert_nodes(connection: Connection, *, nodes: Mapping[tuple[int, int], bytes]) -> None:
    """Store hashes of complete subtrees, by (level, index)."""
    levels, indices = [each[0] for each in nodes], [each[1] for each in nodes]
    values = {"levels": levels, "indices": indices, "hashes": list(nodes.values())}
    connection.execute(_QUERIES["insert_nodes"], values)


def list_nodes(connection: Connection, *, nodes: Collection[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The hashes of these subtrees; one that is not there is missing."""
    values = {"levels": [each[0] for each in nodes], "indices": [each[1] for each in nodes]}
    rows = connection.execute(_QUERIES["list_nodes"], values).fetchall()
    return {(row[0], row[1]): row[2] for row in rows}


def find_checkpoint(connection: Connection) -> str | None:
    """The newest signed checkpoint."""
    row = connection.execute(_QUERIES["find_checkpoint"]).fetchone()
    return None if row is None else row[0]


def insert_checkpoint(connection: Connection, *, size: int, note: str) -> None:
    """Keep a signed checkpoint."""
    connection.execute(_QUERIES["insert_checkpoint"], {"size": size, "note": note})


def list_keys(connection: Connection) -> list[tuple[str, int]]:
    """Every public key, the one that signs last: (key, from which size on)."""
    return [(row[0], row[1]) for row in connection.execute(_QUERIES["list_keys"])]


def insert_key(connection: Connection, *, key: str, from_size: int) -> None:
    """Let a key sign from a size on."""
    connection.execute(_QUERIES["insert_key"], {"key": key, "from_size": from_size})


def list_entries(connection: Connection, *, principal: Principal, after: str | None, limit: int) -> Page[SeenEntry]:
    """All entries in their order, each with whether the principal sees it.

    Raises:
        InvalidCursor: `after` is not a cursor of ours.
    """
    values = {
        "area": principal.area,
        "token_project_id": principal.project_id,
        "after": decode_cursor(after)[0],
        "limit": limit + 1,
    }
    rows = connection.execute(_QUERIES["list_entries"], values).fetchall()
    return cut_page([(row[0] + 1, SeenEntry(LogEntry(*row[:6]), row[6])) for row in rows], limit=limit)


def list_subject_entries(connection: Connection, *, subjects: Collection[str], size: int) -> list[LogEntry]:
    """The entries about these things among the first `size`, in their order."""
    values = {"subjects": list(subjects), "size": size}
    return [LogEntry(*row) for row in connection.execute(_QUERIES["list_subject_entries"], values)]


def list_entries_of_the_log(connection: Connection, *, size: int) -> list[LogEntry]:
    """The entries of the log about itself among the first `size`, in their order."""
    return [LogEntry(*row) for row in connection.execute(_QUERIES["list_entries_of_the_log"], {"size": size})]


def delete_contents(connection: Connection, *, subject: str, kept_kind: str) -> None:
    """Delete what the placed entries about a thing stand for, those of one kind excepted; the leaves stay."""
    connection.execute(_QUERIES["delete_contents"], {"subject": subject, "kept_kind": kept_kind})


def walk_leaves(connection: Connection) -> Iterator[bytes]:
    """Every leaf from the first, in their order, some thousands at a time."""
    after = 0
    while True:
        rows = connection.execute(_QUERIES["list_leaves"], {"after": after, "limit": _LEAVES_AT_ONCE}).fetchall()
        yield from (row[0] for row in rows)
        if len(rows) < _LEAVES_AT_ONCE:
            return
        after += len(rows)


def _find_number(connection: Connection, name: str) -> int:
    row = connection.execute(_QUERIES[name]).fetchone()
    if row is None:
        raise RuntimeError("SELECT gave no row")
    return int(row[0])
