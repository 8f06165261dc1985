"""Importing a logger's file: its rows, in chunks, by the very way that MQTT's readings go, one transaction each.

So it may be broken off anywhere and run again: what is stored already is stored once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from domain.errors import SiteproofError
from domain.sensor import Sensor
from iot.batch import BatchResult, SensorDirectory, store_batch
from iot.decoding import Message
from iot.logger_number import MISSING_MARKS, make_reader
from iot.logger_plan import ImportPlan, list_rows
from iot.logger_table import BrokenRow
from iot.payload import EARLIEST, MAX_AHEAD, GaugeReading, NotANumber, gather_readings, require_plausible
from iot.topics import make_topic
from storage.database import Connection

CHUNK_READINGS: Final = 10_000  # in one transaction and in memory; more is not faster (benchmarks/import_readings.py)
SHOWN_BAD_ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row, or a cell of one, that cannot be read.

    Attributes:
        line: in the file, from 1.
        code: of the error.
        detail: the error's sentence.
    """

    line: int
    code: str
    detail: str


# A row that was read: its line, its moment in UTC, and its values as they are handed on, None for a missing one.
ReadRow: TypeAlias = tuple[int, datetime, list[float | None]]


@dataclass(slots=True)
class Chunk:
    """Rows that are stored together.

    Attributes:
        readings: of each target, in the order of the plan's.
        rows: how many were read, good and bad.
        missing: cells where there is no value.
        bad_rows: rows of which a part at least could not be read.
        bad: the errors in them.
    """

    readings: list[list[GaugeReading]]
    rows: int = 0
    missing: int = 0
    bad_rows: int = 0
    bad: list[BadRow] = field(default_factory=list)
    first: ReadRow | None = None
    last: ReadRow | None = None


@dataclass(slots=True)
class ImportResult:
    """What became of a file.

    Attributes:
        rows: read, good and bad.
        readings: values with their times, each once for its sensor.
        missing: cells where there is no value.
        bad_rows: rows of which a part at least could not be read.
        bad: the first of their errors.
        bad_codes: how often each error came.
        stored: readings that are new.
        duplicate: readings whose sensor and time were there already.
        dead: readings that became dead letters, because their calibration gives no number.
        findings: recorded by alarms.
        first: the first row that could be read.
        last: the last one.
    """

    rows: int = 0
    readings: int = 0
    missing: int = 0
    bad_rows: int = 0
    bad: list[BadRow] = field(default_factory=list)
    bad_codes: Counter[str] = field(default_factory=Counter)
    stored: int = 0
    duplicate: int = 0
    dead: int = 0
    findings: int = 0
    first: ReadRow | None = None
    last: ReadRow | None = None

    def add(self, chunk: Chunk, done: BatchResult | None) -> None:
        """Count a chunk, and what its transaction did."""
        self.rows += chunk.rows
        self.readings += sum(map(len, chunk.readings))
        self.missing += chunk.missing
        self.bad_rows += chunk.bad_rows
        self.bad += chunk.bad[: SHOWN_BAD_ROWS - len(self.bad)]
        self.bad_codes.update(each.code for each in chunk.bad)
        self.first, self.last = self.first or chunk.first, chunk.last or self.last
        if done is not None:
            self.stored += done.stored
            self.duplicate += done.duplicate
            self.dead += done.dead
            self.findings += done.findings


Transactions = Callable[[], AbstractContextManager[Connection]]


def try_import(plan: ImportPlan, *, now: datetime) -> ImportResult:
    """Read a file to its end and store nothing.

    Args:
        plan: of the file.
        now: readings from the time after it are bad.

    Raises:
        UnreadableFile: its end is missing.
    """
    result = ImportResult()
    for chunk in read_chunks(plan, now=now):
        result.add(chunk, None)
    return result


def import_file(
    transactions: Transactions,
    plan: ImportPlan,
    *,
    directory: SensorDirectory,
    now: datetime,
    result: ImportResult,
    tell: Callable[[ImportResult], None] = lambda _: None,
) -> None:
    """Store a file's readings.

    Args:
        transactions: opens one, which is committed where its block ends.
        plan: of the file.
        directory: of registered sensors.
        now: when it came.
        result: counted on after each chunk, so that it is right however this ends.
        tell: called after each chunk.

    Raises:
        Unavailable: the database went away; what was stored before stays so.
        UnreadableFile: the file's end is missing; likewise.
    """
    topics = [
        make_topic(project_id=each.registered.sensor.project_id, sensor_id=each.registered.sensor.id)
        for each in plan.targets
    ]
    for chunk in read_chunks(plan, now=now):
        messages = [
            _make_message(topic, target.registered.sensor, readings, now=now)
            for topic, target, readings in zip(topics, plan.targets, chunk.readings, strict=True)
            if readings
        ]
        with transactions() as connection:
            done = store_batch(connection, messages=messages, directory=directory)
        result.add(chunk, done)
        tell(result)


def _make_message(topic: str, sensor: Sensor, readings: list[GaugeReading], *, now: datetime) -> Message:
    """No payload: a reading that becomes a dead letter is written as one of its own."""
    return Message(topic, b"", now, sensor.project_id, sensor.id, gather_readings(readings))


