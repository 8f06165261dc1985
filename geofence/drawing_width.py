"""The width of a road or canal as drawn: measured between its edges, square to the alignment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import shapely
from shapely.geometry import LineString, MultiLineString

from geofence.alignment import Alignment
from geofence.frame import Frame, Points, points_to_wgs84

EVERY_M: Final = 10.0
MAX_SECTIONS: Final = 2_000
# A village road's edge is a few metres away; what is further is another road's. [m]
REACH_M: Final = 50.0


@dataclass(frozen=True, slots=True)
class Width:
    """How wide it is drawn.

    Attributes:
        given_m: what the sender says; None where silent. [m]
        median_m: between the edges; None where it was measured nowhere. [m]
        min_m: of the sections. [m]
        max_m: likewise. [m]
        sections: on how many sections both edges were met.
    """

    given_m: float | None
    median_m: float | None = None
    min_m: float | None = None
    max_m: float | None = None
    sections: int = 0


def measure_width(
    alignment: Alignment, edges: Sequence[Points], *, frame: Frame, given_m: float | None
) -> Width | None:
    """Measure the width on sections every `EVERY_M`, where an edge is met on each side; at most `MAX_SECTIONS`.

    Args:
        alignment: the centre line.
        edges: lines of both edges, each (N, 2) in `frame`. [m or deg]
        frame: of the edges.
        given_m: the sender's word. [m]

    Returns:
        None where there is neither a word nor an edge.
    """
    lines = [each for each in edges if len(each) > 1]
    if not lines:
        return None if given_m is None else Width(given_m)
    local = alignment.in_plane
    drawn = MultiLineString([local.plane.to_plane(points_to_wgs84(each, frame=frame)).tolist() for each in lines])
    shapely.prepare(drawn)
    centre = LineString(local.points_m)
    number = int(np.clip(round(centre.length / EVERY_M), 1, MAX_SECTIONS))
    along = (np.arange(number) + 0.5) * centre.length / number
    widths = [width for each in along if (width := _measure_section(centre, drawn, float(each))) is not None]
    if not widths:
        return Width(given_m)
    return Width(given_m, float(np.median(widths)), min(widths), max(widths), len(widths))


def _measure_section(centre: LineString, drawn: MultiLineString, along_m: float) -> float | None:
    at = shapely.get_coordinates(centre.interpolate(along_m))[0]
    before, after = (
        shapely.get_coordinates(centre.interpolate(max(0.0, min(centre.length, along_m + step))))[0]
        for step in (-0.1, 0.1)
    )
    direction = (after - before) / np.hypot(*(after - before))
    left = np.array([-direction[1], direction[0]])
    reached = [_reach(drawn, at, side) for side in (left, -left)]
    return None if None in reached else sum(each for each in reached if each is not None)


def _reach(drawn: MultiLineString, at: Points, direction: Points) -> float | None:
    """Distance to the nearest edge in this direction [m]."""
    ray = LineString([at, at + REACH_M * direction])
    met = shapely.get_coordinates(shapely.intersection(ray, drawn))
    return None if not len(met) else float(np.hypot(*(met - at).T).min())
