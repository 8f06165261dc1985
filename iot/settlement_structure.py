"""Points of one structure together: differential settlement, angular distortion, tilt of a pier."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, pairwise
from typing import Any, Final

import numpy as np

from iot.consolidation import InvalidRecord
from iot.settlement import (
    BASELINE_DAYS,
    DEFAULT_STABILITY_LIMIT_MM_PER_DAY,
    MAX_SERIES_POINTS,
    SettlementAnalysis,
    SettlementEvent,
    Times,
    analyse_settlement,
    describe_verdict,
    estimate_mean,
    to_datetime,
)
from iot.settlement_statistics import Estimate, FloatArray, bin_means

# Of daily readings one may be late by half a day; what lies between longer gaps is not invented.
MAX_GAP_DAYS: Final = 1.5


@dataclass(frozen=True, slots=True)
class PointSeries:
    """A point of a structure and its readings.

    Attributes:
        name: of the point, unique in the structure.
        times: strictly rising; as of `analyse_settlement`.
        values: [mm]
        position_m: along the structure; None where unknown. [m]
        pier: the pier that the point is on; two points of one pier give its tilt.
        across_m: across the structure; None where unknown. [m]
        temperature: as of `analyse_settlement`.
        events: as of `analyse_settlement`.
        stability_limit_mm_per_day: the point's own; None for the structure's. [mm/d]
    """

    name: str
    times: Times
    values: Sequence[float] | FloatArray
    position_m: float | None = None
    pier: str | None = None
    across_m: float | None = None
    temperature: tuple[Times, Sequence[float] | FloatArray] | None = None
    events: Sequence[SettlementEvent] = ()
    stability_limit_mm_per_day: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Differential:
    """The movement of point `second` less that of `first`, each from its baseline, thermal movement removed.

    Attributes:
        first: name of a point.
        second: name of the other.
        pier: whose tilt it is; None for two points along the structure.
        distance_m: between them, above 0. [m]
        times: (N,), common times; N may be 0. [d]
        difference_mm: (N,). [mm]
        last_mm: the mean difference of the last common day; None without a common time. [mm]
        slope_mm_per_m: the last difference over the distance: tilt of a pier, or angular distortion in thousandths.
            [mm/m]
    """

    first: str
    second: str
    pier: str | None
    distance_m: float
    times: FloatArray
    difference_mm: FloatArray
    last_mm: Estimate | None
    slope_mm_per_m: Estimate | None


@dataclass(frozen=True, slots=True, eq=False)
class StructureAnalysis:
    """Every point, the differences of neighbours along the structure, and the tilts of piers."""

    points: dict[str, SettlementAnalysis]
    differentials: tuple[Differential, ...]
    tilts: tuple[Differential, ...]


def analyse_structure(
    points: Sequence[PointSeries],
    *,
    stability_limit_mm_per_day: float = DEFAULT_STABILITY_LIMIT_MM_PER_DAY,
    max_gap_days: float = MAX_GAP_DAYS,
    now: datetime | float | None = None,
) -> StructureAnalysis:
    """Analyse the points of a structure, each by itself and in pairs.

    Args:
        points: any number; neighbours are those next to each other by position.
        stability_limit_mm_per_day: [mm/d]
        max_gap_days: between readings of one point, over which it is not interpolated to the times of another. [d]
        now: until when the records are judged; None for each one's own last reading.

    Raises:
        InvalidRecord: two points have one name, or a record is none.
    """
    if len({point.name for point in points}) != len(points):
        raise InvalidRecord("each point of a structure has its own name")
    analyses = {point.name: _analyse_point(point, stability_limit_mm_per_day, now) for point in points}
    differentials = [
        _compare(a.name, b.name, None, distance, analyses, max_gap_days) for a, b, distance in _neighbours(points)
    ]
    tilts = [
        _compare(a.name, b.name, a.pier, distance, analyses, max_gap_days) for a, b, distance in _across_piers(points)
    ]
    return StructureAnalysis(analyses, tuple(differentials), tuple(tilts))


def _analyse_point(point: PointSeries, limit: float, now: datetime | float | None) -> SettlementAnalysis:
    return analyse_settlement(
        point.times,
        point.values,
        temperature=point.temperature,
        events=point.events,
        stability_limit_mm_per_day=point.stability_limit_mm_per_day or limit,
        now=now,
    )


def _neighbours(points: Sequence[PointSeries]) -> list[tuple[PointSeries, PointSeries, float]]:
    """Pairs next to each other along the structure; of points at one position every one meets every one of the next."""
    by_position: dict[float, list[PointSeries]] = {}
    for point in points:
        if point.position_m is not None:
            by_position.setdefault(point.position_m, []).append(point)
    return [
        (a, b, there - here)
        for here, there in pairwise(sorted(by_position))
        for a in by_position[here]
        for b in by_position[there]
        if a.across_m == b.across_m or a.across_m is None or b.across_m is None
    ]


def _across_piers(points: Sequence[PointSeries]) -> list[tuple[PointSeries, PointSeries, float]]:
    pairs = []
    for one, other in combinations(points, 2):
        if one.pier is None or one.pier != other.pier or one.across_m is None or other.across_m is None:
            continue
        first, second = (one, other) if one.across_m <= other.across_m else (other, one)
        distance = abs(one.across_m - other.across_m)
        if distance > 0:
            pairs.append((first, second, distance))
    return pairs


def _compare(
    first: str,
    second: str,
    pier: str | None,
    distance_m: float,
    analyses: dict[str, SettlementAnalysis],
    max_gap_days: float,
) -> Differential:
    a, b = analyses[first], analyses[second]
    times = np.union1d(a.thermal.times, b.thermal.times)
    moved = [_movement_at(times, each, max_gap_days) for each in (a, b)]
    difference = moved[1] - moved[0]
    common = np.isfinite(difference)
    last = _estimate_last(times[common], difference[common], a, b) if common.any() else None
    slope = None if last is None else Estimate(*(end / distance_m for end in (last.value, last.low, last.high)))
    return Differential(first, second, pier, distance_m, times[common], difference[common], last, slope)


def _movement_at(times: FloatArray, analysis: SettlementAnalysis, max_gap_days: float) -> FloatArray:
    """Movement from the baseline at other times, NaN outside the record and in gaps."""
    own, values = analysis.thermal.times, analysis.thermal.corrected_mm - analysis.baseline_mm.value
    after = np.clip(np.searchsorted(own, times), 0, own.size - 1)
    before = np.clip(np.searchsorted(own, times, side="right") - 1, 0, own.size - 1)
    inside = (times >= own[0]) & (times <= own[-1]) & (own[after] - own[before] <= max_gap_days)
    return np.where(inside, np.interp(times, own, values), np.nan)


def _estimate_last(times: FloatArray, difference: FloatArray, a: SettlementAnalysis, b: SettlementAnalysis) -> Estimate:
    """The mean over the last common day; its noise that of each point's readings then, and of each baseline."""
    day = float(times[-1]) - BASELINE_DAYS
    value = float(difference[times >= day].mean())
    parts = [each.baseline_mm.standard_uncertainty for each in (a, b)]
    for own in (a.thermal, b.thermal):
        mine = (own.times >= day) & (own.times <= times[-1])
        mine[np.argmin(np.abs(own.times - times[-1]))] = True
        parts.append(estimate_mean(own.times, own.corrected_mm, mine=mine).standard_uncertainty)
    half = 1.96 * float(np.linalg.norm(parts))
    return Estimate(value, value - half, value + half)


