"""Alarms in event time."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import SiteproofError
from domain.sensor import AlarmLevel
from iot.alarms import (
    AlarmCleared,
    AlarmRaised,
    AlarmState,
    judge_readings,
    parse_alarms,
    state_from_json,
    state_to_json,
)

START = datetime(2026, 7, 1, tzinfo=UTC)
ABOVE_10 = AlarmLevel(level="yellow", action="inspect today", above=10.0)


def at(seconds: float) -> datetime:
    """So long after the start."""
    return START + timedelta(seconds=seconds)


def judge(
    level: AlarmLevel, readings: Sequence[tuple[float, float]], state: AlarmState | None = None
) -> list[tuple[str, float]]:
    """What (seconds, value) readings do to one level: `raised` or `cleared`, and at which second."""
    _, changes = judge_readings([level], state or AlarmState(), [(at(s), v) for s, v in readings])
    return [
        ("raised" if isinstance(change, AlarmRaised) else "cleared", (change.at - START).total_seconds())
        for change in changes
    ]


def test_judge_readings__above() -> None:
    """The limit itself is kept; beyond it the alarm is raised, once, with what exceeded what and since when."""
    _, changes = judge_readings([ABOVE_10], AlarmState(), [(at(0), 10.0), (at(1), 10.5), (at(2), 12.0), (at(3), 11.0)])
    assert changes == [AlarmRaised(level=ABOVE_10, value=10.5, quantity="above", limit=10.0, since=at(1), at=at(1))]


def test_judge_readings__below() -> None:
    """A value under the lower limit raises too."""
    level = AlarmLevel(level="red", action="close the bridge", above=10.0, below=-5.0)
    _, changes = judge_readings([level], AlarmState(), [(at(0), -5.0), (at(1), -5.1)])
    assert changes == [AlarmRaised(level=level, value=-5.1, quantity="below", limit=-5.0, since=at(1), at=at(1))]


def test_judge_readings__hysteresis() -> None:
    """It ends only when the value has come back by the hysteresis, and may then be raised again."""
    level = AlarmLevel(level="yellow", action="inspect", above=10.0, hysteresis=2.0)
    readings = [(0, 11.0), (1, 9.0), (2, 10.5), (3, 8.1), (4, 8.0), (5, 9.5), (6, 10.1)]
    assert judge(level, readings) == [("raised", 0), ("cleared", 4), ("raised", 6)]


def test_judge_readings__confirmation_by_own_times() -> None:
    """It must be exceeded for 60 s by the readings' times; a reading within the limit begins the wait anew."""
    level = AlarmLevel(level="yellow", action="inspect", above=10.0, for_s=60.0)
    readings = [(0, 11.0), (59, 11.0), (59.5, 9.0), (70, 11.0), (129.9, 12.0), (130, 11.0), (200, 12.0)]
    assert judge(level, readings) == [("raised", 130)]


def test_judge_readings__since_the_first_reading_beyond() -> None:
    """The episode's time is its first reading beyond the limit, not the one that confirmed it."""
    level = AlarmLevel(level="yellow", action="inspect", above=10.0, for_s=60.0)
    _, (change,) = judge_readings([level], AlarmState(), [(at(0), 1.0), (at(5), 11.0), (at(65), 12.0)])
    assert (change.since, change.at) == (at(5), at(65))


def test_judge_readings__late_reading() -> None:
    """A reading older than the newest judged changes nothing, whatever its value; nor does one of the same time."""
    state, _ = judge_readings([ABOVE_10], AlarmState(), [(at(100), 5.0)])
    after, changes = judge_readings([ABOVE_10], state, [(at(50), 99.0), (at(100), 99.0)])
    assert (after, changes) == (state, [])


def test_judge_readings__two_levels() -> None:
    """Each level goes its own way."""
    red = AlarmLevel(level="red", action="close it", above=20.0)
    _, changes = judge_readings(
        [ABOVE_10, red], AlarmState(), [(at(0), 11.0), (at(1), 21.0), (at(2), 15.0), (at(3), 9.0)]
    )
    assert [(type(change), change.level.level, change.at) for change in changes] == [
        (AlarmRaised, "yellow", at(0)),
        (AlarmRaised, "red", at(1)),
        (AlarmCleared, "red", at(2)),
        (AlarmCleared, "yellow", at(3)),
    ]


def test_judge_readings__level_taken_away() -> None:
    """What the state holds of a level that the sensor no longer has is forgotten."""
    state, _ = judge_readings([ABOVE_10], AlarmState(), [(at(0), 11.0)])
    assert "yellow" in state.levels
    other = AlarmLevel(level="red", action="close it", above=50.0)
    state, changes = judge_readings([other], state, [(at(1), 1.0)])
    assert (dict(state.levels), changes) == ({}, [])


RATE = AlarmLevel(level="orange", action="level again within two days", rate_per_day=0.5)


def test_judge_readings__rate_from_daily_readings() -> None:
    """One reading a day: 0.4 mm/d is kept, then 1.0 in a day is exceeded."""
    _, changes = judge_readings([RATE], AlarmState(), [(at(86400 * d), v) for d, v in enumerate([0.0, 0.4, 0.8, 1.8])])
    (change,) = changes
    assert isinstance(change, AlarmRaised)
    assert (change.quantity, change.at) == ("rate_per_day", at(3 * 86400))
    assert change.value == pytest.approx(1.0)


