"""All of `bridge` through `siteproof import-readings`: counts, units, times and values against the raw bytes.

What is expected is read here with nothing of the product: `zipfile`, bytes split at commas, and strptime with the order
of day and month that the folder's README tells: 11 April 2022, written 2022-11-04 in the sensors' files. The reference
state was recorded on 7 March 2022 (its authors' Plot/PlotForcesInReferenceState.py says so), written 2022-03-07.
"""

import json
import os
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from domain.project import ProjectClass, ProjectKind
from domain.sensor import SensorKind
from runtime.command_line import main
from storage.database import Database
from storage.project import put_project
from storage.reading import latest_readings
from storage.sensor import put_sensor

# Summer time in Munich on 11 April, winter time on 7 March, written down here and not asked of a library.
SUMMER, WINTER = timedelta(hours=2), timedelta(hours=1)
MAPS = ("--map", "FRC-01=frc-1", "--map", "FRC-02=frc-2", "--map", "DMS_CN=dms", "--map", "Air Temperature=air")
Expected = dict[str, dict[datetime, float]]


@pytest.fixture
def bridge() -> Path:
    """The folder; without it this test cannot be run, which is a failure."""
    folder = Path(os.environ["SITEPROOF_REAL_DATA"]) / "bridge"
    assert folder.is_dir()
    return folder


@pytest.fixture
def ready(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A bridge in Munich with its sensors; the second force is kept in newtons, the air in kelvins."""
    monkeypatch.setenv("SITEPROOF_DATABASE_URL", database.url)
    monkeypatch.setenv("SITEPROOF_HOME", str(tmp_path))
    with database.transaction() as connection:
        put_project(
            connection,
            project_id="unibw",
            name="Test bridge",
            kind=ProjectKind.BRIDGE,
            area="munich",
            contractor=None,
            starts_on=None,
            ends_on=None,
            time_zone="Europe/Berlin",
            position=None,
            project_class=ProjectClass.B,
            public_code="unibw",
        )
        for sensor_id, kind, unit in (
            ("frc-1", SensorKind.BEARING_FORCE, "kN"),
            ("frc-2", SensorKind.BEARING_FORCE, "N"),
            ("dms", SensorKind.STRAIN, "um/m"),
            ("air", SensorKind.TEMPERATURE, "K"),
        ):
            put_sensor(connection, sensor_id=sensor_id, project_id="unibw", kind=kind, unit=unit)
    return database


def run(*arguments: object) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and the lines of the command."""
    result = CliRunner().invoke(main, ["import-readings", *map(str, arguments), "--json"])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def read_members(path: Path) -> Iterator[list[list[bytes]]]:
    """Each member's lines, split at commas."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            yield [line.rstrip(b"\r").split(b",") for line in archive.read(name).split(b"\n") if line]


def read_expected(bridge: Path) -> Expected:
    """What the raw files hold, by sensor and moment in UTC; the first value of a moment counts."""
    found: Expected = {"frc-1": {}, "frc-2": {}, "dms": {}, "air": {}}
    for path in sorted(bridge.glob("*.zip")):
        for heading, *rows in read_members(path):
            if path.name.startswith("Temperature"):
                assert heading == [b"Time (-)", b"Air Temperature (\xb0C)", b""]
                keep(found, rows, "%d.%m.%Y %H:%M:%S.%f", SUMMER, [("air", 1.0, 273.15)])
                continue
            is_reference = path.name.startswith("Reference")
            order, offset = ("%Y-%m-%d", WINTER) if is_reference else ("%Y-%d-%m", SUMMER)
            columns = [("frc-1", 1.0, 0.0), ("frc-2", 1000.0, 0.0)] if len(heading) == 3 else [("dms", 1.0, 0.0)]
            keep(found, rows, f"{order} %H:%M:%S.%f", offset, columns)
    return found


def keep(
    found: Expected, rows: list[list[bytes]], form: str, offset: timedelta, columns: list[tuple[str, float, float]]
) -> None:
    """Add a file's rows."""
    for cells in rows:
        t = (datetime.strptime(cells[0].decode("ascii"), form) - offset).replace(tzinfo=UTC)  # noqa: DTZ007 - see offset
        for (sensor_id, scale, shift), cell in zip(columns, cells[1:], strict=True):
            found[sensor_id].setdefault(t, float(cell) * scale + shift)


def test_bridge__every_file__comes_in_whole(ready: Database, bridge: Path) -> None:
    """Asked first, because names contradict dates; then every row of every file, once, in the sensors' units."""
    sensors = sorted(bridge.glob("*.zip"))
    reference = [path for path in sensors if path.name.startswith("Reference")]
    others = [path for path in sensors if path not in reference]
    assert (len(reference), len(others)) == (1, 6)

    code, lines = run(*others, *MAPS)
    assert code == 2
    asked = [line for line in lines if "error" in line]
    assert {line["error"]["code"] for line in asked} == {"import.contradictory_dates"}
    assert len(asked) == 5, "the temperatures' dates, 11.04.2022, are proven by their names"
    assert asked[0]["error"]["candidates"] == {"YMD": "2022-11-04", "YDM": "2022-04-11"}

    code, lines = run(*others, *MAPS, "--date-format", "%Y-%d-%m")
    assert (code, len(lines)) == (0, 15)
    code, more = run(*reference, *MAPS[:4])
    assert (code, len(more)) == (0, 1)
    lines += more
    assert sum(line["bad_rows"] + line["missing"] for line in lines) == 0

    expected = read_expected(bridge)
    rows = {sensor_id: len(values) for sensor_id, values in expected.items()}
    assert sum(line["readings"] for line in lines) >= sum(rows.values())
    assert sum(line["stored"] for line in lines) == sum(rows.values())
    with ready.transaction() as connection:
        stored: Expected = {}
        query = "SELECT s.id, r.t, r.v FROM reading AS r JOIN sensor AS s ON s.key = r.sensor_key WHERE r.q = 0"
        for sensor_id, t, v in connection.execute(query):
            stored.setdefault(sensor_id, {})[t] = v
        newest = latest_readings(connection, sensor_ids=["dms"])["dms"]
    assert {sensor_id: len(values) for sensor_id, values in stored.items()} == rows
    for sensor_id, values in expected.items():
        assert stored[sensor_id].keys() == values.keys()
        assert all(stored[sensor_id][t] == pytest.approx(v, rel=1e-12) for t, v in values.items()), sensor_id

    # Copied by eye from the raw files' first and last lines.
    assert stored["dms"][datetime(2022, 4, 11, 6, 36, 24, 897_000, tzinfo=UTC)] == 0.07789245605466988
    assert (newest.t, newest.v) == (datetime(2022, 4, 11, 7, 32, 5, 365_000, tzinfo=UTC), 35.07531372070317)
    assert stored["frc-1"][datetime(2022, 3, 7, 15, 35, 15, 601_000, tzinfo=UTC)] == 260.23853125
    assert stored["frc-2"][datetime(2022, 4, 11, 7, 20, 5, 375_000, tzinfo=UTC)] == pytest.approx(190_399.46875)
    assert stored["air"][datetime(2022, 4, 11, 6, 36, 25, 984_000, tzinfo=UTC)] == pytest.approx(274.75000002384186)

    code, again = run(*others, *MAPS, "--day-first")
    assert (code, sum(line["stored"] for line in again)) == (0, 0)
