"""One message with the sensors that are registered: readings with their keys, and dead letters for the rest."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, NamedTuple

from domain.errors import Conflict, NotFound, SiteproofError
from domain.sensor import DeadLetter, Instrument, Sensor
from iot.calibration import Calibration, parse_calibration
from iot.json_payload import decode_json
from iot.payload import MAX_PAYLOAD_BYTES, GaugeReading, NotANumber, Rejected
from iot.topics import parse_topic
from storage.reading import BAD, GOOD, OUT_OF_RANGE, UNCORRECTED, KeyedReading


class UnknownReadingSensor(NotFound):
    """A reading of a sensor that is not registered."""

    code: ClassVar[str] = "reading.unknown_sensor"


class WrongProject(Conflict):
    """A reading under another project's topic than its sensor's."""

    code: ClassVar[str] = "reading.wrong_project"


class Period(NamedTuple):
    """One instrument of a sensor, ready for use.

    Attributes:
        since: from when on its readings count; None for the first one.
        offset: added to its calibrated values; None while it waits for its first reading. [unit]
        level: the value at which it took over, where it waits. [unit]
    """

    since: datetime | None
    calibration: Calibration
    offset: float | None
    level: float | None


@dataclass(frozen=True, slots=True)
class RegisteredSensor:
    """A sensor as decoding needs it.

    Attributes:
        key: the small number that its readings are stored by.
        periods: of its instruments, oldest first; at least one.
        passes_unchanged: whether readings are stored as they come: no calibration, no range to be outside of.
    """

    key: int
    sensor: Sensor
    periods: tuple[Period, ...]
    passes_unchanged: bool

    @property
    def depends_on(self) -> dict[str, float]:
        """The sensors that its values need, with the greatest age of their readings. [s]."""
        return find_dependencies(period.calibration for period in self.periods)

    def find_period(self, t: datetime) -> int:
        """The place of the instrument whose readings count at a time; the first one's for what lies before all."""
        place = len(self.periods) - 1
        while place > 0 and t < (self.periods[place].since or t):
            place -= 1
        return place

    def grade(self, value: float) -> int:
        """GOOD or OUT_OF_RANGE, for a value in the sensor's unit."""
        low, high = self.sensor.range_min, self.sensor.range_max
        return OUT_OF_RANGE if (low is not None and value < low) or (high is not None and value > high) else GOOD


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
    instruments = sensor.instruments or (Instrument(since=None, serial=None, calibration=sensor.calibration),)
    periods = tuple(
        Period(each.since, parse_calibration(each.calibration, unit=sensor.unit), each.offset, each.level)
        for each in instruments
    )
    return RegisteredSensor(
        key=key,
        sensor=sensor,
        periods=periods,
        passes_unchanged=(
            all(period.calibration.is_identity and period.offset == 0 for period in periods)
            and sensor.range_min is None
            and sensor.range_max is None
        ),
    )


def find_dependencies(calibrations: Iterable[Calibration]) -> dict[str, float]:
    """The sensors that these need, with the greatest age of their readings. [s]."""
    depends_on: dict[str, float] = {}
    for calibration in calibrations:
        for needed in (calibration.reference, calibration.temperature):
            if needed is not None:
                depends_on[needed.sensor_id] = max(needed.max_age_s, depends_on.get(needed.sensor_id, 0.0))
    return depends_on


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
            readings.append(KeyedReading(key, outcome.t, outcome.v, None, BAD if outcome.is_bad else GOOD, outcome.seq))
            continue
        try:
            readings.append(_derive(outcome, registered))
        except NotANumber as error:
            dead_letters.append(_bury(message, error, write_reading(outcome)))
    return Decoded(readings, dead_letters)


def _derive(reading: GaugeReading, registered: RegisteredSensor) -> KeyedReading:
    return derive_reading(registered, t=reading.t, raw=reading.v, is_bad=reading.is_bad, seq=reading.seq)


def derive_reading(
    registered: RegisteredSensor, *, t: datetime, raw: float, is_bad: bool, seq: int | None
) -> KeyedReading:
    """The reading as it is stored, as far as that goes without other readings.

    Args:
        registered: the sensor.
        t: the reading's own time.
        raw: what the gauge said.
        is_bad: by the gauge's own word.
        seq: the gauge's own counter.

    Returns:
        UNCORRECTED, with the value before any correction, where the calibration needs another sensor or the
        instrument's offset is not known yet: `iot.correction` makes it whole.

    Raises:
        NotANumber: the calibration gives no finite value.
    """
    period = registered.periods[registered.find_period(t)]
    calibration = period.calibration
    v = raw if calibration.is_identity else calibration.apply(raw)
    if not is_bad and (period.offset is None or calibration.depends_on):
        return KeyedReading(registered.key, t, v, raw, UNCORRECTED, seq)
    v += period.offset or 0.0
    q = BAD if is_bad else registered.grade(v)
    return KeyedReading(registered.key, t, v, None if v == raw else raw, q, seq)


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
