"""Single EXIF values made into numbers, texts, times and positions.

Each gives None and a problem code rather than an invented value.
"""

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from domain.place import Position

_MAX_TEXT: Final = 200
_MAX_OFFSET: Final = timedelta(hours=14)  # UTC+14, Kiritimati, is the largest in use; UTC-12 the other way
# EXIF 2.32, 4.6.5: "YYYY:MM:DD HH:MM:SS"; some writers put hyphens, slashes, dots or a T.
_DATE_TIME: Final = re.compile(
    r"(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?"
    r"(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_DATE: Final = re.compile(r"(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})", re.ASCII)
_OFFSET: Final = re.compile(r"([+-])(\d{2}):?(\d{2})", re.ASCII)

Tags = Mapping[str, Any]


class ProblemList:
    """The problem codes met while one file is read, each once, in the order met."""

    def __init__(self, codes: tuple[str, ...] = ()) -> None:
        self._codes = dict.fromkeys(codes)

    def add(self, code: str) -> None:
        """Note a code."""
        self._codes[code] = None

    @property
    def codes(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self._codes)


def clean_text(value: object) -> str:
    """A text without control characters, NUL and lone surrogates, of at most 200 characters.

    Bytes that are not UTF-8 are read as GB 18030.
    """
    text = (_decode(value) if isinstance(value, bytes) else str(value))[: 4 * _MAX_TEXT]
    kept = "".join(" " if char in "\r\n\t" else char for char in text if _is_printable(char))
    return kept.strip()[:_MAX_TEXT]


def _decode(data: bytes) -> str:
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _is_printable(char: str) -> bool:
    return char in "\r\n\t" or unicodedata.category(char) not in {"Cc", "Cs", "Cf"}


def read_text(tags: Tags, name: str) -> str | None:
    """A text tag; None where it is missing or blank."""
    tag = tags.get(name)
    if tag is None or not isinstance(tag.values, str | bytes):
        return None
    return clean_text(tag.values) or None


def read_numbers(tags: Tags, name: str, problems: ProblemList) -> list[float] | None:
    """All numbers of a tag, finite; None where it is missing, and, with a problem, where one is no number."""
    tag = tags.get(name)
    if tag is None:
        return None
    values = tag.values
    if isinstance(values, str | bytes) or not values:
        problems.add("exif.not_a_number")
        return None
    numbers = [_to_float(value, problems) for value in values]
    return None if None in numbers else [number for number in numbers if number is not None]


def _to_float(value: object, problems: ProblemList) -> float | None:
    """One value as exifread gives it: an integer, a ratio whose denominator may be 0, or a float within a tuple."""
    if isinstance(value, Fraction):
        if value.denominator == 0:
            problems.add("exif.zero_denominator")
            return None
        value = value.numerator / value.denominator
    elif isinstance(value, tuple):
        value = value[0] if len(value) == 1 else None
    if not isinstance(value, int | float):
        problems.add("exif.not_a_number")
        return None
    if not math.isfinite(value):
        problems.add("exif.not_finite")
        return None
    return float(value)


def read_number(tags: Tags, name: str, problems: ProblemList) -> float | None:
    """The first number of a tag."""
    numbers = read_numbers(tags, name, problems)
    return numbers[0] if numbers else None


def read_local_time(tags: Tags, name: str, problems: ProblemList) -> tuple[datetime, timedelta | None] | None:
    """A date-and-time tag: the naive time and, where a writer put one behind it against the standard, the offset."""
    text = read_text(tags, name)
    if text is None:
        if name in tags:
            problems.add("exif.not_a_time")
        return None
    match = _DATE_TIME.fullmatch(text)
    taken = make_time(match.groups()[:6]) if match else None
    if match is None or taken is None:
        problems.add("exif.not_a_time")
        return None
    return taken, parse_offset(match.group(7)) if match.group(7) else None


def make_time(parts: Sequence[str]) -> datetime | None:
    """The naive time of year, month, day, hour, minute and second; None where there is no such time."""
    year, month, day, hour, minute, second = (int(part) for part in parts)
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone is told apart
    except ValueError:
        return None


def parse_offset(text: str) -> timedelta | None:
    """An offset written `+08:00`, `+0800` or `Z`; None for anything else and beyond 14 hours."""
    if text == "Z":
        return timedelta(0)
    match = _OFFSET.fullmatch(text)
    if match is None or int(match.group(3)) >= 60:  # noqa: PLR2004
        return None
    offset = timedelta(hours=int(match.group(2)), minutes=int(match.group(3)))
    if offset > _MAX_OFFSET:
        return None
    return -offset if match.group(1) == "-" else offset


