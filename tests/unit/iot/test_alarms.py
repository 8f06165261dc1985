"""Alarms in event time."""

import json
import random
from dataclasses import replace
from itertools import pairwise
from math import pi, sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.alarm import EndReason, GaugeFault
from domain.sensor import AlarmLevel, SensorProfile, Suppression
from iot.alarm_state import AlarmState, state_from_json, state_to_json
from iot.alarms import AlarmEnded, AlarmRaised, is_consequential, judge_readings
from storage.keyed_reading import GOOD, OUT_OF_RANGE
from tests.unit.iot.alarm_cases import ABOVE_10, START, ZERO, at, judge, make_sensor, tell, watch

AT_ONCE = replace(ABOVE_10, for_n=1)
RED = AlarmLevel(level="red", action="close it", above=20.0)


def test_judge_readings__above() -> None:
    """Three readings beyond the limit raise it, once, with what exceeded what and since when; the limit is kept."""
    readings = [(ZERO + s, v, GOOD) for s, v in enumerate([10.0, 10.5, 12.0, 11.0, 13.0])]
    _, changes = judge_readings(watch(ABOVE_10), AlarmState(), readings)
    assert changes == [AlarmRaised(ABOVE_10, "above", 11.0, 10.0, since=at(1), at=at(3))]


def test_judge_readings__below() -> None:
    """A value under the lower limit raises too; `for_n` of one raises at once."""
    level = AlarmLevel(level="red", action="close the bridge", above=10.0, below=-5.0, for_n=1)
    readings = [(ZERO, -5.0, GOOD), (ZERO + 1, -5.1, GOOD)]
    _, changes = judge_readings(watch(level), AlarmState(), readings)
    assert changes == [AlarmRaised(level, "below", -5.1, -5.0, since=at(1), at=at(1))]


def test_judge_readings__from_the_baseline() -> None:
    """Where the profile has a baseline, the limit is of the movement since then: 105 is 5 from 100, 111 is 11."""
    own = watch(AT_ONCE, profile=SensorProfile(baseline=100.0))
    readings = [(ZERO, 105.0, GOOD), (ZERO + 1, 111.0, GOOD)]
    _, (change,) = judge_readings(own, AlarmState(), readings)
    assert isinstance(change, AlarmRaised)
    assert (change.value, change.limit, change.at) == (11.0, 10.0, at(1))


@pytest.mark.parametrize("spikes", [1, 2])
def test_judge_readings__spike(spikes: int) -> None:
    """One spike raises nothing with the default settings, nor do two in a row, however high."""
    assert judge(ABOVE_10, [(s, 5000.0 if 5 <= s < 5 + spikes else 1.0) for s in range(20)])[1] == []


def test_judge_readings__one_contrary_reading() -> None:
    """One reading that says otherwise does not interrupt a confirmation; two do."""
    assert judge(ABOVE_10, [(0, 11), (1, 11), (2, -40), (3, 11)])[1] == [("raised", "yellow", 3)]
    assert judge(ABOVE_10, [(0, 11), (1, 11), (2, 1), (3, 2), (4, 11), (5, 11)])[1] == []


def test_judge_readings__hysteresis() -> None:
    """It ends only when the value has come back by the hysteresis, and may then be raised again."""
    level = replace(AT_ONCE, hysteresis=2.0)
    readings = [(0, 11.0), (1, 9.0), (2, 10.5), (3, 8.1), (4, 8.0), (5, 9.5), (6, 10.1)]
    assert [(what, s) for what, _, s in judge(level, readings)[1]] == [("raised", 0), ("ended", 4), ("raised", 6)]


def test_judge_readings__ends_as_it_began() -> None:
    """It takes as many readings to end as to be raised: one reading that is back ends nothing."""
    values = [11, 11, 11, 1, 12, 13, 1.5, 2, 2.5]
    assert judge(ABOVE_10, list(enumerate(values)))[1] == [("raised", "yellow", 2), ("ended", "yellow", 8)]


def test_judge_readings__confirmation_by_own_times() -> None:
    """It must be exceeded for 60 s by the readings' times; two readings within the limit begin the wait anew."""
    level = replace(ABOVE_10, for_s=60.0)
    readings = [(0, 11), (20, 11), (40, 9), (50, 9), (70, 11), (100, 11), (129.9, 12), (130, 11), (200, 12)]
    assert judge(level, readings)[1] == [("raised", "yellow", 130)]


