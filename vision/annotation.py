"""Reduced pictures for people to look at, with and without marks. What is marked or covered is judged elsewhere."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.media import Detection
from vision.picture import Picture

PREVIEW_SIDE_PX: Final = 1280
"""The longer side of a preview: fills a laptop's window, and about 200 kB. [px]"""

THUMBNAIL_SIDE_PX: Final = 480
"""The longer side of what the public page shows: half a phone's width at its density, and about 30 kB. [px]"""

JPEG_QUALITY: Final = 85

_RED: Final = (40, 40, 220)
_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)
_COLOUR_BY_LABEL: Final = {
    "person": (230, 160, 60),
    "hardhat": (90, 190, 60),
    "vest": (90, 190, 60),
    "no_hardhat": (40, 140, 250),
    "no_vest": (40, 140, 250),
}
_OTHER: Final = (200, 200, 60)


class Marked(Protocol):
    """What is marked as a hazard: `vision.hazard.Hazard`, or a finding."""

    @property
    def code(self) -> str:
        """Such as `safety.no_hardhat`."""

    @property
    def box_xyxy_px(self) -> tuple[float, float, float, float] | None:
        """In the original's upright pixels [px]; what has none is not drawn."""


def annotate(
    picture: Picture,
    *,
    detections: Sequence[Detection],
    hazards: Sequence[Marked] = (),
    max_side_px: int = PREVIEW_SIDE_PX,
) -> bytes:
    """Draw what was seen into a reduced picture: each detection with its class and score, hazards in red above them.

    Args:
        picture: not changed.
        detections: boxes in the original's upright pixels; where several models look, each with its model's name.
        hazards: likewise; drawn last, with thicker lines.
        max_side_px: of the result. [px]

    Returns:
        A JPEG without metadata. Text in it is ASCII: class names and codes.
    """
    canvas = _reduced(picture, max_side_px)
    height, width = canvas.shape[:2]
    scale = (width / picture.width_px, height / picture.height_px)
    line_px = max(1, round(max(width, height) / 640))
    several_models = len({seen.model for seen in detections}) > 1
    for seen in detections:
        colour = _COLOUR_BY_LABEL.get(seen.label, _OTHER)
        text = f"{seen.label} {seen.score:.2f}" + (f" {seen.model}" if several_models and seen.model else "")
        _draw(canvas, seen.box_xyxy_px, scale=scale, colour=colour, text=text, line_px=line_px)
    codes_by_box: dict[tuple[float, float, float, float], list[str]] = {}
    for hazard in hazards:
        if hazard.box_xyxy_px is not None:
            codes_by_box.setdefault(hazard.box_xyxy_px, []).append(hazard.code.rpartition(".")[2].upper())
    for box, codes in codes_by_box.items():
        # One label for a person, or the second would hide the first.
        _draw(canvas, box, scale=scale, colour=_RED, text=" + ".join(codes), line_px=2 * line_px)
    return _encode(canvas)


def reduce_picture(picture: Picture, *, max_side_px: int = PREVIEW_SIDE_PX) -> Picture:
    """The picture with at most so many pixels on its longer side; never enlarged, and the one given is not changed.

    Args:
        picture: of any size.
        max_side_px: of the result. [px]
    """
    return replace(picture, pixels=_reduced(picture, max_side_px))


def _reduced(picture: Picture, max_side_px: int) -> NDArray[np.uint8]:
    height, width = picture.pixels.shape[:2]
    ratio = max_side_px / max(width, height)
    if ratio >= 1:
        return picture.pixels.copy()
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    # By less than half a bilinear filter leaves no pixel out, at a tenth of the cost of averaging areas.
    filtering = cv2.INTER_LINEAR if ratio > 0.5 else cv2.INTER_AREA  # noqa: PLR2004 - a half
    return np.asarray(cv2.resize(picture.pixels, size, interpolation=filtering), np.uint8)


def _draw(
    canvas: NDArray[np.uint8],
    box_xyxy_px: tuple[float, float, float, float],
    *,
    scale: tuple[float, float],
    colour: tuple[int, int, int],
    text: str,
    line_px: int,
) -> None:
    height, width = canvas.shape[:2]
    x_min, y_min, x_max, y_max = (round(value * scale[axis % 2]) for axis, value in enumerate(box_xyxy_px))
    cv2.rectangle(canvas, (x_min, y_min), (x_max, y_max), colour, line_px, cv2.LINE_AA)
    font_scale = max(0.35, max(width, height) / 2400)
    shown = text.encode("ascii", "replace").decode()
    (text_width, text_height), below = cv2.getTextSize(shown, cv2.FONT_HERSHEY_SIMPLEX, font_scale, 1)
    # Above the box where there is room, else inside it; never over the picture's edge.
    left = max(0, min(x_min, width - text_width - 4))
    bottom = y_min if y_min >= text_height + below + 4 else min(height, y_min + text_height + below + 4)
    cv2.rectangle(canvas, (left, bottom - text_height - below - 4), (left + text_width + 4, bottom), colour, cv2.FILLED)
    ink = _WHITE if colour == _RED else _BLACK
    origin = (left + 2, bottom - below - 2)
    cv2.putText(canvas, shown, origin, cv2.FONT_HERSHEY_SIMPLEX, font_scale, ink, 1, cv2.LINE_AA)


def _encode(canvas: NDArray[np.uint8]) -> bytes:
    encoded, buffer = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert encoded
    return bytes(buffer.tobytes())
