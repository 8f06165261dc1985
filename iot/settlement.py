"""The settlement analysis of one point: what moved, how fast, where it ends and whether it is stable.

Movement is positive in the sensor's positive direction; limits are compared with its size. Times are days since
1970-01-01 UTC inside, aware datetimes or such days at the door. Several points together are in `settlement_structure`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import numpy as np

from iot.consolidation import ConsolidationFit, InvalidRecord, LineFit, fit_consolidation, forecast, require_record
from iot.season import expect_season
from iot.settlement_lines import fit_asaoka, fit_hyperbolic_line
from iot.settlement_rate import WINDOWS_DAYS, Rate, measure_rate
from iot.settlement_statistics import Estimate, FloatArray, bin_means, noise_scale
from iot.settlement_steps import Step, find_outliers, find_steps
from iot.thermal import ThermalReason, ThermalRemoval, remove_thermal_movement

# 0.01 to 0.04 mm/d over the last 100 days is what Chinese practice quotes of JGJ/T 8-97 and its successors JGJ 8 (read
# in secondary sources only, docs/settlement.md). The project chooses; the upper figure stands where it did not.
DEFAULT_STABILITY_LIMIT_MM_PER_DAY: Final = 0.04
STABILITY_WINDOW_DAYS: Final = 100.0
MIN_GROWTH_WINDOW_DAYS: Final = 30.0
BASELINE_DAYS: Final = 1.0  # so short that a fast settlement is not averaged away
MIN_SCATTER_DAYS: Final = 8  # fewer do not tell how the means of days scatter
MAX_SERIES_POINTS: Final = 500
_FORECAST_POINTS: Final = 60
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)

Times = Sequence[datetime] | FloatArray
Facts = dict[str, float | int | str]


class Stability(StrEnum):
    """The verdict."""

    STABLE = "stable"
    SETTLING = "settling"
    ACCELERATING = "accelerating"
    CANNOT_TELL = "cannot_tell"


class StabilityReason(StrEnum):
    """Why the verdict is what it is."""

    INSIDE_LIMIT = "stability.inside_limit"
    OUTSIDE_LIMIT = "stability.outside_limit"
    RATE_GROWS = "stability.rate_grows"
    ACROSS_LIMIT = "stability.across_limit"
    STEP_IN_WINDOW = "stability.step_in_window"
    TEMPERATURE_DRIFTS = "stability.temperature_drifts"
    NO_RATE = "stability.no_rate"


@dataclass(frozen=True, slots=True)
class SettlementEvent:
    """Something known that begins a new part of the record: a load, a support moved.

    Attributes:
        at: when; an aware datetime or days since 1970-01-01 UTC.
        kind: in the project's words, like `loading`; given back as it is.
        is_shift: whether it may have moved the point at once; False keeps the rate's line whole across it.
    """

    at: datetime | float
    kind: str = "loading"
    is_shift: bool = True


@dataclass(frozen=True, slots=True)
class StabilityVerdict:
    """Whether the point is stable.

    Attributes:
        verdict: one of four.
        reason: a stable code.
        parameters: numbers and codes for the sentence in the reader's language.
    """

    verdict: Stability
    reason: StabilityReason
    parameters: Facts


@dataclass(frozen=True, slots=True, eq=False)
class SettlementAnalysis:
    """What is known of one point.

    Attributes:
        times: (N,), of all readings. [d]
        values_mm: (N,). [mm]
        is_outlier: (N,), readings that nothing below was drawn from.
        thermal: the record without outliers and thermal movement, and that movement.
        baseline_mm: mean of the first day, from which movement counts, with its interval. [mm]
        noise_mm: standard deviation of one reading. [mm]
        movement_mm: of the last readings (of the last day) from the baseline. [mm]
        rates: over 7, 30 and 100 days.
        steps: level shifts that were found.
        events: that were given, in the order of time: (days, event).
        fit_from_days: where the part for the fits begins: the last step or event, or the first reading. A load before
            the first reading is the forecast's onset all the same. [d]
        consolidation: the forecast; None with too few readings after `fit_from_days`.
        asaoka: Asaoka's line; None with too few.
        hyperbolic_line: the hyperbolic one; None with too few.
        stability: the verdict.
        limit_mm_per_day: that it was held against. [mm/d]
        now_days: until when. [d]
    """

    times: FloatArray
    values_mm: FloatArray
    is_outlier: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    thermal: ThermalRemoval
    baseline_mm: Estimate
    noise_mm: float
    movement_mm: Estimate
    rates: tuple[Rate, ...]
    steps: tuple[Step, ...]
    events: tuple[tuple[float, SettlementEvent], ...]
    fit_from_days: float
    consolidation: ConsolidationFit | None
    asaoka: LineFit | None
    hyperbolic_line: LineFit | None
    stability: StabilityVerdict
    limit_mm_per_day: float
    now_days: float


def to_days(times: Times) -> FloatArray:
    """Days since 1970-01-01 UTC, of aware datetimes or of such days.

    Raises:
        InvalidRecord: a datetime has no time zone.
    """
    if isinstance(times, np.ndarray):
        return np.asarray(times, dtype=np.float64)
    return np.array([to_day(each) for each in times], dtype=np.float64)


def to_day(time: datetime | float) -> float:
    """Days since 1970-01-01 UTC.

    Raises:
        InvalidRecord: a datetime has no time zone.
    """
    if not isinstance(time, datetime):
        return float(time)
    if time.tzinfo is None:
        raise InvalidRecord("a time needs its time zone")
    return (time - _EPOCH) / _DAY


def to_datetime(days: float) -> datetime:
    """The time in UTC so many days after 1970-01-01."""
    return _EPOCH + days * _DAY


def analyse_settlement(
    times: Times,
    values: Sequence[float] | FloatArray,
    *,
    temperature: tuple[Times, Sequence[float] | FloatArray] | None = None,
    events: Sequence[SettlementEvent] = (),
    stability_limit_mm_per_day: float = DEFAULT_STABILITY_LIMIT_MM_PER_DAY,
    now: datetime | float | None = None,
) -> SettlementAnalysis:
    """Analyse the record of one point.

    Args:
        times: (N,), strictly rising, N at least 1.
        values: (N,), on the sensor's scale. [mm]
        temperature: times, strictly rising, and temperatures of the structure or the air. [degC]
        events: known loads and moves; the fits begin after the last of them and of the steps that are found.
        stability_limit_mm_per_day: the project's figure, above 0. [mm/d]
        now: until when the record is judged; later readings are left out. None for the last reading.

    Raises:
        InvalidRecord: no reading, or times and values are no record, or the limit is not above 0.
    """
    days, readings = to_days(times), np.asarray(values, dtype=np.float64)
    require_record(days, readings)
    if not stability_limit_mm_per_day > 0:
        raise InvalidRecord("the stability limit is above 0")
    heat = _parse_temperature(temperature)
    until = to_day(now) if now is not None else (float(days[-1]) if days.size else 0.0)
    days, readings = days[days <= until], readings[days <= until]
    if not days.size:
        raise InvalidRecord("there is no reading to analyse")
    dated = tuple(sorted(((to_day(each.at), each) for each in events), key=lambda pair: pair[0]))
    return _analyse(days, readings, heat=heat, events=dated, limit=stability_limit_mm_per_day, now=until)


def _parse_temperature(
    temperature: tuple[Times, Sequence[float] | FloatArray] | None,
) -> tuple[FloatArray, FloatArray] | None:
    if temperature is None:
        return None
    known, degrees = to_days(temperature[0]), np.asarray(temperature[1], dtype=np.float64)
    require_record(known, degrees)
    return known, degrees


def _analyse(
    days: FloatArray,
    readings: FloatArray,
    *,
    heat: tuple[FloatArray, FloatArray] | None,
    events: tuple[tuple[float, SettlementEvent], ...],
    limit: float,
    now: float,
) -> SettlementAnalysis:
    outliers = find_outliers(readings)
    kept, clean = days[~outliers], readings[~outliers]
    known = [day for day, event in events if event.is_shift]
    thermal, steps = _separate(kept, clean, heat=heat, breaks=[day for day, _ in events], shifts=known)
    t, y = thermal.times, thermal.corrected_mm
    baseline = estimate_mean(t, y, mine=t <= t[0] + BASELINE_DAYS)
    last = estimate_mean(t, y, mine=t >= t[-1] - BASELINE_DAYS)
    shifts = np.array(sorted({*known, *(step.at_days for step in steps)}))
    rates = _measure_rates(thermal, shifts=shifts, now=now)
    loads = [*(step.at_days for step in steps), *(day for day, _ in events if day <= t[-1])]
    begin = max(loads, default=float(t[0]))
    part = t >= begin
    enough = bool(part.any())
    noise = noise_scale(y)
    season = expect_season(thermal, noise_mm=noise).choose(part)
    return SettlementAnalysis(
        times=days,
        values_mm=readings,
        is_outlier=outliers,
        thermal=thermal,
        baseline_mm=baseline,
        noise_mm=noise,
        movement_mm=_difference(last, baseline),
        rates=rates,
        steps=steps,
        events=events,
        fit_from_days=max(begin, float(t[0])),
        consolidation=fit_consolidation(t[part], y[part], onset_days=begin, season=season) if enough else None,
        asaoka=fit_asaoka(t[part], y[part]) if enough else None,
        hyperbolic_line=fit_hyperbolic_line(t[part], y[part]) if enough else None,
        stability=judge_stability(rates, limit_mm_per_day=limit, thermal=thermal.reason),
        limit_mm_per_day=limit,
        now_days=now,
    )


def _separate(
    kept: FloatArray,
    clean: FloatArray,
    *,
    heat: tuple[FloatArray, FloatArray] | None,
    breaks: list[float],
    shifts: list[float],
) -> tuple[ThermalRemoval, tuple[Step, ...]]:
    """Steps hide in the day's course and bend its regression: find them, take that out, and look for them again."""
    steps = find_steps(kept, clean, known=breaks)
    thermal = remove_thermal_movement(
        kept, clean, temperature=heat, steps=np.array([*shifts, *(step.at_days for step in steps)])
    )
    again = find_steps(thermal.times, thermal.corrected_mm, known=breaks)
    if {step.at_days for step in again} != {step.at_days for step in steps}:
        thermal = remove_thermal_movement(
            kept, clean, temperature=heat, steps=np.array([*shifts, *(step.at_days for step in again)])
        )
        again = find_steps(thermal.times, thermal.corrected_mm, known=breaks)
    return thermal, again


