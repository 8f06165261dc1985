"""Finding a board in a picture: its corners to fractions of a pixel, or why it cannot be used."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.board import Board
from vision.board_markers import load_markers
from vision.cannot_tell import CannotTell, Reason

MIN_SHARE: Final = 0.6
"""Of a board's markers that must be read: with fewer a tilt is told by too short a base."""

MIN_CELL_PX: Final = 2.2
"""Below it markers are misread (a cell needs two pixels to be told from its neighbours: Nyquist). [px]"""

MAX_BLUR_CELLS: Final = 0.45
"""The standard deviation of the blur, in cells: at half a cell neighbours run together."""

_MIN_MARKERS: Final = 4
_MIN_SIDE_PX: Final = 11
_EXPLAIN_SIDE_PX: Final = 1200
_SIDE_POINTS: Final = 17
_PROFILE_POINTS: Final = 33
_MISPLACED: Final = 0.35
_SHAPE_TOLERANCE: Final = 0.8
_DICTIONARIES: Final = tuple(
    name for name in dir(cv2.aruco) if name.startswith("DICT_") and name != "DICT_ARUCO_MIP_36H12"
)


@dataclass(frozen=True, slots=True, eq=False)
class BoardView:
    """A board as a picture shows it.

    Attributes:
        corners_mm: (N, 2) float64, in the board's coordinates. [mm]
        corners_px: (N, 2) float64, the same corners in the picture, the middle of the upper left pixel at 0, 0. [px]
        marker_count: markers that were read.
        cell_px: the mean side of a marker's cell. [px]
        blur_px: the standard deviation of the blur at the markers' borders. [px]
    """

    board: Board
    corners_mm: NDArray[np.float64]
    corners_px: NDArray[np.float64]
    marker_count: int
    cell_px: float
    blur_px: float


def find_board(grey: NDArray[np.uint8], board: Board) -> BoardView | CannotTell:
    """Find the markers of a board.

    Args:
        grey: (H, W), upright.
        board: what is looked for.
    """
    found = _detect(grey, load_markers(board))
    ours = {marker: corners for marker, corners in found.items() if marker in board.marker_ids}
    enough = max(_MIN_MARKERS, int(np.ceil(MIN_SHARE * len(board.marker_ids))))
    if len(ours) < _MIN_MARKERS:
        return _explain_absence(grey, board, seen=found, ours=ours, enough=enough)
    placed = refine_corners(grey, _drop_misplaced(board, ours), cells=board.cells)
    if len(placed) < max(_MIN_MARKERS, _SHAPE_TOLERANCE * len(ours)):
        return CannotTell(Reason.WRONG_LAYOUT, {"markers_read": len(ours), "markers_in_place": len(placed)})
    corners_mm = np.concatenate([board.corners_mm(marker) for marker in placed])
    corners_px = np.concatenate(list(placed.values()))
    cell_px = float(np.mean([np.sqrt(cv2.contourArea(each.astype(np.float32))) for each in placed.values()]))
    cell_px /= board.cells
    if len(placed) < enough:
        return _explain_missing(grey.shape, board, corners_mm, corners_px, count=len(placed))
    if cell_px < MIN_CELL_PX:
        return CannotTell(Reason.TOO_FAR, {"cell_px": round(cell_px, 2), "least_cell_px": MIN_CELL_PX})
    blur_px = _measure_blur(grey, list(placed.values()), cell_px)
    if blur_px > MAX_BLUR_CELLS * cell_px:
        return CannotTell(Reason.TOO_BLURRED, {"blur_px": round(blur_px, 2), "cell_px": round(cell_px, 2)})
    return BoardView(board, corners_mm, corners_px, len(placed), cell_px, blur_px)


def _detect(grey: NDArray[np.uint8], dictionary: "cv2.aruco.Dictionary") -> dict[int, NDArray[np.float64]]:
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    parameters.cornerRefinementMaxIterations = 100
    parameters.cornerRefinementMinAccuracy = 0.005
    # OpenCV's default leaves out markers below 0.75 % of the longer side, which in a large photo are readable ones.
    parameters.minMarkerPerimeterRate = min(0.03, 4 * _MIN_SIDE_PX / max(grey.shape))
    corners, given, _ = cv2.aruco.ArucoDetector(dictionary, parameters).detectMarkers(grey)
    # Where none is seen OpenCV gives None, which its types do not tell.
    ids = np.zeros(0, int) if not corners else np.ravel(given).astype(int)
    seen: dict[int, NDArray[np.float64]] = {}
    doubled: set[int] = set()
    for marker, found in zip(ids.tolist(), corners, strict=True):
        if marker in seen:
            doubled.add(marker)
        seen[marker] = np.asarray(found, np.float64).reshape(4, 2)
    return {marker: found for marker, found in seen.items() if marker not in doubled}


