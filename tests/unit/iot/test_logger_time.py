"""Times of cells, in zones whose clocks are set."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from iot.logger_date import DateKind
from iot.logger_question import UnknownTimeFormat, UnknownZone
from iot.logger_time import (
    CivilTimes,
    CountedTimes,
    UnreadableTime,
    find_heading_zone,
    find_number_format,
    find_repeated_hours,
    is_date_only,
    is_time,
    is_time_only,
    join_cells,
    parse_zone,
)

ORDERS = {DateKind.YEAR_FIRST: "YMD", DateKind.YEAR_LAST: "DMY"}
BERLIN = ZoneInfo("Europe/Berlin")


def read(cell: str, zone: str = "UTC", line: int = 1) -> str:
    """A cell's moment in UTC."""
    return CivilTimes(ORDERS, parse_zone(zone))(cell, line).isoformat()


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2022-04-11 08:36:24.897", "2022-04-11T08:36:24.897000+00:00"),
        ("2022-04-11T08:36:24Z", "2022-04-11T08:36:24+00:00"),
        ("2022-04-11 08:36:24,5", "2022-04-11T08:36:24.500000+00:00"),
        ("2022-04-11T08:36:24+08:00", "2022-04-11T00:36:24+00:00"),
        ("2022-04-11 08:36:24 UTC+8", "2022-04-11T00:36:24+00:00"),
        ("11.04.2022 08:36", "2022-04-11T08:36:00+00:00"),
        ("11.04.2022", "2022-04-11T00:00:00+00:00"),
        ("11/4/2022 8:36:24 PM", "2022-04-11T20:36:24+00:00"),
        ("11/4/2022 12:00 am", "2022-04-11T00:00:00+00:00"),
        ("2022/4/11 下午 8:36:24", "2022-04-11T20:36:24+00:00"),
        ("2022年4月11日 08时36分24秒", "2022-04-11T08:36:24+00:00"),
        ("２０２２－０４－１１ ０８：３６：２４", "2022-04-11T08:36:24+00:00"),
        ("20220411083624", "2022-04-11T08:36:24+00:00"),
        ("20220411T0836", "2022-04-11T08:36:00+00:00"),
        ("2022-04-11 24:00:00", "2022-04-12T00:00:00+00:00"),
        ("11-Apr-2022 08:36:24", "2022-04-11T08:36:24+00:00"),
    ],
)
def test_civil_times__ways_of_writing(cell: str, moment: str) -> None:
    """What loggers and spreadsheets write."""
    assert read(cell) == moment


@pytest.mark.parametrize("cell", ["", "never", "2022-02-30 00:00", "2022-04-11 25:00", "2022-04-11 08:61:00", "13:00"])
def test_civil_times__what_is_no_time(cell: str) -> None:
    """A row's own error, with a code."""
    with pytest.raises(UnreadableTime):
        read(cell)


def test_civil_times__second_row_of_a_day__is_read_as_strictly_as_the_first() -> None:
    """The fast way of known days takes nothing that the slow way refuses."""
    times = CivilTimes(ORDERS, UTC)
    assert times("2022-04-11 08:36:24", 1) == datetime(2022, 4, 11, 8, 36, 24, tzinfo=UTC)
    assert times("2022-04-11 08:36:25.25", 2) == datetime(2022, 4, 11, 8, 36, 25, 250_000, tzinfo=UTC)
    assert times("2022-04-11 08:36:25+02:00", 3) == datetime(2022, 4, 11, 6, 36, 25, tzinfo=UTC)
    for cell in ("2022-04-11 08:36:2x", "2022-04-11 08:99:00", "2022-04-11 08:"):
        with pytest.raises(UnreadableTime):
            times(cell, 4)


def test_civil_times__zone() -> None:
    """Munich in April is two hours ahead of UTC, China eight at all times."""
    assert read("2022-04-11 08:36:24.897", "Europe/Berlin") == "2022-04-11T06:36:24.897000+00:00"
    assert read("2022-04-11 08:36:24", "Asia/Shanghai") == "2022-04-11T00:36:24+00:00"
    assert read("2022-04-11 08:36:24", "-03:30") == "2022-04-11T12:06:24+00:00"
    for text in ("Mars/Olympus", "+25:00", ""):
        with pytest.raises(UnknownZone):
            parse_zone(text)


def test_civil_times__hour_that_never_was() -> None:
    """On 27 March 2022 Berlin's clocks went from 02:00 to 03:00."""
    assert read("2022-03-27 01:59:59", "Europe/Berlin") == "2022-03-27T00:59:59+00:00"
    assert read("2022-03-27 03:00:00", "Europe/Berlin") == "2022-03-27T01:00:00+00:00"
    with pytest.raises(UnreadableTime, match="never was"):
        read("2022-03-27 02:30:00", "Europe/Berlin")


