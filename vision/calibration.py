"""A camera's lens from photos of a board, with its covariance; refused where the photos do not determine it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid
from vision.board_pose import CORNER_PX, project
from vision.board_view import BoardView
from vision.lens import Lens

MIN_VIEWS: Final = 3
"""Each view of a plane gives two equations for the camera's own parameters (Zhang 2000); three make them redundant."""

MAX_FOCAL_SHARE: Final = 0.02
"""Beyond it a calibration tells less than EXIF's 3 %."""

MAX_K1: Final = 0.05
"""Beyond it less is known of the distortion than of any phone's before a photo is taken."""

MAX_RESIDUAL_PX: Final = 1.5
_POSE: Final = 6
_LENS: Final = 5


class CameraUndetermined(Invalid):
    """The photos do not determine the camera: too few, all from one direction, or not of one camera."""

    code: ClassVar[str] = "camera.undetermined"


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A lens and how well the photos agree with it.

    Attributes:
        residuals_px: of each photo, the root mean square over its corners. [px]
    """

    lens: Lens
    residuals_px: tuple[float, ...]


def calibrate(views: Sequence[BoardView], *, width_px: int, height_px: int) -> Calibration:
    """Fit one lens to all views.

    Args:
        views: of the same board, by one camera at one zoom.
        width_px: of the pictures. [px]
        height_px: likewise. [px]

    Raises:
        CameraUndetermined: they do not determine it; the sentence says why.
    """
    if len(views) < MIN_VIEWS:
        raise CameraUndetermined(f"at least {MIN_VIEWS} photos that show the board are needed, not {len(views)}")
    flat = [np.column_stack([view.corners_mm, np.zeros(len(view.corners_mm))]).astype(np.float32) for view in views]
    seen = [view.corners_px.astype(np.float32) for view in views]
    start = np.array([[0.75 * max(width_px, height_px), 0, width_px / 2], [0, 0, height_px / 2], [0, 0, 1.0]])
    start[1, 1] = start[0, 0]
    flags = cv2.CALIB_USE_INTRINSIC_GUESS | cv2.CALIB_FIX_ASPECT_RATIO | cv2.CALIB_ZERO_TANGENT_DIST | cv2.CALIB_FIX_K3
    try:
        _, matrix, distortion, turns, shifts = cv2.calibrateCamera(
            flat, seen, (width_px, height_px), start, None, flags=flags
        )
    except cv2.error as error:
        raise CameraUndetermined("the photos contradict each other or are all alike") from error
    if not (np.isfinite(matrix).all() and matrix[0, 0] > 0):
        raise CameraUndetermined("the photos do not tell the focal length: tilt the board or the camera more")
    coefficients = np.ravel(distortion)
    lens = np.array([np.log(matrix[0, 0]), matrix[0, 2], matrix[1, 2], coefficients[0], coefficients[1]])
    values = [
        np.concatenate([np.ravel(turn), np.ravel(shift), lens, np.zeros(3)])
        for turn, shift in zip(turns, shifts, strict=True)
    ]
    return _weigh(views, values, lens, width_px=width_px, height_px=height_px)


def _weigh(
    views: Sequence[BoardView],
    values: Sequence[NDArray[np.float64]],
    lens: NDArray[np.float64],
    *,
    width_px: int,
    height_px: int,
) -> Calibration:
    """The lens's covariance once each view's own pose is left free (Schur's complement), scaled by the residuals."""
    information = np.zeros((_LENS, _LENS))
    residuals = []
    for view, at in zip(views, values, strict=True):
        flat = np.column_stack([view.corners_mm, np.zeros(len(view.corners_mm))])
        residuals.append((project(at, flat) - view.corners_px).ravel())
        slopes = _differentiate(at, flat)
        pose, own = slopes[:, :_POSE], slopes[:, _POSE:]
        mixed = pose.T @ own
        information += own.T @ own - mixed.T @ np.linalg.solve(pose.T @ pose, mixed)
    whole = np.concatenate(residuals)
    freedom = max(1, whole.size - _POSE * len(views) - _LENS)
    corner_px = max(CORNER_PX[0], float(np.sqrt((whole**2).sum() / freedom)))
    if np.linalg.cond(information) > 1e15:  # noqa: PLR2004 - double precision is spent
        raise CameraUndetermined("the photos do not tell the focal length: tilt the board or the camera more")
    covariance = np.asarray(corner_px**2 * np.linalg.inv(information), np.float64)
    _refuse_weak(covariance, corner_px)
    by_view = tuple(float(np.sqrt((each**2).mean() * 2)) for each in residuals)
    return Calibration(Lens(width_px, height_px, lens, covariance, "calibration"), by_view)


def _refuse_weak(covariance: NDArray[np.float64], corner_px: float) -> None:
    focal_share, k1_u = float(np.sqrt(covariance[0, 0])), float(np.sqrt(covariance[3, 3]))
    facts = {"focal_u_share": round(focal_share, 4), "k1_u": round(k1_u, 4), "residual_px": round(corner_px, 3)}
    if corner_px > MAX_RESIDUAL_PX:
        raise CameraUndetermined(
            f"the corners miss by {corner_px:.2f} px: a bent board, another board, or photos of several cameras",
            **facts,
        )
    if not focal_share < MAX_FOCAL_SHARE:
        raise CameraUndetermined(
            f"the focal length is told within {100 * focal_share:.1f} % only: tilt the board, from several sides",
            **facts,
        )
    if not k1_u < MAX_K1:
        raise CameraUndetermined(
            "the distortion is not told: let the board fill the picture, also in its corners", **facts
        )


def _differentiate(at: NDArray[np.float64], flat: NDArray[np.float64]) -> NDArray[np.float64]:
    scales = np.array([1e-5] * 3 + [1e-2] * 3 + [1e-5, 1e-2, 1e-2, 1e-5, 1e-5])
    columns = []
    for index, scale in enumerate(scales):
        step = np.zeros(len(at))
        step[index] = scale
        columns.append((project(at + step, flat) - project(at - step, flat)).ravel() / (2 * scale))
    return np.column_stack(columns)
