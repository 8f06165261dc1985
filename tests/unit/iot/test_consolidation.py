"""The laws of consolidation and the forecast."""

import math

import numpy as np
import pytest

from iot.consolidation import (
    DEGREES,
    ForecastReason,
    InvalidRecord,
    Law,
    exponential_degree,
    fit_consolidation,
    forecast,
    hyperbolic_degree,
    terzaghi_degree,
)
from iot.settlement_lines import fit_asaoka, fit_hyperbolic_line
from iot.settlement_statistics import mixture_quantiles, student_cdf, student_quantile


@pytest.mark.parametrize(
    ("time_factor", "degree"),
    [
        (0.0, 0.0),
        (0.008, 0.10),
        (0.031, 0.20),
        (0.071, 0.30),
        (0.197, 0.50),
        (0.287, 0.60),
        (0.403, 0.70),
        (0.848, 0.90),
    ],
)
def test_terzaghi_degree__table(time_factor: float, degree: float) -> None:
    """The table of every textbook (Taylor 1948; Das, table of T for uniform excess pressure), three digits of T."""
    assert float(terzaghi_degree(np.array([time_factor]))[0]) == pytest.approx(degree, abs=2e-3)


def test_terzaghi_degree__both_forms_meet() -> None:
    """The parabola of early times and the series of late ones are one curve: 2 sqrt(0.05 / pi) = 0.252313."""
    below, above = terzaghi_degree(np.array([0.05 - 1e-12, 0.05 + 1e-12]))
    assert below == pytest.approx(0.252313, abs=1e-6)
    assert above == pytest.approx(below, abs=1e-8)


def test_degrees__closed_forms() -> None:
    """1 - 1/e after one time constant of the exponential, a half of the hyperbola; nothing before the onset."""
    assert float(exponential_degree(np.array([1.0]))[0]) == pytest.approx(1 - math.exp(-1))
    assert float(hyperbolic_degree(np.array([1.0]))[0]) == 0.5
    for degree in DEGREES.values():
        assert float(degree(np.array([-1.0]))[0]) == 0.0


@pytest.mark.parametrize("final_mm", [80.0, -80.0])
@pytest.mark.parametrize("law", list(Law))
def test_fit_consolidation__clean_record(law: Law, final_mm: float) -> None:
    """Almost without noise the law, its end and the degree are found, whatever the direction and the onset's value."""
    times = np.arange(301.0)
    noise = np.random.default_rng(7).normal(0, 1e-4, times.size)
    values = 3 + final_mm * DEGREES[law](times / 150) + noise
    fit = fit_consolidation(times, values)
    assert fit is not None
    assert max(fit.laws, key=lambda each: each.weight).law is law
    assert fit.final_mm.value == pytest.approx(3 + final_mm, rel=2e-3)
    assert fit.onset_mm.value == pytest.approx(3, abs=0.05)
    assert fit.degree.value == pytest.approx(float(DEGREES[law](np.array([2.0]))[0]), rel=2e-3)
    assert fit.reason is ForecastReason.DETERMINED


def test_forecast__passes_through_truth() -> None:
    """The exponential is followed beyond the record, the interval around it is no narrower than it has to be."""
    times = np.arange(200.0)
    rng = np.random.default_rng(3)
    fit = fit_consolidation(times, 50 * exponential_degree(times / 100) + rng.normal(0, 0.05, times.size))
    assert fit is not None
    ahead = np.array([0.0, 150.0, 400.0, 2000.0])
    median, low, high = forecast(fit, ahead)
    assert median == pytest.approx(50 * (1 - np.exp(-ahead / 100)), abs=0.5)
    assert (low < median).all()
    assert (median < high).all()
    assert high[3] - low[3] > high[1] - low[1]


def test_fit_consolidation__no_movement() -> None:
    """White noise alone has no final value to forecast."""
    fit = fit_consolidation(np.arange(100.0), np.random.default_rng(1).normal(0, 1, 100))
    assert fit is not None
    assert fit.reason is ForecastReason.NO_MOVEMENT


def test_fit_consolidation__too_early() -> None:
    """On the parabola of Terzaghi's beginning (U below 0.2) nothing tells where it ends, and that is said."""
    times = np.arange(200.0)
    values = 100 * terzaghi_degree(times / 200 * 0.03) + np.random.default_rng(1).normal(0, 0.2, 200)
    fit = fit_consolidation(times, values)
    assert fit is not None
    assert fit.reason is ForecastReason.TOO_EARLY
    assert fit.final_mm.high > 3 * fit.final_mm.low


def test_fit_consolidation__two_laws_with_two_ends_are_no_figure() -> None:
    """Until 1 - exp(-0.916) = 0.6 an exponential and a hyperbola are alike: no figure to build on, but an interval."""
    times = np.arange(100.0)
    noise = np.random.default_rng(2).normal(0, 1, 100)
    fit = fit_consolidation(times, 50 * exponential_degree(0.916 * times / 99) + noise)
    assert fit is not None
    assert fit.reason is ForecastReason.WIDE
    assert fit.final_mm.low <= 50 <= fit.final_mm.high
    assert fit.final_mm.high - fit.final_mm.low > 25


