"""How a logger's table is laid out: what divides its columns, where its rows begin, which columns hold what.

Told from the first rows by what their cells can be, and never by the words of the headings alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from iot.logger_number import MISSING_MARKS
from iot.logger_question import UnknownColumn, UnknownDelimiter, UnknownTimeColumn
from iot.logger_table import BLANKS, SheetTable, Table, TextTable, split_lines
from iot.logger_time import EPOCHS, SERIALS, is_date_only, is_epoch, is_time, is_time_only, tidy
from iot.unit_spelling import is_unmistakable, read_unit, split_heading

DELIMITERS: Final = (",", ";", "\t", "|", BLANKS)
DELIMITER_NAMES: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "blank": BLANKS}
_SAMPLE: Final = 300  # lines that the layout is told from
_MAX_HEADING_ROWS: Final = 6
_ENOUGH: Final = 0.5  # of a column's sample cells must be what it is taken for; the others are bad
_STATIONS: Final = {"TOA5", "TOACI1"}  # the first line of Campbell's loggers is as wide as a heading, and none
_NUMERIC: Final = frozenset("0123456789+-.,eE '’ −")


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        index: from 0.
        heading: as it stands, the lines of a heading over several joined.
        names: by which a person may call it: the heading and its parts, with and without the unit.
        unit_text: as it is spelt there; None where there is none.
    """

    index: int
    heading: str
    names: frozenset[str]
    unit_text: str | None

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return self.heading or f"#{self.index + 1}"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is laid out.

    Attributes:
        delimiter: between columns; empty in a workbook.
        first_line: of the rows.
        headings: the rows of the heading, as they stand.
        columns: all of them.
        time_columns: one, or a date's and a time of day's.
        value_columns: whose cells are numbers.
        sample: cells of the first rows.
    """

    delimiter: str
    first_line: int
    headings: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]
    time_columns: tuple[Column, ...]
    value_columns: tuple[Column, ...]
    sample: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The sample as one delimiter divides it."""

    delimiter: str
    rows: list[tuple[int, list[str]]]
    first: int | None
    is_data: int
    clean: float


def parse_delimiter(text: str) -> str:
    """A delimiter by its sign or its name.

    Raises:
        UnknownDelimiter: it is none that we read.
    """
    found = DELIMITER_NAMES.get(text, "\t" if text == "\\t" else text)
    if found not in DELIMITERS:
        raise UnknownDelimiter(f"--delimiter is one of {', '.join(DELIMITER_NAMES)}, not {text[:20]!r}")
    return found


def find_layout(table: Table, *, delimiter: str | None, time_columns: Sequence[str], time_format: str | None) -> Layout:
    """How a table is laid out, told from its first rows.

    Args:
        table: opened.
        delimiter: a person's word.
        time_columns: what a person called the column of times, or those of dates and times of day.
        time_format: of EPOCHS or SERIALS, where a person said that times are numbers.

    Raises:
        UnknownDelimiter: several fit, or none.
        UnknownTimeColumn: there is no column of times, or there are several.
        UnknownColumn: a column that was named is not there.
    """
    counts_days = time_format in SERIALS or time_format in EPOCHS
    is_forced = bool(time_columns) or counts_days
    if isinstance(table, SheetTable):
        reading = _read("", _plain(islice(table.rows(), _SAMPLE)), is_forced=is_forced)
    else:
        reading = _choose(table, delimiter, is_forced=is_forced)
    if reading.first is None:
        raise UnknownTimeColumn("no row has both a time and a number: name the column of times with --time-column")
    data = [[tidy(cell) for cell in cells] for _, cells in reading.rows[reading.first :]]
    # What most rows have, because one with a decimal comma between commas has more.
    [(width, _)] = Counter(_width(cells) for cells in data).most_common(1)
    headings = _find_headings([cells for _, cells in reading.rows[: reading.first]], width)
    if isinstance(table, TextTable) and not headings:
        headings = _find_commented_heading(table, reading, width)
    width = max([width, *(_width(each) for each in headings)])
    columns = tuple(_make_column(index, headings) for index in range(width))
    times = _find_times(columns, data, named=time_columns, is_counted=counts_days)
    values = tuple(each for each in columns if each not in times and _holds_numbers(data, each.index))
    return Layout(
        delimiter=reading.delimiter,
        first_line=reading.rows[reading.first][0],
        headings=tuple(tuple(each) for each in headings),
        columns=columns,
        time_columns=times,
        value_columns=values,
        sample=tuple(tuple(cells) for cells in data),
    )


