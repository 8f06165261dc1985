"""The collector: from the broker into the database, each message acknowledged only when what it says is committed.

One thread reads and decodes, those of the lanes store. What may go wrong on the way to the broker is in
`iot.subscriber`, on the way into the database in `iot.lane`; what a batch is made of is in `iot.batch`.
"""

import logging
import threading
from collections.abc import Collection, Hashable
from time import monotonic
from typing import Final

from domain.clock import Clock, SystemClock
from iot.decoding import Message, read_message
from iot.endpoint import parse_broker_url
from iot.inbox import Inbox
from iot.lane import STOP_WITHIN_S, Counters, Lane, Received, sum_counters
from iot.sparkplug import SparkplugMessage
from iot.sparkplug_rebirth import RebirthLimit, SequenceWatch
from iot.sparkplug_wire import encode_rebirth_request
from iot.subscriber import Delivery, Subscriber
from iot.topics import EdgeNode, make_command_topic, make_subscriptions
from storage.database import Database

_LOG: Final = logging.getLogger(__name__)

# One, two and three gave 0.25, 0.37 and 0.40 of a bare staged COPY (benchmarks/collector.py) while Python took 12 us a
# reading: beyond two they wait for Python's own lock, and each holds a connection.
LANES: Final = 2
MAX_BATCH: Final = 5_000  # readings; larger ones bring nothing more (benchmarks/collector.py)
MAX_WAITING: Final = 50_000  # readings received and not yet stored, of all lanes
MAX_WAITING_BYTES: Final = 64 * 1024 * 1024
_LOOK_S: Final = 0.2


class Collector:
    """Stores what sensors publish."""

    def __init__(
        self,
        database: Database,
        *,
        url: str,
        client_id: str,
        group: str | None = None,
        use_mqtt5: bool = False,
        lanes: int = LANES,
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
            lanes: how many threads store; each has a connection to the database.
            max_batch: readings in one transaction.
            max_waiting: readings received and not yet stored; with so many, nothing more is read from the broker.
            clock: says when a message arrived.

        Raises:
            InvalidBrokerUrl: `url` names no broker.
        """
        self._own_counters = Counters()
        self._clock = clock or SystemClock()
        self._sequence_watch = SequenceWatch() if group is None else None
        self._rebirth_limit, self._asking = RebirthLimit(), threading.Lock()
        self._subscriber = Subscriber(
            endpoint=parse_broker_url(url),
            client_id=client_id,
            subscriptions=make_subscriptions(group),
            receive=self._receive,
            has_room=lambda: all(lane.inbox.has_room for lane in self._lanes),
            use_mqtt5=use_mqtt5,
        )
        self._lanes = [
            Lane(
                database,
                inbox=Inbox(max_items=max(1, max_waiting // lanes), max_bytes=MAX_WAITING_BYTES // lanes),
                max_batch=max_batch,
                acknowledge=self._subscriber.acknowledge,
                ask_for_births=self._ask_for_births,
            )
            for _ in range(lanes)
        ]

    @property
    def counters(self) -> Counters:
        """What was done until now."""
        return sum_counters([self._own_counters, *(lane.counters for lane in self._lanes)])

    @property
    def is_subscribed(self) -> bool:
        """Whether it is connected and messages can come."""
        return self._subscriber.is_subscribed

    def run(self, stop: threading.Event) -> None:
        """Collect until `stop` is set; then store what has come, acknowledge it, and take leave of the broker.

        What cannot be stored within STOP_WITHIN_S of the stop is left unacknowledged, and the broker keeps it.

        Raises:
            RuntimeError: a thread died of a mistake of ours.
        """
        halt = threading.Event()
        storing = [threading.Thread(target=lane.run, args=(halt,), name="lane", daemon=True) for lane in self._lanes]
        network = threading.Thread(target=self._subscriber.run, name="mqtt", daemon=True)
        for each in (network, *storing):
            each.start()
        try:
            while not stop.wait(_LOOK_S):
                if not all(each.is_alive() for each in (network, *storing)):
                    # The process must end, so that whoever watches it starts it again.
                    raise RuntimeError("a thread of the collector has ended")
            self._subscriber.stop_reading()
        finally:
            halt.set()
            for each in storing:
                each.join(timeout=2 * STOP_WITHIN_S)
            self._subscriber.close()
            network.join(timeout=STOP_WITHIN_S)
            _LOG.info("collected: %s", self.counters)

    def _receive(self, topic: str, payload: bytes, is_redelivery: bool, delivery: Delivery) -> None:  # noqa: FBT001
        """Take a message in; called in the network thread, so that decoding goes on while the database works."""
        self._own_counters.received += 1
        message = read_message(topic, payload, arrived_at=self._clock.now(), is_redelivery=is_redelivery)
        if type(message.bundle) is SparkplugMessage and self._sequence_watch is not None and not is_redelivery:
            follows_gap = self._sequence_watch.has_gap(message.bundle)
            message = message._replace(bundle=message.bundle._replace(follows_gap=follows_gap))
        lane = self._lanes[hash(_find_speaker(message)) % len(self._lanes)]
        lane.inbox.put(Received(message, delivery), items=message.weight, size_bytes=len(payload))

    def _ask_for_births(self, nodes: Collection[EdgeNode]) -> None:
        """Ask edge nodes of Sparkplug to say again what they measure; called in the threads of all lanes."""
        payload = encode_rebirth_request(int(self._clock.now().timestamp() * 1000))
        with self._asking:
            admitted = self._rebirth_limit.admit(nodes, now_s=monotonic())
            self._own_counters.rebirths += len(admitted)
        for node in admitted:
            self._subscriber.publish(make_command_topic(node), payload)


def _find_speaker(message: Message) -> Hashable:
    """Whose messages must be stored in the order in which they came."""
    if message.sensor_id is not None:
        return message.sensor_id
    return message.bundle.topic.node if type(message.bundle) is SparkplugMessage else message.topic
