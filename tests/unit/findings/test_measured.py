from typing import Any
from uuid import UUID

import pytest

from domain.measurement import Quantity, Tolerance, Verdict
from findings.measured import PhotoVerdict, judge_photo

BOARD = "aruco:DICT_6X6_1000:5x4:37.5mm:5mm"
WANTED = Tolerance(200.0, 10.0)


def length(value_mm: float, **more: object) -> dict[str, Any]:
    """A length with a standard uncertainty of 2 mm."""
    return {
        "value_mm": value_mm,
        "u_mm": 2.0,
        "interval_mm": [value_mm - 3.92, value_mm + 3.92],
        "uncertainty_parts_mm": {"plane": 2.0},
        **more,
    }


def judge(*told: dict[str, Any], board: str = BOARD) -> PhotoVerdict | None:
    """What a photo with these measurements of spacing says."""
    measurements = [{"quantity": "rebar_spacing", "board": BOARD, "code": None, **each} for each in told]
    return judge_photo(UUID(int=1), measurements, quantity=Quantity.REBAR_SPACING, tolerance=WANTED, board=board)


@pytest.mark.parametrize(
    ("value_mm", "verdict", "code"),
    [
        # 210 mm is the limit; 1.645 x 2 = 3.29 mm inside it passes at 95 %, as much outside it fails.
        (206.6, Verdict.PASS, None),
        (206.8, Verdict.CANNOT_TELL, "measurement.undecided"),
        (213.2, Verdict.CANNOT_TELL, "measurement.undecided"),
        (213.4, Verdict.FAIL, None),
    ],
)
def test_judge_photo__near_a_limit__is_decided_where_it_is_95_percent_sure(
    value_mm: float, verdict: Verdict, code: str | None
) -> None:
    """The uncertainty counts as much as the value."""
    judged = judge(length(value_mm), length(200.0))
    assert judged is not None
    assert (judged.verdict, judged.code) == (verdict, code)


def test_judge_photo__one_gap_fails__fails_with_the_figures_of_that_gap() -> None:
    """The worst counts, as with a tape; a bar that is missing is named with it."""
    first = length(200.0, direction="1", gaps=[length(200.0, missing_bars=0), length(201.0, missing_bars=0)])
    second = length(200.0, direction="2", gaps=[length(200.0, missing_bars=0), length(400.0, missing_bars=1)])
    judged = judge(first, second)
    assert judged is not None
    assert judged.verdict is Verdict.FAIL
    assert judged.figures == {
        "direction": "2",
        "value_mm": 400.0,
        "u_mm": 2.0,
        "interval_mm": [396.08, 403.92],
        "missing_bars": 1,
    }


def test_judge_photo__bars_of_one_direction__cannot_pass_and_can_fail() -> None:
    """Of the others nothing is known; what is seen to be wrong is wrong all the same."""
    alone, wide = judge(length(200.0, direction="1")), judge(length(230.0, direction="1"))
    assert alone is not None
    assert (alone.verdict, alone.code) == (Verdict.CANNOT_TELL, "rebar.one_direction")
    assert wide is not None
    assert wide.verdict is Verdict.FAIL


def test_judge_photo__not_measured__cannot_tell_with_its_code() -> None:
    """The code of the measurement goes on to the gate."""
    judged = judge({"verdict": "cannot_tell", "code": "board.bent"})
    assert judged == PhotoVerdict(UUID(int=1), Quantity.REBAR_SPACING, Verdict.CANNOT_TELL, "board.bent", {})


def test_judge_photo__another_board_or_nothing__says_nothing() -> None:
    """A value by another board than the one that is required now is none."""
    assert judge(length(200.0), board="apriltag:36h11:5x4:37.5mm:5mm") is None
    assert judge() is None
