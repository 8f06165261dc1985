"""Sessions of Sparkplug's edge nodes: births and deaths in the order of their arrival, and whose aliases count when.

What a death tells is certain, because a broker sends wills with QoS 1 and keeps them for an absent collector; births
and data come with QoS 0 and may be missing. So data by alias counts as long as no death of its node has come since the
birth; after it, it is a dead letter until the next birth. A dead letter that is tried again counts if it came in the
session that a birth described: the birth may be the answer to our asking for one, so it explains what came before it
too, back to the last death, or to when the node was first heard of.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

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
    list_candidates,
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


class Sessions:
    """What is known of some edge nodes while one batch is stored; pure, so that it can be tested without a database.

    Attributes:
        rebirths: nodes that should be asked for their births.
    """

    def __init__(self, sources: Iterable[SparkplugSource], *, known_groups: Collection[str]) -> None:
        """Begin with what is stored.

        Args:
            sources: of all nodes that messages will come from, with the definitions of those that they are about.
            known_groups: groups that are projects; nobody else's nodes are asked for anything.
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
        if message.follows_gap:
            self._ask(message.topic.node)
        if message.topic.verb in {"NDEATH", "DDEATH"}:
            if not message.is_replay:
                self._die(message, arrived_at)
            return Bundle([])
        if message.topic.verb in {"NBIRTH", "DBIRTH"}:
            metrics = make_definitions(message.payload)
            if not message.is_replay:
                self._bear(message, metrics, arrived_at)
            return make_bundle(message, definitions=index_definitions(metrics), arrived_at=arrived_at)
        return self._read_data(message, arrived_at)

    def _read_data(self, message: SparkplugMessage, arrived_at: datetime) -> Bundle:
        key = _key(message.topic)
        if message.is_replay:
            is_known = self._counted_at(key, arrived_at)
        else:
            self._hear(key, arrived_at)
            is_known = self._sources[key].is_online  # a device never without its node
        definitions = self._define(key) if is_known else NO_DEFINITIONS
        bundle = make_bundle(message, definitions=definitions, arrived_at=arrived_at)
        is_unclear = any(isinstance(each.outcome, UnknownAlias | UnknownDatatype) for each in bundle.items)
        if not message.is_replay and (is_unclear or not is_known):
            self._ask(message.topic.node)
        return bundle

    def _counted_at(self, key: SourceKey, arrived_at: datetime) -> bool:
        own = self._sources.get(key)
        return own is not None and own.valid_from <= arrived_at and (own.is_online or arrived_at <= own.since)

    def _define(self, key: SourceKey) -> Definitions:
        if key not in self._definitions:
            self._definitions[key] = index_definitions(self._sources[key].metrics or ())
        return self._definitions[key]

    def _hear(self, key: SourceKey, arrived_at: datetime) -> None:
        """Remember since when there has been data of a node or device that was not born yet."""
        for each in (_node(key), key):
            if each not in self._sources:
                self._put(_make_offline(each, arrived_at))

    def _bear(self, message: SparkplugMessage, metrics: tuple[MetricDefinition, ...], arrived_at: datetime) -> None:
        key, node_key = _key(message.topic), _node(_key(message.topic))
        node = self._sources.get(node_key)
        if key == node_key:
            bd_seq = find_bd_seq(message.payload)
            if node is not None and node.is_online and node.bd_seq not in {None, bd_seq}:
                self._end(key, arrived_at)  # another session, whose predecessor's death was lost
        else:
            bd_seq = None
            if node is None or not node.is_online:  # its birth was lost, so its own metrics are not known
                self._put(self._born(node_key, bd_seq=None, metrics=(), arrived_at=arrived_at))
                self._ask(message.topic.node)
        self._put(self._born(key, bd_seq=bd_seq, metrics=metrics, arrived_at=arrived_at))

    def _born(
        self, key: SourceKey, *, bd_seq: int | None, metrics: tuple[MetricDefinition, ...], arrived_at: datetime
    ) -> SparkplugSource:
        known = self._sources.get(key) or _make_offline(key, arrived_at)
        if known.is_online:
            valid_from = known.valid_from if _agree(known.metrics or (), metrics) else arrived_at
            return replace(known, bd_seq=bd_seq, valid_from=valid_from, metrics=metrics)
        valid_from = known.since
        if key.device_id:  # what it said before its node's session is of another one
            valid_from = max(valid_from, self._sources[_node(key)].valid_from)
        return SparkplugSource(
            key, is_online=True, since=arrived_at, bd_seq=bd_seq, valid_from=valid_from, metrics=metrics
        )

    def _die(self, message: SparkplugMessage, arrived_at: datetime) -> None:
        key = _key(message.topic)
        known = self._sources.get(key) or _make_offline(key, arrived_at)
        bd_seq = None if key.device_id else find_bd_seq(message.payload)
        if known.is_online:
            # The will of a session before may come later than the birth of this one.
            if bd_seq is None or known.bd_seq in {None, bd_seq}:
                self._end(key, arrived_at)
        elif bd_seq is None or known.bd_seq != bd_seq:  # a session whose birth was lost has ended
            self._put(replace(known, since=arrived_at, valid_from=arrived_at, bd_seq=bd_seq))

    def _end(self, key: SourceKey, at: datetime) -> None:
        """Let a device, or a node with all its devices, be offline."""
        for each in list(self._sources.values()):
            if each.is_online and key in {each.key, _node(each.key)}:
                self._put(replace(each, is_online=False, since=at))

    def _ask(self, node: EdgeNode) -> None:
        if node.group_id in self._known_groups:
            self.rebirths.add(node)

    def _put(self, source: SparkplugSource) -> None:
        self._sources[source.key] = source
        self._changed.add(source.key)
        self._definitions.pop(source.key, None)