def test_judge_readings__step_up_and_down() -> None:
    """Each level goes its own way: red comes beside yellow and goes before it."""
    values = [11, 21, 22, 23, 15, 14, 13, 9, 8, 7]
    assert judge(watch(ABOVE_10, RED), list(enumerate(values)))[1] == [
        ("raised", "yellow", 2),
        ("raised", "red", 3),
        ("ended", "red", 6),
        ("ended", "yellow", 9),
    ]


def test_judge_readings__gap_confirms_nothing() -> None:
    """Two readings beyond, an hour's silence of a gauge that reads each second, one more: that is not three."""
    quiet = [(float(s), 1.0) for s in range(20)]
    beyond = [(20.0, 11.0), (21.0, 12.0), (3621.0, 13.0), (3622.0, 14.0)]
    assert judge(ABOVE_10, quiet + beyond)[1] == []
    assert judge(ABOVE_10, [*quiet, *beyond, (3623, 15)])[1] == [("raised", "yellow", 3623)]


def test_judge_readings__gap_ends_nothing() -> None:
    """What is back before a gap and after it has to be back three times after it."""
    raised = [(float(s), 11 + s / 100) for s in range(20)]
    back = [(20.0, 1.0), (21.0, 1.5), (3621.0, 2.0), (3622.0, 2.5)]
    assert [what for what, _, _ in judge(ABOVE_10, raised + back)[1]] == ["raised"]
    assert judge(ABOVE_10, [*raised, *back, (3623, 3)])[1][-1] == ("ended", "yellow", 3623)


def test_judge_readings__daily_readings_are_no_gap() -> None:
    """A gauge that is read once a day has no gap from day to day."""
    assert judge(ABOVE_10, [(86400.0 * day, 11 + day) for day in range(3)])[1] == [("raised", "yellow", 172_800)]


def test_judge_readings__suppression() -> None:
    """Nothing is raised within the window; what persists is raised at the first reading from its end on."""
    load_test = Suppression(at(0), at(100), "load test")
    own = watch(ABOVE_10, profile=SensorProfile(suppressions=(load_test,)))
    persists = [(10.0 * n, 11 + n) for n in range(12)]
    assert judge(own, persists)[1] == [("raised", "yellow", 100)]
    goes = [(10.0 * n, 11 + n if n < 8 else 1 + n / 100) for n in range(20)]
    assert judge(own, goes)[1] == []


def test_judge_readings__late_reading() -> None:
    """A reading older than the newest judged changes nothing here, whatever its value; nor does one of its time."""
    state, _ = judge(AT_ONCE, [(100, 5.0)])
    after, changes = judge(AT_ONCE, [(50, 99.0), (100, 99.0)], state)
    assert (after, changes) == (state, [])


def test_judge_readings__level_taken_away() -> None:
    """An alarm of a level that the sensor no longer has ends, and says why."""
    state, _ = judge(AT_ONCE, [(0, 11.0)])
    after, changes = judge_readings(watch(RED), state, [(ZERO + 1, 1.0, GOOD)])
    assert changes == [AlarmEnded("yellow", at(0), at(0), EndReason.LEVEL_REMOVED)]
    assert (after.levels, after.rules_from) == ({}, ZERO)


def test_judge_readings__leaves_the_state_alone() -> None:
    """The state that goes in is not changed."""
    state, _ = judge(ABOVE_10, [(0, 11.0), (1, 12.0)])
    written = json.dumps(state_to_json(state))
    judge(ABOVE_10, [(2, 13.0), (3, 14.0)], state)
    assert json.dumps(state_to_json(state)) == written


RATE = AlarmLevel(level="orange", action="level again within two days", rate_per_day=0.5)


def test_judge_readings__rate_of_a_steady_slope() -> None:
    """0.6 mm/d, read each ten minutes, is raised when a day and its smoothing are there; 0.4 mm/d is not."""
    fast = [(600.0 * n, 0.6 * n / 144) for n in range(288)]
    _, changes = judge_readings(watch(RATE), AlarmState(), [(ZERO + s, v, GOOD) for s, v in fast])
    (change,) = changes
    assert isinstance(change, AlarmRaised)
    assert change.value == pytest.approx(0.6)
    assert 86_400 <= (change.at - START).total_seconds() <= 86_400 + 3 * 3600
    assert judge(RATE, [(s, v * 4 / 6) for s, v in fast])[1] == []


def test_judge_readings__rate_is_blind_to_the_day() -> None:
    """Three millimetres up and down each day are no rate."""
    assert judge(RATE, [(600.0 * n, 3 * sin(2 * pi * n / 144)) for n in range(1000)])[1] == []


