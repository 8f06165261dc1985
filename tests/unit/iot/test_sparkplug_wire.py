"""The bytes of Sparkplug B, held against Google's protobuf."""

import struct
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SiteproofError
from iot.payload import MAX_PAYLOAD_BYTES, MAX_READINGS
from iot.sparkplug_wire import Metric, Payload, decode_payload, encode_rebirth_request
from tests.sparkplug_payloads import decode, encode, quality

UINT32 = st.integers(0, 2**32 - 1)
UINT64 = st.integers(0, 2**64 - 1)
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
# A oneof holds one value; `kind` is what we call the field.
VALUES: Any = st.one_of(
    st.tuples(st.just("int"), st.just("int_value"), UINT32),
    st.tuples(st.just("long"), st.just("long_value"), UINT64),
    st.tuples(st.just("float"), st.just("float_value"), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just("double"), st.just("double_value"), st.floats(allow_nan=False)),
    st.tuples(st.just("boolean"), st.just("boolean_value"), st.booleans()),
    st.tuples(st.just("other"), st.just("string_value"), st.text(st.characters(exclude_categories=["Cs"]), max_size=9)),
    st.tuples(st.just("other"), st.just("bytes_value"), st.binary(max_size=9)),
)
METRICS: Any = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES,
        "alias": UINT64,
        "timestamp": UINT64,
        "datatype": UINT32,
        "is_historical": st.booleans(),
        "is_transient": st.booleans(),
        "is_null": st.booleans(),
    },
)


@given(st.lists(st.tuples(METRICS, VALUES), max_size=5), st.none() | UINT64, st.none() | UINT64)
def test_decode_payload__what_another_encoder_wrote(
    metrics: list[tuple[dict[str, Any], tuple[str, str, Any]]], timestamp: int | None, seq: int | None
) -> None:
    """Every field comes back as Google's protobuf wrote it, in every combination."""
    payload = encode(*(fields | {field: value} for fields, (_, field, value) in metrics), timestamp=timestamp, seq=seq)
    expected = tuple(
        Metric(
            name=fields.get("name"),
            alias=fields.get("alias"),
            timestamp_ms=fields.get("timestamp"),
            datatype=fields.get("datatype"),
            is_transient=fields.get("is_transient", False),
            is_null=fields.get("is_null", False),
            kind=kind,
            value=value if kind in {"int", "long", "float", "double"} else None,
        )
        for fields, (kind, _, value) in metrics
    )
    assert decode_payload(payload) == Payload(timestamp, seq, expected)


@pytest.mark.parametrize(("code", "is_bad"), [(0, True), (192, False), (500, True)])
def test_decode_payload__quality(code: int, *, is_bad: bool) -> None:
    """The property `Quality`, beside others, is bad at 0 and stale at 500 (section 6.4.9.1)."""
    (metric,) = decode_payload(encode({"name": "a", "double_value": 1.0, "properties": quality(code)})).metrics
    assert metric.is_bad is is_bad


def test_decode_payload__fields_that_are_passed_over() -> None:
    """Data sets, the payload's uuid and body, and fields of a later version do not matter."""
    later = encode({"name": "a", "dataset_value": {"num_of_columns": 1, "columns": ["x"]}}, seq=3)
    # Field 100: key (100 << 3 | type), as varint 0xA0|type 0x06; a varint, 8 bytes, 2 bytes, 4 bytes.
    later += (
        b"\xa0\x06\x01" + b"\xa1\x06" + bytes(8) + b"\xa2\x06\x02ab" + b"\xa5\x06" + bytes(4) + b"\x22\x01u\x2a\x01b"
    )
    assert decode_payload(later) == Payload(None, 3, (Metric(name="a", kind="other"),))


