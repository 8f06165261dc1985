"""A second look in tiles, where a picture is large and its people are small. Whether it is worth it is estimated first.

The network sees a square of some 640 px, so of a photo of 2000 px it sees a third in each direction. A tile is seen at
two to three times the size, and every tile costs as much as the whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

import numpy as np

from domain.media import Detection
from vision.detector import Detector, Sight
from vision.hazard import NETWORK_SIDE_PX, Box, box_area, box_height, shared_area
from vision.picture import Picture

SMALL_PX: Final = 96.0
"""Where half of the people are lower than this in the network's picture, tiles are taken: their heads are 12 px, one
and a half strides of the network. Chosen on the validation pictures of Construction Site Safety v28: composed into
eight large ones, the median was 77 to 91 px in each; of 38 alone, enlarged, it was lower than 96 in 4. [px]"""

SEEN_PX: Final = 160.0
"""So high they are to be in a tile, as far as `GRIDS` goes. [px]"""

LARGE_SIDE_PX: Final = 1200
"""Below this a picture holds no detail that the whole look has not seen. [px]"""

GRIDS: Final = (2, 3)
"""So many tiles in each direction."""

_OVERLAP: Final = 0.2  # of a tile: somebody on a seam is whole in one of the two
_HINT_SCORE: Final = 0.1  # a person so weak is none that counts, and still a hint at people who are small
_EDGE_PX: Final = 3.0
_SAME: Final = 0.6  # of the smaller one of two boxes


@dataclass(frozen=True, slots=True, eq=False)
class _Tile:
    """A part of a picture, as a picture of its own.

    Attributes:
        left: of it in the picture's pixels. [px]
        top: likewise. [px]
    """

    picture: Picture
    left: int
    top: int

    def cuts(self, box: Box, whole: Picture) -> bool:
        """Whether an edge of the tile that is none of the whole picture's goes through a box of the tile's pixels."""
        height, width = whole.pixels.shape[:2]
        right, bottom = self.picture.width_px, self.picture.height_px
        return (
            (self.left > 0 and box[0] <= _EDGE_PX)
            or (self.top > 0 and box[1] <= _EDGE_PX)
            or (self.left + right < width and box[2] >= right - _EDGE_PX)
            or (self.top + bottom < height and box[3] >= bottom - _EDGE_PX)
        )


def look_closely(picture: Picture, detector: Detector) -> Sight:
    """Look at the whole, and in tiles if that is estimated to bring something.

    Args:
        picture: a photo, its pixels not reduced below what tiles need.
        detector: that looks.
    """
    whole = detector.look(picture)
    return look_in_tiles(picture, detector, whole=whole, grid=choose_grid(whole, picture))


def look_in_tiles(picture: Picture, detector: Detector, *, whole: Sight, grid: int) -> Sight:
    """Look in so many tiles in each direction, and join what they and the look at the whole saw.

    Args:
        picture: as of `look_closely`.
        detector: that looks.
        whole: the look at the whole; it is the answer where `grid` is 1.
        grid: of `choose_grid`.
    """
    if grid == 1:
        return whole
    sights = [_shift(detector.look(tile.picture), tile, picture) for tile in _cut_tiles(picture, grid)]
    counted = [each for sight in (whole, *sights) for each in sight.detections]
    faint = [each for sight in (whole, *sights) for each in sight.faint]
    return Sight(join_looks(counted), tuple(sorted(faint, key=lambda each: -each.score)))


def choose_grid(whole: Sight, picture: Picture) -> int:
    """How many tiles in each direction are worth their time, from the heights of people in the look at the whole.

    People who count are asked; where there are none, faint ones, for the very small are faint. Nobody found is no hint.

    Args:
        whole: what the look at the whole gave.
        picture: of it.

    Returns:
        1 for none.
    """
    if max(picture.pixels.shape[:2]) < LARGE_SIDE_PX:
        return 1
    heights = _list_heights(whole.detections) or _list_heights(whole.faint)
    if not heights:
        return 1
    height = median(heights) * NETWORK_SIDE_PX / max(picture.width_px, picture.height_px)
    if height >= SMALL_PX:
        return 1
    return next((grid for grid in GRIDS if height * grid >= SEEN_PX), GRIDS[-1])


def _list_heights(seen: Sequence[Detection]) -> list[float]:
    return [box_height(each.box_xyxy_px) for each in seen if each.label == "person" and each.score >= _HINT_SCORE]


def _cut_tiles(picture: Picture, grid: int) -> Iterator[_Tile]:
    """Tiles that cover the picture and overlap."""
    height, width = picture.pixels.shape[:2]
    for top, bottom in _cut(height, grid):
        for left, right in _cut(width, grid):
            pixels = np.ascontiguousarray(picture.pixels[top:bottom, left:right])
            yield _Tile(Picture(pixels, width_px=right - left, height_px=bottom - top), left, top)


def join_looks(detections: Sequence[Detection]) -> tuple[Detection, ...]:
    """Of what several looks saw of one thing, the strongest; strongest first.

    A box is the same as a stronger one of its label if they share most of the smaller one: a tile may show a part.
    """
    kept: list[Detection] = []
    for each in sorted(detections, key=lambda seen: -seen.score):
        if not any(one.label == each.label and _is_same(one.box_xyxy_px, each.box_xyxy_px) for one in kept):
            kept.append(each)
    return tuple(kept)


def _cut(length: int, grid: int) -> list[tuple[int, int]]:
    size = min(length, round(length / (grid - (grid - 1) * _OVERLAP)))
    starts = np.linspace(0, length - size, grid).round().astype(int)
    return [(int(start), int(start) + size) for start in starts]


def _shift(sight: Sight, tile: _Tile, picture: Picture) -> Sight:
    """A tile's sight in the original's pixels, less what the tile's own edge cuts."""
    scale_x, scale_y = picture.scale_xy

    def move(seen: Sequence[Detection]) -> tuple[Detection, ...]:
        return tuple(
            replace(
                each,
                box_xyxy_px=(
                    (each.box_xyxy_px[0] + tile.left) * scale_x,
                    (each.box_xyxy_px[1] + tile.top) * scale_y,
                    (each.box_xyxy_px[2] + tile.left) * scale_x,
                    (each.box_xyxy_px[3] + tile.top) * scale_y,
                ),
            )
            for each in seen
            if not tile.cuts(each.box_xyxy_px, picture)
        )

    return Sight(move(sight.detections), move(sight.faint))


def _is_same(stronger: Box, weaker: Box) -> bool:
    smaller = min(box_area(stronger), box_area(weaker))
    return smaller > 0 and shared_area(stronger, weaker) >= _SAME * smaller