def test_judge_readings__rate_of_noise() -> None:
    """Noise of 0.4 mm read once an hour makes rates above 0.5 mm/d, and no alarm in a year."""
    draw = random.Random(7)  # noqa: S311 - repeatable, not secret
    assert judge(RATE, [(3600.0 * n, draw.gauss(0, 0.4)) for n in range(8760)])[1] == []


def test_judge_readings__rate_from_daily_readings() -> None:
    """One reading a day: 0.4 mm/d is kept; 1 mm/d falling is raised by the third day of it."""
    values = [0.0, 0.4, 0.8, 1.2, 0.2, -0.8, -1.8, -2.8]
    _, changes = judge_readings(watch(RATE), AlarmState(), [(ZERO + 86400 * d, v, GOOD) for d, v in enumerate(values)])
    assert [change.at for change in changes] == [at(6 * 86400)]


def test_judge_readings__rate_after_a_gap() -> None:
    """After eight days of silence nothing is known of the rate: no alarm, and a standing one does not end."""
    level = replace(RATE, for_n=1)
    slope = [(3600.0 * n, n / 24) for n in range(30)]
    state, changes = judge(level, slope)
    assert [what for what, _, _ in changes] == ["raised"]
    later = 10 * 86400.0
    state, changes = judge(level, [(later + 3600 * n, 5 + n / 1e4) for n in range(20)], state)
    assert (state.rate, changes) == (None, [])
    _, changes = judge(level, [(later + 3600 * n, 5 + n / 1e4) for n in range(20, 40)], state)
    assert [what for what, _, _ in changes] == ["ended"]


def test_judge_readings__rate_state_is_bounded() -> None:
    """Two days of readings each ten seconds leave a point each quarter of an hour of 27 hours: 108, and one older."""
    state, _ = judge(RATE, [(10.0 * n, n % 7 / 100) for n in range(2 * 8640)])
    assert 107 <= len(state.window) <= 110


def test_judge_readings__drifting_gauge() -> None:
    """What the drift explains is held back below the severest level; what exceeds the limit without it is raised."""
    state = AlarmState(faults={GaugeFault.DRIFTING.value: ZERO}, parting=4.0)
    explained = [(float(n), 11 + n / 10) for n in range(5)]
    after, changes = judge(watch(ABOVE_10, RED), explained, state)
    assert (changes, after.levels["yellow"].is_held) == ([], True)
    assert [what for _, what, _ in judge(watch(ABOVE_10, RED), [(s, v + 4) for s, v in explained], state)[1]] == [
        "yellow"
    ]
    assert [what for _, what, _ in judge(watch(ABOVE_10), explained, state)[1]] == ["yellow"]


def test_judge_readings__collapse_of_a_spiking_gauge() -> None:
    """While a gauge spikes, six readings in a row are needed; a collapse gives them, and is raised."""
    noise = random.Random(3)  # noqa: S311 - repeatable, not secret
    values = [1 + noise.gauss(0, 0.05) + (60 if n % 20 == 0 and n > 100 else 0) for n in range(300)]
    state, changes = judge(watch(ABOVE_10, RED), [(60.0 * n, v) for n, v in enumerate(values)])
    assert [what for _, what, _ in changes] == ["sensor.spiking"]
    fallen = [(ZERO + 60.0 * (300 + n), 35 + noise.gauss(0, 0.05), GOOD) for n in range(10)]
    _, found = judge_readings(watch(ABOVE_10, RED), state, fallen)
    raised = [each for each in found if isinstance(each, AlarmRaised)]
    assert [(each.level.level, each.at, each.is_gauge_doubtful) for each in raised] == [
        ("yellow", at(60 * 305), True),
        ("red", at(60 * 305), True),
    ]


def test_judge_readings__collapse_that_ends_in_a_dead_gauge() -> None:
    """A pier falls and tears the cable, so that the gauge says 0 for ever: the alarm was raised, and never ends."""
    noise = random.Random(4)  # noqa: S311 - repeatable, not secret
    values = (
        [1 + noise.gauss(0, 0.05) for _ in range(300)] + [25 + noise.gauss(0, 0.05) for _ in range(5)] + [0.0] * 500
    )
    _, changes = judge(watch(ABOVE_10, RED), [(60.0 * n, v) for n, v in enumerate(values)])
    assert [(what, of) for what, of, _ in changes] == [
        ("raised", "yellow"),
        ("raised", "red"),
        ("raised", "sensor.stuck"),
    ]


