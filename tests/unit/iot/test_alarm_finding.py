"""Alarms as findings."""

from datetime import UTC, datetime

import pytest

from domain.finding import Kind, Severity
from domain.sensor import AlarmLevel, Sensor, SensorKind
from iot.alarm_finding import alarm_severity, make_alarm_finding
from iot.alarms import AlarmRaised

SINCE = datetime(2026, 7, 1, 8, tzinfo=UTC)
CONFIRMED = datetime(2026, 7, 1, 8, 1, tzinfo=UTC)


def make_sensor(*levels: str) -> Sensor:
    """A settlement gauge with levels of these names."""
    return Sensor(
        id="pier-1",
        project_id="b1",
        kind=SensorKind.SETTLEMENT,
        unit="mm",
        position=None,
        calibration={},
        range_min=None,
        range_max=None,
        alarms=tuple(AlarmLevel(level=name, action="call the town now", above=10.0) for name in levels),
        stale_after_s=None,
        created_at=SINCE,
        version=1,
    )


@pytest.mark.parametrize(
    ("levels", "level", "severity"),
    [
        (["yellow", "orange", "red"], "yellow", Severity.MINOR),
        (["yellow", "orange", "red"], "orange", Severity.MAJOR),
        (["yellow", "orange", "red"], "red", Severity.CRITICAL),
        (["red"], "red", Severity.CRITICAL),
        (["watch"], "watch", Severity.MAJOR),
        (["1", "2", "3"], "1", Severity.MINOR),
        (["1", "2", "3"], "2", Severity.MAJOR),
        (["1", "2", "3"], "3", Severity.CRITICAL),
    ],
)
def test_alarm_severity__by_name_or_place(levels: list[str], level: str, severity: Severity) -> None:
    """Colours mean what they say, other names count by their place."""
    assert alarm_severity(make_sensor(*levels), level) is severity


def test_make_alarm_finding__of_a_value() -> None:
    """It says value, unit, limit and level in both languages, and carries the action."""
    sensor = make_sensor("yellow")
    raised = AlarmRaised(level=sensor.alarms[0], value=10.5, quantity="above", limit=10.0, since=SINCE, at=CONFIRMED)
    finding = make_alarm_finding(sensor, raised)
    assert (finding.kind, finding.code, finding.severity) == (Kind.SENSOR, "sensor.threshold", Severity.MINOR)
    assert (finding.project_id, finding.sensor_id, finding.occurred_at) == ("b1", "pier-1", SINCE)
    assert finding.title["en"] == "Sensor pier-1: settlement 10.5 mm, above 10 mm, level yellow"
    assert finding.title["zh"] == "测点 pier-1 沉降 10.5 mm，高于限值 10 mm，达到黄色预警"
    assert finding.details["action"] == "call the town now"
    assert finding.dedup_key == "alarm:pier-1:yellow:2026-07-01T08:00:00+00:00"


def test_make_alarm_finding__of_a_rate() -> None:
    """A rate is told per day, under its own code."""
    sensor = make_sensor("red")
    raised = AlarmRaised(
        level=sensor.alarms[0], value=-1.25, quantity="rate_per_day", limit=0.5, since=SINCE, at=CONFIRMED
    )
    finding = make_alarm_finding(sensor, raised)
    assert finding.code == "sensor.rate"
    assert finding.title["en"] == "Sensor pier-1: settlement -1.25 mm/d, changing faster than 0.5 mm/d, level red"