def _key(topic: SparkplugTopic) -> SourceKey:
    return SourceKey(*topic.node, topic.device_id)


def _node(key: SourceKey) -> SourceKey:
    return key._replace(device_id="")


def _make_offline(key: SourceKey, at: datetime) -> SparkplugSource:
    return SparkplugSource(key, is_online=False, since=at, bd_seq=None, valid_from=at, metrics=())


def _agree(old: tuple[MetricDefinition, ...], new: tuple[MetricDefinition, ...]) -> bool:
    """Whether every alias that the old ones explain means the same by the new ones."""
    by_alias = index_definitions(new).by_alias
    return all(by_alias.get(alias) == meaning for alias, meaning in index_definitions(old).by_alias.items())


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
    sessions = Sessions(
        lock_sparkplug_sources(connection, nodes=nodes, with_metrics={_key(each.topic) for each in spoken}),
        known_groups=find_known_groups(connection, groups={each.group_id for each in nodes}),
    )
    resolved = [
        each._replace(bundle=sessions.apply(each.bundle, arrived_at=each.arrived_at))
        if type(each.bundle) is SparkplugMessage
        else each
        for each in messages
    ]
    put_sparkplug_sources(connection, sources=sessions.changed)
    return resolved, frozenset(sessions.rebirths)


def find_stale_since(connection: Connection, *, project_id: str, sensor_id: str) -> datetime | None:
    """Since when every edge node and device that may speak for a sensor has been offline.

    Args:
        connection: of the caller's transaction.
        project_id: of the sensor.
        sensor_id: of the sensor.

    Returns:
        None where one of them is online, and where no birth has ever named the sensor: then nothing is known of it.
    """
    return list_stale(connection, project_id=project_id).get(sensor_id)


def list_stale(connection: Connection, *, project_id: str) -> dict[str, datetime]:
    """Of a project, the sensors for which everything that may speak is offline, and since when.

    Args:
        connection: of the caller's transaction.
        project_id: of the sensors.

    Returns:
        By the id that a birth named; there need not be a sensor of it.
    """
    speaking: dict[str, list[SparkplugSource]] = {}
    for source in list_sparkplug_sources(connection, project_id=project_id):
        topic = _topic(source.key)
        for sensor_id in {
            each for metric in source.metrics or () for each in list_candidates(metric.name or "", topic)
        }:
            speaking.setdefault(sensor_id, []).append(source)
    return {
        sensor_id: max(each.since for each in sources)
        for sensor_id, sources in speaking.items()
        if not any(each.is_online for each in sources)
    }


def _topic(key: SourceKey) -> SparkplugTopic:
    return SparkplugTopic(EdgeNode(key.group_id, key.node_id), "", key.device_id)
