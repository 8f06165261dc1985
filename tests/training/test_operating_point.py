"""Tests of the choice of thresholds."""

import numpy as np
import pytest

from vision.training.evaluation import Matches
from vision.training.operating_point import choose_operating_point, choose_operating_points, measure_at

# Ten boxes: six found from 0.8 up without a mistake; four more and four mistakes at 0.4.
MATCHES = Matches(
    scores=np.array([0.8] * 6 + [0.4] * 8),
    right=np.array([True] * 6 + [True] * 4 + [False] * 4),
    instances=10,
)


def test_measure_at__counts_from_the_threshold_up() -> None:
    """Precision and recall of what counts: 10 of 14 right and 10 of 10 found, then 6 of 6 and 6 of 10."""
    low, high = measure_at(MATCHES, threshold=0.4), measure_at(MATCHES, threshold=0.41)
    assert [low.precision, low.recall] == pytest.approx([10 / 14, 1.0])
    assert [high.precision, high.recall] == pytest.approx([1.0, 0.6])


def test_choose_operating_point__weight_of_a_false_accusation() -> None:
    """F1 is 0.83 low and 0.75 high, F0.5 is 0.76 low and 0.88 high: the costs decide."""
    assert choose_operating_point(MATCHES, beta=1.0).threshold <= 0.4
    assert 0.4 < choose_operating_point(MATCHES, beta=0.5).threshold <= 0.8


def test_choose_operating_points__classes_that_accuse() -> None:
    """The same matches give an accusing class the more careful threshold."""
    points = choose_operating_points({"person": MATCHES, "no_hardhat": MATCHES})
    assert points["no_hardhat"].threshold > points["person"].threshold


def test_measure_at__nothing_counts() -> None:
    """Above every score nothing is wrong and nothing is found."""
    point = measure_at(MATCHES, threshold=0.95)
    assert (point.precision, point.recall) == (1.0, 0.0)
