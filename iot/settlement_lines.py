"""The classic constructions of the final settlement by a straight line: Asaoka's and the hyperbolic one.

They stand beside the forecast because engineers know and draw them. Their intervals hold only if the law does.
"""

import numpy as np

from iot.consolidation import LineFit
from iot.settlement_statistics import Estimate, FloatArray, noise_scale, student_quantile

_POINTS = 12  # Asaoka's; more leave steps between them that drown in the noise
_MIN_READINGS = 15


def fit_asaoka(times: FloatArray, values: FloatArray) -> LineFit | None:
    """Asaoka's construction (1978): s(i) = b0 + b1 * s(i - 1) at equal spacing, final value b0 / (1 - b1).

    The points are means of the readings around twelve equally spaced times, interpolated where readings lack.

    Args:
        times: (N,), strictly rising. [d]
        values: (N,). [mm]

    Returns:
        None with fewer than 15 readings; no final value where the line is as steep as the diagonal, within its
        uncertainty.
    """
    if times.size < _MIN_READINGS:
        return None
    spacing = float(times[-1] - times[0]) / _POINTS
    centres = times[0] + spacing * (np.arange(_POINTS) + 0.5)
    index = np.minimum(((times - times[0]) / spacing).astype(np.int64), _POINTS - 1)
    filled = np.unique(index)
    times_of = np.array([times[index == each].mean() for each in filled])
    means = np.array([values[index == each].mean() for each in filled])
    points = np.interp(centres, times_of, means)
    before, after = points[:-1], points[1:]
    slope, intercept, covariance = _fit_line(before, after, np.ones_like(before))
    final = None
    dof = before.size - 2
    reach = student_quantile(0.975, dof)
    if slope + reach * np.sqrt(covariance[0, 0]) < 1:
        value = intercept / (1 - slope)
        gradient = np.array([value, 1.0]) / (1 - slope)
        half = reach * float(np.sqrt(gradient @ covariance @ gradient))
        final = Estimate(value, value - half, value + half)
    return LineFit(intercept=intercept, slope=slope, final_mm=final, spacing_days=spacing)


def fit_hyperbolic_line(times: FloatArray, values: FloatArray) -> LineFit | None:
    """The hyperbolic construction: t / s = a + b * t, final settlement 1 / b beyond the onset's value.

    The first reading is the onset. Readings that moved by less than three times the noise are left out, the others
    weigh as the variance of t / s makes them: (s^2 / t)^2.

    Args:
        times: (N,), strictly rising, from the onset on. [d]
        values: (N,). [mm]

    Returns:
        None with fewer than 15 readings that moved; no final value where the line does not rise, within its
        uncertainty.
    """
    if times.size < _MIN_READINGS:
        return None
    elapsed, moved = times[1:] - times[0], values[1:] - values[0]
    clear = np.abs(moved) > 3 * noise_scale(values)
    elapsed, moved = elapsed[clear], moved[clear]
    if elapsed.size < _MIN_READINGS:
        return None
    slope, intercept, covariance = _fit_line(elapsed, elapsed / moved, moved**2 / elapsed)
    half = student_quantile(0.975, elapsed.size - 2) * float(np.sqrt(covariance[0, 0]))
    final = None
    # The line has to rise where the point moves up and to fall where it moves down: else t / s tells of no end.
    if slope * np.sign(np.median(moved)) > half:
        ends = sorted((1 / (slope - half), 1 / (slope + half)))
        final = Estimate(values[0] + 1 / slope, values[0] + ends[0], values[0] + ends[1])
    return LineFit(intercept=intercept, slope=slope, final_mm=final, spacing_days=0.0)


def _fit_line(x: FloatArray, y: FloatArray, weights: FloatArray) -> tuple[float, float, FloatArray]:
    """Slope, intercept and their covariance, rows multiplied by `weights`."""
    design = np.stack([x, np.ones_like(x)], axis=1) * weights[:, None]
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    solution = inverse @ (design.T @ (y * weights))
    rest = float(np.sum((y * weights - design @ solution) ** 2)) / (x.size - 2)
    return float(solution[0]), float(solution[1]), np.asarray(inverse * rest, dtype=np.float64)