def find_column(columns: Sequence[Column], wanted: str) -> Column | None:
    """The column that a person calls so, by its heading, a part of it, or its number such as #2; None if there is none.

    Raises:
        UnknownColumn: there are several.
    """
    key = _fold(wanted)
    if key.startswith("#") and key[1:].isdigit():
        return next((each for each in columns if each.index + 1 == int(key[1:])), None)
    exact = [each for each in columns if _fold(each.heading) == key]
    found = exact or [each for each in columns if key in each.names]
    if len(found) > 1:
        numbers = ", ".join(f"#{each.index + 1}" for each in found)
        raise UnknownColumn(f"{len(found)} columns are called {wanted!r}: say which by its number, {numbers}")
    return found[0] if found else None


def _fold(text: str) -> str:
    return " ".join(tidy(text).split()).casefold()


def _plain(rows: Iterable[tuple[int, object]]) -> list[tuple[int, list[str]]]:
    return [(number, cells) for number, cells in rows if isinstance(cells, list)]


def _choose(table: TextTable, delimiter: str | None, *, is_forced: bool) -> _Reading:
    lines = list(islice(table.lines(), _SAMPLE))
    stated = None
    if lines and lines[0][1].casefold().startswith("sep=") and len(lines[0][1]) == len("sep=;"):
        stated, lines = lines[0][1][-1], lines[1:]
    if delimiter is not None or stated in DELIMITERS:
        chosen = delimiter or stated or ""
        return _read(chosen, _plain(split_lines(lines, chosen)), is_forced=is_forced)
    readings = [_read(each, _plain(split_lines(lines, each)), is_forced=is_forced) for each in DELIMITERS]
    best = max(readings, key=_rank)
    equal = [each for each in readings if _rank(each) == _rank(best)]
    if best.is_data and len(equal) > 1:
        names = [name for name, sign in DELIMITER_NAMES.items() if sign in {each.delimiter for each in equal}]
        raise UnknownDelimiter(f"{' and '.join(names)} divide its rows equally well: say --delimiter", candidates=names)
    return best


def _rank(reading: _Reading) -> tuple[int, float, bool]:
    """How well a delimiter fits; blanks divide what tabs divide too, and come last."""
    return reading.is_data, reading.clean, reading.delimiter != BLANKS


def _read(delimiter: str, rows: list[tuple[int, list[str]]], *, is_forced: bool) -> _Reading:
    judged = [_is_data([tidy(cell) for cell in cells], is_forced=is_forced) for _, cells in rows]
    first = next((place for place, is_data in enumerate(judged) if is_data), None)
    cells = [tidy(cell) for (_, row), is_data in zip(rows, judged, strict=True) if is_data for cell in row]
    clean = sum(_is_number(cell) or is_time(cell) or is_time_only(cell) for cell in cells) / max(1, len(cells))
    return _Reading(delimiter, rows, first, sum(judged), clean)


def _is_data(cells: Sequence[str], *, is_forced: bool) -> bool:
    """Whether a row has a time and a place for a value, as headings and titles have not."""
    times = [cell for cell in cells if is_time(cell) or is_epoch(cell)]
    numbers = [cell for cell in cells if _is_number(cell) and not is_time(cell)]
    if is_forced:
        return len(numbers) + len(times) >= max(2, len([cell for cell in cells if cell]) / 2)
    if not times:
        return False
    filled = [cell for cell in cells if cell]
    # A row without a value begins with its time; a line such as `Start;2022-04-11;` does not.
    return len([each for each in numbers if each]) > sum(map(is_epoch, times)) or (filled == times and cells[0] != "")


def _is_number(cell: str) -> bool:
    return cell.casefold() in MISSING_MARKS or (_NUMERIC.issuperset(cell) and any(each.isdigit() for each in cell))


def _width(cells: Sequence[str]) -> int:
    """How many cells there are before the empty ones at the end."""
    return max((place for place, cell in enumerate(cells, 1) if cell.strip()), default=0)


