"""One message with the sensors that are registered: readings with their keys, and dead letters for the rest."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple

from domain.errors import Conflict, NotFound, SiteproofError
from domain.sensor import DeadLetter, Sensor
from iot.calibration import Calibration, parse_calibration
from iot.json_payload import decode_json
from iot.payload import MAX_PAYLOAD_BYTES, GaugeReading, NotANumber, Rejected
from iot.topics import parse_topic
from storage.reading import KeyedReading


class UnknownReadingSensor(NotFound):
    """A reading of a sensor that is not registered."""

    code: ClassVar[str] = "reading.unknown_sensor"


class WrongProject(Conflict):
    """A reading under another project's topic than its sensor's."""

    code: ClassVar[str] = "reading.wrong_project"


@dataclass(frozen=True, slots=True)
class RegisteredSensor:
    """A sensor as decoding needs it."""

    key: int
    sensor: Sensor
    calibration: Calibration

    @property
    def passes_unchanged(self) -> bool:
        """Whether readings are stored as they come: no calibration, and no range to be outside of."""
        return self.calibration.is_identity and self.sensor.range_min is None and self.sensor.range_max is None


class Message(NamedTuple):
    """A message as it came, its payload already taken apart, which needs no knowledge of sensors.

    Attributes:
        sensor_id: of the topic; None where the topic names none.
        outcomes: of its items; an error where the whole message is one.
        is_redelivery: the broker says that it sent it before.
    """

    topic: str
    payload: bytes
    arrived_at: datetime
    project_id: str
    sensor_id: str | None
    outcomes: list[GaugeReading | Rejected] | SiteproofError
    is_redelivery: bool = False


@dataclass(frozen=True, slots=True)
class Decoded:
    """What became of one message."""

    readings: list[KeyedReading]
    dead_letters: list[DeadLetter]


def register_sensor(key: int, sensor: Sensor) -> RegisteredSensor:
    """Make ready what decoding needs of a sensor.

    Raises:
        InvalidCalibration: what is stored is not a calibration.
    """
    return RegisteredSensor(key=key, sensor=sensor, calibration=parse_calibration(sensor.calibration))


def read_message(topic: str, payload: bytes, *, arrived_at: datetime, is_redelivery: bool = False) -> Message:
    """Take a message apart as far as that goes without knowing its sensor; what fails is said in `outcomes`."""
    project_id, sensor_id = "", None
    outcomes: list[GaugeReading | Rejected] | SiteproofError
    try:
        project_id, sensor_id = parse_topic(topic)
        outcomes = decode_json(payload, arrived_at=arrived_at)
    except SiteproofError as error:
        outcomes = error
    return Message(topic, payload, arrived_at, project_id, sensor_id, outcomes, is_redelivery)


def decode_message(message: Message, registered: RegisteredSensor | None) -> Decoded:
    """Calibrate the readings of one message and check whose they are.

    Args:
        message: as `read_message` gives it.
        registered: the sensor that the topic names; None where there is none.

    Returns:
        Readings, those out of the sensor's range marked bad, and dead letters: the whole message where its sensor or
        its payload is wrong, else the single items with their own bytes.
    """
    if isinstance(message.outcomes, SiteproofError):
        return Decoded([], [_bury(message, message.outcomes)])
    if registered is None:
        return Decoded([], [_bury(message, UnknownReadingSensor(f"no sensor {message.sensor_id!r} is registered"))])
    if registered.sensor.project_id != message.project_id:
        error = WrongProject(f"sensor {message.sensor_id!r} does not belong to project {message.project_id!r}")
        return Decoded([], [_bury(message, error)])
    readings: list[KeyedReading] = []
    dead_letters = []
    key, unchanged = registered.key, registered.passes_unchanged
    for outcome in message.outcomes:
        if isinstance(outcome, Rejected):
            dead_letters.append(_bury(message, outcome.error, outcome.item))
            continue
        if unchanged:
            readings.append(KeyedReading(key, outcome.t, outcome.v, None, outcome.is_bad, outcome.seq))
            continue
        try:
            readings.append(_derive(outcome, registered))
        except NotANumber as error:
            dead_letters.append(_bury(message, error, write_reading(outcome)))
    return Decoded(readings, dead_letters)


def _derive(reading: GaugeReading, registered: RegisteredSensor) -> KeyedReading:
    sensor, calibration = registered.sensor, registered.calibration
    raw: float | None = None
    v = reading.v
    if not calibration.is_identity:
        raw, v = v, calibration.apply(v)
    is_bad = (
        reading.is_bad
        or (sensor.range_min is not None and v < sensor.range_min)
        or (sensor.range_max is not None and v > sensor.range_max)
    )
    return KeyedReading(registered.key, reading.t, v, raw, is_bad, reading.seq)


def _bury(message: Message, error: SiteproofError, item: bytes | None = None) -> DeadLetter:
    payload = message.payload if item is None else item
    # A larger one cannot be replayed anyway, and a gateway gone mad must not fill the disk.
    kept = payload[:MAX_PAYLOAD_BYTES]
    return DeadLetter(message.topic, kept, error.code, error.detail, message.arrived_at)


def write_reading(reading: GaugeReading) -> bytes:
    """The JSON payload that `decode_json` reads back as this reading."""
    item: dict[str, object] = {"t": reading.t.astimezone(UTC).isoformat().replace("+00:00", "Z"), "v": reading.v}
    if reading.seq is not None:
        item["seq"] = reading.seq
    if reading.is_bad:
        item["q"] = "bad"
    return json.dumps(item).encode()


def decode_messages(messages: Iterable[Message], sensors: dict[str, RegisteredSensor]) -> Decoded:
    """All readings and all dead letters of several messages, in their order."""
    readings, dead_letters = [], []
    for message in messages:
        decoded = decode_message(message, sensors.get(message.sensor_id or ""))
        readings += decoded.readings
        dead_letters += decoded.dead_letters
    return Decoded(readings, dead_letters)
