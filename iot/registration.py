"""The registry of sensors: what may be registered, and what a change of it means for the record that is there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any, ClassVar, Final

from domain.errors import Conflict, Invalid
from domain.place import Position
from domain.sensor import AlarmLevel, Instrument, Quality, Sensor, SensorKind, SensorProfile
from iot.calibration import InvalidCalibration, parse_calibration
from iot.decoding import find_dependencies
from iot.payload import MAX_AHEAD
from iot.settlement_record import TemperatureNotFitted, fit_temperature
from iot.units import IncompatibleUnits, find_conversion, require_unit
from storage.database import Connection
from storage.reading import list_readings
from storage.recomputation import BEGINNING, request_recomputation
from storage.sensor import (
    SensorEntry,
    find_sensor_entry,
    has_dependencies,
    list_dependents,
    list_sensor_entries,
    put_instruments,
    put_sensor,
)

MAX_INSTRUMENTS: Final = 100
_LEVEL_FROM: Final = timedelta(days=1)  # readings before a replacement that tell the level
_LEVEL_READINGS: Final = 10
_LEVEL_PAGE: Final = 10_000  # of one day; a gauge that says more is judged by the first of them


class ReferenceChain(Invalid):
    """A calibration that needs a sensor which itself needs another one, or itself."""

    code: ClassVar[str] = "sensor.reference_chain"


class InstrumentOutOfOrder(Conflict):
    """An instrument that took over before the last one did, or in the future."""

    code: ClassVar[str] = "sensor.instrument_out_of_order"


class TooManyInstruments(Conflict):
    """More than MAX_INSTRUMENTS instruments of one sensor."""

    code: ClassVar[str] = "sensor.too_many_instruments"


def register(
    connection: Connection,
    *,
    sensor_id: str,
    project_id: str,
    kind: SensorKind,
    unit: str,
    position: Position | None,
    calibration: dict[str, Any],
    range_min: float | None,
    range_max: float | None,
    alarms: Sequence[AlarmLevel],
    stale_after_s: float | None,
    profile: SensorProfile,
) -> tuple[Sensor, bool]:
    """Register a sensor or change it; where its values become others, those in the record are made anew.

    Returns:
        The sensor, and whether it is new.

    Raises:
        InvalidUnit: `unit` is no code of UCUM.
        InvalidCalibration: `calibration` is none.
        ReferenceChain: it needs a sensor that needs another one.
        UnknownSensorReference: it needs a sensor that is not registered.
        TemperatureNotFitted: its reference period tells no movement by temperature.
        UnknownProject: there is no such project.
        SensorOfAnotherProject: another project has a sensor of this id.
    """
    require_unit(unit)
    before = find_sensor_entry(connection, sensor_id=sensor_id)
    calibration = _fit_temperature(connection, before, calibration)
    instruments = () if before is None else _with_calibration(before.sensor.instruments, calibration)
    depends_on = _check_calibrations(
        connection,
        sensor_id=sensor_id,
        project_id=project_id,
        unit=unit,
        calibrations=[each.calibration for each in instruments] or [calibration],
    )
    if before is not None and instruments != before.sensor.instruments:
        put_instruments(connection, sensor_id=sensor_id, instruments=instruments, depends_on=depends_on)
    sensor, created = put_sensor(
        connection,
        sensor_id=sensor_id,
        project_id=project_id,
        kind=kind,
        unit=unit,
        position=position,
        calibration=calibration,
        range_min=range_min,
        range_max=range_max,
        alarms=alarms,
        stale_after_s=stale_after_s,
        profile=profile,
        depends_on=depends_on,
    )
    if before is not None and _makes_values(before.sensor) != _makes_values(sensor):
        request_recomputation(connection, sensor_id=sensor_id)
        sensor = replace(sensor, is_recomputing=True)
    return sensor, created


def replace_instrument(
    connection: Connection,
    *,
    entry: SensorEntry,
    since: datetime,
    serial: str | None,
    calibration: dict[str, Any],
    level: float | None,
    now: datetime,
) -> None:
    """Let another instrument take over, so that the record goes on without a jump.

    Args:
        connection: of the caller's transaction.
        entry: of the sensor.
        since: from when on readings are the new instrument's; those that came already are made anew. Aware.
        serial: what is written on it.
        calibration: its own.
        level: the value at which it takes over, where it was surveyed; None for the median of the last day's last ten
            good readings before `since`, and its own values where there are none. [unit]
        now: the latest time that is not the future. Aware.

    Raises:
        InstrumentOutOfOrder: `since` is not after the last replacement, or lies in the future.
        TooManyInstruments: there are too many.
        InvalidCalibration: `calibration` is none.
        ReferenceChain: it needs a sensor that needs another one.
        UnknownSensorReference: it needs a sensor that is not registered.
    """
    sensor = entry.sensor
    earlier = sensor.instruments or (Instrument(since=None, serial=None, calibration=sensor.calibration),)
    if len(earlier) >= MAX_INSTRUMENTS:
        raise TooManyInstruments(f"a sensor has at most {MAX_INSTRUMENTS} instruments, one after the other")
    if since > now + MAX_AHEAD or (earlier[-1].since is not None and since <= earlier[-1].since):
        raise InstrumentOutOfOrder("an instrument takes over after the one before it, and not in the future")
    if level is None:
        level = _find_level(connection, entry, before=since)
    newest = Instrument(
        since=since, serial=serial, calibration=calibration, level=level, offset=0.0 if level is None else None
    )
    instruments = (*earlier, newest)
    depends_on = _check_calibrations(
        connection,
        sensor_id=sensor.id,
        project_id=sensor.project_id,
        unit=sensor.unit,
        calibrations=[each.calibration for each in instruments],
    )
    put_instruments(connection, sensor_id=sensor.id, instruments=instruments, depends_on=depends_on)
    request_recomputation(connection, sensor_id=sensor.id, from_=max(since, BEGINNING))


def _fit_temperature(connection: Connection, before: SensorEntry | None, calibration: dict[str, Any]) -> dict[str, Any]:
    """The calibration with the coefficient that it asks to have fitted from a reference period; else as given."""
    asked = calibration.get("temperature")
    if not isinstance(asked, dict) or "fit" not in asked or "coefficient" in asked:
        return calibration
    period = _parse_period(asked["fit"])
    known = {} if before is None else before.sensor.calibration.get("temperature") or {}
    if known.get("fit") == asked["fit"] and known.get("sensor_id") == asked.get("sensor_id"):
        return {**calibration, "temperature": {**known, **asked}}
    thermometer = find_sensor_entry(connection, sensor_id=str(asked.get("sensor_id", "")))
    if before is None or thermometer is None:
        raise TemperatureNotFitted("a coefficient is fitted to what the sensor and the thermometer have said")
    fitted = fit_temperature(connection, entry=before, temperature=thermometer, from_=period[0], to=period[1])
    # What is compensated for already is not in the record any more.
    fitted["coefficient"] += known.get("coefficient", 0.0)
    return {**calibration, "temperature": {**asked, **fitted}}


def _parse_period(given: object) -> tuple[datetime, datetime]:
    try:
        if not isinstance(given, dict) or set(given) != {"from", "to"}:
            raise InvalidCalibration("`fit` has `from` and `to`, the reference period")
        first, last = datetime.fromisoformat(str(given["from"])), datetime.fromisoformat(str(given["to"]))
    except ValueError as error:
        raise InvalidCalibration("the reference period to `fit` has two times of RFC 3339") from error
    if first.tzinfo is None or last.tzinfo is None or last <= first:
        raise InvalidCalibration("the reference period to `fit` has a beginning before its end, each with an offset")
    return first, last


def _makes_values(sensor: Sensor) -> tuple[object, ...]:
    """Everything that a stored value follows from, beside the raw one."""
    return sensor.calibration, sensor.instruments, sensor.unit, sensor.range_min, sensor.range_max


def _with_calibration(instruments: tuple[Instrument, ...], calibration: dict[str, Any]) -> tuple[Instrument, ...]:
    """The instruments with another calibration of the newest, which then has to settle in again."""
    if not instruments or instruments[-1].calibration == calibration:
        return instruments
    newest = instruments[-1]
    offset = newest.offset if newest.level is None else None
    return (*instruments[:-1], replace(newest, calibration=calibration, offset=offset))


def _check_calibrations(
    connection: Connection,
    *,
    sensor_id: str,
    project_id: str,
    unit: str,
    calibrations: Sequence[Mapping[str, Any]],
) -> dict[str, float]:
    """The sensors that these calibrations need, with the greatest age of their readings. [s]."""
    parsed = [parse_calibration(each, unit=unit) for each in calibrations]
    depends_on = find_dependencies(parsed)
    if not depends_on:
        return {}
    # A sensor of two others that waits for a third would never know when it is whole.
    if (
        sensor_id in depends_on
        or has_dependencies(connection, sensor_ids=depends_on)
        or list_dependents(connection, sensor_ids=[sensor_id])
    ):
        raise ReferenceChain("a sensor that another one needs cannot need another one itself")
    needed = {each.sensor.id: each.sensor for each in list_sensor_entries(connection, sensor_ids=depends_on)}
    for calibration in parsed:
        for want, want_unit in ((calibration.reference, unit), (calibration.temperature, "Cel")):
            if want is None or want.sensor_id not in needed:
                continue  # the database says that it is not there
            other = needed[want.sensor_id]
            if other.project_id != project_id:
                raise InvalidCalibration(f"sensor {other.id!r} belongs to another project")
            try:
                find_conversion(other.unit, want_unit)
            except IncompatibleUnits as error:
                raise InvalidCalibration(f"sensor {other.id!r}: {error.detail}") from error
    return depends_on


def _find_level(connection: Connection, entry: SensorEntry, *, before: datetime) -> float | None:
    readings = list_readings(connection, sensor_key=entry.key, from_=before - _LEVEL_FROM, to=before, limit=_LEVEL_PAGE)
    values = [each.v for each in readings if each.q is Quality.GOOD]
    return median(values[-_LEVEL_READINGS:]) if values else None
