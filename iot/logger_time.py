"""Times of loggers' files: from a cell's text to a moment in UTC, through zones with their gaps and repeated hours.

Which number of a date is the day is proven in `iot.logger_date`, before.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.errors import Invalid, SiteproofError
from iot.logger_date import DATE_PATTERN, DateKind, make_date, take_apart
from iot.logger_question import UnknownTimeFormat, UnknownZone

_TIME: Final = (
    r"(?P<before>上午|下午|[AaPp][Mm] )?\s*(?P<hour>\d{1,2})[:时](?P<minute>\d{2})"
    r"(?:[:分](?P<second>\d{2})(?:[.,:](?P<fraction>\d{1,12}))?秒?|分)?\s*(?P<after>[AaPp]\.?[Mm]\.?(?![A-Za-z]))?"
)
_ZONE: Final = r"(?P<zone>[Zz]|UTC|GMT|(?:UTC|GMT)?\s?[+-](?:1[0-4]|0?\d)(?::?[0-5]\d)?)"
_CELL: Final = re.compile(rf"(?P<date>{DATE_PATTERN}|\d{{8}})(?:(?:[Tt\s]\s*|\s*,\s*|(?<=日)){_TIME}\s*{_ZONE}?)?")
_COMPACT: Final = re.compile(r"(\d{8})[Tt_\s-]?(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d{1,12}))?)?([Zz])?")
_TIME_ONLY: Final = re.compile(rf"{_TIME}\s*{_ZONE}?")
_DATE_ONLY: Final = re.compile(rf"{DATE_PATTERN}|\d{{8}}")
_MIDNIGHT: Final = " 00:00:00"  # what a workbook's date has behind it where the time stands in a column of its own
_NUMBER: Final = re.compile(r"(\d{5,19})(?:\.(\d{1,12})\d*)?")
_COUNT: Final = re.compile(r"(\d{1,19})(?:\.(\d*))?")
_OFFSET: Final = re.compile(r"(?:UTC|GMT)?\s?([+-])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_HEADING_ZONE: Final = re.compile(
    r"(?<![A-Za-z])(?:(?:UTC|GMT)\s?[+-]\d{1,2}(?::?\d{2})?|UTC|GMT(?![+-])|[+-]\d{2}:\d{2})(?![A-Za-z\d])"
)
_NAMED_OFFSETS: Final = ("北京时间", "Asia/Shanghai")
_NOON: Final = 12
_LATEST_HOUR: Final = 24  # ISO 8601 allows 24:00 for the end of a day
_MAX_OFFSET: Final = timedelta(hours=14)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Seconds since 1970 of 2000-01-01 and 2100-01-01, by which the size of a number tells what it counts.
_EPOCH_RANGE: Final = range(946_684_800, 4_102_444_800)
EPOCHS: Final = {"epoch-s": 0, "epoch-ms": 3, "epoch-us": 6, "epoch-ns": 9}  # decimal places behind the second
SERIALS: Final = {"excel": datetime(1899, 12, 30), "excel1904": datetime(1904, 1, 1)}  # noqa: DTZ001 - local, like their cells


class UnreadableTime(Invalid):
    """A row's time that cannot be read, or that no moment or two moments had in its zone."""

    code: ClassVar[str] = "import.unreadable_time"


@dataclass(frozen=True, slots=True)
class CellTime:
    """A cell's time, taken apart.

    Attributes:
        date: its text.
        after_midnight: the time of day; a day for 24:00.
        zone: stated in the cell itself.
    """

    date: str
    after_midnight: timedelta
    zone: tzinfo | None


def tidy(cell: str) -> str:
    """A cell without what typography adds: full-width digits and colons, signs of one character, blanks around."""
    cell = cell.strip()
    return cell if cell.isascii() else unicodedata.normalize("NFKC", cell).strip()


def split_cell(cell: str) -> CellTime | None:
    """The parts of a tidy cell; None where it is no time."""
    if match := _COMPACT.fullmatch(cell):
        date_text, hour, minute, second, fraction, zulu = match.groups()
        after = _after_midnight(hour, minute, second, fraction, None)
        return None if after is None else CellTime(date_text, after, UTC if zulu else None)
    match = _CELL.fullmatch(cell)
    if match is None or match["date"] is None:
        return None
    if match["hour"] is None:
        return CellTime(match["date"], timedelta(0), None)
    half = match["before"] or match["after"]
    after = _after_midnight(match["hour"], match["minute"], match["second"], match["fraction"], half)
    return None if after is None else CellTime(match["date"], after, _cell_zone(match["zone"]))


