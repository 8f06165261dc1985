"""Dates of loggers' files, and which of their numbers is the day: proven by evidence, or asked.

A year of four digits that stands first is followed by the month (ISO 8601) unless something contradicts it. In any
other order nothing is taken for granted: evidence must leave one reading alone, or a person must say.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Final

from iot.logger_question import ContradictoryDates, ImportQuestion, UnknownDateOrder

_DAY_S: Final = 86_400.0
_SLACK: Final = timedelta(days=1)  # between a file's name and its rows: midnight, and zones
_MAX_RUNS: Final = 20_000  # changes of date that are remembered: 54 years of days
_STEPS: Final = 500  # rows by whose distance the usual interval is told
_MAX_STEP_S: Final = 6 * 3600.0  # longer, and a night is no more telling than a gap [s]
_FLOWING: Final = 3.0  # intervals that may lie between the last row of a day and the first of the next
_MIN_DATES_FOR_COURSE: Final = 3  # two dates are in order, one way or the other, however they are read
_CENTURY: Final = 2000  # no gauge's record is older
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär mrz", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), 1
    )
    for name in names.split()
}
_NUMBERS: Final = re.compile(r"(\d+)[-/.](\d+)[-/.](\d+)")
_CHINESE: Final = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日?")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_DAY_NAME: Final = re.compile(r"(\d{1,2})[-/. ]*([^\W\d]{3,9})[-/., ]*(\d{4})")
_NAME_DAY: Final = re.compile(r"([^\W\d]{3,9})\.? +(\d{1,2}),? +(\d{4})")
_NAME_ISO: Final = re.compile(r"(?<!\d)(20\d{2})([-_.]?)(\d{2})\2(\d{2})(?!\d)")
_NAME_LAST: Final = re.compile(r"(?<!\d)(\d{1,2})([-_.])(\d{1,2})\2(20\d{2})(?!\d)")

DATE_PATTERN: Final = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日?|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})(?!\d)"
    r"|\d{1,2}[-/. ]?[^\W\d]{3,9}[-/., ]{1,2}\d{4}|[^\W\d]{3,9}\.? +\d{1,2},? +\d{4}"
)


class DateKind(StrEnum):
    """How a date is written, as far as it shows which number is the day."""

    STATED = "stated"  # 2022年4月11日, 11 Apr 2022, 20220411
    YEAR_FIRST = "year first"
    YEAR_LAST = "year last"
    SHORT = "two-digit year"


_CANDIDATES: Final[Mapping[DateKind, tuple[str, ...]]] = {
    DateKind.STATED: ("YMD",),
    DateKind.YEAR_FIRST: ("YMD", "YDM"),
    DateKind.YEAR_LAST: ("DMY", "MDY"),
    DateKind.SHORT: ("DMY", "MDY", "YMD"),
}
_WORDS: Final = {
    "YMD": "year, month, day",
    "YDM": "year, day, month",
    "DMY": "day, month, year",
    "MDY": "month, day, year",
}


@dataclass(frozen=True, slots=True)
class DateAnswer:
    """What a person said of the dates: orders such as DMY, each used where the dates are written so that it can be."""

    orders: tuple[str, ...]

    def find(self, kind: DateKind) -> str | None:
        """The order of dates of this kind; None where nothing was said."""
        return next((each for each in self.orders if each in _CANDIDATES[kind]), None)


DAY_FIRST: Final = DateAnswer(("YDM", "DMY"))  # the day stands before the month
MONTH_FIRST: Final = DateAnswer(("YMD", "MDY"))


def parse_date_format(text: str) -> DateAnswer:
    """The order in a format such as `%Y-%d-%m` or `%d.%m.%y %H:%M`; its time of day is not needed.

    Raises:
        UnknownDateOrder: it does not have one each of year, month and day.
    """
    order = "".join(each.upper() for each in re.findall(r"%([YymdB])", text.replace("%B", "%m").replace("%b", "%m")))
    if order not in _WORDS:
        raise UnknownDateOrder(
            f"--date-format has %Y or %y, %m and %d in their order, such as %Y-%d-%m or %d.%m.%Y, not {text[:40]!r}"
        )
    return DateAnswer((order,))


@lru_cache(maxsize=65_536)
def take_apart(text: str) -> tuple[DateKind, tuple[int, int, int]]:
    """How a text of DATE_PATTERN, or of eight digits, is written, and its numbers as they stand; of STATED: Y, M, D.

    A month's name that is none gives the month 0, which no date has.
    """
    if match := _COMPACT.fullmatch(text) or _CHINESE.fullmatch(text):
        return DateKind.STATED, (int(match[1]), int(match[2]), int(match[3]))
    if match := _NUMBERS.fullmatch(text):
        first, second, third = int(match[1]), int(match[2]), int(match[3])
        if len(match[1]) == 4:  # noqa: PLR2004 - digits of a year
            return DateKind.YEAR_FIRST, (first, second, third)
        return DateKind.YEAR_LAST if len(match[3]) == 4 else DateKind.SHORT, (first, second, third)  # noqa: PLR2004 - likewise
    if match := _DAY_NAME.fullmatch(text):
        return DateKind.STATED, (int(match[3]), _MONTHS.get(match[2][:3].casefold(), 0), int(match[1]))
    if match := _NAME_DAY.fullmatch(text):
        return DateKind.STATED, (int(match[3]), _MONTHS.get(match[1][:3].casefold(), 0), int(match[2]))
    return DateKind.STATED, (0, 0, 0)


def make_date(text: str, order: str) -> date | None:
    """The date of a text, its numbers in this order; None where there is no such day."""
    kind, numbers = take_apart(text)
    parts = dict(zip("YMD" if kind is DateKind.STATED else order, numbers, strict=True))
    year = parts["Y"] + (_CENTURY if kind is DateKind.SHORT else 0)
    try:
        return date(year, parts["M"], parts["D"])
    except ValueError:
        return None


def find_name_dates(name: str) -> list[date]:
    """The dates that a file's name states in one way only, each once."""
    found: list[date] = []
    for match in _NAME_ISO.finditer(name):
        found += _dates([(match[1], match[3], match[4])])
    for match in _NAME_LAST.finditer(name):
        both = _dates([(match[4], match[3], match[1]), (match[4], match[1], match[3])])
        if len(set(both)) == 1:
            found += both[:1]
    return list(dict.fromkeys(found))


