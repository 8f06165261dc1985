"""From a labelled picture to the array that the detector is shown.

Reading, letterboxing for evaluation, and the random changes of geometry and colour for training. Knows numpy and
OpenCV, not torch.
"""

from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from domain.errors import Invalid
from vision.training.sources import LabelledPicture

Picture = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]
PADDING_GREY = 114  # what YOLOv8 was trained with around letterboxed pictures


class PictureUnreadableError(Invalid):
    """A training picture cannot be decoded."""

    code: ClassVar[str] = "vision.training_picture_unreadable"


def read_picture(path: Path) -> Picture:
    """Pixels of a picture file, (H, W, 3) uint8, RGB.

    Raises:
        PictureUnreadableError: OpenCV cannot decode it.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise PictureUnreadableError(f"{path} cannot be decoded as a picture.")
    return np.ascontiguousarray(bgr[:, :, ::-1])


def letterbox(picture: Picture, *, side_px: int) -> tuple[Picture, float, tuple[float, float]]:
    """The picture scaled to fit a square and centred in it on grey.

    Args:
        picture: (H, W, 3) uint8.
        side_px: side of the square. [px]

    Returns:
        The (side, side, 3) square, the scale, and the (x, y) offset of the picture's corner in the square. [px]
    """
    height, width = picture.shape[:2]
    scale = min(side_px / height, side_px / width)
    new_width, new_height = round(width * scale), round(height * scale)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = picture if scale == 1 else cv2.resize(picture, (new_width, new_height), interpolation=interpolation)
    left, top = (side_px - new_width) // 2, (side_px - new_height) // 2
    square = np.full((side_px, side_px, 3), PADDING_GREY, dtype=np.uint8)
    square[top : top + new_height, left : left + new_width] = resized
    return square, scale, (float(left), float(top))


def boxes_xyxy_px(picture: LabelledPicture, *, width_px: int, height_px: int) -> Boxes:
    """The labels in the picture's pixels: (N, 4) float32, rows x_min, y_min, x_max, y_max, as a box has them. [px]."""
    centre, half = picture.boxes_cxcywh[:, :2], picture.boxes_cxcywh[:, 2:] / 2
    size = np.array([width_px, height_px, width_px, height_px], dtype=np.float32)
    return np.concatenate([centre - half, centre + half], axis=1) * size


def augment(
    picture: LabelledPicture, *, side_px: int, rng: np.random.Generator
) -> tuple[Picture, npt.NDArray[np.int64], Boxes]:
    """A randomly changed square of the picture, with the labels that are still seen in it.

    Geometry: zoom 0.5 to 1.8 of the letterboxed size, sides stretched by up to 15 %, a shift, up to 5 degrees of turn,
    mirrored half the time.

    Colour: hue, saturation, brightness; now and then grey, blur, noise or strong JPEG compression.

    Args:
        picture: what to show.
        side_px: side of the result. [px]
        rng: source of all randomness; the same state gives the same square.

    Returns:
        (side, side, 3) uint8 RGB; (M,) class ids; (M, 4) float32 boxes centre x, centre y, width, height as fractions.
    """
    pixels = read_picture(picture.path)
    height, width = pixels.shape[:2]
    matrix = _random_affine(rng=rng, width_px=width, height_px=height, side_px=side_px)
    square = cv2.warpAffine(
        _shrink_first(pixels, matrix),
        _after_shrinking(pixels, matrix),
        (side_px, side_px),
        flags=cv2.INTER_LINEAR,
        borderValue=(PADDING_GREY,) * 3,
    )
    boxes, seen = _move_boxes(boxes_xyxy_px(picture, width_px=width, height_px=height), matrix=matrix, side_px=side_px)
    square = _change_colour(np.asarray(square, dtype=np.uint8), rng=rng)
    if rng.random() < 0.5:  # noqa: PLR2004 - a coin
        square = square[:, ::-1]
        boxes = np.stack([side_px - boxes[:, 2], boxes[:, 1], side_px - boxes[:, 0], boxes[:, 3]], axis=1)
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    fractions = np.concatenate([centre, size], axis=1) / side_px
    return np.ascontiguousarray(square), picture.class_ids[seen], fractions[seen].astype(np.float32)


