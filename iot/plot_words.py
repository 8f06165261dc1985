"""The words of a picture in Chinese and English, and how a stranger's text is made harmless before it is drawn."""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from domain.sensor import SensorKind
from iot.consolidation import ForecastReason
from iot.settlement import SettlementAnalysis
from iot.settlement_statistics import Estimate
from iot.thermal import ThermalMethod


class Language(StrEnum):
    """Of the words in a picture."""

    ZH = "zh"
    EN = "en"


_ELLIPSIS: Final = "…"
_LOST: Final = "\N{REPLACEMENT CHARACTER}"
_UNITS: Final = {"Cel": "°C", "deg": "°", "m/s2": "m/s²"}  # UCUM codes that people write otherwise

_KINDS: Final[Mapping[SensorKind, tuple[str, str]]] = {
    SensorKind.SETTLEMENT: ("沉降", "Settlement"),
    SensorKind.HYDROSTATIC_LEVEL: ("静力水准", "Hydrostatic level"),
    SensorKind.TILT: ("倾斜", "Tilt"),
    SensorKind.CRACK_WIDTH: ("裂缝宽度", "Crack width"),
    SensorKind.STRAIN: ("应变", "Strain"),
    SensorKind.BEARING_FORCE: ("支座反力", "Bearing force"),
    SensorKind.WATER_LEVEL: ("水位", "Water level"),
    SensorKind.RAIN: ("雨量", "Rain"),
    SensorKind.TEMPERATURE: ("温度", "Temperature"),
    SensorKind.VIBRATION: ("振动", "Vibration"),
}
_LEVELS_ZH: Final = {"blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "sensor": ("测点", "Sensor"),
    "structure": ("结构", "Structure"),
    "down": ("向下为正", "positive downwards"),
    "mean": ("测值", "Readings"),
    "spread": ("最小～最大", "Minimum to maximum"),
    "corrected": ("扣除温度变形后", "Thermal movement removed"),
    "gap": ("无数据（未知）", "No data (unknown)"),
    "forecast": ("预测", "Forecast"),
    "interval": ("95 % 区间", "95 % interval"),
    "outlier": ("剔除的异常值", "Outliers, left out"),
    "event": ("事件、加载、突变", "Event, loading, step"),
    "finding": ("预警与发现", "Alarms and findings"),
    "events": ("事件", "Events"),
    "findings": ("预警与发现", "Alarms and findings"),
    "loading": ("加载", "loading"),
    "step": ("突变", "step"),
    "temperature": ("温度", "Temperature"),
    "empty": ("此时段无数据", "No data in this time"),
    "movement": ("累计", "Movement"),
    "rate": ("速率", "rate"),
    "limit": ("限值", "limit"),
    "final": ("预测最终", "final"),
    "no_forecast": ("无预测", "no forecast"),
    "removed": ("已扣除温度变形", "thermal movement removed"),
    "harmonic": ("已扣除日变化", "daily course removed"),
    "lag": ("滞后", "lag"),
    "time": ("时间", "Time"),
    "mean_of": ("每点平均时长", "each point the mean of"),
    "off_axis": ("图外", "beyond the axis"),
    "more": ("另有", "and more:"),
    "until": ("截至", "until"),
    "profile": ("沿结构的沉降", "Settlement along the structure"),
    "series": ("各测点沉降", "Settlement of the points"),
    "differential": ("差异沉降", "Differential settlement"),
    "tilt": ("倾斜", "tilt"),
    "settlement": ("沉降", "Settlement"),
    "along": ("沿结构位置", "Position along the structure"),
    "silent": ("无数据的测点", "Points without data"),
    "finals": ("预测最终值", "Forecast final"),
    "rate_limits": ("速率限值", "Limits of the rate"),
    "stable": ("稳定", "stable"),
    "settling": ("未稳定", "settling"),
    "accelerating": ("加速", "accelerating"),
    "cannot_tell": ("稳定性无法判断", "stability: cannot tell"),
    "forecast.too_few": ("测值太少", "too few readings"),
    "forecast.no_movement": ("无明显变形", "no movement to go by"),
    "forecast.too_early": ("为时过早", "too early to tell"),
    "forecast.poor_fit": ("规律不符", "no law fits"),
    "forecast.wide": ("最终值不定", "the end is open"),
}


