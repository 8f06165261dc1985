"""Day and month: proven, or asked."""

from datetime import UTC, date, datetime

import pytest

from iot.logger_date import (
    DAY_FIRST,
    MONTH_FIRST,
    DateAnswer,
    DateKind,
    DateSurvey,
    find_name_dates,
    make_date,
    parse_date_format,
    prove_orders,
    take_apart,
)
from iot.logger_question import ContradictoryDates, UnknownDateOrder

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def prove(
    *texts: str,
    name: str = "logger.csv",
    now: datetime = NOW,
    answer: DateAnswer | None = None,
    first_s: float = 0,
    last_s: float = 0,
    step_s: float | None = None,
) -> str:
    """The order of dates of one kind, one run each, whose rows go from `first_s` to `last_s` of each day."""
    survey = DateSurvey()
    for line, text in enumerate(texts, 2):
        survey.add(text, line=line, at_s=first_s)
        for number in range(1, 5):
            if step_s is not None:
                survey.add(text, line=line, at_s=first_s + number * step_s)
        survey.add(text, line=line, at_s=last_s)
    [order] = prove_orders(survey, name_dates=find_name_dates(name), now=now, answer=answer).orders.values()
    return order


def test_take_apart__ways_of_writing() -> None:
    """Months by name, Chinese signs and eight digits state which number is which."""
    assert take_apart("2022-11-04") == (DateKind.YEAR_FIRST, (2022, 11, 4))
    assert take_apart("11.04.2022") == (DateKind.YEAR_LAST, (11, 4, 2022))
    assert take_apart("11/4/22") == (DateKind.SHORT, (11, 4, 22))
    for text in ("2022年4月11日", "20220411", "11-Apr-2022", "11. April 2022", "Apr 11, 2022"):
        assert make_date(text, "YMD") == date(2022, 4, 11), text
    assert make_date("3 März 2022", "YMD") == date(2022, 3, 3)
    assert make_date("3 Foo 2022", "YMD") is None


def test_prove_orders__day_above_12() -> None:
    """25 is no month, wherever the row stands."""
    assert prove("03/04/2022", "25/04/2022") == "DMY"
    assert prove("04/03/2022", "04/25/2022") == "MDY"


def test_prove_orders__nothing_proves_it__asks_and_names_both_and_the_option() -> None:
    """One morning of 3 April, or of 4 March."""
    with pytest.raises(UnknownDateOrder) as caught:
        prove("03/04/2022")
    assert caught.value.facts["candidates"] == {"DMY": "2022-04-03", "MDY": "2022-03-04"}
    for part in ("2022-04-03", "2022-03-04", "--day-first", "--month-first", "--date-format"):
        assert part in caught.value.detail


def test_prove_orders__day_equals_month__needs_no_answer() -> None:
    """4/4 is 4 April either way."""
    assert make_date("04/04/2022", prove("04/04/2022")) == date(2022, 4, 4)


def test_prove_orders__name_of_the_file() -> None:
    """A file named after 11 April holds 11.04., and not 4 November; one named after its export proves nothing."""
    assert prove("11.04.2022", name="T_2022-04-11.csv") == "DMY"
    assert prove("04/11/2022", name="T_20220411.csv") == "MDY"
    with pytest.raises(UnknownDateOrder):
        prove("03/04/2022", name="export_2022-06-30.csv")


def test_prove_orders__name_that_is_ambiguous_itself__proves_nothing() -> None:
    """03-04-2022 in a name says no more than in a row; 25-04-2022 does."""
    assert find_name_dates("T_03-04-2022.csv") == []
    assert find_name_dates("T_25-04-2022.csv") == [date(2022, 4, 25)]
    assert find_name_dates("SN20229999_1.csv") == []


def test_prove_orders__iso_that_the_name_contradicts__asks() -> None:
    """The bridge's trap: rows say 2022-11-04, the name 2022-04-11."""
    with pytest.raises(ContradictoryDates) as caught:
        prove("2022-11-04", name="UniBw_2022-04-11_load.csv")
    assert caught.value.facts["candidates"] == {"YMD": "2022-11-04", "YDM": "2022-04-11"}
    assert prove("2022-11-04", name="UniBw_2022-04-11_load.csv", answer=DAY_FIRST) == "YDM"
    assert prove("2022-11-04", name="UniBw_2022-04-11_load.csv", answer=MONTH_FIRST) == "YMD"
    assert prove("2022-11-04", name="UniBw_2022-04-11_load.csv", answer=parse_date_format("%Y-%d-%m")) == "YDM"


