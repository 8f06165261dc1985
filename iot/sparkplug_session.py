"""Sessions of Sparkplug's edge nodes: births and deaths in the order of their arrival, and whose aliases count when.

What a death tells is certain, because a broker sends wills with QoS 1 and keeps them for an absent collector; births and
data come with QoS 0 and may be missing. So data by alias counts as long as no death of its node has come since the birth;
after it, it is a dead letter until the next birth. A dead letter that is tried again counts if it came in the session
that a birth began: the birth may be the answer to our asking for one, so it explains what came before it too, back to
the last death, or GRACE.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from iot.bundle import Bundle
from iot.decoding import Message
from iot.sparkplug import (
    NO_DEFINITIONS,
    Definitions,
    SparkplugMessage,
    UnknownAlias,
    UnknownDatatype,
    find_bd_seq,
    index_definitions,
    list_sensor_ids,
    make_bundle,
    make_definitions,
)
from iot.topics import EdgeNode, SparkplugTopic
from storage.database import Connection
from storage.sparkplug import (
    MetricDefinition,
    SourceKey,
    SparkplugSource,
    find_known_groups,
    list_sparkplug_sources,
    lock_sparkplug_sources,
    put_sparkplug_sources,
)

# How long before a birth data may have come that it explains, where nothing is known of the time before: edge nodes that
# do not listen to commands are born again when they are started again, within a working day.
GRACE: Final = timedelta(days=1)
REBIRTH_EVERY_S: Final = 60.0  # for one node; a birth of some thousand metrics over a mobile network takes seconds [s]
_MAX_NODES: Final = 10_000  # remembered for either purpose; a county has some hundreds
_SEQUENCE: Final = 256


class Sessions:
    """What is known of some edge nodes while one batch is stored; pure, so that it can be tested without a database.

    Attributes:
        rebirths: nodes that should be asked for their births.
    """

    def __init__(self, sources: Iterable[SparkplugSource], *, known_groups: Collection[str]) -> None:
        """Begin with what is stored.

        Args:
            sources: of all nodes that messages will come from, with the definitions of those that they are about.
            known_groups: groups that are projects.
        """
        self.rebirths: set[EdgeNode] = set()
        self._sources = {each.key: each for each in sources}
        self._known_groups = known_groups
        self._changed: set[SourceKey] = set()
        self._definitions: dict[SourceKey, Definitions] = {}

    @property
    def changed(self) -> list[SparkplugSource]:
        """What is to be stored."""
        return [self._sources[key] for key in self._changed]

    def apply(self, message: SparkplugMessage, *, arrived_at: datetime) -> Bundle:
        """Take a message into account and give back its items.

        Args:
            message: the next one.
            arrived_at: when it came. UTC.
        """
        topic, verb = message.topic, message.topic.verb
        if verb in {"NDEATH", "DDEATH"}:
            if not message.is_replay:
                self._die(message, arrived_at)
            return Bundle([])
        if verb in {"NBIRTH", "DBIRTH"}:
            definitions = make_definitions(message.payload)
            if not message.is_replay:
                self._bear(message, definitions, arrived_at)
            return make_bundle(message, definitions=index_definitions(definitions), arrived_at=arrived_at)
        is_known = self._counts_now(topic) if not message.is_replay else self._counted_at(_key(topic), arrived_at)
        definitions = self._define(_key(topic)) if is_known else NO_DEFINITIONS
        bundle = make_bundle(message, definitions=definitions, arrived_at=arrived_at)
        has_gap = any(isinstance(each.outcome, UnknownAlias | UnknownDatatype) for each in bundle.items)
        if (has_gap or not is_known) and not message.is_replay and topic.node.group_id in self._known_groups:
            self.rebirths.add(topic.node)
        return bundle

    def _bear(self, message: SparkplugMessage, metrics: tuple[MetricDefinition, ...], arrived_at: datetime) -> None:
        node_key, key = SourceKey(*message.topic.node, ""), _key(message.topic)
        if message.topic.verb == "NBIRTH":
            self._begin(node_key, bd_seq=find_bd_seq(message.payload), metrics=metrics, arrived_at=arrived_at)
            return
        node = self._sources.get(node_key)
        if node is None or not node.is_online:
            # The node's own birth was missed, so its own metrics are not known.
            self._begin(node_key, bd_seq=None, metrics=(), arrived_at=arrived_at)
            if message.topic.node.group_id in self._known_groups:
                self.rebirths.add(message.topic.node)
        self._put(self._born(key, metrics=metrics, arrived_at=arrived_at, is_same_session=True))

    def _begin(
        self, key: SourceKey, *, bd_seq: int | None, metrics: tuple[MetricDefinition, ...], arrived_at: datetime
    ) -> None:
        """Let a node's session begin, or go on where it was only asked for its birth."""
        known = self._sources.get(key)
        is_same_session = known is None or not known.is_online or known.bd_seq in {None, bd_seq}
        if known is not None and not (known.is_online and is_same_session):
            for each in self._list_devices(key):
                if each.is_online:
                    self._put(replace(each, is_online=False, since=arrived_at, died_at=arrived_at))
        born = self._born(key, metrics=metrics, arrived_at=arrived_at, is_same_session=is_same_session)
        self._put(replace(born, bd_seq=bd_seq))

    def _born(
        self,
        key: SourceKey,
        *,
        metrics: tuple[MetricDefinition, ...],
        arrived_at: datetime,
        is_same_session: bool,
    ) -> SparkplugSource:
        known = self._sources.get(key)
        died_at = None if known is None else known.died_at
        is_going_on = known is not None and known.is_online and is_same_session
        if not is_same_session:
            valid_from = arrived_at
        elif known is not None and is_going_on:
            valid_from = known.valid_from if known.metrics in {metrics, ()} else arrived_at
        else:
            valid_from = max(arrived_at - GRACE, died_at or arrived_at - GRACE)
        since = known.since if known is not None and is_going_on else arrived_at
        return SparkplugSource(
            key=key, is_online=True, since=since, bd_seq=None, valid_from=valid_from, died_at=died_at, metrics=metrics
        )

    def _die(self, message: SparkplugMessage, arrived_at: datetime) -> None:
        key = _key(message.topic)
        known = self._sources.get(key)
        bd_seq = find_bd_seq(message.payload) if not key.device_id else None
        if known is None:
            self._put(SparkplugSource(key, False, arrived_at, bd_seq, arrived_at, arrived_at, ()))  # noqa: FBT003
            return
        is_other = None not in {known.bd_seq, bd_seq} and known.bd_seq != bd_seq
        if not known.is_online:
            if is_other:  # a session whose birth was missed has ended; what follows is another one
                self._put(replace(known, died_at=arrived_at, bd_seq=bd_seq))
            return
        if is_other:  # the will of a session before, later than the birth of this one
            return
        self._put(replace(known, is_online=False, since=arrived_at, died_at=arrived_at))
        if not key.device_id:
            for each in self._list_devices(key):
                if each.is_online:
                    self._put(replace(each, is_online=False, since=arrived_at, died_at=arrived_at))

    def _list_devices(self, node: SourceKey) -> list[SparkplugSource]:
        return [each for key, each in self._sources.items() if key[:2] == node[:2] and key.device_id]

    def _put(self, source: SparkplugSource) -> None:
        self._sources[source.key] = source
        self._changed.add(source.key)
        self._definitions.pop(source.key, None)

    def _define(self, key: SourceKey) -> Definitions:
        if key not in self._definitions:
            source = self._sources.get(key)
            self._definitions[key] = index_definitions((source and source.metrics) or ())
        return self._definitions[key]

    def _counts_now(self, topic: SparkplugTopic) -> bool:
        node, own = self._sources.get(SourceKey(*topic.node, "")), self._sources.get(_key(topic))
        return node is not None and node.is_online and own is not None and own.is_online

    def _counted_at(self, key: SourceKey, arrived_at: datetime) -> bool:
        own = self._sources.get(key)
        return own is not None and own.valid_from <= arrived_at and (own.is_online or arrived_at <= own.since)


