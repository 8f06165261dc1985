"""SenML packs, by the examples of RFC 8428, section 5.1, and its rules."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SiteproofError
from iot.bundle import Item
from iot.payload import MAX_READINGS, GaugeReading
from iot.senml import _UCUM, MAX_UNITS, read_senml
from iot.units import require_unit

ARRIVED = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
NAMES = st.sampled_from(
    ["bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t", "ut", "x_", "b_"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)


def read(pack: object) -> list[Item]:
    """The items of a pack that came at ARRIVED."""
    return list(read_senml(json.dumps(pack).encode(), arrived_at=ARRIVED).items)


def summarise(item: Item) -> tuple[str, str | None, float, datetime]:
    """Id, unit, value and time of an item that is a reading."""
    assert isinstance(item.outcome, GaugeReading), item.outcome
    return (item.sensor_ids[0], item.unit, item.outcome.v, item.outcome.t)


def find_code(item: Item) -> str:
    """The code of an item that is none."""
    assert isinstance(item.outcome, SiteproofError), item.outcome
    return item.outcome.code


def test_read_senml__single_data_point() -> None:
    """Section 5.1.1: no time means now, which is when it came."""
    items = read([{"n": "urn:dev:ow:10e2073a01080063", "u": "Cel", "v": 23.1}])
    assert [summarise(each) for each in items] == [("urn.dev.ow.10e2073a01080063", "Cel", 23.1, ARRIVED)]


def test_read_senml__multiple_data_points() -> None:
    """Section 5.1.2, second example: at Tue Jun 8 18:01:16.001 UTC 2010 and each second of the five before."""
    pack = [
        {
            "bn": "urn:dev:ow:10e2073a0108006:",
            "bt": 1.276020076001e09,
            "bu": "A",
            "bver": 5,
            "n": "voltage",
            "u": "V",
            "v": 120.1,
        },
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "t": -4, "v": 1.3},
        {"n": "current", "v": 1.7},
    ]
    at = datetime(2010, 6, 8, 18, 1, 16, 1000, tzinfo=UTC)
    base = "urn.dev.ow.10e2073a0108006."
    assert [summarise(each) for each in read(pack)] == [
        (f"{base}voltage", "V", 120.1, at),
        (f"{base}current", "A", 1.2, at - timedelta(seconds=5)),
        (f"{base}current", "A", 1.3, at - timedelta(seconds=4)),
        (f"{base}current", "A", 1.7, at),
    ]


def test_read_senml__multiple_measurements() -> None:
    """Sections 5.1.3 and 5.1.4: the pack and its resolved form, %RH and %EL being UCUM's % and lon a degree."""
    pack = [
        {"bn": "urn:dev:ow:10e2073a01080063", "bt": 1.320067464e09, "bu": "%RH", "v": 20},
        {"u": "lon", "v": 24.30621},
        {"t": 60, "v": 20.3},
        {"u": "%EL", "t": 150, "v": 98},
    ]
    at, name = datetime(2011, 10, 31, 13, 24, 24, tzinfo=UTC), "urn.dev.ow.10e2073a01080063"
    assert [summarise(each) for each in read(pack)] == [
        (name, "%", 20.0, at),
        (name, "deg", 24.30621, at),
        (name, "%", 20.3, at + timedelta(seconds=60)),
        (name, "%", 98.0, at + timedelta(seconds=150)),
    ]


def test_read_senml__multiple_data_types() -> None:
    """Section 5.1.5: text, truth and data are no reading; the number beside them is."""
    items = read(
        [
            {"bn": "urn:dev:ow:10e2073a01080063:", "n": "temp", "u": "Cel", "v": 23.1},
            {"n": "label", "vs": "Machine Room"},
            {"n": "open", "vb": False},
            {"n": "nfv-reader", "vd": "aGkgCg"},
        ]
    )
    assert summarise(items[0])[2] == 23.1
    assert [find_code(each) for each in items[1:]] == ["reading.not_a_number"] * 3


def test_read_senml__collection_of_resources() -> None:
    """Section 5.1.6: the last record has the base name of the third and the base time of the first."""
    pack = [
        {"bn": "2001:db8::2/", "bt": 1.320078429e09, "n": "temperature", "u": "Cel", "v": 25.2},
        {"n": "humidity", "u": "%RH", "v": 30},
        {"bn": "2001:db8::1/", "n": "temperature", "u": "Cel", "v": 12.3},
        {"n": "humidity", "u": "%RH", "v": 67},
    ]
    at = datetime(2011, 10, 31, 16, 27, 9, tzinfo=UTC)
    assert [summarise(each) for each in read(pack)][-1] == ("2001.db8..1.humidity", "%", 67.0, at)


def test_read_senml__base_record_alone() -> None:
    """Section 5.1.7: a record of a base name only is no item."""
    items = read([{"bn": "urn:dev:ow:10e2073a01080063:"}, {"n": "heat", "u": "/", "v": 1}])
    assert [summarise(each)[:3] for each in items] == [("urn.dev.ow.10e2073a01080063.heat", "1", 1.0)]


def test_read_senml__base_value_and_sum() -> None:
    """Section 4.5.4: base value and value are added, a missing one is 0; a sum beside the value is passed over."""
    items = read([{"bn": "a", "bv": 20, "bs": 5, "v": 0.5, "s": 3}, {"v": -1}, {"t": -1}])
    assert [summarise(each)[2] for each in items] == [20.5, 19.0, 20.0]