AUTUMN = "2022-10-30 "  # Berlin's clocks went from 03:00 CEST back to 02:00 CET, at 01:00 UTC


def convert(*clock_times: str, passes: str | None = None) -> list[str]:
    """Hours and minutes in UTC of rows on that day; `?` where it cannot be told."""
    times = CivilTimes(ORDERS, BERLIN, passes=passes)
    rows = [(line, AUTUMN + clock) for line, clock in enumerate(clock_times, 2)]
    assert times.has_changes(["2022-10-30"])
    times.repeated = find_repeated_hours(rows, times)
    found = []
    for line, cell in rows:
        try:
            found.append(times(cell, line).strftime("%H:%M"))
        except UnreadableTime:
            found.append("?")
    return found


def test_repeated_hour__rows_go_back_once() -> None:
    """02:00 and 02:30 CEST are 00:00 and 00:30 UTC, then CET 01:00 and 01:30."""
    rows = ("01:30", "02:00", "02:30", "02:00", "02:30", "03:00")
    utc = ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]
    assert convert(*rows) == utc
    assert convert(*reversed(rows)) == utc[::-1]


def test_repeated_hour__one_row_an_hour() -> None:
    """02:00 comes twice in a row."""
    assert convert("01:00", "02:00", "02:00", "03:00") == ["23:00", "00:00", "01:00", "02:00"]


def test_repeated_hour__rows_that_do_not_show_it__cannot_be_told() -> None:
    """A gap of an hour looks the same as a logger that keeps standard time."""
    assert convert("01:30", "02:00", "02:30", "03:00") == ["23:30", "?", "?", "02:00"]
    assert convert("02:30", "02:00", "02:30", "02:00", "02:30", "03:00") == ["?", "?", "?", "?", "?", "02:00"]


def test_repeated_hour__person_says() -> None:
    """Their word counts for all rows."""
    assert convert("02:00", "02:30", passes="earlier") == ["00:00", "00:30"]
    assert convert("02:00", "02:30", passes="later") == ["01:00", "01:30"]


def test_find_heading_zone() -> None:
    """What headings say, and what only looks like it."""
    assert find_heading_zone("Time (UTC)") == "UTC"
    assert find_heading_zone("Zeit [UTC+01:00]") == "UTC+01:00"
    assert find_heading_zone("时间（北京时间）") == "Asia/Shanghai"
    assert find_heading_zone("GMT+8 time") == "GMT+8"
    assert find_heading_zone("Time (-)") is None
    assert find_heading_zone("OUTCOME") is None


def test_find_number_format() -> None:
    """By size: seconds, milliseconds, microseconds or nanoseconds of this century; anything smaller is asked."""
    assert find_number_format(["1649666184", "1649666184.897"], given=None) == "epoch-s"
    assert find_number_format(["1649666184897"], given=None) == "epoch-ms"
    assert find_number_format(["1649666184897000"], given=None) == "epoch-us"
    assert find_number_format(["1649666184897000000"], given=None) == "epoch-ns"
    assert find_number_format(["2022-04-11"], given=None) is None
    assert find_number_format(["20220411"], given=None) is None
    with pytest.raises(UnknownTimeFormat, match="excel"):
        find_number_format(["44662.3586"], given=None)


def test_counted_times() -> None:
    """1649666184 is 2022-04-11T08:36:24Z (date -u -d @1649666184); day 44662 of Excel is 2022-04-11."""
    assert CountedTimes("epoch-s", CivilTimes({}, None))("1649666184.897", 1).isoformat() == (
        "2022-04-11T08:36:24.897000+00:00"
    )
    assert CountedTimes("epoch-ns", CivilTimes({}, None))("1649666184897001999", 1).isoformat() == (
        "2022-04-11T08:36:24.897001+00:00"
    )
    days = CountedTimes("excel", CivilTimes(ORDERS, parse_zone("+08:00")))
    assert days("44662.5", 1).isoformat() == "2022-04-11T04:00:00+00:00"
    # The systems of 1900 and 1904 lie 1462 days apart (Microsoft, KB 214330).
    assert CountedTimes("excel1904", CivilTimes(ORDERS, UTC))("43200.5", 1).isoformat() == "2022-04-11T12:00:00+00:00"
    with pytest.raises(UnreadableTime):
        days("-1", 1)


def test_parts__date_and_time_of_day_in_columns_of_their_own() -> None:
    """A workbook's date has midnight behind it."""
    assert is_date_only("2022-04-11")
    assert is_date_only("2022-04-11 00:00:00")
    assert is_time_only("08:36:24")
    assert not is_time("08:36:24")
    assert not is_time("1.6")
    assert read(join_cells("2022-04-11 00:00:00", "08:36:24")) == "2022-04-11T08:36:24+00:00"
