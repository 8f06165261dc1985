"""Estimates with honest intervals from readings whose noise remembers itself; arrays in, numbers out.

Home of Student's distribution, of mixtures of it, of regression under noise with memory and of robust scales. What a
number means for a structure is said elsewhere.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

LOW: Final = 0.025
HIGH: Final = 0.975  # the two ends of a 95 % interval
NORMAL_MAD: Final = 1.4826  # 1 / the 0.75 quantile of the normal distribution: the median deviation as a standard one
# The noise's correlation between neighbouring readings, each equally likely beforehand. Negative ones are left out,
# since they would only narrow an interval.
CORRELATIONS: Final = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.93, 0.97])
CORRELATION_PRIOR: Final = np.gradient(CORRELATIONS) / np.gradient(CORRELATIONS).sum()
_ANGLES: Final = 8001
_BISECTIONS: Final = 50
_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: the median of what is believed of it.
        low: below it lie 2.5 %.
        high: above it lie 2.5 %.
    """

    value: float
    low: float
    high: float

    @property
    def standard_uncertainty(self) -> float:
        """A quarter of the interval, nearly the standard deviation where the noise is normal."""
        return (self.high - self.low) / 3.92


@lru_cache(maxsize=256)
def _tabulate_student(dof: int) -> tuple[FloatArray, FloatArray]:
    """Angles a with x = sqrt(dof) * tan(a), and the distribution there: its density by a is cos(a)^(dof - 1)."""
    # With two degrees of freedom or fewer, more than 1e-6 lie beyond 40.
    half_width = math.atan(40 / math.sqrt(dof)) if dof > 2 else math.pi / 2  # noqa: PLR2004 - see above
    angles = np.linspace(-half_width, half_width, _ANGLES)
    density = np.maximum(np.cos(angles), 0.0) ** (dof - 1)
    steps = (density[1:] + density[:-1]) / 2
    below = np.concatenate([[0.0], np.cumsum(steps)])
    return angles, below / below[-1]


def student_cdf(x: FloatArray, dof: int) -> FloatArray:
    """How much of Student's t distribution lies below `x`; within 1e-6.

    Args:
        x: any shape.
        dof: degrees of freedom, at least 1.

    Returns:
        The shape of `x`, in [0, 1].
    """
    angles, below = _tabulate_student(dof)
    return np.asarray(np.interp(np.arctan(x / math.sqrt(dof)), angles, below), dtype=np.float64)


def student_quantile(probability: float, dof: int) -> float:
    """The x below which `probability` of Student's t distribution lies; for 0.975 and 10 it is 2.228.

    Args:
        probability: within (0, 1).
        dof: degrees of freedom, at least 1.
    """
    angles, below = _tabulate_student(dof)
    return math.sqrt(dof) * math.tan(float(np.interp(probability, below, angles)))


def mixture_quantiles(
    *, weights: FloatArray, means: FloatArray, scales: FloatArray, dof: int, probability: float
) -> FloatArray:
    """Quantiles of mixtures of Student's distributions.

    Args:
        weights: (K,), summing to 1.
        means: (K, N), of each of N mixtures.
        scales: (K, N), above 0.
        dof: of all of them.
        probability: within (0, 1).

    Returns:
        (N,).
    """
    reach = 60.0 * scales
    low, high = (means - reach).min(axis=0), (means + reach).max(axis=0)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        below = weights @ student_cdf((middle - means) / scales, dof) < probability
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


def estimate_mixture(*, weights: FloatArray, means: FloatArray, scales: FloatArray, dof: int) -> list[Estimate]:
    """Median and 95 % interval of mixtures; arguments as of `mixture_quantiles`."""
    columns = [
        mixture_quantiles(weights=weights, means=means, scales=scales, dof=dof, probability=each)
        for each in (0.5, LOW, HIGH)
    ]
    return [Estimate(float(value), float(low), float(high)) for value, low, high in zip(*columns, strict=True)]