def _dates(triples: Iterable[tuple[str, str, str]]) -> list[date]:
    found = []
    for year, month, day in triples:
        try:
            found.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return found


@dataclass(slots=True)
class DateRun:
    """Rows that follow each other with the same date.

    Attributes:
        text: of the date.
        line: of the first of them.
        first_s: its time of day. [s]
        last_s: of the last of them. [s]
    """

    text: str
    line: int
    first_s: float
    last_s: float


@dataclass(slots=True)
class DateSurvey:
    """The dates of a file in the order of its rows, and the usual interval between rows of one day."""

    runs: list[DateRun] = field(default_factory=list)
    steps_s: list[float] = field(default_factory=list)

    def add(self, text: str, *, line: int, at_s: float) -> None:
        """Take note of a row's date and time of day [s]."""
        run = self.runs[-1] if self.runs else None
        if run is not None and run.text == text:
            if len(self.steps_s) < _STEPS and at_s != run.last_s:
                self.steps_s.append(abs(at_s - run.last_s))
            run.last_s = at_s
        elif len(self.runs) < _MAX_RUNS:
            self.runs.append(DateRun(text, line, at_s, at_s))

    @property
    def step_s(self) -> float | None:
        """The usual interval; None where no day has two rows. [s]."""
        return median(self.steps_s) if self.steps_s else None


@dataclass(frozen=True, slots=True)
class ProvenOrders:
    """The order of each kind of date that a file has, and what proves it."""

    orders: Mapping[DateKind, str]
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Testimony:
    """What one look at the dates says.

    Attributes:
        allows: the orders that it leaves.
        sentence: for a person.
    """

    allows: frozenset[str]
    sentence: str


