"""Drawing the picture of a sensor: readings with their gaps, bands of alarms, marks, forecast, temperature beneath."""

from collections.abc import Callable
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import offset_copy

from domain.finding import Severity
from iot.plot import DOWNWARDS, Band, Course, Mark, MarkKind, PictureFormat, PictureSize, SensorPlot
from iot.plot_canvas import (
    INK,
    LINE_PX,
    SOFT,
    TEXT_PT,
    Sheet,
    describe_time,
    draw_picture,
    set_time_axis,
    set_value_axis,
)
from iot.plot_picture import Picture
from iot.plot_words import Language, say, say_analysis, say_kind, say_level, say_thermal, say_unit
from iot.settlement import to_datetime
from iot.settlement_statistics import FloatArray

# Okabe and Ito's colours, which the colour-blind tell apart; each also has its own lightness and dash for black ink.
BLUE: Final = "#0072b2"
VERMILION: Final = "#d55e00"
_TINTS: Final = {"blue": "#dcebf7", "yellow": "#fff4c2", "orange": "#ffd9a0", "red": "#f2b0a2"}
_RANKED: Final = ("#fff4c2", "#ffd9a0", "#f2b0a2")  # of levels with other names, from the mildest to the severest
_HATCHES: Final = ("", "//", "xx")
_DASHES: Final = ((0, (1, 2)), (0, (5, 2)), "solid")
_FILLS: Final = {Severity.INFO: "white", Severity.MINOR: "white", Severity.MAJOR: "#9a9a9a", Severity.CRITICAL: INK}
_LISTED: Final = 6  # of the events, and of the findings
_WITH_LIST_PX: Final = 520  # a lower picture has no list of marks
_FAR: Final = 4.0  # spreads beyond which a lone spike no longer squeezes the axis
_REACH: Final = 1.2  # shares of the spread of the readings within which the next limit is shown


def draw_sensor(plot: SensorPlot, *, size: PictureSize, format_: PictureFormat, language: Language) -> Picture:
    """The picture of a sensor.

    Raises:
        PlotBusy: too many pictures are asked for.
    """
    return draw_picture(lambda sheet: _draw(sheet, plot), size=size, format_=format_, language=language)


def _draw(sheet: Sheet, plot: SensorPlot) -> None:
    head_px = _write_head(sheet, plot)
    events, findings = split_marks(plot.marks)
    rows, foot_px = plan_foot(sheet, events=events, findings=findings, least_px=_WITH_LIST_PX)
    room = sheet.size.height_px - head_px - foot_px
    beneath = 0.24 * room if plot.celsius is not None else 0.0
    axes = sheet.add_axes(top_px=head_px, height_px=room - beneath)
    end = plot.window[1] if plot.forecast is None else float(plot.forecast.times[-1])
    set_time_axis(axes, window=(plot.window[0], end), time_zone=plot.time_zone, has_labels=plot.celsius is None)
    off_axis = _draw_values(sheet, axes, plot)
    course = plot.corrected or plot.course
    draw_marks(sheet, axes, events=events, findings=findings, find_course=lambda _: course)
    sheet.add_key(axes, _key(plot, sheet.language, off_axis))
    if plot.celsius is not None:
        _draw_temperature(
            sheet, plot, (plot.window[0], end), top_px=head_px + room - beneath + 8, height_px=beneath - 8
        )
    list_marks(sheet, events=events, findings=findings, time_zone=plot.time_zone, rows=rows)


def _write_head(sheet: Sheet, plot: SensorPlot) -> float:
    """Title, what the analysis says, and the conventions; where the axes may begin. [px]."""
    language, sensor = sheet.language, plot.sensor
    placement = sensor.profile.placement
    title = f"{say('sensor', language)} {sensor.id}  ·  {say_kind(sensor.kind, language)}"
    if placement is not None:
        title += f"  ·  {placement.along_m:g} m  ·  {placement.structure}"
    sheet.write(title, x_px=LINE_PX, y_px=26, fontsize=TEXT_PT + 4)
    y = 26 + LINE_PX + 4
    if plot.analysis is not None:
        sheet.write(say_analysis(plot.analysis, language), x_px=LINE_PX, y_px=y, fontsize=TEXT_PT + 0.5)
        y += LINE_PX
    notes = [describe_time(sheet, plot.time_zone), f"{say('mean_of', language)} {plot.every}"]
    if plot.analysis is not None:
        notes += [f"[ ]: {say('interval', language)}", say_thermal(plot.analysis, language)]
    if plot.rate_limits:
        limits = ", ".join(f"{say_level(level, language)} {limit:g}" for level, limit in plot.rate_limits)
        notes.append(f"{say('rate_limits', language)} {limits} {say_unit(plot.sensor.unit)}/d")
    sheet.write("  ·  ".join(filter(None, notes)), x_px=LINE_PX, y_px=y, color=SOFT)
    return y + 26


