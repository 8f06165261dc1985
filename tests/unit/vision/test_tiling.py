import numpy as np
import pytest

from domain.media import Detection
from vision.detector import Sight
from vision.picture import Picture
from vision.tiling import choose_grid, join_looks, look_closely, look_in_tiles


def _picture(width: int = 2000, height: int = 1500, *, reduced_by: int = 1) -> Picture:
    """Each pixel's blue is its column and its green its row, in steps of ten pixels."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, :, 0] = np.arange(width)[None, :] // 10
    pixels[:, :, 1] = np.arange(height)[:, None] // 10
    return Picture(pixels, width_px=width * reduced_by, height_px=height * reduced_by)


def _people(*heights: float, score: float = 0.8) -> tuple[Detection, ...]:
    return tuple(
        Detection("person", score, (100.0 * index, 0.0, 100.0 * index + 40, height))
        for index, height in enumerate(heights)
    )


class _Looks:
    """Sees one person at a place of the picture, wherever a tile holds it whole, and notes what it was shown."""

    model_name = "test 1"
    model_hashes: dict[str, str] = {}  # noqa: RUF012 - the port's

    def __init__(self, box: tuple[int, int, int, int]) -> None:
        """Stand at `box`, in the pixels of the picture."""
        self._box = box
        self.shown: list[tuple[int, int]] = []

    def look(self, picture: Picture) -> Sight:
        """Find where this part of the picture lies by its colours, and the person in it."""
        height, width = picture.pixels.shape[:2]
        self.shown.append((width, height))
        x0, y0, x1, y1 = self._box
        # The colours step at multiples of ten, so the first step tells the left edge to the pixel.
        left = int(picture.pixels[0, 9, 0]) * 10 - int(np.argmax(picture.pixels[0, :, 0] == picture.pixels[0, 9, 0]))
        top = int(picture.pixels[9, 0, 1]) * 10 - int(np.argmax(picture.pixels[:, 0, 1] == picture.pixels[9, 0, 1]))
        scale_x, scale_y = picture.scale_xy
        box = (max(0, x0 - left), max(0, y0 - top), min(width, x1 - left), min(height, y1 - top))
        if box[0] >= box[2] or box[1] >= box[3]:
            return Sight(())
        return Sight(
            (Detection("person", 0.8, (box[0] * scale_x, box[1] * scale_y, box[2] * scale_x, box[3] * scale_y)),)
        )


@pytest.mark.parametrize(
    ("heights", "grid"),
    [
        # A 2000 px picture is seen at 0.32: 300 px are 96 there, so no longer small.
        ((300,), 1),
        # 280 px are 90 px, and 160 px are reached with two tiles; 200 px are 64, and three tiles give 192.
        ((280,), 2),
        ((200,), 3),
        # Far smaller: three is all there is. The median counts, not one person far away.
        ((40,), 3),
        ((500, 400, 60), 1),
        ((), 1),
    ],
)
def test_choose_grid__by_the_median_height(heights: tuple[float, ...], grid: int) -> None:
    """So many tiles as make people 160 px high, where half of them are lower than 96."""
    assert choose_grid(Sight(_people(*heights)), _picture()) == grid


def test_choose_grid__nobody_counts__asks_the_faint_ones() -> None:
    """People too weak to count are mostly small; the faintest of all are a bush."""
    assert choose_grid(Sight((), _people(100, score=0.15)), _picture()) == 3
    assert choose_grid(Sight((), _people(100, score=0.05)), _picture()) == 1


def test_choose_grid__small_picture__has_nothing_more_to_show() -> None:
    """A picture of 1100 px, however small its people are."""
    assert choose_grid(Sight(_people(30)), _picture(1100, 800)) == 1


def test_look_closely__large_people__costs_one_look() -> None:
    """Whoever is 600 px high in 2000 was seen well."""
    looks = _Looks((100, 100, 400, 700))
    assert len(look_closely(_picture(), looks).detections) == 1
    assert looks.shown == [(2000, 1500)]


@pytest.mark.parametrize("reduced_by", [1, 2])
@pytest.mark.parametrize(
    "box", [(900, 700, 940, 800), (1000, 740, 1080, 900), (0, 0, 50, 100), (1950, 1400, 2000, 1500)]
)
def test_look_closely__one_small_person__is_told_once_where_they_are(
    box: tuple[int, int, int, int], reduced_by: int
) -> None:
    """On a seam, in two tiles at once, or at the picture's own corner; in the original's pixels."""
    looks = _Looks(box)
    (seen,) = look_closely(_picture(reduced_by=reduced_by), looks).detections
    assert seen.box_xyxy_px == tuple(value * reduced_by for value in box)
    assert len(looks.shown) > 1


def test_look_in_tiles__overlap_by_a_fifth_and_cover_all() -> None:
    """Two tiles of length a overlapping by a fifth cover 1.8 a: 2000 / 1.8 = 1111 px, 1500 / 1.8 = 833 px."""
    looks = _Looks((0, 0, 10, 10))
    look_in_tiles(_picture(), looks, whole=Sight(()), grid=2)
    assert looks.shown == [(1111, 833)] * 4


def test_join_looks__a_part_is_the_whole() -> None:
    """What a tile saw of somebody is they; a helmet on them is not, and a neighbour is not."""
    whole = Detection("person", 0.9, (0.0, 0.0, 100.0, 300.0))
    part = Detection("person", 0.8, (0.0, 0.0, 100.0, 150.0))
    helmet = Detection("hardhat", 0.7, (30.0, 0.0, 70.0, 40.0))
    neighbour = Detection("person", 0.6, (60.0, 0.0, 160.0, 300.0))
    assert join_looks([neighbour, part, helmet, whole]) == (whole, helmet, neighbour)