def estimate_mean(
    times: FloatArray, values: FloatArray, *, mine: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
) -> Estimate:
    """The mean of some readings of one day, with its interval.

    The noise of neighbouring readings says how sure it is; where the means of days scatter by more, that does, since
    noise that lasts for hours does not average out within a day.

    Args:
        times: (N,), rising. [d]
        values: (N,). [mm]
        mine: (N,), which of them, one at least.
    """
    count = int(mine.sum())
    deviation = noise_scale(values) / np.sqrt(count)
    _, days = bin_means(times, values[:, None], width=BASELINE_DAYS)
    if days.size >= MIN_SCATTER_DAYS:
        usual = values.size / days.size
        deviation = max(deviation, noise_scale(days[:, 0]) * np.sqrt(usual / max(count, usual)))
    half = 1.96 * float(deviation)
    mean = float(values[mine].mean())
    return Estimate(mean, mean - half, mean + half)


def _difference(a: Estimate, b: Estimate) -> Estimate:
    half = 1.96 * float(np.hypot(a.standard_uncertainty, b.standard_uncertainty))
    return Estimate(a.value - b.value, a.value - b.value - half, a.value - b.value + half)


def _measure_rates(thermal: ThermalRemoval, *, shifts: FloatArray, now: float) -> tuple[Rate, ...]:
    doubt, found = None, thermal.coefficient_mm_per_k
    if thermal.temperature_degc is not None and found is not None:
        # What was not told from 0 was not taken out, and may be there.
        left = 0.0 if thermal.reason is ThermalReason.REMOVED else found.value
        doubt = (thermal.temperature_degc, float(np.hypot(left, found.standard_uncertainty)))
    return tuple(
        measure_rate(thermal.times, thermal.corrected_mm, window_days=window, now_days=now, steps=shifts, thermal=doubt)
        for window in WINDOWS_DAYS
    )


