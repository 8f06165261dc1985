"""Sparkplug B messages: what their metrics say, given the definitions of the births before them.

Whose births these were, and what becomes of edge nodes, is in `iot.sparkplug_session`, the bytes in
`iot.sparkplug_wire`. A metric's sensor is the one whose id is the metric's name with `.` for `/` and `:`, or
`<device>.<name>`, or `<node>.<device>.<name>` (`<node>.<name>` where the node speaks for itself): the first that is
registered. Historical metrics are read as all others are, because every reading is kept by its own time.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final, NamedTuple

from domain.errors import Conflict, Invalid, SiteproofError
from iot.bundle import Bundle, Item, make_sensor_id
from iot.payload import BadTime, GaugeReading, NotANumber, NotAReading, require_finite, require_plausible
from iot.sparkplug_wire import Metric, Payload, decode_payload
from iot.topics import SparkplugTopic
from storage.sparkplug import MetricDefinition

BD_SEQ: Final = "bdSeq"
_CONTROLS: Final = ("Node Control/", "Device Control/")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Sparkplug 3.0, section 6.4.16: number to (bits, signed).
_INTEGERS: Final = {
    1: (8, True),
    2: (16, True),
    3: (32, True),
    4: (64, True),
    5: (8, False),
    6: (16, False),
    7: (32, False),
    8: (64, False),
}
_FLOATS: Final = frozenset({9, 10})
_CARRIER_BITS: Final = {"int": 32, "long": 64}


class UnknownAlias(Conflict):
    """A metric by an alias that no birth has explained, or whose birth may have been another session's."""

    code: ClassVar[str] = "sparkplug.unknown_alias"


class UnknownDatatype(Conflict):
    """A whole number of which no birth has said how many bits it has, and whether it has a sign."""

    code: ClassVar[str] = "sparkplug.unknown_datatype"


class TransientMetric(Invalid):
    """A metric that its edge node forbids to store, although its sensor is registered."""

    code: ClassVar[str] = "sparkplug.transient"


class SparkplugMessage(NamedTuple):
    """A message whose aliases are not resolved yet.

    Attributes:
        is_replay: it is a dead letter tried again, so that it tells nothing about its edge node now.
        follows_gap: messages of its edge node before it may be lost.
    """

    topic: SparkplugTopic
    payload: Payload
    is_replay: bool = False
    follows_gap: bool = False


class Definitions(NamedTuple):
    """What a birth said of its metrics, by alias and by name."""

    by_alias: Mapping[int, MetricDefinition]
    by_name: Mapping[str, MetricDefinition]


NO_DEFINITIONS: Final = Definitions({}, {})


def read_sparkplug(payload: bytes, *, topic: SparkplugTopic, is_replay: bool = False) -> SparkplugMessage:
    """Take a payload apart.

    Raises:
        PayloadTooLarge: it has more than MAX_PAYLOAD_BYTES.
        TooManyReadings: it has more than MAX_READINGS metrics.
        InvalidSparkplug: it is no payload of Sparkplug B.
    """
    return SparkplugMessage(topic, decode_payload(payload), is_replay)


def find_bd_seq(payload: Payload) -> int | None:
    """The number that pairs a birth with its death."""
    for metric in payload.metrics:
        if metric.name == BD_SEQ and metric.kind in _CARRIER_BITS and metric.value is not None:
            # PostgreSQL's bigint is signed; the same bits say the same number.
            return _signed(int(metric.value), 64)
    return None


def make_definitions(payload: Payload) -> tuple[MetricDefinition, ...]:
    """What a birth defines, as it is kept: of names that can never be a sensor's only the aliases."""
    definitions = []
    for metric in payload.metrics:
        name = metric.name if metric.name is not None and make_sensor_id(metric.name) is not None else None
        if name is not None or metric.alias is not None:
            definitions.append(MetricDefinition(name, metric.alias, metric.datatype))
    return tuple(definitions)


def index_definitions(definitions: tuple[MetricDefinition, ...]) -> Definitions:
    """Make definitions ready for looking up."""
    return Definitions(
        {each.alias: each for each in definitions if each.alias is not None},
        {each.name: each for each in definitions if each.name is not None},
    )


