"""Judging a stretch of readings at once, held against judging them one by one."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.sensor import AlarmLevel, SensorKind, SensorProfile, Suppression
from iot.alarm_state import AlarmState
from iot.alarms import Change, JudgedReading, Watch, judge_reading, judge_readings
from iot.calm_stretch import pass_calm
from iot.gauge_health import MIN_KNOWN
from storage.keyed_reading import BAD, GOOD, OUT_OF_RANGE
from tests.unit.iot.alarm_cases import ABOVE_10, ZERO, at, watch

SUPPRESSIONS = (Suppression(at(3000), at(40_000), "works beside it"),)
WATCHES = {
    "nothing but silence": watch(stale_after_s=3600.0),
    "by value": watch(ABOVE_10, AlarmLevel(level="red", action="close it", above=20.0, below=-5.0, for_n=2)),
    "from a baseline that rounds": watch(
        AlarmLevel(level="yellow", action="look", above=0.2, below=-0.2, rate_per_day=5.0),
        profile=SensorProfile(baseline=0.1),  # the gauge below stands at 0.2
    ),
    "by rate": watch(
        AlarmLevel(level="yellow", action="look", rate_per_day=0.5, above=10.0, hysteresis=1.0),
        AlarmLevel(level="red", action="close it", rate_per_day=3.0, for_s=1800.0),
        profile=SensorProfile(suppressions=SUPPRESSIONS),
    ),
    "of a coarse gauge": watch(ABOVE_10, profile=SensorProfile(resolution=0.1, suppressions=SUPPRESSIONS)),
    "of rain": watch(ABOVE_10, kind=SensorKind.RAIN),
}
LIMITS = (-5.0, -0.1, 0.0, -0.0, 0.30000000000000004, 10.0, 20.0, 1e308, -1e308)  # 0.1 + 0.2, as floats have it


def judge_one_by_one(
    watched: Watch, state: AlarmState, readings: Sequence[JudgedReading]
) -> tuple[AlarmState, list[Change]]:
    """As `judge_readings`, without any stretch that is passed at once."""
    state, changes = judge_readings(watched, state, [])
    for reading in readings:
        judge_reading(watched, state, reading, changes)
    return state, changes


DEEDS = (
    *("noise", "noise", "noise", "slope", "same", "saw", "spike", "outside", "bad"),
    *("late", "twice", "gap", "limit", "beyond", "coarse", "jitter", "step"),
)
# One piece of a record: (how many readings, their usual distance [s], what the gauge does).
PIECE = st.tuples(
    st.integers(1, 60),
    st.sampled_from([0.1, 1.0, 60.0, 600.0]),
    st.sampled_from(DEEDS),
)


def make_record(pieces: Sequence[tuple[int, float, str]], *, seed: int) -> list[JudgedReading]:
    """The readings of a gauge that does these things one after the other."""
    chance = random.Random(seed)  # noqa: S311 - a test's noise
    readings: list[JudgedReading] = []
    time, level = ZERO, 0.2
    for count, step_s, what in pieces:
        level += {"step": 2.0, "beyond": 12.0}.get(what, 0.0)
        for n in range(count):
            time += step_s * (chance.uniform(0.2, 3.9) if what == "jitter" else 1.0)
            readings += list(_say(what, time, level, n=n, step_s=step_s, chance=chance))
        time += 20 * step_s if what == "gap" else 0.0
        level -= 12.0 if what == "beyond" else 0.0
    return readings


def _say(
    what: str, time: float, level: float, *, n: int, step_s: float, chance: random.Random
) -> Iterator[JudgedReading]:
    value = level + chance.gauss(0, 0.01)
    if what == "slope":
        value = level + 0.3 * n + chance.gauss(0, 0.01)
    elif what == "same":
        value = level
    elif what == "saw":
        value = level + n % 17 / 10
    elif what == "coarse":
        value = round(value, 1)
    elif what == "spike" and n % 20 < chance.choice([1, 2, 3]):
        value += 900.0
    elif what == "limit":
        value = chance.choice(LIMITS)
    yield time, value, {"outside": OUT_OF_RANGE, "bad": BAD}.get(what, GOOD) if n % 3 else GOOD
    if what == "late":
        yield time - 1.5 * step_s, value + 0.01, GOOD
    elif what == "twice":
        yield time, value + 0.01, GOOD


@pytest.mark.parametrize("watched", WATCHES.values(), ids=list(WATCHES))
@given(st.lists(PIECE, max_size=25), st.integers(0, 2**32), st.lists(st.integers(0, 1500), max_size=4))
@settings(max_examples=60, deadline=None)
def test_judge_readings__as_one_by_one(
    watched: Watch, pieces: list[tuple[int, float, str]], seed: int, cuts: list[int]
) -> None:
    """Whatever a gauge does, passing calm stretches at once changes neither state nor changes, not by the last bit."""
    readings = make_record([(40, 60.0, "noise"), *pieces], seed=seed)
    expected, expected_changes = judge_one_by_one(watched, AlarmState(), readings)
    state, changes = AlarmState(), list[Change]()
    for first, last in pairwise([0, *sorted(cuts), len(readings)]):
        state, found = judge_readings(watched, state, readings[first:last])
        changes += found
    assert changes == expected_changes
    assert repr(state) == repr(expected)  # which tells -0.0 from 0.0, and takes nan for nan


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 1e-6, 1.0, 1.0, 60.0, 240.0, 899.0, 900.0, 90_000.0, -30.0]),
            st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([1.0, 1.0, 1.1, *LIMITS])),
            st.sampled_from([GOOD, GOOD, GOOD, GOOD, OUT_OF_RANGE, BAD]),
        ),
        max_size=60,
    ),
    st.sampled_from(sorted(WATCHES)),
)
@settings(max_examples=300, deadline=None)
def test_judge_readings__any_numbers(said: list[tuple[float, float, int]], name: str) -> None:
    """The same of numbers that no gauge says, the largest among them, after a time in which it was calm."""
    calm = make_record([(40, 60.0, "noise")], seed=1)
    time, readings = calm[-1][0], []
    for step_s, value, q in said:
        time += step_s
        readings.append((time, value, q))
    expected, expected_changes = judge_one_by_one(WATCHES[name], AlarmState(), calm + readings)
    state, changes = judge_readings(WATCHES[name], AlarmState(), calm + readings)
    assert changes == expected_changes
    assert repr(state) == repr(expected)


@pytest.mark.parametrize("name", sorted(WATCHES))
def test_pass_calm__takes_in_a_calm_record(name: str) -> None:
    """Of a quiet gauge the stretch takes nearly everything in at once, so that the comparisons above compare."""
    readings = make_record([(800, 1.0, "noise")], seed=3)
    state, _ = judge_one_by_one(WATCHES[name], AlarmState(), readings[: MIN_KNOWN + 1])
    rest = iter(readings[MIN_KNOWN + 1 :])
    assert pass_calm(WATCHES[name], state, rest) is None
    assert state.count == len(readings)


@pytest.mark.parametrize(
    ("changes", "reading"),
    [
        ({"faults": {"sensor.silent": ZERO}}, (60.0, 9.5, GOOD)),
        ({"outside": 1}, (60.0, 9.5, GOOD)),
        ({"held": 1}, (60.0, 9.5, GOOD)),
        ({"count": MIN_KNOWN - 1}, (60.0, 9.5, GOOD)),
        ({}, (60.0, 10.0, GOOD)),  # at the limit
        ({}, (60.0, 9.5, OUT_OF_RANGE)),
        ({}, (60.0, 9.5, BAD)),
        ({}, (0.0, 9.5, GOOD)),  # twice
        ({}, (-60.0, 9.5, GOOD)),  # late
        ({}, (241.0, 9.5, GOOD)),  # more than four times 60 s
        ({}, (60.0, 7.5, GOOD)),  # ten times 0.1 away, and more
    ],
)
def test_pass_calm__leaves_alone(changes: dict[str, Any], reading: JudgedReading) -> None:
    """What may begin or end something is given back untouched, and the state is as it was."""
    calm = AlarmState(
        newest=ZERO, at=ZERO, last=9.5, accepted=9.5, step=0.1, bend=0.1, count=100, cadence_s=60.0, news=90, run=1
    )
    state = replace(calm, **changes)
    before = state.copy()
    given_reading = (ZERO + reading[0], *reading[1:])
    assert pass_calm(WATCHES["by value"], state, iter([given_reading])) == given_reading
    assert state == before
