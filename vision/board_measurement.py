"""One photo measured: board, pose, plane, quantities, each with its uncertainty or the reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domain.measurement import COVERAGE, Quantity
from vision import edge_pair, rebar
from vision.board import Board
from vision.board_pose import BoardPose, Points, estimate_pose
from vision.board_view import BoardView, find_board
from vision.cannot_tell import CannotTell, Reason
from vision.edge_pair import find_edge_pair
from vision.lens import Lens
from vision.measurement import Measurement, Segment, Value
from vision.plane_line import PlaneLine, find_feet, measure_gaps
from vision.rebar import Bars, find_mesh
from vision.rectification import rectify

PRINT_U_SHARE: Final = 0.002
"""Standard uncertainty of the print's scale once its ruler was checked: 0.3 of 100 mm, evenly spread (/ sqrt 3)."""

PLANE_U_MM: Final = {Quantity.REBAR_SPACING: 8.0, Quantity.WIDTH: 5.0, Quantity.THICKNESS: 3.0}
"""Standard uncertainty of the distance between the board's plane and that of what is measured: a board on bars of 8 to
20 mm lies 4 to 30 mm above the axes of either layer; one on a road or at a face lies on it, unevenly. [mm]"""

MAX_U_SHARE: Final = 0.05
"""The standard uncertainty of a half interval of a tenth of the value, of no use against any tolerance of a drawing."""

_SCALE_FLOOR: Final = 0.01
_FOCAL_UNKNOWN_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredPhoto:
    """What a photo shows beside a board.

    Attributes:
        view: the board's corners; None where none can be used.
        pose: likewise.
        measurements: what could be measured.
        cannot_tell: of each quantity that could not, why.
    """

    view: BoardView | None
    pose: BoardPose | None
    measurements: tuple[Measurement, ...] = ()
    cannot_tell: dict[Quantity, CannotTell] = field(default_factory=dict)


def measure_photo(
    grey: NDArray[np.uint8],
    boards: Sequence[Board],
    *,
    lens: Lens,
    quantities: Sequence[Quantity],
    marks_px: Points | None = None,
    plane_u_mm: float | None = None,
) -> MeasuredPhoto:
    """Measure quantities in the plane of the first board.

    Args:
        grey: (H, W), upright.
        boards: the one that is measured by, then others of other ids in the same plane, to check its scale.
        lens: for a picture of this size.
        quantities: what is wanted.
        marks_px: (2, 2) about where the two edges of width or thickness are; None looks outwards from the board. [px]
        plane_u_mm: instead of `PLANE_U_MM`. [mm]
    """
    view = find_board(grey, boards[0])
    if isinstance(view, CannotTell):
        return MeasuredPhoto(None, None, cannot_tell=dict.fromkeys(quantities, view))
    pose = estimate_pose(view, lens)
    refusal = pose if isinstance(pose, CannotTell) else _compare_scales(grey, pose, boards[1:])
    if isinstance(pose, CannotTell) or isinstance(refusal, CannotTell):
        assert isinstance(refusal, CannotTell)
        return MeasuredPhoto(view, None, cannot_tell=dict.fromkeys(quantities, refusal))
    measurements: list[Measurement] = []
    cannot_tell: dict[Quantity, CannotTell] = {}
    for quantity in quantities:
        plane = PLANE_U_MM[quantity] if plane_u_mm is None else plane_u_mm
        found = _measure(grey, pose, quantity, extra_boards=refusal, marks_px=marks_px, plane_u_mm=plane)
        if isinstance(found, CannotTell):
            cannot_tell[quantity] = found
        else:
            measurements += found
    return MeasuredPhoto(view, pose, tuple(measurements), cannot_tell)


def _measure(
    grey: NDArray[np.uint8],
    pose: BoardPose,
    quantity: Quantity,
    *,
    extra_boards: tuple[Points, ...],
    marks_px: Points | None,
    plane_u_mm: float,
) -> list[Measurement] | CannotTell:
    if quantity is Quantity.REBAR_SPACING:
        around = _square(rebar.REACH_DIAGONALS * pose.board.diagonal_mm)
        mesh = find_mesh(rectify(grey, pose, within_mm=around, extra_boards=extra_boards))
        if isinstance(mesh, CannotTell):
            return mesh
        measured = [_measure_bars(pose, bars, str(number), plane_u_mm) for number, bars in enumerate(mesh, start=1)]
    else:
        marks_mm = None if marks_px is None else pose.to_plane(marks_px)
        if marks_mm is not None and not np.isfinite(marks_mm).all():
            return CannotTell(Reason.NO_EDGES)
        rectified = rectify(grey, pose, within_mm=_find_box(pose, marks_mm), extra_boards=extra_boards)
        pair = find_edge_pair(rectified, pose, axis=int(quantity is Quantity.THICKNESS), marks_mm=marks_mm)
        if isinstance(pair, CannotTell):
            return pair
        measured = [_measure_pair(pose, quantity, pair, plane_u_mm)]
    worst = max(each.value.u_mm / each.value.value_mm for each in measured)
    if worst > MAX_U_SHARE:
        is_focal = pose.focal_u_share > _FOCAL_UNKNOWN_SHARE
        reason = Reason.FOCAL_LENGTH_UNKNOWN if is_focal else Reason.TOO_UNCERTAIN
        return CannotTell(reason, {"u_share": round(worst, 4), "focal_u_share": round(pose.focal_u_share, 3)})
    return measured


def _square(reach_mm: float) -> Points:
    return np.array([[-reach_mm, -reach_mm], [reach_mm, reach_mm]])


