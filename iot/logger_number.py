"""Numbers of loggers' files: which mark stands before the decimals, proven by the numbers themselves, or asked."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from iot.logger_question import UnknownDecimalMark
from iot.logger_time import tidy
from iot.payload import NotANumber

_SIGN: Final = r"[+-]?"
_EXPONENT: Final = r"(?:[eE][+-]?\d{1,3})?"
_PLAIN: Final = re.compile(rf"{_SIGN}(?:\d+\.?\d*|\.\d+){_EXPONENT}", re.ASCII)
# One mark with three digits behind it and one to three before: thousands, or decimals.
_EITHER: Final = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}[.,]\d{{3}}")
_GROUPS: Final = r"\d{1,3}(?:%s\d{3})+"
_BOTH: Final = {
    ",": re.compile(rf"{_SIGN}{_GROUPS % '[.]'},\d+"),
    ".": re.compile(rf"{_SIGN}{_GROUPS % ','}[.]\d+"),
}
_MANY_GROUPS: Final = {
    ",": re.compile(rf"{_SIGN}\d{{1,3}}(?:[.]\d{{3}}){{2,}}"),
    ".": re.compile(rf"{_SIGN}\d{{1,3}}(?:,\d{{3}}){{2,}}"),
}
_DECIMALS: Final = {
    ",": re.compile(rf"{_SIGN}\d*,\d+{_EXPONENT}"),
    ".": re.compile(rf"{_SIGN}\d*[.]\d+{_EXPONENT}"),
}
_GROUPED: Final = {
    ",": re.compile(rf"{_SIGN}{_GROUPS % '[.]'}(?:,\d+)?"),
    ".": re.compile(rf"{_SIGN}{_GROUPS % ','}(?:[.]\d+)?"),
}
# Blanks and the Swiss apostrophe only ever divide thousands. NFKC makes the narrow blanks of typography plain ones.
_BLANKED: Final = re.compile(rf"({_SIGN}\d{{1,3}}(?:[ '’]\d{{3}})+)((?:[.,]\d+)?)")
_UNGROUPED: Final = re.compile(rf"{_SIGN}\d{{4,}}(?:[.,]\d*)?")
MISSING_MARKS: Final = frozenset(
    (
        *("", "-", "--", "---", "----", "–", "—", "?", "/", "\\", "*", "**", "***", "****"),
        *("nan", "n/a", "na", "n.a.", "null", "none", "nil", "missing", "no data", "nodata"),
        *("#n/a", "#na", "#value!", "#div/0!", "#num!", "#ref!"),
        *("无", "缺", "缺测", "缺失", "无数据"),
    )
)


class Mark(StrEnum):
    """What stands before the decimals."""

    POINT = "point"
    COMMA = "comma"


_SIGN_OF: Final = {Mark.POINT: ".", Mark.COMMA: ","}


@dataclass(slots=True)
class MarkSurvey:
    """What the numbers of a file show of their decimal mark: the first number, with its line, for each kind of proof.

    Attributes:
        proofs: for each mark.
        grouping: numbers with both marks, or with two of one, which show that thousands are divided.
        either: numbers that could be thousands or decimals, by the mark in them.
        ungrouped: a number above 999 whose thousands are not divided.
    """

    proofs: dict[Mark, tuple[str, int]] = field(default_factory=dict)
    grouping: dict[Mark, tuple[str, int]] = field(default_factory=dict)
    either: dict[Mark, tuple[str, int]] = field(default_factory=dict)
    ungrouped: tuple[str, int] | None = None

    def add(self, cell: str, line: int) -> None:
        """Look at a cell."""
        if Mark.POINT in self.proofs and "," not in cell:
            return
        cell = _join_groups(cell)
        if _EITHER.fullmatch(cell):
            self.either.setdefault(Mark.COMMA if "," in cell else Mark.POINT, (cell, line))
            return
        for mark, sign in _SIGN_OF.items():
            if _BOTH[sign].fullmatch(cell) or _MANY_GROUPS[sign].fullmatch(cell):
                self.grouping.setdefault(mark, (cell, line))
                self.proofs.setdefault(mark, (cell, line))
            elif _DECIMALS[sign].fullmatch(cell):
                self.proofs.setdefault(mark, (cell, line))
        if self.ungrouped is None and _UNGROUPED.fullmatch(cell):
            self.ungrouped = (cell, line)


def _join_groups(cell: str) -> str:
    """A cell with the blanks and apostrophes between its thousands taken out, and its minus made plain."""
    text = tidy(cell).replace("−", "-")
    match = _BLANKED.fullmatch(text)
    return text if match is None else re.sub(r"[ '’]", "", match[1]) + match[2]


@dataclass(frozen=True, slots=True)
class FoundMark:
    """A decimal mark.

    Attributes:
        mark: which.
        allows_groups: whether thousands may be divided by the other mark.
        evidence: what proves it.
    """

    mark: Mark
    allows_groups: bool
    evidence: str


def find_mark(survey: MarkSurvey, *, delimiter: str, given: Mark | None) -> FoundMark:
    """The decimal mark of a file's numbers.

    Args:
        survey: of all its numbers.
        delimiter: between its columns; empty where it is a workbook, whose numbers have none.
        given: a person's word.

    Raises:
        UnknownDecimalMark: nothing proves it, or there are proofs of both.
    """
    if given is not None:
        return FoundMark(given, allows_groups=True, evidence=f"a {given}, as you said")
    if len(survey.proofs) > 1:
        shown = " and ".join(f"{cell!r} (line {line})" for cell, line in survey.proofs.values())
        raise UnknownDecimalMark(f"numbers are written in two ways, {shown}: say --decimal comma or --decimal point")
    for mark, (cell, line) in survey.proofs.items():
        return FoundMark(mark, allows_groups=mark in survey.grouping, evidence=f"a {mark}, by {cell!r} (line {line})")
    if len(survey.either) > 1:
        shown = " and ".join(f"{cell!r} (line {line})" for cell, line in survey.either.values())
        raise UnknownDecimalMark(f"in {shown} thousands and decimals cannot be told: say --decimal comma or point")
    for mark, (cell, line) in survey.either.items():
        if survey.ungrouped is not None:
            shown, at = survey.ungrouped
            return FoundMark(
                mark, allows_groups=False, evidence=f"a {mark}: {shown!r} (line {at}) divides no thousands"
            )
        if mark is Mark.POINT and delimiter in {"", ",", "|"}:
            return FoundMark(mark, allows_groups=False, evidence="a point")
        raise UnknownDecimalMark(
            f"{cell!r} (line {line}) is {cell.replace(',', '').replace('.', '')} or {cell.replace(',', '.')}, and no"
            " number of the file shows which: say --decimal comma or --decimal point",
            candidates=[each.value for each in Mark],
        )
    return FoundMark(Mark.POINT, allows_groups=False, evidence="there are no decimals")


def make_reader(found: FoundMark) -> Callable[[str], float]:
    """The function that reads a cell, which is no missing mark, and raises NotANumber for what is no finite number."""
    sign, other = _SIGN_OF[found.mark], _SIGN_OF[Mark.POINT if found.mark is Mark.COMMA else Mark.COMMA]

    def read_plain(cell: str) -> float:
        """The way of nearly all cells; `float` also takes 1_000, nan and inf, which are no numbers of a logger."""
        try:
            number = float(cell)
        except ValueError:
            return read(cell)
        return number if math.isfinite(number) and "_" not in cell else read(cell)

    def read(cell: str) -> float:
        text = _join_groups(cell)
        if other in text:
            if not _GROUPED[sign].fullmatch(text):
                raise NotANumber(f"{cell[:60]!r} is no number with a decimal {found.mark}")
            if not found.allows_groups:
                raise NotANumber(f"whether {cell[:60]!r} has thousands or decimals, the file does not show")
            text = text.replace(other, "")
        text = text.replace(sign, ".")
        if not _PLAIN.fullmatch(text) or not math.isfinite(float(text)):
            raise NotANumber(f"{cell[:60]!r} is no number")
        return float(text)

    return read_plain if found.mark is Mark.POINT else read
