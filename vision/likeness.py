"""Whether two pictures are copies of one: points are matched, one is laid over the other, and field by field compared.

Points alone do not tell a copy from a second photo of the same wall. What does is that in a copy every field agrees,
people, shadows and grass with it, while between two shots something moved.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.likeness import Likeness

Grey = NDArray[np.uint8]

_SIDE_PX: Final = 640
_POINTS: Final = 800
_RATIO: Final = 0.8  # Lowe, "Distinctive Image Features from Scale-Invariant Keypoints" (2004), 7.1
_REACH_PX: Final = 3.0  # RANSAC: of a point from where the mapping puts it
_LEAST_MATCHED: Final = 12  # four points make any mapping; eight more that agree are no chance
_FIELDS: Final = 20  # along the longer side
_TEXTURE_GREY: Final = 5.0  # standard deviation of a field; a plain sky agrees with every plain sky [grey levels]
_SAME_CORRELATION: Final = 0.8
_BURNT: Final = (5, 250)  # beyond them nothing shows, so a field with much of that says nothing [grey levels]
_MOST_BURNT: Final = 0.1
_BLUR_PX: Final = 1.5  # what recompression and a mapping that is half a pixel off do to fine grain is no difference


def compare_pictures(new: NDArray[np.uint8], earlier: NDArray[np.uint8]) -> Likeness | None:
    """Lay an earlier picture over a new one, also mirrored; None where no mapping between them is found.

    Args:
        new: (H, W, 3) uint8, blue, green, red, upright.
        earlier: likewise, of any size.
    """
    # Both as small as the smaller, because a reduced copy has lost the fine grain of what it is from.
    side = min(_SIDE_PX, max(new.shape), max(earlier.shape))
    new_grey, earlier_grey = _reduce(new, side), _reduce(earlier, side)
    likeness = _compare(new_grey, earlier_grey, is_mirrored=False)
    if likeness is not None:
        return likeness
    return _compare(new_grey, np.ascontiguousarray(earlier_grey[:, ::-1]), is_mirrored=True)


def _reduce(pixels: NDArray[np.uint8], side_px: int) -> Grey:
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    scale = side_px / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, np.uint8)


def _compare(new: Grey, earlier: Grey, *, is_mirrored: bool) -> Likeness | None:
    found = _match(new, earlier)
    if found is None:
        return None
    mapping, matched, tried = found
    height, width = new.shape
    laid = cv2.warpPerspective(earlier, mapping, (width, height))
    whole = np.full(earlier.shape, 255, np.uint8)
    cover = np.asarray(cv2.warpPerspective(whole, mapping, (width, height)), np.uint8) == np.iinfo(np.uint8).max
    same, compared = _compare_fields(new, np.asarray(laid, np.uint8), cover)
    return Likeness(
        matched=matched,
        matched_share=matched / tried,
        covered=float(cover.mean()),
        same=same,
        compared=compared,
        is_mirrored=is_mirrored,
    )


def _match(new: Grey, earlier: Grey) -> tuple[NDArray[np.float64], int, int] | None:
    """The mapping from the earlier to the new picture, how many points agree with it, and how many looked alike."""
    sift = cv2.SIFT.create(_POINTS)
    new_points, new_marks = sift.detectAndCompute(new, None)
    earlier_points, earlier_marks = sift.detectAndCompute(earlier, None)
    if min(len(new_points), len(earlier_points)) < _LEAST_MATCHED:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(earlier_marks, new_marks, k=2)
    good = [first for first, second in pairs if first.distance < _RATIO * second.distance]
    if len(good) < _LEAST_MATCHED:
        return None
    origins = np.array([earlier_points[pair.queryIdx].pt for pair in good], np.float32)
    places = np.array([new_points[pair.trainIdx].pt for pair in good], np.float32)
    mapping, inliers = cv2.findHomography(origins, places, cv2.RANSAC, _REACH_PX)
    # There may be none, which the library's types do not say.
    if np.shape(mapping) != (3, 3) or int(inliers.sum()) < _LEAST_MATCHED:
        return None
    return np.asarray(mapping, np.float64), int(inliers.sum()), len(good)


def _compare_fields(new: Grey, laid: Grey, cover: NDArray[np.bool_]) -> tuple[float, int]:
    """Which share of the fields agrees, brightness and contrast left out of it, and how many there are."""
    one, other = (cv2.GaussianBlur(grey, (0, 0), _BLUR_PX).astype(np.float32) for grey in (new, laid))
    burnt = (np.minimum(new, laid) < _BURNT[0]) | (np.maximum(new, laid) > _BURNT[1])
    same = compared = 0
    side = max(max(new.shape) // _FIELDS, 1)
    for top in range(0, new.shape[0] - side + 1, side):
        for left in range(0, new.shape[1] - side + 1, side):
            field = np.s_[top : top + side, left : left + side]
            a, b = one[field], other[field]
            deviations = float(a.std()), float(b.std())
            if not cover[field].all() or max(deviations) < _TEXTURE_GREY or burnt[field].mean() > _MOST_BURNT:
                continue
            compared += 1
            covariance = float(((a - a.mean()) * (b - b.mean())).mean())
            same += covariance >= _SAME_CORRELATION * max(deviations[0] * deviations[1], 1e-6)
    return (same / compared if compared else 0.0), compared