def make_bundle(message: SparkplugMessage, *, definitions: Definitions, arrived_at: datetime) -> Bundle:
    """The items of a message; metrics that are null, or control the node, are none.

    Args:
        message: of data, or a birth, which explains itself.
        definitions: of the birth that counts for it.
        arrived_at: when it came. UTC.
    """
    items: list[Item] = []
    unknown: list[Item] = []
    skipped = 0
    for metric in message.payload.metrics:
        definition = _find_definition(metric, definitions)
        if metric.name is None and definition is None:
            unknown.append(Item((), _explain_nameless(metric)))
            continue
        name = metric.name or (definition and definition.name) or ""
        if name == BD_SEQ or name.startswith(_CONTROLS) or metric.is_null or metric.kind is None:
            continue
        sensor_ids = list_candidates(name, message.topic)
        if not sensor_ids:
            skipped += 1
            continue
        datatype = metric.datatype if metric.datatype or definition is None else definition.datatype
        items.append(Item(sensor_ids, _read_metric(metric, datatype, message.payload, arrived_at)))
    # The unknown ones first, because the dead letter of a message names its first reason.
    return Bundle([*unknown, *items], skips_unknown=True, skipped=skipped)


def _find_definition(metric: Metric, definitions: Definitions) -> MetricDefinition | None:
    if metric.name is not None:
        return definitions.by_name.get(metric.name)
    return None if metric.alias is None else definitions.by_alias.get(metric.alias)


def _explain_nameless(metric: Metric) -> SiteproofError:
    if metric.alias is None:
        return NotAReading("a metric has neither a name nor an alias")
    return UnknownAlias(f"no birth that counts for this message explains alias {metric.alias}")


def list_candidates(name: str, topic: SparkplugTopic) -> tuple[str, ...]:
    """The ids that a metric's sensor may have, the first one first; none for a name that no sensor can have."""
    sources = [each for each in (topic.device_id, topic.node.node_id) if each]
    names = [name]
    for source in sources:
        names.append(f"{source}.{names[-1]}")
    ids = (make_sensor_id(each) for each in names) if name else ()
    return tuple(each for each in ids if each is not None)


def _read_metric(
    metric: Metric, datatype: int | None, payload: Payload, arrived_at: datetime
) -> GaugeReading | SiteproofError:
    try:
        if metric.is_transient:
            raise TransientMetric("the metric is transient, which means that it must not be stored")
        v = require_finite(_read_value(metric, datatype))
        timestamp_ms = payload.timestamp_ms if metric.timestamp_ms is None else metric.timestamp_ms
        t = require_plausible(_read_time(timestamp_ms), arrived_at=arrived_at)
        seq = payload.seq if payload.seq is None or payload.seq < 2**63 else None
        return GaugeReading(t, v, is_bad=metric.is_bad, seq=seq)
    except SiteproofError as error:
        return error


def _read_time(timestamp_ms: int | None) -> datetime:
    if timestamp_ms is None:
        raise BadTime("neither the metric nor its message has a time")
    try:
        return _EPOCH + timedelta(milliseconds=timestamp_ms)
    except OverflowError as error:
        raise BadTime(f"the time lies beyond all calendars: {timestamp_ms} ms") from error


def _read_value(metric: Metric, datatype: int | None) -> float:
    """The number that a metric says.

    Raises:
        UnknownDatatype: it is a whole number, and nobody said of which kind.
        NotANumber: it is none, or not of its datatype.
    """
    if metric.value is None:
        raise NotANumber(f"the value is not a number but of kind {metric.kind}, datatype {datatype}")
    if metric.kind in _CARRIER_BITS:
        if not datatype:
            raise UnknownDatatype("no birth that counts for this message says of which datatype the whole number is")
        if datatype in _INTEGERS:
            return _read_integer(int(metric.value), metric.kind, *_INTEGERS[datatype])
    elif not datatype or datatype in _FLOATS:
        return metric.value
    raise NotANumber(f"the value is of kind {metric.kind}, which datatype {datatype} is not")


def _read_integer(value: int, kind: str, bits: int, is_signed: bool) -> int:  # noqa: FBT001
    """A whole number of so many bits out of an unsigned field, in two's complement where it has a sign.

    A shorter one comes in 8, 16, 32 or 64 bits, by edge nodes' habits; all of them are understood, where it fits.
    """
    if not is_signed:
        if value >> bits:
            raise NotANumber(f"{value} does not fit into {bits} bits")
        return value
    carrier = _CARRIER_BITS[kind]
    if bits > carrier and value >> (carrier - 1):
        raise NotANumber(f"a whole number of {bits} bits was sent in {carrier}, so that its sign cannot be told")
    number = _signed(value, bits) if not value >> bits else _signed(value, carrier)
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise NotANumber(f"{number} does not fit into {bits} bits with a sign")
    return number


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
