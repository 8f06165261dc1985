"""From the picture to the board's plane: pose, lens and bend estimated together, with their covariance."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.board import Board
from vision.board_view import BoardView
from vision.cannot_tell import CannotTell, Reason
from vision.lens import Lens

Points = NDArray[np.float64]

BEND_SHARE: Final = 0.004
"""Standard uncertainty of a mounted board's bend at its corners before it is seen, as a share of its half diagonal:
0.5 mm for a print on foam board or plywood of A4."""

MAX_BEND_SHARE: Final = 0.02
"""Of the half diagonal, beyond which a board is called bent: 2.6 mm at the corners of one on A4."""

BEND_SIGMAS: Final = 4.0
MAX_TILT_DEG: Final = 60.0
"""Beyond it a cell is seen at less than half its width; issue 4 asks for 45. [deg]"""

CORNER_PX: Final = (0.04, 0.15)
"""The least standard uncertainty of a corner that is believed, and the one that is assumed at first. [px]"""

MAX_RESIDUAL_CELLS: Final = 0.15
_LENS = slice(6, 11)
_BEND = slice(11, 14)
_COUNT: Final = 14
_STEPS: Final = 12
_SAME_TILT_DEG: Final = 2.0
_AMBIGUOUS_COST: Final = 9.0


@dataclass(frozen=True, slots=True, eq=False)
class BoardPose:
    """Where a board's plane lies before a camera.

    Attributes:
        values: (14,) rotation vector, translation [mm], the lens's five (see `vision.lens.Lens`), the bend along x^2,
            x y and y^2 at the board's half diagonal [mm].
        covariance: (14, 14) of these, from the corners and from what was known before.
        corner_px: the standard uncertainty of a corner, from the residuals. [px]
    """

    board: Board
    values: NDArray[np.float64]
    covariance: NDArray[np.float64]
    corner_px: float

    @property
    def distance_mm(self) -> float:
        """From the camera to the board's centre [mm]."""
        return float(np.linalg.norm(self.values[3:6]))

    @property
    def tilt_deg(self) -> float:
        """Between the line of sight to the board's centre and the board's normal [deg]."""
        normal = cv2.Rodrigues(self.values[:3])[0][:, 2]
        return float(np.degrees(np.arccos(np.clip(abs(normal @ self.values[3:6]) / self.distance_mm, 0, 1))))

    @property
    def focal_u_share(self) -> float:
        """Standard uncertainty of the focal length, as a share of it."""
        return float(np.sqrt(self.covariance[6, 6]))

    def to_picture(self, points_mm: Points) -> Points:
        """(N, 2) points of the plane to the picture [px]."""
        return project(self.values, np.column_stack([points_mm, np.zeros(len(points_mm))]))

    def to_plane(self, points_px: Points, *, offset_mm: float = 0.0) -> Points:
        """(N, 2) points of the picture to the plane [mm]; NaN where the line of sight does not meet it.

        Args:
            points_px: [px]
            offset_mm: of a parallel plane, behind the board's. [mm]
        """
        return intersect(self.values, points_px, offset_mm=offset_mm)

    def propagate(
        self, points_px: Points, value: Callable[[Points], NDArray[np.float64]], *, plane_u_mm: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far the pose and the plane move values that are computed from points of the plane.

        Args:
            points_px: (N, 2), fixed. [px]
            value: gives (M,) values from the (N, 2) points in the plane [mm].
            plane_u_mm: standard uncertainty of the distance between the board's plane and that of what is measured.

        Returns:
            (M, M) covariance by the pose, camera and bend; (M,) standard uncertainty by the plane, in the values' unit.
        """
        steps = np.sqrt(np.diag(self.covariance)) * 0.2 + 1e-12
        columns = []
        for index in range(_COUNT):
            moved = np.zeros(_COUNT)
            moved[index] = steps[index]
            ahead, back = (value(intersect(self.values + sign * moved, points_px)) for sign in (1, -1))
            columns.append((ahead - back) / (2 * steps[index]))
        slopes = np.array(columns).T
        ahead, back = (value(intersect(self.values, points_px, offset_mm=each)) for each in (1.0, -1.0))
        return slopes @ self.covariance @ slopes.T, np.abs(ahead - back) / 2 * plane_u_mm


def project(values: NDArray[np.float64], points_mm: Points) -> Points:
    """(N, 3) points of the board's coordinates to the picture [px]; `values` as those of `BoardPose`."""
    rotation, _ = cv2.Rodrigues(values[:3])
    x, y, z = rotation @ points_mm.T + values[3:6, None]
    x, y = x / z, y / z
    squared = x * x + y * y
    scale = np.exp(values[6]) * (1 + values[9] * squared + values[10] * squared * squared)
    return np.column_stack([scale * x + values[7], scale * y + values[8]])


def intersect(values: NDArray[np.float64], points_px: Points, *, offset_mm: float = 0.0) -> Points:
    """(N, 2) points of the picture to the plane z = offset of the board's coordinates [mm]; NaN beyond the horizon."""
    rotation, _ = cv2.Rodrigues(values[:3])
    seen = (points_px - values[7:9]) / np.exp(values[6])
    ideal = seen.copy()
    for _ in range(8):
        squared = (ideal * ideal).sum(axis=1, keepdims=True)
        ideal = seen / (1 + values[9] * squared + values[10] * squared * squared)
    rays = rotation.T @ np.column_stack([ideal, np.ones(len(ideal))]).T
    camera = -rotation.T @ values[3:6]
    with np.errstate(divide="ignore", invalid="ignore"):
        lengths = (offset_mm - camera[2]) / rays[2]
        points = (camera[:2, None] + lengths * rays[:2]).T
    return np.where((lengths > 0)[:, None], points, np.nan)


def estimate_pose(view: BoardView, lens: Lens) -> BoardPose | CannotTell:
    """Fit pose, lens and bend to a board's corners, what is known of lens and bend being the prior.

    Where the focal length is only guessed the corners tell it as far as they can; what they leave open is in the
    covariance.

    Args:
        view: the corners.
        lens: for a picture of this size.
    """
    fits = sorted((_fit(view, lens, start) for start in _start(view, lens)), key=lambda each: each[1])
    if not fits or not np.isfinite(fits[0][1]):
        return CannotTell(Reason.WRONG_LAYOUT)
    pose = fits[0][0]
    residual_cells = pose.corner_px / view.cell_px
    bend_mm, bend_u_mm = _strongest_bend(pose)
    limit_mm = MAX_BEND_SHARE * view.board.diagonal_mm / 2
    if residual_cells > MAX_RESIDUAL_CELLS or (bend_mm > limit_mm and bend_mm > BEND_SIGMAS * bend_u_mm):
        facts = {"bend_mm": round(bend_mm, 2), "residual_px": round(pose.corner_px, 3)}
        return CannotTell(Reason.BENT, dict(facts))
    if pose.tilt_deg > MAX_TILT_DEG:
        return CannotTell(Reason.TOO_OBLIQUE, {"tilt_deg": round(pose.tilt_deg, 1), "limit_deg": MAX_TILT_DEG})
    if any(cost - fits[0][1] < _AMBIGUOUS_COST and _turn_deg(pose, other) > _SAME_TILT_DEG for other, cost in fits[1:]):
        return CannotTell(Reason.AMBIGUOUS_POSE, {"tilt_deg": round(pose.tilt_deg, 1)})
    return pose


def _start(view: BoardView, lens: Lens) -> list[NDArray[np.float64]]:
    """The two poses that a plane may have (Collins and Bartoli, Infinitesimal plane-based pose estimation, 2014)."""
    told = lens.to_json()
    flat = np.column_stack([view.corners_mm, np.zeros(len(view.corners_mm))])
    _, rotations, translations, _ = cv2.solvePnPGeneric(
        flat,
        view.corners_px,
        np.array(told["camera_matrix"]),
        np.array(told["distortion"]),
        flags=cv2.SOLVEPNP_IPPE,
    )
    return [
        np.concatenate([np.ravel(rotation), np.ravel(translation), lens.values, np.zeros(3)])
        for rotation, translation in zip(rotations, translations, strict=True)
        if np.ravel(translation)[2] > 0
    ]


def _fit(view: BoardView, lens: Lens, start: NDArray[np.float64]) -> tuple[BoardPose, float]:
    corner_px = CORNER_PX[1]
    prior = np.zeros((_COUNT, _COUNT))
    prior[_LENS, _LENS] = np.linalg.inv(lens.covariance)
    prior[_BEND, _BEND] = np.eye(3) / (BEND_SHARE * view.board.diagonal_mm / 2) ** 2
    known = np.concatenate([np.zeros(6), lens.values, np.zeros(3)])
    values, residual, information = _descend(view, start, known=known, prior=prior, corner_px=corner_px)
    for _ in range(2):
        freedom = max(residual.size - 8, 1)
        corner_px = max(CORNER_PX[0], float(np.sqrt((residual**2).sum() / freedom)))
        values, residual, information = _descend(view, values, known=known, prior=prior, corner_px=corner_px)
    away = values - known
    cost = float((residual**2).sum() / corner_px**2 + away @ prior @ away) + 2 * residual.size * float(
        np.log(corner_px)
    )
    covariance = np.asarray(np.linalg.inv(information), np.float64)
    return BoardPose(view.board, values, covariance, corner_px), cost


def _descend(
    view: BoardView,
    values: NDArray[np.float64],
    *,
    known: NDArray[np.float64],
    prior: NDArray[np.float64],
    corner_px: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Levenberg and Marquardt's descent; gives the values, the corners' residuals [px] and the information matrix."""

    def see(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(project(at, _bend(view, at)).ravel(), np.float64)

    def cost_of(at: NDArray[np.float64], left: NDArray[np.float64]) -> float:
        return float(left @ left / corner_px**2 + (at - known) @ prior @ (at - known))

    target = view.corners_px.ravel()
    scales = np.array([1e-5] * 3 + [1e-2] * 3 + [1e-5, 1e-2, 1e-2, 1e-5, 1e-5] + [1e-2] * 3)
    damping = 1e-4
    left = target - see(values)
    information = prior
    for _ in range(_STEPS):
        slopes = np.column_stack(
            [
                (see(values + step) - see(values - step)) / (2 * scale)
                for step, scale in zip(np.diag(scales), scales, strict=True)
            ]
        )
        information = slopes.T @ slopes / corner_px**2 + prior
        uphill = slopes.T @ left / corner_px**2 - prior @ (values - known)
        step = np.linalg.solve(information + damping * np.diag(np.diag(information)), uphill)
        tried = target - see(values + step)
        if cost_of(values + step, tried) <= cost_of(values, left):
            values, left, damping = values + step, tried, damping / 10
        else:
            damping *= 30
        if float(uphill @ step) < 1e-6:  # noqa: PLR2004 - in squared standard deviations
            break
    return values, left, information


def _bend(view: BoardView, values: NDArray[np.float64]) -> Points:
    x, y = (view.corners_mm / (view.board.diagonal_mm / 2)).T
    return np.column_stack([view.corners_mm, np.array([x * x, x * y, y * y]).T @ values[_BEND]])


def _strongest_bend(pose: BoardPose) -> tuple[float, float]:
    """The bend in the direction in which it is strongest, and its standard uncertainty [mm]."""
    along, across, down = pose.values[_BEND]
    strengths, directions = np.linalg.eigh([[along, across / 2], [across / 2, down]])
    index = int(np.argmax(np.abs(strengths)))
    x, y = directions[:, index]
    slope = np.array([x * x, x * y, y * y])
    return abs(float(strengths[index])), float(np.sqrt(slope @ pose.covariance[_BEND, _BEND] @ slope))


def _turn_deg(first: BoardPose, second: BoardPose) -> float:
    normals = [cv2.Rodrigues(each.values[:3])[0][:, 2] for each in (first, second)]
    return float(np.degrees(np.arccos(np.clip(normals[0] @ normals[1], -1, 1))))