def judge_stability(
    rates: Sequence[Rate], *, limit_mm_per_day: float, thermal: ThermalReason | None = None
) -> StabilityVerdict:
    """The verdict from the rates: their intervals have to lie wholly inside the limit, or wholly outside.

    Accelerating is what grows at 99 % in a window of 30 days or more and may exceed the limit in it; it goes before the
    others. In shorter windows a warm spell looks the same, and quick failures are what alarms by rate are for. A step
    within the last 100 days forbids "stable", since the line says nothing of it. Where the temperature only drifted
    beside the movement, neither "stable" nor "settling" is told from it.

    Args:
        rates: the last one is that of the stability window.
        limit_mm_per_day: [mm/d]
        thermal: what became of the thermal movement.
    """
    last = rates[-1]
    facts: Facts = {"limit_mm_per_day": limit_mm_per_day, "window_days": last.window_days}
    if thermal is not None:
        facts["thermal"] = str(thermal)
    for rate in rates:
        if rate.window_days < MIN_GROWTH_WINDOW_DAYS:
            continue
        if rate.is_growing and rate.growth_mm_per_day and _reach(rate) > limit_mm_per_day:
            growing: Facts = {"growth_mm_per_day": rate.growth_mm_per_day.value, "window_days": rate.window_days}
            return StabilityVerdict(Stability.ACCELERATING, StabilityReason.RATE_GROWS, facts | growing)
    if last.rate_mm_per_day is None:
        missing: Facts = {"readings": last.readings, "why": str(last.reason)}
        return StabilityVerdict(Stability.CANNOT_TELL, StabilityReason.NO_RATE, facts | missing)
    found = last.rate_mm_per_day
    facts |= {"rate_mm_per_day": found.value, "low_mm_per_day": found.low, "high_mm_per_day": found.high}
    if thermal is ThermalReason.NOT_SEPARABLE:
        return StabilityVerdict(Stability.CANNOT_TELL, StabilityReason.TEMPERATURE_DRIFTS, facts)
    verdict, reason = _hold_against(found, limit_mm_per_day, steps=last.steps)
    return StabilityVerdict(verdict, reason, facts | ({"steps": last.steps} if last.steps else {}))