def read_chunks(plan: ImportPlan, *, now: datetime, readings: int = CHUNK_READINGS) -> Iterator[Chunk]:
    """The file's rows in chunks of so many readings at most, give or take those of one row.

    Args:
        plan: of the file.
        now: readings from the time after it are bad.
        readings: in a chunk.
    """
    limit = max(1, readings // len(plan.targets))
    chunk = Chunk([[] for _ in plan.targets])
    read = _RowReader(plan, now).read
    for line, time_cell, cells in list_rows(plan.table, plan.layout):
        chunk.rows += 1
        if cells is not None and time_cell is not None:
            read(chunk, line, time_cell, cells)
        elif cells is None:
            _reject(chunk, line, BrokenRow("its quotes do not end, or cannot be read"))
        else:
            _reject(chunk, line, BrokenRow(f"it ends before the time, after {len(cells)} cells"))
        if chunk.rows >= limit:
            yield chunk
            chunk = Chunk([[] for _ in plan.targets])
    if chunk.rows:
        yield chunk


def _reject(chunk: Chunk, line: int, error: SiteproofError) -> None:
    chunk.bad_rows += 1
    chunk.bad.append(BadRow(line, error.code, error.detail))


class _RowReader:
    """Reads one row into a chunk; everything that it needs stands ready, for there are millions."""

    def __init__(self, plan: ImportPlan, now: datetime) -> None:
        self._targets = [
            (each.column.index, each.scale, each.shift, (each.scale, each.shift) != (1, 0), each.column.title)
            for each in plan.targets
        ]
        self._width = len(plan.layout.columns)
        self._missing, self._missing_values = MISSING_MARKS | plan.missing, _list_numbers(plan.missing)
        self._read_time, self._read_number = plan.times, make_reader(plan.mark)
        self._headings = {_strip(cells) for cells in plan.layout.headings}
        self._now, self._latest = now, now + MAX_AHEAD

    def read(self, chunk: Chunk, line: int, time_cell: str, cells: list[str]) -> None:
        """Put a row's readings, or what is wrong with it, into a chunk."""
        try:
            t = self._find_moment(line, time_cell, cells)
        except SiteproofError as error:
            # The heading again, where files were put together, is no bad row.
            if _strip(cells) not in self._headings:
                _reject(chunk, line, error)
            return
        values, errors = [], len(chunk.bad)
        for place, (index, scale, shift, converts, _) in enumerate(self._targets):
            try:
                value: float | None = self._read_number(cells[index])
            except (NotANumber, IndexError) as error:
                self._note(chunk, line, place, cells, error)
                value = None
            if value in self._missing_values:
                chunk.missing += 1
                value = None
            if value is not None:
                if converts:
                    value = scale * value + shift
                chunk.readings[place].append(GaugeReading(t, value, False, None))  # noqa: FBT003 - a tuple's field
            values.append(value)
        chunk.bad_rows += len(chunk.bad) > errors
        chunk.last = last = (line, t, values)
        if chunk.first is None:
            chunk.first = last

    def _find_moment(self, line: int, time_cell: str, cells: list[str]) -> datetime:
        if len(cells) > self._width and any(map(str.strip, cells[self._width :])):
            raise BrokenRow(f"it has {len(cells)} cells where there are {self._width} columns")
        t = self._read_time(time_cell, line)
        if not EARLIEST <= t <= self._latest:
            require_plausible(t, arrived_at=self._now)
        return t

    def _note(self, chunk: Chunk, line: int, place: int, cells: list[str], error: Exception) -> None:
        """Take note of a cell that is no number: a value is missing, or there is something wrong."""
        index, title = self._targets[place][0], self._targets[place][-1]
        if isinstance(error, NotANumber) and cells[index].strip().casefold() in self._missing:
            chunk.missing += 1
        elif isinstance(error, NotANumber):
            chunk.bad.append(BadRow(line, error.code, f"column {title!r}: {error.detail}"))
        else:
            chunk.bad.append(BadRow(line, BrokenRow.code, f"it ends before column {title!r}, after {len(cells)} cells"))


def _list_numbers(texts: Iterable[str]) -> frozenset[float]:
    """The numbers among texts."""
    found = set()
    for text in texts:
        try:
            found.add(float(text.replace(",", ".")))
        except ValueError:
            continue
    return frozenset(found)


def _strip(cells: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    stripped = [cell.strip() for cell in cells]
    while stripped and not stripped[-1]:
        stripped.pop()
    return tuple(stripped)


def describe_import(plan: ImportPlan, result: ImportResult) -> dict[str, Any]:
    """A file's plan and what became of it, JSON-ready."""
    layout = plan.layout
    return {
        "file": plan.name,
        "encoding": getattr(plan.table, "encoding", None),
        "encoding_evidence": getattr(plan.table, "evidence", None),
        "sheet": getattr(plan.table, "sheet", None),
        "delimiter": layout.delimiter or None,
        "decimal": plan.mark.mark.value,
        "decimal_evidence": plan.mark.evidence,
        "time_columns": [each.title for each in layout.time_columns],
        "date_evidence": list(plan.date_evidence),
        "time_zone": plan.zone_evidence,
        "columns": [
            {"column": each.column.title, "sensor_id": each.registered.sensor.id, "unit": each.evidence}
            for each in plan.targets
        ],
        "left_out": [each.title for each in plan.left_out],
        "first": _describe_row(result.first),
        "last": _describe_row(result.last),
        "rows": result.rows,
        "readings": result.readings,
        "missing": result.missing,
        "bad_rows": result.bad_rows,
        "bad_codes": dict(result.bad_codes),
        "bad": [{"line": each.line, "code": each.code, "detail": each.detail} for each in result.bad],
        "stored": result.stored,
        "duplicate": result.duplicate,
        "dead": result.dead,
        "findings": result.findings,
    }


def _describe_row(row: ReadRow | None) -> dict[str, Any] | None:
    if row is None:
        return None
    line, t, values = row
    return {"line": line, "t": t.isoformat().replace("+00:00", "Z"), "values": values}
