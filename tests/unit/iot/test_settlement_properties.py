"""What holds of the settlement analysis whatever the record: shifts, scales, odd times, memory, plain numbers."""

import json
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iot.consolidation import InvalidRecord
from iot.settlement import SettlementAnalysis, SettlementEvent, Stability, analyse_settlement, describe_settlement
from iot.settlement_statistics import FloatArray

EXAMPLES = settings(max_examples=12, deadline=None, derandomize=True)
DAYS = np.arange(0, 140, 0.5)
SEEDS = st.integers(0, 2**32 - 1)


def settled(seed: int, times: FloatArray = DAYS) -> FloatArray:
    """A consolidation of 12 mm, a course of the day of 0.3 mm, noise of 0.2 mm, a step of 3 mm in every other one."""
    rng = np.random.default_rng(seed)
    step = 3.0 * (seed % 2) * (times >= times[times.size // 2])
    wave = 0.3 * np.cos(2 * math.pi * times + seed)
    course: FloatArray = 12 * (1 - np.exp(-(times - times[0]) / 40)) + step + wave
    return course + rng.normal(0, 0.2, times.size)


def numbers(analysis: SettlementAnalysis) -> FloatArray:
    """What moves with the values' scale and not with their level, steps, rates, noise and movement. [mm]."""
    found = [analysis.noise_mm, analysis.movement_mm.value, analysis.movement_mm.low, analysis.movement_mm.high]
    found += [float(step.size_mm.value) for step in analysis.steps]
    for rate in analysis.rates:
        if rate.rate_mm_per_day is not None:
            found += [rate.rate_mm_per_day.value, rate.rate_mm_per_day.low, rate.rate_mm_per_day.high]
    fit = analysis.consolidation
    if fit is not None:
        found += [each - analysis.baseline_mm.value for each in (fit.final_mm.value, fit.final_mm.low)]
    return np.array(found)


@EXAMPLES
@given(seed=SEEDS, level=st.sampled_from([-5000.0, 3.0, 20_000.0]))
def test_analyse_settlement__level_does_not_matter(seed: int, level: float) -> None:
    """A gauge that stands anywhere tells the same movement, steps, rates, forecast from its baseline, and verdict."""
    here, there = analyse_settlement(DAYS, settled(seed)), analyse_settlement(DAYS, settled(seed) + level)
    assert numbers(there) == pytest.approx(numbers(here), rel=1e-4, abs=1e-4)
    assert there.stability.verdict is here.stability.verdict


@EXAMPLES
@given(seed=SEEDS, scale=st.sampled_from([-1.0, 0.001, 1000.0]))
def test_analyse_settlement__scale_goes_through(seed: int, scale: float) -> None:
    """Metres or micrometres, up or down, with the limit in the same unit: every number by the scale, one verdict."""
    here = analyse_settlement(DAYS, settled(seed))
    there = analyse_settlement(DAYS, scale * settled(seed), stability_limit_mm_per_day=0.04 * abs(scale))
    assert there.noise_mm == pytest.approx(abs(scale) * here.noise_mm, rel=1e-6)
    assert there.movement_mm.value == pytest.approx(scale * here.movement_mm.value, rel=1e-4, abs=1e-6 * abs(scale))
    assert [step.at_days for step in there.steps] == [step.at_days for step in here.steps]
    assert there.stability.verdict is here.stability.verdict
    assert there.consolidation is not None
    assert here.consolidation is not None
    assert there.consolidation.reason is here.consolidation.reason
    assert there.consolidation.final_mm.value == pytest.approx(scale * here.consolidation.final_mm.value, rel=1e-3)
    assert there.consolidation.degree.value == pytest.approx(here.consolidation.degree.value, rel=1e-3)


@EXAMPLES
@given(seed=SEEDS, later=st.sampled_from([-20_000.25, 0.375, 20_500.5]))
def test_analyse_settlement__when_does_not_matter(seed: int, later: float) -> None:
    """The same record on other days and at other hours of them: the same numbers, every time later by as much."""
    here, there = analyse_settlement(DAYS, settled(seed)), analyse_settlement(DAYS + later, settled(seed))
    assert numbers(there) == pytest.approx(numbers(here), rel=1e-4, abs=1e-4)
    assert [step.at_days - later for step in there.steps] == [step.at_days for step in here.steps]
    assert there.thermal.reason is here.thermal.reason
    assert there.fit_from_days - later == here.fit_from_days
    assert there.stability.verdict is here.stability.verdict


@EXAMPLES
@given(
    gaps=st.lists(st.floats(1e-5, 30, allow_nan=False), min_size=1, max_size=60),
    seed=SEEDS,
    heated=st.booleans(),
    noise_mm=st.sampled_from([0.0, 1e-9, 0.3, 1e6]),
    loads=st.lists(st.floats(-50, 900), max_size=3),
)
def test_describe_settlement__any_record_gives_plain_numbers(
    gaps: list[float], seed: int, *, heated: bool, noise_mm: float, loads: list[float]
) -> None:
    """Readings from seconds to weeks apart, one or sixty, constant or wild: JSON without NaN or infinity."""
    times = np.cumsum(gaps)
    rng = np.random.default_rng(seed)
    values = rng.normal(0, noise_mm, times.size) if noise_mm else np.full(times.size, 7.25)
    heat = (times, 20 + rng.normal(0, 5, times.size)) if heated else None
    events = [SettlementEvent(load) for load in loads]
    described = describe_settlement(analyse_settlement(times, values, temperature=heat, events=events))
    assert json.loads(json.dumps(described, allow_nan=False)) == described


@EXAMPLES
@given(seed=SEEDS, size=st.integers(1, 12))
def test_analyse_settlement__short_record_is_no_verdict(seed: int, size: int) -> None:
    """Up to twelve half-days are a record of which neither rate nor stability is told."""
    analysis = analyse_settlement(DAYS[:size], settled(seed)[:size])
    assert analysis.stability.verdict is Stability.CANNOT_TELL
    assert all(rate.rate_mm_per_day is None for rate in analysis.rates)


def test_analyse_settlement__irregular_times_tell_the_same() -> None:
    """A third of the readings at random moments: the rate's interval still holds 0.1 mm/d, the verdict is the same."""
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(0, 150, 120))
    values = 0.1 * times + rng.normal(0, 0.2, times.size)
    analysis = analyse_settlement(times, values)
    found = analysis.rates[-1].rate_mm_per_day
    assert found is not None
    assert found.low <= 0.1 <= found.high
    assert analysis.stability.verdict is Stability.SETTLING


@pytest.mark.parametrize("broken", ["twice", "backwards"])
def test_analyse_settlement__duplicate_times_are_refused(broken: str) -> None:
    """Two values at one moment are no record: which of them holds is for the storage to say, not for a mean."""
    times = DAYS.copy()
    times[10] = times[9] if broken == "twice" else times[8]
    with pytest.raises(InvalidRecord):
        analyse_settlement(times, settled(1))


@pytest.mark.parametrize("span_days", [70.0, 1000.0, 20_000.0])
def test_analyse_settlement__hundred_thousand_readings(span_days: float) -> None:
    """100,000 readings with a temperature, 0.8 MB a column, are answered within 300 MB, and the rate is right."""
    times = np.linspace(0, span_days, 100_000)
    rng = np.random.default_rng(3)
    air = 15 + 8 * np.sin(2 * math.pi * times) + 5 * np.sin(times / 1.3)
    values = 0.05 * times + 0.05 * air + rng.normal(0, 0.3, times.size)
    tracemalloc.start()
    try:
        analysis = analyse_settlement(times, values, temperature=(times, air))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 300e6
    assert len(describe_settlement(analysis)["series"]) <= 501
    last = analysis.rates[1 if span_days < 100 else 2].rate_mm_per_day
    assert last is not None
    assert last.value == pytest.approx(0.05, abs=0.02)
