"""Pictures side by side for a person to look at: what a detector did best, worst, and on a random dozen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from vision.training.augmentation import Picture, letterbox, read_picture
from vision.training.evaluation import Evaluation, PictureMatches

SHEET_PICTURES: Final = 12
_COLUMNS: Final = 4
_CELL_PX: Final = 480
_SHOWN_SCORE: Final = 0.3
_SEED: Final = 20_261_125
_GREEN: Final = (60, 180, 60)
_RED: Final = (230, 50, 50)
_YELLOW: Final = (250, 210, 40)


def write_contact_sheets(
    evaluation: Evaluation, *, classes: Sequence[str], folder: Path, name: str, shown_score: float = _SHOWN_SCORE
) -> list[Path]:
    """Write `NAME-best.jpg`, `NAME-worst.jpg` and `NAME-random.jpg`.

    Green is a detection that is right, red one that is wrong, yellow a labelled box that was missed, all at IoU 0.50.
    A picture's rank is its F1, of pictures with a box; of equal ones those with more boxes stand further out.

    Args:
        evaluation: with its pictures.
        classes: names in the order of their ids.
        folder: made if it is not there.
        name: of what was measured.
        shown_score: detections below it are not drawn and do not count for the rank.

    Returns:
        The files; none where no picture has a box.
    """
    rows = sorted(
        (row for row in evaluation.rows if len(row.truth_boxes)),
        key=lambda row: (_f1(row, shown_score), -len(row.truth_boxes)),
    )
    if not rows:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(_SEED).permutation(len(rows))
    best = sorted(rows, key=lambda row: (-_f1(row, shown_score), -len(row.truth_boxes)))
    chosen = {"best": best, "worst": rows, "random": [rows[index] for index in order]}
    written = []
    for kind, ranked in chosen.items():
        cells = [_draw(row, classes=classes, shown_score=shown_score) for row in ranked[:SHEET_PICTURES]]
        path = folder / f"{name}-{kind}.jpg"
        path.write_bytes(cv2.imencode(".jpg", cv2.cvtColor(_tile(cells), cv2.COLOR_RGB2BGR))[1].tobytes())
        written.append(path)
    return written


def _f1(row: PictureMatches, shown_score: float) -> float:
    right, shown = _right(row, shown_score), int((row.scores >= shown_score).sum())
    return 2 * right / (shown + len(row.truth_boxes))


def _right(row: PictureMatches, shown_score: float) -> int:
    return int(row.right[row.scores >= shown_score, 0].sum())


def _draw(row: PictureMatches, *, classes: Sequence[str], shown_score: float) -> Picture:
    square, scale, corner = letterbox(read_picture(row.picture.path), side_px=_CELL_PX)
    cell = np.ascontiguousarray(square)
    is_shown = row.scores >= shown_score
    shown, right = row.detections[is_shown], row.right[is_shown, 0]
    for index in sorted(set(range(len(row.truth_boxes))) - set(row.found[is_shown, 0].tolist())):
        _box(cell, row.truth_boxes[index] * scale, corner, _YELLOW, classes[row.picture.class_ids[index]])
    for found, is_right in zip(shown, right, strict=True):
        text = f"{classes[int(found[5])]} {found[4]:.2f}"
        _box(cell, found[:4] * scale, corner, _GREEN if is_right else _RED, text)
    return cell


def _box(
    cell: Picture,
    box: npt.NDArray[np.floating],
    corner: tuple[float, float],
    colour: tuple[int, int, int],
    text: str,
) -> None:
    left, top, right, bottom = (round(float(value)) for value in box + np.array([*corner, *corner]))
    cv2.rectangle(cell, (left, top), (right, bottom), colour, 2)
    cv2.putText(cell, text, (left, max(10, top - 3)), cv2.FONT_HERSHEY_SIMPLEX, 0.38, colour, 1, cv2.LINE_AA)


def _tile(cells: Sequence[Picture]) -> Picture:
    blank = np.full_like(cells[0], 255)
    rows = [
        np.hstack([*cells[start : start + _COLUMNS], *[blank] * (_COLUMNS - len(cells[start : start + _COLUMNS]))])
        for start in range(0, len(cells), _COLUMNS)
    ]
    return np.vstack(rows)
