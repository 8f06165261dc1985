"""JSON payloads: good ones, and every kind of bad one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SiteproofError
from iot.json_payload import decode_json
from iot.payload import (
    MAX_PAYLOAD_BYTES,
    MAX_READINGS,
    GaugeReading,
    NotAReading,
    PayloadNotJson,
    PayloadTooLarge,
    Rejected,
    TooManyReadings,
)

ARRIVED = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
T = "2026-07-01T08:00:00Z"


def decode(payload: object) -> list[GaugeReading | Rejected]:
    """Decode a JSON value, or bytes as they are: the readings, and after them what is none."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    decoded = decode_json(content, arrived_at=ARRIVED)
    return [*decoded.list_readings(), *decoded.rejected]


def decode_one(payload: object) -> GaugeReading:
    """Decode what must be exactly one reading."""
    (reading,) = decode(payload)
    assert isinstance(reading, GaugeReading), reading
    return reading


def reject_one(payload: object) -> tuple[str, bytes]:
    """The code and the bytes of what must be exactly one rejected item."""
    (rejected,) = decode(payload)
    assert isinstance(rejected, Rejected), rejected
    return rejected.error.code, rejected.item


def test_decode_json__whole() -> None:
    """Time, value, sequence number and quality are taken."""
    reading = decode_one({"t": T, "v": -1.5, "seq": 7, "q": "bad"})
    assert reading == (datetime(2026, 7, 1, 8, tzinfo=UTC), -1.5, True, 7)


def test_decode_json__bare() -> None:
    """Time and value are enough; a whole number is a value; what else is there is passed over."""
    assert decode_one({"t": T, "v": 3, "battery": 3.6}) == (datetime(2026, 7, 1, 8, tzinfo=UTC), 3.0, False, None)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-07-01T08:00:00Z", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-07-01T16:00:00+08:00", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-07-01t08:00:00z", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-07-01 08:00:00.25Z", datetime(2026, 7, 1, 8, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-07-01T08:00:00.123456789Z", datetime(2026, 7, 1, 8, 0, 0, 123_456, tzinfo=UTC)),
        # The leap second of RFC 3339's own example, section 5.8, in a year that we accept.
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        # date -u -d 2026-07-01T08:00:00Z +%s prints 1782892800.
        (1782892800000, datetime(2026, 7, 1, 8, tzinfo=UTC)),
        (1782892800000.5, datetime(2026, 7, 1, 8, 0, 0, 500, tzinfo=UTC)),
        (1782892800123, datetime(2026, 7, 1, 8, 0, 0, 123_000, tzinfo=UTC)),
    ],
)
def test_decode_json__time(given: object, expected: datetime) -> None:
    """RFC 3339 with any offset, and milliseconds since 1970, give UTC."""
    t = decode_one({"t": given, "v": 1}).t
    assert t == expected
    assert t.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "2026-07-01T08:00:00",
        "2026-07-01",
        "2026-W27-3T08:00:00Z",
        "20260701T080000Z",
        "2026-13-01T08:00:00Z",
        "2026-07-01T25:00:00Z",
        "2026-07-01T08:00:00+25:00",
        "２026-07-01T08:00:00Z",
        "2026-07-01T08:00:00Z\n",
        "1782892800000",
        True,
        [],
        {},
        1e300,
        -(10**30),
        float("nan"),
        float("inf"),
    ],
)
def test_decode_json__bad_time(given: object) -> None:
    """A time without offset, in another form, or none at all is refused."""
    assert reject_one({"t": given, "v": 1})[0] == "reading.bad_time"


def test_decode_json__time_missing() -> None:
    """A value without time is no reading."""
    assert reject_one({"v": 1})[0] == "reading.bad_time"


@pytest.mark.parametrize(
    "given",
    [
        "1970-01-01T00:00:00Z",
        "1999-12-31T23:59:59Z",
        "2099-01-01T00:00:00Z",
        "2026-07-02T12:00:00.000001Z",
        "0001-01-01T00:00:00Z",
        0,
        -1,
        1782892800,  # seconds where milliseconds are meant: 21 January 1970
    ],
)
def test_decode_json__implausible_time(given: object) -> None:
    """Before 2000, and more than a day after arrival, no gauge has measured."""
    assert reject_one({"t": given, "v": 1})[0] == "reading.implausible_time"


@pytest.mark.parametrize("given", ["2000-01-01T00:00:00Z", "2026-07-02T12:00:00Z"])
def test_decode_json__just_plausible(given: str) -> None:
    """The first moment of 2000, and a day after arrival, are accepted."""
    assert decode_one({"t": given, "v": 1}).v == 1


@pytest.mark.parametrize(
    "literal",
    [
        *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "true", "false", "null", '"12"', '""', "[]", "{}", "[1]"),
        "1" + "0" * 400,
        "9" * 5000,
    ],
)
def test_decode_json__not_a_number(literal: str) -> None:
    """What is not a finite number is refused, and its neighbours are not lost."""
    payload = f'[{{"t": "{T}", "v": 1}}, {{"t": "{T}", "v": {literal}}}, {{"t": "{T}", "v": 2}}]'.encode()
    first, last, middle = decode(payload)
    assert isinstance(first, GaugeReading)
    assert isinstance(last, GaugeReading)
    assert (first.v, last.v) == (1, 2)
    assert isinstance(middle, Rejected)
    assert middle.error.code == "reading.not_a_number"


def test_decode_json__value_missing() -> None:
    """A time without value is no reading, and keeps its bytes as they came."""
    assert reject_one(b'{"t":  1782892800000}') == ("reading.not_a_number", b'{"t":  1782892800000}')


