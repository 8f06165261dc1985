"""What a picture shows, by arithmetic on small records."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest

from domain.finding import Finding, FindingStatus, Kind, Severity
from domain.sensor import AlarmLevel, Bucket, Sensor, SensorEvent, SensorKind, SensorProfile
from iot.plot import (
    Band,
    EmptyWindow,
    InvalidPictureSize,
    MarkKind,
    PictureSize,
    choose_every,
    course_of_buckets,
    make_bands,
    make_course,
    make_marks,
    make_sensor_plot,
    make_structure_plot,
)
from iot.plot_words import Language
from iot.settlement import analyse_settlement, to_day
from iot.settlement_structure import PointSeries, analyse_structure
from storage.reading import parse_every

START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def make_sensor(**changes: object) -> Sensor:
    """A settlement gauge."""
    given: dict[str, object] = {
        "id": "s1",
        "project_id": "p1",
        "kind": SensorKind.SETTLEMENT,
        "unit": "mm",
        "position": None,
        "calibration": {},
        "range_min": None,
        "range_max": None,
        "alarms": (),
        "stale_after_s": None,
        "created_at": START,
        "version": 1,
    }
    return Sensor(**{**given, **changes})  # type: ignore[arg-type]


def make_finding(at: datetime, **changes: object) -> Finding:
    """An alarm's finding."""
    given: dict[str, object] = {
        "id": uuid4(),
        "project_id": "p1",
        "milestone_id": None,
        "kind": Kind.SENSOR,
        "code": "sensor.threshold",
        "severity": Severity.MAJOR,
        "status": FindingStatus.OPEN,
        "title": {"zh": "预警", "en": "alarm"},
        "occurred_at": at,
        "recorded_at": at,
        "media_id": None,
        "sensor_id": "s1",
        "box_xyxy_px": None,
        "chainage_m": None,
        "details": {"level": "orange", "quantity": "above", "value": 14.25, "limit": 14.0, "unit": "mm"},
        "issue_id": None,
        "reviewed_at": None,
        "reviewed_by": None,
        "review_reason": None,
    }
    return Finding(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("span", "every"),
    [
        (timedelta(minutes=10), "1s"),  # 600 of 1,000
        (timedelta(hours=16), "1m"),  # 960
        (timedelta(days=30), "1h"),  # 720; at half an hour 1,440
        (timedelta(days=365), "12h"),  # 730; at six hours 1,460
        (timedelta(days=3650), "7d"),  # 521; at two days 1,825
    ],
)
def test_choose_every__of_a_span(span: timedelta, every: str) -> None:
    """The narrowest bucket of which a thousand fill the span, and one that storage knows."""
    assert choose_every(span) == every
    assert span / parse_every(every)[0] <= 1000


def test_make_course__with_a_gap__breaks_there() -> None:
    """Twelve readings an hour apart, of which hours 4 to 8 are missing: one gap from hour 3 to hour 9."""
    hours = np.array([0, 1, 2, 3, 9, 10, 11]) / 24
    course = make_course(hours, np.arange(7.0))
    assert course.gaps == ((3 / 24, 9 / 24),)
    assert np.flatnonzero(np.isnan(course.mean)).tolist() == [4]
    assert course.times[4] == pytest.approx(6 / 24)
    assert np.all(np.diff(course.times) > 0)


def test_make_course__one_reading_late__is_no_gap() -> None:
    """One missing reading makes a spacing of two, and two missing ones of three, which is a gap."""
    assert make_course(np.array([0.0, 1, 2, 4, 5]), np.zeros(5)).gaps == ()
    assert make_course(np.array([0.0, 1, 2, 5, 6]), np.zeros(5)).gaps == ((2.0, 5.0),)


def test_make_course__silent_until_the_end__has_a_gap_there() -> None:
    """A sensor that said nothing for the last ten of thirty days does not look well."""
    course = make_course(np.arange(20.0), np.zeros(20), window=(-1.0, 29.0))
    assert course.gaps == ((19.0, 29.0),)
    assert not np.isnan(course.mean).any()


def test_course_of_buckets__keeps_the_spike() -> None:
    """A spike in one minute of a bucket stays in its maximum, at the bucket's middle."""
    buckets = [Bucket(START + i * DAY, mean=1.0, min=0.5, max=40.0 if i == 1 else 1.5, n=1440) for i in range(3)]
    course = course_of_buckets(buckets, width=DAY)
    assert course.high.tolist() == [1.5, 40.0, 1.5]
    assert course.times[0] == to_day(START) + 0.5
    assert course_of_buckets([], width=DAY).is_empty


def test_make_bands__on_both_sides() -> None:
    """Each level's band ends where the next severer one begins."""
    levels = (
        AlarmLevel("yellow", "look", above=10, below=-2),
        AlarmLevel("orange", "look", rate_per_day=1),
        AlarmLevel("red", "stop", above=20, below=-5),
    )
    assert make_bands(levels) == (
        Band("yellow", 10, 20, is_above=True, rank=0, ranks=3),
        Band("red", 20, None, is_above=True, rank=2, ranks=3),
        Band("yellow", -2, -5, is_above=False, rank=0, ranks=3),
        Band("red", -5, None, is_above=False, rank=2, ranks=3),
    )


