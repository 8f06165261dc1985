"""Loggers' files into the real database, by the way of MQTT's readings."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook

from domain.errors import SiteproofError
from domain.sensor import SensorKind
from iot.batch import SensorDirectory
from iot.decoding import UnknownReadingSensor
from iot.logger_date import DAY_FIRST
from iot.logger_file import TableFile, list_table_files
from iot.logger_import import ImportResult, import_file, read_chunks, try_import
from iot.logger_plan import ImportOptions, ImportPlan, plan_import
from iot.logger_question import (
    ContradictoryDates,
    ImportQuestion,
    UnknownColumn,
    UnknownSheet,
    UnknownTimeFormat,
    UnknownUnit,
    UnknownZone,
)
from storage.database import Connection, Database
from storage.reading import list_readings
from storage.sensor import find_sensor_entry, put_sensor
from tests.integration.iot.conftest import count_rows

NOW = datetime(2026, 9, 1, tzinfo=UTC)
HEAD = "Time (UTC),S1 (mm),S2 (deg)\n"


def plan(database: Database, path: Path, options: ImportOptions) -> ImportPlan:
    """The plan of a file with one table."""
    [file] = list_table_files(path)
    assert isinstance(file, TableFile), file.error
    with database.transaction() as connection:
        return plan_import(connection, file=file, options=options, directory=SensorDirectory(), now=NOW)


def bring(database: Database, path: Path, options: ImportOptions) -> ImportResult:
    """Import a file with one table."""
    result = ImportResult()
    ready = plan(database, path, options)
    import_file(database.transaction, ready, directory=SensorDirectory(), now=NOW, result=result)
    return result


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """A file of this text."""
    path.write_bytes(text.encode(encoding))
    return path


def values(database: Database, sensor_id: str) -> list[tuple[str, float]]:
    """(time in UTC, value) of what is stored."""
    with database.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id=sensor_id)
        assert entry is not None
        readings = list_readings(connection, sensor_key=entry.key, limit=100)
    return [(each.t.strftime("%Y-%m-%d %H:%M:%S"), each.v) for each in readings]


BOTH = ImportOptions(mapping={"S1": "s1", "S2": "s2"})


def test_import__two_columns__stored_once_with_an_alarm(registered: Database, tmp_path: Path) -> None:
    """Twice imported is once stored; the alarm above 10 becomes a finding, once."""
    path = write(tmp_path / "a.csv", HEAD + "2026-07-01 08:00:00,9.5,0.5\n2026-07-01 08:01:00,10.5,0.6\n")
    first, again = bring(registered, path, BOTH), bring(registered, path, BOTH)
    assert (first.rows, first.readings, first.stored, first.duplicate, first.findings) == (2, 4, 4, 0, 1)
    assert (again.stored, again.duplicate, again.findings) == (0, 4, 0)
    assert count_rows(registered, "finding") == 1
    assert values(registered, "s1") == [("2026-07-01 08:00:00", 9.5), ("2026-07-01 08:01:00", 10.5)]


def test_import__bad_rows__are_told_and_do_not_stop_the_others(registered: Database, tmp_path: Path) -> None:
    """Each with its line and reason; a good cell beside a bad one is kept; missing values are no errors."""
    rows = (
        "2026-07-01 08:00:00,1.5,0.5",
        "2026-07-01 08:01:00,OVER,0.6",
        "2026-07-32 08:02:00,1.5,0.5",
        "1970-01-01 00:00:00,1.5,0.5",
        "2036-07-01 08:00:00,1.5,0.5",
        "2026-07-01 08:05:00,NaN,",
        "2026-07-01 08:06:00,1.5",
        "2026-07-01 08:07:00,1,5,0.5",
        'broken " quote',
        "Time (UTC),S1 (mm),S2 (deg)",
        "2026-07-01 08:09:00,1.6,0.7",
    )
    result = bring(registered, write(tmp_path / "a.csv", HEAD + "\n".join(rows) + "\n"), BOTH)
    assert [(each.line, each.code) for each in result.bad] == [
        (3, "reading.not_a_number"),
        (4, "import.unreadable_time"),
        (5, "reading.implausible_time"),
        (6, "reading.implausible_time"),
        (8, "import.broken_row"),
        (9, "import.broken_row"),
        (10, "import.broken_row"),
    ]
    assert (result.bad_rows, result.missing, result.stored) == (7, 2, 6)
    assert values(registered, "s2")[1] == ("2026-07-01 08:01:00", 0.6)


def test_import__german_logger(registered: Database, tmp_path: Path) -> None:
    """cp1252, semicolons, decimal commas, centimetres, dates proven by the 25th, local time with summer time."""
    text = "Zeitstempel;Höhe (cm)\n05.07.2026 08:00:00;1,25\n25.07.2026 08:00:00;0,5\n"
    options = ImportOptions(sensor="s1", time_zone="Europe/Berlin")
    bring(registered, write(tmp_path / "a.csv", text, "cp1252"), options)
    assert values(registered, "s1") == [("2026-07-05 06:00:00", 12.5), ("2026-07-25 06:00:00", 5.0)]


def test_import__chinese_logger__takes_the_projects_zone_and_says_so(registered: Database, tmp_path: Path) -> None:
    """GB18030, full-width brackets, split date and time of day; 08:00 in Shanghai is midnight in UTC."""
    text = "日期,时间,沉降（mm）\n2026年7月5日,08:00:00,1.25\n2026年7月5日,08:10:00,缺测\n"
    path = write(tmp_path / "a.csv", text, "gb18030")
    ready = plan(registered, path, ImportOptions(sensor="s1"))
    assert ready.zone_evidence.startswith("Asia/Shanghai, the project's")
    result = bring(registered, path, ImportOptions(sensor="s1"))
    assert (result.missing, result.bad_rows) == (1, 0)
    assert values(registered, "s1") == [("2026-07-05 00:00:00", 1.25)]


def test_import__answers__are_used(registered: Database, tmp_path: Path) -> None:
    """Day first, a unit, a text for missing values that is a number too."""
    path = write(tmp_path / "a.tsv", "t\tS1\n03/04/2026 00:00\t0,5\n04/04/2026 00:00\t-9999\n")
    with pytest.raises(ImportQuestion):
        plan(registered, path, ImportOptions(sensor="s1"))
    options = ImportOptions(
        sensor="s1", dates=DAY_FIRST, units={"": "m"}, missing=frozenset({"-9999"}), time_zone="UTC"
    )
    assert bring(registered, path, options).missing == 1
    assert values(registered, "s1") == [("2026-04-03 00:00:00", 500.0)]


def test_import__name_against_content__asks(registered: Database, tmp_path: Path) -> None:
    """The bridge's trap, small."""
    path = write(tmp_path / "Bridge_2022-04-11_load.csv", "Time (-),S1 (mm)\n2022-11-04 08:36:24.897,1.5\n")
    with pytest.raises(ContradictoryDates):
        plan(registered, path, ImportOptions(sensor="s1"))
    bring(registered, path, ImportOptions(sensor="s1", dates=DAY_FIRST, time_zone="UTC"))
    assert values(registered, "s1") == [("2022-04-11 08:36:24", 1.5)]