def _draw_values(sheet: Sheet, axes: Axes, plot: SensorPlot) -> list[str]:
    """Everything with a value; gives what lies beyond the axis, in words."""
    language, unit = sheet.language, say_unit(plot.sensor.unit)
    low, high, beyond = _choose_limits(plot)
    downwards = plot.sensor.kind in DOWNWARDS
    axes.set_ylim(*((high, low) if downwards else (low, high)))
    set_value_axis(axes)
    name = f"{say_kind(plot.sensor.kind, language)} ({unit})"
    sheet.name_axis(axes, f"{name}, {say('down', language)}" if downwards else name)
    off_axis = _draw_bands(sheet, axes, plot, low, high)
    draw_gaps(axes, plot.course)
    _draw_course(axes, plot)
    _draw_forecast(sheet, axes, plot)
    axes.plot(*plot.outliers, linestyle="none", marker="x", markersize=4, color=SOFT, gid="outliers")
    if plot.course.is_empty:
        middle: dict[str, Any] = {"ha": "center", "va": "center", "transform": axes.transAxes, "fontsize": TEXT_PT + 3}
        sheet.label(axes, say("empty", language), x=0.5, y=0.5, **middle)
    if beyond is not None:
        off_axis.append(f"{beyond:.4g} {unit}")
    return off_axis


def _choose_limits(plot: SensorPlot) -> tuple[float, float, float | None]:
    """The axis: all readings, unless a spike would squeeze them flat, the forecast, and the next limit if it is near.

    Returns:
        Low and high end, and the value that lies furthest beyond them, where there is one.
    """
    course, known = plot.course, ~np.isnan(plot.course.mean)
    if not known.any():
        limits = [band.limit for band in plot.bands]
        return min(limits, default=0.0) - 1, max(limits, default=0.0) + 1, None
    parts = [course.low[known], course.high[known]]
    if plot.corrected is not None:
        parts.append(plot.corrected.mean[~np.isnan(plot.corrected.mean)])
    if plot.forecast is not None:
        parts += [plot.forecast.low, plot.forecast.high]
    values = np.concatenate(parts)
    low, high = float(values.min()), float(values.max())
    inner_low, inner_high = np.quantile(values, [0.005, 0.995])
    spread = max(float(inner_high - inner_low), 1e-9)
    clipped_low, clipped_high = max(low, inner_low - _FAR * spread), min(high, inner_high + _FAR * spread)
    beyond = high if high > clipped_high else low if low < clipped_low else None
    low, high = float(clipped_low), float(clipped_high)
    low, high = _reach_for_limits(plot.bands, low, high)
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin, beyond


def _reach_for_limits(bands: tuple[Band, ...], low: float, high: float) -> tuple[float, float]:
    reach = _REACH * max(high - low, 1e-9)
    above = [band.limit for band in bands if band.is_above and high < band.limit <= high + reach]
    below = [band.limit for band in bands if not band.is_above and low - reach <= band.limit < low]
    return min([low, *below]), max([high, *above])


