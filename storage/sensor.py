"""Sensors as rows. Whether a calibration or an alarm makes sense is asked of `iot` before."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.errors import Conflict
from domain.place import Position, position_from_json, position_to_json
from domain.sensor import AlarmLevel, Sensor, SensorKind
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
) -> tuple[Sensor, bool]:
    """Create or change a sensor; giving the same again changes nothing.

    Returns:
        The sensor, and whether it is new.

    Raises:
        UnknownProject: there is no such project.
        SensorOfAnotherProject: another project has a sensor of this id.
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
    }
    created = connection.execute(_QUERIES["insert_sensor"], values).fetchone()
    entry = find_sensor_entry(connection, sensor_id=sensor_id)
    if entry is not None and entry.sensor.project_id != project_id:
        raise SensorOfAnotherProject("a sensor of this id belongs to another project", sensor_id=sensor_id)
    if created is None and connection.execute(_QUERIES["update_sensor"], values).fetchone() is not None:
        entry = find_sensor_entry(connection, sensor_id=sensor_id)
    if entry is None:
        raise RuntimeError("the sensor that was just written is not there")
    return entry.sensor, created is not None


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
    return SensorEntry(key, Sensor(**row, position=None if position is None else position_from_json(position)))