def _random_affine(*, rng: np.random.Generator, width_px: int, height_px: int, side_px: int) -> npt.NDArray[np.float64]:
    fit = side_px / max(width_px, height_px)
    zoom = fit * float(np.exp(rng.uniform(np.log(0.5), np.log(1.8))))
    stretch = float(np.exp(rng.uniform(-0.15, 0.15)) ** 0.5)
    angle = np.deg2rad(rng.uniform(-5, 5)) if rng.random() < 0.3 else 0.0  # noqa: PLR2004 - 30 % of the pictures
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([zoom * stretch, zoom / stretch])
    extent = np.array([width_px, height_px]) * [zoom * stretch, zoom / stretch]
    # A picture larger than the square is cropped anywhere in it, a smaller one placed anywhere in the square.
    slack = np.abs(side_px - extent) / 2
    centre_px = side_px / 2 + rng.uniform(-1, 1, size=2) * slack
    shift = centre_px - linear @ (np.array([width_px, height_px]) / 2)
    return np.concatenate([linear, shift[:, None]], axis=1)


def _shrinking(matrix: npt.NDArray[np.float64]) -> float:
    return min(1.0, float(np.sqrt(abs(np.linalg.det(matrix[:, :2])))))


def _shrink_first(pixels: Picture, matrix: npt.NDArray[np.float64]) -> Picture:
    # warpAffine samples four neighbours only, so shrinking by it alone would alias.
    shrinking = _shrinking(matrix)
    if shrinking > 0.7:  # noqa: PLR2004 - bilinear sampling is good enough down to there
        return pixels
    height, width = pixels.shape[:2]
    size = (max(1, round(width * shrinking)), max(1, round(height * shrinking)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _after_shrinking(pixels: Picture, matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shrunk = _shrink_first(pixels, matrix).shape if _shrinking(matrix) <= 0.7 else pixels.shape  # noqa: PLR2004
    factors = np.array([pixels.shape[1] / shrunk[1], pixels.shape[0] / shrunk[0], 1.0])
    return np.asarray(matrix * factors, dtype=np.float64)


def _move_boxes(boxes: Boxes, *, matrix: npt.NDArray[np.float64], side_px: int) -> tuple[Boxes, npt.NDArray[np.bool_]]:
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2).astype(np.float64)
    moved = corners @ matrix[:, :2].T + matrix[:, 2]
    whole = np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)
    clipped = whole.clip(0, side_px)
    size, whole_size = clipped[:, 2:] - clipped[:, :2], whole[:, 2:] - whole[:, :2]
    visible = size.prod(axis=1) / whole_size.prod(axis=1).clip(min=1e-9)
    # A quarter of a thing can still be told; two pixels cannot.
    seen = (visible > 0.25) & (size.min(axis=1, initial=np.inf) > 2)  # noqa: PLR2004
    return clipped.astype(np.float32), seen


def _change_colour(picture: Picture, *, rng: np.random.Generator) -> Picture:
    hue, saturation, value = rng.uniform(-1, 1, size=3) * [0.015, 0.6, 0.4]
    hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
    levels = np.arange(256, dtype=np.float64)
    tables = (
        ((levels + hue * 180) % 180).astype(np.uint8),
        (levels * (1 + saturation)).clip(0, 255).astype(np.uint8),
        (levels * (1 + value)).clip(0, 255).astype(np.uint8),
    )
    channels = [cv2.LUT(hsv[:, :, index], table) for index, table in enumerate(tables)]
    changed: Any = cv2.cvtColor(cv2.merge(channels), cv2.COLOR_HSV2RGB)
    draw = rng.random()
    if draw < 0.03:  # noqa: PLR2004 - these shares add up to 15 %
        changed = cv2.cvtColor(cv2.cvtColor(changed, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    elif draw < 0.07:  # noqa: PLR2004
        changed = cv2.blur(changed, (3, 3))
    elif draw < 0.11:  # noqa: PLR2004
        changed = (changed + rng.normal(0, 8, size=changed.shape)).clip(0, 255).astype(np.uint8)
    elif draw < 0.15:  # noqa: PLR2004
        quality = int(rng.integers(20, 60))
        changed = cv2.imdecode(cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return np.asarray(changed, dtype=np.uint8)
