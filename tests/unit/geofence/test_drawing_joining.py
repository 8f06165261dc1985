import numpy as np
import pytest

from geofence.drawing_joining import ForkedLine, TooManyPieces, join_lines


def test_join_lines__pieces_in_any_order__are_one_line() -> None:
    """Three of 10 m, the last drawn backwards: the line runs as most of it was drawn."""
    pieces = [np.array(each, dtype=float) for each in ([[20, 0], [30, 0]], [[0, 0], [10, 0]], [[20, 0], [10, 0]])]
    (chain,) = join_lines(pieces, tolerance=0.05)
    assert chain.points.tolist() == [[0, 0], [10, 0], [20, 0], [30, 0]]
    assert not chain.is_ring


def test_join_lines__four_sides__are_a_ring_that_closes_exactly() -> None:
    """Ends that miss each other by less than the tolerance are one."""
    sides = [[[0, 0], [10, 0]], [[10, 0.03], [10, 10]], [[10, 10], [0, 10]], [[0, 10], [0.02, 0.01]]]
    (chain,) = join_lines([np.array(each, dtype=float) for each in sides], tolerance=0.05)
    assert chain.is_ring
    assert chain.points[0].tolist() == chain.points[-1].tolist()
    assert len(chain.points) == 5


def test_join_lines__ends_further_apart_than_the_tolerance__stay_two() -> None:
    """6 cm are a gap where 5 are allowed."""
    pieces = [np.array([[0, 0], [10, 0]], dtype=float), np.array([[10.06, 0], [20, 0]], dtype=float)]
    assert len(join_lines(pieces, tolerance=0.05)) == 2


def test_join_lines__three_ends_in_one_place__say_where() -> None:
    """Nobody can tell which goes on in which."""
    pieces = [np.array([[5, 5], end], dtype=float) for end in ([10, 5], [0, 5], [5, 10])]
    with pytest.raises(ForkedLine) as caught:
        join_lines(pieces, tolerance=0.05)
    assert (caught.value.facts["x"], caught.value.facts["y"]) == (5, 5)


def test_join_lines__nothing_or_too_much() -> None:
    """No piece gives no line; 5,001 are refused."""
    assert join_lines([], tolerance=0.05) == []
    with pytest.raises(TooManyPieces):
        join_lines([np.array([[each, 0], [each, 1]], dtype=float) for each in range(5001)], tolerance=0.05)
