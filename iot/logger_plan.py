"""A logger's file made ready to be imported: all that must be known of it is found out before a row is stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from iot.batch import SensorDirectory
from iot.calibration import Calibration, Linear, Polynomial, Thermistor, VibratingWire
from iot.decoding import RegisteredSensor, UnknownReadingSensor
from iot.logger_date import DateAnswer, DateKind, DateSurvey, find_name_dates, prove_orders
from iot.logger_file import TableFile
from iot.logger_layout import Column, Layout, find_column, find_layout, list_titles
from iot.logger_number import FoundMark, Mark, MarkSurvey, find_mark
from iot.logger_question import UnknownColumn, UnknownUnit, UnknownZone
from iot.logger_table import BrokenRow, Table, open_table
from iot.logger_time import (
    CivilTimes,
    CountedTimes,
    find_heading_zone,
    find_number_format,
    find_repeated_hours,
    join_cells,
    parse_zone,
    split_cell,
    tidy,
)
from iot.unit_spelling import read_unit
from iot.units import IncompatibleUnits, find_conversion
from storage.database import Connection
from storage.project import find_project

_STEPPED_ROWS: Final = 1000  # rows by which the usual interval is told; the others are only asked for their date
_IDENTITIES: Final = (Linear(), Polynomial((0.0, 1.0)))
_WIRE_UNITS: Final = {"digits": "1", "hertz": "Hz", "microseconds": "us"}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a person said of the files; what is None or empty is found out, or asked.

    Attributes:
        sensor: of the one value column.
        mapping: sensors by what their columns are called.
        units: of columns, by what they are called; under the empty name, of every column.
        decimal: before the decimals.
        dates: the order of day and month.
        time_format: of numbers in the column of times, such as `excel`.
        time_zone: of times that state none.
        time_columns: the column of times, or a date's and a time of day's.
        missing: further texts, in lower case, that stand where there is no value.
        repeated_hour: `earlier` or `later`.
        is_raw: values are what the gauge says, whatever the headings say; the sensor's calibration makes the rest.
    """

    sensor: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Mark | None = None
    dates: DateAnswer | None = None
    time_format: str | None = None
    time_zone: str | None = None
    time_columns: tuple[str, ...] = ()
    sheet: str | None = None
    missing: frozenset[str] = frozenset()
    repeated_hour: str | None = None
    is_raw: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """A column whose values are a sensor's.

    Attributes:
        registered: the sensor.
        scale: from the column's unit to what the sensor takes. [taken per column's unit]
        shift: added after that.
        evidence: of the unit, in a sentence.
    """

    column: Column
    registered: RegisteredSensor
    scale: float
    shift: float
    evidence: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """A file made ready.

    Attributes:
        times: reads a cell of times, with its line.
        rows: how many there are, good and bad.
        missing: further texts, in lower case, that stand where there is no value.
        left_out: columns of numbers that no sensor was named for.
        date_evidence: of the order of day and month.
        zone_evidence: of the zone.
    """

    table: Table
    layout: Layout
    targets: tuple[Target, ...]
    times: CivilTimes | CountedTimes
    mark: FoundMark
    rows: int
    missing: frozenset[str]
    left_out: tuple[Column, ...]
    date_evidence: tuple[str, ...]
    zone_evidence: str

    @property
    def name(self) -> str:
        """The file's."""
        return self.table.file.name


def plan_import(
    connection: Connection, *, file: TableFile, options: ImportOptions, directory: SensorDirectory, now: datetime
) -> ImportPlan:
    """Find out all that must be known of a file, reading it to its end.

    Args:
        connection: of the caller's transaction.
        file: as handed in.
        options: what a person said.
        directory: of registered sensors.
        now: no reading is younger.

    Raises:
        ImportQuestion: something is not proven, and a person must say.
        UnreadableFile: it is no table.
        UnknownReadingSensor: a sensor is not registered.
    """
    table = open_table(file, encoding=options.encoding, sheet=options.sheet)
    layout = find_layout(
        table, delimiter=options.delimiter, time_columns=options.time_columns, time_format=options.time_format
    )
    chosen = choose_columns(layout, options)
    targets = _find_targets(connection, chosen, options, directory)
    survey = _Survey()
    survey.run(table, layout, [each.column.index for each in targets])
    mark = find_mark(survey.marks, delimiter=layout.delimiter, given=options.decimal)
    times, date_evidence, zone_evidence = _find_times(
        connection, table=table, layout=layout, targets=targets, survey=survey, options=options, now=now
    )
    used = {each.column.index for each in targets}
    return ImportPlan(
        table=table,
        layout=layout,
        targets=targets,
        times=times,
        mark=mark,
        rows=survey.rows,
        missing=options.missing,
        left_out=tuple(each for each in layout.value_columns if each.index not in used),
        date_evidence=date_evidence,
        zone_evidence=zone_evidence,
    )