def _hold_against(rate: Estimate, limit: float, *, steps: int) -> tuple[Stability, StabilityReason]:
    if rate.low > limit or rate.high < -limit:
        return Stability.SETTLING, StabilityReason.OUTSIDE_LIMIT
    if steps:
        return Stability.CANNOT_TELL, StabilityReason.STEP_IN_WINDOW
    if -limit < rate.low and rate.high < limit:
        return Stability.STABLE, StabilityReason.INSIDE_LIMIT
    return Stability.CANNOT_TELL, StabilityReason.ACROSS_LIMIT


def _reach(rate: Rate) -> float:
    found = rate.rate_mm_per_day
    return 0.0 if found is None else max(abs(found.low), abs(found.high))


def describe_settlement(analysis: SettlementAnalysis) -> dict[str, Any]:
    """The analysis as JSON has it: times in ISO 8601, UTC; intervals as value, low and high; a series of 500 points."""
    thermal = analysis.thermal
    return {
        "now": _iso(analysis.now_days),
        "readings": int(analysis.times.size),
        "outliers": [_iso(each) for each in analysis.times[analysis.is_outlier]],
        "baseline_mm": _describe(analysis.baseline_mm),
        "noise_mm": analysis.noise_mm,
        **describe_verdict(analysis),
        "thermal": {
            "method": str(thermal.method),
            "reason": str(thermal.reason),
            "coefficient_mm_per_k": _describe(thermal.coefficient_mm_per_k),
            "standard_uncertainty_mm_per_k": thermal.coefficient_mm_per_k
            and thermal.coefficient_mm_per_k.standard_uncertainty,
            "lag_hours": None if thermal.lag_days is None else 24 * thermal.lag_days,
            "amplitude_mm": thermal.amplitude_mm,
            "uncovered": thermal.uncovered,
        },
        "steps": [
            {"after": _iso(each.after_days), "at": _iso(each.at_days), "size_mm": _describe(each.size_mm)}
            for each in analysis.steps
        ],
        "events": [{"at": _iso(day), "kind": event.kind} for day, event in analysis.events],
        "fit_from": _iso(analysis.fit_from_days),
        "forecast": _describe_forecast(analysis),
        "asaoka": _describe_line(analysis.asaoka),
        "hyperbolic_line": _describe_line(analysis.hyperbolic_line),
        "series": _describe_series(thermal),
    }