def refine_corners(
    grey: NDArray[np.uint8], markers: dict[int, NDArray[np.float64]], *, cells: int
) -> dict[int, NDArray[np.float64]]:
    """Corners as the crossings of the four border lines, each fitted to where the brightness rises outwards.

    A blur rounds corners off and moves what is fitted to them inwards, but leaves straight borders where they are.

    Args:
        grey: (H, W).
        markers: (4, 2) corners, clockwise, within a cell. [px]
        cells: along a side.
    """
    if not markers:
        return {}
    corners = np.array(list(markers.values()))
    for _ in range(3):
        corners = _cross_borders(grey, corners, cells)
    return dict(zip(markers, corners, strict=True))


def _cross_borders(grey: NDArray[np.uint8], corners: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    starts, sides = corners, np.roll(corners, -1, axis=1) - corners
    lengths = np.linalg.norm(sides, axis=2, keepdims=True)
    along = sides / np.maximum(lengths, 1e-9)
    outwards = np.stack([along[..., 1], -along[..., 0]], axis=-1)
    shares = np.linspace(0.1, 0.9, _SIDE_POINTS)
    reach_px = 0.8 * lengths[..., 0] / cells
    places = np.linspace(-1, 1, _PROFILE_POINTS)
    points = starts[:, :, None, :] + shares[None, None, :, None] * sides[:, :, None, :]
    away = places[None, None, :] * reach_px[:, :, None]
    at = points[:, :, :, None, :] + away[:, :, None, :, None] * outwards[:, :, None, None, :]
    flat = at.reshape(-1, _PROFILE_POINTS, 2).astype(np.float32)
    seen = cv2.remap(grey, flat[..., 0], flat[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rise = np.maximum(np.diff(seen.astype(np.float64), axis=1), 0.0).reshape(*at.shape[:3], _PROFILE_POINTS - 1)
    rise = np.where(rise > 0.3 * rise.max(axis=3, keepdims=True), rise, 0.0)
    middles = (places[1:] + places[:-1]) / 2
    total = np.maximum(rise.sum(axis=3), 1e-9)
    shift = (rise * middles).sum(axis=3) / total * reach_px[..., None]
    # A line through the shifts along each side; the median holds it where something covers a part.
    base = shares - 0.5
    rough = shift - np.median(shift, axis=2, keepdims=True)
    weight = (np.abs(rough) < 3 * np.median(np.abs(rough), axis=2, keepdims=True) + 0.3).astype(np.float64)
    count, first = weight.sum(axis=2), (weight * base).sum(axis=2)
    second = (weight * base**2).sum(axis=2)
    sum_shift, sum_both = (weight * shift).sum(axis=2), (weight * base * shift).sum(axis=2)
    divisor = count * second - first**2
    slope = (count * sum_both - first * sum_shift) / divisor
    offset = (sum_shift - slope * first) / count
    moved = [
        starts + (offset - 0.5 * slope)[..., None] * outwards,
        starts + sides + (offset + 0.5 * slope)[..., None] * outwards,
    ]
    # Lines as n . p = d; a corner is where its own side begins and the one before ends.
    run = moved[1] - moved[0]
    normals = np.stack([run[..., 1], -run[..., 0]], axis=-1)
    distances = (normals * moved[0]).sum(axis=2)
    before = np.roll(normals, 1, axis=1)
    pairs = np.stack([normals, before], axis=-2)
    crossed = np.linalg.solve(pairs, np.stack([distances, np.roll(distances, 1, axis=1)], axis=-1)[..., None])[..., 0]
    return np.asarray(crossed, np.float64)


def _drop_misplaced(board: Board, ours: dict[int, NDArray[np.float64]]) -> dict[int, NDArray[np.float64]]:
    """The markers that lie where one plane puts them; a bend moves them far less than a third of a side."""
    plane = np.concatenate([board.corners_mm(marker) for marker in ours])
    seen = np.concatenate(list(ours.values()))
    matrix, _ = cv2.findHomography(seen, plane, cv2.RANSAC, _MISPLACED * board.side_mm)
    if np.shape(matrix) != (3, 3):
        return {}
    mapped = cv2.perspectiveTransform(seen[None], matrix)[0]
    away = np.hypot(*(mapped - plane).T).reshape(-1, 4).max(axis=1)
    return {
        marker: corners
        for (marker, corners), distance in zip(ours.items(), away, strict=True)
        if distance < _MISPLACED * board.side_mm
    }


def _explain_absence(
    grey: NDArray[np.uint8],
    board: Board,
    *,
    seen: dict[int, NDArray[np.float64]],
    ours: dict[int, NDArray[np.float64]],
    enough: int,
) -> CannotTell:
    if len(seen) >= _MIN_MARKERS:
        return CannotTell(Reason.WRONG_LAYOUT, {"ids": sorted(seen)})
    grey = _reduce(grey)
    flipped = _detect(np.ascontiguousarray(grey[:, ::-1]), load_markers(board))
    if sum(marker in board.marker_ids for marker in flipped) >= _MIN_MARKERS:
        return CannotTell(Reason.MIRRORED)
    family = board.dictionary.rpartition("_")[0] if board.family == "aruco" else f"DICT_APRILTAG_{board.dictionary}"
    # Dictionaries of one family begin with the same markers, so that another of them tells nothing.
    for name in (each for each in _DICTIONARIES if not each.startswith(family)):
        others = _detect(grey, cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name)))
        # Small dictionaries are misread in any texture: as many as a board has to show are asked for.
        if len(others) >= enough:
            return CannotTell(Reason.WRONG_DICTIONARY, {"dictionary": name})
    return CannotTell(Reason.HIDDEN if ours else Reason.NO_BOARD, {"markers_read": len(ours)})


def _reduce(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """To tell why a board is not read a small picture does, and twenty dictionaries are to be tried."""
    ratio = _EXPLAIN_SIDE_PX / max(grey.shape)
    return (
        grey
        if ratio >= 1
        else np.asarray(cv2.resize(grey, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), np.uint8)
    )


def _explain_missing(
    shape: tuple[int, ...],
    board: Board,
    corners_mm: NDArray[np.float64],
    corners_px: NDArray[np.float64],
    *,
    count: int,
) -> CannotTell:
    matrix, _ = cv2.findHomography(corners_mm, corners_px)
    outline = cv2.perspectiveTransform(board.outline_mm()[None], matrix)[0]
    height, width = shape[:2]
    is_inside = (outline >= 0).all() and (outline[:, 0] < width).all() and (outline[:, 1] < height).all()
    return CannotTell(Reason.HIDDEN if is_inside else Reason.CUT_OFF, {"markers_read": count})


def _measure_blur(grey: NDArray[np.uint8], markers: list[NDArray[np.float64]], cell_px: float) -> float:
    """The spread of the brightness' slope across the markers' borders, the median over all sides [px]."""
    reach = np.arange(-0.9 * cell_px, 0.9 * cell_px, 0.25)
    starts, normals = [], []
    for corners in markers:
        for first, second in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            along = (second - first) / max(float(np.hypot(*(second - first))), 1e-9)
            for share in (0.3, 0.5, 0.7):
                starts.append(first + share * (second - first))
                normals.append((along[1], -along[0]))
    at = np.array(starts)[:, None, :] + reach[None, :, None] * np.array(normals)[:, None, :]
    samples = cv2.remap(
        grey,
        at[..., 0].astype(np.float32),
        at[..., 1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    slope = np.abs(np.diff(samples.astype(np.float64), axis=1))
    slope = np.where(slope > 0.2 * slope.max(axis=1, keepdims=True), slope, 0.0)
    middles = (reach[1:] + reach[:-1]) / 2
    total = np.maximum(slope.sum(axis=1), 1e-9)
    mean = (slope * middles).sum(axis=1) / total
    spread = (slope * (middles[None] - mean[:, None]) ** 2).sum(axis=1) / total
    return float(np.sqrt(np.median(spread)))
