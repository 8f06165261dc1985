"""One message with the sensors that are registered: readings with their keys, and dead letters for the rest."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import ClassVar, NamedTuple

from domain.errors import Conflict, NotFound, SiteproofError
from domain.sensor import DeadLetter, Instrument, Sensor
from iot.alarms import Watch, make_watch
from iot.bundle import Bundle, Item
from iot.calibration import Calibration, Linear, parse_calibration
from iot.chirpstack import read_uplink
from iot.json_payload import decode_json
from iot.payload import MAX_PAYLOAD_BYTES, GaugeReading, GaugeReadings, NotANumber, require_finite
from iot.senml import read_senml
from iot.sparkplug import SparkplugMessage, read_sparkplug
from iot.topics import SensorTopic, SilentTopic, SparkplugTopic, Topic, UplinkTopic, parse_topic
from iot.units import IncompatibleUnits, InvalidUnit, find_conversion
from storage.keyed_reading import BAD, GOOD, OUT_OF_RANGE, UNCORRECTED, KeyedReading, ReadingLists


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
    """A sensor as decoding and judging need it.

    Attributes:
        key: the small number that its readings are stored by.
        periods: of its instruments, oldest first; at least one.
        passes_unchanged: whether values are stored as they come, because nothing is calibrated.
        watch: what its alarms are judged by.
    """

    key: int
    sensor: Sensor
    periods: tuple[Period, ...]
    passes_unchanged: bool
    watch: Watch

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

    def grade_all(self, values: Sequence[float], are_bad: Sequence[bool]) -> list[int]:
        """The qualities of values in the sensor's unit; BAD where the gauge says so."""
        if self.sensor.range_min is None and self.sensor.range_max is None and True not in are_bad:
            return [GOOD] * len(values)
        return [BAD if is_bad else self.grade(value) for value, is_bad in zip(values, are_bad, strict=True)]


class Message(NamedTuple):
    """A message as it came, its payload already taken apart, which needs no knowledge of sensors.

    Attributes:
        project_id: of the topic; empty where the topic names none.
        sensor_id: of the topic; None where the topic names none.
        outcomes: of the items of a topic that names a sensor; an error where the whole message is one.
        is_redelivery: the broker says that it sent it before.
        bundle: what a message of several sensors says; None for one of a single sensor.
    """

    topic: str
    payload: bytes
    arrived_at: datetime
    project_id: str
    sensor_id: str | None
    outcomes: GaugeReadings | SiteproofError
    is_redelivery: bool = False
    bundle: Bundle | SparkplugMessage | None = None

    @property
    def weight(self) -> int:
        """How many readings it may bring; at least one, because each message is some work."""
        if self.bundle is None:
            given = self.outcomes
            return 1 if isinstance(given, SiteproofError) else max(1, len(given.v) + len(given.rejected))
        return max(1, len(self.bundle.items if isinstance(self.bundle, Bundle) else self.bundle.payload.metrics))


@dataclass(slots=True)
class Decoded:
    """What became of messages.

    Attributes:
        skipped: values of messages of many sensors that were passed over, because none is registered for them.
    """

    readings: ReadingLists = field(default_factory=ReadingLists)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    skipped: int = 0


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
        passes_unchanged=all(period.calibration.is_identity and period.offset == 0 for period in periods),
        watch=make_watch(sensor),
    )


def find_dependencies(calibrations: Iterable[Calibration]) -> dict[str, float]:
    """The sensors that these need, with the greatest age of their readings. [s]."""
    depends_on: dict[str, float] = {}
    for calibration in calibrations:
        for needed in (calibration.reference, calibration.temperature):
            if needed is not None:
                depends_on[needed.sensor_id] = max(needed.max_age_s, depends_on.get(needed.sensor_id, 0.0))
    return depends_on


