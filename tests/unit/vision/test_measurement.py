import numpy as np
import pytest

from domain.measurement import InvalidTolerance, Quantity, Tolerance, Verdict
from vision.measurement import Measurement, Value, parse_tolerance

TOLERANCE = Tolerance(nominal_mm=200, tolerance_mm=10)


@pytest.mark.parametrize(
    ("value_mm", "u_mm", "probability", "verdict"),
    [
        # Of a normal distribution 95.00 % lie within 1.96 deviations: 10 / 5.102 = 1.96.
        (200.0, 5.102, 0.95, Verdict.PASS),
        (200.0, 5.2, 0.9455, Verdict.CANNOT_TELL),
        # At the limit half lies within, whatever the uncertainty.
        (210.0, 1.0, 0.5, Verdict.CANNOT_TELL),
        # 1.645 deviations inside and outside of one limit: 95 % and 5 %.
        (208.35, 1.0, 0.9505, Verdict.PASS),
        (211.65, 1.0, 0.0495, Verdict.FAIL),
        (188.35, 1.0, 0.0495, Verdict.FAIL),
        (211.0, 1.0, 0.1587, Verdict.CANNOT_TELL),
    ],
)
def test_judge__by_probability__guards_both_decisions(
    value_mm: float, u_mm: float, probability: float, verdict: Verdict
) -> None:
    """Figures of the table of the normal distribution; JCGM 106, 7.3."""
    assert TOLERANCE.conformity(value_mm, u_mm) == pytest.approx(probability, abs=2e-4)
    assert TOLERANCE.judge(value_mm, u_mm) is verdict


def test_value__parts__add_in_squares() -> None:
    """3, 4 and 12 give 13; 100 +/- 1.96 x 13 = 25.48."""
    value = Value(100.0, {"pose_and_camera": 3.0, "lines": 4.0, "plane": 12.0})
    assert value.u_mm == pytest.approx(13.0)
    assert value.interval_mm == pytest.approx((74.52, 125.48))


@pytest.mark.parametrize(
    ("gaps_mm", "verdict"),
    [((200, 198, 202), Verdict.PASS), ((200, 209, 200), Verdict.CANNOT_TELL), ((200, 400, 209), Verdict.FAIL)],
)
def test_judge__several_gaps__the_worst_counts(gaps_mm: tuple[float, ...], verdict: Verdict) -> None:
    """209 with u 1 is open; 400, where a bar is missing, fails, though the mean of whole gaps passes."""
    gaps = tuple(Value(each, {"lines": 1.0}) for each in gaps_mm)
    mean = Value(200.0, {"lines": 0.5})
    measured = Measurement(Quantity.REBAR_SPACING, mean, (), np.zeros((0, 2)), gaps=gaps, missing=(0, 1, 0))
    assert measured.judge(TOLERANCE) is verdict
    told = measured.to_json(TOLERANCE)
    assert (told["verdict"], told["missing_bars"]) == (verdict.value, 1)


def test_parse_tolerance__as_typed__is_read_or_refused() -> None:
    """The sentence shows the form."""
    assert parse_tolerance("rebar_spacing:200:10") == (Quantity.REBAR_SPACING, TOLERANCE)
    for text in ("rebar_spacing:200", "colour:1:1", "width:abc:1", "width:0:1", "width:100:-1", "width:nan:1"):
        with pytest.raises(InvalidTolerance):
            parse_tolerance(text)