def is_time(cell: str) -> bool:
    """Whether a tidy cell is a date, with or without a time of day."""
    parts = split_cell(cell)
    return parts is not None and any(make_date(parts.date, order) for order in ("YMD", "YDM", "DMY", "MDY"))


def is_date_only(cell: str) -> bool:
    """Whether a tidy cell is a date alone; a workbook's has midnight behind it."""
    return _DATE_ONLY.fullmatch(cell.removesuffix(_MIDNIGHT)) is not None and is_time(cell)


def is_time_only(cell: str) -> bool:
    """Whether a tidy cell is a time of day alone."""
    return _TIME_ONLY.fullmatch(cell) is not None


def join_cells(date_cell: str, time_cell: str) -> str:
    """One cell's text of a date's and a time's."""
    return f"{date_cell.removesuffix(_MIDNIGHT)} {time_cell}"


def _after_midnight(
    hour: str, minute: str, second: str | None, fraction: str | None, half: str | None
) -> timedelta | None:
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    if half is not None:
        if not 1 <= hours <= _NOON:
            return None
        is_afternoon = half == "下午" or half[0] in "Pp"
        hours = hours % _NOON + (_NOON if is_afternoon else 0)
    microseconds = int((fraction or "0")[:6].ljust(6, "0"))
    after = timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds)
    # A second of 60 is a leap second, which falls on the next one's beginning, as in RFC 3339's readers.
    return None if minutes > 59 or seconds > 60 or after > _LATEST_HOUR * _HOUR else after  # noqa: PLR2004 - of a clock


def _cell_zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    match = _OFFSET.fullmatch(text.strip())
    return UTC if match is None else _fixed(match)


def _fixed(match: re.Match[str]) -> tzinfo:
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    if offset > _MAX_OFFSET:
        raise UnknownZone(f"no zone is {match[0]} away from UTC")
    return timezone(-offset if match[1] == "-" else offset)


def parse_zone(text: str) -> tzinfo:
    """A zone of the IANA database, or a fixed distance from UTC such as +08:00.

    Raises:
        UnknownZone: it is neither.
    """
    if text.upper() in {"UTC", "GMT", "Z"}:
        return UTC
    if match := _OFFSET.fullmatch(text):
        return _fixed(match)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(
            f"there is no time zone {text[:60]!r}; zones are like Asia/Shanghai, Europe/Berlin, UTC or +08:00"
        ) from error


def find_heading_zone(heading: str) -> str | None:
    """The zone that a heading states, such as `Time (UTC+8)`; None where it states none."""
    if _NAMED_OFFSETS[0] in heading:
        return _NAMED_OFFSETS[1]
    match = _HEADING_ZONE.search(heading)
    return None if match is None else match[0]


