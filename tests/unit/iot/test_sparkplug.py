"""Metrics of Sparkplug, with the definitions of a birth."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import SiteproofError
from iot.bundle import Item
from iot.payload import GaugeReading
from iot.sparkplug import (
    NO_DEFINITIONS,
    find_bd_seq,
    index_definitions,
    list_candidates,
    make_bundle,
    make_definitions,
    read_sparkplug,
)
from iot.topics import EdgeNode, SparkplugTopic
from storage.sparkplug import MetricDefinition
from tests.sparkplug_payloads import encode, quality

ARRIVED = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
T = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
T_MS = 1782892800000  # date -u -d 2026-07-01T08:00:00Z +%s prints 1782892800
NODE = SparkplugTopic(EdgeNode("b1", "gw"), "NDATA", "")
DEVICE = SparkplugTopic(EdgeNode("b1", "gw"), "DDATA", "pier")
# Numbers of Sparkplug 3.0, section 6.4.16.
INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, FLOAT, DOUBLE, BOOLEAN, STRING = range(1, 13)


def read(*metrics: dict[str, object], definitions: tuple[MetricDefinition, ...] = ()) -> list[Item]:
    """The items of a node's data, where a birth has said this."""
    message = read_sparkplug(encode(*metrics, timestamp=T_MS, seq=4), topic=NODE)
    known = index_definitions(definitions) if definitions else NO_DEFINITIONS
    return list(make_bundle(message, definitions=known, arrived_at=ARRIVED).items)


def read_one(**metric: object) -> GaugeReading | str:
    """What a metric with a name says, or the code of why it says nothing."""
    (item,) = read({"name": "a", **metric})
    return item.outcome.code if isinstance(item.outcome, SiteproofError) else item.outcome


@pytest.mark.parametrize(
    ("datatype", "field", "written", "expected"),
    [
        (DOUBLE, "double_value", 1.5, 1.5),
        (FLOAT, "float_value", -0.25, -0.25),
        (INT32, "int_value", 7, 7.0),
        # Two's complement: 2^32 - 7, 2^8 - 7, 2^16 - 7, 2^64 - 7.
        (INT32, "int_value", 4294967289, -7.0),
        (INT8, "int_value", 4294967289, -7.0),
        (INT8, "int_value", 249, -7.0),
        (INT16, "int_value", 65529, -7.0),
        (INT64, "long_value", 18446744073709551609, -7.0),
        (INT32, "long_value", 18446744073709551609, -7.0),
        (UINT8, "int_value", 249, 249.0),
        (UINT16, "int_value", 65529, 65529.0),
        (UINT32, "int_value", 4294967289, 4294967289.0),
        (UINT32, "long_value", 4294967289, 4294967289.0),
        (UINT64, "long_value", 2**63, 9223372036854775808.0),
        (INT64, "int_value", 7, 7.0),
    ],
)
def test_make_bundle__numbers_of_each_datatype(datatype: int, field: str, written: Any, expected: float) -> None:  # noqa: ANN401
    """Whole numbers have the bits and the sign of their datatype, floating ones are as they are."""
    outcome = read_one(datatype=datatype, timestamp=T_MS, **{field: written})
    assert outcome == GaugeReading(T, expected, is_bad=False, seq=4)


@pytest.mark.parametrize(
    ("metric", "code"),
    [
        ({"datatype": UINT8, "int_value": 256}, "reading.not_a_number"),
        ({"datatype": INT8, "int_value": 4294967000}, "reading.not_a_number"),  # -296
        ({"datatype": INT64, "int_value": 4294967289}, "reading.not_a_number"),  # whether it is -7 nobody can tell
        ({"datatype": DOUBLE, "int_value": 1}, "reading.not_a_number"),
        ({"datatype": INT32, "double_value": 1.0}, "reading.not_a_number"),
        ({"datatype": BOOLEAN, "boolean_value": True}, "reading.not_a_number"),
        ({"datatype": STRING, "string_value": "1"}, "reading.not_a_number"),
        ({"datatype": DOUBLE, "double_value": float("nan")}, "reading.not_a_number"),
        ({"datatype": DOUBLE, "double_value": float("inf")}, "reading.not_a_number"),
        ({"int_value": 1}, "sparkplug.unknown_datatype"),
        ({"double_value": 1.0, "is_transient": True}, "sparkplug.transient"),
        ({"double_value": 1.0, "timestamp": 1}, "reading.implausible_time"),
        ({"double_value": 1.0, "timestamp": 2**64 - 1}, "reading.bad_time"),
    ],
)
def test_make_bundle__no_reading(metric: dict[str, object], code: str) -> None:
    """What is no number, no time, or must not be stored, says why."""
    assert read_one(**metric) == code


