"""The bytes of Sparkplug B: a strict decoder of the part of its protobuf payload that readings need, and its inverse.

Why not the `protobuf` package with a descriptor: it builds objects for everything in a payload, for templates and data
sets nested as deep as a stranger likes, before one can count them; it would be a dependency with a compiled part, for
eight fields. This decoder goes down to a known depth, counts while it reads, steps over what it does not need in
constant memory, and has one error. Field numbers: sparkplug_b.proto (Sparkplug 3.0, section 6.4.1); wire format: the
protocol buffers' encoding guide.
"""

import struct
from collections.abc import Iterator
from typing import ClassVar, Final, NamedTuple

from domain.errors import Invalid
from iot.payload import MAX_PAYLOAD_BYTES, MAX_READINGS, PayloadTooLarge, TooManyReadings

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES: Final = 10
_MASK_32: Final = 0xFFFF_FFFF
_MAX_NUMBER: Final = 2**64 - 1
_MAX_FIELD: Final = 2**29 - 1
_LAST_SEVEN: Final = 0x7F
_MAX_PROPERTIES: Final = 256  # of one metric; the few that are in use have a dozen
_QUALITY: Final = b"Quality"
_BAD_QUALITIES: Final = frozenset({0, 500})  # bad and stale (Sparkplug 3.0, section 6.4.9.1)
_REBIRTH: Final = "Node Control/Rebirth"
_BOOLEAN: Final = 11

Raw = int | bytes


class InvalidSparkplug(Invalid):
    """Bytes that are no payload of Sparkplug B."""

    code: ClassVar[str] = "sparkplug.not_a_payload"


class Metric(NamedTuple):
    """One metric as it stands in a payload.

    Attributes:
        name: None where only the alias is given.
        timestamp_ms: since 1970. UTC. [ms]
        datatype: number of Sparkplug's enumeration, such as 10 for a double.
        is_bad: by its property `Quality`: bad or stale.
        kind: which field holds the value: `int` (32 bits), `long` (64 bits), `float`, `double`, `boolean` or `other`;
            None where there is no value.
        value: of int, long, float and double, as it stands there, unsigned; else None.
    """

    name: str | None = None
    alias: int | None = None
    timestamp_ms: int | None = None
    datatype: int | None = None
    is_transient: bool = False
    is_null: bool = False
    is_bad: bool = False
    kind: str | None = None
    value: float | None = None