def read_message(
    topic: str, payload: bytes, *, arrived_at: datetime, is_redelivery: bool = False, is_replay: bool = False
) -> Message:
    """Take a message apart as far as that goes without knowing its sensors; what fails is said in `outcomes`.

    Args:
        topic: that it came by.
        payload: as it came.
        arrived_at: when it came, or first came. UTC.
        is_redelivery: the broker says that it sent it before.
        is_replay: it is a dead letter tried again, and tells nothing of now.
    """
    project_id, sensor_id, bundle = "", None, None
    outcomes: GaugeReadings | SiteproofError
    try:
        parsed = parse_topic(topic)
        if type(parsed) is SensorTopic:
            project_id, sensor_id = parsed
            outcomes = decode_json(payload, arrived_at=arrived_at)
        else:
            outcomes = GaugeReadings()
            project_id, bundle = _read_bundle(parsed, payload, arrived_at=arrived_at, is_replay=is_replay)
    except SiteproofError as error:
        outcomes = error
    return Message(topic, payload, arrived_at, project_id, sensor_id, outcomes, is_redelivery, bundle)


def _read_bundle(
    topic: Topic, payload: bytes, *, arrived_at: datetime, is_replay: bool
) -> tuple[str, Bundle | SparkplugMessage]:
    """The project that a topic names, and what a payload of several sensors says."""
    if isinstance(topic, SparkplugTopic):
        return topic.node.group_id, read_sparkplug(payload, topic=topic, is_replay=is_replay)
    if isinstance(topic, UplinkTopic):
        return "", read_uplink(payload, dev_eui=topic.dev_eui, arrived_at=arrived_at)
    if isinstance(topic, SilentTopic):
        return "", Bundle([])
    return topic.project_id, read_senml(payload, arrived_at=arrived_at)


def list_sensor_ids(messages: Iterable[Message]) -> Iterator[str]:
    """The ids of all sensors that these messages may be about."""
    for message in messages:
        if message.sensor_id is not None:
            yield message.sensor_id
        elif isinstance(message.bundle, Bundle):
            for item in message.bundle.items:
                yield from item.sensor_ids


def decode_message(message: Message, registered: RegisteredSensor | None, decoded: Decoded) -> None:
    """Calibrate the readings of one message of one sensor and check whose they are.

    Args:
        message: as `read_message` gives it.
        registered: the sensor that the topic names; None where there is none.
        decoded: where its readings go, those out of the sensor's range marked, and its dead letters: the whole message
            where its sensor or its payload is wrong, else the single items with their own bytes.
    """
    given = message.outcomes
    if isinstance(given, SiteproofError):
        decoded.dead_letters.append(_bury(message, given))
    elif registered is None:
        error = UnknownReadingSensor(f"no sensor {message.sensor_id!r} is registered")
        decoded.dead_letters.append(_bury(message, error))
    elif registered.sensor.project_id != message.project_id:
        wrong = WrongProject(f"sensor {message.sensor_id!r} does not belong to project {message.project_id!r}")
        decoded.dead_letters.append(_bury(message, wrong))
    else:
        decoded.dead_letters += [_bury(message, each.error, each.item) for each in given.rejected]
        if registered.passes_unchanged:
            q = registered.grade_all(given.v, given.is_bad)
            decoded.readings.extend(registered.key, t_us=given.t_us, v=given.v, q=q, seq=given.seq)
        else:
            _derive_all(message, given, registered, decoded)


def _derive_all(message: Message, given: GaugeReadings, registered: RegisteredSensor, decoded: Decoded) -> None:
    for each in given.list_readings():
        try:
            decoded.readings.append(_derive(each, registered))
        except NotANumber as error:
            decoded.dead_letters.append(_bury(message, error, write_reading(each)))


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


