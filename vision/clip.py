"""A clip's frames at even times, upright. What is seen over several frames is judged in `clip_hazard.py`."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import av
import numpy as np
from av.video.reformatter import Interpolation

from domain.errors import Invalid
from vision.picture import MAX_PIXELS, Picture, TooManyPixels, turn_upright
from vision.picture_header import UPRIGHT

_logger = logging.getLogger(__name__)

MAX_DECODED_FRAMES: Final = 20_000
"""Decoding stops here whatever the samples say: over ten minutes at 30 frames a second."""

_SEEK_AHEAD_S: Final = 5.0
"""Beyond this, jumping to the key frame before costs less than decoding up to it: phones write one each second. [s]"""

_ROUNDING_S: Final = 0.0005
"""Time bases round: a frame that is due by less than this must not wait for the next one. [s]"""

# The upper left of the display matrix (ISO/IEC 14496-12, 8.3.2), signs of (a, b, c, d), as an EXIF Orientation.
_ORIENTATION_BY_MATRIX: Final = {
    (1, 0, 0, 1): 1,
    (-1, 0, 0, 1): 2,
    (-1, 0, 0, -1): 3,
    (1, 0, 0, -1): 4,
    (0, 1, 1, 0): 5,
    (0, 1, -1, 0): 6,
    (0, -1, -1, 0): 7,
    (0, -1, 1, 0): 8,
}


class UndecodableClip(Invalid):
    """The file is no clip, has no picture track, or not one frame of it can be decoded."""

    code: ClassVar[str] = "vision.undecodable_clip"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a clip.

    Attributes:
        at_s: its time since the clip's start. [s]
        picture: upright by the clip's rotation metadata.
    """

    at_s: float
    picture: Picture


def sample_frames(path: Path, *, every_s: float, max_frames: int, max_side_px: int | None = None) -> Iterator[Frame]:
    """Decode a clip's frames at even times, the first frame first.

    Where `max_frames` at `every_s` would not reach the clip's end, the step is widened so that they do. A clip that
    breaks off gives the frames before the break.

    Args:
        path: an MP4.
        every_s: the step that is wanted. [s]
        max_frames: at most so many are given.
        max_side_px: frames are reduced until their longer side is this, never enlarged; None leaves them. [px]

    Raises:
        UndecodableClip: not one frame can be decoded. Raised on the first `next`, like the others.
        TooManyPixels: a frame is larger than `MAX_PIXELS`.
        FileNotFoundError: there is no such file.
    """
    given = 0
    try:
        with av.open(str(path)) as container:
            for frame in _sample(container, every_s, max_frames):
                yield Frame(at_s=frame[0], picture=_to_picture(frame[1], max_side_px))
                given += 1
    except FileNotFoundError:
        raise
    except (av.FFmpegError, ValueError) as error:
        if given == 0:
            raise UndecodableClip("the clip is broken and cannot be decoded") from error
        _logger.info("clip breaks off after %d frames: %s", given, error)
    if given == 0:
        raise UndecodableClip("the file holds no picture that can be decoded")


def _sample(container: Any, every_s: float, max_frames: int) -> Iterator[tuple[float, Any]]:  # noqa: ANN401 - PyAV's
    if not container.streams.video:
        return
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
        raise TooManyPixels("a frame of the clip has too many pixels")
    step_s = max(every_s, _duration_s(container, stream) / max_frames)
    start_s = float(stream.start_time * stream.time_base) if stream.start_time else 0.0
    due = 0
    decoded = 0
    sought = 0
    frames = container.decode(stream)
    while due < max_frames and decoded < MAX_DECODED_FRAMES:
        frame = next(frames, None)
        if frame is None:
            return
        decoded += 1
        at_s = max(0.0, (frame.time if frame.time is not None else 0.0) - start_s)
        ahead_s = due * step_s - at_s
        if ahead_s <= _ROUNDING_S:
            yield at_s, frame
            due = max(due + 1, int((at_s + _ROUNDING_S) / step_s) + 1)
        elif ahead_s > _SEEK_AHEAD_S and sought < due:
            sought = due
            container.seek(int((start_s + due * step_s) / stream.time_base), stream=stream)
            frames = container.decode(stream)


def _duration_s(container: Any, stream: Any) -> float:  # noqa: ANN401 - PyAV's
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return float(container.duration / av.time_base) if container.duration is not None else 0.0


def _to_picture(frame: Any, max_side_px: int | None) -> Picture:  # noqa: ANN401 - PyAV's
    width, height = frame.width, frame.height
    if width * height > MAX_PIXELS:
        raise TooManyPixels("a frame of the clip has too many pixels")
    ratio = 1.0 if max_side_px is None else min(1.0, max_side_px / max(width, height))
    pixels = frame.reformat(
        width=max(1, round(width * ratio)),
        height=max(1, round(height * ratio)),
        format="bgr24",
        interpolation=Interpolation.AREA,
    ).to_ndarray()
    orientation = _orientation(frame)
    turned = orientation >= 5  # noqa: PLR2004 - EXIF Orientation 5 to 8 swap width and height
    return Picture(
        turn_upright(np.asarray(pixels, np.uint8), orientation),
        width_px=height if turned else width,
        height_px=width if turned else height,
    )


def _orientation(frame: Any) -> int:  # noqa: ANN401 - PyAV's
    """The display matrix as an EXIF Orientation; upright where there is none, or one that is no quarter turn."""
    for data in frame.side_data:
        if data.type.name == "DISPLAYMATRIX":
            matrix = np.frombuffer(bytes(data), np.int32)
            a, b, c, d = (int(np.sign(matrix[index])) for index in (0, 1, 3, 4))
            return _ORIENTATION_BY_MATRIX.get((a, b, c, d), UPRIGHT)
    return UPRIGHT
