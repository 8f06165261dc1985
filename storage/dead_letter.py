"""Messages that could not become readings, as rows, with their bytes, until someone mends and replays them."""

from collections.abc import Sequence
from typing import Final

from domain.sensor import DeadLetter
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("dead_letter")
_NUL: Final = "\0"  # the one character that PostgreSQL's text cannot hold
_INSTEAD: Final = "\ufffd"


def store_dead_letters(
    connection: Connection, *, dead_letters: Sequence[DeadLetter], redelivered: bool = False
) -> None:
    """Keep these; a NUL in a topic, which MQTT forbids, is written as U+FFFD, so that no topic is refused.

    Args:
        connection: of the caller's transaction.
        dead_letters: in the order of their arrival.
        redelivered: the broker says that it delivers again, so what is there already is left out.
    """
    query = _QUERIES["insert_redelivered_dead_letter" if redelivered else "insert_dead_letter"]
    values = [
        {
            "topic": letter.topic.replace(_NUL, _INSTEAD),
            "payload": letter.payload,
            "code": letter.code,
            "detail": letter.detail.replace(_NUL, _INSTEAD),
            "received_at": letter.received_at,
        }
        for letter in dead_letters
    ]
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(query, values)


def list_dead_letters(
    connection: Connection,
    *,
    after: str | None,
    limit: int,
    code: str | None = None,
    topic_prefix: str | None = None,
) -> Page[DeadLetter]:
    """Dead letters in the order in which they were kept.

    Args:
        connection: of the caller's transaction.
        after: the cursor of the page before.
        limit: at most so many.
        code: only those of this reason.
        topic_prefix: only those whose topic begins so.

    Raises:
        InvalidCursor: `after` is not a cursor of ours.
    """
    values = {"after": decode_cursor(after)[0], "limit": limit + 1, "code": code, "topic_prefix": topic_prefix}
    rows = connection.execute(_QUERIES["list_dead_letters"], values)
    return cut_page([(row[5], DeadLetter(*row[:5])) for row in rows], limit=limit)


def count_dead_letters(connection: Connection) -> dict[str, int]:
    """How many there are, by code."""
    return dict(connection.execute(_QUERIES["count_dead_letters"]).fetchall())


def find_newest_dead_letter(connection: Connection) -> int:
    """The number of the newest one; 0 where there was none yet."""
    row = connection.execute(_QUERIES["newest_dead_letter"]).fetchone()
    return 0 if row is None else int(row[0])


def take_dead_letters(
    connection: Connection,
    *,
    after: int,
    until: int,
    limit: int,
    code: str | None = None,
    topic_prefix: str | None = None,
) -> list[tuple[int, DeadLetter]]:
    """Remove the next ones and give them back, each with its number; what the caller rolls back stays.

    Args:
        connection: of the caller's transaction.
        after: only those of a greater number.
        until: only those up to this number.
        limit: at most so many.
        code: only those of this reason.
        topic_prefix: only those whose topic begins so.
    """
    values = {"after": after, "until": until, "limit": limit, "code": code, "topic_prefix": topic_prefix}
    rows = connection.execute(_QUERIES["take_dead_letters"], values).fetchall()
    # DELETE gives its rows in no order.
    return sorted(((row[5], DeadLetter(*row[:5])) for row in rows), key=lambda each: each[0])
