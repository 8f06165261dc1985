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


def test_parse_calibration__vibrating_wire_digits() -> None:
    """0.05 mm a digit from 3000: 3100 digits are 5 mm."""
    calibration = parse_calibration({"vibrating_wire": {"gauge_factor": 0.05, "zero_digits": 3000}})
    assert calibration.apply(3100.0) == pytest.approx(5.0)


def test_parse_calibration__vibrating_wire_frequency_and_period() -> None:
    """2000 Hz, a period of 500 us, is 2000^2 / 1000 = 4000 digits; 1 + 0.001 * 4000 = 5."""
    for reading, raw in (("hertz", 2000.0), ("microseconds", 500.0)):
        calibration = parse_calibration({"vibrating_wire": {"reading": reading, "polynomial": [1, 0.001]}})
        assert calibration.apply(raw) == pytest.approx(5.0)


def test_parse_calibration__thermistor() -> None:
    """3000 ohms of the common thermistor are 25 degrees (its data sheet), told in kelvin 298.15."""
    sheet = {"thermistor": {"a": 1.4051e-3, "b": 2.369e-4, "c": 1.019e-7}}
    assert parse_calibration(sheet, unit="Cel").apply(3000.0) == pytest.approx(25.0, abs=0.05)
    assert parse_calibration(sheet, unit="K").apply(3000.0) == pytest.approx(298.15, abs=0.05)
    with pytest.raises(NotANumber):
        parse_calibration(sheet).apply(0.0)


def test_parse_calibration__unit_of_the_gauge() -> None:
    """A gauge in kPa under a sensor in metres of water: 2 * 9.80665 kPa are 2 m."""
    calibration = parse_calibration({"scale": 2, "unit": "kPa"}, unit="m[H2O]")
    assert calibration.apply(9.80665) == pytest.approx(2.0)
    with pytest.raises(InvalidCalibration, match="kPa"):
        parse_calibration({"unit": "kPa"}, unit="mm")


def test_correct__what_others_say() -> None:
    """10 - 2 - 0.1 * (25 - 20) = 7.5; without one of the two there is no value."""
    calibration = parse_calibration(
        {"reference": {"sensor_id": "r"}, "temperature": {"sensor_id": "t", "coefficient": 0.1, "zero": 20}}
    )
    assert calibration.depends_on == ("r", "t")
    assert not calibration.is_identity
    assert calibration.correct(10.0, reference=2.0, celsius=25.0) == 7.5
    assert calibration.correct(10.0, reference=None, celsius=25.0) is None
    assert calibration.correct(10.0, reference=2.0, celsius=None) is None


@pytest.mark.parametrize(
    "given",
    [
        {"vibrating_wire": {"reading": "volts", "gauge_factor": 1, "zero_digits": 0}},
        {"vibrating_wire": {"gauge_factor": 0, "zero_digits": 0}},
        {"vibrating_wire": {"gauge_factor": 1}},
        {"vibrating_wire": 3},
        {"thermistor": {"a": 1, "b": 0, "c": 0}},
        {"thermistor": {"a": 1, "b": 1}},
        {"reference": {"sensor_id": "a b"}},
        {"reference": {"sensor_id": "a", "max_age_s": 0}},
        {"reference": {"sensor_id": "a", "max_age_s": 1e9}},
        {"reference": {"sensor_id": "a", "age": 1}},
        {"temperature": {"sensor_id": "a"}},
        {"temperature": {"sensor_id": "a", "coefficient": "x", "zero": 0}},
        {"temperature": {"sensor_id": "a", "coefficient": 1, "zero": 0, "colour": 1}},
        {"polynomial": [0, 1], "thermistor": {"a": 1, "b": 1, "c": 1}},
    ],
)
def test_parse_calibration__forms_that_are_none(given: dict[str, Any]) -> None:
    """Each is refused, and not guessed at."""
    with pytest.raises(InvalidCalibration):
        parse_calibration(given)
