"""Calibrations."""

from typing import Any

import pytest

from iot.calibration import InvalidCalibration, parse_calibration
from iot.payload import NotANumber


def test_parse_calibration__linear() -> None:
    """The value is scale * raw + offset: 2 * 3 - 1 = 5."""
    calibration = parse_calibration({"scale": 2, "offset": -1})
    assert calibration.apply(3.0) == 5.0
    assert not calibration.is_identity


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (0.0, 1.0),  # the constant
        (2.0, 1.0 - 2 * 2 + 0.5 * 4),
        (-4.0, 1.0 + 2 * 4 + 0.5 * 16),
    ],
)
def test_parse_calibration__polynomial(raw: float, value: float) -> None:
    """The constant comes first: 1 - 2 raw + 0.5 raw^2."""
    calibration = parse_calibration({"polynomial": [1, -2, 0.5]})
    assert calibration.apply(raw) == value
    assert not calibration.is_identity


@pytest.mark.parametrize(
    "given",
    [{}, {"scale": 1}, {"offset": 0}, {"scale": 1.0, "offset": 0.0}, {"polynomial": [0, 1]}, {"polynomial": [0, 1, 0]}],
)
def test_parse_calibration__identity(given: dict[str, Any]) -> None:
    """Nothing given, or nothing changed, leaves values as they are."""
    calibration = parse_calibration(given)
    assert calibration.is_identity
    assert calibration.apply(1.25) == 1.25


@pytest.mark.parametrize(
    "given",
    [
        {"scale": 0},
        {"scale": float("nan")},
        {"scale": float("inf")},
        {"offset": "1"},
        {"offset": None},
        {"scale": True},
        {"offset": 10**400},
        {"gain": 2},
        {"scale": 1, "offset": 0, "polynomial": [1, 2]},
        {"polynomial": [1, 2], "gain": 2},
        {"polynomial": []},
        {"polynomial": [1]},
        {"polynomial": [1, 0, 0]},
        {"polynomial": [0, 1, 0, 0, 0, 0, 0, 1]},
        {"polynomial": "12"},
        {"polynomial": {"0": 1, "1": 2}},
        {"polynomial": None},
        {"polynomial": [1, float("inf")]},
        {"polynomial": [1, True]},
    ],
)
def test_parse_calibration__refused(given: dict[str, Any]) -> None:
    """A scale of 0, a constant, numbers that are none, and keys that we do not know are refused."""
    with pytest.raises(InvalidCalibration):
        parse_calibration(given)


def test_apply__overflow() -> None:
    """A value that would not be finite is no value: 1e308 * 10."""
    with pytest.raises(NotANumber):
        parse_calibration({"scale": 10}).apply(1e308)


def test_apply__polynomial_overflow() -> None:
    """1e200 squared is no finite number."""
    with pytest.raises(NotANumber):
        parse_calibration({"polynomial": [0, 0, 1]}).apply(1e200)
