"""The laws of consolidation and the forecast of the final settlement; when a fit may begin is decided elsewhere.

The forecast is an average over laws and time constants, each weighted by how well it tells the readings. Before any
reading these are assumed:

- The law: Terzaghi's one-dimensional series, an exponential and a hyperbola are equally likely. Terzaghi's is the
  physics of a clay layer; late, it is an exponential; the hyperbola is what Tan (1971) and others saw of whole
  embankments.
- The degree of consolidation at the last reading: equally likely anywhere between 0 and 1. A record may be taken out of
  a consolidation at any stage; it also keeps a final value of ten times what was seen at a tenth of the probability.
- The size of the movement: equally likely on a logarithmic scale (Jeffreys), either sign.
- The value at the onset: anything, since part of a load's settlement comes at once.
- The noise: normal, its size on a logarithmic scale, each reading's like its neighbour's by an unknown correlation
  between 0 and 1 (`settlement_statistics`).
- The season: what `season` says of its size; its coefficients are normal around 0.

For a law, a time constant, a correlation and a size of the season the rest is linear, so its probability and the final
value's distribution have a closed form; the sum over a grid of them is the answer, and its quantiles are the interval.
Creep after consolidation and a second load are not in it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

import numpy as np

from domain.errors import Invalid
from iot.season import Season, no_season
from iot.settlement_statistics import (
    CORRELATION_PRIOR,
    CORRELATIONS,
    Estimate,
    FloatArray,
    bin_means,
    correlation_steps,
    estimate_mixture,
    mixture_quantiles,
    noise_scale,
    normalise_logs,
    student_cdf,
)

MIN_READINGS: Final = 10  # three of the law, two of the noise, and as many again to tell one law from another
MAX_BINS: Final = 400
EARLY_DEGREE: Final = (
    0.2  # Terzaghi's and the parabola of any thicker layer are one curve below it; nothing tells the end
)
_ASYMPTOTIC_T: Final = 0.05  # below it 2 * sqrt(T / pi) is right to 1e-9
_COARSE: Final = 80
_COARSE_ROUNDS: Final = 2
_FINE: Final = 160
_FIRST_GRID: Final = (
    math.log(0.01),
    math.log(1e3),
)  # time constants as shares of the record; U is then 1 or below 0.04
_NEGLIGIBLE: Final = 15.0  # e^-15 of the best weight
_NEGLECTED: Final = 1e-4  # of the weight
_MAX_CORRELATION: Final = 0.9
_SURE: Final = 3.0
WITHIN: Final = 0.10  # of the final movement: what a forecast has to be right by
MAX_REACH: Final = 0.25  # of the interval to either side, by the final movement; more is no figure to build on
_AS_LIKELY: Final = 0.01
_RATIO_STEP: Final = 0.005
_LEAST_RATIO: Final = -0.5  # logarithms of the final movement over that of the last reading: noise may exceed it,
_MOST_RATIO: Final = 3.0  # and twenty times as much is the end of a record of 5 %


class InvalidRecord(Invalid):
    """Times and values that are no record: of different lengths, not finite, not rising."""

    code: ClassVar[str] = "settlement.invalid_record"


class Law(StrEnum):
    """How a consolidation goes on."""

    TERZAGHI = "terzaghi"
    EXPONENTIAL = "exponential"
    HYPERBOLIC = "hyperbolic"


class ForecastReason(StrEnum):
    """What may be said of the final value, or why nothing.

    TOO_EARLY: less than a fifth of the movement may have happened. WIDE: the interval reaches further than
    a quarter of the movement. POOR_FIT: what the laws leave wanders, as of a second load or creep.
    """

    DETERMINED = "forecast.determined"
    TOO_FEW = "forecast.too_few"
    NO_MOVEMENT = "forecast.no_movement"
    TOO_EARLY = "forecast.too_early"
    POOR_FIT = "forecast.poor_fit"
    WIDE = "forecast.wide"


def terzaghi_degree(time_factor: FloatArray) -> FloatArray:
    """Average degree of consolidation of a layer under an even excess pressure; 0.5 at T = 0.197, 0.9 at 0.848.

    U = 1 - sum of 8 / (pi (2m + 1))^2 * exp(-((2m + 1) pi / 2)^2 T), m = 0, 1, .. (Terzaghi 1925; Taylor 1948, chapter
    10).

    Args:
        time_factor: T = c_v t / H^2, any shape; below 0 gives 0.
    """
    factor = np.maximum(time_factor, 0.0)
    orders = (2 * np.arange(6)[:, None] + 1) ** 2
    flat = factor.ravel()
    series = np.zeros_like(flat)
    for order in orders[:, 0]:
        series += 8 / (math.pi**2 * order) * np.exp(-order * math.pi**2 / 4 * flat)
    degree = np.where(flat < _ASYMPTOTIC_T, 2 * np.sqrt(flat / math.pi), 1 - series)
    return np.asarray(degree.reshape(factor.shape), dtype=np.float64)


def exponential_degree(ratio: FloatArray) -> FloatArray:
    """1 - exp(-t / time constant); below 0 gives 0."""
    return np.asarray(-np.expm1(-np.maximum(ratio, 0.0)), dtype=np.float64)


def hyperbolic_degree(ratio: FloatArray) -> FloatArray:
    """The degree t / (t + time constant), given t / time constant; below 0 gives 0."""
    positive = np.maximum(ratio, 0.0)
    degree: FloatArray = positive / (1 + positive)
    return degree


DEGREES: Final[dict[Law, Callable[[FloatArray], FloatArray]]] = {
    Law.TERZAGHI: terzaghi_degree,
    Law.EXPONENTIAL: exponential_degree,
    Law.HYPERBOLIC: hyperbolic_degree,
}
_LAWS: Final = tuple(Law)


@dataclass(frozen=True, slots=True)
class LawFit:
    """One law by itself.

    Attributes:
        law: which.
        weight: how likely it is among the three, after the readings.
        final_mm: the final value, on the scale of the readings. [mm]
        time_constant_days: of the best fit: t / (degree's argument). [d]
        residual_mm: root mean square of what the best fit leaves. [mm]
    """

    law: Law
    weight: float
    final_mm: Estimate
    time_constant_days: float
    residual_mm: float


@dataclass(frozen=True, slots=True)
class LineFit:
    """A classic construction by a straight line, for the eye; its interval knows of neither the law's error nor memory.

    Attributes:
        intercept: of the line.
        slope: of the line.
        final_mm: the final value on the scale of the readings; None where the line has none. [mm]
        spacing_days: between the points, or 0 where they are the readings. [d]
    """

    intercept: float
    slope: float
    final_mm: Estimate | None
    spacing_days: float


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """What is believed after the readings: weighted pairs of onset value and movement, each with its law.

    Attributes:
        log_weights: (K,), logarithms of the weights, up to a constant; a law that the readings rule out is still
            compared within itself.
        laws: (K,) int64, index into `Law`.
        time_constants: (K,). [d]
        onset_mm: (K,), value at the onset. [mm]
        movement_mm: (K,), from the onset to the end. [mm]
        covariances: (K, 3) of onset and movement: onset's variance, covariance, movement's variance. [mm^2]
        dof: degrees of freedom.
    """

    log_weights: FloatArray
    laws: np.ndarray[tuple[int], np.dtype[np.int64]]
    time_constants: FloatArray
    onset_mm: FloatArray
    movement_mm: FloatArray
    covariances: FloatArray
    dof: int

    @property
    def weights(self) -> FloatArray:
        """(K,), summing to 1."""
        return normalise_logs(self.log_weights)

    def degrees(self, elapsed_days: FloatArray) -> FloatArray:
        """(K, N): the degree of consolidation of every member at N times since the onset."""
        degrees = np.empty((self.log_weights.size, elapsed_days.size))
        for index, law in enumerate(_LAWS):
            mine = self.laws == index
            degrees[mine] = DEGREES[law](elapsed_days[None, :] / self.time_constants[mine, None])
        return degrees

    def moments(self, degrees: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(K, N) means and scales of the value at the given (K, N) degrees. [mm]."""
        onset, both, movement = (self.covariances[:, column, None] for column in range(3))
        variances = np.maximum(onset + 2 * degrees * both + degrees**2 * movement, 0.0)
        return self.onset_mm[:, None] + self.movement_mm[:, None] * degrees, np.sqrt(variances) + 1e-12

    def choose(self, mine: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> "Posterior":
        """The members chosen by the mask."""
        return Posterior(
            log_weights=self.log_weights[mine],
            laws=self.laws[mine],
            time_constants=self.time_constants[mine],
            onset_mm=self.onset_mm[mine],
            movement_mm=self.movement_mm[mine],
            covariances=self.covariances[mine],
            dof=self.dof,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ConsolidationFit:
    """The forecast of a consolidation.

    Attributes:
        reason: whether the final value can be relied on, or why not; the numbers are given all the same.
        onset_days: when it began. [d]
        last_days: the last reading. [d]
        final_mm: the final value, on the scale of the readings, over all laws; its value is not the median but where
            the truth most likely lies within 10 % of the movement. [mm]
        onset_mm: the value at the onset. [mm]
        degree: of consolidation at the last reading, in [0, 1]; its value is that of `final_mm`.
        laws: each law by itself.
        correlation: of neighbouring noise, in [0, 1).
        posterior: for the forecast at other times.
    """

    reason: ForecastReason
    onset_days: float
    last_days: float
    final_mm: Estimate
    onset_mm: Estimate
    degree: Estimate
    laws: tuple[LawFit, ...]
    correlation: float
    posterior: Posterior


def require_record(times: FloatArray, values: FloatArray) -> None:
    """Refuse what is no record.

    Args:
        times: (N,), strictly rising. [d]
        values: (N,). [mm]

    Raises:
        InvalidRecord: lengths differ, a number is not finite, or the times do not rise.
    """
    if times.ndim != 1 or times.shape != values.shape:
        raise InvalidRecord(f"a record has as many times as values, not {times.shape} and {values.shape}")
    if not (np.isfinite(times).all() and np.isfinite(values).all()):
        raise InvalidRecord("a record has finite numbers only")
    if times.size and not (np.diff(times) > 0).all():
        raise InvalidRecord("a record's times rise strictly")


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """A law on time constants: (T, C) arrays over time constant and case of noise and season."""

    log_weights: FloatArray
    onset: FloatArray
    movement: FloatArray
    covariances: FloatArray


class _Whitened:
    """Sums over whitened vectors for every case of the noise and the season at once.

    A case is a pair of a case of the season (M) and a correlation of the noise (P): C = M * P, the season's first.
    """

    def __init__(self, elapsed: FloatArray, values: FloatArray, season: Season) -> None:
        rho, log_determinants = correlation_steps(elapsed)
        # The inverse of the noise's covariance has three diagonals: (N, P) and (N - 1, P).
        inverse = 1 / (1 - rho.T**2)
        self._own = np.pad(inverse, ((1, 0), (0, 0)), constant_values=1.0)
        self._own[:-1] += rho.T**2 * inverse
        self._cross = rho.T * inverse
        # Far from 0, sums of squares would lose the movement's digits.
        self._level = float(values.mean())
        self.count = values.size
        beside = np.concatenate([np.ones((1, values.size)), season.columns.T])
        self._project(np.concatenate([beside, values[None] - self._level]))
        self._regress(beside, season.deviations_mm / (noise_scale(values) or 1.0))
        cases = np.log(season.shares)[:, None] + np.log(CORRELATION_PRIOR)
        self.log_priors = (cases + self._log_shrinkage + log_determinants).reshape(-1)
        self.correlations = np.tile(CORRELATIONS, season.shares.size)

    def _project(self, rows: FloatArray) -> None:
        """(N, K * P): each of K rows times the inverse covariance, so that a product with it is a plain sum."""
        weighed = rows[:, :, None] * self._own
        weighed[:, 1:] -= rows[:, :-1, None] * self._cross
        weighed[:, :-1] -= rows[:, 1:, None] * self._cross
        self._weighed = np.moveaxis(weighed, 0, 1).reshape(rows.shape[1], -1)
        self._own_values = self._products(rows[-1:])[0, :, -1]

    def _products(self, rows: FloatArray) -> FloatArray:
        """(T, P, K): of (T, N) rows with the onset's, the season's and the readings'."""
        products: FloatArray = (rows @ self._weighed).reshape(rows.shape[0], -1, self._own.shape[1])
        return np.swapaxes(products, 1, 2)

    def _regress(self, beside: FloatArray, deviations: FloatArray) -> None:
        """Regression on the onset, flat beforehand, and the season, normal beforehand around 0: (M, P, Q + 1, Q + 1).

        The season's deviations are multiples of the noise's: then the noise's size integrates out as it does without.
        """
        products = np.swapaxes(self._products(beside), 0, 1)
        self._ones = products[:, 0, 0]
        information, self._values_beside = products[:, :, :-1], products[:, :, -1]
        scales = np.concatenate([np.ones((deviations.shape[0], 1)), deviations], axis=1)
        scaled = scales[:, None, :, None] * information * scales[:, None, None, :]
        scaled += np.diag([0.0, *np.ones(beside.shape[0] - 1)])
        self._log_shrinkage = -np.linalg.slogdet(scaled)[1] / 2
        self._inverse = scales[:, None, :, None] * np.linalg.inv(scaled) * scales[:, None, None, :]
        told = np.einsum("pi,mpij,pj->mp", self._values_beside, self._inverse, self._values_beside)
        self._values_rest = np.maximum(self._own_values - told, 0.0)

    def solve(self, degrees: FloatArray) -> _Grid:
        """Onset and movement for each row of (T, N) degrees; the marginal likelihood, the noise's size integrated."""
        # Around 0: of a law that ended before the first reading nothing is left, and no digits stand for it.
        means = degrees.mean(axis=1, keepdims=True)
        around = degrees - means
        products = self._products(around)
        u_beside, u_values = products[:, None, :, :-1], products[:, None, :, -1]
        # (T, M, P, Q + 1): what of the onset and the season a unit of the movement takes the place of.
        share = np.einsum("mpij,tpj->tmpi", self._inverse, u_beside[:, 0])
        u_own = (around**2 @ self._own - 2 * (around[:, 1:] * around[:, :-1]) @ self._cross)[:, None]
        u_u = np.maximum(u_own - (share * u_beside).sum(axis=-1), 1e-14 * self._ones)
        u_y = u_values - (share * self._values_beside).sum(axis=-1)
        movement, gone = u_y / u_u, share[..., 0] + means[:, :, None]
        onset = self._level + np.einsum("mpj,pj->mp", self._inverse[:, :, 0], self._values_beside) - movement * gone
        dof = self.count - 2
        rest = np.maximum(self._values_rest - movement * u_y, 1e-13 * self._values_rest + 1e-300)
        scale = rest / dof
        covariances = np.stack(
            [scale * (self._inverse[:, :, 0, 0] + gone**2 / u_u), -scale * gone / u_u, scale / u_u], axis=-1
        )
        rows = degrees.shape[0]
        logs = (-np.log(u_u) / 2 - dof / 2 * np.log(rest)).reshape(rows, -1) + self.log_priors
        return _Grid(logs, onset.reshape(rows, -1), movement.reshape(rows, -1), covariances.reshape(rows, -1, 3))


def fit_consolidation(
    times: FloatArray, values: FloatArray, *, onset_days: float | None = None, season: Season | None = None
) -> ConsolidationFit | None:
    """Forecast the final value of a consolidation, by the average over laws that the module's first lines tell.

    Args:
        times: (N,), strictly rising, of the part of the record after the last load or step. [d]
        values: (N,), thermal movement and outliers removed. [mm]
        onset_days: when the load came on, not after the first reading; None for the first reading's time. [d]
        season: what the record may hold beside the settlement; None for nothing.

    Returns:
        None where there are fewer than `MIN_READINGS`.

    Raises:
        InvalidRecord: it is no record, or the onset comes after its first reading.
    """
    require_record(times, values)
    if times.size < MIN_READINGS:
        return None
    onset = float(times[0]) if onset_days is None else onset_days
    if onset > times[0]:
        raise InvalidRecord("the onset comes after the first reading")
    beside = no_season(times.size) if season is None else season
    elapsed, binned, beside = _bin(times - onset, values, beside)
    whitened = _Whitened(elapsed, binned, beside)
    grids = [_explore(law, elapsed, whitened) for law in _LAWS]
    posterior, correlations = _collect(grids, whitened)
    return _summarise(posterior, correlations, elapsed=elapsed, values=binned, onset=onset)


def _bin(elapsed: FloatArray, values: FloatArray, season: Season) -> tuple[FloatArray, FloatArray, Season]:
    """Means, each at the square of its readings' mean root of time: what Terzaghi's steep beginning is at its mean."""
    if elapsed.size <= MAX_BINS:
        return elapsed, values, season
    width = float(elapsed[-1] - elapsed[0]) / MAX_BINS * (1 + 1e-12)
    together = np.concatenate([np.sqrt(elapsed)[:, None], values[:, None], season.columns], axis=1)
    _, columns = bin_means(elapsed, together, width=width)
    return columns[:, 0] ** 2, columns[:, 1], Season(columns[:, 2:], season.deviations_mm, season.shares)


def _weigh(law: Law, elapsed: FloatArray, whitened: _Whitened, log_constants: FloatArray) -> _Grid:
    """The grid's posterior: the likelihood by the priors of degree and movement, by the cells' widths."""
    constants = np.exp(log_constants)
    grid = whitened.solve(DEGREES[law](elapsed[None, :] / constants[:, None]))
    ends = DEGREES[law](elapsed[-1] / constants)
    cells = np.abs(np.gradient(ends))
    prior = np.log(np.maximum(cells, 1e-300))[:, None]
    logs = grid.log_weights + prior - np.log(np.abs(grid.movement) + 1e-300)
    return _Grid(logs, grid.onset, grid.movement, grid.covariances)


def _explore(law: Law, elapsed: FloatArray, whitened: _Whitened) -> tuple[FloatArray, _Grid]:
    """A coarse grid to find where the weight lies, a fine one there."""
    low, high = (math.log(float(elapsed[-1])) + edge for edge in _FIRST_GRID)
    for _ in range(_COARSE_ROUNDS):
        logs = np.linspace(low, high, _COARSE)
        best = _weigh(law, elapsed, whitened, logs).log_weights.max(axis=1)
        inside = np.flatnonzero(best > best.max() - _NEGLIGIBLE)
        low, high = float(logs[max(inside[0] - 1, 0)]), float(logs[min(inside[-1] + 1, _COARSE - 1)])
    logs = np.linspace(low, high, _FINE)
    return np.exp(logs), _weigh(law, elapsed, whitened, logs)


def _collect(grids: list[tuple[FloatArray, _Grid]], whitened: _Whitened) -> tuple[Posterior, FloatArray]:
    logs = np.concatenate([grid.log_weights.ravel() for _, grid in grids])
    laws = np.concatenate([np.full(grid.log_weights.size, index) for index, (_, grid) in enumerate(grids)])
    cases = whitened.correlations
    constants = np.concatenate([np.repeat(each, cases.size) for each, _ in grids])
    correlations = np.concatenate([np.tile(cases, each.size) for each, _ in grids])
    onset = np.concatenate([grid.onset.ravel() for _, grid in grids])
    movement = np.concatenate([grid.movement.ravel() for _, grid in grids])
    covariances = np.concatenate([grid.covariances.reshape(-1, 3) for _, grid in grids])
    return Posterior(logs, laws, constants, onset, movement, covariances, whitened.count - 2), correlations


def _estimate(posterior: Posterior, degrees: FloatArray) -> list[Estimate]:
    means, scales = posterior.moments(degrees)
    return estimate_mixture(weights=posterior.weights, means=means, scales=scales, dof=posterior.dof)


def _keep(posterior: Posterior) -> Posterior:
    """The likeliest members, all but a share of `_NEGLECTED`; that is far less than lies beyond an interval's end."""
    weights = posterior.weights
    order = np.argsort(weights)
    mine = np.zeros(weights.size, dtype=np.bool_)
    mine[order] = np.cumsum(weights[order]) > _NEGLECTED
    return posterior.choose(mine)


def _summarise(
    posterior: Posterior, correlations: FloatArray, *, elapsed: FloatArray, values: FloatArray, onset: float
) -> ConsolidationFit:
    laws = tuple(_summarise_law(posterior, index, elapsed, values) for index in range(len(_LAWS)))
    correlation = float(posterior.weights @ correlations)
    kept = _keep(posterior)
    weights = kept.weights
    at_onset, final = _estimate(kept, np.broadcast_to([0.0, 1.0], (weights.size, 2)))
    ends = kept.degrees(elapsed[-1:])[:, 0]
    degree = _weighted_estimate(ends, weights)
    reason = _judge(kept, ends, degree=degree, correlation=correlation, values=values)
    moved = float(weights @ (kept.movement_mm * ends))
    if reason is not ForecastReason.NO_MOVEMENT:
        final = _choose_likely(kept, final, onset=at_onset.value, moved=moved)
        whole = final.value - at_onset.value
        share = moved / whole if whole else 1.0
        degree = Estimate(float(np.clip(share, degree.low, degree.high)), degree.low, degree.high)
        reach = max(final.high - final.value, final.value - final.low)
        if reason is ForecastReason.DETERMINED and reach > MAX_REACH * abs(whole):
            reason = ForecastReason.WIDE
    return ConsolidationFit(
        reason=reason,
        onset_days=onset,
        last_days=onset + float(elapsed[-1]),
        final_mm=final,
        onset_mm=at_onset,
        degree=degree,
        laws=laws,
        correlation=correlation,
        posterior=kept,
    )


def _summarise_law(posterior: Posterior, index: int, elapsed: FloatArray, values: FloatArray) -> LawFit:
    mine = posterior.laws == index
    alone = _keep(posterior.choose(mine))
    best = int(np.argmax(alone.log_weights))
    fitted = alone.moments(alone.degrees(elapsed))[0][best]
    return LawFit(
        law=_LAWS[index],
        weight=float(posterior.weights[mine].sum()),
        final_mm=_estimate(alone, np.ones((alone.log_weights.size, 1)))[0],
        time_constant_days=float(alone.time_constants[best]),
        residual_mm=float(np.sqrt(np.mean((values - fitted) ** 2))),
    )


def _weighted_estimate(values: FloatArray, weights: FloatArray) -> Estimate:
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - weights[order] / 2
    middle, low, high = np.interp([0.5, 0.025, 0.975], below, values[order])
    return Estimate(float(middle), float(low), float(high))


def _choose_likely(posterior: Posterior, final: Estimate, *, onset: float, moved: float) -> Estimate:
    """Put the value where the truth most likely lies within 10 % of the movement, as near to the median as that allows.

    Where the readings do not tell the end, the median lies far out on a long tail, where nothing is likely.
    """
    ratios = np.arange(_LEAST_RATIO, _MOST_RATIO, _RATIO_STEP)
    ends = onset + moved * np.exp(ratios)
    means, scales = posterior.moments(np.ones((posterior.log_weights.size, 1)))
    below = posterior.weights @ student_cdf((ends - means) / scales, posterior.dof)
    high, low = (np.interp(ratios - math.log(1 + side), ratios, below) for side in (-WITHIN, WITHIN))
    inside = np.abs(high - low)
    likely = ends[inside >= inside.max() - _AS_LIKELY]
    value = float(likely[np.argmin(np.abs(likely - final.value))])
    if abs(value - final.value) <= _RATIO_STEP * abs(value - onset):
        return final
    return Estimate(float(np.clip(value, final.low, final.high)), final.low, final.high)


def _judge(
    posterior: Posterior, ends: FloatArray, *, degree: Estimate, correlation: float, values: FloatArray
) -> ForecastReason:
    weights = posterior.weights
    moved = weights @ (posterior.movement_mm * ends)
    spread = math.sqrt(float(weights @ (posterior.covariances[:, 2] * ends**2)))
    if abs(moved) <= _SURE * max(spread, noise_scale(values) / math.sqrt(values.size)):
        return ForecastReason.NO_MOVEMENT
    if correlation > _MAX_CORRELATION:
        return ForecastReason.POOR_FIT
    return ForecastReason.TOO_EARLY if degree.low < EARLY_DEGREE else ForecastReason.DETERMINED


def forecast(fit: ConsolidationFit, times: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The settlement that is expected at other times, without noise.

    Args:
        fit: of `fit_consolidation`.
        times: (N,), from the onset on; what lies before it has the value at the onset. [d]

    Returns:
        Median, low and high end of the 95 % interval, each (N,), on the scale of the readings. [mm]
    """
    posterior = fit.posterior
    weights = posterior.weights
    means, scales = posterior.moments(posterior.degrees(times - fit.onset_days))
    median, low, high = (
        mixture_quantiles(weights=weights, means=means, scales=scales, dof=posterior.dof, probability=probability)
        for probability in (0.5, 0.025, 0.975)
    )
    return median, low, high
