"""Thermal movement: found by regression beside a flexible trend and steps, and taken out so that it can be shown.

The trend bends freely over days, so that a settlement stays in it whatever its course; what follows the temperature
within days is thermal. A temperature that only ever rises beside the settlement tells nothing about it, and then
nothing is taken out.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from iot.settlement_statistics import Estimate, FloatArray, Regression, bin_means, fit_regression

# Cloudy and warm spells last three to seven days; a trend of knots a week apart cannot follow the day, and follows the
# rest.
KNOT_SPACING_DAYS: Final = 7.0
MIN_READINGS_PER_DAY: Final = 6.0  # three a period of the 12 h harmonic, one more than two, which would alias
MIN_HARMONIC_DAYS: Final = 3.0
MAX_TEMPERATURE_GAP_DAYS: Final = 0.25  # a quarter of the day's course; longer gaps hide its turning points
LAGS_DAYS: Final = (0.0, 1 / 24, 2 / 24, 3 / 24, 4 / 24, 6 / 24)  # concrete follows the air by hours
MAX_LAG_SPACING_DAYS: Final = 0.125
MIN_SPAN_K: Final = 2.0  # less tells movement from a drift of the gauge no more
MIN_READINGS: Final = 12
MIN_COVERED: Final = 0.5
_MAX_ROWS: Final = 1500
_MOST_ROWS: Final = 6000  # where the day would be lost with fewer: a thousand days of it
_KNOTS_ON_SHORT: Final = 4
_MAX_KNOTS: Final = 60
_CLEAR_HARMONIC: Final = 16.25  # chi-squared of four columns at once at 99.73 %, the three sigma of one
_RANK: Final = 1e-6  # columns that tell less than this beyond the others are none
_MIN_FREE: Final = 4  # readings beyond the columns: two of the noise, two to judge it by


class ThermalMethod(StrEnum):
    """How the thermal movement was found."""

    TEMPERATURE = "temperature"
    DAILY_HARMONIC = "daily_harmonic"
    NONE = "none"


class ThermalReason(StrEnum):
    """What was taken out, or why nothing.

    NOT_SEPARABLE: the temperature only drifted, as smoothly as a settlement does, so that the movement may be either's.
    """

    REMOVED = "thermal.removed"
    NOT_SIGNIFICANT = "thermal.not_significant"
    NO_TEMPERATURE = "thermal.no_temperature_and_too_sparse"
    TOO_FEW = "thermal.too_few"
    TEMPERATURE_MISSING = "thermal.temperature_missing"
    TEMPERATURE_CONSTANT = "thermal.temperature_constant"
    NOT_SEPARABLE = "thermal.not_separable"


@dataclass(frozen=True, slots=True, eq=False)
class ThermalRemoval:
    """A record without its thermal movement, and that movement.

    Attributes:
        method: how it was found.
        reason: what was taken out, or why nothing.
        times: (M,), of the readings kept; those without a temperature near enough are not. [d]
        corrected_mm: (M,), the values less `removed_mm`. [mm]
        removed_mm: (M,), around 0 at the mean temperature. [mm]
        coefficient_mm_per_k: with its interval; None without a temperature. [mm/degC]
        lag_days: by which the movement follows the temperature. [d]
        amplitude_mm: half of what the daily harmonic moves between its extremes; None with a temperature. [mm]
        temperature_degc: (M,), lagged, at the times kept; None without a temperature. [degC]
        uncovered: how many readings had no temperature near enough.
    """

    method: ThermalMethod
    reason: ThermalReason
    times: FloatArray
    corrected_mm: FloatArray
    removed_mm: FloatArray
    coefficient_mm_per_k: Estimate | None = None
    lag_days: float | None = None
    amplitude_mm: float | None = None
    temperature_degc: FloatArray | None = None
    uncovered: int = 0


def remove_thermal_movement(
    times: FloatArray,
    values: FloatArray,
    *,
    temperature: tuple[FloatArray, FloatArray] | None = None,
    steps: FloatArray | None = None,
    lag_days: float | None = None,
) -> ThermalRemoval:
    """Take the thermal movement out of a record, by a temperature or, without one, by the harmonic of 24 and 12 h.

    Args:
        times: (N,), strictly rising. [d]
        values: (N,). [mm]
        temperature: times (K,), strictly rising [d], and temperatures (K,) [degC].
        steps: (S,), from which time on each level shift holds. [d]
        lag_days: by which the movement follows the temperature; None looks for the best of 0 to 6 h. [d]

    Returns:
        The record unchanged, with the reason, where the movement is not told from 0 at 95 %.
    """
    shifts = np.array([]) if steps is None else steps
    if temperature is not None:
        return _remove_by_temperature(times, values, temperature=temperature, steps=shifts, lag_days=lag_days)
    if not _resolves_day(times):
        return _unchanged(times, values, ThermalReason.NO_TEMPERATURE)
    return _remove_harmonic(times, values, shifts)


def _unchanged(times: FloatArray, values: FloatArray, reason: ThermalReason) -> ThermalRemoval:
    return ThermalRemoval(ThermalMethod.NONE, reason, times, values, np.zeros_like(values))


def _resolves_day(times: FloatArray) -> bool:
    if times.size < MIN_READINGS or times[-1] - times[0] < MIN_HARMONIC_DAYS:
        return False
    return float(np.median(np.diff(times))) <= 1 / MIN_READINGS_PER_DAY


def trend_design(times: FloatArray, steps: FloatArray) -> FloatArray:
    """A flexible trend: a cubic spline, and a shift from each step on.

    A settlement is smooth between loads. Straight pieces would leave of one of 20 mm in 15 days up to 0.5 mm at knots a
    week apart, and the temperature's regression would bend towards that; a cubic leaves 0.002 mm.

    Args:
        times: (N,), rising. [d]
        steps: (S,). [d]

    Returns:
        (N, K), orthonormal columns, K below N.
    """
    span = float(times[-1] - times[0])
    pieces = int(np.clip(math.ceil(span / KNOT_SPACING_DAYS), _KNOTS_ON_SHORT, _MAX_KNOTS))
    pieces = max(1, min(pieces, times.size // 6))
    away = np.abs((times[:, None] - times[0]) / span * pieces - np.arange(-1, pieces + 2))
    # The cubic B-spline on equal knots, two pieces either way from its own (de Boor 1978).
    splines = np.where(away < 1, 4 - 6 * away**2 + 3 * away**3, np.maximum(2 - away, 0.0) ** 3) / 6
    counts = {int((times < each).sum()) for each in steps}
    shifts = [np.arange(times.size) >= count for count in sorted(counts) if 0 < count < times.size]
    columns = np.concatenate([splines, *(each[:, None].astype(np.float64) for each in shifts)], axis=1)
    axes, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(axes[:, sizes > _RANK * sizes[0]], dtype=np.float64)


def temperature_at(times: FloatArray, temperature: tuple[FloatArray, FloatArray], *, lag_days: float) -> FloatArray:
    """The temperature at each time less the lag, interpolated over short gaps only.

    Args:
        times: (N,). [d]
        temperature: times (K,), strictly rising [d], and temperatures (K,) [degC].
        lag_days: [d]

    Returns:
        (N,), NaN where the readings around lie further apart than 6 h and than twice their usual distance. [degC]
    """
    known, degrees = temperature
    if known.size < 2:  # noqa: PLR2004 - nothing to interpolate between
        return np.full(times.shape, np.nan)
    wanted = times - lag_days
    limit = max(MAX_TEMPERATURE_GAP_DAYS, 2 * float(np.median(np.diff(known))))
    after = np.clip(np.searchsorted(known, wanted), 1, known.size - 1)
    near = known[after] - known[after - 1] <= limit
    outside = np.maximum(known[0] - wanted, wanted - known[-1])
    return np.where(near & (outside <= limit), np.interp(wanted, known, degrees), np.nan)


def _remove_by_temperature(
    times: FloatArray,
    values: FloatArray,
    *,
    temperature: tuple[FloatArray, FloatArray],
    steps: FloatArray,
    lag_days: float | None,
) -> ThermalRemoval:
    if times.size < MIN_READINGS:
        return _unchanged(times, values, ThermalReason.TOO_FEW)
    lag = _find_lag(times, values, temperature, steps) if lag_days is None else lag_days
    degrees = temperature_at(times, temperature, lag_days=lag)
    covered = np.isfinite(degrees)
    if covered.sum() < max(MIN_READINGS, MIN_COVERED * times.size):
        return _unchanged(times, values, ThermalReason.TEMPERATURE_MISSING)
    if np.ptp(degrees[covered]) < MIN_SPAN_K:
        return _unchanged(times, values, ThermalReason.TEMPERATURE_CONSTANT)
    return _subtract_temperature(
        times[covered], values[covered], degrees[covered], steps=steps, lag=lag, all_of=times.size
    )


def _subtract_temperature(
    times: FloatArray, values: FloatArray, degrees: FloatArray, *, steps: FloatArray, lag: float, all_of: int
) -> ThermalRemoval:
    swing = degrees - degrees.mean()
    fitted = _fit_beside_trend(times, values, swing[:, None], steps)
    if fitted is None:
        return _unchanged(times, values, ThermalReason.NOT_SEPARABLE)
    coefficient = fitted.estimate(_pick(fitted, [0]))
    significant = coefficient.low > 0 or coefficient.high < 0
    removed = coefficient.value * swing if significant else np.zeros_like(swing)
    return ThermalRemoval(
        method=ThermalMethod.TEMPERATURE if significant else ThermalMethod.NONE,
        reason=ThermalReason.REMOVED if significant else ThermalReason.NOT_SIGNIFICANT,
        times=times,
        corrected_mm=values - removed,
        removed_mm=removed,
        coefficient_mm_per_k=coefficient,
        lag_days=lag,
        temperature_degc=degrees,
        uncovered=all_of - times.size,
    )


def _find_lag(
    times: FloatArray, values: FloatArray, temperature: tuple[FloatArray, FloatArray], steps: FloatArray
) -> float:
    """The lag of the least rest among those that cover every reading; 0 where the sampling tells none apart."""
    if float(np.median(np.diff(times))) > MAX_LAG_SPACING_DAYS:
        return 0.0
    columns = [values]
    rests: dict[float, float] = {}
    for lag in LAGS_DAYS:
        degrees = temperature_at(times, temperature, lag_days=lag)
        if np.isfinite(degrees).all():
            rests[lag] = np.inf
            columns.append(degrees)
    binned, means = _thin(times, np.stack(columns, axis=1))
    trend = trend_design(binned, steps)
    beyond = means - trend @ (trend.T @ means)
    for lag, degrees in zip(rests, beyond.T[1:], strict=True):
        shared, own = float(degrees @ beyond[:, 0]), float(degrees @ degrees)
        rests[lag] = -(shared**2) / own if own else 0.0
    return min(rests, key=lambda lag: rests[lag]) if rests else 0.0


def _thin(times: FloatArray, columns: FloatArray) -> tuple[FloatArray, FloatArray]:
    if times.size <= _MAX_ROWS:
        return times, columns
    binned, means = bin_means(times, columns, width=_bin_width(times))
    if binned.size <= _MOST_ROWS:
        return binned, means
    # At random, so that no hour of the day is preferred; always the same, so that an answer can be had again.
    chosen = np.sort(np.random.default_rng(0).choice(binned.size, _MOST_ROWS, replace=False))
    return binned[chosen], means[chosen]


def _bin_width(times: FloatArray) -> float:
    """So wide that few enough rows are left, but never so wide that the day is lost."""
    width = float(times[-1] - times[0]) / _MAX_ROWS * (1 + 1e-12)
    return min(width, 1 / MIN_READINGS_PER_DAY)


def _fit_beside_trend(
    times: FloatArray, values: FloatArray, thermal: FloatArray, steps: FloatArray
) -> Regression | None:
    """The thermal columns first, then the trend's; None where the trend holds a thermal column, or all readings."""
    binned, columns = _thin(times, np.concatenate([values[:, None], thermal], axis=1))
    trend, waves = trend_design(binned, steps), columns[:, 1:]
    if trend.shape[1] + waves.shape[1] + _MIN_FREE > binned.size:
        return None
    own = np.linalg.norm(waves - trend @ (trend.T @ waves), axis=0)
    if (own <= _RANK * np.linalg.norm(waves, axis=0)).any():
        return None
    # Far from 0, a record loses digits; the trend holds every level.
    return fit_regression(binned, columns[:, 0] - columns[0, 0], np.concatenate([waves, trend], axis=1))


