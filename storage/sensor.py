"""Sensors as rows. Whether a calibration or an alarm makes sense is asked of `iot` before."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.errors import Conflict
from domain.place import Position, position_from_json, position_to_json
from domain.sensor import (
    AlarmLevel,
    CalibrationVersion,
    Instrument,
    Placement,
    Sensor,
    SensorEvent,
    SensorKind,
    SensorProfile,
    Suppression,
)
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("sensor")


class SensorOfAnotherProject(Conflict):
    """The id belongs to a sensor of another project; a sensor does not move."""

    code: ClassVar[str] = "sensor.of_another_project"


@dataclass(frozen=True, slots=True)
class SensorEntry:
    """A sensor with the small number that its readings are stored by."""

    key: int
    sensor: Sensor


def put_sensor(
    connection: Connection,
    *,
    sensor_id: str,
    project_id: str,
    kind: SensorKind,
    unit: str,
    position: Position | None = None,
    calibration: dict[str, Any] | None = None,
    range_min: float | None = None,
    range_max: float | None = None,
    alarms: Sequence[AlarmLevel] = (),
    stale_after_s: float | None = None,
    profile: SensorProfile | None = None,
    depends_on: Mapping[str, float] | None = None,
) -> tuple[Sensor, bool]:
    """Create or change a sensor; giving the same again changes nothing. A calibration that is new is kept as a version.

    Args:
        connection: of the caller's transaction.
        sensor_id: given by the caller.
        project_id: it never changes.
        kind: what is measured.
        unit: UCUM code.
        position: on the earth.
        calibration: of the instrument that is there now.
        range_min: readings below are marked bad. [unit]
        range_max: readings above are marked bad. [unit]
        alarms: from the mildest to the severest.
        stale_after_s: silent for longer is a finding. [s]
        profile: what else is known.
        depends_on: the sensors that its calibrations need, with the greatest age of their readings. [s]

    Returns:
        The sensor, and whether it is new.

    Raises:
        UnknownProject: there is no such project.
        SensorOfAnotherProject: another project has a sensor of this id.
        UnknownSensorReference: a sensor that it depends on is not there.
    """
    values = {
        "id": sensor_id,
        "project_id": project_id,
        "kind": kind.value,
        "unit": unit,
        "position": None if position is None else Jsonb(position_to_json(position)),
        "calibration": Jsonb(calibration or {}),
        "range_min": range_min,
        "range_max": range_max,
        "alarms": Jsonb([asdict(level) for level in alarms]),
        "stale_after_s": stale_after_s,
        "profile": Jsonb(_profile_to_json(profile or SensorProfile())),
    }
    created = connection.execute(_QUERIES["insert_sensor"], values).fetchone()
    entry = find_sensor_entry(connection, sensor_id=sensor_id)
    if entry is not None and entry.sensor.project_id != project_id:
        raise SensorOfAnotherProject("a sensor of this id belongs to another project", sensor_id=sensor_id)
    if created is None and connection.execute(_QUERIES["update_sensor"], values).fetchone() is not None:
        entry = find_sensor_entry(connection, sensor_id=sensor_id)
    if entry is None:
        raise RuntimeError("the sensor that was just written is not there")
    connection.execute(_QUERIES["record_calibration"], {"id": sensor_id})
    _put_dependencies(connection, sensor_id=sensor_id, depends_on=depends_on or {})
    return entry.sensor, created is not None


def put_instruments(
    connection: Connection, *, sensor_id: str, instruments: Sequence[Instrument], depends_on: Mapping[str, float]
) -> None:
    """Replace the instruments of a sensor; the last one is there now. The calibrations are kept as a version.

    Args:
        connection: of the caller's transaction.
        sensor_id: of a sensor that is there.
        instruments: oldest first, at least one.
        depends_on: as for `put_sensor`, of all of them.
    """
    values = {
        "id": sensor_id,
        "instruments": Jsonb([_instrument_to_json(each) for each in instruments]),
        "calibration": Jsonb(instruments[-1].calibration),
    }
    connection.execute(_QUERIES["put_instruments"], values)
    connection.execute(_QUERIES["record_calibration"], {"id": sensor_id})
    _put_dependencies(connection, sensor_id=sensor_id, depends_on=depends_on)


def fix_offset(connection: Connection, *, sensor_id: str, place: int, offset: float) -> float:
    """Give an instrument that had none its offset, and return the one that it has now, ours or a faster one's.

    Args:
        connection: of the caller's transaction.
        sensor_id: of a sensor that is there.
        place: of the instrument among the sensor's, from 0.
        offset: [unit]
    """
    connection.execute(_QUERIES["fix_offset"], {"id": sensor_id, "place": place, "offset": offset})
    entry = find_sensor_entry(connection, sensor_id=sensor_id)
    fixed = None if entry is None else entry.sensor.instruments[place].offset
    if fixed is None:
        raise RuntimeError("the offset that was just written is not there")
    return fixed


def list_calibration_versions(
    connection: Connection, *, sensor_id: str, after: str | None, limit: int
) -> Page[CalibrationVersion]:
    """The calibrations that a sensor had, oldest first.

    Raises:
        InvalidCursor: `after` is not a cursor of ours.
    """
    values = {"id": sensor_id, "after": decode_cursor(after)[0], "limit": limit + 1}
    versions = [
        CalibrationVersion(row[0], row[1], row[2], tuple(_instrument_from_json(each) for each in row[3]))
        for row in connection.execute(_QUERIES["list_calibration_versions"], values)
    ]
    return cut_page([(each.version, each) for each in versions], limit=limit)


class Dependent(NamedTuple):
    """A sensor whose values need another's readings, and how old these may be [s]."""

    sensor_id: str
    max_age_s: float


