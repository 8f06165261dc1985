import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from domain.picture_hash import ALIKE_BITS, BITS, count_different_bits
from vision.likeness import compare_pictures
from vision.picture_hash import hash_picture

Pixels = NDArray[np.uint8]


def draw_scene(seed: int) -> Pixels:
    """A picture of 480 x 640 with coarse and fine content of its own."""
    chance = np.random.default_rng(seed)
    layers = [
        cv2.resize(
            chance.uniform(0, 255, (3 * k, 4 * k, 3)).astype(np.float32), (640, 480), interpolation=cv2.INTER_CUBIC
        )
        for k in (2, 8, 40)
    ]
    return np.asarray(np.clip(0.5 * layers[0] + 0.25 * layers[1] + 0.25 * layers[2], 0, 240), np.uint8)


def distance(new: Pixels, earlier: Pixels) -> int:
    """The least of the distances that a search looks at."""
    sought, kept = hash_picture(new), hash_picture(earlier)
    assert sought is not None
    assert kept is not None
    return min(count_different_bits(each.bits, kept.kept.bits) for each in sought.sought)


COPIES = {
    "resized": lambda p: cv2.resize(p, (400, 300), interpolation=cv2.INTER_AREA),
    "brighter": lambda p: cv2.convertScaleAbs(p, None, 1.0, 15),
    "cut at the left and top": lambda p: p[48:, 64:],
    "cut at the right": lambda p: p[:, :576],
    "mirrored": lambda p: np.ascontiguousarray(p[:, ::-1]),
}


@pytest.mark.parametrize("way", COPIES)
def test_hash_picture__copies__are_near_and_laid_over_each_other_show_the_same(way: str) -> None:
    """48 of 480 rows and 64 of 640 columns are a tenth of a side; only the mirrored copy is told to be mirrored."""
    scene = draw_scene(1)
    copy = np.asarray(COPIES[way](scene), np.uint8)  # type: ignore[no-untyped-call]
    assert distance(copy, scene) <= ALIKE_BITS
    likeness = compare_pictures(copy, scene)
    assert likeness is not None
    assert likeness.same > 0.95
    assert likeness.covered > 0.9
    assert likeness.is_mirrored is (way == "mirrored")


def test_hash_picture__different_scenes__are_far_apart_and_cannot_be_laid_over_each_other() -> None:
    """Unrelated hashes differ in about half of their bits."""
    assert distance(draw_scene(1), draw_scene(2)) > ALIKE_BITS
    assert compare_pictures(draw_scene(1), draw_scene(2)) is None


def test_compare_pictures__the_same_place_with_a_third_changed__shows_a_third_less() -> None:
    """The left 192 of 640 columns, three tenths, show something else; whole fields of 32 px are 6 of 20 columns."""
    scene, changed = draw_scene(1), draw_scene(1)
    changed[:, :192] = draw_scene(2)[:, :192]
    likeness = compare_pictures(changed, scene)
    assert likeness is not None
    assert likeness.same == pytest.approx(0.7, abs=0.05)


def test_hash_picture__a_plain_wall_or_the_night__has_none() -> None:
    """What shows nothing is like everything else that shows nothing."""
    assert hash_picture(np.full((240, 320, 3), 90, np.uint8)) is None


def test_hash_picture__uncertain__names_every_bit_once() -> None:
    """A search turns them in this order."""
    hashed = hash_picture(draw_scene(3))
    assert hashed is not None
    assert sorted(hashed.kept.uncertain) == list(range(BITS))
    assert 0 <= hashed.kept.bits < 2**BITS
