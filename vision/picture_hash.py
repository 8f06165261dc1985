"""A picture's content in 64 bits: which of its coarse waves (DCT) are up and which are down.

After Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), with the sign of each wave
instead of a comparison with the median, so that a mirrored picture's hash is the same with signs changed. A copy may be
cut at its edges, so what is kept is the hash of the picture's middle, and a search tries every place in the copy where
that middle may have come to lie.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.picture_hash import BITS, PictureHash

_SIDE_PX: Final = 32
_FLAT_GREY: Final = 4.0
"""A middle whose standard deviation is less shows nothing to compare (night, a covered lens). [grey levels]"""

MIDDLE: Final = 0.8
"""The share of each side that is hashed: what a copy cut to 90 % of each side still holds, wherever it was cut."""
_CUT: Final = 0.9
_PLACES: Final = (0.0, 0.5, 1.0)
_PLACES_LATER: Final = (1 / 3, 1 / 2, 2 / 3)


@dataclass(frozen=True, slots=True)
class HashedPicture:
    """A picture as it is kept, and as earlier ones are looked for.

    Attributes:
        kept: of its middle.
        sought: of the places where an earlier picture's middle may lie: unchanged, mirrored, and cut.
        sought_later: of the places that may be the middle of what was made of this picture.
    """

    kept: PictureHash
    sought: tuple[PictureHash, ...]
    sought_later: tuple[PictureHash, ...]


def hash_picture(pixels: NDArray[np.uint8]) -> HashedPicture | None:
    """Hash an upright picture; None where it shows too little to be told from others.

    Args:
        pixels: (H, W, 3) uint8, blue, green, red.
    """
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    middle = _cut_window(grey, side=MIDDLE, place_xy=(0.5, 0.5))
    if middle.std() < _FLAT_GREY:
        return None
    kept = _hash_window(middle)
    whole = (kept, _hash_window(middle[:, ::-1]))
    # Cut to 90 % of the area the middle moves half as far, and the nine places are as near to each other.
    cut = [each for side in (_CUT, _CUT**0.5) for each in _hash_places(grey, side=MIDDLE / side, places=_PLACES)]
    # Of a cut to 0.9 of the sides the middle begins between 0.09 and 0.19, a third to two thirds of the way to 0.28.
    later = _hash_places(grey, side=MIDDLE * _CUT, places=_PLACES_LATER)
    return HashedPicture(kept, sought=(*whole, *cut), sought_later=(*whole, *later))


def _hash_places(grey: NDArray[np.uint8], *, side: float, places: tuple[float, ...]) -> list[PictureHash]:
    return [_hash_window(_cut_window(grey, side=side, place_xy=(x, y))) for x in places for y in places]


def _cut_window(grey: NDArray[np.uint8], *, side: float, place_xy: tuple[float, float]) -> NDArray[np.float32]:
    """A window of a share of each side, at a place between the left or upper (0) and the right or lower edge (1)."""
    height, width = grey.shape
    x, y = (place_xy[0] * (1 - side) * width, place_xy[1] * (1 - side) * height)
    part = grey[round(y) : round(y + side * height), round(x) : round(x + side * width)]
    return np.asarray(cv2.resize(part, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA), np.float32)


def _hash_window(window: NDArray[np.float32]) -> PictureHash:
    waves = cv2.dct(np.ascontiguousarray(window)).ravel()[_WAVES]
    bits = sum(1 << number for number in np.flatnonzero(waves > 0).tolist())
    return PictureHash(bits, tuple(np.argsort(np.abs(waves), kind="stable").tolist()))


def _list_waves() -> NDArray[np.intp]:
    """The 64 coarsest waves, from the coarsest up, as places in the flattened transform; the mean is none of them."""
    waves = sorted(
        ((row, column) for row in range(_SIDE_PX) for column in range(_SIDE_PX) if row + column),
        key=lambda wave: (wave[0] ** 2 + wave[1] ** 2, wave),
    )
    return np.array([row * _SIDE_PX + column for row, column in waves[:BITS]], np.intp)


_WAVES: Final = _list_waves()