def test_judge_readings__collapse_to_the_end_of_the_range() -> None:
    """A gauge pressed to its stop beyond the limit says the same for ever: raised though stuck, and it stays."""
    noise = random.Random(5)  # noqa: S311 - repeatable, not secret
    level = replace(RED, for_s=7200.0)
    values = [1 + noise.gauss(0, 0.05) for _ in range(300)] + [49.99] * 500
    _, changes = judge(watch(level), [(60.0 * n, v) for n, v in enumerate(values)])
    assert sorted((what, of) for what, of, _ in changes) == [("raised", "red"), ("raised", "sensor.stuck")]


def test_is_consequential__quiet_time() -> None:
    """A normal late reading of a quiet time changes nothing; one beyond a level, or within an episode, may."""
    own = watch(ABOVE_10)
    state, _ = judge(own, [(100.0 * n, 1 + n % 3 / 10) for n in range(20)])
    assert not is_consequential(own, state, (ZERO + 50, 1.2, GOOD))
    assert is_consequential(own, state, (ZERO + 50, 10.2, GOOD))
    assert is_consequential(own, state, (ZERO + 50, 1.2, OUT_OF_RANGE))
    state, _ = judge(own, [(2000 + 100.0 * n, 11) for n in range(3)], state)
    assert is_consequential(own, state, (ZERO + 2050, 1.2, GOOD))
    assert not is_consequential(own, state, (ZERO + 1950, 1.2, GOOD))


SERIES = st.lists(
    st.tuples(
        st.sampled_from([0.001, 1.0, 60.0, 60.0, 60.0, 61.0, 900.0, 7200.0, 90_000.0]),
        st.one_of(st.floats(-20, 40), st.sampled_from([1.0, 1.0, 1.1, 11.0, 12.0, 21.0, 5000.0])),
        st.sampled_from([GOOD, GOOD, GOOD, GOOD, OUT_OF_RANGE]),
    ),
    max_size=80,
)
LEVELS = (
    AlarmLevel(level="yellow", action="inspect", above=10.0, below=-5.0, rate_per_day=3.0, hysteresis=1.0),
    AlarmLevel(level="orange", action="inspect", above=10.0, for_s=300.0),
    AlarmLevel(level="red", action="inspect", above=20.0, for_n=2),
)
WATCHED = watch(*LEVELS, profile=SensorProfile(suppressions=(Suppression(at(1000), at(9000), "test"),)))


@given(SERIES, st.lists(st.integers(0, 80), max_size=10))
@settings(max_examples=300)
def test_judge_readings__one_batch_or_many(given_series: list[tuple[float, float, int]], cuts: list[int]) -> None:
    """However the readings are cut into batches, with the state written and read between, the outcome is the same."""
    time, readings = ZERO, []
    for step, value, q in given_series:
        time += step
        readings.append((time, value, q))
    whole, expected = judge_readings(WATCHED, AlarmState(), readings)
    state, found = AlarmState(), []
    bounds = [0, *sorted(cuts), len(readings)]
    for first, last in pairwise(bounds):
        read = state_from_json(json.loads(json.dumps(state_to_json(state))))
        state, changes = judge_readings(WATCHED, read, readings[first:last])
        found += changes
    assert (found, state) == (expected, whole)


@given(SERIES)
def test_judge_readings__raised_and_ended_take_turns(given_series: list[tuple[float, float, int]]) -> None:
    """Whatever the readings, each level and each fault is raised and ends by turns, and no earlier than it began."""
    time, readings = ZERO, []
    for step, value, q in given_series:
        time += step
        readings.append((time, value, q))
    _, changes = judge_readings(WATCHED, AlarmState(), readings)
    going_on: set[str] = set()
    for change in changes:
        what, name, _ = tell(change)
        is_begin = what == "raised"
        assert (name in going_on) is not is_begin
        going_on ^= {name}
        assert change.since <= change.at


def test_state__of_an_empty_object() -> None:
    """An empty object is a sensor that was never judged."""
    assert state_from_json({}) == AlarmState()
    assert state_to_json(AlarmState()) == {}


def test_make_watch__rules() -> None:
    """A change of the levels or of the baseline is noticed, a change of anything else is not."""
    own = watch(*LEVELS)
    assert own.rules == watch(*LEVELS, version=9).rules
    assert own.rules != watch(*LEVELS[:2]).rules
    assert own.rules != watch(*LEVELS, profile=SensorProfile(baseline=1.0)).rules
    assert make_sensor(*LEVELS).alarms == LEVELS
