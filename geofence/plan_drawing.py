"""The plan of a site as an SVG: boundary, alignment with its stations, structures, photos and gaps. North is up."""

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geofence.alignment import Alignment, format_chainage
from geofence.boundary import Boundary
from geofence.frame import Points
from geofence.local_plane import LocalPlane

WIDTH_PX: Final = 1200.0
HEIGHT_PX: Final = 800.0
MARGIN_PX: Final = 60.0
KEY_PX: Final = 50.0  # the strip below with the key and the scale
MAX_LABELS: Final = 40
MAX_PHOTOS: Final = 2_000
_TICK_PX: Final = 7.0
_NICE_M: Final = (1, 2, 5)
_WORDS: Final = {
    "zh": {
        "boundary": "工程范围",
        "alignment": "中线",
        "structure": "构造物",
        "photo": "有效照片",
        "unplaced": "未定桩号的照片",
        "gap": "缺照区段",
        "north": "北",
    },
    "en": {
        "boundary": "boundary",
        "alignment": "alignment",
        "structure": "structure",
        "photo": "photo that counts",
        "unplaced": "photo that tells no station",
        "gap": "no photo",
        "north": "N",
    },
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is drawn.

    Attributes:
        title: above the plan; any text.
        structures: Features in WGS 84 with `name` among their properties.
        every_m: length of a station, for its ticks; None: round figures. [m]
        gaps: stretches of chainage without evidence. [m]
        photos: lon, lat of each, and whether it is evidence for its station. [deg]
        language: `zh` or `en`.
    """

    title: str
    boundary: Boundary | None
    alignment: Alignment | None
    structures: Sequence[dict[str, Any]] = ()
    every_m: float | None = None
    gaps: Sequence[tuple[float, float]] = ()
    photos: Sequence[tuple[float, float, bool]] = ()
    language: str = "zh"


@dataclass(frozen=True, slots=True)
class _Frame:
    """From WGS 84 to pixels: x right, y down."""

    plane: LocalPlane
    west_m: float
    north_m: float
    px_per_m: float

    def place(self, points_m: Points) -> Points:
        """(N, 2) in the plane [m] as (N, 2) on the sheet [px]."""
        return np.column_stack(
            [
                MARGIN_PX + (points_m[:, 0] - self.west_m) * self.px_per_m,
                MARGIN_PX + (self.north_m - points_m[:, 1]) * self.px_per_m,
            ]
        )

    def place_lonlat(self, points_lonlat: Points) -> Points:
        """(N, 2) lon, lat [deg] on the sheet [px]."""
        return self.place(self.plane.to_plane(points_lonlat))


def draw_plan(plan: Plan) -> bytes:
    """Draw the plan; the same input gives the same bytes.

    Raises:
        ValueError: there is neither a boundary nor an alignment.
    """
    frame = _make_frame(plan)
    words = _WORDS[plan.language]
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH_PX:.0f} {HEIGHT_PX:.0f}"'
            f' width="{WIDTH_PX:.0f}" height="{HEIGHT_PX:.0f}" font-family="sans-serif" font-size="12">'
        ),
        f"<title>{_text(plan.title)}</title>",
        f'<rect width="{WIDTH_PX:.0f}" height="{HEIGHT_PX:.0f}" fill="#ffffff"/>',
        f'<text x="{MARGIN_PX:.0f}" y="28" font-size="16">{_text(plan.title)}</text>',
        *_draw_boundary(plan, frame),
        *_draw_structures(plan, frame),
        *_draw_alignment(plan, frame),
        *_draw_photos(plan, frame),
        *_draw_key(plan, words),
        *_draw_scale(frame),
        *_draw_north(words),
        "</svg>",
    ]
    return "\n".join(parts).encode()


def _make_frame(plan: Plan) -> _Frame:
    if plan.alignment is None and plan.boundary is None:
        raise ValueError("a plan needs a boundary or an alignment")
    whole: list[BaseGeometry] = [each.geometry for each in (plan.boundary, plan.alignment) if each is not None]
    west, south, east, north = shapely.GeometryCollection(whole).bounds
    plane = LocalPlane(lon=(west + east) / 2, lat=(south + north) / 2)
    points_m = np.concatenate([shapely.get_coordinates(plane.geometry_to_plane(each)) for each in whole])
    (west_m, south_m), (east_m, north_m) = points_m.min(axis=0), points_m.max(axis=0)
    room_x, room_y = WIDTH_PX - 2 * MARGIN_PX, HEIGHT_PX - 2 * MARGIN_PX - KEY_PX
    px_per_m = min(room_x / max(east_m - west_m, 1.0), room_y / max(north_m - south_m, 1.0))
    # A road that runs due east is drawn in the middle of the sheet, not at its upper edge.
    spare_x, spare_y = room_x / px_per_m - (east_m - west_m), room_y / px_per_m - (north_m - south_m)
    return _Frame(plane, float(west_m - spare_x / 2), float(north_m + spare_y / 2), float(px_per_m))


def _draw_boundary(plan: Plan, frame: _Frame) -> list[str]:
    if plan.boundary is None:
        return []
    area = frame.plane.geometry_to_plane(plan.boundary.geometry)
    rings = [ring for part in shapely.get_parts(area) for ring in (part.exterior, *part.interiors)]
    path = " ".join(_path(frame.place(shapely.get_coordinates(ring))) + " Z" for ring in rings)
    return [
        f'<path class="boundary" d="{path}" fill="#f3f6ef" fill-rule="evenodd" stroke="#c0392b" stroke-width="1.5"/>'
    ]


def _draw_alignment(plan: Plan, frame: _Frame) -> list[str]:
    alignment = plan.alignment
    if alignment is None:
        return []
    whole = _stretch(alignment, alignment.start_chainage_m, alignment.end_chainage_m)
    drawn = [
        (
            f'<path class="alignment" d="{_path(frame.place_lonlat(whole))}" fill="none" stroke="#333333"'
            ' stroke-width="2"/>'
        )
    ]
    for begin, end in plan.gaps:
        path = _path(frame.place_lonlat(_stretch(alignment, begin, end)))
        name = f"{format_chainage(begin)}–{format_chainage(end)}"
        drawn.append(
            f'<path class="gap" d="{path}" fill="none" stroke="#e74c3c" stroke-width="7" stroke-opacity="0.75">'
            f"<title>{name}</title></path>"
        )
    return [*drawn, *(part for each in _list_labels(plan, alignment) for part in _draw_station(alignment, frame, each))]


def _draw_station(alignment: Alignment, frame: _Frame, chainage_m: float) -> list[str]:
    """A tick square to the line, and the chainage beside it."""
    begin = max(alignment.start_chainage_m, chainage_m - 0.5)
    end = min(alignment.end_chainage_m, chainage_m + 0.5)
    points = frame.place_lonlat(np.array([alignment.point_at(each) for each in (begin, chainage_m, end)]))
    (x, y), (along_x, along_y) = points[1], points[2] - points[0]
    length = math.hypot(along_x, along_y) or 1.0
    across_x, across_y = -along_y / length * _TICK_PX, along_x / length * _TICK_PX
    turned = math.degrees(math.atan2(across_y, across_x))
    # Read from below or from the right, never upside down.
    turned = turned - 180 if turned > 90 else turned + 180 if turned < -90 else turned  # noqa: PLR2004
    return [
        (
            f'<path class="station" d="{_path(np.array([[x - across_x, y - across_y], [x + across_x, y + across_y]]))}"'
            ' stroke="#333333"/>'
        ),
        (
            f'<text class="chainage" x="{x + 2 * across_x:.1f}" y="{y + 2 * across_y:.1f}" font-size="11"'
            f' transform="rotate({turned:.1f} {x + 2 * across_x:.1f} {y + 2 * across_y:.1f})"'
            f' text-anchor="{"end" if across_x < 0 else "start"}"'
            f' dominant-baseline="middle">{format_chainage(chainage_m)}</text>'
        ),
    ]


def _list_labels(plan: Plan, alignment: Alignment) -> list[float]:
    """Chainages to write: every station, or every second, fifth, tenth.. of them where they are many; and the end."""
    start, end = alignment.start_chainage_m, alignment.end_chainage_m
    if plan.every_m is not None:
        step = plan.every_m * _nice((end - start) / plan.every_m / MAX_LABELS)
        first = start
    else:
        step = float(_nice((end - start) / MAX_LABELS * 2))
        first = math.ceil(start / step) * step
    labels = [first + index * step for index in range(int((end - first) / step + 1e-9) + 1)]
    # The end has its own, where it does not stand in that of the last station.
    return [*labels, end] if labels and end - labels[-1] > step / 2 else labels


def _nice(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, .. that is not less."""
    power = 1
    while True:
        for each in _NICE_M:
            if each * power >= least:
                return each * power
        power *= 10


def _draw_structures(plan: Plan, frame: _Frame) -> list[str]:
    drawn = []
    for feature in plan.structures:
        geometry = shape(feature["geometry"])
        points = frame.place_lonlat(shapely.get_coordinates(geometry))
        name = _text(str(feature["properties"].get("name") or ""))
        if geometry.geom_type == "Point":
            x, y = points[0]
            mark = f'<rect class="structure" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="#8e44ad">'
            drawn.append(f"{mark}<title>{name}</title></rect>")
        else:
            mark = f'<path class="structure" d="{_path(points)}" fill="none" stroke="#8e44ad" stroke-width="2">'
            drawn.append(f"{mark}<title>{name}</title></path>")
    return drawn


def _draw_photos(plan: Plan, frame: _Frame) -> list[str]:
    if not plan.photos:
        return []
    photos = plan.photos[:MAX_PHOTOS]
    points = frame.place_lonlat(np.array([photo[:2] for photo in photos]))
    return [
        f'<circle class="{"photo" if counts else "unplaced"}" cx="{x:.1f}" cy="{y:.1f}" r="4"'
        f' fill="{"#27ae60" if counts else "#ffffff"}" stroke="#1e6b3a"/>'
        for (x, y), (_, _, counts) in zip(points, photos, strict=True)
        # Photos that are off the sheet would only make it small.
        if 0 <= x <= WIDTH_PX and 0 <= y <= HEIGHT_PX - KEY_PX
    ]


def _draw_key(plan: Plan, words: dict[str, str]) -> list[str]:
    entries = [
        ("boundary", '<path d="M0 -4 H22" stroke="#c0392b" stroke-width="1.5"/>', plan.boundary is not None),
        ("alignment", '<path d="M0 -4 H22" stroke="#333333" stroke-width="2"/>', plan.alignment is not None),
        ("structure", '<rect x="7" y="-8" width="8" height="8" fill="#8e44ad"/>', bool(plan.structures)),
        ("photo", '<circle cx="11" cy="-4" r="4" fill="#27ae60" stroke="#1e6b3a"/>', _has(plan, counts=True)),
        ("unplaced", '<circle cx="11" cy="-4" r="4" fill="#ffffff" stroke="#1e6b3a"/>', _has(plan, counts=False)),
        ("gap", '<path d="M0 -4 H22" stroke="#e74c3c" stroke-width="7" stroke-opacity="0.75"/>', bool(plan.gaps)),
    ]
    shown = [(words[name], mark) for name, mark, is_there in entries if is_there]
    return [
        f'<g transform="translate({MARGIN_PX + index * 165:.0f} {HEIGHT_PX - 22:.0f})">{mark}'
        f'<text x="28" y="0">{word}</text></g>'
        for index, (word, mark) in enumerate(shown)
    ]


def _has(plan: Plan, *, counts: bool) -> bool:
    return any(photo[2] is counts for photo in plan.photos)


def _draw_scale(frame: _Frame) -> list[str]:
    length_m = _nice(60 / frame.px_per_m)
    right, y = WIDTH_PX - MARGIN_PX, HEIGHT_PX - KEY_PX
    left = right - length_m * frame.px_per_m
    line = f"M{left:.1f} {y - 4:.1f} V{y:.1f} H{right:.1f} V{y - 4:.1f}"
    return [
        f'<path class="scale" d="{line}" fill="none" stroke="#333333"/>',
        f'<text x="{right:.1f}" y="{y - 8:.1f}" text-anchor="end">{length_m} m</text>',
    ]


def _draw_north(words: dict[str, str]) -> list[str]:
    x = WIDTH_PX - MARGIN_PX
    return [
        f'<path class="north" d="M{x:.0f} 16 l5 22 l-5 -5 l-5 5 Z" fill="#333333"/>',
        f'<text x="{x:.0f}" y="52" text-anchor="middle">{words["north"]}</text>',
    ]


def _stretch(alignment: Alignment, begin_m: float, end_m: float) -> Points:
    """The part of the line between two chainages: (N, 2) lon, lat [deg]."""
    local = alignment.in_plane
    along = local.along_m + alignment.start_chainage_m
    begin_m, end_m = max(begin_m, alignment.start_chainage_m), min(end_m, alignment.end_chainage_m)
    inner = local.points_lonlat[(along > begin_m) & (along < end_m)]
    return np.vstack([alignment.point_at(begin_m), inner, alignment.point_at(end_m)])


def _path(points: Iterable[Iterable[float]]) -> str:
    return "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _text(text: str) -> str:
    """Text for an SVG: escaped, without what XML cannot hold."""
    return html.escape("".join(each for each in text[:200] if each.isprintable()))