def test_prove_orders__iso_after_the_name__asks() -> None:
    """A file named after a day long before all its rows contradicts them; one named after the export does not."""
    with pytest.raises(ContradictoryDates):
        prove("2022-05-20", name="UniBw_2022-04-11.csv")
    assert prove("2022-05-20", name="export_2022-06-01.csv") == "YMD"


def test_prove_orders__iso_with_one_bad_row__stays_iso() -> None:
    """A month of 13 among days above 12 is one bad row, and no proof of another order."""
    assert prove("2022-04-25", "2022-13-04") == "YMD"


def test_prove_orders__future() -> None:
    """On 1 June 2026, 05/07 of that year can only be 7 May."""
    assert prove("05/07/2026") == "MDY"


def test_prove_orders__course_of_the_rows() -> None:
    """5 June, 4 July, 6 July go forwards; 6 May, 7 April, 7 June jump about, so the day comes first.

    5 June, 4 July, 3 August go forwards, and 6 May, 7 April, 8 March backwards, as in files with the newest row first.
    """
    with pytest.raises(UnknownDateOrder):
        prove("05/06/2022", "04/07/2022", "03/08/2022")
    assert prove("05/06/2022", "04/07/2022", "06/07/2022") == "DMY"


def test_prove_orders__midnights() -> None:
    """Every ten minutes from 00:00 to 23:50: the next row is ten minutes later day first, a month later month first."""
    day = {"first_s": 0.0, "last_s": 85_800.0, "step_s": 600.0}
    assert prove("01/02/2022", "02/02/2022", **day) == "DMY"  # type: ignore[arg-type]
    assert prove("02/01/2022", "02/02/2022", **day) == "MDY"  # type: ignore[arg-type]


def test_prove_orders__proofs_against_each_other__asks() -> None:
    """25/04 and 04/25 in one column: a spreadsheet has been at it."""
    with pytest.raises(ContradictoryDates):
        prove("25/04/2022", "04/25/2022")
    with pytest.raises(ContradictoryDates):
        prove("25/04/2022", name="T_2022-03-01.csv", now=NOW, first_s=1)


def test_prove_orders__two_ways_of_writing__asks() -> None:
    """Where a spreadsheet made dates of what it could read by its own order, the other rows stayed text."""
    survey = DateSurvey()
    survey.add("2022-04-11", line=2, at_s=0)
    survey.add("13/11/2022", line=3, at_s=0)
    with pytest.raises(ContradictoryDates):
        prove_orders(survey, name_dates=[], now=NOW, answer=None)
    orders = prove_orders(survey, name_dates=[], now=NOW, answer=DAY_FIRST).orders
    assert orders == {DateKind.YEAR_FIRST: "YDM", DateKind.YEAR_LAST: "DMY"}


def test_prove_orders__answer_against_the_evidence__is_taken_and_told() -> None:
    """A person's word counts, and what speaks against it is said beside it."""
    survey = DateSurvey()
    survey.add("11.04.2022", line=2, at_s=0)
    proven = prove_orders(survey, name_dates=[date(2022, 4, 11)], now=NOW, answer=MONTH_FIRST)
    assert proven.orders == {DateKind.YEAR_LAST: "MDY"}
    assert "though the file's name says 2022-04-11" in proven.evidence[0]


def test_prove_orders__two_digit_years() -> None:
    """25/04/22 is 25 April 2022 or 22 April 2025; a name, or a day above the year's digits, decides."""
    with pytest.raises(UnknownDateOrder):
        prove("25/04/22")
    assert prove("25/04/22", name="T_2022-04-25.csv") == "DMY"
    assert prove("22-04-25", answer=parse_date_format("%y-%m-%d")) == "YMD"


def test_parse_date_format__order_alone_counts() -> None:
    """The time of day is read by itself; an order used for dates that are written otherwise answers nothing."""
    assert parse_date_format("%d.%m.%Y %H:%M:%S").orders == ("DMY",)
    assert parse_date_format("%Y-%d-%m").find(DateKind.YEAR_LAST) is None
    for text in ("%Y-%m", "dd.mm.yyyy", "%d %d %Y"):
        with pytest.raises(UnknownDateOrder):
            parse_date_format(text)
