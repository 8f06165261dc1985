"""Dead letters tried again, after a decoder was mended or a sensor registered: what can be stored now is stored.

What still cannot be is a dead letter again, with today's reason and the time when it first came.
"""

import logging
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from domain.errors import Unavailable
from domain.sensor import DeadLetter
from iot.batch import BatchResult, SensorDirectory, store_batch
from iot.decoding import read_message
from iot.lane import UNSTORABLE
from storage.database import Connection, Database
from storage.dead_letter import find_newest_dead_letter, store_dead_letters, take_dead_letters

_LOG: Final = logging.getLogger(__name__)

CHUNK: Final = 200  # letters in one transaction and in memory; each is at most MAX_PAYLOAD_BYTES


@dataclass(slots=True)
class ReplayResult:
    """What became of the dead letters.

    Attributes:
        taken: letters tried again.
        stored: readings that are new.
        duplicate: readings that were there.
        dead: letters that there are now instead of those taken.
        findings: recorded by alarms.
    """

    taken: int = 0
    stored: int = 0
    duplicate: int = 0
    dead: int = 0
    findings: int = 0

    def add(self, taken: int, done: BatchResult) -> None:
        """Count a committed chunk."""
        self.taken += taken
        self.stored += done.stored
        self.duplicate += done.duplicate
        self.dead += done.dead
        self.findings += done.findings


class _Take(Protocol):
    def __call__(self, connection: Connection, *, after: int, limit: int) -> list[tuple[int, DeadLetter]]: ...


def replay_dead_letters(
    database: Database, *, code: str | None = None, topic_prefix: str | None = None, chunk: int = CHUNK
) -> ReplayResult:
    """Try again all dead letters that are there when it begins, in their order.

    A chunk is one transaction, so that nothing is lost or stored twice however it ends.

    Args:
        database: migrated.
        code: only those of this reason.
        topic_prefix: only those whose topic begins so.
        chunk: letters in one transaction.

    Raises:
        Unavailable: the database went away; what was replayed before stays so.
    """
    with database.transaction() as connection:
        until = find_newest_dead_letter(connection)
    take = partial(take_dead_letters, until=until, code=code, topic_prefix=topic_prefix)
    result, directory = ReplayResult(), SensorDirectory()
    after: int | None = 0
    size = chunk
    while after is not None:
        try:
            after = _replay_chunk(database, directory, result, take, after=after, limit=size)
            size = chunk
        except Unavailable:
            raise
        except Exception as error:
            if size == 1:
                raise
            # What the database refuses about one letter must not hold the others: it is looked for by halves.
            _LOG.warning("a chunk of %d dead letters is divided: %s", size, type(error).__name__)
            size //= 2
    return result


def _replay_chunk(
    database: Database, directory: SensorDirectory, result: ReplayResult, take: _Take, *, after: int, limit: int
) -> int | None:
    """Replay the next letters; gives back the number of the last, None where there was none left."""
    with database.transaction() as connection:
        letters = take(connection, after=after, limit=limit)
        messages = [
            read_message(each.topic, each.payload, arrived_at=each.received_at, is_replay=True) for _, each in letters
        ]
        try:
            with connection.transaction():
                done = store_batch(connection, messages=messages, directory=directory)
        except Exception as error:
            if isinstance(error, Unavailable) or len(letters) != 1:
                raise
            _LOG.exception("a dead letter on %s cannot be stored", letters[0][1].topic)
            done = _bury_again(connection, letters[0][1], error)
    result.add(len(letters), done)
    return letters[-1][0] if letters else None


def _bury_again(connection: Connection, letter: DeadLetter, error: Exception) -> BatchResult:
    again = DeadLetter(letter.topic, letter.payload, UNSTORABLE, type(error).__name__, letter.received_at)
    store_dead_letters(connection, dead_letters=[again])
    return BatchResult(stored=0, duplicate=0, dead=1, findings=0)
