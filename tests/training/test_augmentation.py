"""Tests of what is done to pictures before the detector sees them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.training.augmentation import PictureUnreadableError, augment, letterbox, read_picture
from vision.training.sources import LabelledPicture


def test_letterbox__wide_picture() -> None:
    """200 x 100 into 64: scale 0.32, 64 x 32 pixels, 16 rows of grey above and below."""
    square, scale, offset = letterbox(np.full((100, 200, 3), 255, dtype=np.uint8), side_px=64)
    assert (square.shape, offset) == ((64, 64, 3), (0.0, 16.0))
    assert scale == pytest.approx(0.32)
    assert square[:16].max() == square[48:].max() == 114
    assert square[16:48].min() == 255


def test_read_picture__channels_are_red_green_blue(tmp_path: Path) -> None:
    """A red picture, which OpenCV writes as blue, green, red, reads as (255, 0, 0)."""
    cv2.imwrite(str(tmp_path / "red.png"), np.full((2, 2, 3), (0, 0, 255), dtype=np.uint8))
    assert read_picture(tmp_path / "red.png")[0, 0].tolist() == [255, 0, 0]


def test_read_picture__no_picture(tmp_path: Path) -> None:
    """Bytes that are not a picture are an error that names the file."""
    (tmp_path / "a.jpg").write_bytes(b"not a picture")
    with pytest.raises(PictureUnreadableError, match=r"a\.jpg"):
        read_picture(tmp_path / "a.jpg")


@pytest.mark.parametrize("seed", range(12))
def test_augment__box_follows_the_pixels(tmp_path: Path, seed: int) -> None:
    """Zoomed, stretched, turned, shifted or mirrored, the box is where the white rectangle is."""
    canvas = np.zeros((300, 400, 3), dtype=np.uint8)
    canvas[120:180, 150:250] = 255
    cv2.imwrite(str(tmp_path / "a.png"), canvas)
    picture = LabelledPicture(
        path=tmp_path / "a.png",
        class_ids=np.array([3]),
        boxes_cxcywh=np.array([[0.5, 0.5, 0.25, 0.2]], dtype=np.float32),
        known_classes=frozenset({3}),
        source="s",
    )
    square, class_ids, boxes = augment(picture, side_px=320, rng=np.random.default_rng(seed))
    assert square.shape == (320, 320, 3)
    assert class_ids.tolist() == [3]
    # The grey around is 114 of 255 of the white, whatever the brightness was changed to.
    ys, xs = np.nonzero(square.max(axis=2) > 0.7 * square.max())
    centre, size = boxes[0, :2] * 320, boxes[0, 2:] * 320
    seen = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
    np.testing.assert_allclose(np.concatenate([centre - size / 2, centre + size / 2]), seen, atol=4)


def test_augment__same_state_same_square(tmp_path: Path) -> None:
    """The same random state gives the same picture, another state another one."""
    cv2.imwrite(str(tmp_path / "a.png"), np.random.default_rng(0).integers(0, 255, (50, 80, 3), dtype=np.uint8))
    picture = LabelledPicture(
        path=tmp_path / "a.png",
        class_ids=np.zeros(0, dtype=np.int64),
        boxes_cxcywh=np.zeros((0, 4), dtype=np.float32),
        known_classes=frozenset(),
        source="s",
    )
    first, again, other = (augment(picture, side_px=64, rng=np.random.default_rng(seed))[0] for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