def correlation_steps(times: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How alike the noise of neighbouring readings is, for every assumed correlation, whatever their distances.

    The noise is a process of Ornstein and Uhlenbeck, the first-order autoregression of continuous time: the correlation
    between two readings is phi ** (their distance / the median distance).

    Args:
        times: (N,), rising, N at least 2.

    Returns:
        rho: (P, N - 1), the correlations. And (P,), the logarithm of the whitening's determinant.
    """
    distances = np.diff(times)
    exponents = distances / max(float(np.median(distances)), _TINY)
    with np.errstate(divide="ignore"):
        rho = np.exp(np.log(CORRELATIONS)[:, None] * np.maximum(exponents, 1e-3)[None, :])
    return rho, -0.5 * np.log1p(-(rho**2)).sum(axis=1)


def whiten(rows: FloatArray, rho: FloatArray) -> FloatArray:
    """Take from each row what the row before it told already, so that the noise left is white.

    Args:
        rows: (N, ...), readings or rows of a design.
        rho: (N - 1,), the correlation with the row before.
    """
    shape = (-1,) + (1,) * (rows.ndim - 1)
    told = rho.reshape(shape)
    return np.concatenate([rows[:1], (rows[1:] - told * rows[:-1]) / np.sqrt(1 - told**2)])


@dataclass(frozen=True, slots=True)
class Regression:
    """A linear model under noise with memory: one solution for each assumed correlation, and its weight.

    Attributes:
        weights: (P,), the posterior of the correlation.
        coefficients: (P, K).
        covariances: (P, K, K), scaled by the noise.
        dof: readings less columns.
    """

    weights: FloatArray
    coefficients: FloatArray
    covariances: FloatArray
    dof: int

    @property
    def correlation(self) -> float:
        """The expected correlation of the noise of neighbouring readings."""
        return float(self.weights @ CORRELATIONS)

    def estimate(self, contrast: FloatArray) -> Estimate:
        """The combination `contrast` of the coefficients, with its interval over all correlations."""
        means = self.coefficients @ contrast
        variances = np.einsum("i,pij,j->p", contrast, self.covariances, contrast)
        scales = np.sqrt(np.maximum(variances, 0.0)) + 1e-12
        return estimate_mixture(weights=self.weights, means=means[:, None], scales=scales[:, None], dof=self.dof)[0]


def fit_regression(times: FloatArray, values: FloatArray, design: FloatArray) -> Regression:
    """Fit `values` by the columns of `design` where the noise remembers itself, its correlation unknown.

    Flat priors on the coefficients and on the logarithm of the noise; the correlation by restricted likelihood on
    `CORRELATIONS`, all of them kept with their weights, so that short records get wide intervals.

    Args:
        times: (N,), rising. [d]
        values: (N,).
        design: (N, K), of full rank, K below N.
    """
    rho, log_determinants = correlation_steps(times)
    count, width = design.shape
    floor = _TINY + 1e-18 * float(values @ values)
    logs, coefficients, covariances = [], [], []
    for each, log_determinant in zip(rho, log_determinants, strict=True):
        x, y = whiten(design, each), whiten(values, each)
        inverse = np.linalg.pinv(x.T @ x, hermitian=True)
        solution = inverse @ (x.T @ y)
        rest = max(float(np.sum((y - x @ solution) ** 2)), floor)
        log_information = float(np.linalg.slogdet(x.T @ x)[1])
        logs.append(log_determinant - log_information / 2 - (count - width) / 2 * math.log(rest))
        coefficients.append(solution)
        covariances.append(inverse * rest / (count - width))
    weights = normalise_logs(np.array(logs) + np.log(CORRELATION_PRIOR))
    return Regression(weights, np.array(coefficients), np.array(covariances), count - width)


def normalise_logs(logs: npt.NDArray[Any]) -> FloatArray:
    """Weights that sum to 1 from their logarithms, known up to a constant."""
    weights = np.exp(logs - np.max(logs))
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def noise_scale(values: FloatArray) -> float:
    """The standard deviation of white noise on a smooth course, from the differences, whatever outliers say.

    Second differences of a line vanish and have 6 times the noise's variance. Where most are equal, as of a gauge that
    rounds, their root mean square is taken instead.

    Args:
        values: (N,); fewer than 3 give 0.
    """
    if values.size < 3:  # noqa: PLR2004 - a second difference needs three
        return 0.0
    bends = np.diff(values, 2) / math.sqrt(6)
    robust = NORMAL_MAD * float(np.median(np.abs(bends)))
    return robust or float(np.sqrt(np.mean(bends**2)))


def bin_means(times: FloatArray, columns: FloatArray, *, width: float) -> tuple[FloatArray, FloatArray]:
    """Means over bins of equal width, empty bins left out.

    Args:
        times: (N,), rising.
        columns: (N, K).
        width: of a bin, in the unit of `times`, above 0.

    Returns:
        (M,) mean times, (M, K) mean columns.
    """
    index = np.floor((times - times[0]) / width).astype(np.int64)
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    counts = np.diff(np.append(starts, times.size))
    sums = np.add.reduceat(columns, starts, axis=0)
    return np.add.reduceat(times, starts) / counts, sums / counts[:, None]
