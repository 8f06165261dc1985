"""The collector: from the broker into the database, each message acknowledged only when what it says is committed.

Two threads: the subscriber's reads and decodes, the caller's stores. What may go wrong on the way to the broker is in
`iot.subscriber`, what a batch is made of in `iot.batch`.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final, NamedTuple

from domain.clock import Clock, SystemClock
from domain.errors import Unavailable
from domain.sensor import DeadLetter
from iot.batch import BatchResult, SensorDirectory, store_batch
from iot.decoding import Message, read_message
from iot.endpoint import parse_broker_url
from iot.inbox import Inbox
from iot.sparkplug import SparkplugMessage
from iot.sparkplug_rebirth import RebirthLimit, SequenceWatch
from iot.sparkplug_wire import encode_rebirth_request
from iot.subscriber import Delivery, Subscriber
from iot.topics import EdgeNode, make_command_topic, make_subscriptions
from storage.database import Database
from storage.dead_letter import store_dead_letters

_LOG: Final = logging.getLogger(__name__)

MAX_BATCH: Final = 5_000  # readings; larger ones bring nothing more (benchmarks/collector.py)
LINGER_S: Final = 0.05
MAX_WAITING: Final = 50_000  # readings received and not yet stored
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
FIRST_RETRY_S: Final = 0.2
LONGEST_RETRY_S: Final = 5.0
STOP_WITHIN_S: Final = 10.0  # how long a stopping collector goes on trying to store what it has received
_WAIT_S: Final = 0.2
UNSTORABLE: Final = "reading.unstorable"  # the code of a dead letter that only the database refused


class _Received(NamedTuple):
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


class Collector:
    """Stores what sensors publish.

    Attributes:
        counters: read by whoever shows them; written by the collector alone.
    """

    def __init__(
        self,
        database: Database,
        *,
        url: str,
        client_id: str,
        group: str | None = None,
        use_mqtt5: bool = False,
        max_batch: int = MAX_BATCH,
        max_waiting: int = MAX_WAITING,
        clock: Clock | None = None,
    ) -> None:
        """Make a collector; `run` starts it.

        Args:
            database: migrated.
            url: of the broker, `mqtt://user:password@host:port` or `mqtts://`.
            client_id: of the session that the broker keeps; each collector has its own, and keeps it.
            group: with it, several collectors share the readings, each message going to one of them. Then none of
                them sees all messages of an edge node of Sparkplug, so that lost ones are not found by their numbers.
            use_mqtt5: speak MQTT 5 instead of 3.1.1.
            max_batch: readings in one transaction.
            max_waiting: readings received and not yet stored; with so many, nothing more is read from the broker.
            clock: says when a message arrived.

        Raises:
            InvalidBrokerUrl: `url` names no broker.
        """
        self.counters = Counters()
        self._database = database
        self._clock = clock or SystemClock()
        self._max_batch = max_batch
        self._directory = SensorDirectory()
        self._sequence_watch = SequenceWatch() if group is None else None
        self._rebirth_limit = RebirthLimit()
        self._inbox: Inbox[_Received] = Inbox(max_items=max_waiting, max_bytes=MAX_WAITING_BYTES)
        self._subscriber = Subscriber(
            endpoint=parse_broker_url(url),
            client_id=client_id,
            subscriptions=make_subscriptions(group),
            receive=self._receive,
            has_room=lambda: self._inbox.has_room,
            use_mqtt5=use_mqtt5,
        )

    @property
    def is_subscribed(self) -> bool:
        """Whether it is connected and messages can come."""
        return self._subscriber.is_subscribed

    def run(self, stop: threading.Event) -> None:
        """Collect until `stop` is set; then store what has come, acknowledge it, and take leave of the broker.

        What cannot be stored within STOP_WITHIN_S of the stop is left unacknowledged, and the broker keeps it.

        Raises:
            RuntimeError: the network thread died of a mistake of ours.
        """
        network = threading.Thread(target=self._subscriber.run, name="mqtt", daemon=True)
        network.start()
        try:
            while not stop.is_set():
                self._work(stop, wait_s=_WAIT_S)
                if not network.is_alive():
                    # A mistake of ours; the process must end, so that whoever watches it starts it again.
                    raise RuntimeError("the thread that speaks MQTT has ended")
            self._subscriber.stop_reading()
            while self._work(stop, wait_s=_WAIT_S):
                pass
        finally:
            self._subscriber.close()
            network.join(timeout=STOP_WITHIN_S)
            _LOG.info("collected: %s", self.counters)

    def _receive(self, topic: str, payload: bytes, is_redelivery: bool, delivery: Delivery) -> None:  # noqa: FBT001
        """Take a message in; called in the network thread, so that decoding goes on while the database works."""
        self.counters.received += 1
        message = read_message(topic, payload, arrived_at=self._clock.now(), is_redelivery=is_redelivery)
        if type(message.bundle) is SparkplugMessage and self._sequence_watch is not None and not is_redelivery:
            follows_gap = self._sequence_watch.has_gap(message.bundle)
            message = message._replace(bundle=message.bundle._replace(follows_gap=follows_gap))
        self._inbox.put(_Received(message, delivery), items=message.weight, size_bytes=len(payload))

    def _ask_for_births(self, nodes: Iterable[EdgeNode]) -> None:
        """Ask edge nodes of Sparkplug to say again what they measure."""
        payload = encode_rebirth_request(int(self._clock.now().timestamp() * 1000))
        for node in self._rebirth_limit.admit(nodes, now_s=monotonic()):
            self.counters.rebirths += 1
            self._subscriber.publish(make_command_topic(node), payload)

    def _work(self, stop: threading.Event, *, wait_s: float) -> bool:
        """Store and acknowledge one batch; False where there was none, or it was given up because of the stop."""
        batch = self._inbox.take(max_items=self._max_batch, linger_s=LINGER_S, wait_s=wait_s)
        if not batch or not self._store([received.message for received in batch], stop):
            return False
        self._subscriber.acknowledge(received.delivery for received in batch if received.delivery.qos > 0)
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