def describe_structure(analysis: StructureAnalysis) -> dict[str, Any]:
    """Points, differentials and tilts as JSON has them, series thinned to 500 points; a point whole: its own route."""
    return {
        "points": [{"name": name, **describe_verdict(each)} for name, each in analysis.points.items()],
        "differentials": [_describe(each) for each in analysis.differentials],
        "tilts": [_describe(each) for each in analysis.tilts],
    }


def _describe(pair: Differential) -> dict[str, Any]:
    last, slope = pair.last_mm, pair.slope_mm_per_m
    times, column = pair.times, pair.difference_mm[:, None]
    if times.size > MAX_SERIES_POINTS:
        width = float(times[-1] - times[0]) / MAX_SERIES_POINTS * (1 + 1e-12)
        times, column = bin_means(times, column, width=width)
    return {
        "first": pair.first,
        "second": pair.second,
        "pier": pair.pier,
        "distance_m": pair.distance_m,
        "difference_mm": None if last is None else {"value": last.value, "low": last.low, "high": last.high},
        "slope_mm_per_m": None if slope is None else {"value": slope.value, "low": slope.low, "high": slope.high},
        "angular_distortion": None if slope is None else slope.value / 1000,
        "series": [
            {"t": to_datetime(float(t)).isoformat(timespec="milliseconds"), "difference_mm": float(v)}
            for t, v in zip(times, column[:, 0], strict=True)
        ],
    }