def _find_box(pose: BoardPose, marks_mm: Points | None) -> Points:
    """What is to be seen of the plane to find two edges: as far as is looked from the board, or around the marks."""
    diagonal_mm = pose.board.diagonal_mm
    if marks_mm is None:
        return _square(edge_pair.REACH_DIAGONALS * diagonal_mm)
    return np.array([marks_mm.min(axis=0), marks_mm.max(axis=0)]) + _square(diagonal_mm + edge_pair.MARK_WINDOW_MM)


def _measure_pair(
    pose: BoardPose, quantity: Quantity, pair: tuple[PlaneLine, PlaneLine], plane_u_mm: float
) -> Measurement:
    lines = np.array([end for line in pair for end in (line.start_mm, line.end_mm)])
    (value,) = _value_gaps(pose, pair, lines, plane_u_mm)
    return Measurement(quantity, value, _draw(pose, lines), lines)


def _measure_bars(pose: BoardPose, bars: Bars, direction: str, plane_u_mm: float) -> Measurement:
    lines = np.array([end for line in bars.lines for end in (line.start_mm, line.end_mm)])
    gaps = _value_gaps(pose, bars.lines, lines, plane_u_mm)
    whole = np.array(bars.missing) == 0
    mean = _value_mean(pose, bars.lines, lines, whole, plane_u_mm)
    return Measurement(
        Quantity.REBAR_SPACING,
        mean,
        _draw(pose, lines),
        lines,
        direction=direction,
        gaps=tuple(gaps),
        missing=bars.missing,
    )


def _value_gaps(pose: BoardPose, found: Sequence[PlaneLine], lines: Points, plane_u_mm: float) -> list[Value]:
    values = measure_gaps(lines)
    covariance, by_plane = pose.propagate(pose.to_picture(lines), measure_gaps, plane_u_mm=plane_u_mm)
    return [
        Value(
            float(value),
            {
                "pose_and_camera": float(np.sqrt(covariance[index, index])),
                "lines": float(np.hypot(found[index].u_mm, found[index + 1].u_mm)),
                "plane": float(by_plane[index]),
                "print_scale": PRINT_U_SHARE * float(value),
            },
        )
        for index, value in enumerate(values)
    ]


def _value_mean(
    pose: BoardPose, found: Sequence[PlaneLine], lines: Points, whole: NDArray[np.bool_], plane_u_mm: float
) -> Value:
    """The mean of the gaps in which no bar is missing."""

    def average(points: Points) -> NDArray[np.float64]:
        return np.array([measure_gaps(points)[whole].mean()])

    covariance, by_plane = pose.propagate(pose.to_picture(lines), average, plane_u_mm=plane_u_mm)
    value = float(average(lines)[0])
    # A bar between two whole gaps moves one up and the other down by as much: only where they end it counts.
    shares = (np.append(whole, False).astype(float) - np.append(False, whole)) / whole.sum()
    by_lines = float(np.sqrt(sum((share * line.u_mm) ** 2 for share, line in zip(shares, found, strict=True))))
    return Value(
        value,
        {
            "pose_and_camera": float(np.sqrt(covariance[0, 0])),
            "lines": by_lines,
            "plane": float(by_plane[0]),
            "print_scale": PRINT_U_SHARE * value,
        },
    )


def _draw(pose: BoardPose, lines: Points) -> tuple[Segment, ...]:
    """The lines that were found, and between neighbours what was measured."""
    ends = pose.to_picture(lines)
    found = [Segment(ends[index], ends[index + 1], is_found_line=True) for index in range(0, len(ends), 2)]
    feet = pose.to_picture(
        np.concatenate([find_feet(lines[first : first + 4]) for first in range(0, len(lines) - 2, 2)])
    )
    gaps = [Segment(feet[index], feet[index + 1], is_found_line=False) for index in range(0, len(feet), 2)]
    return (*found, *gaps)


def _compare_scales(
    grey: NDArray[np.uint8], pose: BoardPose, others: Sequence[Board]
) -> tuple[Points, ...] | CannotTell:
    """The outlines of the other boards in the first one's plane; or that one of them has another scale."""
    outlines = []
    for board in others:
        view = find_board(grey, board)
        if isinstance(view, CannotTell):
            return view
        # Sides of a grid, so that a pitch is compared and corners that a blur moved inwards do not count.
        centre = view.corners_mm - view.corners_mm.mean(axis=0)

        def scale(points: Points, centre: Points = centre) -> NDArray[np.float64]:
            away = points - points.mean(axis=0)
            return np.array([np.sqrt((away**2).sum() / (centre**2).sum())])

        covariance, by_plane = pose.propagate(view.corners_px, scale, plane_u_mm=PLANE_U_MM[Quantity.WIDTH])
        points = pose.to_plane(view.corners_px)
        ratio = float(scale(points)[0])
        by_corners = (
            pose.corner_px * pose.distance_mm / float(np.exp(pose.values[6])) / float(np.sqrt((centre**2).sum()))
        )
        u = float(np.sqrt(covariance[0, 0] + by_plane[0] ** 2 + 2 * PRINT_U_SHARE**2 + by_corners**2))
        if abs(ratio - 1) > max(_SCALE_FLOOR, COVERAGE * u):
            return CannotTell(Reason.SCALES_DISAGREE, {"ratio": round(ratio, 4), "u": round(u, 4)})
        low, high = points.min(axis=0) - 2 * board.quiet_mm, points.max(axis=0) + 2 * board.quiet_mm
        outlines.append(np.array([low, (high[0], low[1]), high, (low[0], high[1])]))
    return tuple(outlines)