def describe_verdict(analysis: SettlementAnalysis) -> dict[str, Any]:
    """The part of `describe_settlement` that the points of a structure are compared by."""
    return {
        "movement_mm": _describe(analysis.movement_mm),
        "rates": [_describe_rate(each) for each in analysis.rates],
        "limit_mm_per_day": analysis.limit_mm_per_day,
        "stability": {
            "verdict": str(analysis.stability.verdict),
            "reason": str(analysis.stability.reason),
            "parameters": analysis.stability.parameters,
        },
    }


def _iso(days: float) -> str:
    return to_datetime(float(days)).isoformat(timespec="milliseconds")


def _describe(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _describe_rate(rate: Rate) -> dict[str, Any]:
    return {
        "window_days": rate.window_days,
        "readings": rate.readings,
        "rate_mm_per_day": _describe(rate.rate_mm_per_day),
        "reason": None if rate.reason is None else str(rate.reason),
        "steps": rate.steps,
        "growth_mm_per_day": _describe(rate.growth_mm_per_day),
    }


def _describe_line(line: LineFit | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {
        "intercept": line.intercept,
        "slope": line.slope,
        "final_mm": _describe(line.final_mm),
        "spacing_days": line.spacing_days,
    }


def _describe_forecast(analysis: SettlementAnalysis) -> dict[str, Any]:
    fit = analysis.consolidation
    if fit is None:
        return {"reason": "forecast.too_few", "final_mm": None, "degree": None, "laws": [], "curve": []}
    span = fit.last_days - fit.onset_days
    ahead = np.linspace(fit.onset_days, fit.last_days + span, _FORECAST_POINTS)
    median, low, high = forecast(fit, ahead)
    return {
        "reason": str(fit.reason),
        "final_mm": _describe(fit.final_mm),
        "final_movement_mm": _shift(fit, analysis),
        "degree": _describe(fit.degree),
        "noise_correlation": fit.correlation,
        "laws": [
            {
                "law": str(each.law),
                "weight": each.weight,
                "final_mm": _describe(each.final_mm),
                "time_constant_days": each.time_constant_days,
                "residual_mm": each.residual_mm,
            }
            for each in fit.laws
        ],
        "curve": [
            {"t": _iso(t), "mm": float(m), "low_mm": float(a), "high_mm": float(b)}
            for t, m, a, b in zip(ahead, median, low, high, strict=True)
        ],
    }


def _shift(fit: ConsolidationFit, analysis: SettlementAnalysis) -> dict[str, float]:
    """The final value from the baseline; each end moves by the baseline's own uncertainty, in quadrature."""
    final, base = fit.final_mm, analysis.baseline_mm
    half = base.value - base.low
    value = final.value - base.value
    return {
        "value": value,
        "low": value - float(np.hypot(final.value - final.low, half)),
        "high": value + float(np.hypot(final.high - final.value, half)),
    }


def _describe_series(thermal: ThermalRemoval) -> list[dict[str, Any]]:
    columns = np.stack([thermal.corrected_mm + thermal.removed_mm, thermal.removed_mm, thermal.corrected_mm], axis=1)
    times = thermal.times
    if times.size > MAX_SERIES_POINTS:
        width = float(times[-1] - times[0]) / MAX_SERIES_POINTS * (1 + 1e-12)
        times, columns = bin_means(times, columns, width=width)
    return [
        {"t": _iso(t), "mm": float(row[0]), "thermal_mm": float(row[1]), "corrected_mm": float(row[2])}
        for t, row in zip(times, columns, strict=True)
    ]
