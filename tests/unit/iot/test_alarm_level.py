"""The levels of an alarm as they are given."""

from typing import Any

import pytest

from domain.errors import SiteproofError
from domain.sensor import AlarmLevel
from iot.alarm_level import parse_alarms


def test_parse_alarms__whole() -> None:
    """DESIGN's own example is taken as it stands."""
    given_level = {
        "level": "yellow",
        "above": 10,
        "below": None,
        "rate_per_day": 0.5,
        "for_s": 60,
        "for_n": 4,
        "hysteresis": 0.5,
        "action": "who does what by when",
    }
    assert parse_alarms([given_level]) == (
        AlarmLevel(
            level="yellow",
            action="who does what by when",
            above=10.0,
            rate_per_day=0.5,
            for_s=60.0,
            hysteresis=0.5,
            for_n=4,
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
        ([LEVEL | {"for_n": 0}], "sensor.invalid_alarm"),
        ([LEVEL | {"for_n": 2.5}], "sensor.invalid_alarm"),
        ([LEVEL | {"for_n": True}], "sensor.invalid_alarm"),
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
