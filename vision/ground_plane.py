"""From the picture to the ground: where on the ground a point of the picture lies, and how sure that is.

A plane comes from points that somebody measured on a fixed camera's picture, or, where there are none, from the height
of a person who stands in it. Pure geometry; what it means that somebody stands somewhere is judged elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon

from domain.camera import GroundPoint
from domain.errors import Invalid

MIN_POINTS: Final = 4
"""A homography has eight unknowns, and each point gives two equations."""

_WORST_CONDITION: Final = 1e-3
_WORST_RESIDUAL: Final = 0.05
FOCAL_LENGTH_SHARE: Final = 0.75
"""Of an unknown camera, in shares of the picture's longer side: phones' main cameras (24 to 28 mm equivalent, on 36 mm
of film) have 0.67 to 0.78, site cameras of 4 mm on 1/2.8 inch (5.4 mm wide) 0.74."""

LOWEST_CAMERA_BODIES: Final = 0.8
HIGHEST_CAMERA_BODIES: Final = 3.0
"""An unknown camera is held by a hand at the chest or eyes (1.4 to 1.6 m), or hangs on a pole of up to 5 m; in heights
of a person of 1.7 m. What both agree upon is told."""

_A_PIXEL: Final = 1.0
_TINY: Final = 1e-12


class DegenerateGroundPoints(Invalid):
    """The ground points do not fix the ground: too few, on a line, on one spot, or contradicting each other."""

    code: ClassVar[str] = "camera.degenerate_ground_points"


@dataclass(frozen=True, slots=True, eq=False)
class GroundPlane:
    """A map from the picture to the ground.

    Attributes:
        matrix: (3, 3) float64, from (x, y, 1) in the picture's pixels to the ground's homogeneous coordinates; the
            third of them is above 0 for what lies on the ground before the camera.
    """

    matrix: NDArray[np.float64]

    def locate(self, x_px: float, y_px: float) -> tuple[float, float] | None:
        """Where on the ground a point of the picture lies; None above the horizon."""
        x, y, depth = self.matrix @ (x_px, y_px, 1.0)
        return None if depth <= 0 else (float(x / depth), float(y / depth))


def fit_ground_plane(points: Sequence[GroundPoint], *, width_px: float, height_px: float) -> GroundPlane:
    """The plane through measured points: the direct linear transform of Hartley and Zisserman, 4.1, normalised (4.4).

    Args:
        points: at least four, no three of the first quadrilateral on a line.
        width_px: of the picture in which points are to be located. [px]
        height_px: likewise. [px]

    Raises:
        DegenerateGroundPoints: they do not fix the ground; the sentence says why.
    """
    if len(points) < MIN_POINTS:
        raise DegenerateGroundPoints(f"at least {MIN_POINTS} ground points are needed, not {len(points)}")
    image = np.array([point.image for point in points], np.float64)
    ground = np.array([point.ground_m for point in points], np.float64)
    to_image, to_ground = _normalise(image), _normalise(ground)
    rows = []
    for (x, y), (east, north) in zip(_apply(to_image, image), _apply(to_ground, ground), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -east * x, -east * y, -east], [0, 0, 0, x, y, 1, -north * x, -north * y, -north]]
    _, strengths, directions = np.linalg.svd(np.array(rows, np.float64), full_matrices=True)
    if strengths[7] < _WORST_CONDITION * strengths[0]:
        raise DegenerateGroundPoints("the ground points lie on a line or on one spot: spread them over the ground")
    matrix = np.linalg.inv(to_ground) @ directions[8].reshape(3, 3) @ to_image
    depths = (matrix @ np.column_stack([image, np.ones(len(image))]).T)[2]
    if not (np.all(depths > 0) or np.all(depths < 0)):
        raise DegenerateGroundPoints("the ground points do not lie on one side of the horizon: is one mixed up?")
    matrix = matrix * np.sign(depths[0])
    residual_m = float(np.abs(_apply(matrix, image) - ground).max())
    if residual_m > _WORST_RESIDUAL * float(np.ptp(ground, axis=0).max()):
        raise DegenerateGroundPoints(
            f"the ground points contradict each other by {residual_m:.2f} m", residual_m=round(residual_m, 3)
        )
    return GroundPlane(matrix @ np.diag([1 / width_px, 1 / height_px, 1.0]))


def estimate_ground_planes(
    *, foot_xy_px: tuple[float, float], body_height_px: float, width_px: float, height_px: float
) -> tuple[GroundPlane, GroundPlane]:
    """The ground around a person who stands upright, in heights of that person, for the lowest and the highest camera.

    A level pinhole camera at `h` body heights shows the horizon `h` times the person's height above their feet, and the
    ground's depth is the focal length times `h` over the distance below the horizon.

    Args:
        foot_xy_px: where the person stands. [px]
        body_height_px: from their feet to the top of their head. [px]
        width_px: of the picture. [px]
        height_px: likewise. [px]
    """
    focal_px = FOCAL_LENGTH_SHARE * max(width_px, height_px)
    low, high = (
        GroundPlane(
            np.array(
                [
                    [camera, 0.0, -camera * width_px / 2],
                    [0.0, 0.0, camera * focal_px],
                    [0.0, 1.0, camera * body_height_px - foot_xy_px[1]],
                ]
            )
        )
        for camera in (LOWEST_CAMERA_BODIES, HIGHEST_CAMERA_BODIES)
    )
    return low, high


def distance_to_edge(
    plane: GroundPlane,
    *,
    foot_xy_px: tuple[float, float],
    edge_px: tuple[float, float, float],
    depth: float,
) -> float | None:
    """How far on the ground somebody stands from a thing whose lower edge the picture shows.

    Args:
        plane: the ground.
        foot_xy_px: where they stand. [px]
        edge_px: the thing's x_min, x_max and lower y. [px]
        depth: how far the thing extends behind that edge, in the plane's unit.

    Returns:
        In the plane's unit, 0 inside; None where either stands above the horizon.
    """
    x_min, x_max, y_low = edge_px
    middle = (x_min + x_max) / 2
    here, left, right = plane.locate(*foot_xy_px), plane.locate(x_min, y_low), plane.locate(x_max, y_low)
    near, behind = plane.locate(middle, y_low), plane.locate(middle, y_low - _A_PIXEL)
    if here is None or left is None or right is None or near is None or behind is None:
        return None
    away = np.subtract(behind, near)
    away = away / max(float(np.linalg.norm(away)), _TINY) * depth
    corners = [left, right, tuple(np.add(right, away)), tuple(np.add(left, away))]
    footprint = Polygon(corners).convex_hull if depth > 0 else LineString([left, right])
    return float(footprint.distance(Point(here)))


def _normalise(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The similarity that brings points to their centroid, at a mean distance of the root of two."""
    centre = points.mean(axis=0)
    spread = float(np.linalg.norm(points - centre, axis=1).mean())
    if spread < _TINY:
        raise DegenerateGroundPoints("the ground points lie on one spot: spread them over the ground")
    scale = np.sqrt(2) / spread
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])


def _apply(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    mapped = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)
