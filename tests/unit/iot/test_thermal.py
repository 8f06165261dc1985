"""Thermal movement."""

import math

import numpy as np
import pytest

from iot.settlement_statistics import FloatArray
from iot.thermal import ThermalMethod, ThermalReason, remove_thermal_movement, temperature_at

HOURS = np.arange(0, 40, 1 / 24)


def air(times: FloatArray) -> FloatArray:
    """A day's course of 8 degrees either way, coldest at midnight, on spells of 4 degrees of six days. [degC]."""
    course: FloatArray = 12 - 8 * np.cos(2 * math.pi * times) + 4 * np.sin(2 * math.pi * times / 6)
    return course


def test_remove_thermal_movement__settlement_is_left() -> None:
    """-0.05 mm/degC is found beside 20 mm of settlement, and the settlement is left."""
    noise = np.random.default_rng(1).normal(0, 0.05, HOURS.size)
    settled = 20 * (1 - np.exp(-HOURS / 15))
    swing = air(HOURS) - air(HOURS).mean()
    removal = remove_thermal_movement(HOURS, settled - 0.05 * swing + noise, temperature=(HOURS, air(HOURS)))
    assert removal.method is ThermalMethod.TEMPERATURE
    found = removal.coefficient_mm_per_k
    assert found is not None
    assert found.low <= -0.05 <= found.high
    # White noise of 0.05 on 960 readings of a swing of 6 degrees: 0.05 / (6 * sqrt(960)) = 0.00027.
    assert found.standard_uncertainty == pytest.approx(0.00027, rel=0.5)
    assert removal.corrected_mm == pytest.approx(settled + noise, abs=0.02)
    assert removal.removed_mm == pytest.approx(-0.05 * swing, abs=0.02)


def test_remove_thermal_movement__lag() -> None:
    """Concrete that follows the air by three hours is found out."""
    values = 0.05 * air(HOURS - 3 / 24) + np.random.default_rng(2).normal(0, 0.02, HOURS.size)
    known = np.arange(-1, 41, 1 / 24)
    removal = remove_thermal_movement(HOURS, values, temperature=(known, air(known)))
    assert removal.lag_days == pytest.approx(3 / 24)
    assert float(np.std(removal.corrected_mm)) == pytest.approx(0.02, rel=0.15)


def test_remove_thermal_movement__step_is_left() -> None:
    """A support lowered by 5 mm at a warm moment stays 5 mm, and does not bend the coefficient."""
    step = np.where(HOURS >= 20.5, 5.0, 0.0)
    values = 0.05 * air(HOURS) + step + np.random.default_rng(3).normal(0, 0.05, HOURS.size)
    removal = remove_thermal_movement(HOURS, values, temperature=(HOURS, air(HOURS)), steps=np.array([20.5]))
    found = removal.coefficient_mm_per_k
    assert found is not None
    assert found.value == pytest.approx(0.05, abs=0.002)


def test_remove_thermal_movement__temperature_without_influence() -> None:
    """What is not told from 0 is not taken out, and the coefficient is given all the same."""
    values = np.random.default_rng(5).normal(0, 0.1, HOURS.size)
    removal = remove_thermal_movement(HOURS, values, temperature=(HOURS, air(HOURS)), lag_days=0.0)
    assert removal.reason is ThermalReason.NOT_SIGNIFICANT
    assert removal.coefficient_mm_per_k is not None
    assert not removal.removed_mm.any()
    assert (removal.corrected_mm == values).all()


def test_remove_thermal_movement__only_warming_is_not_told_from_settling() -> None:
    """A temperature that rises in step with a settlement is left alone: it may be either."""
    times = np.arange(0, 100.0)
    values = 0.1 * times + np.random.default_rng(6).normal(0, 0.1, 100)
    removal = remove_thermal_movement(times, values, temperature=(times, 0.2 * times))
    assert removal.reason is ThermalReason.NOT_SEPARABLE
    assert not removal.removed_mm.any()


def test_remove_thermal_movement__daily_harmonic() -> None:
    """Without a temperature the day's course of 0.4 mm either way goes, and the slope of 0.02 mm/d stays."""
    noise = np.random.default_rng(4).normal(0, 0.05, HOURS.size)
    values = 0.02 * HOURS + 0.4 * np.cos(2 * math.pi * (HOURS - 0.6)) + noise
    removal = remove_thermal_movement(HOURS, values)
    assert removal.method is ThermalMethod.DAILY_HARMONIC
    assert removal.amplitude_mm == pytest.approx(0.4, abs=0.02)
    assert np.polyfit(HOURS, removal.corrected_mm, 1)[0] == pytest.approx(0.02, abs=0.001)


def test_remove_thermal_movement__sampling_hides_the_day() -> None:
    """Three readings a day do not tell 24 h and 12 h, so nothing is taken out, and that is said."""
    times = np.arange(0, 30, 1 / 3)
    removal = remove_thermal_movement(times, np.cos(2 * math.pi * times))
    assert removal.method is ThermalMethod.NONE
    assert removal.reason is ThermalReason.NO_TEMPERATURE


def test_remove_thermal_movement__readings_without_temperature() -> None:
    """A gap of five days in the temperature takes the readings within with it: less the 6 h on either side at most."""
    known = HOURS[(HOURS < 10) | (HOURS > 15)]
    values = 0.05 * air(HOURS) + np.random.default_rng(7).normal(0, 0.02, HOURS.size)
    removal = remove_thermal_movement(HOURS, values, temperature=(known, air(known)), lag_days=0.0)
    assert removal.uncovered == HOURS.size - removal.times.size
    assert not ((removal.times > 10) & (removal.times < 15)).any()


@pytest.mark.parametrize(
    ("degrees", "reason"),
    [(np.full(HOURS.size, 5.0), ThermalReason.TEMPERATURE_CONSTANT), (None, ThermalReason.TEMPERATURE_MISSING)],
)
def test_remove_thermal_movement__useless_temperature(degrees: FloatArray | None, reason: ThermalReason) -> None:
    """A constant temperature, or one of another year, tells nothing."""
    known = (HOURS, degrees) if degrees is not None else (HOURS - 365, air(HOURS))
    assert remove_thermal_movement(HOURS, np.zeros(HOURS.size), temperature=known).reason is reason


def test_temperature_at__interpolates_with_lag() -> None:
    """Half way between 0 degC at 0 and 10 degC at 0.1 d is 5 degC, read 0.05 d later with a lag of 0.05 d."""
    known = (np.array([0.0, 0.1]), np.array([0.0, 10.0]))
    assert temperature_at(np.array([0.1]), known, lag_days=0.05) == pytest.approx([5.0])
    assert np.isnan(temperature_at(np.array([3.0]), known, lag_days=0.0)).all()