@pytest.mark.parametrize(
    ("t", "expected"),
    [
        (-60, ARRIVED - timedelta(seconds=60)),
        (60, ARRIVED + timedelta(seconds=60)),
        # Arithmetic: 2026-07-01T08:00:00Z is 1782892800 s after 1970 (`date -u -d ... +%s`).
        (1782892800, datetime(2026, 7, 1, 8, tzinfo=UTC)),
    ],
)
def test_read_senml__relative_and_absolute_time(t: float, expected: datetime) -> None:
    """Section 4.5.3: below 2**28 seconds a time is relative to now."""
    (item,) = read([{"n": "a", "v": 1, "t": t}])
    assert summarise(item)[3] == expected


def test_read_senml__where_absolute_time_begins() -> None:
    """Section 4.5.3: the smallest absolute time, 2**28, is 1978-07-04 21:24:16 UTC; one less is years from now."""
    absolute, relative = (read([{"n": "a", "v": 1, "t": t}])[0].outcome for t in (2**28, 2**28 - 1))
    assert "1978-07-04T21:24:16+00:00" in str(absolute)
    assert "more than a day after" in str(relative)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"n": "a", "v": 1, "t": 2**28}, "reading.implausible_time"),  # section 4.5.3: 1978-07-04
        ({"n": "a", "v": 1, "t": 2**28 - 1}, "reading.implausible_time"),  # eight years from now
        ({"n": "a", "v": 1, "t": 1e300}, "reading.bad_time"),
        ({"n": "a", "v": 1, "t": "now"}, "reading.bad_time"),
        ({"n": "a", "v": "1"}, "reading.not_a_number"),
        ({"n": "a", "v": True}, "reading.not_a_number"),
        ({"n": "a", "v": 1, "vs": "1"}, "senml.not_one_value"),
        ({"n": "a"}, "senml.not_one_value"),
        ({"n": "a", "s": 5}, "senml.sum_without_value"),
        ({"n": "a", "v": 1, "must_": 1}, "senml.mandatory_field"),
        ({"n": "a b", "v": 1}, "senml.bad_name"),
        ({"v": 1}, "senml.bad_name"),
        ({"n": 7, "v": 1}, "senml.bad_name"),
        ({"n": "a", "v": 1, "u": 7}, "senml.bad_unit"),
    ],
)
def test_read_senml__bad_record(record: dict[str, object], code: str) -> None:
    """What is wrong with a record does not touch its neighbours."""
    items = read([{"n": "before", "v": 1}, record, {"n": "after", "v": 2}])
    assert find_code(items[1]) == code
    assert [summarise(each)[2] for each in (items[0], items[2])] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("pack", "code"),
    [
        ([], "payload.not_a_reading"),
        ({"n": "a", "v": 1}, "payload.not_a_reading"),
        ([{"n": "a", "v": 1}, 7], "payload.not_a_reading"),
        ([{"n": "a", "v": 1}] * (MAX_READINGS + 1), "payload.too_many_readings"),
        ([{"bver": 11, "n": "a", "v": 1}], "senml.unknown_version"),
        ([{"bver": 0, "n": "a", "v": 1}], "senml.bad_base"),
        ([{"bver": "10", "n": "a", "v": 1}], "senml.bad_base"),
        ([{"bt": "now", "n": "a", "v": 1}], "senml.bad_base"),
        ([{"bn": 7, "n": "a", "v": 1}], "senml.bad_base"),
        ([{"bn": "a" * 257, "v": 1}], "senml.bad_base"),
        ([{"bx_": 1, "n": "a", "v": 1}], "senml.bad_base"),
    ],
)
def test_read_senml__bad_pack(pack: object, code: str) -> None:
    """Where a base field cannot be read the records after it would say something else: the whole pack is refused."""
    with pytest.raises(SiteproofError) as caught:
        read(pack)
    assert caught.value.code == code


def test_read_senml__too_many_units() -> None:
    """Beyond MAX_UNITS different units a record is refused, so that a stranger cannot have UCUM searched for ever."""
    items = read([{"n": "a", "u": f"u{number}", "v": 1} for number in range(MAX_UNITS + 1)])
    assert find_code(items[-1]) == "senml.bad_unit"
    assert summarise(items[-2])[1] == f"u{MAX_UNITS - 1}"


def test_read_senml__item_alone() -> None:
    """What a dead letter keeps of a record says the same without its pack."""
    pack = [
        {"bn": "x:", "bt": 1782892800, "bu": "mm", "bv": 1, "bver": 10, "n": "a", "v": 1},
        {"n": "b", "t": 5, "v": 2},
    ]
    for item in read(pack):
        (again,) = read(item.alone)
        assert again[:3] == item[:3]


@pytest.mark.parametrize("unit", sorted(set(_UCUM.values())))
def test_ucum__codes(unit: str) -> None:
    """Every unit that SenML's are written as is a code of UCUM."""
    if unit != "[pH]":  # a logarithm, which nothing converts
        assert require_unit(unit) == unit


@given(st.lists(st.dictionaries(NAMES, SCALARS, max_size=6), max_size=5) | SCALARS)
def test_read_senml__any_records(pack: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Whatever a pack holds, each record is a reading or says why not."""
    try:
        items = read(pack)
    except SiteproofError:
        return
    assert len(items) <= len(pack)


@given(st.binary(max_size=200))
def test_read_senml__any_bytes(payload: bytes) -> None:
    """No bytes do anything but give items or one of our errors."""
    with suppress(SiteproofError):
        read_senml(payload, arrived_at=ARRIVED)
