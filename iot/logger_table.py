"""Rows out of a logger's table, text or sheet, in bounded memory and as often as asked."""

import csv
import io
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain, islice
from typing import Any, ClassVar, Final

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from domain.errors import Invalid
from iot.logger_encoding import find_encoding, require_encoding
from iot.logger_file import TableFile, UnreadableFile
from iot.logger_question import UnknownSheet

BLANKS: Final = " "  # the delimiter of columns that any number of blanks divides
_COMMENTS: Final = ("#", "//")
_MAX_JOINED: Final = 4  # lines that a quoted heading may go over
Row = tuple[int, list[str]]


class BrokenRow(Invalid):
    """A line whose quotes do not end, or with more cells than there are headings."""

    code: ClassVar[str] = "import.broken_row"


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table of text.

    Attributes:
        file: whose bytes it is.
        encoding: Python's name.
        evidence: what proves the encoding.
    """

    file: TableFile
    encoding: str
    evidence: str

    def lines(self) -> Iterator[tuple[int, str]]:
        """(number, text) of the lines that are not blank, from 1, without their ends; comments among them."""
        # What a stated encoding cannot read becomes U+FFFD, which is no number: such a row is bad, and no other.
        with (
            self.file.open() as handle,
            io.TextIOWrapper(handle, self.encoding, errors="replace", newline=None) as text,
        ):
            for number, line in enumerate(text, 1):
                if line != "\n" and not line.isspace():
                    yield number, line.rstrip("\n")

    def rows(self, delimiter: str) -> Iterator[tuple[int, list[str] | BrokenRow]]:
        """(line, cells) of all but comments."""
        lines = self.lines()
        for number, line in lines:
            if '"' in line:
                yield from split_lines(chain([(number, line)], lines), delimiter)
            elif not line.startswith(_COMMENTS):
                yield number, line.split() if delimiter == BLANKS else line.split(delimiter)


def split_lines(lines: Iterable[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, list[str] | BrokenRow]]:
    """The cells of lines; a quoted cell may go over a few of them, and a quote that does not end spoils one line."""
    waiting = iter(lines)
    again: list[tuple[int, str]] = []
    while True:
        number, line = again.pop(0) if again else next(waiting, (0, ""))
        if not number:
            return
        if line.startswith(_COMMENTS):
            continue
        if '"' not in line:
            yield number, line.split() if delimiter == BLANKS else line.split(delimiter)
            continue
        parts = [(number, line)]
        while _is_open(parts) and len(parts) < _MAX_JOINED and (more := again.pop(0) if again else next(waiting, None)):
            parts.append(more)
        if _is_open(parts):
            again = parts[1:] + again
            yield number, BrokenRow("a quote does not end")
        else:
            yield number, _split_quoted("\n".join(text for _, text in parts), delimiter)


def _is_open(parts: list[tuple[int, str]]) -> bool:
    return sum(text.count('"') for _, text in parts) % 2 == 1


def _split_quoted(text: str, delimiter: str) -> list[str] | BrokenRow:
    try:
        rows = list(csv.reader([text], delimiter=delimiter, skipinitialspace=delimiter == BLANKS))
    except csv.Error as error:
        return BrokenRow(f"its quotes cannot be read: {error}")
    return [" ".join(cell.split()) if "\n" in cell else cell for cell in (rows[0] if rows else [])]


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A sheet of a workbook; its cells become texts as a CSV would have them, with a decimal point and ISO dates.

    Attributes:
        file: whose bytes it is.
        sheet: its title.
    """

    file: TableFile
    sheet: str

    def rows(self, _delimiter: str = "") -> Iterator[tuple[int, list[str] | BrokenRow]]:
        """(row, cells) of all rows that are not empty, and no comments."""
        with self.file.open() as handle:
            workbook = _load(handle)
            try:
                sheet = workbook[self.sheet]
                sheet.reset_dimensions()  # which some loggers' programs write wrongly
                for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
                    cells = [_write(value) for value in values]
                    if any(cells) and not cells[0].startswith(_COMMENTS):
                        yield number, cells
            except (KeyError, ValueError, zipfile.BadZipFile, SyntaxError) as error:
                raise UnreadableFile(f"the sheet cannot be read: {error}"[:200]) from error
            finally:
                workbook.close()


Table = TextTable | SheetTable


def open_table(file: TableFile, *, encoding: str | None, sheet: str | None) -> Table:
    """A file's table.

    Args:
        file: as handed in.
        encoding: a person's word.
        sheet: of a workbook, a person's word.

    Raises:
        UnknownEncoding: it is not proven, or none that we read.
        UnknownSheet: there are several, or not this one.
        UnreadableFile: it is no table.
    """
    if file.is_workbook:
        return SheetTable(file, _find_sheet(file, sheet))
    if encoding is not None:
        return TextTable(file, require_encoding(encoding), "as you said")
    with file.open() as handle:
        found = find_encoding(handle)
    return TextTable(file, found.name, found.evidence)


def _find_sheet(file: TableFile, wanted: str | None) -> str:
    with file.open() as handle:
        workbook = _load(handle)
        try:
            titles = [str(sheet.title) for sheet in workbook.worksheets]
            filled = [
                str(sheet.title)
                for sheet in workbook.worksheets
                if any(any(value is not None for value in row) for row in islice(sheet.iter_rows(values_only=True), 50))
            ]
        except (KeyError, ValueError, zipfile.BadZipFile, SyntaxError) as error:
            raise UnreadableFile(f"the workbook cannot be read: {error}"[:200]) from error
        finally:
            workbook.close()
    if wanted is not None and wanted in titles:
        return wanted
    if wanted is not None or len(filled) > 1:
        raise UnknownSheet(
            f"the workbook has the sheets {', '.join(map(repr, titles))}: say --sheet", candidates=titles
        )
    if not filled:
        raise UnreadableFile("its sheets are empty")
    return filled[0]


def _load(handle: Any) -> Any:  # noqa: ANN401 - openpyxl's types do not know a read-only workbook
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that we do not look at
            return load_workbook(handle, read_only=True, data_only=True, keep_links=False)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile, InvalidFileException, SyntaxError) as error:
        raise UnreadableFile(f"the workbook cannot be read: {error}"[:200]) from error


def _write(value: object) -> str:
    """A cell's value as text."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)  # noqa: PLR2004 - a double's digits
    return " ".join(str(value).split())