@pytest.mark.parametrize(
    "literal", ["1.7976931348623157e308", "-1.7976931348623157e308", "5e-324", "9007199254740993", "-0.0"]
)
def test_decode_json__extreme_values(literal: str) -> None:
    """Every finite double is a value."""
    assert decode_one(f'{{"t": "{T}", "v": {literal}}}'.encode()).v == float(literal)


@pytest.mark.parametrize("seq", ["7", 1.5, True, 2**63, -(2**63) - 1, [], 10**100])
def test_decode_json__bad_sequence(seq: object) -> None:
    """A sequence number is a whole number of 64 bits."""
    assert reject_one({"t": T, "v": 1, "seq": seq})[0] == "reading.bad_sequence"


@pytest.mark.parametrize("q", ["GOOD", "", 0, True, [], "uncertain"])
def test_decode_json__bad_quality(q: object) -> None:
    """A quality is good or bad; what we do not know is not taken for good."""
    assert reject_one({"t": T, "v": 1, "q": q})[0] == "reading.bad_quality"


def test_decode_json__null_options() -> None:
    """A gauge that writes null for what it does not know says nothing wrong."""
    assert decode_one({"t": T, "v": 1, "q": None, "seq": None}) == (
        datetime(2026, 7, 1, 8, tzinfo=UTC),
        1.0,
        False,
        None,
    )


@pytest.mark.parametrize("item", [1, "x", None, [], [{"t": T, "v": 1}], True])
def test_decode_json__item_of_another_kind(item: object) -> None:
    """An item that is no object is refused alone, with its own bytes."""
    good, bad = decode([{"t": T, "v": 1}, item])
    assert isinstance(good, GaugeReading)
    assert isinstance(bad, Rejected)
    assert (bad.error.code, json.loads(bad.item)) == ("payload.not_a_reading", item)


@pytest.mark.parametrize("payload", [b"1", b'"x"', b"null", b"true", b"NaN"])
def test_decode_json__neither_object_nor_list(payload: bytes) -> None:
    """JSON that is neither an object nor a list has no readings."""
    with pytest.raises(NotAReading):
        decode(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b'{"t": 1, "v": 2',
        b"t=1;v=2",
        b"\xff\xfe",
        b'{"t": "\xff"}',
        "[1]".encode("utf-16"),
        b"\0",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'[{"t": 1, "v": 2}] trailing',
        b"[" + b"9" * 5000,
    ],
)
def test_decode_json__not_json(payload: bytes) -> None:
    """What is no JSON in UTF-8 is refused as a whole."""
    with pytest.raises(PayloadNotJson):
        decode(payload)


def test_decode_json__byte_order_mark() -> None:
    """A byte order mark, as Windows gateways write it, does no harm."""
    assert decode_one(b"\xef\xbb\xbf" + json.dumps({"t": T, "v": 1}).encode()).v == 1


def test_decode_json__empty_list() -> None:
    """A list of nothing is nothing."""
    assert decode([]) == []


def test_decode_json__too_large() -> None:
    """A megabyte is the limit."""
    padded = json.dumps({"t": T, "v": 1}).encode().ljust(MAX_PAYLOAD_BYTES)
    assert decode_one(padded).v == 1
    with pytest.raises(PayloadTooLarge):
        decode(padded + b" ")


def test_decode_json__too_many() -> None:
    """Ten thousand readings are the limit of one message."""
    item = b'{"t":1782892800000,"v":1}'
    assert len(decode(b"[" + b",".join([item] * MAX_READINGS) + b"]")) == MAX_READINGS
    with pytest.raises(TooManyReadings):
        decode(b"[" + b",".join([item] * (MAX_READINGS + 1)) + b"]")


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["t", "v", "q", "seq", "x"]), inner),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_decode_json__whatever_comes(value: object) -> None:
    """Any JSON value gives an outcome for each item, or a refusal with a code; never another error."""
    try:
        outcomes = decode(value)
    except SiteproofError as error:
        assert error.code.startswith("payload.")  # noqa: PT017 - either of the two is right
    else:
        assert len(outcomes) == (len(value) if isinstance(value, list) else 1)


TIMES = st.sampled_from(
    [
        "2026-07-01T08:00:00Z",
        "2026-07-01t08:00:00.123456+08:00",
        "2026-07-01 08:00:60Z",
        "2026-07-01T08:00:00.1234567Z",
        "2026-07-01T08:00:00",
        "2026-07-02T12:00:00.000001Z",
        "1999-12-31T23:59:59Z",
        1782892800000,
        1782892800000.5,
        1e30,
    ]
)
ITEMS = st.fixed_dictionaries(
    {"t": TIMES | st.none() | st.text(), "v": st.floats(allow_nan=False, allow_infinity=False) | st.integers()},
    optional={"seq": st.none() | st.integers(-(2**64), 2**64), "q": st.sampled_from(["good", "bad", "worse", None])},
)


@given(ITEMS)
def test_decode_json__alone_or_beside_a_bad_one(item: object) -> None:
    """An item gives the same outcome whether msgspec or, because of its neighbour, the careful way takes it apart."""
    (alone,), (beside, _) = decode([item]), decode([item, "no reading"])
    if isinstance(alone, GaugeReading):
        assert alone == beside
    else:
        assert isinstance(beside, Rejected)
        assert (alone.item, alone.error.code) == (beside.item, beside.error.code)


@given(st.binary())
def test_decode_json__whatever_bytes_come(payload: bytes) -> None:
    """Any bytes give outcomes or a refusal with a code; never another error."""
    try:
        decode(payload)
    except SiteproofError as error:
        assert error.code.startswith("payload.")  # noqa: PT017 - either of the two is right