def _find_headings(before: list[list[str]], width: int) -> list[list[str]]:
    """The rows right above the data that fill its columns."""
    headings: list[list[str]] = []
    for cells in reversed(before[-_MAX_HEADING_ROWS:]):
        filled = sum(1 for cell in cells if cell.strip())
        if cells[0].strip() in _STATIONS:
            break
        if filled < min(2, width) or (width > 2 and filled * 2 < width):  # noqa: PLR2004 - a title stands alone
            break
        headings.insert(0, [tidy(cell) for cell in cells])
    return headings


def _find_commented_heading(table: TextTable, reading: _Reading, width: int) -> list[list[str]]:
    """A heading behind a comment's sign, as numpy and some loggers write it: the last comment before the rows."""
    before = [line for number, line in islice(table.lines(), _SAMPLE) if number < reading.rows[reading.first or 0][0]]
    for line in reversed(before):
        if line.startswith(("#", "//")):
            cells = _cells(line.lstrip("#/ "), reading.delimiter)
            if _width(cells) == width:
                return [[tidy(cell) for cell in cells]]
    return []


def _cells(line: str, delimiter: str) -> list[str]:
    return next((cells for _, cells in _plain(split_lines([(1, line)], delimiter))), [])


def _make_column(index: int, headings: Sequence[Sequence[str]]) -> Column:
    parts = [row[index] for row in headings if index < len(row) and row[index]]
    # A row of a heading over several whose cells are units: so it is even where the word alone could be a name.
    alone = [part for part in parts[1:] if is_unmistakable(part) or (read_unit(part) is not None and part != "-")]
    names, unit_text = set(), None
    for part in parts:
        name, unit = split_heading(part)
        names |= {part, name}
        unit_text = unit or unit_text
    heading = " ".join(parts)
    names |= {heading, split_heading(heading)[0], " ".join(part for part in parts if part not in alone)}
    folded = frozenset(_fold(each) for each in names if each and each not in alone)
    return Column(index, heading, folded, (alone[-1] if alone else None) or unit_text)


def _find_times(
    columns: Sequence[Column], data: Sequence[Sequence[str]], *, named: Sequence[str], is_counted: bool
) -> tuple[Column, ...]:
    if named:
        found = [find_column(columns, each) for each in named]
        for each, name in zip(found, named, strict=True):
            if each is None:
                raise UnknownColumn(f"no column is called {name!r}; there are {list_titles(columns)}")
        return tuple(each for each in found if each is not None)
    dates = [each for each in columns if _share(data, each.index, is_date_only)]
    whole = [each for each in columns if each not in dates and _share(data, each.index, is_time)]
    clocks = [each for each in columns if _share(data, each.index, is_time_only)]
    if len(whole) == 1:
        return (whole[0],)
    if not whole and len(dates) == 1 and len(clocks) <= 1:
        return (dates[0], *clocks)
    counted = [each for each in columns if _share(data, each.index, is_epoch)]
    if not whole and not dates and len(counted) == 1:
        return (counted[0],)
    candidates = whole or [*dates, *clocks] or counted
    if not candidates and is_counted and columns:
        return (columns[0],)
    if not candidates:
        raise UnknownTimeColumn(f"none of its columns holds times: {list_titles(columns)}")
    raise UnknownTimeColumn(
        f"several columns hold times: {list_titles(candidates)}; say --time-column, twice for a date's and a time's",
        candidates=[each.title for each in candidates],
    )


def _share(data: Sequence[Sequence[str]], index: int, test: Callable[[str], bool]) -> bool:
    cells = [cells[index] for cells in data if index < len(cells) and cells[index]]
    return bool(cells) and sum(map(test, cells)) >= _ENOUGH * len(cells)


def _holds_numbers(data: Sequence[Sequence[str]], index: int) -> bool:
    cells = [cells[index] for cells in data if index < len(cells)]
    counts = Counter(_is_number(cell) for cell in cells)
    return counts[True] >= _ENOUGH * len(cells) and any(cell for cell in cells)


def list_titles(columns: Iterable[Column]) -> str:
    """Columns for a sentence, each with its number, by which it can be named too."""
    return ", ".join(f"{each.heading!r} (#{each.index + 1})" for each in columns) or "none"
