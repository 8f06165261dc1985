"""The score from which a detection counts, class by class.

Chosen from measured matches by the weight of a false accusation against a miss. Which matches is `evaluation`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vision.training.evaluation import FloatArray, Matches

# A person told to be without helmet or vest is accused, and so is who poured concrete that is told to be cracked; a
# wrong accusation costs an inspector's trust: there precision weighs twice as much as recall (F-beta with beta 0.5).
# Of everything else both weigh the same.
ACCUSING_CLASSES = frozenset({"crack", "no_hardhat", "no_vest"})
ACCUSING_BETA = 0.5
CANDIDATES = np.arange(0.05, 0.901, 0.01)
# On some dozens of boxes the best single threshold is luck; the middle of a good stretch is less so.
_SMOOTHING = 5


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold and what it gives on the pictures that it was chosen on.

    Attributes:
        threshold: the score from which a detection counts.
        precision: share of the counted detections that are right; 1 where none counts.
        recall: share of the boxes that are found.
    """

    threshold: float
    precision: float
    recall: float


def choose_operating_points(matches: Mapping[str, Matches]) -> dict[str, OperatingPoint]:
    """The operating point of each class, by the F-beta that the class is due."""
    return {
        name: choose_operating_point(found, beta=ACCUSING_BETA if name in ACCUSING_CLASSES else 1.0)
        for name, found in matches.items()
    }


def choose_operating_point(matches: Matches, *, beta: float) -> OperatingPoint:
    """The candidate threshold with the greatest F-beta, smoothed over its neighbours; of equal ones the lowest.

    Args:
        matches: of one class.
        beta: how much more recall weighs than precision; below 1 precision weighs more.
    """
    points = [measure_at(matches, threshold=float(threshold)) for threshold in CANDIDATES]
    values = np.array([_f_beta(point, beta=beta) for point in points])
    best = int(np.argmax(_smoothed(values)))
    return points[best]


def measure_at(matches: Matches, *, threshold: float) -> OperatingPoint:
    """Precision and recall of a class where detections from `threshold` up count."""
    counted = matches.scores >= threshold
    right = int(matches.right[counted].sum())
    return OperatingPoint(
        threshold=round(threshold, 2),
        precision=right / int(counted.sum()) if counted.any() else 1.0,
        recall=right / matches.instances if matches.instances else 0.0,
    )


def _f_beta(point: OperatingPoint, *, beta: float) -> float:
    weighted = beta**2 * point.precision + point.recall
    return (1 + beta**2) * point.precision * point.recall / weighted if weighted else 0.0


def _smoothed(values: FloatArray) -> FloatArray:
    half = _SMOOTHING // 2
    padded = np.pad(values, half, mode="edge")
    return np.convolve(padded, np.full(_SMOOTHING, 1 / _SMOOTHING), mode="valid")