def choose_columns(layout: Layout, options: ImportOptions) -> list[tuple[Column, str]]:
    """The columns that are wanted, with their sensors' ids.

    Raises:
        UnknownColumn: none is, or `sensor` is said and there are several columns of numbers.
    """
    chosen: list[tuple[Column, str]] = []
    for name, sensor_id in options.mapping.items():
        column = find_column(layout.columns, name)
        if column is not None:
            chosen.append((column, sensor_id))
    if options.sensor is not None:
        taken = {column.index for column, _ in chosen}
        left = [each for each in layout.value_columns if each.index not in taken]
        if len(left) != 1:
            raise UnknownColumn(
                f"--sensor is for a file with one column of numbers, and there are {list_titles(left)}:"
                ' say --map "COLUMN=SENSOR"',
                candidates=[each.title for each in left],
            )
        chosen.append((left[0], options.sensor))
    if not chosen:
        raise UnknownColumn(
            f'none of its columns is named in --map "COLUMN=SENSOR"; there are {list_titles(layout.value_columns)}',
            candidates=[each.title for each in layout.value_columns],
        )
    for values, what in (([each.index for each, _ in chosen], "column"), ([each for _, each in chosen], "sensor")):
        if len(set(values)) < len(values):
            raise UnknownColumn(f"a {what} is named twice: each column of a file is one sensor's")
    return chosen


def _find_targets(
    connection: Connection,
    chosen: Sequence[tuple[Column, str]],
    options: ImportOptions,
    directory: SensorDirectory,
) -> tuple[Target, ...]:
    sensors = directory.look_up(connection, [sensor_id for _, sensor_id in chosen])
    targets = []
    for column, sensor_id in chosen:
        registered = sensors.get(sensor_id)
        if registered is None:
            raise UnknownReadingSensor(f"no sensor {sensor_id!r} is registered")
        targets.append(_make_target(column, registered, options))
    return tuple(targets)


def _make_target(column: Column, registered: RegisteredSensor, options: ImportOptions) -> Target:
    """Find the conversion from a column's unit to what its sensor takes."""
    sensor_id = registered.sensor.id
    taken = _find_taken_units(registered)
    text, source = _find_stated_unit(column, options)
    if text is None:
        shown = " or ".join(sorted(each or "what its calibration takes" for each in taken))
        return Target(column, registered, 1.0, 0.0, f"no unit in the heading: taken as {shown}")
    unit = read_unit(text)
    if unit is None:
        raise UnknownUnit(f"{text!r} in the heading {column.heading!r} is no unit that we know: say --unit")
    if options.is_raw:
        return Target(
            column, registered, 1.0, 0.0, f"{unit} {source}, handed to the calibration as it stands, as you said"
        )
    if None in taken:
        raise UnknownUnit(
            f"the heading {column.heading!r} says {unit}, and sensor {sensor_id!r} has a calibration, which would be"
            " applied to these values again if they have it already: say --raw if they are what the gauge itself says"
        )
    try:
        conversions = {find_conversion(unit, each) for each in taken if each is not None}
    except IncompatibleUnits as error:
        raise UnknownUnit(
            f"column {column.title!r} is in {unit}, which sensor {sensor_id!r} does not take: {error.detail}; say"
            " --unit if the heading is wrong"
        ) from error
    if len(conversions) > 1:
        raise UnknownUnit(f"the instruments of sensor {sensor_id!r} take values in several units: say --raw")
    scale, shift = conversions.pop()
    into = "" if (scale, shift) == (1, 0) else f", converted to {next(iter(taken))}"
    return Target(column, registered, scale, shift, f"{unit} {source}{into}")


def _find_stated_unit(column: Column, options: ImportOptions) -> tuple[str | None, str]:
    for name, unit in options.units.items():
        named = column if not name else find_column([column], name)
        if named is not None:
            return unit, "as you said"
    return column.unit_text, "by the heading"


def _find_taken_units(registered: RegisteredSensor) -> set[str | None]:
    """The units of what the instruments' calibrations take; None for one of which nobody states it."""
    sensor = registered.sensor
    given = [each.calibration for each in sensor.instruments] or [sensor.calibration]
    return {
        _find_taken_unit(period.calibration, str(each.get("unit", sensor.unit)))
        for period, each in zip(registered.periods, given, strict=True)
    }


def _find_taken_unit(calibration: Calibration, unit: str) -> str | None:
    if calibration.function in _IDENTITIES:
        return unit
    if isinstance(calibration.function, VibratingWire):
        return _WIRE_UNITS[calibration.function.reading]
    return "Ohm" if isinstance(calibration.function, Thermistor) else None


