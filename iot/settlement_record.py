"""Sensors' records as the settlement analysis takes them: means of hours or days, in millimetres, and a temperature."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final

import numpy as np

from domain.errors import Conflict, NotFound
from domain.sensor import Sensor, SensorKind
from iot.settlement import DEFAULT_STABILITY_LIMIT_MM_PER_DAY, SettlementAnalysis, SettlementEvent, analyse_settlement
from iot.settlement_statistics import FloatArray
from iot.settlement_structure import PointSeries, StructureAnalysis, analyse_structure
from iot.thermal import ThermalReason, remove_thermal_movement
from iot.units import IncompatibleUnits, find_conversion
from storage.database import Connection
from storage.reading import bucket_readings
from storage.sensor import SensorEntry, list_project_sensors

MAX_POINTS: Final = 20_000  # of one record; two years of hours, more than any consolidation needs so closely
_MILLIMETRES: Final = "mm"
_DAY_S: Final = 86_400.0

Heat = tuple[FloatArray, FloatArray]  # times [d since 1970] and temperatures [Cel]


class NoSettlement(Conflict):
    """A sensor whose record cannot be analysed: none yet, or not a length."""

    code: ClassVar[str] = "sensor.no_settlement"


class TemperatureNotFitted(Conflict):
    """A reference period from which no movement by temperature can be told."""

    code: ClassVar[str] = "sensor.temperature_not_fitted"


class UnknownStructure(NotFound):
    """A structure without a single sensor placed on it."""

    code: ClassVar[str] = "structure.not_found"


def analyse_sensor(
    connection: Connection,
    *,
    entry: SensorEntry,
    until: datetime,
    temperature: SensorEntry | None = None,
    limit_mm_per_day: float | None = None,
) -> SettlementAnalysis:
    """The settlement analysis of one sensor.

    Args:
        connection: of the caller's transaction.
        entry: of the sensor.
        until: readings after it are left out. Aware.
        temperature: whose movement is removed; None for what its placement and calibration say.
        limit_mm_per_day: of stability; None for the sensor's own, or the standard's upper one. [mm/d]

    Raises:
        NoSettlement: it has no good readings, or its unit is no length.
    """
    neighbours = list_project_sensors(connection, project_id=entry.sensor.project_id)
    times, values = load_record(connection, entry=entry, until=until)
    return analyse_settlement(
        times,
        values,
        temperature=_load_temperature(connection, entry, temperature, neighbours=neighbours, until=until),
        events=_events(entry.sensor),
        stability_limit_mm_per_day=limit_mm_per_day or _limit(entry.sensor),
        now=until,  # a gauge that fell silent since is not stable
    )


def analyse_points(
    connection: Connection, *, project_id: str, structure: str, until: datetime
) -> tuple[StructureAnalysis, list[SensorEntry], list[str]]:
    """The analysis of all points of a structure, by themselves and against each other.

    Args:
        connection: of the caller's transaction.
        project_id: whose.
        structure: as the sensors' placements name it.
        until: readings after it are left out. Aware.

    Returns:
        The analysis; the sensors in it, along the structure; the ids of those that have nothing to say.

    Raises:
        UnknownStructure: no sensor of the project is placed on it.
    """
    neighbours = list_project_sensors(connection, project_id=project_id)
    placed = [each for each in neighbours if _is_placed(each.sensor, structure)]
    if not placed:
        raise UnknownStructure(f"no sensor is placed on a structure {structure[:64]!r}")
    points, used, silent = [], [], []
    seen: dict[int, Heat | None] = {}
    for entry in sorted((each for each in placed if _is_length(each.sensor)), key=_along):
        try:
            times, values = load_record(connection, entry=entry, until=until)
        except NoSettlement:
            silent.append(entry.sensor.id)
            continue
        placement = entry.sensor.profile.placement
        points.append(
            PointSeries(
                name=entry.sensor.id,
                times=times,
                values=values,
                position_m=None if placement is None else placement.along_m,
                across_m=None if placement is None else placement.across_m,
                pier=None if placement is None else f"{placement.along_m:g} m",
                temperature=_load_temperature(connection, entry, None, neighbours=neighbours, until=until, seen=seen),
                events=_events(entry.sensor),
                stability_limit_mm_per_day=_limit(entry.sensor),
            )
        )
        used.append(entry)
    return analyse_structure(points, now=until), used, silent


def list_structures(connection: Connection, *, project_id: str) -> dict[str, list[SensorEntry]]:
    """The sensors of a project that are placed on a structure, by its name, along it."""
    found: dict[str, list[SensorEntry]] = {}
    for entry in list_project_sensors(connection, project_id=project_id):
        placement = entry.sensor.profile.placement
        if placement is not None:
            found.setdefault(placement.structure, []).append(entry)
    return {name: sorted(entries, key=_along) for name, entries in sorted(found.items())}


def load_record(connection: Connection, *, entry: SensorEntry, until: datetime) -> tuple[FloatArray, FloatArray]:
    """Times [d since 1970] and values [mm] of a sensor: means of hours, of days where there are more than two years.

    Raises:
        NoSettlement: it has no good readings, or its unit is no length.
    """
    try:
        scale, shift = find_conversion(entry.sensor.unit, _MILLIMETRES)
    except IncompatibleUnits as error:
        raise NoSettlement(f"sensor {entry.sensor.id!r} is in {entry.sensor.unit}, which is no length") from error
    times, values = _load(connection, entry, from_=None, until=until)
    if not times.size:
        raise NoSettlement(f"sensor {entry.sensor.id!r} has no good readings yet")
    return times, scale * values + shift


def fit_temperature(
    connection: Connection, *, entry: SensorEntry, temperature: SensorEntry, from_: datetime, to: datetime
) -> dict[str, float]:
    """The coefficient of a sensor's movement by temperature, from a time in which nothing else moved it.

    Args:
        connection: of the caller's transaction.
        entry: of the sensor.
        temperature: of the thermometer.
        from_: of the reference period, included. Aware.
        to: not included. Aware.

    Returns:
        `coefficient` [unit/Cel], its `standard_uncertainty` [unit/Cel] and `zero`, the mean temperature [Cel].

    Raises:
        TemperatureNotFitted: there are too few readings, or no movement is told from none at 95 %.
    """
    times, values = _load(connection, entry, from_=from_, until=to)
    heat = _load_celsius(connection, temperature, from_=from_, until=to)
    if heat is None or times.size == 0:
        raise TemperatureNotFitted("the reference period has no readings of the sensor or of the thermometer")
    removal = remove_thermal_movement(times, values, temperature=heat, lag_days=0.0)
    coefficient, celsius = removal.coefficient_mm_per_k, removal.temperature_degc
    if removal.reason is not ThermalReason.REMOVED or coefficient is None or celsius is None:
        raise TemperatureNotFitted(f"the reference period tells no coefficient: {removal.reason}")
    return {
        "coefficient": coefficient.value,
        "standard_uncertainty": coefficient.standard_uncertainty,
        "zero": float(np.mean(celsius)),
    }


def _load(
    connection: Connection, entry: SensorEntry, *, from_: datetime | None, until: datetime
) -> tuple[FloatArray, FloatArray]:
    buckets = bucket_readings(connection, sensor_key=entry.key, from_=from_, to=until, every="1h", limit=MAX_POINTS + 1)
    width = timedelta(hours=1)
    if len(buckets) > MAX_POINTS:
        buckets = bucket_readings(connection, sensor_key=entry.key, from_=from_, to=until, every="1d", limit=MAX_POINTS)
        width = timedelta(days=1)
    # A bucket stands for its middle, the last one for that of what it holds.
    times = np.array(
        [(each.t + min(width, until - each.t) / 2).timestamp() / _DAY_S for each in buckets], dtype=np.float64
    )
    return times, np.array([each.mean for each in buckets], dtype=np.float64)


def _load_celsius(
    connection: Connection, entry: SensorEntry, *, from_: datetime | None, until: datetime
) -> Heat | None:
    scale, shift = find_conversion(entry.sensor.unit, "Cel")
    times, values = _load(connection, entry, from_=from_, until=until)
    return (times, scale * values + shift) if times.size else None


def _load_temperature(
    connection: Connection,
    entry: SensorEntry,
    given: SensorEntry | None,
    *,
    neighbours: Sequence[SensorEntry],
    until: datetime,
    seen: dict[int, Heat | None] | None = None,
) -> Heat | None:
    """The given thermometer's record, or the nearest one's of the structure, unless it is compensated for already.

    What was read is kept in `seen`, for the next point of the structure.
    """
    kept = {} if seen is None else seen
    if given is None:
        given = None if "temperature" in entry.sensor.calibration else _find_thermometer(entry.sensor, neighbours)
    if given is None:
        return None
    if given.key not in kept:
        try:
            kept[given.key] = _load_celsius(connection, given, from_=None, until=until)
        except IncompatibleUnits:
            kept[given.key] = None
    return kept[given.key]


def _find_thermometer(sensor: Sensor, neighbours: Sequence[SensorEntry]) -> SensorEntry | None:
    placement = sensor.profile.placement
    if placement is None:
        return None
    near = [
        (abs(each.sensor.profile.placement.along_m - placement.along_m), each.sensor.id, each)
        for each in neighbours
        if each.sensor.kind is SensorKind.TEMPERATURE
        and each.sensor.profile.placement is not None
        and each.sensor.profile.placement.structure == placement.structure
    ]
    return min(near)[2] if near else None


def _events(sensor: Sensor) -> list[SettlementEvent]:
    return [SettlementEvent(at=each.at, kind=each.text) for each in sensor.profile.events if each.is_loading]


def _limit(sensor: Sensor) -> float:
    return sensor.profile.stability_mm_per_day or DEFAULT_STABILITY_LIMIT_MM_PER_DAY


def _is_placed(sensor: Sensor, structure: str) -> bool:
    return sensor.profile.placement is not None and sensor.profile.placement.structure == structure


def _is_length(sensor: Sensor) -> bool:
    return sensor.kind in {SensorKind.SETTLEMENT, SensorKind.HYDROSTATIC_LEVEL}


def _along(entry: SensorEntry) -> tuple[float, str]:
    placement = entry.sensor.profile.placement
    return (0.0 if placement is None else placement.along_m, entry.sensor.id)
