"""Drawing the picture of a structure: its settlement along it on several dates, its points' series, its differences."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from iot.plot import PairLine, PictureFormat, PictureSize, PointLine, StructurePlot
from iot.plot_canvas import (
    LINE_PX,
    SOFT,
    TEXT_PT,
    Sheet,
    describe_time,
    draw_picture,
    set_time_axis,
    set_value_axis,
)
from iot.plot_drawing import draw_marks, key_of_marks, list_marks, plan_foot, split_marks
from iot.plot_picture import Picture
from iot.plot_words import Language, say
from iot.settlement import to_datetime

# Okabe and Ito's colours; each line has its own dash and marker beside, for black ink and more points than colours.
_COLOURS: Final = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
_DASHES: Final = ("solid", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 1.5, 2)), (0, (1, 1)))
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
_SHADES: Final = ("#b5b5b5", "#959595", "#707070", "#454545", "#000000")  # of the profiles, the last one the newest
_WITH_LIST_PX: Final = 640
_MARKERS_SHOWN: Final = 8  # on a line, to tell it by


def draw_structure(plot: StructurePlot, *, size: PictureSize, format_: PictureFormat, language: Language) -> Picture:
    """The picture of a structure.

    Raises:
        PlotBusy: too many pictures are asked for.
    """
    return draw_picture(lambda sheet: _draw(sheet, plot), size=size, format_=format_, language=language)


def _draw(sheet: Sheet, plot: StructurePlot) -> None:
    head_px = _write_head(sheet, plot)
    events, findings = split_marks(plot.marks)
    rows, foot_px = plan_foot(sheet, events=events, findings=findings, least_px=_WITH_LIST_PX)
    shares = (0.34, 0.36, 0.30) if plot.pairs else (0.45, 0.55, 0.0)
    room = sheet.size.height_px - head_px - foot_px
    top = head_px
    _draw_profiles(sheet, plot, top_px=top, height_px=shares[0] * room - 48)
    top += shares[0] * room
    height = shares[1] * room - (24 if plot.pairs else 0)
    axes = _draw_points(sheet, plot, top_px=top, height_px=height)
    courses = {each.name: each.course for each in plot.points}
    draw_marks(
        sheet, axes, events=events, findings=findings, find_course=lambda mark: courses.get(mark.sensor_id or "")
    )
    if plot.pairs:
        _draw_pairs(sheet, plot, top_px=top + shares[1] * room, height_px=shares[2] * room)
    list_marks(sheet, events=events, findings=findings, time_zone=plot.time_zone, rows=rows, has_several=True)


def _write_head(sheet: Sheet, plot: StructurePlot) -> float:
    language = sheet.language
    title = f"{say('structure', language)} {plot.structure}  ·  {say('profile', language)}"
    sheet.write(title, x_px=LINE_PX, y_px=26, fontsize=TEXT_PT + 4)
    notes = [describe_time(sheet, plot.time_zone), f"{say('corrected', language)} (mm), {say('down', language)}"]
    if plot.silent:
        notes.append(f"{say('silent', language)}: {', '.join(plot.silent)}")
    sheet.write("  ·  ".join(notes), x_px=LINE_PX, y_px=26 + LINE_PX + 4, color=SOFT)
    return 26 + 2 * LINE_PX + 14


def _draw_profiles(sheet: Sheet, plot: StructurePlot, *, top_px: float, height_px: float) -> None:
    """The structure on several dates, the newest in black; a line for the points of each side."""
    axes = sheet.add_axes(top_px=top_px, height_px=height_px)
    zone = ZoneInfo(plot.time_zone)
    rows: list[tuple[Any, str]] = []
    for number, date in enumerate(plot.dates):
        place = number + len(_SHADES) - plot.dates.size
        style: dict[str, Any] = {
            "color": _SHADES[place],
            "marker": _MARKERS[place],
            "linewidth": 1.0 + 0.2 * place,
            "markersize": 4.5,
        }
        for side in list_sides(plot.points):
            along = [each.along_m for each in side]
            axes.plot(along, [each.profile[number] for each in side], gid=f"profile-{number}", **style)
        rows.append((Line2D([], [], **style), to_datetime(float(date)).astimezone(zone).strftime("%Y-%m-%d")))
    if any(each.final_mm is not None for each in plot.points):
        rows.append((_draw_finals(axes, plot.points), f"{say('finals', sheet.language)}, 95 %"))
    axes.axhline(0, color=SOFT, linewidth=0.8, linestyle=(0, (4, 2)))
    _set_down(axes)
    axes.margins(x=0.03)
    sheet.name_axis(axes, f"{say('settlement', sheet.language)} (mm)")
    below: dict[str, Any] = {"ha": "center", "va": "top", "transform": axes.transAxes}
    sheet.label(axes, f"{say('along', sheet.language)} (m)", x=0.5, y=-22 / height_px, columns=50, **below)
    sheet.add_key(axes, rows)


def list_sides(points: tuple[PointLine, ...]) -> list[list[PointLine]]:
    """The points of each line along the structure, such as those of its left and of its right girder."""
    sides: dict[float | None, list[PointLine]] = {}
    for each in points:
        sides.setdefault(each.across_m, []).append(each)
    return list(sides.values())


def _draw_finals(axes: Axes, points: tuple[PointLine, ...]) -> Line2D:
    finals = [(each.along_m, each.final_mm) for each in points if each.final_mm is not None]
    style: dict[str, Any] = {"color": "#0072b2", "marker": "_", "markersize": 9, "linewidth": 1.2}
    for along_m, final in finals:
        ends = [final.low, final.value, final.high]
        axes.plot([along_m] * 3, ends, linestyle=(0, (1, 1)), gid="final", **style)
    return Line2D([], [], **{**style, "linestyle": "none"})


def _draw_points(sheet: Sheet, plot: StructurePlot, *, top_px: float, height_px: float) -> Axes:
    axes = sheet.add_axes(top_px=top_px, height_px=height_px)
    set_time_axis(axes, window=plot.window, time_zone=plot.time_zone, has_labels=not plot.pairs)
    rows: list[tuple[Any, str]] = []
    for number, point in enumerate(plot.points):
        style = _style(number)
        every = max(1, point.course.times.size // _MARKERS_SHOWN)
        axes.plot(point.course.times, point.course.mean, gid=f"point-{number}", markevery=every, **style)
        rows.append((Line2D([], [], **style), f"{point.name}  {point.along_m:g} m"))
    _set_down(axes)
    sheet.name_axis(axes, f"{say('series', sheet.language)} (mm)")
    sheet.add_key(axes, rows + key_of_marks(plot.marks, sheet.language))
    return axes


def _draw_pairs(sheet: Sheet, plot: StructurePlot, *, top_px: float, height_px: float) -> None:
    axes = sheet.add_axes(top_px=top_px, height_px=height_px)
    set_time_axis(axes, window=plot.window, time_zone=plot.time_zone)
    rows: list[tuple[Any, str]] = []
    for number, each in enumerate(plot.pairs):
        style = _style(number)
        every = max(1, each.course.times.size // _MARKERS_SHOWN)
        axes.plot(each.course.times, each.course.mean, gid=f"pair-{number}", markevery=every, **style)
        nothing = Line2D([], [], linestyle="")
        rows += [(Line2D([], [], **style), say_pair(each)), (nothing, say_slope(each, sheet.language))]
    axes.axhline(0, color=SOFT, linewidth=0.6)
    set_value_axis(axes, ticks=5)
    axes.invert_yaxis()
    sheet.name_axis(axes, f"{say('differential', sheet.language)} (mm)")
    sheet.add_key(axes, rows)


def say_pair(line: PairLine) -> str:
    """Whose movement is taken from whose."""
    return f"{line.pair.second} − {line.pair.first}"


def say_slope(line: PairLine, language: Language) -> str:
    """The last difference, and as an angular distortion, or the tilt of a pier."""
    last, distance = line.pair.last_mm, line.pair.distance_m
    if last is None:
        return "–"
    slope = abs(last.value) / 1000 / distance
    ratio = f"1/{1 / slope:,.0f}" if slope > 1e-6 else "0"  # noqa: PLR2004 - flatter than a millionth is level
    name = f"{say('tilt', language)} " if line.pair.pier is not None else ""
    return f"{name}{last.value:+.1f} mm, {ratio}"


def _set_down(axes: Axes) -> None:
    set_value_axis(axes, ticks=5)
    axes.margins(y=0.08)
    low, high = axes.get_ylim()
    axes.set_ylim(high, low)


def _style(number: int) -> dict[str, Any]:
    return {
        "color": _COLOURS[number % len(_COLOURS)],
        "linestyle": _DASHES[number % len(_DASHES)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "markersize": 4,
        "linewidth": 1.2,
    }
