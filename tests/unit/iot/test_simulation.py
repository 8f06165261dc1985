"""The simulated gauge."""

import statistics
from datetime import UTC, datetime, timedelta

import pytest

from iot.simulation import SettlementLaw, settlement_series

LOADED = datetime(2026, 7, 1, tzinfo=UTC)
QUIET = SettlementLaw(final_mm=20.0, time_constant=timedelta(days=30), noise_mm=0.0, temperature_mm=0.0)


@pytest.mark.parametrize(
    ("days", "expected_mm"),
    # 20 * (1 - exp(-1)) = 12.642411, 20 * (1 - exp(-2)) = 17.293294; before the load and long after it.
    [(30, 12.642411), (60, 17.293294), (0, 0.0), (-5, 0.0), (3000, 20.0)],
)
def test_settlement_mm__by_the_law(days: int, expected_mm: float) -> None:
    """After one time constant 63 % are there, after two 86 %."""
    assert QUIET.settlement_mm(timedelta(days=days)) == pytest.approx(expected_mm, abs=1e-6)


def test_settlement_series__repeatable() -> None:
    """The same seed gives the same readings, another one others."""

    def values(seed: int) -> list[float]:
        series = settlement_series(
            SettlementLaw(), loaded_at=LOADED, start=LOADED, every=timedelta(hours=1), seed=seed, count=20
        )
        return [reading.v for reading in series]

    assert values(1) == values(1)
    assert values(1) != values(2)


def test_settlement_series__times_and_numbers() -> None:
    """Readings follow each other at the given step and are counted."""
    series = list(settlement_series(QUIET, loaded_at=LOADED, start=LOADED, every=timedelta(minutes=5), seed=1, count=3))
    assert [(reading.t - LOADED, reading.seq) for reading in series] == [
        (timedelta(minutes=5 * i), i) for i in range(3)
    ]


def test_settlement_series__speed_up() -> None:
    """At a thousandfold speed the pier is after 43.2 min where its law has it after 30 days."""
    series = settlement_series(
        QUIET,
        loaded_at=LOADED,
        start=LOADED + timedelta(minutes=43.2),
        every=timedelta(seconds=1),
        seed=1,
        count=1,
        speed_up=1000.0,
    )
    assert next(series).v == pytest.approx(12.6424, abs=1e-3)


def test_settlement_series__noise() -> None:
    """Values scatter about the truth by the gauge's noise."""
    # The deviation of 2,000 values of 0.05 mm is itself known to 0.05 / sqrt(4000) = 0.0008 mm.
    law = SettlementLaw(noise_mm=0.05, temperature_mm=0.0)
    series = settlement_series(law, loaded_at=LOADED, start=LOADED, every=timedelta(hours=1), seed=3, count=2000)
    assert statistics.pstdev(reading.v - reading.true_mm for reading in series) == pytest.approx(0.05, abs=0.004)


def test_settlement_series__temperature() -> None:
    """The daily movement is greatest at 15 o'clock in China, 07:00 UTC, and least twelve hours later."""
    law = SettlementLaw(noise_mm=0.0, temperature_mm=0.3)
    start = datetime(2026, 7, 1, 7, tzinfo=UTC)
    warm, cold = settlement_series(law, loaded_at=LOADED, start=start, every=timedelta(hours=12), seed=1, count=2)
    assert warm.v - warm.true_mm == pytest.approx(0.3, abs=1e-4)
    assert cold.v - cold.true_mm == pytest.approx(-0.3, abs=1e-4)
