import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vision.yolo_head import MAX_DETECTIONS, UnexpectedNetwork, read_head, suppress_overlaps


def _head(*anchors: tuple[float, ...]) -> NDArray[np.float32]:
    """Anchors (x, y, w, h, scores...) as the network lays them out."""
    return np.array(anchors, np.float32).T[None]


def test_read_head__centre_and_size_to_corners() -> None:
    """Centre (100, 50), 40 x 20: from (80, 40) to (120, 60)."""
    seen = read_head(_head((100, 50, 40, 20, 0.1, 0.9)), thresholds=(0.5, 0.5))
    assert seen.boxes_xyxy_px.tolist() == [[80, 40, 120, 60]]
    assert seen.classes.tolist() == [1]
    assert seen.scores.tolist() == pytest.approx([0.9])


def test_read_head__threshold_of_each_class() -> None:
    """0.4 counts for the class whose threshold is 0.4, and not for the one whose threshold is 0.5; strongest first."""
    head = _head((10, 10, 8, 8, 0.4, 0), (50, 50, 8, 8, 0, 0.4), (90, 90, 8, 8, 0.6, 0))
    seen = read_head(head, thresholds=(0.4, 0.5))
    assert seen.scores.tolist() == pytest.approx([0.6, 0.4])
    assert seen.classes.tolist() == [0, 0]


def test_read_head__strongest_class_below_its_threshold() -> None:
    """An anchor whose strongest class does not count is not taken for its second one."""
    assert read_head(_head((10, 10, 8, 8, 0.45, 0.4)), thresholds=(0.5, 0.3)).scores.size == 0


def test_read_head__same_thing_twice() -> None:
    """Of two boxes of a class with IoU 9/11 = 0.82 the weaker goes; of another class, both stay."""
    # 10 x 10 moved by 1: shared 90, union 110.
    same = _head((10, 10, 10, 10, 0.8, 0), (11, 10, 10, 10, 0.9, 0), (11, 10, 10, 10, 0, 0.7))
    seen = read_head(same, thresholds=(0.5, 0.5))
    assert [(int(c), round(float(s), 1)) for c, s in zip(seen.classes, seen.scores, strict=True)] == [
        (0, 0.9),
        (1, 0.7),
    ]


def test_read_head__too_many() -> None:
    """A crowd of 400 separate boxes gives the 300 strongest."""
    crowd = [(20.0 * i, 10.0, 8.0, 8.0, 0.5 + i / 1000) for i in range(400)]
    seen = read_head(_head(*crowd), thresholds=(0.25,))
    assert len(seen.scores) == MAX_DETECTIONS
    assert seen.scores[-1] == pytest.approx(0.6)


@pytest.mark.parametrize("shape", [(1, 7, 10), (2, 6, 10), (6, 10), (1, 300, 6)])
def test_read_head__other_shape(shape: tuple[int, ...]) -> None:
    """Two classes make 4 + 2 rows; anything else is another network."""
    with pytest.raises(UnexpectedNetwork):
        read_head(np.zeros(shape, np.float32), thresholds=(0.5, 0.5))


def test_suppress_overlaps__as_another_library() -> None:
    """What stays of 200 random boxes of 3 classes is what OpenCV's batched suppression keeps."""
    random = np.random.default_rng(7)
    corner = random.uniform(0, 100, (200, 2))
    size = random.uniform(10, 60, (200, 2))
    scores = np.sort(random.uniform(0.3, 1, 200))[::-1].astype(np.float32)
    classes = random.integers(0, 3, 200)
    boxes = np.concatenate([corner, corner + size], axis=1).astype(np.float32)
    xywh = np.concatenate([corner, size], axis=1).tolist()
    theirs = cv2.dnn.NMSBoxesBatched(xywh, scores.tolist(), classes.tolist(), 0.0, 0.5)
    assert suppress_overlaps(boxes, classes=classes, max_overlap=0.5).tolist() == sorted(np.array(theirs).tolist())
    assert 3 < len(theirs) < 200


def test_suppress_overlaps__none() -> None:
    """No boxes, none kept."""
    assert suppress_overlaps(np.empty((0, 4), np.float32), classes=np.empty(0, np.int64), max_overlap=0.5).size == 0