@pytest.mark.parametrize("law", list(Law))
def test_fit_consolidation__value_degree_and_interval_agree(law: Law) -> None:
    """Final value and degree lie in their intervals, and the degree is the last reading's share of the movement."""
    times = np.arange(200.0)
    values = 10 + 40 * DEGREES[law](times / 100) + np.random.default_rng(4).normal(0, 0.4, 200)
    fit = fit_consolidation(times, values)
    assert fit is not None
    assert fit.final_mm.low <= fit.final_mm.value <= fit.final_mm.high
    assert fit.degree.low <= fit.degree.value <= fit.degree.high
    last = float(forecast(fit, np.array([199.0]))[0][0])
    share = (last - fit.onset_mm.value) / (fit.final_mm.value - fit.onset_mm.value)
    assert fit.degree.value == pytest.approx(share, abs=0.02)


def test_fit_consolidation__few_readings() -> None:
    """Nine readings are one too few."""
    assert fit_consolidation(np.arange(9.0), np.arange(9.0)) is None


@pytest.mark.parametrize(
    ("times", "values"),
    [([0.0, 1.0], [1.0]), ([0.0, math.nan], [1.0, 2.0]), ([0.0, 0.0], [1.0, 2.0]), ([0.0, 1.0], [1.0, math.inf])],
)
def test_fit_consolidation__no_record(times: list[float], values: list[float]) -> None:
    """What is malformed is an error and not an empty answer."""
    with pytest.raises(InvalidRecord):
        fit_consolidation(np.array(times), np.array(values))


def test_fit_consolidation__late_onset_is_refused() -> None:
    """A load after the first reading leaves readings that no law is about."""
    with pytest.raises(InvalidRecord):
        fit_consolidation(np.arange(20.0), np.arange(20.0), onset_days=1.0)


def test_fit_consolidation__interval_covers_truth() -> None:
    """Of 60 records that end anywhere, drawn as the priors say, some 57 hold the truth; below 51 is one in 10^4."""
    rng = np.random.default_rng(11)
    laws = list(Law)
    covered = 0
    for number in range(60):
        law = laws[number % 3]
        times = np.arange(150.0)
        # Constants for which each law ends between 0.35 and 0.95 on 150 days.
        constant = 150 / np.exp(rng.uniform(math.log(0.55), math.log(3.0)))
        fit = fit_consolidation(times, 30 * DEGREES[law](times / constant) + rng.normal(0, 0.6, 150))
        assert fit is not None
        covered += fit.final_mm.low <= 30 <= fit.final_mm.high
    assert covered >= 51


def test_fit_asaoka__exponential_is_a_line() -> None:
    """At a spacing d the exponential has b1 = exp(-d / T): 120 days in 12 of 10 with T = 50 give exp(-0.2)."""
    times = np.linspace(0, 120, 1201)
    line = fit_asaoka(times, 40 * (1 - np.exp(-times / 50)))
    assert line is not None
    assert line.slope == pytest.approx(math.exp(-0.2), rel=1e-3)
    assert line.final_mm is not None
    assert line.final_mm.value == pytest.approx(40, rel=1e-3)


def test_fit_asaoka__straight_movement_has_no_end() -> None:
    """A constant rate lies on a parallel of the diagonal."""
    line = fit_asaoka(np.arange(100.0), np.arange(100.0) * 0.1)
    assert line is not None
    assert line.final_mm is None


def test_fit_hyperbolic_line__hyperbola_is_a_line() -> None:
    """The line of s = t / (a + b t) with a = 2 and b = 1 / 40, beyond 5 at the onset, ends at 45."""
    times = np.arange(100.0)
    line = fit_hyperbolic_line(times, 5 + times / (2 + times / 40))
    assert line is not None
    assert line.intercept == pytest.approx(2, rel=1e-6)
    assert line.final_mm is not None
    assert line.final_mm.value == pytest.approx(45, rel=1e-6)


@pytest.mark.parametrize("direction", [1, -1])
def test_fit_hyperbolic_line__growing_rate_has_no_end(direction: int) -> None:
    """Of s = t^2 / 100 the line of t / s = 100 / t falls: that is no final value, and none on the other side."""
    times = np.arange(100.0)
    line = fit_hyperbolic_line(times, direction * times**2 / 100)
    assert line is not None
    assert line.final_mm is None


@pytest.mark.parametrize(("dof", "quantile"), [(1, 12.706), (2, 4.303), (10, 2.228), (30, 2.042), (1000, 1.962)])
def test_student_quantile__table(dof: int, quantile: float) -> None:
    """The 97.5 % column of the printed tables of Student's t."""
    assert student_quantile(0.975, dof) == pytest.approx(quantile, abs=2e-3)


def test_student_cdf__cauchy() -> None:
    """With one degree of freedom it is 1/2 + atan(x) / pi."""
    x = np.array([-5.0, 0.0, 1.0])
    assert student_cdf(x, 1) == pytest.approx(0.5 + np.arctan(x) / math.pi, abs=1e-6)


def test_mixture_quantiles__two_far_apart() -> None:
    """Of two narrow heaps of equal weight the lower quartile is the middle of the lower one."""
    found = mixture_quantiles(
        weights=np.array([0.5, 0.5]),
        means=np.array([[0.0], [100.0]]),
        scales=np.array([[1.0], [1.0]]),
        dof=50,
        probability=0.25,
    )
    assert found == pytest.approx([0.0], abs=1e-4)
