"""Whether a score means what it says: of the detections with a score of about 0.7, are seven in ten right?"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np

from vision.training.evaluation import Matches

_BINS: Final = 10
# Below it detections are so many and so wrong that no operating point lies there, and they would drown the rest.
LOWEST_SCORE: Final = 0.1


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Detections with scores between two bounds.

    Attributes:
        low: least score.
        high: greatest score, not included but in the last.
        detections: how many.
        mean_score: of their scores; 0 where there are none.
        precision: the share that is right at IoU 0.50; 0 where there are none.
    """

    low: float
    high: float
    detections: int
    mean_score: float
    precision: float


def measure_reliability(matches: Matches, *, lowest_score: float = LOWEST_SCORE) -> tuple[ReliabilityBin, ...]:
    """Precision by score, in ten equal bins from `lowest_score` to 1."""
    edges = np.linspace(lowest_score, 1.0, _BINS + 1)
    bins = []
    for low, high in pairwise(edges):
        inside = (matches.scores >= low) & ((matches.scores < high) | (high >= 1.0))
        count = int(inside.sum())
        bins.append(
            ReliabilityBin(
                low=float(low),
                high=float(high),
                detections=count,
                mean_score=float(matches.scores[inside].mean()) if count else 0.0,
                precision=float(matches.right[inside].mean()) if count else 0.0,
            )
        )
    return tuple(bins)


def calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """The expected calibration error: the mean distance of score and precision, each detection weighing the same.

    Source: Naeini, Cooper, Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning", AAAI.
    0 where there is no detection.
    """
    total = sum(each.detections for each in bins)
    if not total:
        return 0.0
    return sum(each.detections * abs(each.mean_score - each.precision) for each in bins) / total


def draw_reliability(matches: Mapping[str, Matches], *, path: Path) -> None:
    """Write the reliability diagram of several classes as one SVG; a point's area grows with its detections.

    Args:
        matches: by class name.
        path: the file to write.
    """
    import matplotlib as mpl  # noqa: PLC0415 - slow to load, and needed for this alone
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    columns = 4
    rows = max(1, -(-len(matches) // columns))
    figure = Figure(figsize=(2.6 * columns, 2.6 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (name, found) in zip(axes.flat, matches.items(), strict=False):
        bins = [each for each in measure_reliability(found) if each.detections]
        axis.set_axis_on()
        axis.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
        axis.scatter(
            [each.mean_score for each in bins],
            [each.precision for each in bins],
            s=[10 + 4 * np.sqrt(each.detections) for each in bins],
        )
        axis.set(title=name, xlim=(0, 1), ylim=(0, 1.02), xlabel="score", ylabel="share that is right")
        error = calibration_error(measure_reliability(found))
        axis.text(0.04, 0.92, f"n = {sum(each.detections for each in bins)}, ECE {error:.2f}", fontsize=8)
    # The same figures give the same file, so that a picture in version control changes only when they do.
    with mpl.rc_context({"svg.hashsalt": "siteproof", "svg.fonttype": "path"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
