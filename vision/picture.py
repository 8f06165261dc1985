"""A photo's bytes become upright pixels, once. Clips are in `clip.py`, marks on pictures in `annotation.py`."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.media import MediaFormat
from vision.picture_header import UndecodablePicture, read_header

MAX_PIXELS: Final = 200_000_000
"""The largest picture that is decoded: the largest phone sensor in use has 200 megapixels; 600 MB when decoded. [px]"""

_REDUCED_FLAGS: Final = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_END_OF_JPEG: Final = b"\xff\xd9"
_logger = logging.getLogger(__name__)


class TooManyPixels(Invalid):
    """A picture, or a clip's frame, that would take too much memory once it is decoded."""

    code: ClassVar[str] = "vision.too_many_pixels"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An upright picture, perhaps reduced.

    Attributes:
        pixels: (H, W, 3) uint8, channels blue, green, red; rows top to bottom.
        width_px: of the original, upright; at least W. [px]
        height_px: of the original, upright; at least H. [px]
        truncated: the file ends early: what is missing is grey, and a judgement covers only what is there.
    """

    pixels: NDArray[np.uint8]
    width_px: int
    height_px: int
    truncated: bool = False

    @property
    def scale_xy(self) -> tuple[float, float]:
        """What to multiply x and y of `pixels` with, to have the original's upright pixels; (1, 1) when not reduced."""
        height, width = self.pixels.shape[:2]
        return self.width_px / width, self.height_px / height


def load_picture(path: Path, *, media_format: MediaFormat, max_side_px: int | None) -> Picture:
    """Read and decode a photo, see `decode_picture`.

    Raises:
        UndecodablePicture: the bytes are no picture of that format.
        TooManyPixels: the picture is larger than `MAX_PIXELS`.
        OSError: the file cannot be read.
    """
    return decode_picture(path.read_bytes(), media_format=media_format, max_side_px=max_side_px)


def decode_picture(data: bytes, *, media_format: MediaFormat, max_side_px: int | None) -> Picture:
    """Decode a photo once, upright, to 8 bits a channel.

    The orientation is EXIF's for JPEG, PNG and WebP. For HEIC it is the container's own rotation and mirroring, which
    ISO/IEC 23008-12 makes binding and its EXIF only informative. Transparency is dropped, of an animation the first
    picture is taken, colour profiles are not applied.

    Args:
        data: the whole file.
        media_format: what the bytes were found to be at intake.
        max_side_px: the longer side that the caller needs: the picture is reduced by 2, 4 or 8 as long as its longer
            side stays at least this; None never reduces. [px]

    Raises:
        UndecodablePicture: the bytes are no picture of that format.
        TooManyPixels: the picture is larger than `MAX_PIXELS`.
    """
    if media_format is MediaFormat.HEIC:
        return _decode_heic(data, max_side_px)
    header = read_header(data, media_format)
    _refuse_bomb(header.width_px, header.height_px)
    factor = reduction(header.width_px, header.height_px, max_side_px)
    if media_format is MediaFormat.JPEG and header.truncated:
        # Without an end mark the decoder gives nothing at all; with one it gives what is there and grey below it.
        data += _END_OF_JPEG
    # The decoder turns by EXIF itself unless it is told not to; here the header's reading is the only one.
    stored = _decode(data, _REDUCED_FLAGS[factor] | cv2.IMREAD_IGNORE_ORIENTATION)
    expected = (-(-header.height_px // factor), -(-header.width_px // factor))
    if any(abs(a - b) > 1 for a, b in zip(stored.shape[:2], expected, strict=True)):
        raise UndecodablePicture("the picture's size is not the one that its header gives")
    upright = turn_upright(stored, header.orientation)
    turned = header.orientation >= 5  # noqa: PLR2004 - EXIF Orientation 5 to 8 swap width and height
    width, height = (header.height_px, header.width_px) if turned else (header.width_px, header.height_px)
    return Picture(upright, width_px=width, height_px=height, truncated=header.truncated)


def reduction(width_px: int, height_px: int, max_side_px: int | None) -> int:
    """By how much (1, 2, 4 or 8) a picture may be reduced, its longer side staying at least `max_side_px`."""
    if max_side_px is None:
        return 1
    return max((factor for factor in (1, 2, 4, 8) if max(width_px, height_px) >= factor * max_side_px), default=1)


def turn_upright(stored: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn and mirror stored pixels as EXIF Orientation says (CIPA DC-008, 4.6.5).

    Args:
        stored: (H, W, 3).
        orientation: 1 to 8.

    Returns:
        (H, W, 3), or (W, H, 3) for 5 to 8; contiguous.
    """
    match orientation:
        case 2:
            turned = stored[:, ::-1]
        case 3:
            turned = stored[::-1, ::-1]
        case 4:
            turned = stored[::-1]
        case 5:
            turned = stored.transpose(1, 0, 2)
        case 6:
            turned = stored.transpose(1, 0, 2)[:, ::-1]
        case 7:
            turned = stored.transpose(1, 0, 2)[::-1, ::-1]
        case 8:
            turned = stored.transpose(1, 0, 2)[::-1]
        case _:
            turned = stored
    return np.ascontiguousarray(turned)


def _decode(data: bytes, flags: int) -> NDArray[np.uint8]:
    try:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        _logger.info("picture refused by the decoder: %s", error)
        raise UndecodablePicture("the picture is broken and cannot be decoded") from error
    if stored is None or stored.ndim != 3:  # noqa: PLR2004 - height, width, channels
        raise UndecodablePicture("the picture is broken and cannot be decoded")
    return np.asarray(stored, np.uint8)


def _decode_heic(data: bytes, max_side_px: int | None) -> Picture:
    import pillow_heif  # noqa: PLC0415 - few photos are HEIC, and the library takes 50 ms to load

    try:
        heif = pillow_heif.open_heif(data, convert_hdr_to_8bit=True, bgr_mode=True)
        primary = heif[heif.primary_index]
        width, height = primary.size
        _refuse_bomb(width, height)
        stored = np.asarray(primary)
    except (ValueError, RuntimeError, EOFError, OSError, SyntaxError, IndexError) as error:
        raise UndecodablePicture("the HEIC picture is broken and cannot be decoded") from error
    if stored.dtype != np.uint8:
        stored = (stored >> 8).astype(np.uint8)
    colour = np.repeat(stored[:, :, None], 3, axis=2) if stored.ndim == 2 else stored[:, :, :3]  # noqa: PLR2004 - grey
    factor = reduction(width, height, max_side_px)
    if factor > 1:
        side = (-(-width // factor), -(-height // factor))
        colour = np.asarray(cv2.resize(np.ascontiguousarray(colour), side, interpolation=cv2.INTER_AREA), np.uint8)
    return Picture(np.ascontiguousarray(colour), width_px=width, height_px=height)


def _refuse_bomb(width_px: int, height_px: int) -> None:
    if width_px * height_px > MAX_PIXELS:
        raise TooManyPixels(
            f"the picture has {width_px} x {height_px} pixels; at most {MAX_PIXELS} are decoded",
            width_px=width_px,
            height_px=height_px,
        )