def _draw_bands(sheet: Sheet, axes: Axes, plot: SensorPlot, low: float, high: float) -> list[str]:
    """Bands with their limits and names; gives those that lie beyond the axis."""
    off_axis = []
    unit = say_unit(plot.sensor.unit)
    labelled: list[float] = []
    for number, band in enumerate(plot.bands):
        sign = ">" if band.is_above else "<"
        text = f"{say_level(band.level, sheet.language)} {sign} {band.limit:g} {unit}"
        if not low < band.limit < high:
            off_axis.append(text)
            if (band.limit >= high) is band.is_above:
                continue
        edge = (high if band.is_above else low) if band.until is None else band.until
        hatch, dash = _style(band)
        style: dict[str, Any] = {"facecolor": _tint(band), "hatch": hatch, "edgecolor": "#c9a58f", "linewidth": 0.0}
        axes.axhspan(band.limit, edge, zorder=0.5, gid=f"band-{number}", **style)
        axes.axhline(band.limit, color=INK, linewidth=0.8, linestyle=dash, zorder=1.6, gid=f"limit-{number}")
        near = sum(abs(band.limit - other) < 0.04 * (high - low) for other in labelled)
        labelled.append(band.limit)
        is_under = band.is_above is (plot.sensor.kind in DOWNWARDS)
        beside = offset_copy(axes.get_yaxis_transform(), sheet.figure, y=-2 if is_under else 2, units="points")
        place: dict[str, Any] = {"transform": beside, "va": "top" if is_under else "bottom", "zorder": 4}
        sheet.label(axes, text, x=0.008 + 0.2 * near, y=band.limit, **place)
    return off_axis


def _style(band: Band) -> tuple[str, Any]:
    severity = min(2, band.rank + 3 - band.ranks) if band.ranks >= len(_HATCHES) else band.rank
    place = max(0, severity)
    return _HATCHES[place], _DASHES[place]


def _tint(band: Band) -> str:
    return _TINTS.get(band.level, _RANKED[_HATCHES.index(_style(band)[0])])


def draw_gaps(axes: Axes, course: Course) -> None:
    """Where nothing is known, over the whole height."""
    for begin, end in course.gaps:
        axes.axvspan(
            begin, end, facecolor="#ececec", edgecolor="#8f8f8f", hatch="....", linewidth=0, zorder=1, gid="gap"
        )


def _draw_course(axes: Axes, plot: SensorPlot) -> None:
    course, corrected = plot.course, plot.corrected
    spread: dict[str, Any] = {
        "facecolor": "#9db9cf",
        "edgecolor": "#9db9cf",
        "linewidth": 0.7,
        "alpha": 0.75,
        "zorder": 2,
    }
    axes.fill_between(course.times, course.low, course.high, gid="spread", **spread)
    strong: dict[str, Any] = {"color": INK, "linewidth": 1.2, "zorder": 3}
    weak: dict[str, Any] = {"color": "#55738c", "linewidth": 0.7, "zorder": 2.5}
    _draw_line(axes, course, gid="mean", style=strong if corrected is None else weak)
    if corrected is not None:
        _draw_line(axes, corrected, gid="corrected", style=strong)


def _draw_line(axes: Axes, course: Course, *, gid: str, style: dict[str, Any]) -> None:
    """A line broken in its gaps, with a dot for what stands alone between two of them."""
    axes.plot(course.times, course.mean, gid=gid, **style)
    alone = find_lone_points(course.mean)
    dots = {**style, "linestyle": "none", "marker": ".", "markersize": 4}
    axes.plot(course.times[alone], course.mean[alone], gid=f"{gid}-alone", **dots)


def find_lone_points(values: FloatArray) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """(N,), whether a value has no neighbour on either side, so that no line shows it."""
    known = np.concatenate([[False], ~np.isnan(values), [False]])
    return np.asarray(known[1:-1] & ~known[:-2] & ~known[2:], dtype=np.bool_)


def _draw_forecast(sheet: Sheet, axes: Axes, plot: SensorPlot) -> None:
    if plot.forecast is None:
        return
    ahead = plot.forecast
    band: dict[str, Any] = {"facecolor": "none", "edgecolor": BLUE, "hatch": "\\\\\\", "linewidth": 0.6, "zorder": 2.7}
    axes.fill_between(ahead.times, ahead.low, ahead.high, gid="interval", **band)
    line: dict[str, Any] = {"color": BLUE, "linewidth": 1.4, "linestyle": (0, (7, 2, 1.5, 2)), "zorder": 3.5}
    axes.plot(ahead.times, ahead.median, gid="forecast", **line)
    axes.axvline(plot.window[1], color=SOFT, linewidth=0.8, gid="until")
    when = to_datetime(plot.window[1]).astimezone(ZoneInfo(plot.time_zone)).strftime("%Y-%m-%d")
    place: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "ha": "left", "va": "bottom", "color": SOFT}
    sheet.label(axes, f"{say('until', sheet.language)} {when}", x=plot.window[1], y=1.005, **place)


