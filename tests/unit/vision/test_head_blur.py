import numpy as np
import pytest

from domain.media import Detection
from vision.detector import Sight
from vision.head_blur import CELLS, Box, cover_heads, find_heads
from vision.picture import Picture

PERSON: Box = (100, 100, 180, 340)


def noise(seed: int = 1, *, width_px: int = 90, height_px: int = 90) -> Picture:
    """A picture in which every pixel is another colour."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height_px, width_px, 3), np.uint8)
    return Picture(pixels, width_px=width_px, height_px=height_px)


def contains(outer: Box, inner: Box) -> bool:
    """Whether a box lies inside another."""
    return outer[0] <= inner[0] and outer[1] <= inner[1] and outer[2] >= inner[2] and outer[3] >= inner[3]


def test_cover_heads__head__becomes_nine_colours_and_nothing_else_changes() -> None:
    """Of 60 x 60 different pixels 3 x 3 means are left, each that of its 20 x 20 pixels."""
    picture = noise()
    covered = cover_heads(picture, [(15, 15, 75, 75)]).pixels
    region = covered[15:75, 15:75]
    assert len(np.unique(region.reshape(-1, 3), axis=0)) <= CELLS**2 == 9
    mean = picture.pixels[15:35, 15:35].reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(region[0, 0], mean, atol=0.5)
    outside = np.ones((90, 90), bool)
    outside[15:75, 15:75] = False
    np.testing.assert_array_equal(covered[outside], picture.pixels[outside])


def test_cover_heads__two_faces_with_the_same_means__cannot_be_told_apart() -> None:
    """Pixels shuffled within each cell leave no trace, so nothing that is done to the result can bring them back."""
    one, other = noise(), noise()
    rng = np.random.default_rng(2)
    for top in (15, 35, 55):
        for left in (15, 35, 55):
            cell = other.pixels[top : top + 20, left : left + 20]
            cell[:] = rng.permutation(cell.reshape(-1, 3)).reshape(cell.shape)
    assert (one.pixels != other.pixels).any()
    head: Box = (15, 15, 75, 75)
    np.testing.assert_array_equal(cover_heads(one, [head]).pixels, cover_heads(other, [head]).pixels)


def test_cover_heads__overlapping_heads__tell_no_more_than_the_first_mosaic() -> None:
    """The second head is made from what the first left: pixels shuffled below the first leave no trace there."""
    one, other = noise(), noise()
    cell = other.pixels[15:35, 15:35]
    cell[:] = cell.reshape(-1, 3)[::-1].reshape(cell.shape)
    heads: list[Box] = [(15, 15, 75, 75), (20, 22, 80, 82)]
    np.testing.assert_array_equal(cover_heads(one, heads).pixels, cover_heads(other, heads).pixels)


@pytest.mark.parametrize("head", [(-20, -20, 10, 10), (80, 80, 200, 200), (95, 95, 99, 99), (5, 5, 6, 6), (3, 3, 3, 3)])
def test_cover_heads__at_the_border__is_covered_as_far_as_it_is_there(head: Box) -> None:
    """Heads may be cut by the picture's edge, lie outside, or be a pixel wide; the picture given is not changed."""
    picture = noise()
    before = picture.pixels.copy()
    assert cover_heads(picture, [head]).pixels.shape == before.shape
    np.testing.assert_array_equal(picture.pixels, before)


def test_cover_heads__reduced_picture__covers_by_the_originals_pixels() -> None:
    """In a picture that is reduced by 2, a head at 40 to 80 lies at 20 to 40."""
    pixels = noise().pixels
    covered = cover_heads(Picture(pixels, width_px=180, height_px=180), [(40, 40, 80, 80)]).pixels
    changed = (covered != pixels).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 39, 20, 39)


def test_find_heads__helmet__covers_the_face_below_it() -> None:
    """A detected head is its upper 61 %: of 61 px, the whole head is 100 px high."""
    (box,) = find_heads(Sight((Detection("hardhat", 0.9, (200, 100, 280, 161)),)))
    assert contains(box, (200, 100, 280, 200))


def test_find_heads__faint_head__is_covered_too() -> None:
    """What is too weak to count is covered all the same."""
    sight = Sight((), (Detection("no_hardhat", 0.06, (10, 10, 40, 50)),))
    assert len(find_heads(sight)) == 1


def test_find_heads__person_without_a_head__is_covered_from_the_top() -> None:
    """A quarter of the height, over the whole width, because a person who bends has the head at one side."""
    (box,) = find_heads(Sight((Detection("person", 0.8, PERSON),)))
    assert contains(box, (100, 100, 180, 160))
    assert box[3] < 220


def test_find_heads__person_cut_off_at_the_chest__is_covered_wholly() -> None:
    """What is wider than high shows little but a head and shoulders."""
    (box,) = find_heads(Sight((Detection("person", 0.8, (0, 0, 300, 150)),)))
    assert contains(box, (0, 0, 300, 150))


def test_find_heads__person_whose_head_was_seen__is_covered_there_alone() -> None:
    """One head, one box; a faint head somewhere on the body does not stand for the head."""
    person = Detection("person", 0.8, PERSON)
    head = Detection("no_hardhat", 0.7, (125, 102, 155, 128))
    assert len(find_heads(Sight((person, head)))) == 1
    faint = Detection("no_hardhat", 0.06, (125, 300, 155, 330))
    assert len(find_heads(Sight((person,), (faint,)))) == 2
    low = Detection("hardhat", 0.9, (125, 290, 155, 320))
    assert len(find_heads(Sight((person, low)))) == 2, "a helmet at the feet is no head of theirs"


def test_find_heads__nobody__is_empty() -> None:
    """Machines have no faces."""
    assert find_heads(Sight((Detection("machinery", 0.9, (0, 0, 100, 100)),))) == []
