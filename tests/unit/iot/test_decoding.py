"""One message with its sensor."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.sensor import Sensor, SensorKind
from iot.decoding import (
    Decoded,
    Message,
    RegisteredSensor,
    decode_message,
    decode_messages,
    list_sensor_ids,
    read_message,
    register_sensor,
    write_reading,
)
from iot.json_payload import decode_json
from iot.payload import MAX_PAYLOAD_BYTES, GaugeReading
from storage.keyed_reading import KeyedReading
from tests.sparkplug_payloads import encode

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
    decoded = Decoded()
    decode_message(read_message(topic, content, arrived_at=ARRIVED), registered, decoded)
    return decoded


def list_rows(decoded: Decoded) -> list[KeyedReading]:
    """The readings, one by one."""
    return decoded.readings.to_columns().list_rows()


def test_decode_message__as_it_comes() -> None:
    """Without calibration the value is kept, and there is no raw value beside it."""
    decoded = decode({"t": T_MS, "v": 1.5, "seq": 3}, make_registered())
    assert (list_rows(decoded), decoded.dead_letters) == ([KeyedReading(7, T, 1.5, seq=3)], [])


def test_decode_message__calibrated() -> None:
    """2 * 1.5 + 1 = 4, and the raw value is kept beside it."""
    decoded = decode({"t": T_MS, "v": 1.5}, make_registered(calibration={"scale": 2, "offset": 1}))
    assert (list_rows(decoded), decoded.dead_letters) == ([KeyedReading(7, T, 4.0, raw=1.5)], [])


@pytest.mark.parametrize(("v", "is_bad"), [(-10.1, True), (-10.0, False), (10.0, False), (10.1, True)])
def test_decode_message__range(v: float, *, is_bad: bool) -> None:
    """What lies outside of the sensor's range is kept, and marked bad; the limits belong to the range."""
    decoded = decode({"t": T_MS, "v": v}, make_registered(range_min=-10.0, range_max=10.0))
    assert [reading.is_bad for reading in list_rows(decoded)] == [is_bad]


def test_decode_message__bad_by_its_own_word() -> None:
    """What the gauge calls bad stays bad within the range."""
    decoded = decode({"t": T_MS, "v": 1, "q": "bad"}, make_registered(range_min=-10.0))
    assert [reading.is_bad for reading in list_rows(decoded)] == [True]


def test_decode_message__malformed_neighbour() -> None:
    """One bad item becomes a dead letter with its own bytes; the others are readings."""
    decoded = decode([{"t": T_MS, "v": 1}, {"t": T_MS, "v": "x"}, {"t": T_MS + 1, "v": 2}], make_registered())
    assert [reading.v for reading in list_rows(decoded)] == [1.0, 2.0]
    (letter,) = decoded.dead_letters
    assert (letter.code, json.loads(letter.payload)) == ("reading.not_a_number", {"t": T_MS, "v": "x"})
    assert (letter.topic, letter.received_at) == (TOPIC, ARRIVED)


def test_decode_message__calibrated_beyond_all_numbers() -> None:
    """A value that calibration makes infinite becomes a dead letter that can be read again."""
    decoded = decode([{"t": T_MS, "v": 1e308, "seq": 4, "q": "bad"}], make_registered(calibration={"scale": 10}))
    (letter,) = decoded.dead_letters
    assert list_rows(decoded) == []
    assert letter.code == "reading.not_a_number"
    assert decode_json(letter.payload, arrived_at=ARRIVED).list_readings() == [(T, 1e308, True, 4)]


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
    assert (list_rows(decoded), letter.code, letter.payload, letter.topic) == ([], code, payload, topic)


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
    assert decode_json(write_reading(reading), arrived_at=ARRIVED).list_readings() == [reading]


def decode_senml(
    *records: dict[str, object], sensors: dict[str, RegisteredSensor], topic: str = "siteproof/v1/b1/senml"
) -> Decoded:
    """Decode a pack of SenML on a project's topic."""
    message = read_message(topic, json.dumps(records).encode(), arrived_at=ARRIVED)
    return decode_messages([message], sensors)


def record(**fields: object) -> dict[str, object]:
    """A record of SenML at T."""
    return {"n": "s1", "t": T_MS / 1000, "v": 1.5, **fields}


@pytest.mark.parametrize(
    ("unit", "sensor", "raw", "v"),
    [
        (None, {}, 1.5, 1.5),
        ("mm", {}, 1.5, 1.5),
        ("m", {}, 1500.0, 1500.0),
        ("cm", {}, 15.0, 15.0),
        ("K", {"unit": "Cel"}, -271.65, -271.65),  # 1.5 K - 273.15
        # A gauge that says metres by its calibration: 1.5 mm are 0.0015 m for it, and 1.5 mm again.
        ("mm", {"calibration": {"unit": "m"}}, 0.0015, 1.5),
        # Volts become millimetres by the calibration: 2 * 1.5 + 1.
        ("V", {"calibration": {"scale": 2, "offset": 1}}, 1.5, 4.0),
    ],
)
def test_decode_messages__units_of_senml(unit: str | None, sensor: dict[str, object], raw: float, v: float) -> None:
    """A record's unit is converted to the sensor's; one that the calibration makes the sensor's of is left as it is."""
    sensors = {"s1": make_registered(**sensor)}
    fields = {} if unit is None else {"u": unit}
    (reading,) = list_rows(decode_senml(record(**fields), sensors=sensors))
    assert reading.v == pytest.approx(v, rel=1e-12)
    assert reading.raw == (None if raw == v else pytest.approx(raw, rel=1e-12))


