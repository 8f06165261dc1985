"""Whether a gauge can be believed, told from its own readings."""

import random
from collections.abc import Callable

import pytest

from domain.sensor import SensorKind
from iot.alarm_state import AlarmState
from iot.alarms import judge_readings
from iot.gauge_health import tell_noise
from storage.keyed_reading import GOOD, OUT_OF_RANGE
from tests.unit.iot.alarm_cases import ABOVE_10, ZERO, at, judge, tell, watch

OWN = watch(ABOVE_10)


def noise(count: int, *, sigma: float = 0.05, digits: int = 4, seed: int = 1) -> list[float]:
    """A quiet gauge's values around 1."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return [round(1 + draw.gauss(0, sigma), digits) for _ in range(count)]


def by_minutes(values: list[float], every: float = 10) -> list[tuple[float, float]]:
    """Values each so many minutes."""
    return [(60 * every * n, v) for n, v in enumerate(values)]


def test_stuck__and_free_again() -> None:
    """Two days of the same value of a gauge that never repeated itself; over when three readings are new."""
    values = noise(300) + [1.2345] * 288 + noise(100, seed=2)
    _, changes = judge(OWN, by_minutes(values))
    # The twelfth reading of the run comes after 110 minutes.
    assert changes == [
        ("raised", "sensor.stuck", (300 + 12) * 600.0),
        ("ended", "sensor.stuck", (300 + 288 + 2) * 600.0),
    ]


@pytest.mark.parametrize(
    "values",
    [
        [1.0] * 3000,
        noise(3000, sigma=0.02, digits=1),
        noise(150) + [1.2] * 500,
        noise(300) + [1.2] * 11 + noise(300, seed=2),
    ],
    ids=["never moved", "coarse", "not known long enough", "short"],
)
def test_stuck__cannot_be_told(values: list[float]) -> None:
    """A gauge that repeats itself by habit, that is new, or repeats itself for less than two hours is not stuck."""
    assert judge(OWN, by_minutes(values))[1] == []


def test_stuck__rain() -> None:
    """A rain gauge that says 0 for weeks is not stuck."""
    values = [abs(v) for v in noise(300)] + [0.0] * 3000
    assert judge(watch(ABOVE_10, kind=SensorKind.RAIN), by_minutes(values))[1] == []


def test_spiking__and_quiet_again() -> None:
    """The third spike within seventy readings is one too many; it is over when they are forgotten."""
    values = noise(1200)
    for place in (100, 120, 140):
        values[place] = 60.0
    _, changes = judge(OWN, by_minutes(values))
    # A spike is known by the reading after it. 2.7 spikes fade below 0.5 after 200 ln(2.7 / 0.5) readings: about 340.
    assert [(what, of) for what, of, _ in changes] == [("raised", "sensor.spiking"), ("ended", "sensor.spiking")]
    assert changes[0][2] == 141 * 600.0
    assert 141 + 330 <= changes[1][2] / 600 <= 141 + 350


@pytest.mark.parametrize("shape", [lambda n: 5.0 if n >= 500 else 0.0, lambda n: 5.0 if 500 <= n < 540 else 0.0])
def test_spiking__steps_are_none(shape: Callable[[int], float]) -> None:
    """A load that stays, and one that goes after hours, are no spikes."""
    values = [v + shape(n) for n, v in enumerate(noise(1000))]
    assert judge(OWN, by_minutes(values))[1] == []


def test_out_of_range__three_in_a_row() -> None:
    """Three readings out of range are a fault; three within it end it."""
    q = [GOOD, OUT_OF_RANGE, GOOD, OUT_OF_RANGE, OUT_OF_RANGE, OUT_OF_RANGE, GOOD, GOOD, GOOD]
    readings = [(ZERO + n, 999.0 if each == OUT_OF_RANGE else 1.0, each) for n, each in enumerate(q)]
    _, changes = judge_readings(OWN, AlarmState(), readings)
    assert [tell(each) for each in changes] == [
        ("raised", "sensor.out_of_range", 5),
        ("ended", "sensor.out_of_range", 8),
    ]
    assert changes[0].since == at(3)


def test_out_of_range__neither_confirms_nor_ends() -> None:
    """A raised alarm stays raised while the gauge is out of its range."""
    state, _ = judge(OWN, [(0, 11), (1, 12), (2, 13)])
    readings = [(ZERO + 3 + n, -999.0, OUT_OF_RANGE) for n in range(50)]
    state, changes = judge_readings(OWN, state, readings)
    assert [tell(each)[1] for each in changes] == ["sensor.out_of_range"]
    assert state.levels["yellow"].is_raised


@pytest.mark.parametrize("sigma", [0.001, 0.05, 3.0])
def test_tell_noise__of_normal_noise(sigma: float) -> None:
    """The noise is told within a third, from white noise on a slope of one sigma a reading."""
    values = [v + n * sigma for n, v in enumerate(noise(2000, sigma=sigma, digits=9))]
    state, _ = judge(OWN, by_minutes(values))
    assert tell_noise(state) == pytest.approx(sigma, rel=1 / 3)


def test_cadence__is_followed() -> None:
    """A gauge that went from ten minutes to six hours is known after two readings: then six hours are no gap.

    Four and sixteen times ten minutes are 2,400 s and 9,600 s, and four times 9,600 s are more than six hours.
    """
    state, _ = judge(OWN, by_minutes(noise(50)))
    for n, is_gap in enumerate([True, True, False, False, False]):
        state, _ = judge(OWN, [(50 * 600.0 + (n + 1) * 21_600, 1.0 + n / 100)], state)
        assert state.is_gap is is_gap