def list_dependents(connection: Connection, *, sensor_ids: Collection[str]) -> dict[str, list[Dependent]]:
    """The sensors that need the readings of these, by the id of the one that they need."""
    dependents: dict[str, list[Dependent]] = {}
    for on_sensor_id, sensor_id, max_age_s in connection.execute(
        _QUERIES["list_dependents"], {"on_sensor_ids": list(sensor_ids)}
    ):
        dependents.setdefault(on_sensor_id, []).append(Dependent(sensor_id, max_age_s))
    return dependents


def has_dependencies(connection: Connection, *, sensor_ids: Collection[str]) -> bool:
    """Whether one of these sensors needs another's readings itself."""
    rows = connection.execute(_QUERIES["list_dependencies"], {"sensor_ids": list(sensor_ids)})
    return rows.fetchone() is not None


def _put_dependencies(connection: Connection, *, sensor_id: str, depends_on: Mapping[str, float]) -> None:
    connection.execute(_QUERIES["remove_dependencies"], {"id": sensor_id})
    if depends_on:
        values = {"id": sensor_id, "on_sensor_ids": list(depends_on), "max_ages_s": list(depends_on.values())}
        connection.execute(_QUERIES["put_dependencies"], values)


def find_sensor(connection: Connection, *, sensor_id: str) -> Sensor | None:
    """The sensor of this id."""
    entry = find_sensor_entry(connection, sensor_id=sensor_id)
    return None if entry is None else entry.sensor


def find_sensor_entry(connection: Connection, *, sensor_id: str) -> SensorEntry | None:
    """The sensor of this id with its key, by which readings are asked for."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_sensor"], {"id": sensor_id}).fetchone()
    return None if row is None else _entry(row)


def list_sensors(
    connection: Connection,
    *,
    area: str,
    token_project_id: str | None = None,
    project_id: str | None = None,
    after: str | None,
    limit: int,
) -> Page[Sensor]:
    """The sensors of an area and below, in the order of their making.

    Args:
        connection: of the caller's transaction.
        area: what the asker sees.
        token_project_id: the one project that the asker sees, where there is such a limit.
        project_id: the project that is asked for; None for all of them.
        after: the cursor of the page before.
        limit: at most so many.

    Raises:
        InvalidCursor: `after` is not a cursor of ours.
    """
    values = {
        "area": area,
        "token_project_id": token_project_id,
        "project_id": project_id,
        "after": decode_cursor(after)[0],
        "limit": limit + 1,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        entries = [_entry(row) for row in cursor.execute(_QUERIES["list_sensors"], values)]
    return cut_page([(entry.key, entry.sensor) for entry in entries], limit=limit)


def list_project_sensors(connection: Connection, *, project_id: str) -> list[SensorEntry]:
    """Every sensor of a project, in the order of their making."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_entry(row) for row in cursor.execute(_QUERIES["list_project_sensors"], {"project_id": project_id})]


def list_sensor_versions(connection: Connection, *, sensor_ids: Collection[str]) -> dict[str, int]:
    """The versions of those of these sensors that are there, so that a cache of them is never behind."""
    return dict(connection.execute(_QUERIES["list_sensor_versions"], {"ids": list(sensor_ids)}).fetchall())


def list_sensor_entries(connection: Connection, *, sensor_ids: Collection[str]) -> list[SensorEntry]:
    """Those of these sensors that are there."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return [_entry(row) for row in cursor.execute(_QUERIES["list_sensor_entries"], {"ids": list(sensor_ids)})]


def _entry(row: dict[str, Any]) -> SensorEntry:
    key = row.pop("key")
    position = row.pop("position")
    row["kind"] = SensorKind(row["kind"])
    row["alarms"] = tuple(AlarmLevel(**level) for level in row["alarms"])
    row["profile"] = _profile_from_json(row["profile"])
    row["instruments"] = tuple(_instrument_from_json(each) for each in row["instruments"])
    return SensorEntry(key, Sensor(**row, position=None if position is None else position_from_json(position)))


def _profile_to_json(profile: SensorProfile) -> dict[str, Any]:
    return {
        "resolution": profile.resolution,
        "baseline": profile.baseline,
        "stability_mm_per_day": profile.stability_mm_per_day,
        "placement": None if profile.placement is None else asdict(profile.placement),
        "events": [{**asdict(each), "at": each.at.isoformat()} for each in profile.events],
        "suppressions": [
            {"from": each.from_.isoformat(), "to": each.to.isoformat(), "reason": each.reason}
            for each in profile.suppressions
        ],
        "redundant_with": profile.redundant_with,
    }


def _profile_from_json(given: dict[str, Any]) -> SensorProfile:
    placement = given.get("placement")
    return SensorProfile(
        resolution=given.get("resolution"),
        baseline=given.get("baseline"),
        stability_mm_per_day=given.get("stability_mm_per_day"),
        placement=None if placement is None else Placement(**placement),
        events=tuple(
            SensorEvent(datetime.fromisoformat(each["at"]), each["text"], each["is_loading"])
            for each in given.get("events", ())
        ),
        suppressions=tuple(
            Suppression(datetime.fromisoformat(each["from"]), datetime.fromisoformat(each["to"]), each["reason"])
            for each in given.get("suppressions", ())
        ),
        redundant_with=given.get("redundant_with"),
    )


def _instrument_to_json(instrument: Instrument) -> dict[str, Any]:
    since = instrument.since
    return {**asdict(instrument), "since": None if since is None else since.isoformat()}


def _instrument_from_json(given: dict[str, Any]) -> Instrument:
    since = given["since"]
    return Instrument(**{**given, "since": None if since is None else datetime.fromisoformat(since)})
