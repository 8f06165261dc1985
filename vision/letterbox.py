"""A picture of any shape in the square that a network sees, and boxes of that square back in the picture."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.picture import Picture

PADDING_GREY: Final = 114
"""The grey beside the picture: what ultralytics trains with."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where in the square the picture lies.

    Attributes:
        left_px: the picture's left edge in the square. [px]
        top_px: its upper edge. [px]
        width_px: its width there. [px]
        height_px: its height there. [px]
    """

    left_px: int
    top_px: int
    width_px: int
    height_px: int


def place(width_px: int, height_px: int, *, side_px: int) -> Placement:
    """Fit a picture into the middle of a square as ultralytics' LetterBox does, half pixels going right and down.

    Args:
        width_px: of the pixels. [px]
        height_px: of the pixels. [px]
        side_px: of the square. [px]
    """
    gain = min(side_px / width_px, side_px / height_px)
    width, height = max(1, round(width_px * gain)), max(1, round(height_px * gain))
    return Placement(
        left_px=round((side_px - width) / 2 - 0.1),
        top_px=round((side_px - height) / 2 - 0.1),
        width_px=width,
        height_px=height,
    )


def letterbox(picture: Picture, side_px: int) -> tuple[NDArray[np.float32], Placement]:
    """The network's input.

    Args:
        picture: of any shape.
        side_px: of the square. [px]

    Returns:
        (1, 3, side, side) float32 in [0, 1], channels red, green, blue, grey beside the picture; and where it lies.
    """
    height, width = picture.pixels.shape[:2]
    placement = place(width, height, side_px=side_px)
    inner = (placement.width_px, placement.height_px)
    resized = picture.pixels
    if inner != (width, height):
        resized = np.asarray(cv2.resize(picture.pixels, inner, interpolation=cv2.INTER_LINEAR), np.uint8)
    square = np.full((side_px, side_px, 3), PADDING_GREY, np.uint8)
    square[placement.top_px : placement.top_px + inner[1], placement.left_px : placement.left_px + inner[0]] = resized
    blob = cv2.dnn.blobFromImage(square, scalefactor=1 / 255, swapRB=True)
    return np.asarray(blob, np.float32), placement


def unletterbox(boxes_xyxy_px: NDArray[np.float32], *, placement: Placement, picture: Picture) -> NDArray[np.float32]:
    """Boxes of the square in the original's upright pixels, clipped to the picture.

    Args:
        boxes_xyxy_px: (N, 4) in the square. [px]
        placement: what `letterbox` gave.
        picture: the same that went in.

    Returns:
        (N, 4), in the original's pixels. [px]
    """
    offset = np.array([placement.left_px, placement.top_px] * 2, np.float32)
    scale_x, scale_y = picture.width_px / placement.width_px, picture.height_px / placement.height_px
    scale = np.array([scale_x, scale_y] * 2, np.float32)
    limit = np.array([picture.width_px, picture.height_px] * 2, np.float32)
    return np.asarray(np.clip((boxes_xyxy_px - offset) * scale, 0, limit), np.float32)
