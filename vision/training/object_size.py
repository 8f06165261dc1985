"""How well small, middling and large things are found, as the network sees them.

A thing's size is the square root of its box's area after the picture was letterboxed, so that a worker of 30 pixels in
a picture of 12 megapixels counts as what is left of them, not as what the camera had.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vision.training.evaluation import FloatArray, PictureMatches, average_precisions

# COCO's bounds of area, 32 x 32 and 96 x 96. [px]
SIZES: Final[tuple[tuple[str, float, float], ...]] = (
    ("small", 0.0, 32.0),
    ("medium", 32.0, 96.0),
    ("large", 96.0, float("inf")),
)


@dataclass(frozen=True, slots=True)
class SizeScore:
    """How well things of one size are found.

    Attributes:
        size: small, medium or large.
        instances: boxes of that size, by class id.
        ap50: average precision at IoU 0.50 by class id, 0 to 1; classes without a box of that size are left out.
    """

    size: str
    instances: dict[int, int]
    ap50: dict[int, float]


def score_sizes(rows: Sequence[PictureMatches], *, image_size: int) -> tuple[SizeScore, ...]:
    """AP at IoU 0.50 by size, as COCO does it.

    A detection that claims a box of another size counts neither way; one that claims none counts as wrong where its own
    size is the one looked at.

    Args:
        rows: picture by picture.
        image_size: side of the square that the network saw. [px]
    """
    return tuple(_score(rows, size=name, low_px=low, high_px=high, image_size=image_size) for name, low, high in SIZES)


def _score(rows: Sequence[PictureMatches], *, size: str, low_px: float, high_px: float, image_size: int) -> SizeScore:
    right, scores, ids, truth = [], [], [], []
    for row in rows:
        scale = image_size / max(row.size_px)
        wanted = _between(row.truth_boxes.astype(np.float64), scale=scale, low_px=low_px, high_px=high_px)
        claims = _claimed(row)
        own = _between(row.detections[:, :4], scale=scale, low_px=low_px, high_px=high_px)
        counted = np.where(claims >= 0, wanted[claims] if len(wanted) else False, own)
        right.append(row.right[counted, :1])
        scores.append(row.scores[counted])
        ids.append(row.class_ids[counted])
        truth.append(row.picture.class_ids[wanted])
    everything = np.concatenate(truth) if truth else np.zeros(0, dtype=np.int64)
    averages = (
        average_precisions(
            right=np.concatenate(right), scores=np.concatenate(scores), class_ids=np.concatenate(ids), truth=everything
        )
        if rows
        else {}
    )
    return SizeScore(
        size=size,
        instances={int(each): int((everything == each).sum()) for each in np.unique(everything)},
        ap50={class_id: float(value[0]) for class_id, value in averages.items()},
    )


def _claimed(row: PictureMatches) -> npt.NDArray[np.int64]:
    """For each detection that is right at IoU 0.50 the index of the box that it found, -1 for the others."""
    claims = np.full(len(row.detections), -1, dtype=np.int64)
    for index in np.flatnonzero(row.right[:, 0]):
        same = row.picture.class_ids == row.class_ids[index]
        overlaps = np.where(same, _ious(row.detections[index, :4], row.truth_boxes.astype(np.float64)), -1.0)
        claims[index] = int(overlaps.argmax())
    return claims


def _ious(box: FloatArray, others: FloatArray) -> FloatArray:
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=1) - common
    return np.asarray(common / np.maximum(union, 1e-9), dtype=np.float64)


def _between(boxes: FloatArray, *, scale: float, low_px: float, high_px: float) -> npt.NDArray[np.bool_]:
    sides = np.sqrt(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)) * scale
    return np.asarray((sides >= low_px) & (sides < high_px), dtype=np.bool_)
