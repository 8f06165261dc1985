"""Heads in pictures that people are shown: where they may be, and how they are covered. No face is ever matched."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.detector import Sight
from vision.picture import Picture

Box = tuple[float, float, float, float]
"""(x_min, y_min, x_max, y_max), x right, y down. [px]"""

CELLS: Final = 3
"""A covered head becomes so many cells each way, whatever its size, and each cell one colour, the mean of what was
there. With the margins a face itself falls into one or two of them each way: some 12 numbers, of which light and helmet
take the most. Weaker blurs can be undone or matched (Hill et al. 2016, "On the (in)effectiveness of mosaicing and
blurring as tools for document redaction"; McPherson et al. 2016, "Defeating image obfuscation with deep learning").
A flat fill would tell still less, but also no longer whether the head is yellow or black, which a safety finding is
about."""

HEAD_LABELS: Final = frozenset({"hardhat", "no_hardhat"})

# A detected head is its upper part, as its training labels draw helmets and hair (see the model card).
_UPPER_SHARE: Final = 0.61

# Chosen on one half of hard_hat_workers, see benchmarks/privacy.py and docs/privacy.md.
_MARGIN: Final = 0.25
_PERSON_SCORE: Final = 0.05
_TOP_OF_HEIGHT: Final = 0.25
_TOP_OF_WIDTH: Final = 0.6
_HEAD_WITHIN: Final = 0.4


def find_heads(sight: Sight) -> list[Box]:
    """Where faces may be: every head that was seen or half seen, and the top of people without one.

    A person whose head was seen for certain is covered there alone. Where it was not, the whole width of the person's
    box is covered from its upper edge down to a quarter of its height, or more where the person bends or is cut off.

    Args:
        sight: of one picture, faint detections included.

    Returns:
        Boxes to cover, in the original's pixels, perhaps over its edges; empty where nobody may be. [px]
    """
    everything = (*sight.detections, *sight.faint)
    certain = [seen.box_xyxy_px for seen in sight.detections if seen.label in HEAD_LABELS]
    heads = [_whole_head(seen.box_xyxy_px) for seen in everything if seen.label in HEAD_LABELS]
    persons = [each.box_xyxy_px for each in everything if each.label == "person" and each.score >= _PERSON_SCORE]
    return heads + [_top(person) for person in persons if not any(_belongs(head, person) for head in certain)]


def cover_heads(picture: Picture, heads: Sequence[Box]) -> Picture:
    """The picture with `CELLS` by `CELLS` flat cells in place of each head.

    One head after another, so that of overlapping ones the later is made from what the earlier left: no second, shifted
    mosaic of the same face comes into being, from which more could be told than from one.

    Args:
        picture: not changed.
        heads: in the original's pixels. [px]
    """
    pixels = picture.pixels.copy()
    for head in heads:
        region = pixels[find_region(picture, head)]
        if region.size:
            _flatten_cells(region)
    return Picture(pixels, width_px=picture.width_px, height_px=picture.height_px, truncated=picture.truncated)


def find_region(picture: Picture, box: Box) -> tuple[slice, slice]:
    """Rows and columns of the picture's pixels that a box touches, rounded outwards, so that no row of a face stays.

    Args:
        picture: perhaps reduced.
        box: in the original's pixels. [px]
    """
    height, width = picture.pixels.shape[:2]
    scale_x, scale_y = width / picture.width_px, height / picture.height_px
    left, top = max(0, math.floor(box[0] * scale_x)), max(0, math.floor(box[1] * scale_y))
    right, bottom = min(width, math.ceil(box[2] * scale_x)), min(height, math.ceil(box[3] * scale_y))
    return slice(top, max(top, bottom)), slice(left, max(left, right))


def _flatten_cells(region: NDArray[np.uint8]) -> None:
    """Write into each cell of (H, W, 3) its own mean; cells are one pixel at least."""
    height, width = region.shape[:2]
    rows = np.linspace(0, height, min(CELLS, height) + 1).astype(int)
    columns = np.linspace(0, width, min(CELLS, width) + 1).astype(int)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            cell = region[top:bottom, left:right]
            cell[:] = np.round(cv2.mean(cell)[:3]).astype(np.uint8)


def _whole_head(upper: Box) -> Box:
    x_min, y_min, x_max, y_max = upper
    width, height = x_max - x_min, (y_max - y_min) / _UPPER_SHARE
    return (
        x_min - _MARGIN * width,
        y_min - _MARGIN * height,
        x_max + _MARGIN * width,
        y_min + (1 + _MARGIN) * height,
    )


def _top(person: Box) -> Box:
    x_min, y_min, x_max, y_max = person
    width, height = x_max - x_min, y_max - y_min
    deep = min(height, max(_TOP_OF_HEIGHT * height, _TOP_OF_WIDTH * width))
    return x_min, y_min - _MARGIN * deep, x_max, y_min + deep


def _belongs(head: Box, person: Box) -> bool:
    x, y = (head[0] + head[2]) / 2, (head[1] + head[3]) / 2
    lowest = person[1] + _HEAD_WITHIN * (person[3] - person[1])
    return person[0] <= x <= person[2] and person[1] - (head[3] - head[1]) / 2 <= y <= lowest