@pytest.mark.parametrize(("code", "is_bad"), [(0, True), (192, False), (500, True)])
def test_make_bundle__quality(code: int, *, is_bad: bool) -> None:
    """What the edge node calls bad or stale is bad."""
    assert read_one(double_value=1.0, properties=quality(code)) == GaugeReading(T, 1.0, is_bad=is_bad, seq=4)


def test_make_bundle__time_of_metric_before_that_of_message() -> None:
    """A historical metric has its own time, an hour before its message's."""
    outcome = read_one(double_value=1.0, timestamp=T_MS - 3_600_000, is_historical=True)
    assert outcome == GaugeReading(datetime(2026, 7, 1, 7, 0, tzinfo=UTC), 1.0, is_bad=False, seq=4)


def test_make_bundle__no_time_at_all() -> None:
    """Neither metric nor message has one: the arrival is no substitute."""
    message = read_sparkplug(encode({"name": "a", "double_value": 1.0}), topic=NODE)
    (item,) = make_bundle(message, definitions=NO_DEFINITIONS, arrived_at=ARRIVED).items
    assert isinstance(item.outcome, SiteproofError)
    assert item.outcome.code == "reading.bad_time"


def test_make_bundle__by_alias() -> None:
    """An alias stands for the name, and for the datatype, that the birth gave; one that it did not is unknown."""
    definitions = (MetricDefinition("pier/1", 7, INT32), MetricDefinition(None, 8, STRING))
    items = read(
        {"alias": 7, "int_value": 4294967289},
        {"alias": 8, "string_value": "x"},
        {"alias": 9, "int_value": 1},
        {"int_value": 1},
        definitions=definitions,
    )
    codes = [each.outcome.code if isinstance(each.outcome, SiteproofError) else each.outcome.v for each in items]
    assert codes == ["sparkplug.unknown_alias", "payload.not_a_reading", -7.0]
    assert items[-1].sensor_ids == ("pier.1", "gw.pier.1")


def test_make_bundle__what_is_passed_over() -> None:
    """Controls, bdSeq, nulls and metrics without a value are none; names that no sensor can have are counted."""
    message = read_sparkplug(
        encode(
            {"name": "bdSeq", "datatype": INT64, "long_value": 3},
            {"name": "Node Control/Rebirth", "datatype": BOOLEAN, "boolean_value": False},
            {"name": "Device Control/Scan", "datatype": BOOLEAN, "boolean_value": False},
            {"name": "a", "datatype": DOUBLE, "is_null": True},
            {"name": "b", "datatype": DOUBLE},
            {"name": "Hardware Make", "datatype": STRING, "string_value": "x"},
        ),
        topic=NODE,
    )
    bundle = make_bundle(message, definitions=NO_DEFINITIONS, arrived_at=ARRIVED)
    assert (bundle.items, bundle.skips_unknown, bundle.skipped) == ([], True, 1)


@pytest.mark.parametrize(
    ("name", "topic", "expected"),
    [
        ("level", NODE, ("level", "gw.level")),
        ("level", DEVICE, ("level", "pier.level", "gw.pier.level")),
        ("east/level", DEVICE, ("east.level", "pier.east.level", "gw.pier.east.level")),
        ("a" * 60, DEVICE, ("a" * 60,)),
        ("water level", DEVICE, ()),
        ("", DEVICE, ()),
    ],
)
def test_list_candidates__of_a_metric(name: str, topic: SparkplugTopic, expected: tuple[str, ...]) -> None:
    """The name alone, then with its device before it, then with the node."""
    assert list_candidates(name, topic) == expected


def test_make_definitions__of_a_birth() -> None:
    """A name that no sensor can have is forgotten, but its alias is known; what has neither is nothing."""
    message = read_sparkplug(
        encode(
            {"name": "a/b", "alias": 1, "datatype": DOUBLE},
            {"name": "Hardware Make", "alias": 2, "datatype": STRING},
            {"name": "Hardware Make", "datatype": STRING},
            {"name": "c", "datatype": INT32},
        ),
        topic=NODE,
    )
    assert make_definitions(message.payload) == (
        MetricDefinition("a/b", 1, DOUBLE),
        MetricDefinition(None, 2, STRING),
        MetricDefinition("c", None, INT32),
    )


@pytest.mark.parametrize(("written", "expected"), [(0, 0), (255, 255), (2**64 - 1, -1)])
def test_find_bd_seq__as_postgresql_keeps_it(written: int, expected: int) -> None:
    """The number that pairs birth and death, in 64 bits with a sign."""
    payload = read_sparkplug(encode({"name": "bdSeq", "datatype": INT64, "long_value": written}), topic=NODE).payload
    assert find_bd_seq(payload) == expected


def test_find_bd_seq__none() -> None:
    """A birth may lack it."""
    assert find_bd_seq(read_sparkplug(encode({"name": "bdSeq"}), topic=NODE).payload) is None