def _pick(fitted: Regression, columns: list[int]) -> FloatArray:
    contrast = np.zeros(fitted.coefficients.shape[1])
    contrast[columns] = 1.0
    return contrast


def _remove_harmonic(times: FloatArray, values: FloatArray, steps: FloatArray) -> ThermalRemoval:
    phase = 2 * math.pi * times
    waves = np.stack([np.cos(phase), np.sin(phase), np.cos(2 * phase), np.sin(2 * phase)], axis=1)
    fitted = _fit_beside_trend(times, values, waves, steps)
    if fitted is None:
        return _unchanged(times, values, ThermalReason.NO_TEMPERATURE)
    sizes, spreads = fitted.coefficients[:, :4], fitted.covariances[:, :4, :4]
    strengths = np.einsum("pi,pi->p", sizes, np.linalg.solve(spreads, sizes[:, :, None])[:, :, 0])
    if float(fitted.weights @ strengths) < _CLEAR_HARMONIC:
        return _unchanged(times, values, ThermalReason.NOT_SIGNIFICANT)
    removed = waves @ (fitted.weights @ sizes)
    return ThermalRemoval(
        method=ThermalMethod.DAILY_HARMONIC,
        reason=ThermalReason.REMOVED,
        times=times,
        corrected_mm=values - removed,
        removed_mm=removed,
        amplitude_mm=float(np.ptp(removed)) / 2,
    )