def _draw_temperature(
    sheet: Sheet, plot: SensorPlot, window: tuple[float, float], *, top_px: float, height_px: float
) -> None:
    if plot.celsius is None:
        return
    axes = sheet.add_axes(top_px=top_px, height_px=height_px)
    set_time_axis(axes, window=window, time_zone=plot.time_zone)
    set_value_axis(axes, ticks=3)
    draw_gaps(axes, plot.celsius)
    axes.plot(plot.celsius.times, plot.celsius.mean, color=VERMILION, linewidth=0.8, gid="temperature")
    sheet.name_axis(axes, f"{say('temperature', sheet.language)} (°C)")


def _key(plot: SensorPlot, language: Language, off_axis: list[str]) -> list[tuple[Any, str]]:
    has_corrected = plot.corrected is not None
    rows: list[tuple[Any, str]] = []
    if plot.corrected is not None:
        rows.append((_line(color=INK, linewidth=1.5), say("corrected", language)))
    strong = _line(color="#55738c", linewidth=0.9) if has_corrected else _line(color=INK, linewidth=1.5)
    rows.append((strong, say("mean", language)))
    rows.append((_patch(facecolor="#9db9cf", alpha=0.75), say("spread", language)))
    if plot.forecast is not None:
        rows.append((_line(color=BLUE, linewidth=1.4, linestyle=(0, (7, 2, 1.5, 2))), say("forecast", language)))
        rows.append((_patch(facecolor="none", edgecolor=BLUE, hatch="\\\\\\"), say("interval", language)))
    if plot.course.gaps:
        rows.append((_patch(facecolor="#ececec", edgecolor="#8f8f8f", hatch="...."), say("gap", language)))
    if plot.outliers[0].size:
        rows.append((_line(linestyle="", marker="x", markersize=4, color=SOFT), say("outlier", language)))
    rows += key_of_marks(plot.marks, language)
    rows += [(_line(linestyle="", marker="", color=INK), f"{say('off_axis', language)}: {text}") for text in off_axis]
    return rows


def key_of_marks(marks: tuple[Mark, ...], language: Language) -> list[tuple[Any, str]]:
    """The key's rows of marks."""
    rows: list[tuple[Any, str]] = []
    if any(each.kind is not MarkKind.FINDING for each in marks):
        rows.append((_line(color=INK, linewidth=0.9, linestyle=(0, (3, 2))), say("event", language)))
    if any(each.kind is MarkKind.FINDING for each in marks):
        marker: dict[str, Any] = {
            "linestyle": "",
            "marker": "v",
            "markersize": 8,
            "markeredgecolor": INK,
            "markerfacecolor": "#9a9a9a",
        }
        rows.append((_line(**marker), say("finding", language)))
    return rows


def _line(**style: Any) -> Line2D:  # noqa: ANN401 - matplotlib's own properties
    return Line2D([], [], **style)


def _patch(**style: Any) -> Rectangle:  # noqa: ANN401 - the same
    return Rectangle((0, 0), 0, 0, **{"linewidth": 0.5, **style})


def split_marks(marks: tuple[Mark, ...]) -> tuple[list[Mark], list[Mark]]:
    """Events and steps, and findings, each with those first that are named.

    Of the events these are the newest, by time; of the findings the first of each severity, then the second of each, so
    that no severity hides another.
    """
    events = [each for each in marks if each.kind is not MarkKind.FINDING]
    events = events[-_LISTED:] + events[:-_LISTED]
    order = list(Severity)
    seen: dict[Severity, int] = {}
    ranked: list[tuple[int, int, Mark]] = []
    for each in marks:
        if each.kind is MarkKind.FINDING:
            severity = each.severity or Severity.INFO
            ranked.append((seen.setdefault(severity, 0), -order.index(severity), each))
            seen[severity] += 1
    ranked.sort(key=lambda item: item[:2])
    return events, [each for _, _, each in ranked]


