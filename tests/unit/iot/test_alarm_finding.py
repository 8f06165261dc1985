"""Episodes as findings."""

from datetime import timedelta

import pytest

from domain.alarm import EpisodeFound, GaugeFault
from domain.finding import Kind, Severity
from domain.sensor import AlarmLevel
from iot.alarm_finding import alarm_severity, make_finding
from iot.alarms import AlarmRaised
from iot.episodes import begin_episode
from tests.unit.iot.alarm_cases import START, make_sensor

CONFIRMED = START + timedelta(minutes=1)


def level(name: str, above: float = 10.0) -> AlarmLevel:
    """A level with an action."""
    return AlarmLevel(level=name, action="call the town now", above=above)


@pytest.mark.parametrize(
    ("levels", "name", "severity"),
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
def test_alarm_severity__by_name_or_place(levels: list[str], name: str, severity: Severity) -> None:
    """Colours mean what they say, other names count by their place."""
    assert alarm_severity(make_sensor(*map(level, levels)), name) is severity


def test_make_finding__of_a_value() -> None:
    """It says value, unit, limit and level in both languages, and carries the action."""
    sensor = make_sensor(level("yellow"))
    raised = AlarmRaised(sensor.alarms[0], "above", 10.5, 10.0, since=START, at=CONFIRMED)
    finding = make_finding(sensor, begin_episode(raised))
    assert (finding.kind, finding.code, finding.severity) == (Kind.SENSOR, "sensor.threshold", Severity.MINOR)
    assert (finding.project_id, finding.sensor_id, finding.occurred_at) == ("b1", "pier-1", START)
    assert finding.title["en"] == "Sensor pier-1: settlement 10.5 mm, above 10 mm, level yellow"
    assert finding.title["zh"] == "测点 pier-1 沉降 10.5 mm，高于限值 10 mm，达到黄色预警"
    assert finding.details["action"] == "call the town now"
    assert finding.dedup_key == "alarm:pier-1:yellow:2026-07-01T00:00:00+00:00"
    assert make_finding(sensor, begin_episode(raised), number=2).dedup_key == finding.dedup_key + "#2"


def test_make_finding__of_a_rate() -> None:
    """A rate is told per day, under its own code; a gauge in doubt is said to be."""
    sensor = make_sensor(level("red"))
    raised = AlarmRaised(sensor.alarms[0], "rate_per_day", -1.25, 0.5, START, CONFIRMED, is_gauge_doubtful=True)
    finding = make_finding(sensor, begin_episode(raised))
    assert finding.code == "sensor.rate"
    assert finding.title["en"] == (
        "Sensor pier-1: settlement -1.25 mm/d, changing faster than 0.5 mm/d, level red (the gauge is in doubt)"
    )


@pytest.mark.parametrize("fault", GaugeFault)
def test_make_finding__of_a_fault(fault: GaugeFault) -> None:
    """A fault of the gauge is a minor finding of its own code, in both languages."""
    finding = make_finding(make_sensor(level("red")), EpisodeFound(None, fault.value, START, CONFIRMED))
    assert (finding.code, finding.severity) == (fault.value, Severity.MINOR)
    assert finding.dedup_key == f"fault:pier-1:{fault.value}:2026-07-01T00:00:00+00:00"
    assert all(finding.title[language].count("pier-1") == 1 for language in ("zh", "en"))


def test_make_finding__out_of_range_on_the_side_of_a_level() -> None:
    """A gauge beyond its range where red lies may have been left behind by the pier: as critical as red."""
    sensor = make_sensor(level("yellow"), level("red", 20.0))
    found = EpisodeFound(None, "sensor.out_of_range", START, CONFIRMED, details={"value": 999.0})
    finding = make_finding(sensor, found)
    assert finding.severity is Severity.CRITICAL
    assert finding.details["action"] == "call the town now"
    below = EpisodeFound(None, "sensor.out_of_range", START, CONFIRMED, details={"value": -999.0})
    assert make_finding(sensor, below).severity is Severity.MINOR
