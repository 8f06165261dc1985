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
    """The gauge's own word about a reading."""

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


@dataclass(frozen=True, slots=True)
class Sensor:
    """A registered sensor.

    Attributes:
        unit: UCUM code, such as `mm`.
        calibration: as given, JSON-ready; `{"scale": a, "offset": b}` gives value = a * raw + b,
            `{"polynomial": [c0, c1, c2]}` gives value = c0 + c1 * raw + c2 * raw^2.
        range_min: readings below are kept, and marked bad. [unit]
        range_max: likewise above. [unit]
        alarms: from the mildest to the severest.
        stale_after_s: silent for longer is a finding. [s]
        version: the ETag.
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
