"""What a picture of a sensor or of a structure shows: courses with their gaps, bands, marks, a forecast. Pure.

How it is drawn is in `plot_drawing` and `plot_structure_drawing`, what is read for it in `plot_record`. Times are days
since 1970-01-01 UTC, as in `settlement`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

import numpy as np

from domain.errors import Invalid
from domain.finding import Finding, Severity
from domain.sensor import AlarmLevel, Bucket, Sensor, SensorKind
from iot.consolidation import ForecastReason, forecast
from iot.plot_words import Language, say, say_level, say_unit
from iot.settlement import SettlementAnalysis, to_day
from iot.settlement_statistics import Estimate, FloatArray, bin_means
from iot.settlement_structure import Differential, StructureAnalysis

MAX_POINTS: Final = 1000  # of one course; a picture of the usual width has about as many columns to show them in
GAP_SPACINGS: Final = 2.5  # one reading may be missing; what is not there for longer is drawn as a gap
FORECAST_SHARE: Final = 1 / 3  # of the time shown, by which the forecast looks ahead
_FORECAST_POINTS: Final = 24  # each costs as much as drawing a hundred; they lie closer where the curve bends
_PROFILES: Final = 5
_PROFILE_REACH_DAYS: Final = 1.5  # as in `settlement_structure`: what lies between longer gaps is not invented
_OUTLIER_LIMIT: Final = 200
_HOUR_DAYS: Final = 1 / 24  # the first value stands for the middle of its hour; what began that hour is shown too [d]
_DAY: Final = timedelta(days=1)
_WIDTHS: Final = (
    *(("1s", 1), ("5s", 5), ("15s", 15), ("1m", 60), ("2m", 120), ("5m", 300), ("10m", 600), ("30m", 1800)),
    *((f"{hours}h", 3600 * hours) for hours in (1, 2, 3, 6, 12)),
    *((f"{days}d", 86_400 * days) for days in (1, 2, 7, 14, 28, 91, 364)),
)
DOWNWARDS: Final = frozenset({SensorKind.SETTLEMENT, SensorKind.HYDROSTATIC_LEVEL})


class InvalidPictureSize(Invalid):
    """A picture smaller or larger than PictureSize allows."""

    code: ClassVar[str] = "plot.invalid_size"


class EmptyWindow(Invalid):
    """`from` is not before `to`."""

    code: ClassVar[str] = "plot.empty_window"


class PictureFormat(StrEnum):
    """Of a picture's file."""

    SVG = "svg"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class PictureSize:
    """The size of a picture; an SVG's nominal one.

    Raises:
        InvalidPictureSize: a side is out of its limits.
    """

    MIN_WIDTH_PX: ClassVar[int] = 480
    MAX_WIDTH_PX: ClassVar[int] = 2400
    MIN_HEIGHT_PX: ClassVar[int] = 360
    MAX_HEIGHT_PX: ClassVar[int] = 2400

    width_px: int = 1200
    height_px: int = 800

    def __post_init__(self) -> None:
        """Refuse what is too small to read or too large to draw."""
        if not (
            self.MIN_WIDTH_PX <= self.width_px <= self.MAX_WIDTH_PX
            and self.MIN_HEIGHT_PX <= self.height_px <= self.MAX_HEIGHT_PX
        ):
            raise InvalidPictureSize(
                f"a picture is {self.MIN_WIDTH_PX} to {self.MAX_WIDTH_PX} pixels wide"
                f" and {self.MIN_HEIGHT_PX} to {self.MAX_HEIGHT_PX} high"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A quantity over time; a row of NaN breaks the line where there is a gap.

    Attributes:
        times: (N,), rising. [d]
        mean: (N,). [unit]
        low: (N,), the smallest of what each point stands for; the same as `mean` where it is one reading. [unit]
        high: (N,), the largest. [unit]
        gaps: from the last reading before to the first one after. [d]
    """

    times: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    gaps: tuple[tuple[float, float], ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return self.times.size == 0


@dataclass(frozen=True, slots=True)
class Band:
    """The values at which a level of alarm holds and no severer one does.

    Attributes:
        level: its name.
        limit: where it begins. [unit]
        until: where the next one begins, or None. [unit]
        is_above: whether it lies above its limit; else below.
        rank: 0 for the mildest of `ranks`.
        ranks: how many levels there are.
    """

    level: str
    limit: float
    until: float | None
    is_above: bool
    rank: int
    ranks: int


class MarkKind(StrEnum):
    """What is marked."""

    EVENT = "event"
    STEP = "step"
    FINDING = "finding"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at a time.

    Attributes:
        at: when. [d]
        text: by language; a stranger's, so it is cleaned where it is drawn.
        severity: of a finding.
        sensor_id: whose.
    """

    at: float
    kind: MarkKind
    text: dict[Language, str]
    severity: Severity | None = None
    sensor_id: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ForecastCourse:
    """The forecast with its 95 % interval: times [d] and median, low and high [unit], each (N,)."""

    times: FloatArray
    median: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SensorPlot:
    """The picture of a sensor.

    Attributes:
        time_zone: the project's.
        window: that is shown, without the forecast. [d]
        every: what each point of `course` stands for, like `6h`.
        course: what the sensor said. [unit]
        corrected: the same without its thermal movement; None where none was removed. [unit]
        celsius: the temperature that it was removed by, lagged; None where there is none. [Cel]
        outliers: times and values that the analysis left out. [d], [unit]
        bands: of the alarms by value.
        rate_limits: names and limits of the alarms by rate. [unit/d]
        marks: events, steps and findings, by time.
        forecast: None where it cannot be told.
        analysis: None where the sensor has none.
    """

    sensor: Sensor
    time_zone: str
    window: tuple[float, float]
    every: str
    course: Course
    corrected: Course | None
    celsius: Course | None
    outliers: tuple[FloatArray, FloatArray]
    bands: tuple[Band, ...]
    rate_limits: tuple[tuple[str, float], ...]
    marks: tuple[Mark, ...]
    forecast: ForecastCourse | None
    analysis: SettlementAnalysis | None


@dataclass(frozen=True, slots=True, eq=False)
class PointLine:
    """A point of a structure.

    Attributes:
        along_m: along the structure. [m]
        across_m: across it; None where unknown. [m]
        course: movement from the baseline, thermal movement removed. [mm]
        profile: (P,), the movement on each of the profiles' dates, NaN where there is none. [mm]
        final_mm: the forecast final movement; None where it cannot be told. [mm]
    """

    name: str
    along_m: float
    across_m: float | None
    course: Course
    profile: FloatArray
    final_mm: Estimate | None


@dataclass(frozen=True, slots=True, eq=False)
class PairLine:
    """Two points against each other: who, how far apart [m], and the second's movement less the first's. [mm]."""

    pair: Differential
    course: Course


@dataclass(frozen=True, slots=True, eq=False)
class StructurePlot:
    """The picture of a structure.

    Attributes:
        time_zone: the project's.
        window: that is shown. [d]
        dates: (P,), of the profiles, rising; the last one is the newest reading. [d]
        points: along the structure.
        pairs: neighbours along it, then points of one pier.
        marks: events and findings of all points, by time.
        silent: ids of the points that have nothing to say.
    """

    structure: str
    time_zone: str
    window: tuple[float, float]
    dates: FloatArray
    points: tuple[PointLine, ...]
    pairs: tuple[PairLine, ...]
    marks: tuple[Mark, ...]
    silent: tuple[str, ...]


def choose_every(span: timedelta) -> str:
    """The narrowest bucket of `storage.reading` of which at most MAX_POINTS fill the span."""
    for text, seconds in _WIDTHS:
        if span.total_seconds() / seconds <= MAX_POINTS:
            return text
    return _WIDTHS[-1][0]


def make_course(
    times: FloatArray,
    mean: FloatArray,
    *,
    low: FloatArray | None = None,
    high: FloatArray | None = None,
    window: tuple[float, float] | None = None,
) -> Course:
    """A course, broken where nothing was said for longer than usual.

    Args:
        times: (N,), rising. [d]
        mean: (N,). [unit]
        low: (N,), None for `mean`. [unit]
        high: (N,), None for `mean`. [unit]
        window: within which silence before the first and after the last is a gap too; None for none. [d]
    """
    spacing = np.diff(times)
    longest = GAP_SPACINGS * float(np.median(spacing)) if spacing.size else 0.0
    before = np.flatnonzero(spacing > longest)
    columns = np.stack([times, mean, mean if low is None else low, mean if high is None else high])
    broken = np.insert(columns, before + 1, np.nan, axis=1)
    broken[0, np.isnan(broken[0])] = (times[before] + times[before + 1]) / 2  # the break has a time, so that they rise
    gaps = [(float(times[i]), float(times[i + 1])) for i in before]
    if window is not None and times.size:
        ends = ((window[0], float(times[0])), (float(times[-1]), window[1]))
        gaps += [end for end in ends if end[1] - end[0] > longest]
    return Course(broken[0], broken[1], broken[2], broken[3], tuple(gaps))


def course_of_buckets(
    buckets: Sequence[Bucket], *, width: timedelta, window: tuple[datetime, datetime] | None = None
) -> Course:
    """The course of a sensor's buckets, each at its middle."""
    rows = np.array([(to_day(each.t), each.mean, each.min, each.max) for each in buckets], dtype=np.float64)
    times, mean, low, high = rows.reshape(-1, 4).T
    ends = None if window is None else (to_day(window[0]), to_day(window[1]))
    return make_course(times + width / _DAY / 2, mean, low=low, high=high, window=ends)


def make_bands(alarms: Sequence[AlarmLevel]) -> tuple[Band, ...]:
    """The bands of alarm levels, from the mildest to the severest on each side."""
    bands: list[Band] = []
    for is_above in (True, False):
        limits = [
            (limit, rank, each.level)
            for rank, each in enumerate(alarms)
            if (limit := each.above if is_above else each.below) is not None
        ]
        limits.sort(key=lambda item: item[0], reverse=not is_above)
        for place, (limit, rank, level) in enumerate(limits):
            until = limits[place + 1][0] if place + 1 < len(limits) else None
            bands.append(Band(level, limit, until, is_above, rank, len(alarms)))
    return tuple(bands)


def make_marks(
    sensors: Iterable[Sensor],
    *,
    findings: Iterable[Finding],
    window: tuple[float, float],
    analysis: SettlementAnalysis | None = None,
) -> tuple[Mark, ...]:
    """What is to be marked within a window, by time.

    Args:
        sensors: whose events.
        findings: of them.
        window: both ends included. [d]
        analysis: whose steps are marked; None for none.
    """
    marks = [
        Mark(to_day(each.at), MarkKind.EVENT, _event_text(each.text, is_loading=each.is_loading), None, sensor.id)
        for sensor in sensors
        for each in sensor.profile.events
    ]
    for step in () if analysis is None else analysis.steps:
        text = {each: f"{say('step', each)} {step.size_mm.value:+.1f} mm" for each in Language}
        marks.append(Mark(step.at_days, MarkKind.STEP, text))
    marks += [
        Mark(to_day(each.occurred_at), MarkKind.FINDING, _finding_text(each), each.severity, each.sensor_id)
        for each in findings
    ]
    inside = {(each.at, each.kind, each.text[Language.ZH]): each for each in marks if _is_inside(each.at, window)}
    return tuple(sorted(inside.values(), key=lambda each: (each.at, each.kind, each.text[Language.ZH])))


def _event_text(text: str, *, is_loading: bool) -> dict[Language, str]:
    return {each: f"{text} ({say('loading', each)})" if is_loading else text for each in Language}


def _finding_text(finding: Finding) -> dict[Language, str]:
    """An alarm in few words, since the picture has its value; other findings by their title."""
    level, quantity, value, limit = (finding.details.get(key) for key in ("level", "quantity", "value", "limit"))
    if not (isinstance(level, str) and isinstance(value, float | int) and isinstance(limit, float | int)):
        return {each: finding.title.get(each.value, finding.code) for each in Language}
    sign = "<" if quantity == "below" else ">"
    facts = f"{value:.5g} {sign} {limit:.5g} {say_unit(str(finding.details.get('unit', '')))}"
    return {each: f"{say_level(level, each)}: {facts}" for each in Language}


def _is_inside(at: float, window: tuple[float, float]) -> bool:
    return window[0] <= at <= window[1]


def make_sensor_plot(
    sensor: Sensor,
    *,
    time_zone: str,
    window: tuple[datetime, datetime],
    every: str,
    course: Course,
    findings: Iterable[Finding] = (),
    analysis: SettlementAnalysis | None = None,
    unit_mm: float = 1.0,
) -> SensorPlot:
    """The picture of a sensor from what is known of it.

    Args:
        sensor: whose.
        time_zone: of its project.
        window: that is shown; a forecast goes beyond it.
        every: what each point of the course stands for.
        course: of its readings. [unit]
        findings: of it.
        analysis: until the window's end; None where there is none.
        unit_mm: a unit of the sensor in millimetres, with an analysis. [mm/unit]
    """
    shown = (to_day(window[0]), to_day(window[1]))
    has_thermal = analysis is not None and bool(analysis.thermal.removed_mm.any())
    corrected = celsius = None
    if analysis is not None and has_thermal:
        corrected = _thin_course(analysis.thermal.times, analysis.thermal.corrected_mm / unit_mm, shown)
        if analysis.thermal.temperature_degc is not None:
            celsius = _thin_course(analysis.thermal.times, analysis.thermal.temperature_degc, shown)
    nothing = np.empty(0)
    return SensorPlot(
        sensor=sensor,
        time_zone=time_zone,
        window=shown,
        every=every,
        course=course,
        corrected=corrected,
        celsius=celsius,
        outliers=(nothing, nothing) if analysis is None else _outliers(analysis, shown, unit_mm),
        bands=make_bands(sensor.alarms),
        rate_limits=tuple((each.level, each.rate_per_day) for each in sensor.alarms if each.rate_per_day is not None),
        marks=make_marks([sensor], findings=findings, window=shown, analysis=analysis),
        forecast=None if analysis is None else _look_ahead(analysis, shown, unit_mm),
        analysis=analysis,
    )


def _thin_course(times: FloatArray, values: FloatArray, window: tuple[float, float]) -> Course:
    inside = (times >= window[0]) & (times <= window[1])
    t, v = times[inside], values[inside]
    if t.size > MAX_POINTS:
        t, columns = bin_means(t, v[:, None], width=float(t[-1] - t[0]) / MAX_POINTS * (1 + 1e-12))
        v = columns[:, 0]
    return make_course(t, v)


def _outliers(
    analysis: SettlementAnalysis, window: tuple[float, float], unit_mm: float
) -> tuple[FloatArray, FloatArray]:
    inside = analysis.is_outlier & (analysis.times >= window[0]) & (analysis.times <= window[1])
    return analysis.times[inside][-_OUTLIER_LIMIT:], analysis.values_mm[inside][-_OUTLIER_LIMIT:] / unit_mm


def _look_ahead(analysis: SettlementAnalysis, window: tuple[float, float], unit_mm: float) -> ForecastCourse | None:
    fit = analysis.consolidation
    if fit is None or fit.reason is not ForecastReason.DETERMINED:
        return None
    end = window[1] + FORECAST_SHARE * (window[1] - window[0])
    begin = max(fit.onset_days, window[0])
    if begin >= end:
        return None
    times = begin + (end - begin) * np.linspace(0, 1, _FORECAST_POINTS) ** 1.5
    median, low, high = (each / unit_mm for each in forecast(fit, times))
    return ForecastCourse(times, median, low, high)


def make_structure_plot(
    analysis: StructureAnalysis,
    *,
    structure: str,
    time_zone: str,
    sensors: Sequence[Sensor],
    from_: datetime | None,
    silent: Sequence[str],
    findings: Iterable[Finding] = (),
) -> StructurePlot:
    """The picture of a structure from the analysis of its points.

    Args:
        analysis: of at least one point.
        structure: its name.
        time_zone: of its project.
        sensors: of the analysis, along the structure.
        from_: where the picture begins; None for the first reading.
        silent: ids of points without readings.
        findings: of the sensors.

    Raises:
        EmptyWindow: `from_` is not before the last reading.
    """
    first = min(float(each.thermal.times[0]) for each in analysis.points.values())
    last = max(float(each.thermal.times[-1]) for each in analysis.points.values())
    window = (first - _HOUR_DAYS if from_ is None else to_day(from_), last)
    if from_ is not None and window[0] >= window[1]:
        raise EmptyWindow("there is no reading after `from`")
    dates = np.linspace(window[0], window[1], _PROFILES + 1)[1:] if window[1] > window[0] else np.array([last])
    points = [_make_point(sensor, analysis.points[sensor.id], window, dates) for sensor in sensors]
    pairs = [
        PairLine(each, _thin_course(each.times, each.difference_mm, window))
        for each in (*analysis.differentials, *analysis.tilts)
    ]
    marks = make_marks(sensors, findings=findings, window=window)
    return StructurePlot(structure, time_zone, window, dates, tuple(points), tuple(pairs), marks, tuple(sorted(silent)))


def _make_point(
    sensor: Sensor, analysis: SettlementAnalysis, window: tuple[float, float], dates: FloatArray
) -> PointLine:
    placement, base = sensor.profile.placement, analysis.baseline_mm.value
    times, moved = analysis.thermal.times, analysis.thermal.corrected_mm - base
    fit = analysis.consolidation
    final = None
    if fit is not None and fit.reason is ForecastReason.DETERMINED:
        final = Estimate(fit.final_mm.value - base, fit.final_mm.low - base, fit.final_mm.high - base)
    return PointLine(
        name=sensor.id,
        along_m=0.0 if placement is None else placement.along_m,
        across_m=None if placement is None else placement.across_m,
        course=_thin_course(times, moved, window),
        profile=np.array([_value_near(times, moved, date) for date in dates]),
        final_mm=final,
    )


def _value_near(times: FloatArray, values: FloatArray, date: float) -> float:
    """The mean of the day around a date, else the nearest value that is near enough, else NaN."""
    day = np.abs(times - date) <= 0.5  # noqa: PLR2004 - half a day on both sides
    if day.any():
        return float(values[day].mean())
    nearest = int(np.argmin(np.abs(times - date)))
    return float(values[nearest]) if abs(times[nearest] - date) <= _PROFILE_REACH_DAYS else float("nan")