def test_judge_readings__rate_of_a_steady_slope() -> None:
    """Readings each minute at 0.6 mm/d: raised when half a day is there to say it from, and the slope is 0.6."""
    readings = [(at(60 * i), 0.6 * i / 1440) for i in range(1440)]
    _, (change,) = judge_readings([RATE], AlarmState(), readings)
    assert isinstance(change, AlarmRaised)
    assert change.at == at(43_200)
    assert change.value == pytest.approx(0.6)


def test_judge_readings__rate_falling() -> None:
    """A rate counts in either direction."""
    _, (change,) = judge_readings([RATE], AlarmState(), [(at(0), 5.0), (at(86400), 4.0)])
    assert isinstance(change, AlarmRaised)
    assert change.value == pytest.approx(-1.0)


def test_judge_readings__rate_after_a_gap() -> None:
    """After eight days of silence nothing is known of today's rate: no alarm, and a standing one does not end."""
    assert judge(RATE, [(0, 0.0), (8 * 86400, 100.0)]) == []
    state, _ = judge_readings([RATE], AlarmState(), [(at(0), 0.0), (at(86400), 1.0)])
    _, changes = judge_readings([RATE], state, [(at(9.5 * 86400), 1.0)])
    assert changes == []
    _, changes = judge_readings([RATE], state, [(at(9.5 * 86400), 1.0), (at(10.5 * 86400), 1.0)])
    assert [type(change) for change in changes] == [AlarmCleared]


def test_judge_readings__rate_state_is_bounded() -> None:
    """A week of readings each second leaves about a hundred points: one each quarter of an hour of the last day."""
    readings = [(at(10 * i), 0.0) for i in range(7 * 8640)]
    state, _ = judge_readings([RATE], AlarmState(), readings)
    assert 90 <= len(state.window) <= 100


def test_judge_readings__one_by_one() -> None:
    """Fed one by one, through JSON each time, the same readings give the same alarms as at once."""
    level = AlarmLevel(level="yellow", action="inspect", above=10.0, rate_per_day=9.0, for_s=100.0, hysteresis=1.0)
    readings = [(at(1800.5 * i), 12.0 if i % 7 > 2 else 8.0 + i / 10) for i in range(200)]
    whole, expected = judge_readings([level], AlarmState(), readings)
    state, found = AlarmState(), []
    for reading in readings:
        state, changes = judge_readings(
            [level], state_from_json(json.loads(json.dumps(state_to_json(state)))), [reading]
        )
        found += changes
    assert expected
    assert (found, state) == (expected, whole)


@given(st.lists(st.floats(-20, 20), max_size=40), st.floats(0, 5), st.floats(0, 300))
def test_judge_readings__raised_and_cleared_take_turns(values: list[float], hysteresis: float, for_s: float) -> None:
    """Whatever the values, an alarm is raised and cleared by turns, and every raise lies beyond the limit."""
    level = AlarmLevel(level="yellow", action="inspect", above=5.0, hysteresis=hysteresis, for_s=for_s)
    _, changes = judge_readings([level], AlarmState(), [(at(60 * i), v) for i, v in enumerate(values)])
    assert [isinstance(change, AlarmRaised) for change in changes] == [i % 2 == 0 for i in range(len(changes))]
    for change in changes:
        if isinstance(change, AlarmRaised):
            assert change.value > 5.0
            assert (change.at - change.since).total_seconds() >= for_s


def test_parse_alarms__whole() -> None:
    """DESIGN's own example is taken as it stands."""
    given_level = {
        "level": "yellow",
        "above": 10,
        "below": None,
        "rate_per_day": 0.5,
        "for_s": 60,
        "hysteresis": 0.5,
        "action": "who does what by when",
    }
    assert parse_alarms([given_level]) == (
        AlarmLevel(
            level="yellow", action="who does what by when", above=10.0, rate_per_day=0.5, for_s=60.0, hysteresis=0.5
        ),
    )


LEVEL = {"level": "yellow", "above": 1, "action": "inspect"}


@pytest.mark.parametrize(
    ("alarms", "code"),
    [
        ([LEVEL | {"action": "  "}], "sensor.alarm_without_action"),
        ([{"level": "yellow", "above": 1}], "sensor.alarm_without_action"),
        ([LEVEL | {"action": 5}], "sensor.alarm_without_action"),
        ([LEVEL | {"above": None}], "sensor.alarm_without_limit"),
        ([LEVEL | {"above": float("nan")}], "sensor.invalid_alarm"),
        ([LEVEL | {"above": "1"}], "sensor.invalid_alarm"),
        ([LEVEL | {"above": True}], "sensor.invalid_alarm"),
        ([LEVEL | {"for_s": -1}], "sensor.invalid_alarm"),
        ([LEVEL | {"hysteresis": -0.1}], "sensor.invalid_alarm"),
        ([LEVEL | {"rate_per_day": 0}], "sensor.invalid_alarm"),
        ([LEVEL | {"below": 2}], "sensor.invalid_alarm"),
        ([LEVEL | {"level": ""}], "sensor.invalid_alarm"),
        ([LEVEL | {"abvoe": 3}], "sensor.invalid_alarm"),
        ([LEVEL, LEVEL], "sensor.duplicate_alarm_level"),
        ([LEVEL | {"level": str(i)} for i in range(11)], "sensor.too_many_alarms"),
    ],
)
def test_parse_alarms__refused(alarms: list[dict[str, Any]], code: str) -> None:
    """Each mistake has its code."""
    with pytest.raises(SiteproofError) as caught:
        parse_alarms(alarms)
    assert caught.value.code == code


def test_parse_alarms__none() -> None:
    """A sensor may have no alarm."""
    assert parse_alarms([]) == ()