def test_make_marks__of_a_window() -> None:
    """Events and findings inside it, by time, in both languages; an alarm tells value and limit."""
    events = (
        SensorEvent(START - DAY, "before"),
        SensorEvent(START + DAY, "桥面浇筑", is_loading=True),
    )
    sensor = make_sensor(profile=SensorProfile(events=events))
    findings = [make_finding(START + 2 * DAY), make_finding(START + 3 * DAY, details={})]
    window = (to_day(START), to_day(START + 10 * DAY))
    marks = make_marks([sensor], findings=findings, window=window)
    assert [each.kind for each in marks] == [MarkKind.EVENT, MarkKind.FINDING, MarkKind.FINDING]
    assert marks[0].text == {Language.ZH: "桥面浇筑 (加载)", Language.EN: "桥面浇筑 (loading)"}
    assert marks[1].text == {Language.ZH: "橙色: 14.25 > 14 mm", Language.EN: "orange: 14.25 > 14 mm"}
    assert marks[2].text[Language.EN] == "alarm"


def test_make_sensor_plot__in_centimetres__draws_the_forecast_in_them() -> None:
    """A consolidation to 10 mm, drawn in the sensor's centimetres, is forecast to end near 1 cm, and looks ahead."""
    days = to_day(START) + np.arange(0.0, 60.0, 0.25)
    noise = np.random.default_rng(1).normal(0, 0.05, days.size)
    values = 10 * (1 - np.exp(-(days - days[0]) / 15)) + noise
    analysis = analyse_settlement(days, values)
    sensor = make_sensor(unit="cm")
    window = (START, START + 60 * DAY)
    course = make_course(days, values / 10)
    plot = make_sensor_plot(
        sensor, time_zone="UTC", window=window, every="6h", course=course, analysis=analysis, unit_mm=10.0
    )
    assert plot.forecast is not None
    # 60 days are shown and a third of them lies ahead; 1 - exp(-80 / 15) is 0.995.
    assert plot.forecast.times[-1] == pytest.approx(to_day(START) + 80)
    assert plot.forecast.median[-1] == pytest.approx(0.995, abs=0.03)
    assert np.all(plot.forecast.low <= plot.forecast.median)
    assert np.all(plot.forecast.median <= plot.forecast.high)


def test_make_sensor_plot__without_movement__has_no_forecast() -> None:
    """Where nothing moves the end cannot be told, and nothing is drawn for it."""
    days = to_day(START) + np.arange(0.0, 60.0, 0.25)
    values = np.random.default_rng(1).normal(0, 0.05, days.size)
    plot = make_sensor_plot(
        make_sensor(),
        time_zone="UTC",
        window=(START, START + 60 * DAY),
        every="6h",
        course=make_course(days, values),
        analysis=analyse_settlement(days, values),
    )
    assert plot.forecast is None


def test_make_structure_plot__profiles() -> None:
    """Two points that settle 1 and 2 mm a day: after 20 and 100 days the profile has these values; a gap has none."""
    days = to_day(START) + np.arange(0.0, 101.0)
    moved = np.concatenate([[0.0], np.arange(0.0, 100.0)])  # at rest on the first day, from which movement counts
    far = (days < days[0] + 35) | (days > days[0] + 45)
    points = [PointSeries("a", days, moved, position_m=0.0), PointSeries("b", days[far], 2 * moved[far], position_m=10)]
    sensors = [make_sensor(id="a"), make_sensor(id="b")]
    plot = make_structure_plot(
        analyse_structure(points), structure="bridge", time_zone="UTC", sensors=sensors, from_=None, silent=["c"]
    )
    assert plot.dates.size == 5
    assert plot.dates[-1] == pytest.approx(days[-1])
    assert plot.dates[1] == pytest.approx(days[0] + 40, abs=0.1)
    assert plot.points[0].profile[-1] == pytest.approx(99, abs=0.6)
    assert plot.points[1].profile[-1] == pytest.approx(198, abs=1.1)
    assert np.isnan(plot.points[1].profile[1])
    assert len(plot.pairs) == 1
    with pytest.raises(EmptyWindow):
        make_structure_plot(
            analyse_structure(points),
            structure="bridge",
            time_zone="UTC",
            sensors=sensors,
            from_=START + 200 * DAY,
            silent=[],
        )


@pytest.mark.parametrize(("width", "height"), [(479, 800), (2401, 800), (1200, 359), (1200, 2401)])
def test_picture_size__out_of_its_limits__is_refused(width: int, height: int) -> None:
    """Neither a stamp nor a wall."""
    with pytest.raises(InvalidPictureSize):
        PictureSize(width, height)
