"""The raw output of a YOLOv8 head becomes boxes with a class and a score. Pure arrays: no picture, no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid

MAX_OVERLAP: Final = 0.7
"""Of two boxes of a class that overlap by more, the weaker goes: ultralytics' own default. [IoU]"""

MAX_DETECTIONS: Final = 300
"""The most that one picture gives, strongest first: ultralytics' own default."""

_MAX_CANDIDATES: Final = 30_000


class UnexpectedNetwork(Invalid):
    """The weights' input or output is not that of a YOLOv8 detector with the manifest's classes and size."""

    code: ClassVar[str] = "vision.unexpected_network"


@dataclass(frozen=True, slots=True, eq=False)
class RawDetections:
    """What a head saw, strongest first.

    Attributes:
        boxes_xyxy_px: (N, 4) float32 in the network's input. [px]
        scores: (N,) float32 in [0, 1].
        classes: (N,) int64, indices into the manifest's classes.
    """

    boxes_xyxy_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]


def read_head(
    output: NDArray[np.float32], *, thresholds: Sequence[float], max_overlap: float = MAX_OVERLAP
) -> RawDetections:
    """Take from a raw head what counts.

    An anchor speaks for its strongest class only, as `yolo predict` has it; its neighbours may speak for another.

    Args:
        output: (1, 4 + C, N): rows centre x and y, width, height in the input's pixels, then a score for each class.
        thresholds: C scores, one for each class, from which it counts.
        max_overlap: see `MAX_OVERLAP`.

    Raises:
        UnexpectedNetwork: the output's shape is another one.
    """
    if output.ndim != 3 or output.shape[:2] != (1, 4 + len(thresholds)):  # noqa: PLR2004 - batch, rows, anchors
        raise UnexpectedNetwork(f"the network gives {output.shape}, not (1, {4 + len(thresholds)}, N)")
    rows = output[0]
    strongest = rows[4:].argmax(axis=0)
    scores = rows[4:].max(axis=0)
    candidates = np.flatnonzero(scores >= np.asarray(thresholds, np.float32)[strongest])
    order = candidates[np.argsort(-scores[candidates], kind="stable")][:_MAX_CANDIDATES]
    centre, half = rows[:2, order].T, rows[2:4, order].T / 2
    boxes = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    classes = strongest[order].astype(np.int64)
    kept = suppress_overlaps(boxes, classes=classes, max_overlap=max_overlap)[:MAX_DETECTIONS]
    return RawDetections(boxes[kept], scores[order][kept].astype(np.float32), classes[kept])


def suppress_overlaps(
    boxes_xyxy_px: NDArray[np.float32], *, classes: NDArray[np.int64], max_overlap: float
) -> NDArray[np.int64]:
    """Greedy non-maximum suppression, class by class.

    Args:
        boxes_xyxy_px: (N, 4), strongest first. [px]
        classes: (N,).
        max_overlap: of two boxes of a class whose intersection over union is larger, the weaker goes.

    Returns:
        (K,) ascending indices of those that stay; empty for none.
    """
    areas = np.prod(boxes_xyxy_px[:, 2:] - boxes_xyxy_px[:, :2], axis=1)
    left = np.arange(len(boxes_xyxy_px))
    kept: list[int] = []
    while left.size:
        first, rest = left[0], left[1:]
        kept.append(int(first))
        corner_low = np.maximum(boxes_xyxy_px[first, :2], boxes_xyxy_px[rest, :2])
        corner_high = np.minimum(boxes_xyxy_px[first, 2:], boxes_xyxy_px[rest, 2:])
        shared = np.prod(np.maximum(corner_high - corner_low, 0), axis=1)
        # Compared without a division, so that empty boxes need no guard.
        same = (shared > max_overlap * (areas[first] + areas[rest] - shared)) & (classes[rest] == classes[first])
        left = rest[~same]
    return np.array(kept, np.int64)
