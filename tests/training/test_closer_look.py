"""Tests of what stands beside an average precision: its luck, sizes, scores, and pictures to look at."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.test_evaluation import SIDE_PX, make_picture, make_scorer
from vision.training.contact_sheet import write_contact_sheets
from vision.training.evaluation import Evaluation, Matches, PictureMatches, evaluate_scorer
from vision.training.interval import bootstrap_ap50
from vision.training.measured import measure_closer
from vision.training.object_size import score_sizes
from vision.training.reliability import calibration_error, draw_reliability, measure_reliability
from vision.training.sources import LabelledPicture


def make_row(
    *, boxes: list[tuple[float, float, float, float]], found: list[tuple[float, float, float, float, float, bool]]
) -> PictureMatches:
    """A picture of 640 x 640 with boxes of class 0 and detections (box, score, whether it is one of them)."""
    abouts = [boxes.index(each[:4]) if each[5] else -1 for each in found]
    return PictureMatches(
        picture=LabelledPicture(
            path=Path("a.png"),
            class_ids=np.zeros(len(boxes), dtype=np.int64),
            boxes_cxcywh=np.zeros((len(boxes), 4), dtype=np.float32),
            known_classes=frozenset({0}),
            source="s",
        ),
        size_px=(640, 640),
        detections=np.array([[*each[:5], 0.0] for each in found]).reshape(-1, 6),
        found=np.repeat(np.array(abouts, dtype=np.int64)[:, None], 10, axis=1),
        truth_boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
    )


def test_bootstrap_ap50__pictures_that_are_all_alike() -> None:
    """Where every picture is found whole, no drawing of pictures gives anything else."""
    row = make_row(boxes=[(0, 0, 10, 10)], found=[(0, 0, 10, 10, 0.9, True)])
    low, high = bootstrap_ap50([row] * 5, rounds=20)[0]
    assert low == high == pytest.approx(0.995, abs=0.006)


def test_bootstrap_ap50__half_of_the_pictures_missed() -> None:
    """20 pictures, 10 found and 10 missed: the recall of a drawing is binomial, sd sqrt(.25 / 20) = 0.11."""
    found = make_row(boxes=[(0, 0, 10, 10)], found=[(0, 0, 10, 10, 0.9, True)])
    missed = make_row(boxes=[(0, 0, 10, 10)], found=[])
    low, high = bootstrap_ap50([found, missed] * 10)[0]
    # 1.96 standard deviations are 0.22; 300 rounds and steps of a twentieth leave 0.06.
    assert low == pytest.approx(0.28, abs=0.06)
    assert high == pytest.approx(0.72, abs=0.06)


def test_bootstrap_ap50__no_pictures() -> None:
    """Of nothing there is no interval."""
    assert bootstrap_ap50([]) == {}


def test_score_sizes__each_box_counts_in_its_own_size() -> None:
    """At 320 px a picture of 640 is halved: 40 becomes 20 (small, missed), 100 becomes 50 (medium, found)."""
    row = make_row(
        boxes=[(0, 0, 40, 40), (200, 200, 300, 300)],
        found=[(200, 200, 300, 300, 0.9, True), (400, 400, 440, 440, 0.8, False)],
    )
    small, medium, large = score_sizes([row], image_size=320)
    assert (small.instances, medium.instances, large.instances) == ({0: 1}, {0: 1}, {})
    # The found box is not held against the small ones, the wrong small detection not against the medium ones.
    assert small.ap50[0] == 0.0
    assert medium.ap50[0] == pytest.approx(0.995, abs=0.006)
    assert large.ap50 == {}


def test_score_sizes__no_pictures() -> None:
    """Of nothing every size is empty."""
    assert [each.instances for each in score_sizes([], image_size=640)] == [{}, {}, {}]


def test_measure_reliability__a_score_that_promises_too_much() -> None:
    """Four detections at 0.95, one of them right: precision 1/4 where the score says 0.95."""
    matches = Matches(scores=np.array([0.95] * 4), right=np.array([True, False, False, False]), instances=4)
    bins = measure_reliability(matches)
    assert [each.detections for each in bins] == [0] * 9 + [4]
    assert bins[-1].precision == 0.25
    assert calibration_error(bins) == pytest.approx(0.70)


def test_measure_reliability__the_greatest_score() -> None:
    """A score of exactly 1 falls into the last bin, one below the least into none."""
    bins = measure_reliability(Matches(scores=np.array([1.0, 0.05]), right=np.array([True, True]), instances=2))
    assert sum(each.detections for each in bins) == bins[-1].detections == 1


def test_calibration_error__no_detection() -> None:
    """Without a detection nothing is wrong."""
    none = Matches(scores=np.zeros(0), right=np.zeros(0, dtype=bool), instances=3)
    assert calibration_error(measure_reliability(none)) == 0.0


def test_draw_reliability__the_same_figures_give_the_same_file(tmp_path: Path) -> None:
    """The diagram is an SVG that holds the class's name as a drawing, and changes only with the figures."""
    matches = {"person": Matches(scores=np.array([0.9, 0.4]), right=np.array([True, False]), instances=2)}
    draw_reliability(matches, path=tmp_path / "a.svg")
    draw_reliability(matches, path=tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


def evaluate_two(tmp_path: Path) -> Evaluation:
    """Two pictures, each with two boxes of which the upper left is found."""
    scorer = make_scorer([(16, 16, 16, 16, 0.9, 0)])
    pictures = [make_picture(tmp_path / f"{name}.png", known=frozenset({0, 1})) for name in "ab"]
    return evaluate_scorer(scorer, pictures=pictures, classes=["a", "b"], image_size=SIDE_PX)


def test_measure_closer__stands_beside_each_class(tmp_path: Path) -> None:
    """Half of the boxes of 16 px are found, whatever is drawn, and their score of 0.9 is right each time."""
    look = measure_closer(evaluate_two(tmp_path), image_size=SIDE_PX)
    low, high = look.interval_by_class["a"]
    assert low == high == pytest.approx(0.5, abs=0.01)
    assert look.calibration_error_by_class["a"] == pytest.approx(0.1, abs=1e-4)
    instances, ap50 = look.by_size("small", "a")
    assert instances == 4
    assert ap50 == pytest.approx(0.5, abs=0.01)
    assert look.by_size("large", "a") == (0, 0.0)


def test_write_contact_sheets__best_worst_random(tmp_path: Path) -> None:
    """Three sheets, each with the found box in green and the missed one in yellow."""
    written = write_contact_sheets(evaluate_two(tmp_path), classes=["a", "b"], folder=tmp_path / "sheets", name="val")
    assert [path.name for path in written] == ["val-best.jpg", "val-worst.jpg", "val-random.jpg"]
    read = cv2.imread(str(written[0]))
    assert read is not None
    sheet = read.astype(int)
    assert sheet.shape == (480, 4 * 480, 3)
    # A cell is 480 px of 64: the found box's left side lies at 8 x 7.5 = 60, the missed one's at 40 x 7.5 = 300.
    blue, green, red = sheet[100, 60]
    assert green > red + 60
    assert green > blue + 60
    blue, green, red = sheet[350, 300]
    assert red > blue + 60
    assert green > blue + 60


def test_write_contact_sheets__no_picture_with_a_box(tmp_path: Path) -> None:
    """Where nothing is labelled nothing is best or worst."""
    empty = Evaluation(pictures=0, classes=(), matches={}, rows=())
    assert write_contact_sheets(empty, classes=["a"], folder=tmp_path / "sheets", name="val") == []
    assert not (tmp_path / "sheets").exists()
