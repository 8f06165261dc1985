"""Width between two edges, and thickness of a course at a formed edge: two straight edges found across a line."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.board_pose import BoardPose, Points
from vision.cannot_tell import CannotTell, Reason
from vision.plane_line import PlaneLine, fit_line
from vision.rectification import Rectified

REACH_DIAGONALS: Final = 5.0
"""So far from the board's centre its edges are looked for, in diagonals of the board. For one on A3 it is 2 m."""

MARK_WINDOW_MM: Final = 40.0
"""How far from a mark its edge is looked for, at least: a finger on a phone's screen hits within some 40 px. [mm]"""

MAX_TURN_DEG: Final = 15.0
"""How much an edge may be turned from a right angle to the measuring line. [deg]"""

MIN_STEP: Final = 0.05
"""Of the logarithm of brightness across an edge: 5 %; a smooth wall's own shading stays below. """

_NOISE_TIMES: Final = 6.0
_RIVAL_SHARE: Final = 0.6
_STRIPS: Final = 24
_SIGMA_PX: Final = 1.5
_MIN_COVER: Final = 0.5
_PAD_PX: Final = 16.0
_PLACEMENT_PX: Final = 0.08


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """A window across a measuring line in which an edge is looked for.

    Attributes:
        origin_mm: (2,) a point of the measuring line; places along it count from here. [mm]
        axis: (2,) unit vector along it.
        along_mm: where the edge may be. [mm]
        half_mm: how far to both sides of the measuring line it is followed. [mm]
        is_marked: whether the window is one about a mark, so that what is at its rim is needed too.
    """

    origin_mm: Points
    axis: Points
    along_mm: tuple[float, float]
    half_mm: float
    is_marked: bool = False


def find_edge_pair(
    rectified: Rectified, pose: BoardPose, *, axis: int, marks_mm: Points | None
) -> tuple[PlaneLine, PlaneLine] | CannotTell:
    """The two edges on both sides of the board, or at two marks.

    Args:
        rectified: the plane.
        pose: the board's.
        axis: 0 along the board's columns to left and right, 1 along its rows up and down; used without marks only.
        marks_mm: (2, 2) about where the edges are, in the board's plane; None to look outwards from the board. [mm]
    """
    searches = _search_from_board(pose, axis) if marks_mm is None else _search_at_marks(pose, marks_mm)
    found = []
    for search in searches:
        edge = _find_edge(rectified, search)
        if isinstance(edge, CannotTell):
            return edge
        found.append(edge)
    return found[0], found[1]


def _search_from_board(pose: BoardPose, axis: int) -> list[_Search]:
    board = pose.board
    half = board.size_mm[axis] / 2 + 2 * board.quiet_mm
    reach = REACH_DIAGONALS * board.diagonal_mm
    directions = [np.eye(2)[axis] * sign for sign in (-1, 1)]
    return [_Search(np.zeros(2), each, (half, reach), board.diagonal_mm * 0.75) for each in directions]


def _search_at_marks(pose: BoardPose, marks_mm: Points) -> list[_Search]:
    between = marks_mm[1] - marks_mm[0]
    length = float(np.linalg.norm(between))
    axis = between / max(length, 1e-9)
    window = min(max(MARK_WINDOW_MM, 0.03 * length), 0.4 * length)
    half = min(pose.board.diagonal_mm * 0.75, max(0.75 * length, 2 * window))
    return [
        _Search(marks_mm[0], -axis, (-window, window), half, is_marked=True),
        _Search(marks_mm[1], axis, (-window, window), half, is_marked=True),
    ]


def _find_edge(rectified: Rectified, search: _Search) -> PlaneLine | CannotTell:
    along = _clip_to_plane(rectified, search)
    if along is None:
        return CannotTell(Reason.NO_EDGES)
    grey, usable = rectified.sample(
        origin_mm=search.origin_mm, axis=search.axis, along_mm=along, across_mm=(-search.half_mm, search.half_mm)
    )
    smooth = cv2.GaussianBlur(grey, (0, 0), _SIGMA_PX)
    slope = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1) / 2, np.float32)
    margin = int(4 * _SIGMA_PX)
    rim = np.ones((1, 2 * margin + 1), np.uint8)
    inner = cv2.erode(usable, rim, borderType=cv2.BORDER_CONSTANT, borderValue=(0.0,))
    usable = np.asarray(inner, np.float32)
    best = _find_direction(slope, usable)
    if isinstance(best, CannotTell):
        return best
    return _refine(rectified.mm_per_px, search, along[0], slope=slope, usable=usable, best=best)


def _clip_to_plane(rectified: Rectified, search: _Search) -> tuple[float, float] | None:
    """The part of the window that the rectified picture holds."""
    height, width = rectified.usable.shape
    low = rectified.origin_mm
    high = low + rectified.mm_per_px * np.array([width, height])
    pad_mm = _PAD_PX * rectified.mm_per_px if search.is_marked else 0.0
    places = np.arange(search.along_mm[0] - pad_mm, search.along_mm[1] + pad_mm, rectified.mm_per_px)
    points = search.origin_mm + places[:, None] * search.axis
    inside = ((points >= low) & (points <= high)).all(axis=1)
    if inside.sum() < 8 * _SIGMA_PX:
        return None
    return float(places[inside][0]), float(places[inside][-1])


