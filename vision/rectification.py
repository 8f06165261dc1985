"""The picture as it would look straight from above the board's plane, at a known scale."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.board_pose import BoardPose, Points, project

_MAX_PIXELS: Final = 2_500_000
_BORDER_STEP_PX: Final = 40
_NODE_STEP: Final = 8


@dataclass(frozen=True, slots=True, eq=False)
class Rectified:
    """A part of the board's plane.

    Attributes:
        log_grey: (H, W) float32, the natural logarithm of the brightness, so that shade is a step of its own height.
        usable: (H, W) float32, 1 where the photo shows the plane beside the board, 0 elsewhere.
        origin_mm: of the middle of the upper left pixel, in the board's coordinates. [mm]
        mm_per_px: [mm]
    """

    log_grey: NDArray[np.float32]
    usable: NDArray[np.float32]
    origin_mm: Points
    mm_per_px: float

    def sample(
        self, *, origin_mm: Points, axis: Points, along_mm: tuple[float, float], across_mm: tuple[float, float]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A turned rectangle of the plane.

        Args:
            origin_mm: (2,) in the board's coordinates; the rectangle's own coordinates count from here. [mm]
            axis: (2,) unit vector: the direction of the columns; the rows go a quarter clockwise of it.
            along_mm: from and to, along `axis`. [mm]
            across_mm: likewise, across. [mm]

        Returns:
            `log_grey` and `usable`, (rows across, columns along), with pixels of `mm_per_px`.
        """
        columns = max(1, round((along_mm[1] - along_mm[0]) / self.mm_per_px))
        rows = max(1, round((across_mm[1] - across_mm[0]) / self.mm_per_px))
        across = np.array([-axis[1], axis[0]])
        start = (origin_mm + along_mm[0] * axis + across_mm[0] * across - self.origin_mm) / self.mm_per_px
        matrix = np.column_stack([axis, across, start])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (columns, rows)
        return (
            np.asarray(cv2.warpAffine(self.log_grey, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)),
            np.asarray(cv2.warpAffine(self.usable, matrix, size, flags=flags, borderValue=0.0) > 0.99, np.float32),  # noqa: PLR2004 - not at its rim
        )


def rectify(
    grey: NDArray[np.uint8], pose: BoardPose, *, within_mm: Points, extra_boards: tuple[Points, ...] = ()
) -> Rectified:
    """A part of the board's plane, at the picture's own resolution at the board or coarser.

    Args:
        grey: (H, W), upright.
        pose: of the board in it.
        within_mm: (2, 2) upper left and lower right of what is wanted; what the photo does not show is left out. [mm]
        extra_boards: (4, 2) outlines of further boards, left out as the board itself is. [mm]
    """
    low, high = _find_extent(grey.shape, pose, within_mm)
    mm_per_px = max(pose.distance_mm / float(np.exp(pose.values[6])), float(np.sqrt(np.prod(high - low) / _MAX_PIXELS)))
    columns, rows = (np.ceil((high - low) / mm_per_px).astype(int) + 1).tolist()
    map_x, map_y = _map_to_picture(pose, low, mm_per_px, rows, columns)
    height, width = grey.shape
    inside = (map_x > 1) & (map_y > 1) & (map_x < width - 2) & (map_y < height - 2)
    seen = cv2.remap(grey, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    usable = inside.astype(np.float32)
    for outline in (pose.board.outline_mm(2 * pose.board.quiet_mm), *extra_boards):
        cv2.fillConvexPoly(usable, np.round((outline - low) / mm_per_px).astype(np.int32), 0.0)
    # A camera's darkest shades are noise: eight levels are added before the logarithm.
    return Rectified(np.log(seen.astype(np.float32) + 8.0), usable, low, mm_per_px)


def _find_extent(shape: tuple[int, ...], pose: BoardPose, within_mm: Points) -> tuple[Points, Points]:
    height, width = shape[:2]
    x = np.arange(0, width, _BORDER_STEP_PX, dtype=np.float64)
    y = np.arange(0, height, _BORDER_STEP_PX, dtype=np.float64)
    spread = np.array(np.meshgrid(np.append(x, width - 1), np.append(y, height - 1))).reshape(2, -1).T
    plane = pose.to_plane(spread)
    near = plane[np.isfinite(plane).all(axis=1)]
    near = np.clip(near, *within_mm)
    return near.min(axis=0), near.max(axis=0) + 1e-3


def _map_to_picture(
    pose: BoardPose, low: Points, mm_per_px: float, rows: int, columns: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    # Every eighth pixel exactly; between them the perspective is straight to some thousandths of a pixel.
    x = low[0] + mm_per_px * _NODE_STEP * np.arange(columns // _NODE_STEP + 2)
    y = low[1] + mm_per_px * _NODE_STEP * np.arange(rows // _NODE_STEP + 2)
    grid = np.array(np.meshgrid(x, y, [0.0])).reshape(3, -1).T
    nodes = project(pose.values, grid).T.reshape(2, len(y), len(x))
    # A step of an eighth is exact in the fixed point (1/32) that OpenCV reckons such places in.
    matrix = np.array([[1 / _NODE_STEP, 0, 0], [0, 1 / _NODE_STEP, 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    map_x, map_y = (
        np.asarray(
            cv2.warpAffine(each, matrix, (columns, rows), flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
        )
        for each in nodes.astype(np.float32)
    )
    return map_x, map_y
