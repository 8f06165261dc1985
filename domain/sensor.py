"""Sensors, their readings, and the levels at which somebody must act."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from domain.place import Position


class SensorKind(StrEnum):
    """What is measured."""

    SETTLEMENT = "settlement"
    HYDROSTATIC_LEVEL = "hydrostatic_level"
    TILT = "tilt"
    CRACK_WIDTH = "crack_width"
    STRAIN = "strain"
    BEARING_FORCE = "bearing_force"
    WATER_LEVEL = "water_level"
    RAIN = "rain"
    TEMPERATURE = "temperature"
    VIBRATION = "vibration"


class Quality(StrEnum):
    """What a reading is worth: only good ones are judged and averaged."""

    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one sensor.

    Attributes:
        sensor_id: the registered id.
        t: the reading's own time, never its arrival; aware, UTC.
        v: in the sensor's unit, finite.
        seq: the gauge's own counter, where it has one.
    """

    sensor_id: str
    t: datetime
    v: float
    q: Quality = Quality.GOOD
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class AlarmLevel:
    """One level of a sensor's alarm, in the sensor's unit; every limit may be missing, the action may not.

    Attributes:
        above: trips when the value exceeds it.
        below: trips when the value falls under it.
        rate_per_day: trips when the change per day exceeds it, in either direction. [unit/d]
        for_s: how long the limit must be exceeded, in event time, before it counts. [s]
        for_n: by how many readings it must be exceeded before it counts; None for what `iot.alarms` then asks for.
        hysteresis: how far back the value must come before the alarm ends, in the unit.
        action: who does what by when.
    """

    level: str
    action: str
    above: float | None = None
    below: float | None = None
    rate_per_day: float | None = None
    for_s: float = 0.0
    hysteresis: float = 0.0
    for_n: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a sensor sits on its structure, by the structure's own measures.

    Attributes:
        structure: what it belongs to, such as a bridge's name; points of one structure are compared with each other.
        along_m: along its axis. [m]
        across_m: across it, to the right. [m]
        height_m: above its own zero. [m]
    """

    structure: str
    along_m: float
    across_m: float | None = None
    height_m: float | None = None


@dataclass(frozen=True, slots=True)
class SensorEvent:
    """Something that happened at a sensor, so that its record can be understood.

    Attributes:
        at: when. Aware, UTC.
        text: what.
        is_loading: whether a load came on or off then, so that what came before says nothing of what follows.
    """

    at: datetime
    text: str
    is_loading: bool = False


@dataclass(frozen=True, slots=True)
class Suppression:
    """A time in which no alarm is raised, such as a load test that was announced.

    Attributes:
        from_: included. Aware, UTC.
        to: not included. Aware, UTC.
        reason: why.
    """

    from_: datetime
    to: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument of a sensor that had several, one after the other.

    Attributes:
        since: from when on its readings count; None for the first one.
        serial: what is written on it.
        calibration: as given, JSON-ready.
        level: the sensor's value at which it took over. [unit]
        offset: added to its calibrated values, so that the record has no jump; None before its first reading. [unit]
    """

    since: datetime | None
    serial: str | None
    calibration: dict[str, Any]
    level: float | None = None
    offset: float | None = 0.0


@dataclass(frozen=True, slots=True)
class SensorProfile:
    """What is known of a sensor beyond its kind and unit; all of it may be missing.

    Attributes:
        resolution: the smallest step that it can tell. [unit]
        baseline: the value that counts as no movement. [unit]
        stability_mm_per_day: the rate below which the project calls a point stable. [mm/d]
        redundant_with: a sensor that measures the same thing, so that one that drifts is told by the other.
    """

    resolution: float | None = None
    baseline: float | None = None
    stability_mm_per_day: float | None = None
    placement: Placement | None = None
    events: tuple[SensorEvent, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    redundant_with: str | None = None


@dataclass(frozen=True, slots=True)
class Sensor:
    """A registered sensor.

    Attributes:
        unit: UCUM code, such as `mm`.
        calibration: of the instrument that is there now, as given, JSON-ready; `iot.calibration` says of what form.
        range_min: readings below are kept, and marked bad. [unit]
        range_max: likewise above. [unit]
        alarms: from the mildest to the severest.
        stale_after_s: silent for longer is a finding. [s]
        version: the ETag.
        profile: what else is known of it.
        instruments: oldest first, the last one is there now; empty where there never was another.
        is_recomputing: whether values by an earlier calibration are still being replaced.
    """

    id: str
    project_id: str
    kind: SensorKind
    unit: str
    position: Position | None
    calibration: dict[str, Any]
    range_min: float | None
    range_max: float | None
    alarms: tuple[AlarmLevel, ...]
    stale_after_s: float | None
    created_at: datetime
    version: int
    profile: SensorProfile = SensorProfile()
    instruments: tuple[Instrument, ...] = ()
    is_recomputing: bool = False


@dataclass(frozen=True, slots=True)
class CalibrationVersion:
    """A calibration that a sensor had, and since when it was known.

    Attributes:
        version: of the sensor.
        recorded_at: when it was given.
        instruments: all of them at that time; empty where there was one only.
    """

    version: int
    recorded_at: datetime
    calibration: dict[str, Any]
    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a sensor said within one bucket of time.

    Attributes:
        t: the bucket's start. UTC.
        n: how many readings; buckets without readings do not exist, so that a gap shows as a gap.
    """

    t: datetime
    mean: float
    min: float
    max: float
    n: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that could not become readings, with its bytes and the reason."""

    topic: str
    payload: bytes
    code: str
    detail: str
    received_at: datetime
