import numpy as np
import pytest

from vision.plane_line import fit_line, measure_gaps


def test_measure_gaps__parallel_and_turned__is_across_the_mean_direction() -> None:
    """Lines x = 0, x = 100, and x = 250 + y from y = 0 to 10: in its pair the middle is y = 5, where it is at 255."""
    lines = np.array([[0, 0], [0, 10], [100, 0], [100, 10], [250, 0], [250, 10]], float)
    assert measure_gaps(lines) == pytest.approx([100, 150])
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert measure_gaps(lines @ turn.T) == pytest.approx([100, 150])
    # Of ends in another order the distance is the same.
    assert measure_gaps(lines[[0, 1, 2, 3]]) == pytest.approx([100])


def test_fit_line__with_a_gross_error__leaves_it_out() -> None:
    """The line u = 3 + 0.5 v; one of ten points is 40 off."""
    v = np.arange(10.0)
    u = 3 + 0.5 * v
    u[4] += 40
    fit = fit_line(v, u, least_spread=0.1)
    assert fit is not None
    assert (fit.offset, fit.slope) == pytest.approx((3, 0.5))
    assert not fit.kept[4]
    # Nine points of deviation 0.1: in their middle, 0.1 / 3.
    assert fit.deviation_at(float(v[fit.kept].mean())) == pytest.approx(0.1 / 3)


def test_fit_line__too_few__is_none() -> None:
    """Three points tell a line and nothing of their spread."""
    assert fit_line(np.arange(3.0), np.arange(3.0), least_spread=0.1) is None
    assert fit_line(np.arange(6.0), np.full(6, np.nan), least_spread=0.1) is None