@dataclass(slots=True)
class _Survey:
    """What one passage through all rows shows of dates and numbers."""

    dates: DateSurvey = field(default_factory=DateSurvey)
    marks: MarkSurvey = field(default_factory=MarkSurvey)
    rows: int = 0
    _prefix: str | None = None
    _pending: tuple[str, int] | None = None

    def run(self, table: Table, layout: Layout, values: Sequence[int]) -> None:
        """Pass through."""
        width = len(layout.columns)
        needs_proof = True  # that the mark is a point; once it is proven, only commas are looked at
        for line, time_cell, cells in list_rows(table, layout):
            self.rows += 1
            if time_cell is None or cells is None or (len(cells) > width and any(cells[width:])):
                continue
            self._add_time(time_cell, line)
            for index in values:
                if index < len(cells):
                    cell = cells[index]
                    if needs_proof or "," in cell:
                        self.marks.add(cell, line)
                        needs_proof = Mark.POINT not in self.marks.proofs
        self._flush()

    def _add_time(self, cell: str, line: int) -> None:
        if self._prefix is not None and cell.startswith(self._prefix) and self.rows > _STEPPED_ROWS:
            self._pending = (cell, line)
            return
        self._flush()
        parts = split_cell(tidy(cell))
        if parts is not None:
            self.dates.add(parts.date, line=line, at_s=parts.after_midnight.total_seconds())
            self._prefix = parts.date + " " if cell.startswith(parts.date + " ") else None

    def _flush(self) -> None:
        if self._pending is not None:
            (cell, line), self._pending = self._pending, None
            parts = split_cell(tidy(cell))
            if parts is not None:
                self.dates.add(parts.date, line=line, at_s=parts.after_midnight.total_seconds())


def list_rows(table: Table, layout: Layout) -> Iterator[tuple[int, str | None, list[str] | None]]:
    """(line, cell of the time, all cells) of each row; None for a missing cell, and for the cells of a broken row."""
    first, indices = layout.first_line, [each.index for each in layout.time_columns]
    index = indices[0]
    for line, cells in table.rows(layout.delimiter):
        if line < first:
            continue
        if isinstance(cells, BrokenRow):
            yield line, None, None
        elif len(indices) == 1:
            yield line, (cells[index] if index < len(cells) else None), cells
        elif max(indices) < len(cells):
            yield line, join_cells(tidy(cells[index]), tidy(cells[indices[1]])), cells
        else:
            yield line, None, cells


def _find_times(
    connection: Connection,
    *,
    table: Table,
    layout: Layout,
    targets: Sequence[Target],
    survey: _Survey,
    options: ImportOptions,
    now: datetime,
) -> tuple[CivilTimes | CountedTimes, tuple[str, ...], str]:
    """What reads the times, with the evidence of their dates and their zone."""
    sample = _list_sample_times(layout)
    counted = find_number_format(sample, given=options.time_format) if len(layout.time_columns) == 1 else None
    if counted is not None and counted.startswith("epoch"):
        return (
            CountedTimes(counted, CivilTimes({}, None)),
            (f"{counted}, by the size of the numbers",),
            "UTC, by its nature",
        )
    parts = [each for each in map(split_cell, sample) if each is not None]
    if parts and all(each.zone is not None for each in parts) and counted is None:
        zone_name, zone_evidence = None, "stated in each time"
    else:
        zone_name, zone_evidence = _find_zone(connection, layout, targets, options)
    zone = None if zone_name is None else parse_zone(zone_name)
    if counted is not None:
        orders = {DateKind.YEAR_FIRST: "YMD"}
        return (
            CountedTimes(counted, CivilTimes(orders, zone, passes=options.repeated_hour)),
            (f"{counted}",),
            zone_evidence,
        )
    proven = prove_orders(survey.dates, name_dates=find_name_dates(table.file.name), now=now, answer=options.dates)
    times = CivilTimes(proven.orders, zone, passes=options.repeated_hour)
    if options.repeated_hour is None and times.has_changes({run.text for run in survey.dates.runs}):
        rows = ((line, cell) for line, cell, _ in list_rows(table, layout) if cell is not None)
        times = replace(times, repeated=find_repeated_hours(rows, times))
    return times, proven.evidence, zone_evidence


def _list_sample_times(layout: Layout) -> list[str]:
    indices = [each.index for each in layout.time_columns]
    rows = [cells for cells in layout.sample if max(indices) < len(cells)]
    if len(indices) == 1:
        return [cells[indices[0]] for cells in rows]
    return [join_cells(cells[indices[0]], cells[indices[1]]) for cells in rows]


def _find_zone(
    connection: Connection, layout: Layout, targets: Sequence[Target], options: ImportOptions
) -> tuple[str, str]:
    """The zone of times that state none, and how it is known.

    Raises:
        UnknownZone: the sensors' projects lie in several.
    """
    headings = {found for each in layout.time_columns if (found := find_heading_zone(each.heading)) is not None}
    stated = headings.pop() if len(headings) == 1 else None
    if options.time_zone is not None:
        against = f", though the heading says {stated}" if stated not in {None, options.time_zone} else ""
        return options.time_zone, f"{options.time_zone}, as you said{against}"
    if stated is not None:
        return stated, f"{stated}, by the heading"
    projects = {
        each.registered.sensor.project_id: find_project(connection, project_id=each.registered.sensor.project_id)
        for each in targets
    }
    zones = {project.time_zone for project in projects.values() if project is not None}
    if len(zones) != 1:
        raise UnknownZone(f"the sensors' projects lie in {', '.join(sorted(zones)) or 'no zone'}: say --time-zone")
    zone = zones.pop()
    return zone, f"{zone}, the project's, because the file states none and you said none"
