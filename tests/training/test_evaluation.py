"""Tests of average precision on cases small enough to reckon by hand."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from vision.training.evaluation import Scorer, detect, evaluate_scorer, match
from vision.training.sources import LabelledPicture

SIDE_PX = 64


def save_grey(path: Path) -> Path:
    """A grey square of 64 px."""
    cv2.imwrite(str(path), np.full((SIDE_PX, SIDE_PX, 3), 127, dtype=np.uint8))
    return path


def make_scorer(rows: list[tuple[float, float, float, float, float, float]]) -> Scorer:
    """A head of two classes that gives these cells (centre x, centre y, width, height, two scores) for any picture."""

    def score(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        assert pictures.shape == (1, 3, SIDE_PX, SIDE_PX)
        return np.array(rows, dtype=np.float32).T[None]

    return score


def make_picture(path: Path, *, known: frozenset[int]) -> LabelledPicture:
    """Two boxes of class 0: a quarter of the square at the upper left, another at the lower right."""
    return LabelledPicture(
        path=save_grey(path),
        class_ids=np.array([0, 0]),
        boxes_cxcywh=np.array([[0.25, 0.25, 0.25, 0.25], [0.75, 0.75, 0.25, 0.25]], dtype=np.float32),
        known_classes=known,
        source="s",
    )


def test_evaluate_scorer__right_wrong_right(tmp_path: Path) -> None:
    """Of two boxes the best and the third-best detection find one each, the second-best is wrong."""
    scorer = make_scorer(
        [(16, 16, 16, 16, 0.9, 0), (16, 48, 16, 16, 0.8, 0), (48, 48, 16, 16, 0.7, 0)],
    )
    picture = make_picture(tmp_path / "a.png", known=frozenset({0, 1}))
    evaluation = evaluate_scorer(scorer, pictures=[picture], classes=["a", "b"], image_size=SIDE_PX)
    (score,) = evaluation.classes
    assert (score.name, score.pictures, score.instances) == ("a", 1, 2)
    # Precision is 1 up to recall 1/2 and 2/3 up to recall 1: 1/2 x 1 + 1/2 x 2/3 = 0.833; 101 points allow 0.01.
    assert score.ap50 == pytest.approx(0.8333, abs=0.01)
    # The two that are right are exact, so they are right at every IoU.
    assert score.ap50_95 == pytest.approx(score.ap50)
    assert evaluation.map50 == score.ap50


def test_evaluate_scorer__detection_of_a_class_that_is_not_labelled(tmp_path: Path) -> None:
    """Where a source does not label a class, finding it is not counted as wrong."""
    scorer = make_scorer([(16, 16, 16, 16, 0.9, 0), (48, 48, 16, 16, 0.8, 0), (32, 32, 8, 8, 0, 0.99)])
    silent = make_picture(tmp_path / "a.png", known=frozenset({0}))
    evaluation = evaluate_scorer(scorer, pictures=[silent], classes=["a", "b"], image_size=SIDE_PX)
    assert [score.name for score in evaluation.classes] == ["a"]
    assert evaluation.matches["a"].right.tolist() == [True, True]
    assert evaluation.map50 == pytest.approx(0.995, abs=0.006)


def test_evaluate_scorer__nothing_found(tmp_path: Path) -> None:
    """A detector that finds nothing has an average precision of 0, not none."""
    scorer = make_scorer([(16, 16, 16, 16, 0, 0)])
    picture = make_picture(tmp_path / "a.png", known=frozenset({0, 1}))
    evaluation = evaluate_scorer(scorer, pictures=[picture], classes=["a", "b"], image_size=SIDE_PX)
    assert [(score.name, score.ap50) for score in evaluation.classes] == [("a", 0.0)]


def test_match__iou_of_a_shifted_box() -> None:
    """A box of 10 x 10 shifted by 2 overlaps by 80 / 120 = 0.667: right at IoU 0.50 to 0.65, wrong from 0.70."""
    found = match(
        detections=np.array([[2.0, 0.0, 12.0, 10.0, 0.9, 0.0]]),
        truth_boxes=np.array([[0.0, 0.0, 10.0, 10.0]], dtype=np.float32),
        truth_ids=np.array([0]),
    )
    right = found >= 0
    assert right.tolist() == [[True] * 4 + [False] * 6]


def test_match__two_detections_of_one_box() -> None:
    """A box is found once: the better scored of two detections is right, though the other overlaps it more."""
    found = match(
        detections=np.array([[1.0, 0.0, 11.0, 10.0, 0.9, 0.0], [0.0, 0.0, 10.0, 10.0, 0.5, 0.0]]),
        truth_boxes=np.array([[0.0, 0.0, 10.0, 10.0]], dtype=np.float32),
        truth_ids=np.array([0]),
    )
    right = found >= 0
    assert right[:, 0].tolist() == [True, False]


def test_match__another_class() -> None:
    """A box of another class in the same place is not right."""
    found = match(
        detections=np.array([[0.0, 0.0, 10.0, 10.0, 0.9, 1.0]]),
        truth_boxes=np.array([[0.0, 0.0, 10.0, 10.0]], dtype=np.float32),
        truth_ids=np.array([0]),
    )
    right = found >= 0
    assert not right.any()


def test_detect__boxes_are_in_the_pictures_own_pixels() -> None:
    """A picture of 128 x 64 is halved and set 16 px lower: the square's (32, 32) is the picture's (64, 32)."""
    scorer = make_scorer([(32, 32, 8, 8, 0.9, 0)])
    picture = np.zeros((64, 128, 3), dtype=np.uint8)
    found = detect(scorer, picture=picture, image_size=SIDE_PX)
    np.testing.assert_allclose(found, [[56, 24, 72, 40, 0.9, 0]], atol=1e-4)