def draw_marks(
    sheet: Sheet,
    axes: Axes,
    *,
    events: list[Mark],
    findings: list[Mark],
    find_course: Callable[[Mark], Course | None],
) -> None:
    """Events as dashed lines with letters, findings as triangles on their course with numbers; the list has both."""
    top = axes.get_xaxis_transform()
    for place, mark in enumerate(events):
        axes.axvline(mark.at, color=INK, linewidth=0.9, linestyle=(0, (3, 2)), zorder=2.8, gid=str(mark.kind))
        if place < _LISTED:
            sheet.label(axes, _letter(place), x=mark.at, y=1.005, transform=top, ha="center", va="bottom")
    begin, end = axes.get_xlim()
    for place, mark in enumerate(findings):
        course = find_course(mark)
        value = None if course is None else _value_at(course, mark.at)
        style: dict[str, Any] = {
            "linestyle": "none",
            "marker": "v",
            "markersize": 8,
            "markeredgecolor": INK,
            "zorder": 5,
        }
        where, y = (top, 0.97) if value is None else (axes.transData, value)
        fill = _FILLS[mark.severity or Severity.INFO]
        axes.plot([mark.at], [y], transform=where, markerfacecolor=fill, gid=f"finding-{mark.severity}", **style)
        if place < _LISTED:
            near = sum(abs(each.at - mark.at) < 0.015 * (end - begin) for each in findings[:place])
            offset: dict[str, Any] = {"xycoords": where, "xytext": (0, 9 + 9 * near), "textcoords": "offset points"}
            box: dict[str, Any] = {
                "boxstyle": "square,pad=0.1",
                "facecolor": "white",
                "edgecolor": "none",
                "alpha": 0.8,
            }
            axes.annotate(str(place + 1), (mark.at, y), ha="center", fontsize=TEXT_PT, zorder=6, bbox=box, **offset)


def _letter(place: int) -> str:
    return "ABCDEF"[place]


def _value_at(course: Course, at: float) -> float | None:
    """The course at a time; None in a gap and outside."""
    known = ~np.isnan(course.mean)
    if not known.any() or not course.times[0] <= at <= course.times[-1]:
        return None
    if any(begin < at < end for begin, end in course.gaps):
        return None
    return float(np.interp(at, course.times[known], course.mean[known]))


def plan_foot(sheet: Sheet, *, events: list[Mark], findings: list[Mark], least_px: int) -> tuple[int, float]:
    """How much room the list of marks takes under the time axis.

    Args:
        sheet: whose foot.
        events: to be listed.
        findings: to be listed.
        least_px: a lower picture has no list. [px]

    Returns:
        The rows of the longer column, 0 where there is no list, and the height of the foot with the axis's labels. [px]
    """
    rows = max(min(len(events), _LISTED), min(len(findings), _LISTED))
    if rows == 0 or sheet.size.height_px < least_px:
        return 0, 30
    return rows, 30 + (rows + 1) * LINE_PX + 14


def list_marks(
    sheet: Sheet,
    *,
    events: list[Mark],
    findings: list[Mark],
    time_zone: str,
    rows: int,
    has_several: bool = False,
) -> None:
    """Two columns at the foot: events by letter, findings by number, each with its time and text.

    Args:
        sheet: whose foot.
        events: those first that have a letter.
        findings: those first that have a number.
        time_zone: of the times.
        rows: in the longer column, as planned; nothing is listed where it is 0.
        has_several: whether a finding's sensor has to be named.
    """
    if rows == 0:
        return
    zone = ZoneInfo(time_zone)
    top = sheet.size.height_px - (rows + 1) * LINE_PX - 2
    half = (sheet.size.width_px - 2 * LINE_PX) / 2
    for column, (word, marks) in enumerate((("events", events), ("findings", findings))):
        if not marks:
            continue
        x = LINE_PX + column * half
        more = f"  ({say('more', sheet.language)} {len(marks) - _LISTED})" if len(marks) > _LISTED else ""
        sheet.write(say(word, sheet.language) + more, x_px=x, y_px=top, color=SOFT)
        for place, mark in enumerate(marks[:_LISTED]):
            name = _letter(place) if column == 0 else str(place + 1)
            when = to_datetime(mark.at).astimezone(zone).strftime("%Y-%m-%d %H:%M")
            whose = f"{mark.sensor_id}  " if has_several and column == 1 else ""
            text = f"{name}  {when}  {whose}{mark.text[sheet.language]}"
            sheet.write(text, x_px=x, y_px=top + (place + 1) * LINE_PX, columns=int(half / 6.2) - 2)
