"""Straight lines in the board's plane: a robust fit through points, and the distance between two of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vision.board_pose import Points

_HUBER: Final = 1.345  # Huber's constant for 95 % efficiency on normal errors
_OUTLIER: Final = 3.5
_MAD_TO_SIGMA: Final = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class PlaneLine:
    """A line found in the plane.

    Attributes:
        start_mm: (2,) where its evidence begins. [mm]
        end_mm: (2,) where it ends. [mm]
        u_mm: standard uncertainty of its place across itself, in the middle of what was asked for. [mm]
    """

    start_mm: Points
    end_mm: Points
    u_mm: float


@dataclass(frozen=True, slots=True)
class LineFit:
    """u = offset + slope v, with the covariance of both, and which points bear it."""

    offset: float
    slope: float
    covariance: NDArray[np.float64]
    kept: NDArray[np.bool_]

    def deviation_at(self, v: float) -> float:
        """Standard uncertainty of u at v."""
        return float(np.sqrt(np.array([1.0, v]) @ self.covariance @ np.array([1.0, v])))


def fit_line(v: NDArray[np.float64], u: NDArray[np.float64], *, least_spread: float) -> LineFit | None:
    """A line through points of which some are wrong: Huber's weights, then those beyond 3.5 deviations left out.

    Args:
        v: (N,) where it is told.
        u: (N,) what is told.
        least_spread: a standard deviation of single points below which is not believed.

    Returns:
        None for fewer than four points that agree.
    """
    kept = np.isfinite(u)
    offset = slope = 0.0
    spread = least_spread
    for _ in range(6):
        if kept.sum() < 4:  # noqa: PLR2004 - a line and an estimate of the spread
            return None
        weights = np.ones(int(kept.sum()))
        base = np.column_stack([np.ones_like(v[kept]), v[kept]])
        for _ in range(5):
            offset, slope = np.linalg.lstsq(base * weights[:, None], u[kept] * weights, rcond=None)[0]
            left = np.abs(u[kept] - base @ (offset, slope))
            spread = max(least_spread, float(np.median(left)) * _MAD_TO_SIGMA)
            weights = np.sqrt(np.minimum(1.0, _HUBER * spread / np.maximum(left, 1e-12)))
        renewed = np.isfinite(u) & (np.abs(u - offset - slope * v) < _OUTLIER * spread)
        if np.array_equal(renewed, kept):
            break
        kept = renewed
    count = int(kept.sum())
    if count < 4:  # noqa: PLR2004 - the same
        return None
    base = np.column_stack([np.ones(count), v[kept]])
    left = u[kept] - base @ (offset, slope)
    variance = max(least_spread**2, float(left @ left) / max(count - 2, 1))
    normal = base.T @ base
    if np.linalg.cond(normal) > 1e14:  # noqa: PLR2004 - all points at one place
        return None
    return LineFit(float(offset), float(slope), np.asarray(variance * np.linalg.inv(normal), np.float64), kept)


def measure_gaps(points_mm: Points) -> NDArray[np.float64]:
    """Distances between neighbouring lines, across their mean direction, in the middle of where both are seen.

    Args:
        points_mm: (2 N, 2): start and end of each of N lines, all in about the same direction. [mm]

    Returns:
        (N - 1,) [mm]
    """
    feet = [find_feet(points_mm[first : first + 4]) for first in range(0, len(points_mm) - 2, 2)]
    return np.array([np.linalg.norm(second - first) for first, second in feet])


def find_feet(points_mm: Points) -> Points:
    """(2, 2): where the normal through the middle of two lines' ends crosses each of them [mm].

    Args:
        points_mm: (4, 2): start and end of each, in about the same direction. [mm]
    """
    starts, directions = points_mm[0::2], points_mm[1::2] - points_mm[0::2]
    along = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    mean = along.sum(axis=0) / np.linalg.norm(along.sum(axis=0))
    middle = points_mm.mean(axis=0)
    shares = ((middle - starts) @ mean) / (directions @ mean)
    return np.asarray(starts + shares[:, None] * directions)
