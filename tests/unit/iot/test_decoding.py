"""One message with its sensor."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.sensor import Sensor, SensorKind
from iot.decoding import Decoded, RegisteredSensor, decode_message, read_message, register_sensor, write_reading
from iot.json_payload import decode_json
from iot.payload import MAX_PAYLOAD_BYTES, GaugeReading
from storage.reading import KeyedReading

ARRIVED = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
T = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
T_MS = 1782892800000  # date -u -d 2026-07-01T08:00:00Z +%s prints 1782892800
TOPIC = "siteproof/v1/b1/s1"


def make_registered(**changes: object) -> RegisteredSensor:
    """Sensor s1 of project b1, with key 7."""
    fields: dict[str, Any] = {
        "id": "s1",
        "project_id": "b1",
        "kind": SensorKind.SETTLEMENT,
        "unit": "mm",
        "position": None,
        "calibration": {},
        "range_min": None,
        "range_max": None,
        "alarms": (),
        "stale_after_s": None,
        "created_at": ARRIVED,
        "version": 1,
    }
    return register_sensor(7, Sensor(**(fields | changes)))


def decode(payload: object, registered: RegisteredSensor | None, topic: str = TOPIC) -> Decoded:
    """Decode a JSON value, or bytes as they are."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return decode_message(read_message(topic, content, arrived_at=ARRIVED), registered)


def test_decode_message__as_it_comes() -> None:
    """Without calibration the value is kept, and there is no raw value beside it."""
    decoded = decode({"t": T_MS, "v": 1.5, "seq": 3}, make_registered())
    assert decoded == Decoded([KeyedReading(7, T, 1.5, seq=3)], [])


def test_decode_message__calibrated() -> None:
    """2 * 1.5 + 1 = 4, and the raw value is kept beside it."""
    decoded = decode({"t": T_MS, "v": 1.5}, make_registered(calibration={"scale": 2, "offset": 1}))
    assert decoded == Decoded([KeyedReading(7, T, 4.0, raw=1.5)], [])


@pytest.mark.parametrize(("v", "is_bad"), [(-10.1, True), (-10.0, False), (10.0, False), (10.1, True)])
def test_decode_message__range(v: float, *, is_bad: bool) -> None:
    """What lies outside of the sensor's range is kept, and marked bad; the limits belong to the range."""
    decoded = decode({"t": T_MS, "v": v}, make_registered(range_min=-10.0, range_max=10.0))
    assert [reading.is_bad for reading in decoded.readings] == [is_bad]


def test_decode_message__bad_by_its_own_word() -> None:
    """What the gauge calls bad stays bad within the range."""
    decoded = decode({"t": T_MS, "v": 1, "q": "bad"}, make_registered(range_min=-10.0))
    assert [reading.is_bad for reading in decoded.readings] == [True]


def test_decode_message__malformed_neighbour() -> None:
    """One bad item becomes a dead letter with its own bytes; the others are readings."""
    decoded = decode([{"t": T_MS, "v": 1}, {"t": T_MS, "v": "x"}, {"t": T_MS + 1, "v": 2}], make_registered())
    assert [reading.v for reading in decoded.readings] == [1.0, 2.0]
    (letter,) = decoded.dead_letters
    assert (letter.code, json.loads(letter.payload)) == ("reading.not_a_number", {"t": T_MS, "v": "x"})
    assert (letter.topic, letter.received_at) == (TOPIC, ARRIVED)


def test_decode_message__calibrated_beyond_all_numbers() -> None:
    """A value that calibration makes infinite becomes a dead letter that can be read again."""
    decoded = decode([{"t": T_MS, "v": 1e308, "seq": 4, "q": "bad"}], make_registered(calibration={"scale": 10}))
    (letter,) = decoded.dead_letters
    assert decoded.readings == []
    assert letter.code == "reading.not_a_number"
    assert decode_json(letter.payload, arrived_at=ARRIVED) == [(T, 1e308, True, 4)]


@pytest.mark.parametrize(
    ("payload", "topic", "code"),
    [
        (b"garbage", TOPIC, "payload.not_json"),
        (b"12", TOPIC, "payload.not_a_reading"),
        (b'{"t": 1782892800000, "v": 1}', "siteproof/v1/b2/s1", "reading.wrong_project"),
        (b'{"t": 1782892800000, "v": 1}', "siteproof/v1/b1", "topic.unknown"),
    ],
)
def test_decode_message__whole_message_dead(payload: bytes, topic: str, code: str) -> None:
    """A message that is wrong as a whole is kept with its bytes and its topic."""
    decoded = decode(payload, make_registered(), topic)
    (letter,) = decoded.dead_letters
    assert (decoded.readings, letter.code, letter.payload, letter.topic) == ([], code, payload, topic)


def test_decode_message__unknown_sensor() -> None:
    """The readings of a sensor that is not registered wait as one dead letter."""
    (letter,) = decode({"t": T_MS, "v": 1}, None).dead_letters
    assert letter.code == "reading.unknown_sensor"


def test_decode_message__too_large() -> None:
    """Of a message that is too large the allowed part is kept."""
    (letter,) = decode(b" " * (MAX_PAYLOAD_BYTES + 5), make_registered()).dead_letters
    assert (letter.code, len(letter.payload)) == ("payload.too_large", MAX_PAYLOAD_BYTES)


def test_write_reading__read_back() -> None:
    """What is written is what is read."""
    reading = GaugeReading(datetime(2026, 7, 1, 8, 0, 0, 123_456, tzinfo=UTC), -0.1, is_bad=True, seq=9)
    assert decode_json(write_reading(reading), arrived_at=ARRIVED) == [reading]
