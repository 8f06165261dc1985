"""Uplinks of ChirpStack v4; the event's form is that of its documentation of integrations ("up" event)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SiteproofError
from iot.bundle import Bundle
from iot.chirpstack import read_uplink
from iot.payload import GaugeReading

ARRIVED = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
EUI = "0101010101010101"
TREES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def make_event(**changes: object) -> dict[str, Any]:
    """An uplink as ChirpStack writes it, with nanoseconds."""
    return {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-07-01T09:34:15.775023242+00:00",
        "deviceInfo": {"applicationId": "17c82e96", "deviceName": "Pier 1", "devEui": EUI, "tags": {"key": "value"}},
        "devAddr": "00189440",
        "dr": 1,
        "fCnt": 10,
        "fPort": 1,
        "data": "qg==",
        "object": {"settlement": 1.5},
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "gwTime": "2026-07-01T09:34:16+00:00", "rssi": -36}],
    } | changes


def read(event: object) -> Bundle:
    """The items of an event that came at ARRIVED."""
    return read_uplink(json.dumps(event).encode(), dev_eui=EUI, arrived_at=ARRIVED)


def list_values(bundle: Bundle) -> dict[str, float]:
    """The values by sensor."""
    return {each.sensor_ids[0]: each.outcome.v for each in bundle.items if isinstance(each.outcome, GaugeReading)}


def test_read_uplink__one_field() -> None:
    """The field of a device without tags of ours is <devEui>.<field>, by the event's time, counted by its frame."""
    bundle = read(make_event())
    assert list_values(bundle) == {f"{EUI}.settlement": 1.5}
    expected = GaugeReading(datetime(2026, 7, 1, 9, 34, 15, 775023, tzinfo=UTC), 1.5, is_bad=False, seq=10)
    assert bundle.items[0].outcome == expected


def test_read_uplink__nested_fields_and_tags() -> None:
    """Nested fields are named by their path; a tag names the sensor of a field; null is no value, text no number."""
    event = make_event(object={"tilt": {"x": 0.1, "y": -2}, "cells": [7, {"mV": 8}], "none": None, "text": "ok"})
    event["deviceInfo"]["tags"] = {"siteproof_tilt.x": "pier-1-tilt", "sensor_id": "nobody"}
    bundle = read(event)
    assert list_values(bundle) == {
        "pier-1-tilt": 0.1,
        f"{EUI}.tilt.y": -2.0,
        f"{EUI}.cells.0": 7.0,
        f"{EUI}.cells.1.mV": 8.0,
    }
    assert [each.sensor_ids for each in bundle.items][-1] == (f"{EUI}.text",)


def test_read_uplink__the_only_number() -> None:
    """The tag `sensor_id` names the sensor of the only number, and not of the text beside it."""
    event = make_event(object={"status": "ok", "level": 1.2})
    event["deviceInfo"]["tags"] = {"sensor_id": "canal-level"}
    bundle = read(event)
    assert list_values(bundle) == {"canal-level": 1.2}
    assert [each.sensor_ids[0] for each in bundle.items] == [f"{EUI}.status", "canal-level"]


def test_read_uplink__two_numbers() -> None:
    """Of several numbers the tag `sensor_id` names none, because nobody can tell which."""
    event = make_event(object={"level": 1.2, "battery": 3.6})
    event["deviceInfo"]["tags"] = {"sensor_id": "canal-level"}
    assert list_values(read(event)) == {f"{EUI}.level": 1.2, f"{EUI}.battery": 3.6}


def test_read_uplink__names_that_are_no_ids() -> None:
    """A field that no sensor can be registered for is counted."""
    bundle = read(make_event(object={"water level": 1, "x" * 200: 2, "ok": 3}))
    assert (list_values(bundle), bundle.skipped) == ({f"{EUI}.ok": 3.0}, 1)


def test_read_uplink__without_data() -> None:
    """An uplink of MAC commands alone says nothing."""
    assert read(make_event(object=None, data=None)).items == []


def test_read_uplink__capital_digits() -> None:
    """The device's number is the same in capitals."""
    event = make_event()
    event["deviceInfo"]["devEui"] = "ABCDEF0101010101"
    bundle = read_uplink(json.dumps(event).encode(), dev_eui="abcdef0101010101", arrived_at=ARRIVED)
    assert list_values(bundle) == {"ABCDEF0101010101.settlement": 1.5}


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ([{"gwTime": "2026-07-01T09:00:02Z"}, {"gwTime": "2026-07-01T09:00:01Z"}], 1),
        ([{"nsTime": "2026-07-01T09:00:03Z"}, 7], 3),
    ],
)
def test_read_uplink__time_of_a_gateway(received: object, expected: int) -> None:
    """Without a time of its own the event has its first gateway's, and then the network server's."""
    outcome = read(make_event(time=None, rxInfo=received)).items[0].outcome
    assert isinstance(outcome, GaugeReading)
    assert outcome.t == datetime(2026, 7, 1, 9, 0, expected, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (7, "payload.not_a_reading"),
        ({}, "payload.not_a_reading"),
        (make_event(object=None), "chirpstack.no_object"),
        (make_event(object=[1]), "payload.not_a_reading"),
        (make_event(deviceInfo={"devEui": "0202020202020202"}), "chirpstack.wrong_device"),
        (make_event(deviceInfo={"devEui": EUI, "tags": 7}), "payload.not_a_reading"),
        (make_event(time=None, rxInfo=None), "reading.bad_time"),
        (make_event(time="yesterday"), "reading.bad_time"),
        (make_event(time=7), "reading.bad_time"),
        (make_event(time="1970-01-01T00:00:00Z"), "reading.implausible_time"),
        (make_event(fCnt="ten"), "reading.bad_sequence"),
        (make_event(object={"a": list(range(10_001))}), "payload.too_many_readings"),
    ],
)
def test_read_uplink__refused(event: object, code: str) -> None:
    """An event that cannot be read is refused whole, with its reason."""
    with pytest.raises(SiteproofError) as caught:
        read(event)
    assert caught.value.code == code


@given(TREES, TREES, TREES)
def test_read_uplink__any_event(decoded: object, tags: object, received: object) -> None:
    """Whatever an event holds, each field is a reading or says why not."""
    event = make_event(object=decoded, rxInfo=received)
    event["deviceInfo"]["tags"] = tags
    try:
        bundle = read(event)
    except SiteproofError:
        return
    assert all(each.sensor_ids for each in bundle.items)


@given(st.binary(max_size=200))
def test_read_uplink__any_bytes(payload: bytes) -> None:
    """No bytes do anything but give items or one of our errors."""
    with pytest.raises(SiteproofError):
        read_uplink(payload, dev_eui=EUI, arrived_at=ARRIVED)
