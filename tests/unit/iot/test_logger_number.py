"""Numbers: the decimal mark proven, or asked."""

import pytest

from iot.logger_number import Mark, MarkSurvey, find_mark, make_reader
from iot.logger_question import UnknownDecimalMark
from iot.payload import NotANumber


def survey(*cells: str) -> MarkSurvey:
    """What these cells show."""
    found = MarkSurvey()
    for line, cell in enumerate(cells, 2):
        found.add(cell, line)
    return found


def read(cell: str, *others: str, delimiter: str = ";", given: Mark | None = None) -> float:
    """A cell's number in a file with these others."""
    return make_reader(find_mark(survey(cell, *others), delimiter=delimiter, given=given))(cell)


@pytest.mark.parametrize(
    ("cell", "others", "number"),
    [
        ("1,5", [], 1.5),
        ("-0,125", [], -0.125),
        ("1.5", [], 1.5),
        ("1234.567", [], 1234.567),
        ("1.234,5", [], 1234.5),
        ("1,234.5", [], 1234.5),
        ("1.234", ["1.234.567,8"], 1234.0),
        ("1 234,5", [], 1234.5),
        ("1\u202f234,5", [], 1234.5),
        ("12'345.6", [], 12345.6),
        ("1.5e-3", [], 0.0015),
        ("−2,5", [], -2.5),
        ("233,929", ["0,5"], 233.929),
        ("233,929", ["12345"], 233.929),
        ("7", [], 7.0),
        ("+.5", [], 0.5),
    ],
)
def test_read__proven(cell: str, others: list[str], number: float) -> None:
    """The numbers themselves show what the marks mean."""
    assert read(cell, *others) == number


def test_find_mark__thousands_or_decimals__asks() -> None:
    """1,234 is a thousand or one; so is 1.234 where a comma could be the mark."""
    for cells, delimiter in (
        (("1,234", "2,345"), ","),
        (("1,234",), ";"),
        (("1.234", "2.345"), ";"),
        (("1.234",), "\t"),
    ):
        with pytest.raises(UnknownDecimalMark, match="--decimal") as caught:
            find_mark(survey(*cells), delimiter=delimiter, given=None)
        assert caught.value.code == "import.unknown_decimal_mark"


def test_find_mark__point_between_commas__is_the_mark() -> None:
    """Where commas divide the columns, they do not stand before decimals."""
    assert read("1.234", delimiter=",") == 1.234


def test_find_mark__both__asks() -> None:
    """Commas in some rows and points in others prove nothing."""
    with pytest.raises(UnknownDecimalMark):
        find_mark(survey("1,5", "1.5"), delimiter=";", given=None)
    with pytest.raises(UnknownDecimalMark):
        find_mark(survey("1,234", "1.234"), delimiter=";", given=None)


def test_read__answer() -> None:
    """A person's word settles it, thousands too."""
    assert read("1,234", given=Mark.COMMA) == 1.234
    assert read("1,234", given=Mark.POINT) == 1234.0


@pytest.mark.parametrize("cell", ["1_000", "inf", "1e999", "0x10", "12 mm", "1,2,3", "12,34.5", "OVER", "1.2.3"])
def test_read__what_is_no_number(cell: str) -> None:
    """Bad cells say so, whatever Python's own float would take."""
    with pytest.raises(NotANumber):
        make_reader(find_mark(survey("0.5"), delimiter=",", given=None))(cell)


def test_read__thousands_that_the_file_does_not_show__are_bad() -> None:
    """With a decimal comma proven, a lone 1.234 may be a thousand, or a slip: it is not taken for either."""
    with pytest.raises(NotANumber, match="thousands or decimals"):
        read("1.234", "0,5")