def prove_orders(
    survey: DateSurvey, *, name_dates: Sequence[date], now: datetime, answer: DateAnswer | None
) -> ProvenOrders:
    """The order of day and month, by a person's answer or by evidence.

    Args:
        survey: of all rows.
        name_dates: of the file's name.
        now: no reading is younger.
        answer: a person's.

    Raises:
        UnknownDateOrder: nothing proves it.
        ContradictoryDates: the dates contradict each other, their course or the file's name.
    """
    kinds = sorted({take_apart(run.text)[0] for run in survey.runs})
    if answer is None and len(kinds) > 1:
        samples = ", ".join(repr(run.text) for run in _one_of_each(survey.runs))
        raise ContradictoryDates(
            f"dates are written in several ways ({samples}): a spreadsheet may have turned day and month round in some"
            " of them; say --day-first or --month-first if that holds for all, or mend the file"
        )
    orders, evidence = {}, []
    for kind in kinds:
        said = None if answer is None else answer.find(kind)
        runs = [run for run in survey.runs if take_apart(run.text)[0] is kind]
        if said is not None:
            heard = _hear(runs, kind, step_s=survey.step_s, name_dates=name_dates, now=now)
            against = "; ".join(each.sentence for each in heard if said not in each.allows)
            orders[kind], sentence = said, f"{_WORDS[said]}, as you said{', though ' if against else ''}{against}"
        else:
            orders[kind], sentence = _prove(runs, kind, step_s=survey.step_s, name_dates=name_dates, now=now)
        evidence.append(sentence)
    return ProvenOrders(orders, tuple(evidence))


def _one_of_each(runs: Sequence[DateRun]) -> list[DateRun]:
    return list({take_apart(run.text)[0]: run for run in reversed(runs)}.values())


def _prove(
    runs: Sequence[DateRun], kind: DateKind, *, step_s: float | None, name_dates: Sequence[date], now: datetime
) -> tuple[str, str]:
    candidates = _CANDIDATES[kind]
    # What no order reads is no evidence: such rows are bad, whatever the order.
    runs = [run for run in runs if any(make_date(run.text, order) for order in candidates)]
    if not runs:
        return candidates[0], "no date can be read"
    heard = _hear(runs, kind, step_s=step_s, name_dates=name_dates, now=now)
    left = frozenset(candidates).intersection(*(each.allows for each in heard)) if heard else frozenset(candidates)
    sentences = "; ".join(each.sentence for each in heard)
    if not left or (kind is DateKind.YEAR_FIRST and "YMD" not in left):
        raise _ask(ContradictoryDates, runs, candidates, f"they contradict what else is known: {sentences}")
    if kind is DateKind.YEAR_FIRST:
        return "YMD", f"year, month, day by ISO 8601; {sentences or 'nothing contradicts it'}"
    first = next(order for order in candidates if order in left)
    if len(left) == 1:
        return first, f"{_WORDS[first]}: {sentences or 'it is written so'}"
    if all(len({make_date(run.text, order) for order in left}) == 1 for run in runs):
        return first, "day and month are the same number in all dates"
    raise _ask(UnknownDateOrder, runs, sorted(left), f"nothing proves which{': ' + sentences if sentences else ''}")


def _hear(
    runs: Sequence[DateRun], kind: DateKind, *, step_s: float | None, name_dates: Sequence[date], now: datetime
) -> list[_Testimony]:
    """All that speaks for or against an order."""
    candidates = _CANDIDATES[kind]
    runs = [run for run in runs if any(make_date(run.text, order) for order in candidates)]
    heard = (
        _hear_validity(runs, candidates),
        _hear_future(runs, candidates, now),
        _hear_course(runs, candidates),
        _hear_midnights(runs, candidates, step_s),
        _hear_name(runs, candidates, name_dates),
    )
    return [each for each in heard if each is not None]


def _ask(error: type[ImportQuestion], runs: Sequence[DateRun], orders: Sequence[str], why: str) -> ImportQuestion:
    text = runs[0].text
    candidates = {order: day.isoformat() for order in orders if (day := make_date(text, order)) is not None}
    shown = " or ".join(f"{day} ({_WORDS[order]})" for order, day in candidates.items())
    return error(
        f"{text!r} (line {runs[0].line}) is {shown}; {why}. Say --day-first, --month-first or --date-format, such as"
        f" {_example(next(reversed(candidates)), text)}",
        candidates=candidates,
    )


def _example(order: str, text: str) -> str:
    year = "%y" if take_apart(text)[0] is DateKind.SHORT else "%Y"
    mark = next((each for each in text if not each.isalnum()), "-")
    return mark.join({"Y": year, "M": "%m", "D": "%d"}[each] for each in order)


