"""A lane of the collector: one thread that stores what came of some of the sensors, batch by batch, whatever happens.

Several lanes keep the database busy while Python decodes; what one sensor says goes through one lane, in order.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import astuple, dataclass
from time import monotonic
from typing import Final, NamedTuple

from domain.errors import Unavailable
from domain.sensor import DeadLetter
from iot.batch import BatchResult, SensorDirectory, store_batch
from iot.decoding import Message
from iot.inbox import Inbox
from iot.subscriber import Delivery
from iot.topics import EdgeNode
from storage.database import Database
from storage.dead_letter import store_dead_letters

_LOG: Final = logging.getLogger(__name__)

LINGER_S: Final = 0.05
FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 5.0
STOP_WITHIN_S: Final = 10.0  # how long a stopping collector goes on trying to store what it has received
_WAIT_S: Final = 0.2
UNSTORABLE: Final = "reading.unstorable"  # the code of a dead letter that only the database refused


class Received(NamedTuple):
    """A message, and what is to be acknowledged when it is stored."""

    message: Message
    delivery: Delivery


@dataclass(slots=True)
class Counters:
    """What a collector has done since it began.

    Attributes:
        received: messages that came, redelivered ones too.
        stored: readings that were new.
        duplicate: readings that were stored before.
        dead: dead letters.
        findings: recorded.
        batches: committed transactions.
        retries: transactions that were tried again because the database did not answer.
        skipped: values in messages of many sensors for which none is registered.
        rebirths: births that edge nodes of Sparkplug were asked for.
    """

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    dead: int = 0
    findings: int = 0
    batches: int = 0
    retries: int = 0
    skipped: int = 0
    rebirths: int = 0

    def add(self, result: BatchResult) -> None:
        """Count a committed batch."""
        self.stored += result.stored
        self.duplicate += result.duplicate
        self.dead += result.dead
        self.findings += result.findings
        self.skipped += result.skipped
        self.batches += 1


def sum_counters(counters: Iterable[Counters]) -> Counters:
    """All of them together."""
    return Counters(*(sum(column) for column in zip(*map(astuple, counters), strict=True)))


class Lane:
    """Stores and acknowledges what is put into its inbox.

    Attributes:
        inbox: where the network thread puts what came.
        counters: written by the lane's thread alone.
    """

    def __init__(
        self,
        database: Database,
        *,
        inbox: Inbox[Received],
        max_batch: int,
        acknowledge: Callable[[Iterable[Delivery]], None],
        ask_for_births: Callable[[Collection[EdgeNode]], None],
    ) -> None:
        """Make a lane; `run` works.

        Args:
            database: migrated.
            inbox: of this lane.
            max_batch: readings in one transaction.
            acknowledge: called with what is committed.
            ask_for_births: called with edge nodes of Sparkplug whose births are not known.
        """
        self.inbox = inbox
        self.counters = Counters()
        self._database = database
        self._max_batch = max_batch
        self._acknowledge, self._ask_for_births = acknowledge, ask_for_births
        self._directory = SensorDirectory()

    def run(self, stop: threading.Event) -> None:
        """Store until `stop`, and then what has come until then."""
        while self._work(stop) or not stop.is_set():
            pass

    def _work(self, stop: threading.Event) -> bool:
        """Store and acknowledge one batch; False where there was none, or it was given up because of the stop."""
        batch = self.inbox.take(max_items=self._max_batch, linger_s=LINGER_S, wait_s=_WAIT_S)
        if not batch or not self._store([received.message for received in batch], stop):
            return False
        self._acknowledge([received.delivery for received in batch if received.delivery.qos > 0])
        return True

    def _store(self, messages: Sequence[Message], stop: threading.Event) -> bool:
        """Store these, however long the database is away; False only where the stop came first.

        What the database refuses for another reason than being away is looked for by halves, and only the message that
        it is in becomes a dead letter.
        """
        delay_s = FIRST_RETRY_S
        given_up_at = None
        while True:
            try:
                return self._store_or_divide(messages, stop)
            except Unavailable as error:
                if given_up_at is None and stop.is_set():
                    given_up_at = monotonic() + STOP_WITHIN_S
                if given_up_at is not None and monotonic() > given_up_at:
                    _LOG.error("%d messages were not stored before the stop; the broker keeps them", len(messages))
                    return False
                self.counters.retries += 1
                _LOG.warning("%d messages wait for the database: %s", len(messages), error.detail)
            (threading.Event() if stop.is_set() else stop).wait(delay_s)
            delay_s = min(2 * delay_s, LONGEST_RETRY_S)

    def _store_or_divide(self, messages: Sequence[Message], stop: threading.Event) -> bool:
        try:
            with self._database.transaction() as connection:
                result = store_batch(connection, messages=messages, directory=self._directory)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - the edge: whatever is wrong with one message must not stop the rest
            if len(messages) > 1:
                _LOG.warning("a batch of %d messages is divided: %s: %s", len(messages), type(error).__name__, error)
                middle = len(messages) // 2
                return self._store(messages[:middle], stop) and self._store(messages[middle:], stop)
            _LOG.exception("a message on %s cannot be stored", messages[0].topic)
            self._bury(messages[0], error)
            return True
        self.counters.add(result)
        if result.rebirths:
            self._ask_for_births(result.rebirths)
        return True

    def _bury(self, message: Message, error: Exception) -> None:
        """Keep a message that the database refuses.

        Raises:
            DatabaseUnavailable: not even that can be written, which is no fault of the message.
        """
        letter = DeadLetter(message.topic, message.payload, UNSTORABLE, f"{type(error).__name__}", message.arrived_at)
        with self._database.transaction() as connection:
            store_dead_letters(connection, dead_letters=[letter], redelivered=message.is_redelivery)
        self.counters.add(BatchResult(stored=0, duplicate=0, dead=1, findings=0))