class Payload(NamedTuple):
    """A payload; `seq` is missing in certificates of death."""

    timestamp_ms: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def decode_payload(payload: bytes) -> Payload:
    """Take a payload apart.

    Raises:
        PayloadTooLarge: it has more than MAX_PAYLOAD_BYTES.
        TooManyReadings: it has more than MAX_READINGS metrics.
        InvalidSparkplug: it is not what Sparkplug B says.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(f"the message has {len(payload)} bytes, and {MAX_PAYLOAD_BYTES} are allowed")
    timestamp_ms = seq = None
    metrics: list[Metric] = []
    for field, raw in _read_fields(payload):
        if field == 1:
            timestamp_ms = _integer(raw)
        elif field == 3:  # noqa: PLR2004 - field numbers are the format itself, here and below
            seq = _integer(raw)
        elif field == 2:  # noqa: PLR2004
            if len(metrics) == MAX_READINGS:
                raise TooManyReadings(f"the message has more than {MAX_READINGS} metrics")
            metrics.append(_read_metric(_bytes(raw)))
    return Payload(timestamp_ms, seq, tuple(metrics))


def _read_metric(data: bytes) -> Metric:
    found: dict[str, int] = {}
    name = kind = value = None
    is_bad = False
    for field, raw in _read_fields(data):
        if field == 1:
            name = _text(_bytes(raw))
        elif field in _INTEGERS:
            found[_INTEGERS[field]] = _integer(raw)
        elif field == 9:  # noqa: PLR2004
            is_bad = _has_bad_quality(_bytes(raw))
        elif field in _VALUES:
            # Of a oneof that is written twice, the last one counts.
            kind, value = _read_value(field, raw)
    return Metric(
        name=name,
        alias=found.get("alias"),
        timestamp_ms=found.get("timestamp_ms"),
        datatype=None if "datatype" not in found else found["datatype"] & _MASK_32,
        is_transient=bool(found.get("is_transient")),
        is_null=bool(found.get("is_null")),
        is_bad=is_bad,
        kind=kind,
        value=value,
    )


_INTEGERS: Final = {2: "alias", 3: "timestamp_ms", 4: "datatype", 6: "is_transient", 7: "is_null"}
_VALUES: Final = {10: "int", 11: "long", 12: "float", 13: "double", 14: "boolean"} | dict.fromkeys(
    range(15, 20), "other"
)


def _read_value(field: int, raw: Raw) -> tuple[str, float | None]:
    kind = _VALUES[field]
    if kind == "int":
        return kind, _integer(raw) & _MASK_32  # as every decoder does, so that a negative number of 10 bytes passes
    if kind == "long":
        return kind, _integer(raw)
    if kind == "float":
        return kind, struct.unpack("<f", _fixed(raw, 4))[0]
    if kind == "double":
        return kind, struct.unpack("<d", _fixed(raw, 8))[0]
    if kind == "boolean":
        _integer(raw)
    else:
        _bytes(raw)
    return kind, None


def _has_bad_quality(properties: bytes) -> bool:
    """Whether a PropertySet, two lists of keys and of values, has a `Quality` of bad or stale."""
    keys: list[bytes] = []
    values: list[bytes] = []
    for field, raw in _read_fields(properties):
        if field in {1, 2}:
            (keys if field == 1 else values).append(_bytes(raw))
        if len(keys) > _MAX_PROPERTIES or len(values) > _MAX_PROPERTIES:
            raise InvalidSparkplug(f"a metric has more than {_MAX_PROPERTIES} properties")
    if len(keys) != len(values):
        raise InvalidSparkplug("a metric has properties with as many keys as values")
    for key, value in zip(keys, values, strict=True):
        if key == _QUALITY:
            return any(field == 3 and raw in _BAD_QUALITIES for field, raw in _read_fields(value))  # noqa: PLR2004
    return False


def _read_fields(data: bytes) -> Iterator[tuple[int, Raw]]:
    """The fields of one message in their order: a number for a varint, else the bytes."""
    position, end = 0, len(data)
    while position < end:
        key, position = _read_varint(data, position)
        field, wire_type = key >> 3, key & 7
        if not 0 < field <= _MAX_FIELD:
            raise InvalidSparkplug("the message is no payload of Sparkplug B: a field without a number")
        if wire_type == _VARINT:
            number, position = _read_varint(data, position)
            yield field, number
            continue
        if wire_type == _BYTES:
            size, position = _read_varint(data, position)
        elif wire_type in {_FIXED32, _FIXED64}:
            size = 4 if wire_type == _FIXED32 else 8
        else:  # groups, which this format never had
            raise InvalidSparkplug(f"the message is no payload of Sparkplug B: wire type {wire_type}")
        if size > end - position:
            raise InvalidSparkplug("the message is no payload of Sparkplug B: it ends within a field")
        yield field, data[position : position + size]
        position += size


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    number = 0
    for place, byte in enumerate(data[position : position + _MAX_VARINT_BYTES]):
        number |= (byte & _LAST_SEVEN) << 7 * place
        if byte <= _LAST_SEVEN and number <= _MAX_NUMBER:
            return number, position + place + 1
    raise InvalidSparkplug("the message is no payload of Sparkplug B: a number does not end, or has more than 64 bits")


def _integer(raw: Raw) -> int:
    if isinstance(raw, int):
        return raw
    raise InvalidSparkplug("the message is no payload of Sparkplug B: bytes instead of a number")


def _bytes(raw: Raw) -> bytes:
    if isinstance(raw, bytes):
        return raw
    raise InvalidSparkplug("the message is no payload of Sparkplug B: a number instead of bytes")


def _fixed(raw: Raw, size: int) -> bytes:
    data = _bytes(raw)
    if len(data) != size:
        raise InvalidSparkplug("the message is no payload of Sparkplug B: a number of another size")
    return data


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InvalidSparkplug("a metric's name is not UTF-8") from error
    if "\0" in text:
        raise InvalidSparkplug("a metric's name holds a NUL")
    return text


def encode_rebirth_request(timestamp_ms: int) -> bytes:
    """The payload of the NCMD by which a host asks an edge node for all its births (Sparkplug 3.0, "Commands").

    Args:
        timestamp_ms: when it is asked, since 1970. [ms]
    """
    metric = (
        _encode_bytes(1, _REBIRTH.encode())
        + _encode_integer(3, timestamp_ms)
        + _encode_integer(4, _BOOLEAN)
        + _encode_integer(14, 1)
    )
    return _encode_integer(1, timestamp_ms) + _encode_bytes(2, metric)


def _encode_integer(field: int, number: int) -> bytes:
    return _encode_varint(field << 3 | _VARINT) + _encode_varint(number)


def _encode_bytes(field: int, data: bytes) -> bytes:
    return _encode_varint(field << 3 | _BYTES) + _encode_varint(len(data)) + data


def _encode_varint(number: int) -> bytes:
    encoded = bytearray()
    while number > _LAST_SEVEN:
        encoded.append(number & _LAST_SEVEN | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