def test_import__clocks_set_back(registered: Database, tmp_path: Path) -> None:
    """Rows every half hour through Berlin's autumn night: six rows, six moments half an hour apart."""
    clocks = ("01:30", "02:00", "02:30", "02:00", "02:30", "03:00")
    rows = "".join(f"2022-10-30 {clock}:00,{number}.5\n" for number, clock in enumerate(clocks))
    options = ImportOptions(sensor="s1", time_zone="Europe/Berlin")
    bring(registered, write(tmp_path / "a.csv", "Time,S1 (mm)\n" + rows), options)
    start = datetime(2022, 10, 29, 23, 30, tzinfo=UTC)
    expected = [(start + timedelta(minutes=30 * each)).strftime("%Y-%m-%d %H:%M:%S") for each in range(6)]
    assert values(registered, "s1") == [(t, number + 0.5) for number, t in enumerate(expected)]


def write_workbook(path: Path, rows: list[list[object]], *, extra: bool = False) -> Path:
    """An Excel file of these rows."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    if extra:
        workbook.create_sheet("Other").append(["x"])
    handle = io.BytesIO()
    workbook.save(handle)
    path.write_bytes(handle.getvalue())
    return path


def test_import__workbook(registered: Database, tmp_path: Path) -> None:
    """Real dates, a title, a heading and a formula error; 1.234 is a number there and not a thousand."""
    rows: list[list[object]] = [
        ["沉降监测"],
        ["时间", "沉降(mm)"],
        [datetime(2026, 7, 1, 8, 0), 1.234],  # noqa: DTZ001 - a workbook's dates have no zone
        [datetime(2026, 7, 1, 9, 0, 0, 500_000), 2],  # noqa: DTZ001 - likewise
        [datetime(2026, 7, 1, 10, 0), "#N/A"],  # noqa: DTZ001 - likewise
    ]
    result = bring(registered, write_workbook(tmp_path / "a.xlsx", rows), ImportOptions(sensor="s1"))
    assert (result.missing, result.bad_rows) == (1, 0)
    assert values(registered, "s1") == [("2026-07-01 00:00:00", 1.234), ("2026-07-01 01:00:00", 2.0)]


def test_import__workbook__serial_days_and_sheets_are_asked(registered: Database, tmp_path: Path) -> None:
    """46204.5 is noon of 1 July 2026 (Excel's own count), where a person says that it is Excel's."""
    path = write_workbook(tmp_path / "a.xlsx", [["t", "S1"], [46204.5, 1.5], [46204.75, 1.6]], extra=True)
    with pytest.raises(UnknownSheet):
        plan(registered, path, ImportOptions(sensor="s1"))
    with pytest.raises((UnknownTimeFormat, ImportQuestion)):
        plan(registered, path, ImportOptions(sensor="s1", sheet="Sheet"))
    options = ImportOptions(sensor="s1", sheet="Sheet", time_format="excel", time_zone="UTC")
    bring(registered, path, options)
    assert values(registered, "s1") == [("2026-07-01 12:00:00", 1.5), ("2026-07-01 18:00:00", 1.6)]


def test_plan__questions_of_columns_and_units(registered: Database, tmp_path: Path) -> None:
    """What is not clear is asked with its code."""
    path = write(tmp_path / "a.csv", "Time,S1 (foo),S2 (kN)\n2026-07-01 08:00:00,1.5,0.5\n")
    cases: list[tuple[ImportOptions, type[SiteproofError]]] = [
        (ImportOptions(sensor="s1"), UnknownColumn),
        (ImportOptions(mapping={"S9": "s1"}), UnknownColumn),
        (ImportOptions(mapping={"S1": "s1", "S2": "s1"}), UnknownColumn),
        (ImportOptions(mapping={"S1": "s1"}), UnknownUnit),
        (ImportOptions(mapping={"S2": "s2"}), UnknownUnit),
        (ImportOptions(mapping={"S2": "nobody"}), UnknownReadingSensor),
        (ImportOptions(mapping={"S2": "s2"}, units={"S2": "deg"}, time_zone="Nowhere"), UnknownZone),
    ]
    for options, error in cases:
        with pytest.raises(error):
            plan(registered, path, options)
    plan(registered, path, ImportOptions(mapping={"S2": "s2"}, units={"S2": "deg"}))


def test_import__calibrated_sensor(registered: Database, tmp_path: Path) -> None:
    """A calibration would be applied to values that have it already, so it is asked; a wire's hertz are what it takes.

    2500 Hz are 6250 digits; 0.002 mm a digit from 6000 digits on makes 0.5 mm.
    """
    wire = {"vibrating_wire": {"reading": "hertz", "gauge_factor": 0.002, "zero_digits": 6000}}
    with registered.transaction() as connection:
        for sensor_id, calibration in (("w1", wire), ("c1", {"scale": 2.0})):
            put_sensor(
                connection,
                sensor_id=sensor_id,
                project_id="b1",
                kind=SensorKind.CRACK_WIDTH,
                unit="mm",
                calibration=calibration,
            )
    path = write(tmp_path / "a.csv", "Time (UTC),f (kHz),c (mm)\n2026-07-01 08:00:00,2.5,1.5\n")
    with pytest.raises(UnknownUnit, match="--raw"):
        plan(registered, path, ImportOptions(mapping={"c": "c1"}))
    bring(registered, path, ImportOptions(mapping={"c": "c1"}, is_raw=True))
    bring(registered, path, ImportOptions(mapping={"f": "w1"}))
    assert values(registered, "c1") == [("2026-07-01 08:00:00", 3.0)]
    assert values(registered, "w1")[0][1] == pytest.approx(0.5)


def test_import__broken_off_and_run_again(registered: Database, tmp_path: Path) -> None:
    """What was committed stays, the rest comes with the next run, and nothing twice."""
    rows = "".join(f"2026-07-01 {n // 3600:02}:{n // 60 % 60:02}:{n % 60:02},1.5,0.5\n" for n in range(12_000))
    path = write(tmp_path / "a.csv", HEAD + rows)
    opened = 0

    @contextmanager
    def break_off() -> Iterator[Connection]:
        nonlocal opened
        opened += 1
        if opened == 2:
            raise KeyboardInterrupt
        with registered.transaction() as connection:
            yield connection

    ready, result = plan(registered, path, BOTH), ImportResult()
    with pytest.raises(KeyboardInterrupt):
        import_file(break_off, ready, directory=SensorDirectory(), now=NOW, result=result)
    assert 0 < result.stored == count_rows(registered, "reading") < 24_000
    done = bring(registered, path, BOTH)
    assert (done.stored, done.duplicate) == (24_000 - result.stored, result.stored)
    assert count_rows(registered, "reading") == 24_000


def test_read_chunks__hold_so_many_readings(registered: Database, tmp_path: Path) -> None:
    """Memory is bounded by the chunk, and trying it stores nothing."""
    rows = "".join(f"2026-07-01 08:00:{second:02},1.5,0.5\n" for second in range(10))
    ready = plan(registered, write(tmp_path / "a.csv", HEAD + rows), BOTH)
    chunks = list(read_chunks(ready, now=NOW, readings=6))
    assert [chunk.rows for chunk in chunks] == [3, 3, 3, 1]
    assert [list(map(len, chunk.readings)) for chunk in chunks] == [[3, 3], [3, 3], [3, 3], [1, 1]]
    assert try_import(ready, now=NOW).readings == 20
    assert count_rows(registered, "reading") == 0