def find_number_format(cells: Iterable[str], *, given: str | None) -> str | None:
    """What the numbers of a column of times count: one of EPOCHS or SERIALS; None where they are no such numbers.

    Args:
        cells: tidy ones, of rows.
        given: a person's word.

    Raises:
        UnknownTimeFormat: they could be a spreadsheet's days, or seconds since a start that nobody states.
    """
    listed = [each for each in cells if each]
    matches = [_NUMBER.fullmatch(each) for each in listed]
    if given in EPOCHS or given in SERIALS:
        return given
    if not listed or not all(matches):
        return None
    numbers = [int(match[1]) for match in matches if match is not None]
    for name, places in EPOCHS.items():
        if all(each // 10**places in _EPOCH_RANGE for each in numbers):
            return name
    if all(is_time(each) for each in listed):
        return None
    raise UnknownTimeFormat(
        f"times such as {listed[0]!r} are numbers: say --date-format excel if they are a spreadsheet's days,"
        f" or one of {', '.join((*EPOCHS, *SERIALS))}",
        candidates=[*EPOCHS, *SERIALS],
    )


def is_epoch(cell: str) -> bool:
    """Whether a tidy cell is a number that counts from 1970, by its size."""
    match = _NUMBER.fullmatch(cell)
    return match is not None and any(int(match[1]) // 10**places in _EPOCH_RANGE for places in EPOCHS.values())


@dataclass(frozen=True, slots=True)
class RepeatedHour:
    """Which of an hour's two passes a row belongs to, on a day on which clocks are set back.

    Attributes:
        line: the first row that went back; None where none did.
        is_backwards: the newest rows stand first.
    """

    line: int | None
    is_backwards: bool = False


@dataclass(slots=True)
class _Day:
    """A date's text, made ready.

    Attributes:
        start: its midnight in UTC; None where the clocks are set on it, and each of its times is looked up.
    """

    date: date
    start: datetime | None


@dataclass(slots=True)
class CivilTimes:
    """Reads dates with times of day.

    Attributes:
        orders: of each kind of date.
        zone: of times that state none; None where all must.
        repeated: of the days on which an hour comes twice.
        passes: `earlier` or `later`, where a person said to which pass all rows of a repeated hour belong.
    """

    orders: Mapping[DateKind, str]
    zone: tzinfo | None
    repeated: Mapping[date, RepeatedHour] = field(default_factory=dict)
    passes: str | None = None
    _days: dict[str, _Day] = field(default_factory=dict)

    def __call__(self, cell: str, line: int) -> datetime:
        """The moment of a cell. UTC.

        Raises:
            UnreadableTime: there is no such, or there are two.
        """
        date_text, _, time_text = cell.partition(" ")
        if not time_text:
            date_text, _, time_text = cell.partition("T")
        day = self._days.get(date_text)
        # The way of nearly all rows; what fromisoformat takes beyond `08:36:24.897` must not come here.
        if day is not None and day.start is not None and time_text[2:3] == ":" == time_text[5:6]:
            try:
                clock = time.fromisoformat(time_text)
            except ValueError:
                clock = time(tzinfo=UTC)
            if clock.tzinfo is None:
                seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
                return day.start + timedelta(0, seconds, clock.microsecond)
        return self._read(tidy(cell), line)

    def has_changes(self, date_texts: Iterable[str]) -> bool:
        """Whether the zone's clocks are set on or beside one of these dates."""
        for text in date_texts:
            try:
                if self._open(text).start is None and self.zone is not None:
                    return True
            except UnreadableTime:
                continue
        return False

    def read_local(self, cell: str) -> datetime | None:
        """A tidy cell's time in its own zone, naive; None where it cannot be read, or states its zone."""
        try:
            parts = split_cell(cell)
            if parts is None or parts.zone is not None:
                return None
            return _midnight((self._days.get(parts.date) or self._open(parts.date)).date) + parts.after_midnight
        except SiteproofError:
            return None

    def is_repeated(self, local: datetime) -> bool:
        """Whether this time was there twice."""
        if self.zone is None:
            return False
        earlier, later = (local.replace(tzinfo=self.zone, fold=fold).utcoffset() for fold in (0, 1))
        return earlier is not None and later is not None and earlier > later

    def _read(self, cell: str, line: int) -> datetime:
        parts = split_cell(cell)
        if parts is None:
            raise UnreadableTime(f"no time can be read in {cell[:60]!r}")
        day = self._days.get(parts.date) or self._open(parts.date)
        if parts.zone is not None:
            return (_midnight(day.date) + parts.after_midnight).replace(tzinfo=parts.zone).astimezone(UTC)
        if day.start is not None:
            return day.start + parts.after_midnight
        return self._look_up(_midnight(day.date) + parts.after_midnight, line)

    def _open(self, text: str) -> _Day:
        kind, _ = take_apart(text)
        day = make_date(text, self.orders.get(kind, "YMD")) if kind in self.orders or kind is DateKind.STATED else None
        if day is None:
            order = self.orders.get(kind)
            raise UnreadableTime(f"there is no day {text!r}" + (f" in the order {order}" if order else ""))
        if not date.min + _DAY < day < date.max - _DAY:
            raise UnreadableTime(f"no gauge was there on {day.isoformat()}")
        opened = _Day(day, self._find_start(day))
        if len(self._days) < 100_000:  # noqa: PLR2004 - 270 years of days
            self._days[text] = opened
        return opened

    def _find_start(self, day: date) -> datetime | None:
        if self.zone is None:
            return None
        midnight = _midnight(day)
        # A day and the hours around it, because the clocks of some zones are set at midnight.
        offsets = {self.zone.utcoffset(midnight + hour * _HOUR) for hour in range(-3, 28)}
        return (midnight - (offsets.pop() or timedelta(0))).replace(tzinfo=UTC) if len(offsets) == 1 else None

    def _look_up(self, local: datetime, line: int) -> datetime:
        if self.zone is None:
            raise UnreadableTime("it states no zone, as other rows do")
        earlier, later = (local.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if earlier == later:
            return earlier
        if later < earlier:
            raise UnreadableTime(
                f"{local.isoformat(sep=' ')} never was in {self.zone}, where clocks were set forward; a logger that"
                " keeps to standard time wants its distance from UTC as --time-zone, such as +01:00"
            )
        return later if self._is_second_pass(local, line) else earlier

    def _is_second_pass(self, local: datetime, line: int) -> bool:
        if self.passes is not None:
            return self.passes == "later"
        repeated = self.repeated.get(local.date())
        if repeated is None or repeated.line is None:
            raise UnreadableTime(
                f"{local.isoformat(sep=' ')} was twice in {self.zone}, where clocks were set back, and no row shows"
                " which it is: say --repeated-hour earlier or later, or as --time-zone a distance from UTC"
            )
        return (line >= repeated.line) is not repeated.is_backwards


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - local to the file's zone


@dataclass(slots=True)
class _Turns:
    """How the rows of one day's repeated hour follow each other, by the first lines of their steps."""

    last: datetime | None = None
    back: list[int] = field(default_factory=list)
    same: list[int] = field(default_factory=list)
    forth: list[int] = field(default_factory=list)

    def add(self, line: int, local: datetime) -> None:
        """Take note of a row."""
        if self.last is not None:
            steps = self.back if local < self.last else self.forth if local > self.last else self.same
            steps.append(line)
            del steps[2:]
        self.last = local

    def judge(self, *, is_backwards: bool) -> RepeatedHour:
        """Time runs one way and turns once: there the clock was set back. Anything else proves nothing."""
        turns = self.forth if is_backwards else self.back
        turns = turns or self.same
        return RepeatedHour(turns[0] if len(turns) == 1 else None, is_backwards=is_backwards)


def find_repeated_hours(rows: Iterable[tuple[int, str]], times: CivilTimes) -> dict[date, RepeatedHour]:
    """Where rows go back by an hour on the days on which their zone's clocks do.

    Args:
        rows: (line, cell) of each row of the file.
        times: that will read them.
    """
    turns: dict[date, _Turns] = {}
    first: datetime | None = None
    last: datetime | None = None
    for line, cell in rows:
        local = times.read_local(tidy(cell))
        if local is None:
            continue
        first, last = first or local, local
        if times.is_repeated(local):
            turns.setdefault(local.date(), _Turns()).add(line, local)
    is_backwards = first is not None and last is not None and last < first
    return {day: each.judge(is_backwards=is_backwards) for day, each in turns.items()}


@dataclass(frozen=True, slots=True)
class CountedTimes:
    """Reads numbers that count from a beginning: a column of EPOCHS or SERIALS.

    Attributes:
        format: which.
        civil: for the zone of a spreadsheet's days, which have none.
    """

    format: str
    civil: CivilTimes

    def __call__(self, cell: str, line: int) -> datetime:
        """The moment of a cell. UTC.

        Raises:
            UnreadableTime: it is no such number.
        """
        match = _COUNT.fullmatch(cell.strip())
        if match is None:
            raise UnreadableTime(f"{cell[:60]!r} is no number")
        try:
            if self.format in EPOCHS:
                return _UNIX + timedelta(microseconds=_count_microseconds(match, EPOCHS[self.format]))
            days = timedelta(days=float(cell))
            # A double holds a day's microseconds, and a spreadsheet shows milliseconds.
            moment = SERIALS[self.format] + timedelta(milliseconds=round(days / timedelta(milliseconds=1)))
        except (OverflowError, ValueError) as error:
            raise UnreadableTime(f"{cell[:60]!r} is no time") from error
        return self.civil(moment.isoformat(sep=" "), line)


def _count_microseconds(match: re.Match[str], places: int) -> int:
    """Digits only, because a float would not hold a microsecond of today."""
    digits = match[1] + (match[2] or "").ljust(9, "0")[:9]
    return int(int(digits) * 10**6 // 10 ** (9 + places))
