"""Measuring in a milestone's photo: its board and tolerances in, JSON-ready measurements and overlays out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from domain.measurement import Quantity, Tolerance, Verdict, Wanted
from domain.media import MediaFormat, name_preview
from findings.measured import UNDECIDED
from ingestion.exif import read_metadata
from vision.annotation import reduce_picture
from vision.board import parse_board
from vision.board_measurement import MeasuredPhoto, measure_photo
from vision.head_blur import Box, cover_heads
from vision.lens import InvalidCamera, Lens, guess_lens, parse_lens
from vision.measurement import Measurement
from vision.measurement_overlay import OVERLAY_SIDE_PX, draw_on_preview
from vision.picture import Picture, load_picture

MEASURED_SIDE_PX: Final = 4000
"""A photo is reduced by 2, 4 or 8 as long as its longer side stays at least this: a phone's 12 megapixels are measured
as they are, and no picture with 8000 pixels or more along a side, which bounds time and memory. [px]"""

_FOCAL_APART: Final = 0.09
"""Three standard uncertainties of EXIF's focal length: farther from it, a calibration is of another camera or zoom."""

_UNDECIDED_DETAIL: Final = {
    "zh": "测量值与允许偏差太近，在不确定度内不能判定。",
    "en": "The value lies so near to a limit that its uncertainty leaves it open.",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured in a photo.

    Attributes:
        measurements: JSON-ready, one a quantity and direction.
        previews: JPEGs by their names.
    """

    measurements: tuple[dict[str, Any], ...]
    previews: Mapping[str, bytes]


def measure_medium(path: Path, *, media_format: MediaFormat, wanted: Wanted, heads: Sequence[Box]) -> Measured:
    """Measure what is wanted in a photo.

    Args:
        path: the photo.
        media_format: of it.
        wanted: checked when it was set.
        heads: to be covered in the overlay, in the original's pixels. [px]

    Raises:
        UndecodablePicture: the bytes are no picture of that format.
        OSError: the file cannot be read.
    """
    picture = load_picture(path, media_format=media_format, max_side_px=MEASURED_SIDE_PX)
    height, width = picture.pixels.shape[:2]
    lens = choose_lens(width, height, tags=read_metadata(path, media_format).tags, camera=wanted.camera)
    photo = measure_photo(
        np.asarray(cv2.cvtColor(picture.pixels, cv2.COLOR_BGR2GRAY), np.uint8),
        [parse_board(wanted.board)],
        lens=lens,
        quantities=list(wanted.tolerances),
    )
    shared = {"board": wanted.board, "camera": lens.source}
    told = [
        *(_describe(each, wanted.tolerances[each.quantity]) for each in photo.measurements),
        *(
            {
                "quantity": quantity.value,
                "verdict": Verdict.CANNOT_TELL.value,
                "code": refusal.reason.value,
                "detail": refusal.detail,
                "facts": refusal.facts,
            }
            for quantity, refusal in photo.cannot_tell.items()
        ),
    ]
    return Measured(tuple(each | shared for each in told), _draw(picture, photo, wanted.tolerances, heads))


def choose_lens(width_px: int, height_px: int, *, tags: Mapping[str, str], camera: Mapping[str, Any] | None) -> Lens:
    """The calibrated lens where it can be this photo's, else what EXIF tells, or a guess as uncertain as it is.

    Args:
        width_px: of the upright picture that is measured. [px]
        height_px: likewise. [px]
        tags: the photo's EXIF.
        camera: a calibration; None: there is none.
    """
    guessed = guess_lens(width_px, height_px, tags=tags)
    if camera is None:
        return guessed
    try:
        known = parse_lens(camera).fit_picture(width_px, height_px)
    except InvalidCamera:
        return guessed
    is_apart = abs(float(np.log(known.focal_px / guessed.focal_px))) > _FOCAL_APART
    return guessed if guessed.source == "exif" and is_apart else known


def _describe(measured: Measurement, tolerance: Tolerance) -> dict[str, Any]:
    told = measured.to_json(tolerance)
    if measured.judge(tolerance) is Verdict.CANNOT_TELL:
        return told | {"code": UNDECIDED, "detail": _UNDECIDED_DETAIL}
    return told | {"code": None}


def _draw(
    picture: Picture, photo: MeasuredPhoto, tolerances: Mapping[Quantity, Tolerance], heads: Sequence[Box]
) -> dict[str, bytes]:
    reduced = reduce_picture(picture, max_side_px=OVERLAY_SIDE_PX)
    ratio = reduced.pixels.shape[1] / picture.pixels.shape[1]
    plain = draw_on_preview(reduced, photo, tolerances=tolerances, ratio=ratio)
    covered = (
        draw_on_preview(cover_heads(reduced, heads), photo, tolerances=tolerances, ratio=ratio) if heads else plain
    )
    return {
        name_preview(annotated=False, measured=True, blurred=False): plain,
        name_preview(annotated=False, measured=True, blurred=True): covered,
    }