def resolve_sparkplug(
    connection: Connection, messages: Sequence[Message]
) -> tuple[Sequence[Message], frozenset[EdgeNode]]:
    """Give Sparkplug's messages their items, and keep what they say of their edge nodes.

    Args:
        connection: of the caller's transaction.
        messages: of every format, in the order of their arrival.

    Returns:
        The messages, those of other formats as they are; and the nodes that should be asked for their births.
    """
    spoken = [each.bundle for each in messages if type(each.bundle) is SparkplugMessage]
    if not spoken:
        return messages, frozenset()
    nodes = {each.topic.node for each in spoken}
    known_groups = find_known_groups(connection, groups={each.group_id for each in nodes})
    sources = lock_sparkplug_sources(connection, nodes=nodes, with_metrics={_key(each.topic) for each in spoken})
    sessions = Sessions(sources, known_groups=known_groups)
    resolved = [
        each._replace(bundle=sessions.apply(each.bundle, arrived_at=each.arrived_at))
        if type(each.bundle) is SparkplugMessage
        else each
        for each in messages
    ]
    put_sparkplug_sources(connection, sources=sessions.changed)
    return resolved, frozenset(sessions.rebirths)


def list_stale_sensors(connection: Connection, *, project_id: str) -> dict[str, datetime]:
    """The ids of sensors whose edge node or device is offline, and since when; what they said last is not known to be so.

    Ids that a metric may stand for are all given, registered or not; one that another source, online, stands for is not.
    """
    stale: dict[str, datetime] = {}
    alive: set[str] = set()
    for source in list_sparkplug_sources(connection, project_id=project_id):
        topic = SparkplugTopic(EdgeNode(*source.key[:2]), "", source.key.device_id)
        for metric in source.metrics or ():
            for sensor_id in list_sensor_ids(metric.name, topic) if metric.name else ():
                if source.is_online:
                    alive.add(sensor_id)
                else:
                    stale[sensor_id] = max(source.since, stale.get(sensor_id, source.since))
    return {sensor_id: since for sensor_id, since in stale.items() if sensor_id not in alive}