def read_offset(tags: Tags, names: tuple[str, ...], problems: ProblemList) -> timedelta | None:
    """The first of these offset tags that says something. Blank ones mean "unknown" in the standard."""
    for name in names:
        text = read_text(tags, name)
        if text is None or not text.strip(" :"):
            continue
        offset = parse_offset(text)
        if offset is not None:
            return offset
        problems.add("exif.not_a_time")
    return None


def read_gps_time(tags: Tags, problems: ProblemList) -> datetime | None:
    """GPSDateStamp and GPSTimeStamp together, UTC; None where either is missing."""
    date = read_text(tags, "GPS GPSDate")
    if date is None or "GPS GPSTimeStamp" not in tags:
        return None
    clock = read_numbers(tags, "GPS GPSTimeStamp", problems)
    match = _DATE.fullmatch(date)
    if clock is None or match is None or len(clock) != 3:  # noqa: PLR2004
        problems.add("exif.not_a_time")
        return None
    hour, minute, second = clock
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 61):  # noqa: PLR2004 - 60 is a leap second
        problems.add("exif.not_a_time")
        return None
    try:
        day = datetime(*(int(part) for part in match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
        return day + timedelta(hours=hour, minutes=minute, seconds=second)
    except (ValueError, OverflowError):
        problems.add("exif.not_a_time")
        return None


def read_position(tags: Tags, problems: ProblemList) -> Position | None:
    """The GPS position with its accuracy, altitude and direction; None, with a problem, where it makes no sense."""
    if "GPS GPSLatitude" not in tags and "GPS GPSLongitude" not in tags:
        return None
    lat = _read_angle(tags, "GPS GPSLatitude", signs={"N": 1, "S": -1}, limit=90, problems=problems)
    lon = _read_angle(tags, "GPS GPSLongitude", signs={"E": 1, "W": -1}, limit=180, problems=problems)
    if lat is None or lon is None:
        return None
    return Position(
        lon=lon,
        lat=lat,
        accuracy_m=_read_accuracy(tags, problems),
        source="exif",
        given_lon=lon,
        given_lat=lat,
        altitude_m=_read_altitude(tags, problems),
        bearing_deg=_read_bearing(tags, problems),
    )


def _read_angle(tags: Tags, name: str, *, signs: dict[str, int], limit: float, problems: ProblemList) -> float | None:
    """Degrees, minutes and seconds with their hemisphere as signed degrees [deg]."""
    parts = read_numbers(tags, name, problems)
    if parts is None:
        if name not in tags:
            problems.add("exif.gps_incomplete")
        return None
    sign = signs.get((read_text(tags, name + "Ref") or "")[:1].upper())
    if sign is None:
        problems.add("exif.gps_incomplete")  # without its hemisphere a number could be either of two places
        return None
    # Writers round seconds up to 60 and give minutes with decimals, so 60 itself is let pass.
    if len(parts) > 3 or parts[0] < 0 or any(not 0 <= part <= 60 for part in parts[1:]):  # noqa: PLR2004
        problems.add("exif.gps_out_of_range")
        return None
    angle = sum(part / 60**place for place, part in enumerate(parts))
    if angle > limit:
        problems.add("exif.gps_out_of_range")
        return None
    return sign * angle if angle else 0.0


def _read_accuracy(tags: Tags, problems: ProblemList) -> float | None:
    """GPSHPositioningError, EXIF 2.31, tag 0x001F, which exifread does not name. A value of 0 says nothing [m]."""
    accuracy_m = read_number(tags, "GPS Tag 0x001F", problems)
    return accuracy_m if accuracy_m is not None and accuracy_m > 0 else None


def _read_altitude(tags: Tags, problems: ProblemList) -> float | None:
    """GPSAltitude, negative where its reference says below sea level [m]."""
    altitude_m = read_number(tags, "GPS GPSAltitude", problems)
    if altitude_m is None:
        return None
    reference = tags.get("GPS GPSAltitudeRef")
    is_below = reference is not None and list(reference.values)[:1] in ([1], ["1"])
    return -altitude_m if is_below else altitude_m


def _read_bearing(tags: Tags, problems: ProblemList) -> float | None:
    """GPSImgDirection where it is from true north.

    From magnetic north it is off by the declination, so it is left out [deg].
    """
    bearing_deg = read_number(tags, "GPS GPSImgDirection", problems)
    if bearing_deg is None:
        return None
    if not 0 <= bearing_deg <= 360:  # noqa: PLR2004
        problems.add("exif.gps_out_of_range")
        return None
    if (read_text(tags, "GPS GPSImgDirectionRef") or "")[:1].upper() != "T":
        problems.add("exif.magnetic_bearing")
        return None
    return bearing_deg % 360
