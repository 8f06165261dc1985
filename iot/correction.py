"""Values that need more than their own gauge: a reference gauge, a temperature, an instrument's place in the record."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from iot.calibration import ReferenceGauge, TemperatureCompensation
from iot.decoding import Period, RegisteredSensor
from iot.units import find_conversion
from storage.database import Connection
from storage.keyed_reading import KeyedReading
from storage.reading import find_held_values, has_readings
from storage.recomputation import request_recomputation
from storage.sensor import fix_offset, list_dependents

_SETTLING_READINGS: Final = 10  # of a new instrument that tell where it stands; the median bears four bad ones
LookUp = Callable[[Collection[str]], Mapping[str, RegisteredSensor]]


def correct_readings(
    connection: Connection, *, readings: Sequence[KeyedReading], registered: RegisteredSensor, look_up: LookUp
) -> list[KeyedReading]:
    """Make uncorrected readings of one sensor whole with what other sensors have said, as far as they have.

    An instrument that took over from another one gets its offset from its first readings here.

    Args:
        connection: of the caller's transaction; the other sensors' readings are stored before.
        readings: of this sensor, by time, as `derive_reading` gives them.
        registered: the sensor.
        look_up: registered sensors by id.

    Returns:
        One for each, in their order; uncorrected still where another sensor said nothing at the time.
    """
    places = [registered.find_period(each.t) for each in readings]
    periods = [registered.periods[place] for place in places]
    values = _subtract(connection, readings, periods, unit=registered.sensor.unit, look_up=look_up)
    offsets = {place: registered.periods[place].offset for place in places}
    for place, offset in offsets.items():
        if offset is None:
            first = [value for value, own in zip(values, places, strict=True) if own == place and value is not None]
            offsets[place] = _settle_in(connection, first, place=place, registered=registered)
    return [
        _complete(reading, value=value, offset=offsets[place], registered=registered)
        for reading, value, place in zip(readings, values, places, strict=True)
    ]


def request_dependents(connection: Connection, *, changed: Mapping[str, Sequence[datetime]], look_up: LookUp) -> None:
    """Have the values made anew that were made with what these sensors said before.

    Args:
        connection: of the caller's transaction.
        changed: times of the readings that are new or have another value, by sensor id; at least the ends of them.
        look_up: registered sensors by id.
    """
    dependents = list_dependents(connection, sensor_ids=changed) if changed else {}
    registered = look_up({each.sensor_id for listed in dependents.values() for each in listed}) if dependents else {}
    for sensor_id, listed in dependents.items():
        first, last = min(changed[sensor_id]), max(changed[sensor_id])
        for dependent in listed:
            until = last + timedelta(seconds=dependent.max_age_s)
            own = registered.get(dependent.sensor_id)
            if own is not None and has_readings(connection, sensor_key=own.key, from_=first, to=until):
                request_recomputation(connection, sensor_id=dependent.sensor_id, from_=first, to=until)


def _subtract(
    connection: Connection,
    readings: Sequence[KeyedReading],
    periods: Sequence[Period],
    *,
    unit: str,
    look_up: LookUp,
) -> list[float | None]:
    """The values with reference and temperature subtracted; None where one of them is missing."""
    needed = look_up({name for period in set(periods) for name in period.calibration.depends_on})
    moments = [reading.t for reading in readings]
    references = _ask(
        connection, [each.calibration.reference for each in periods], moments=moments, needed=needed, unit=unit
    )
    temperatures = _ask(
        connection, [each.calibration.temperature for each in periods], moments=moments, needed=needed, unit="Cel"
    )
    return [
        period.calibration.correct(reading.v, reference=reference, celsius=celsius)
        for period, reading, reference, celsius in zip(periods, readings, references, temperatures, strict=True)
    ]


def _ask(
    connection: Connection,
    wanted: Sequence[ReferenceGauge | TemperatureCompensation | None],
    *,
    moments: Sequence[datetime],
    needed: Mapping[str, RegisteredSensor],
    unit: str,
) -> list[float | None]:
    """What the wanted sensors said at these moments, in `unit`."""
    asked = [
        (place, needed[want.sensor_id], want.max_age_s)
        for place, want in enumerate(wanted)
        if want is not None and want.sensor_id in needed
    ]
    held = find_held_values(connection, asked=[(other.key, moments[place], age_s) for place, other, age_s in asked])
    values: list[float | None] = [None] * len(wanted)
    for (place, other, _age_s), value in zip(asked, held, strict=True):
        if value is not None:
            scale, shift = find_conversion(other.sensor.unit, unit)
            values[place] = scale * value + shift
    return values


def _settle_in(
    connection: Connection, first: Sequence[float], *, place: int, registered: RegisteredSensor
) -> float | None:
    """The offset of an instrument by its first values; None while there are none."""
    if not first:
        return None
    level = registered.periods[place].level or 0.0
    offset = level - median(first[:_SETTLING_READINGS])
    return fix_offset(connection, sensor_id=registered.sensor.id, place=place, offset=offset)


def _complete(
    reading: KeyedReading, *, value: float | None, offset: float | None, registered: RegisteredSensor
) -> KeyedReading:
    if value is None or offset is None:
        return reading
    v = value + offset
    return reading._replace(v=v, q=registered.grade(v))