def _find_direction(slope: NDArray[np.float32], usable: NDArray[np.float32]) -> tuple[float, float, float] | CannotTell:
    """Turn [tangent], place [px] and strength of the edge: the straight line along which the brightness steps most."""
    height, width = slope.shape
    signed: list[NDArray[np.float64]] = []
    tangents = np.tan(np.radians(np.arange(-MAX_TURN_DEG, MAX_TURN_DEG + 0.1, 0.5)))
    middle = (height - 1) / 2
    for tangent in tangents:
        shear = np.array([[1.0, tangent, -tangent * middle], [0.0, 1.0, 0.0]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        turned = cv2.warpAffine(slope * usable, shear, (width, height), flags=flags)
        weight = cv2.warpAffine(usable, shear, (width, height), flags=flags)
        cover = weight.sum(axis=0)
        mean = np.where(cover > _MIN_COVER * height, turned.sum(axis=0) / np.maximum(cover, 1.0), 0.0)
        signed.append(np.asarray(mean, np.float64))
    strength = np.abs(np.array(signed))
    row, column = np.unravel_index(int(strength.argmax()), strength.shape)
    peak = float(strength[row, column])
    aside = strength[row][(np.abs(np.arange(width) - column) > 5 * _SIGMA_PX) & (strength[row] > 0)]
    noise = float(np.median(aside)) / 0.6745 if aside.size else np.inf  # of a normal's absolute value
    # A step of height h, blurred by sigma, has the steepest slope h / (sigma sqrt(2 pi)).
    if peak < max(_NOISE_TIMES * noise, MIN_STEP / (2 * _SIGMA_PX * np.sqrt(2 * np.pi))):
        return CannotTell(Reason.NO_EDGES, {"strength": round(peak, 4), "noise": round(noise, 4)})
    envelope = strength.max(axis=0)
    away = np.abs(np.arange(width) - column) > max(6 * _SIGMA_PX, 0.02 * width) + 3
    # Another turn of the same edge peaks nearby; a rival must be a peak of its own.
    is_peak = envelope >= cv2.dilate(envelope[None], np.ones((1, 9), np.uint8))[0]
    rivals = envelope[away & is_peak]
    if rivals.size and rivals.max() > _RIVAL_SHARE * peak:
        return CannotTell(Reason.AMBIGUOUS_EDGES, {"strength": round(peak, 4), "rival": round(float(rivals.max()), 4)})
    return float(tangents[row]), float(column), float(signed[row][column])


def _refine(
    mm_per_px: float,
    search: _Search,
    start_mm: float,
    *,
    slope: NDArray[np.float32],
    usable: NDArray[np.float32],
    best: tuple[float, float, float],
) -> PlaneLine | CannotTell:
    tangent, column, strength = best
    height, width = slope.shape
    middle = (height - 1) / 2
    bounds = np.linspace(0, height, _STRIPS + 1).astype(int)
    reach = np.arange(-round(5 * _SIGMA_PX), round(5 * _SIGMA_PX) + 1)
    v, u = [], []
    for first, last in pairwise(bounds):
        rows = np.arange(first, last)
        if not len(rows):
            continue
        at = column + tangent * (rows - middle)
        columns = at[:, None] + reach
        whole = np.clip(np.round(columns).astype(int), 0, width - 1)
        seen = usable[rows[:, None], whole].min(axis=1) > 0
        if seen.sum() < _MIN_COVER * len(rows):
            continue
        sampled = cv2.remap(
            slope,
            columns[seen].astype(np.float32),
            np.repeat(rows[seen, None], len(reach), 1).astype(np.float32),
            cv2.INTER_LINEAR,
        )
        profile = np.maximum(sampled.mean(axis=0) * np.sign(strength), 0.0)
        profile = np.where(profile > 0.25 * profile.max(), profile, 0.0)
        total = float(profile.sum())
        v.append(float(rows[seen].mean()) - middle)
        u.append(column + tangent * v[-1] + float((profile * reach).sum()) / total if total > 0 else np.nan)
    fit = fit_line(np.array(v), np.array(u), least_spread=_PLACEMENT_PX)
    if fit is None or fit.kept.sum() < _MIN_COVER * _STRIPS:
        return CannotTell(Reason.NO_EDGES, {"strips": 0 if fit is None else int(fit.kept.sum())})
    across = np.array([-search.axis[1], search.axis[0]])
    kept = np.array(v)[fit.kept]
    ends = []
    for place in (float(kept.min()), float(kept.max())):
        along = start_mm + (fit.offset + fit.slope * place) * mm_per_px
        ends.append(search.origin_mm + along * search.axis + place * mm_per_px * across)
    u_px = float(np.hypot(fit.deviation_at(float(kept.mean())), _PLACEMENT_PX))
    # Both ends in one order for both edges, whichever way the window looked.
    if ends[0] @ across * np.sign(across.sum() or 1) > ends[1] @ across * np.sign(across.sum() or 1):
        ends.reverse()
    return PlaneLine(ends[0], ends[1], u_px * mm_per_px)
