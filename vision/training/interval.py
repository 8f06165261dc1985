"""How far a measured average precision may be luck: percentile intervals of a bootstrap over whole pictures."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from vision.training.evaluation import FloatArray, PictureMatches, average_precisions

# Boxes of one picture are not independent of each other, so pictures are drawn, never boxes.
_ROUNDS: Final = 300
_SEED: Final = 20_261_125
_TAILS: Final = (2.5, 97.5)


def bootstrap_ap50(rows: Sequence[PictureMatches], *, rounds: int = _ROUNDS) -> dict[int, tuple[float, float]]:
    """The 95 % interval of AP at IoU 0.50 by class id, from pictures drawn again with replacement.

    Args:
        rows: picture by picture; an empty sequence gives an empty dictionary.
        rounds: how often the pictures are drawn.

    Returns:
        By class id (low, high), 0 to 1. Rounds in which a class has no box at all are left out for that class.
    """
    if not rows:
        return {}
    rng = np.random.default_rng(_SEED)
    drawn: dict[int, list[float]] = {}
    for _round in range(rounds):
        chosen = [rows[index] for index in rng.integers(0, len(rows), size=len(rows))]
        for class_id, value in _ap50(chosen).items():
            drawn.setdefault(class_id, []).append(float(value[0]))
    return {class_id: _interval(values) for class_id, values in drawn.items()}


def _ap50(rows: Sequence[PictureMatches]) -> dict[int, FloatArray]:
    return average_precisions(
        right=np.concatenate([row.right[:, :1] for row in rows]),
        scores=np.concatenate([row.scores for row in rows]),
        class_ids=np.concatenate([row.class_ids for row in rows]),
        truth=np.concatenate([row.picture.class_ids for row in rows]),
    )


def _interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.percentile(values, _TAILS)
    return float(low), float(high)
