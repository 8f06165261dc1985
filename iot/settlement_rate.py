"""Rates of movement over a window, with intervals that know of the noise's memory, and whether the rate grows."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from iot.settlement_statistics import Estimate, FloatArray, bin_means, fit_regression

WINDOWS_DAYS: Final = (7.0, 30.0, 100.0)
MIN_READINGS: Final = 8  # two of the line, two of the noise, four to judge them by
MIN_COVERED: Final = 0.9  # of the window, by the record's age; 90 days stand for 100
MAX_GAP: Final = 0.25  # of the window without a reading, its two ends included
MIN_GROWTH_READINGS: Final = 20
_BINS: Final = 120
_GROWTH_WIDENING: Final = 2.576 / 1.960  # a 99 % interval from one of 95 %, as for normal noise


class RateReason(StrEnum):
    """Why there is no rate over a window."""

    TOO_SHORT = "rate.too_short"
    TOO_FEW = "rate.too_few"
    GAP = "rate.gap"


@dataclass(frozen=True, slots=True)
class Rate:
    """The gradual movement over the last days, steps within it taken out.

    Attributes:
        window_days: over how long. [d]
        readings: in the window.
        rate_mm_per_day: with its 95 % interval; None with a reason. [mm/d]
        reason: why there is none.
        steps: level shifts in the window, which are not in the rate.
        growth_mm_per_day: by how much the size of the rate of the window's later half exceeds that of its earlier one,
            with a 99 % interval; None where it was not looked for. [mm/d]
    """

    window_days: float
    readings: int
    rate_mm_per_day: Estimate | None
    reason: RateReason | None
    steps: int = 0
    growth_mm_per_day: Estimate | None = None

    @property
    def is_growing(self) -> bool:
        """Whether the rate's size grew, at 99 %."""
        return self.growth_mm_per_day is not None and self.growth_mm_per_day.low > 0


def measure_rate(
    times: FloatArray,
    values: FloatArray,
    *,
    window_days: float,
    now_days: float,
    steps: FloatArray,
    thermal: tuple[FloatArray, float] | None = None,
) -> Rate:
    """The rate over the last `window_days` before `now_days`.

    Args:
        times: (N,), strictly rising. [d]
        values: (N,), thermal movement and outliers removed. [mm]
        window_days: [d]
        now_days: the window's end. [d]
        steps: (S,), from which time on each level shift holds. [d]
        thermal: (N,) temperatures [degC] and the standard uncertainty of the coefficient that was used [mm/degC]; what
            both may have left of thermal rate is added to the interval.
    """
    inside = (times >= now_days - window_days) & (times <= now_days)
    mine = times[inside]
    held = np.array([each for each in steps if mine.size and mine[0] < each <= mine[-1]])
    if reason := _refuse(mine, window_days=window_days, now_days=now_days, age_days=now_days - float(times[0])):
        return Rate(window_days, mine.size, None, reason, held.size)
    columns = values[inside][:, None] if thermal is None else np.stack([values[inside], thermal[0][inside]], axis=1)
    binned, means = bin_means(mine, columns, width=window_days / _BINS)
    if binned.size < MIN_READINGS + held.size:
        return Rate(window_days, mine.size, None, RateReason.TOO_FEW, held.size)
    rate = _fit_line(binned, means[:, 0], held)
    if thermal is not None:
        rate = _add_thermal(
            rate, slope=float(np.polyfit(binned - binned[0], means[:, 1], 1)[0]), uncertainty=thermal[1]
        )
    growth = _measure_growth(binned, means[:, 0], held) if binned.size >= MIN_GROWTH_READINGS else None
    return Rate(window_days, mine.size, rate, None, held.size, growth)


def _refuse(mine: FloatArray, *, window_days: float, now_days: float, age_days: float) -> RateReason | None:
    if age_days < MIN_COVERED * window_days:
        return RateReason.TOO_SHORT
    silences = np.diff(mine, prepend=now_days - window_days, append=now_days)
    if float(silences.max()) > MAX_GAP * window_days:
        return RateReason.GAP
    return RateReason.TOO_FEW if mine.size < MIN_READINGS else None


def _shifts(times: FloatArray, steps: FloatArray) -> list[FloatArray]:
    """A column a step; those that fall between the same two readings are one."""
    columns = {int((times >= each).sum()): (times >= each).astype(np.float64) for each in steps}
    return [column for count, column in columns.items() if 0 < count < times.size]


def _fit_line(times: FloatArray, values: FloatArray, steps: FloatArray) -> Estimate:
    away = times - times.mean()
    design = np.stack([away, np.ones_like(away), *_shifts(times, steps)], axis=1)
    return fit_regression(times, values - values[0], design).estimate(np.eye(design.shape[1])[0])


def _add_thermal(rate: Estimate, *, slope: float, uncertainty: float) -> Estimate:
    more = 1.96 * abs(slope) * uncertainty
    low, high = rate.value - rate.low, rate.high - rate.value
    return Estimate(rate.value, rate.value - float(np.hypot(low, more)), rate.value + float(np.hypot(high, more)))


def _measure_growth(times: FloatArray, values: FloatArray, steps: FloatArray) -> Estimate | None:
    """Two lines that meet in the middle of the window: by how much the later one is steeper than the earlier one."""
    away = times - (times[0] + times[-1]) / 2
    design = np.stack([np.minimum(away, 0), np.maximum(away, 0), np.ones_like(away), *_shifts(times, steps)], axis=1)
    if times.size < design.shape[1] + MIN_READINGS:
        return None
    fitted = fit_regression(times, values - values[0], design)
    units = np.eye(design.shape[1])
    earlier, later = fitted.estimate(units[0]).value, fitted.estimate(units[1]).value
    direction = 1.0 if later >= 0 else -1.0
    # A reversal as fast as before is no growth: with opposite directions their sizes are compared.
    sign = 1.0 if earlier * later >= 0 else -1.0
    grown = fitted.estimate(direction * (units[1] - sign * units[0]))
    low, high = grown.value - grown.low, grown.high - grown.value
    return Estimate(grown.value, grown.value - _GROWTH_WIDENING * low, grown.value + _GROWTH_WIDENING * high)