class SequenceWatch:
    """Finds lost messages by the numbers that an edge node counts its messages with, 0 to 255 and around again.

    Only for a collector that receives all of them: of those who share the messages, each sees gaps everywhere. Brokers
    keep the order of one publisher's messages, so a number that is not the next one is a loss, not a delay.
    """

    def __init__(self) -> None:
        """Begin without having heard of any node; its first message is never a gap."""
        self._last: OrderedDict[EdgeNode, int] = OrderedDict()

    def find_gap(self, message: SparkplugMessage) -> bool:
        """Whether messages of this node are missing before this one.

        Args:
            message: the next one that came.
        """
        node, seq = message.topic.node, message.payload.seq
        if message.topic.verb == "NDEATH":
            return False
        if seq is None:
            return False
        last = self._last.pop(node, None)
        self._last[node] = seq
        if len(self._last) > _MAX_NODES:
            self._last.popitem(last=False)
        return message.topic.verb != "NBIRTH" and last is not None and seq != (last + 1) % _SEQUENCE


class RebirthLimit:
    """Lets each edge node be asked for its births once in REBIRTH_EVERY_S at most; used by two threads."""

    def __init__(self) -> None:
        """Begin without having asked any."""
        self._asked: OrderedDict[EdgeNode, float] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, nodes: Iterable[EdgeNode], *, now_s: float) -> list[EdgeNode]:
        """Those of these nodes that may be asked now.

        Args:
            nodes: that should be asked.
            now_s: by a clock that never goes back. [s]
        """
        admitted = []
        with self._lock:
            for node in nodes:
                if now_s - self._asked.get(node, -REBIRTH_EVERY_S) < REBIRTH_EVERY_S:
                    continue
                self._asked[node] = now_s
                self._asked.move_to_end(node)
                admitted.append(node)
                if len(self._asked) > _MAX_NODES:
                    self._asked.popitem(last=False)
        return admitted


def _key(topic: SparkplugTopic) -> SourceKey:
    return SourceKey(*topic.node, topic.device_id)
