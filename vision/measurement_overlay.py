"""What was measured, drawn into the photo, so that an inspector can disagree."""

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.measurement import Quantity, Tolerance, Verdict
from vision.annotation import JPEG_QUALITY
from vision.board_measurement import MeasuredPhoto
from vision.board_pose import Points
from vision.measurement import Measurement, Value
from vision.picture import Picture

OVERLAY_SIDE_PX: Final = 2400
"""The longer side of an overlay: single bars can be followed. [px]"""

_BOARD: Final = (230, 160, 60)
_LINE: Final = (60, 200, 250)
_BY_VERDICT: Final = {
    None: (250, 250, 250),
    Verdict.PASS: (90, 210, 60),
    Verdict.FAIL: (50, 50, 235),
    Verdict.CANNOT_TELL: (40, 170, 250),
}
_BLACK: Final = (0, 0, 0)


def draw_overlay(pixels: NDArray[np.uint8], photo: MeasuredPhoto, *, tolerances: Mapping[Quantity, Tolerance]) -> bytes:
    """A PNG: the board's outline, each line that was found, each distance with its verdict, and what was refused.

    Args:
        pixels: (H, W, 3) blue, green, red, upright, in which it was measured.
        photo: what was measured.
        tolerances: by which verdicts are coloured: green passes, red fails, orange is open, white has none.
    """
    height, width = pixels.shape[:2]
    ratio = min(1.0, OVERLAY_SIDE_PX / max(height, width))
    canvas = np.asarray(cv2.resize(pixels, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), np.uint8)
    return _encode(_draw_photo(canvas, photo, tolerances, ratio=ratio), ".png")


def draw_on_preview(
    picture: Picture, photo: MeasuredPhoto, *, tolerances: Mapping[Quantity, Tolerance], ratio: float
) -> bytes:
    """The same as a JPEG on a picture that was reduced already, heads covered or not.

    Args:
        picture: not changed.
        photo: what was measured.
        tolerances: as in `draw_overlay`.
        ratio: of its width to that of the picture in which it was measured.
    """
    return _encode(_draw_photo(picture.pixels.copy(), photo, tolerances, ratio=ratio), ".jpg")


def _draw_photo(
    canvas: NDArray[np.uint8], photo: MeasuredPhoto, tolerances: Mapping[Quantity, Tolerance], *, ratio: float
) -> NDArray[np.uint8]:
    line_px = max(1, round(max(canvas.shape[:2]) / 900))
    if photo.pose is not None:
        outline = photo.pose.to_picture(photo.pose.board.outline_mm()) * ratio
        cv2.polylines(canvas, [np.round(outline).astype(np.int32)], isClosed=True, color=_BOARD, thickness=2 * line_px)
    for measured in photo.measurements:
        _draw_measurement(canvas, measured, tolerances.get(measured.quantity), ratio=ratio, line_px=line_px)
    rows = [_describe(each, tolerances.get(each.quantity)) for each in photo.measurements]
    rows += [f"{quantity}: cannot tell [{refusal.reason}]" for quantity, refusal in photo.cannot_tell.items()]
    for index, row in enumerate(rows):
        _write(canvas, row, np.array([12.0, 12.0 + (index + 1) * 28 * max(1, line_px / 2)]), _BY_VERDICT[None], line_px)
    return canvas


def _encode(canvas: NDArray[np.uint8], suffix: str) -> bytes:
    encoded, buffer = cv2.imencode(suffix, canvas, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else [])
    assert encoded
    return bytes(buffer.tobytes())


def _draw_measurement(
    canvas: NDArray[np.uint8], measured: Measurement, tolerance: Tolerance | None, *, ratio: float, line_px: int
) -> None:
    values = list(measured.gaps or (measured.value,))
    for segment in measured.segments:
        start, end = segment.start_px * ratio, segment.end_px * ratio
        if segment.is_found_line:
            _line(canvas, start, end, _LINE, line_px)
            continue
        value = values.pop(0)
        colour = _BY_VERDICT[None if tolerance is None else tolerance.judge(value.value_mm, value.u_mm)]
        _line(canvas, start, end, colour, 2 * line_px)
        _write(canvas, _format(value), (start + end) / 2, colour, line_px)


def _describe(measured: Measurement, tolerance: Tolerance | None) -> str:
    words = [measured.quantity.value, measured.direction or "", _format(measured.value, digits=1), "mm (95 %)"]
    if tolerance is not None:
        words.append(f"wanted {tolerance.nominal_mm:g} +/- {tolerance.tolerance_mm:g}: {measured.judge(tolerance)}")
    if sum(measured.missing):
        words.append(f"missing bars: {sum(measured.missing)}")
    return " ".join(each for each in words if each)


def _format(value: Value, *, digits: int = 0) -> str:
    low, high = value.interval_mm
    return f"{value.value_mm:.{digits}f} +/- {(high - low) / 2:.1f}"


def _line(canvas: NDArray[np.uint8], start: Points, end: Points, colour: tuple[int, int, int], width_px: int) -> None:
    first, second = (tuple(np.round(each).astype(int).tolist()) for each in (start, end))
    cv2.line(canvas, first, second, colour, width_px, cv2.LINE_AA)


def _write(canvas: NDArray[np.uint8], text: str, at: Points, colour: tuple[int, int, int], line_px: int) -> None:
    """In its colour with a dark rim, so that it is read on any ground."""
    place = tuple(np.round(at).astype(int).tolist())
    scale = 0.3 + 0.2 * line_px
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, _BLACK, 3 * line_px, cv2.LINE_AA)
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, line_px, cv2.LINE_AA)