def _hear_validity(runs: Sequence[DateRun], candidates: Sequence[str]) -> _Testimony | None:
    """A month above 12 is none: the one proof that needs nothing else."""
    broken = {order: [run for run in runs if make_date(run.text, order) is None] for order in candidates}
    allows = frozenset(order for order, found in broken.items() if not found)
    if len(allows) == len(candidates):
        return None
    if not allows and "YDM" in candidates:
        # Days above 12 prove ISO 8601; a month above 12 among them is one bad row.
        allows = frozenset({"YMD"})
    shown = [found[0] for found in broken.values() if found]
    return _Testimony(
        allows, " and ".join(f"{run.text!r} (line {run.line}) can be read in one way" for run in shown[:2])
    )


def _hear_future(runs: Sequence[DateRun], candidates: Sequence[str], now: datetime) -> _Testimony | None:
    latest = now.date() + _SLACK
    ahead = {order: _span(runs, order)[1] > latest for order in candidates}
    if not any(ahead.values()) or all(ahead.values()):
        return None  # Rows ahead of time in every order are bad, whatever the order.
    allows = frozenset(order for order in candidates if not ahead[order])
    late = next(order for order in candidates if ahead[order])
    return _Testimony(allows, f"as {_WORDS[late]} they would reach {_span(runs, late)[1]}, which is yet to come")


def _hear_course(runs: Sequence[DateRun], candidates: Sequence[str]) -> _Testimony | None:
    """Rows go forwards in time, or backwards; an order by which they jump about is not the one they were written in."""
    if len({run.text for run in runs}) < _MIN_DATES_FOR_COURSE:
        return None
    allows = frozenset(order for order in candidates if _is_in_order(runs, order))
    if len(allows) in {0, len(candidates)}:
        return None
    return _Testimony(allows, f"as {_WORDS[min(allows)]} the rows follow each other in time, else they jump about")


def _is_in_order(runs: Sequence[DateRun], order: str) -> bool:
    days = [day for run in runs if (day := make_date(run.text, order)) is not None]
    ordered = sorted(days)
    return days in (ordered, ordered[::-1])


def _hear_midnights(runs: Sequence[DateRun], candidates: Sequence[str], step_s: float | None) -> _Testimony | None:
    """Where the date changes, the rows go on at their usual interval by one order, and after weeks by the other."""
    if step_s is None or step_s > _MAX_STEP_S or len(runs) < 2:  # noqa: PLR2004 - it takes two to have a midnight
        return None
    flowing = {order: _count_flowing(runs, order, step_s) for order in candidates}
    midnights = len(runs) - 1
    allows = frozenset(order for order, count in flowing.items() if count * 2 >= midnights)
    if len(allows) != 1 or sum(count > 0 for count in flowing.values()) > 1:
        return None
    order = next(iter(allows))
    return _Testimony(
        allows,
        f"as {_WORDS[order]} the rows go on at {flowing[order]} of {midnights} changes of date at their usual interval"
        f" of {step_s:g} s, else at none",
    )


def _count_flowing(runs: Sequence[DateRun], order: str, step_s: float) -> int:
    count = 0
    for before, after in pairwise(runs):
        first, second = make_date(before.text, order), make_date(after.text, order)
        if first is not None and second is not None:
            gap_s = (second - first).days * _DAY_S + after.first_s - before.last_s
            count += 0 < abs(gap_s) <= _FLOWING * step_s
    return count


def _hear_name(runs: Sequence[DateRun], candidates: Sequence[str], name_dates: Sequence[date]) -> _Testimony | None:
    """A file that is named after a day holds that day, or was written after its rows."""
    if not name_dates:
        return None
    spans = {order: _span(runs, order) for order in candidates}
    shown = ", ".join(each.isoformat() for each in name_dates)
    holding = frozenset(
        order for order, (first, last) in spans.items() if any(first <= each <= last for each in name_dates)
    )
    if holding:
        return _Testimony(holding, f"the file's name says {shown}, which as {_WORDS[min(holding)]} the rows hold")
    later = frozenset(
        order for order, (first, _) in spans.items() if any(each >= first - _SLACK for each in name_dates)
    )
    return _Testimony(
        later, f"the file's name says {shown}, " + ("later than the rows" if later else "before all rows")
    )


def _span(runs: Sequence[DateRun], order: str) -> tuple[date, date]:
    days = [day for run in runs if (day := make_date(run.text, order)) is not None]
    return (min(days), max(days)) if days else (date.max - _SLACK, date.min + _SLACK)
