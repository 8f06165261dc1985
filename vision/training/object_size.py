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
        own = _between(row.detections[:, :4], scale=scale, low_px=low_px, high_px=high_px)
        counted = np.where(row.right[:, 0], wanted[row.found[:, 0]] if len(wanted) else False, own)
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


def _between(boxes: FloatArray, *, scale: float, low_px: float, high_px: float) -> npt.NDArray[np.bool_]:
    sides = np.sqrt(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)) * scale
    return np.asarray((sides >= low_px) & (sides < high_px), dtype=np.bool_)