def test_decode_payload__negative_of_ten_bytes() -> None:
    """A negative int32 is sign-extended to 64 bits by some encoders; the encoding guide has readers cut it."""
    negative = b"\x50" + b"\xff" * 9 + b"\x01"  # field 10 (10 << 3 = 0x50), -1 in 64 bits
    (metric,) = decode_payload(b"\x12" + bytes([len(negative)]) + negative).metrics
    assert (metric.kind, metric.value) == ("int", 2**32 - 1)


def test_decode_payload__oneof_twice() -> None:
    """Of a oneof that is written twice the last one counts, by the encoding guide."""
    twice = b"\x50\x05" + b"\x69" + struct.pack("<d", 2.5)  # field 13 of 8 bytes: 13 << 3 | 1 = 0x69
    (metric,) = decode_payload(b"\x12" + bytes([len(twice)]) + twice).metrics
    assert (metric.kind, metric.value) == ("double", 2.5)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"\x08", "sparkplug.not_a_payload"),  # a key without its number
        (b"\x08" + b"\xff" * 11, "sparkplug.not_a_payload"),  # a number that does not end
        (b"\x18" + b"\xff" * 9 + b"\x02", "sparkplug.not_a_payload"),  # a number of 65 bits
        (b"\x00\x01", "sparkplug.not_a_payload"),  # field 0
        (b"\x0b", "sparkplug.not_a_payload"),  # a group
        (b"\x12\x05ab", "sparkplug.not_a_payload"),  # five bytes told of, two there
        (b"\x0a\x01a", "sparkplug.not_a_payload"),  # the timestamp as bytes
        (b"\x10\x01", "sparkplug.not_a_payload"),  # a metric as a number
        (b"\x12\x03\x6d" + bytes(2), "sparkplug.not_a_payload"),  # a double of four bytes, cut
        (b"\x12\x05\x6d" + bytes(4), "sparkplug.not_a_payload"),  # a double of four bytes
        (b"\x12\x03\x0a\x01\xff", "sparkplug.not_a_payload"),  # a name that is not UTF-8
        (encode({"name": "a\0"}), "sparkplug.not_a_payload"),
        (encode({"name": "a", "properties": {"keys": ["Quality"]}}), "sparkplug.not_a_payload"),
        (encode({"name": "a", "properties": {"keys": ["k"] * 257}}), "sparkplug.not_a_payload"),
        (b"\x12\x00" * (MAX_READINGS + 1), "payload.too_many_readings"),
        (bytes(MAX_PAYLOAD_BYTES + 1), "payload.too_large"),
        (b'{"t": 1782892800000, "v": 1}', "sparkplug.not_a_payload"),
    ],
)
def test_decode_payload__not_a_payload(payload: bytes, code: str) -> None:
    """What is no payload is refused with its reason."""
    with pytest.raises(SiteproofError) as caught:
        decode_payload(payload)
    assert caught.value.code == code


@given(st.binary(max_size=300))
def test_decode_payload__any_bytes(payload: bytes) -> None:
    """No bytes do anything but give a payload or one of our errors."""
    with suppress(SiteproofError):
        decode_payload(payload)


@given(st.lists(METRICS, min_size=1, max_size=3), st.data())
def test_decode_payload__damaged(metrics: list[dict[str, Any]], data: st.DataObject) -> None:
    """A payload with a byte changed or its end cut off neither hangs nor raises anything else."""
    payload = bytearray(encode(*metrics, timestamp=1782892800000, seq=1))
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] = data.draw(st.integers(0, 255))
    with suppress(SiteproofError):
        decode_payload(bytes(payload[: data.draw(st.integers(0, len(payload)))]))


def test_encode_rebirth_request__read_by_another_decoder() -> None:
    """Sparkplug 3.0, "Commands": a metric `Node Control/Rebirth`, Boolean (11), true."""
    payload = decode(encode_rebirth_request(1782892800000))
    (metric,) = payload.metrics
    assert payload.timestamp == metric.timestamp == 1782892800000
    assert (metric.name, metric.datatype, metric.boolean_value) == ("Node Control/Rebirth", 11, True)
    assert not payload.HasField("seq")
