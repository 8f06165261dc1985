"""Delimiters, headings and columns, told from the first rows."""

import io

import pytest

from iot.logger_file import TableFile
from iot.logger_layout import Layout, find_column, find_layout
from iot.logger_question import UnknownColumn, UnknownDelimiter, UnknownTimeColumn
from iot.logger_table import BrokenRow, TextTable, split_lines

ROWS = "\n".join(f"2022-04-11 08:3{minute}:00,{minute}.5" for minute in range(3)) + "\n"


def make_table(text: str) -> TextTable:
    """A table of this text."""
    return TextTable(TableFile("t.csv", is_workbook=False, open=lambda: io.BytesIO(text.encode())), "utf-8", "")


def find(text: str, *, delimiter: str | None = None, times: tuple[str, ...] = ()) -> Layout:
    """The layout of this text."""
    return find_layout(make_table(text), delimiter=delimiter, time_columns=times, time_format=None)


def titles(layout: Layout) -> tuple[list[str], list[str]]:
    """Of the columns of times and of values."""
    return [each.title for each in layout.time_columns], [each.title for each in layout.value_columns]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_find_layout__delimiters(delimiter: str) -> None:
    """Each is told by the rows that it makes."""
    text = f"Time{delimiter}S1 (mm)\n" + ROWS.replace(",", delimiter)
    layout = find(text)
    assert layout.delimiter == delimiter
    assert titles(layout) == (["Time"], ["S1 (mm)"])
    assert layout.first_line == 2


def test_find_layout__decimal_commas_between_semicolons() -> None:
    """The comma divides no columns there."""
    layout = find("Zeit;Setzung (mm);Temp\n11.04.2022 08:36:24;1,6;-0,5\n11.04.2022 08:36:25;1,7;0,5\n")
    assert layout.delimiter == ";"
    assert len(layout.columns) == 3


def test_find_layout__blanks() -> None:
    """Date and time of day are columns of their own then."""
    layout = find("Date Time S1\n2022-04-11 08:36:24  1.5\n2022-04-11 08:36:25 11.5\n")
    assert layout.delimiter == " "
    assert titles(layout) == (["Date", "Time"], ["S1"])


def test_find_layout__title_comments_and_heading_over_several_lines() -> None:
    """As Campbell's TOA5 has it: the station, names, units, and what was done."""
    head = '"TOA5","Bridge","CR1000"\n"TIMESTAMP","RECORD","S1_Avg","T1"\n"TS","RN","mm","Deg C"\n"","","Avg","Smp"\n'
    layout = find(head + '"2022-04-11 08:36:00",0,1.5,"NAN"\n"2022-04-11 08:37:00",1,1.6,3.5\n')
    assert layout.first_line == 5
    assert [each.title for each in layout.time_columns] == ["TIMESTAMP TS"]
    column = find_column(layout.columns, "S1_Avg")
    assert column is not None
    assert column.unit_text == "mm"
    assert find_column(layout.columns, "#4") == layout.columns[3]
    assert layout.columns[3].unit_text == "Deg C"


def test_find_layout__preamble_and_units_of_chinese_make() -> None:
    """What stands before the heading is no heading; a blank heading at the end is no column."""
    text = "设备编号：A-17\n导出时间：2026-01-05 10:00:00\n\n时间,沉降（mm）,\n# 校准\n" + ROWS
    layout = find(text)
    assert titles(layout) == (["时间"], ["沉降(mm)"])
    assert layout.first_line == 6
    column = find_column(layout.columns, "沉降")
    assert column is not None
    assert column.unit_text == "mm"


def test_find_layout__heading_behind_a_comment_sign() -> None:
    """As numpy writes it."""
    assert titles(find("# made by hand\n# Time,S1 (mm)\n" + ROWS)) == (["Time"], ["S1 (mm)"])


def test_find_layout__no_heading() -> None:
    """Columns have numbers."""
    assert titles(find(ROWS)) == (["#1"], ["#2"])


def test_find_layout__stated_by_the_file() -> None:
    """Excel's own first line."""
    assert find("sep=;\nTime;S1\n" + ROWS.replace(",", ";")).delimiter == ";"


def test_find_layout__epoch_column() -> None:
    """Milliseconds since 1970 are times by their size."""
    assert titles(find("ts,S1\n1649666184897,1.5\n1649666185897,1.6\n")) == (["ts"], ["S1"])


def test_find_layout__two_columns_of_times__asks() -> None:
    """When it was measured, or when it was received."""
    text = (
        "Time,Received,S1\n2022-04-11 08:36:24,2022-04-11 09:00:00,1.5\n2022-04-11 08:36:25,2022-04-11 09:00:01,1.5\n"
    )
    with pytest.raises(UnknownTimeColumn, match="'Received'"):
        find(text)
    assert titles(find(text, times=("Time",)))[0] == ["Time"]
    with pytest.raises(UnknownColumn):
        find(text, times=("When",))


def test_find_layout__no_times() -> None:
    """Seconds since a start that nobody states are no times."""
    with pytest.raises(UnknownTimeColumn):
        find("t (s),S1\n0.01,1.5\n0.02,1.6\n")


def test_find_layout__equal_delimiters__asks() -> None:
    """Two that make the same sense."""
    with pytest.raises(UnknownDelimiter, match="--delimiter"):
        find("2022-04-11|5\n2022-04-12|6\n".replace("|", ";") + "2022-04-13|7\n2022-04-14|8\n")


def test_find_column__two_of_one_name__asks_for_the_number() -> None:
    """Loggers name channels alike."""
    layout = find("Time,S (mm),S (mm)\n2022-04-11 08:36:24,1.5,2.5\n")
    with pytest.raises(UnknownColumn, match="#2, #3"):
        find_column(layout.columns, "S")
    assert find_column(layout.columns, "#3") == layout.columns[2]
    assert find_column(layout.columns, "T") is None


def test_split_lines__quotes() -> None:
    """A heading over two lines is one row; a quote that does not end spoils its own line and no other."""
    lines = [
        (1, 'Time,"S1'),
        (2, '(mm)"'),
        (3, '2022-04-11,"1,5"'),
        (4, '2022-04-12,"2'),
        *[(n, "a,b") for n in range(5, 9)],
    ]
    rows = list(split_lines(lines, ","))
    assert rows[0] == (1, ["Time", "S1 (mm)"])
    assert rows[1] == (3, ["2022-04-11", "1,5"])
    assert rows[2][0] == 4
    assert isinstance(rows[2][1], BrokenRow)
    assert rows[3:] == [(n, ["a", "b"]) for n in range(5, 9)]
