"""The simulated bridge."""

import statistics
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from iot.simulation import (
    Failure,
    Fault,
    FaultKind,
    Gauge,
    LawKind,
    SettlementLaw,
    SimulatedReading,
    Weather,
    merge_series,
    simulate_gauge,
    simulate_thermometer,
)

LOADED = datetime(2026, 7, 1, tzinfo=UTC)
LAW = SettlementLaw(final_mm=20.0, time_constant=timedelta(days=30))
HOUR = timedelta(hours=1)
CALM = Weather(mean=20.0, yearly=0.0, daily=0.0)


def simulate(gauge: Gauge, *, count: int, seed: int = 1, weather: Weather = CALM) -> list[SimulatedReading]:
    """Hourly readings from the loading on."""
    return list(islice(simulate_gauge(gauge, weather=weather, start=LOADED, every=HOUR, seed=seed), count))


@pytest.mark.parametrize(
    ("days", "expected_mm"),
    # 20 * (1 - exp(-1)) = 12.642411, 20 * (1 - exp(-2)) = 17.293294; before the load and long after it.
    [(30, 12.642411), (60, 17.293294), (0, 0.0), (-5, 0.0), (3000, 20.0)],
)
def test_settlement_mm__exponential(days: int, expected_mm: float) -> None:
    """After one time constant 63 % are there, after two 86 %."""
    assert LAW.settlement_mm(timedelta(days=days)) == pytest.approx(expected_mm, abs=1e-6)


@pytest.mark.parametrize(
    ("time_factor", "degree"),
    # Terzaghi's table: T = 0.197 for 50 %, 0.848 for 90 %; early U = sqrt(4 T / pi), so 0.1 at T = 0.00785.
    [(0.197, 0.5), (0.848, 0.9), (0.00785398, 0.1), (0.0, 0.0), (10.0, 1.0)],
)
def test_settlement_mm__terzaghi(time_factor: float, degree: float) -> None:
    """The degree of consolidation by the printed table of time factors."""
    law = SettlementLaw(final_mm=1.0, time_constant=timedelta(days=1), kind=LawKind.TERZAGHI)
    assert law.settlement_mm(timedelta(days=time_factor)) == pytest.approx(degree, abs=1e-3)


def test_simulate_gauge__repeatable() -> None:
    """The same seed gives the same readings, another one and another gauge others."""
    gauge = Gauge("a", LAW, LOADED)
    first = [each.v for each in simulate(gauge, count=20)]
    assert first == [each.v for each in simulate(gauge, count=20)]
    assert first != [each.v for each in simulate(gauge, count=20, seed=2)]
    assert first != [each.v for each in simulate(Gauge("b", LAW, LOADED), count=20)]


def test_simulate_gauge__noise() -> None:
    """Values scatter about the truth by the gauge's noise."""
    # The deviation of 2,000 values of 0.05 mm is itself known to 0.05 / sqrt(4000) = 0.0008 mm.
    readings = simulate(Gauge("a", LAW, LOADED, noise_mm=0.05), count=2000)
    assert statistics.pstdev(each.v - each.true_mm for each in readings) == pytest.approx(0.05, abs=0.004)


def test_simulate_gauge__temperature() -> None:
    """At 15 o'clock in China, 07:00 UTC, it is warmest: 5 degrees more at 0.02 mm each are 0.1 mm."""
    gauge = Gauge("a", LAW, LOADED, noise_mm=0.0, per_degree_mm=0.02)
    readings = simulate(gauge, count=24, weather=Weather(mean=20.0, yearly=0.0, daily=5.0))
    assert readings[7].v - readings[7].true_mm == pytest.approx(0.1, abs=1e-3)
    assert readings[19].v - readings[19].true_mm == pytest.approx(-0.1, abs=1e-3)


def test_movement_mm__failure() -> None:
    """Nothing before, e-fold growth in each quarter, all of it at the end, and no more after."""
    failure = Failure(begins_at=LOADED, lasts=4 * HOUR, size_mm=10.0)
    # 10 * (e^1 - 1) / (e^4 - 1) = 0.320586
    expected = {-1: 0.0, 0: 0.0, 1: 0.320586, 4: 10.0, 9: 10.0}
    assert {hours: failure.movement_mm(LOADED + hours * HOUR) for hours in expected} == pytest.approx(
        expected, abs=1e-6
    )


def test_simulate_gauge__faults() -> None:
    """Stuck repeats, a gap says nothing and keeps its numbers, a drift grows, spikes go up and come back."""

    def during(kind: FaultKind, **size: float) -> list[SimulatedReading]:
        fault = Fault(kind, LOADED + 10 * HOUR, LOADED + 1010 * HOUR, **size)
        still = SettlementLaw(final_mm=0.0)
        return simulate(Gauge("a", still, LOADED, noise_mm=0.01, faults=(fault,)), count=1020)

    stuck = during(FaultKind.STUCK)
    assert {each.v for each in stuck[9:1010]} == {stuck[9].v}
    assert stuck[1010].v != stuck[9].v
    assert [each.seq for each in during(FaultKind.GAP)[9:11]] == [9, 1010]
    assert during(FaultKind.DRIFT, size_mm=5.0)[1009].v == pytest.approx(5.0, abs=0.1)
    spikes = [each for each in during(FaultKind.SPIKES, size_mm=8.0) if each.v > 4]
    # 1,000 readings of which 2 % are spikes: 20, within four deviations of 4.4.
    assert 2 < len(spikes) < 38


def test_merge_series__by_time() -> None:
    """A thermometer and a gauge in one stream, each with its own numbers."""
    weather = Weather()
    gauge = simulate_gauge(Gauge("a", LAW, LOADED), weather=weather, start=LOADED, every=2 * HOUR, seed=1)
    air = simulate_thermometer("t", weather=weather, start=LOADED, every=HOUR, seed=1)
    merged = list(islice(merge_series([gauge, air]), 6))
    assert [each.t - LOADED for each in merged] == [hours * HOUR for hours in (0, 0, 1, 2, 2, 3)]
    assert [each.seq for each in merged if each.sensor_id == "t"] == [0, 1, 2, 3]