@pytest.mark.parametrize(("unit", "code"), [("Cel", "sensor.incompatible_units"), ("furlongs", "sensor.invalid_unit")])
def test_decode_messages__units_that_do_not_fit(unit: str, code: str) -> None:
    """A record of another quantity, or of no unit at all, is a dead letter each time; its neighbour is stored."""
    sensors = {"s1": make_registered()}
    for _ in range(2):
        decoded = decode_senml(record(u=unit), record(v=2), sensors=sensors)
        assert [each.code for each in decoded.dead_letters] == [code]
        assert [each.v for each in list_rows(decoded)] == [2.0]


def test_decode_messages__record_of_another_project_and_of_nobody() -> None:
    """Each such record is a dead letter by itself, which says the same when it is tried again."""
    sensors = {"s1": make_registered(), "s9": make_registered(id="s9", project_id="b9")}
    decoded = decode_senml(
        {"bn": "s", "bt": T_MS / 1000}, {"n": "1", "v": 1}, {"n": "9", "v": 2}, {"n": "8", "v": 3}, sensors=sensors
    )
    assert [each.v for each in list_rows(decoded)] == [1.0]
    assert [each.code for each in decoded.dead_letters] == ["reading.wrong_project", "reading.unknown_sensor"]
    again = read_message("siteproof/v1/b1/senml", decoded.dead_letters[1].payload, arrived_at=ARRIVED)
    decoded = decode_messages([again], {"s8": make_registered(id="s8")})
    assert [each.v for each in list_rows(decoded)] == [3.0]


def test_decode_messages__pack_that_cannot_be_read() -> None:
    """It is one dead letter with all its bytes."""
    message = read_message("siteproof/v1/b1/senml", b"{", arrived_at=ARRIVED)
    (letter,) = decode_messages([message], {}).dead_letters
    assert (letter.code, letter.payload) == ("payload.not_json", b"{")


def uplink(**fields: object) -> Message:
    """An uplink of device 0a at T."""
    event = {"time": "2026-07-01T08:00:00Z", "deviceInfo": {"devEui": "0a"}, "object": fields}
    return read_message("application/x/device/0a/event/up", json.dumps(event).encode(), arrived_at=ARRIVED)


def test_decode_messages__some_fields_are_registered() -> None:
    """Of a message of many sensors those that nobody registered are passed over and counted."""
    decoded = decode_messages([uplink(level=1, battery=3.6, text="x")], {"0a.level": make_registered(id="0a.level")})
    assert [each.v for each in list_rows(decoded)] == [1.0]
    assert (decoded.dead_letters, decoded.skipped) == ([], 2)


def test_decode_messages__no_field_is_registered() -> None:
    """Where no sensor is registered at all the message is kept once, whole: one may have been forgotten."""
    message = uplink(level=1, battery=3.6)
    decoded = decode_messages([message], {})
    assert [(each.code, each.payload) for each in decoded.dead_letters] == [("reading.unknown_sensor", message.payload)]


def test_decode_messages__nothing_but_text() -> None:
    """A message without any number is nobody's loss."""
    assert decode_messages([uplink(text="x")], {}) == Decoded(skipped=1)


def test_decode_messages__registered_field_that_is_no_number() -> None:
    """What a registered sensor says wrongly is kept."""
    decoded = decode_messages(
        [uplink(level="x", tilt=2)], {"0a.level": make_registered(), "0a.tilt": make_registered()}
    )
    assert [each.v for each in list_rows(decoded)] == [2.0]
    assert [each.code for each in decoded.dead_letters] == ["reading.not_a_number"]


def test_list_sensor_ids__of_both_kinds() -> None:
    """The sensors of a topic, and all candidates of a message of several."""
    messages = [read_message(TOPIC, b"{}", arrived_at=ARRIVED), uplink(level=1, tilt=2)]
    assert list(list_sensor_ids(messages)) == ["s1", "0a.level", "0a.tilt"]


@pytest.mark.parametrize(
    ("topic", "payload", "weight"),
    [
        (TOPIC, b"[1, 2, 3]", 3),
        (TOPIC, b"junk", 1),
        (TOPIC, b"[]", 1),
        ("siteproof/v1/b1/senml", b'[{"n": "a", "v": 1}, {"n": "b", "v": 1}]', 2),
        ("spBv1.0/b1/NDATA/gw", encode({"name": "a"}, {"name": "b"}), 2),
        ("spBv1.0/b1/NDEATH/gw", b"", 1),
        ("spBv1.0/b1/NCMD/gw", b"anything", 1),
    ],
)
def test_weight__of_each_kind(topic: str, payload: bytes, weight: int) -> None:
    """A message weighs what readings it may bring, and one at least."""
    assert read_message(topic, payload, arrived_at=ARRIVED).weight == weight


def test_decode_messages__command() -> None:
    """Commands to edge nodes are heard and say nothing."""
    assert decode_messages([read_message("spBv1.0/b1/NCMD/gw", b"x", arrived_at=ARRIVED)], {}) == Decoded()