def say(word: str, language: Language) -> str:
    """A word of the product in a language; what has no entry stays as it is."""
    pair = _WORDS.get(word)
    return word if pair is None else pair[language is Language.EN]


def say_kind(kind: SensorKind, language: Language) -> str:
    """What is measured, for an axis."""
    return _KINDS[kind][language is Language.EN]


def say_level(level: str, language: Language) -> str:
    """An alarm level's name; other names than the usual colours are the project's own."""
    return _LEVELS_ZH.get(level, level) if language is Language.ZH else level


def say_unit(unit: str) -> str:
    """A UCUM code as people write it."""
    return _UNITS.get(unit, unit)


def say_analysis(analysis: SettlementAnalysis, language: Language) -> str:
    """What the analysis says, in a line: movement, rate and its limit, the verdict, the final value."""
    parts = [f"{say('movement', language)} {_say_estimate(analysis.movement_mm)} mm"]
    last = analysis.rates[-1]
    if last.rate_mm_per_day is not None:
        limit = f"{say('limit', language)} {analysis.limit_mm_per_day:g}"
        days = f"{last.window_days:g} d"
        parts.append(f"{days} {say('rate', language)} {last.rate_mm_per_day.value:.3f} mm/d ({limit})")
    parts.append(say(str(analysis.stability.verdict), language))
    parts.append(say_forecast(analysis, language))
    return "  ·  ".join(parts)


def say_forecast(analysis: SettlementAnalysis, language: Language) -> str:
    """The final movement from the baseline with its interval, or why there is none, and between which ends it lies."""
    fit = analysis.consolidation
    if fit is None:
        return f"{say('no_forecast', language)}: {say(ForecastReason.TOO_FEW, language)}"
    base = analysis.baseline_mm.value
    final = Estimate(fit.final_mm.value - base, fit.final_mm.low - base, fit.final_mm.high - base)
    if fit.reason is not ForecastReason.DETERMINED:
        ends = f" [{final.low:.1f}, {final.high:.1f}] mm" if fit.reason is ForecastReason.WIDE else ""
        return f"{say('no_forecast', language)}: {say(fit.reason, language)}{ends}"
    return f"{say('final', language)} {_say_estimate(final)} mm"


def say_thermal(analysis: SettlementAnalysis, language: Language) -> str:
    """How the thermal movement was removed; empty where it was not."""
    thermal = analysis.thermal
    if not thermal.removed_mm.any():
        return ""
    if thermal.method is ThermalMethod.DAILY_HARMONIC or thermal.coefficient_mm_per_k is None:
        return say("harmonic", language)
    lag = 24 * (thermal.lag_days or 0.0)
    return (
        f"{say('removed', language)}: {thermal.coefficient_mm_per_k.value:+.3f} mm/°C, {say('lag', language)} {lag:g} h"
    )


def _say_estimate(estimate: Estimate) -> str:
    return f"{estimate.value:.1f} [{estimate.low:.1f}, {estimate.high:.1f}]"


def clean_text(text: str, *, columns: int) -> str:
    """A stranger's text in one line that cannot steer anything: no control, bidi or private characters, not too long.

    Args:
        text: anything.
        columns: at most so wide, where a Chinese character takes two.

    Returns:
        What is printable as it is, white space as blanks, the rest as U+FFFD; cut with an ellipsis.
    """
    kept: list[str] = []
    width = 0
    # A letter has few combining marks; a thousand of them would take as long to draw as a page.
    for each in unicodedata.normalize("NFC", text[: 4 * columns]):
        shown = each if each.isprintable() else " " if each.isspace() else _LOST
        width += 1 + (unicodedata.east_asian_width(each) in "WF")
        if width > columns:
            return "".join(kept).rstrip() + _ELLIPSIS
        kept.append(shown)
    return "".join(kept) + (_ELLIPSIS if len(text) > 4 * columns else "")
