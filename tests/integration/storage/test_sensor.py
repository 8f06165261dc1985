"""Sensors as rows."""

import pytest

from domain.identifier import EVERYWHERE
from domain.place import Position
from domain.project import ProjectClass, ProjectKind
from domain.sensor import AlarmLevel, SensorKind
from storage.database import Database
from storage.errors import UnknownProject
from storage.project import put_project
from storage.sensor import (
    SensorOfAnotherProject,
    find_sensor,
    find_sensor_entry,
    list_sensor_entries,
    list_sensor_versions,
    list_sensors,
    put_sensor,
)

YELLOW = AlarmLevel(level="yellow", action="the town engineer inspects within a day", above=10.0, hysteresis=0.5)


def make_project(database: Database, *, project_id: str, area: str) -> None:
    """Store a small bridge."""
    with database.transaction() as connection:
        put_project(
            connection,
            project_id=project_id,
            name="Stone bridge",
            kind=ProjectKind.BRIDGE,
            area=area,
            contractor=None,
            starts_on=None,
            ends_on=None,
            time_zone="Asia/Shanghai",
            position=None,
            project_class=ProjectClass.B,
            public_code=f"code-{project_id}",
        )


def test_put_sensor__new(database: Database) -> None:
    """A new sensor comes back as it was given, and is found again."""
    make_project(database, project_id="b1", area="county/town")
    with database.transaction() as connection:
        stored, created = put_sensor(
            connection,
            sensor_id="s1",
            project_id="b1",
            kind=SensorKind.SETTLEMENT,
            unit="mm",
            position=Position(lon=110.5, lat=26.25),
            calibration={"scale": 2.0, "offset": -1.0},
            range_min=-50.0,
            range_max=50.0,
            alarms=[YELLOW],
            stale_after_s=3600.0,
        )
        found = find_sensor(connection, sensor_id="s1")
    assert created
    assert stored == found
    assert (stored.kind, stored.unit, stored.alarms, stored.version) == (SensorKind.SETTLEMENT, "mm", (YELLOW,), 1)
    assert stored.position is not None
    assert (stored.position.lon, stored.position.lat) == (110.5, 26.25)
    assert stored.calibration == {"scale": 2.0, "offset": -1.0}


def test_put_sensor__same_again(database: Database) -> None:
    """The same PUT twice changes nothing, another unit makes version 2."""
    make_project(database, project_id="b1", area="county/town")
    with database.transaction() as connection:
        first, _ = put_sensor(
            connection, sensor_id="s1", project_id="b1", kind=SensorKind.TILT, unit="mm", alarms=[YELLOW]
        )
        again, created = put_sensor(
            connection, sensor_id="s1", project_id="b1", kind=SensorKind.TILT, unit="mm", alarms=[YELLOW]
        )
        changed, _ = put_sensor(connection, sensor_id="s1", project_id="b1", kind=SensorKind.TILT, unit="deg")
    assert (again, created) == (first, False)
    assert (changed.version, changed.unit, changed.alarms) == (2, "deg", ())


def test_put_sensor__of_another_project(database: Database) -> None:
    """A sensor does not move to another project."""
    make_project(database, project_id="b1", area="county/town")
    make_project(database, project_id="b2", area="county/town")
    with database.transaction() as connection:
        put_sensor(connection, sensor_id="s1", project_id="b1", kind=SensorKind.RAIN, unit="mm")
    with pytest.raises(SensorOfAnotherProject), database.transaction() as connection:
        put_sensor(connection, sensor_id="s1", project_id="b2", kind=SensorKind.RAIN, unit="mm")


def test_put_sensor__unknown_project(database: Database) -> None:
    """A sensor belongs to a project that is there."""
    with pytest.raises(UnknownProject), database.transaction() as connection:
        put_sensor(connection, sensor_id="s1", project_id="none", kind=SensorKind.RAIN, unit="mm")


def test_list_sensors__within_sight(database: Database) -> None:
    """An area sees its own and below by whole names, page after page; a token of one project sees that one."""
    make_project(database, project_id="b1", area="county/town")
    make_project(database, project_id="b2", area="county/town/village")
    make_project(database, project_id="b3", area="county/townhall")
    with database.transaction() as connection:
        for number, project in enumerate(["b1", "b2", "b3", "b1"]):
            put_sensor(connection, sensor_id=f"s{number}", project_id=project, kind=SensorKind.RAIN, unit="mm")
        first = list_sensors(connection, area="county/town", after=None, limit=2)
        second = list_sensors(connection, area="county/town", after=first.next, limit=2)
        one = list_sensors(connection, area="county/town", project_id="b2", after=None, limit=10)
        hidden = list_sensors(
            connection, area="county/town", token_project_id="b1", project_id="b2", after=None, limit=9
        )
    assert [sensor.id for sensor in first.items] == ["s0", "s1"]
    assert ([sensor.id for sensor in second.items], second.next) == (["s3"], None)
    assert [sensor.id for sensor in one.items] == ["s1"]
    assert list(hidden.items) == []


def test_list_sensors__everywhere(database: Database) -> None:
    """The area `/` of an operator sees every sensor."""
    make_project(database, project_id="b1", area="county/town")
    make_project(database, project_id="b2", area="other/town")
    with database.transaction() as connection:
        for name, project in (("s1", "b1"), ("s2", "b2")):
            put_sensor(connection, sensor_id=name, project_id=project, kind=SensorKind.RAIN, unit="mm")
        seen = list_sensors(connection, area=EVERYWHERE, after=None, limit=9)
    assert [sensor.id for sensor in seen.items] == ["s1", "s2"]


def test_list_sensor_entries__asked_for(database: Database) -> None:
    """Of the sensors asked for, those that are there come back with key and version."""
    make_project(database, project_id="b1", area="county/town")
    with database.transaction() as connection:
        for name in ("s1", "s2", "s3"):
            put_sensor(connection, sensor_id=name, project_id="b1", kind=SensorKind.RAIN, unit="mm")
        put_sensor(connection, sensor_id="s2", project_id="b1", kind=SensorKind.RAIN, unit="cm")
        entries = list_sensor_entries(connection, sensor_ids=["s1", "s2", "nobody"])
        versions = list_sensor_versions(connection, sensor_ids=["s1", "s2", "nobody"])
        entry = find_sensor_entry(connection, sensor_id="s2")
    assert {each.sensor.id for each in entries} == {"s1", "s2"}
    assert len({each.key for each in entries}) == 2
    assert entry in entries
    assert versions == {"s1": 1, "s2": 2}