def decode_bundle(message: Message, bundle: Bundle, sensors: Mapping[str, RegisteredSensor], decoded: Decoded) -> None:
    """Calibrate the readings of a message of several sensors and check whose they are.

    Args:
        message: that they came in.
        bundle: its items.
        sensors: those of its candidates that are registered.
        decoded: where its readings go, and its dead letters: the single items where each can stand alone, else the
            whole message once.
    """
    failed: list[tuple[Item, SiteproofError]] = []
    unknown: list[tuple[Item, SiteproofError]] = []
    has_known = False
    for item in bundle.items:
        registered = _find_sensor(item, message.project_id, sensors)
        if registered is None and item.sensor_ids:
            unknown.append((item, _explain_unknown(item, message.project_id, sensors)))
            continue
        has_known = has_known or registered is not None
        if registered is None or isinstance(item.outcome, SiteproofError):
            failed.append((item, _require_error(item.outcome)))
            continue
        try:
            decoded.readings.append(_derive(_convert(item.outcome, item.unit, registered), registered))
        except SiteproofError as error:
            failed.append((item, error))
    # A message of which no number is anybody's is kept: its sensors may have been forgotten in the registry.
    if bundle.skips_unknown and (has_known or not any(isinstance(item.outcome, GaugeReading) for item, _ in unknown)):
        decoded.skipped += len(unknown)
    else:
        failed += unknown
    decoded.skipped += bundle.skipped
    decoded.dead_letters += _bury_items(message, failed)


def _find_sensor(item: Item, project_id: str, sensors: Mapping[str, RegisteredSensor]) -> RegisteredSensor | None:
    """The first candidate that is registered in the project; in any one where the topic names none."""
    for sensor_id in item.sensor_ids:
        registered = sensors.get(sensor_id)
        if registered is not None and project_id in {"", registered.sensor.project_id}:
            return registered
    return None


def _explain_unknown(item: Item, project_id: str, sensors: Mapping[str, RegisteredSensor]) -> SiteproofError:
    names = " or ".join(repr(each) for each in item.sensor_ids)
    if any(each in sensors for each in item.sensor_ids):
        return WrongProject(f"sensor {names} does not belong to project {project_id!r}")
    return UnknownReadingSensor(f"no sensor {names} is registered")


def _require_error(outcome: GaugeReading | SiteproofError) -> SiteproofError:
    if isinstance(outcome, SiteproofError):
        return outcome
    raise TypeError("a reading without a sensor's name is a mistake of ours")


def _convert(reading: GaugeReading, unit: str | None, registered: RegisteredSensor) -> GaugeReading:
    """The reading as the sensor's calibration expects it, in the gauge's own unit.

    A unit of the sensor's quantity is converted. One of another quantity is right only where the calibration makes the
    sensor's of it, such as volts or hertz, and then it is what the gauge says.

    Raises:
        InvalidUnit: the unit is none.
        IncompatibleUnits: it is of another quantity, and nothing makes the sensor's of it.
        NotANumber: the value would not be finite.
    """
    if unit is None:
        return reading
    calibration = registered.periods[registered.find_period(reading.t)].calibration
    conversion = _find_conversion(unit, registered.sensor.unit)
    if isinstance(conversion, IncompatibleUnits) and calibration.function != Linear():
        return reading
    if not isinstance(conversion, tuple):
        raise conversion.with_traceback(None)  # which would grow with each raising
    v = conversion[0] * reading.v + conversion[1]
    return reading._replace(v=require_finite((v - calibration.shift) / calibration.scale))


@lru_cache(maxsize=1024)
def _find_conversion(from_unit: str, to_unit: str) -> tuple[float, float] | InvalidUnit | IncompatibleUnits:
    """As `find_conversion`, with the error given back, so that units that are none are searched for once only."""
    try:
        return find_conversion(from_unit, to_unit)
    except (InvalidUnit, IncompatibleUnits) as error:
        return error


def _bury_items(message: Message, failed: list[tuple[Item, SiteproofError]]) -> list[DeadLetter]:
    """A dead letter for each item that can stand alone; for all others the whole message once, by its first reason."""
    letters = [
        _bury(message, error, json.dumps(item.alone).encode()) for item, error in failed if item.alone is not None
    ]
    whole = [error for item, error in failed if item.alone is None]
    if whole:
        letters.append(_bury(message, whole[0]))
    return letters


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
    decoded = Decoded()
    for message in messages:
        if message.bundle is None:
            decode_message(message, sensors.get(message.sensor_id or ""), decoded)
        elif isinstance(message.bundle, Bundle):
            decode_bundle(message, message.bundle, sensors, decoded)
        else:
            raise TypeError("a message of Sparkplug is resolved before it is decoded")
    return decoded
