"""Photos of a board as files: calibrated by, measured in, and drawn upon."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid, SiteproofError
from domain.measurement import Quantity, Tolerance, Verdict
from domain.media import MediaFormat
from ingestion.exif import read_metadata
from ingestion.file_format import HEAD_SIZE, sniff_format
from vision.board import Board, InvalidBoard, parse_board
from vision.board_measurement import MeasuredPhoto, measure_photo
from vision.board_view import find_board
from vision.calibration import calibrate
from vision.cannot_tell import CannotTell
from vision.lens import Lens, guess_lens, read_lens
from vision.measurement import parse_tolerance
from vision.measurement_overlay import draw_overlay
from vision.picture import load_picture

_ALL_WELL: Final = 0
_OPEN: Final = 1
_UNREADABLE: Final = 2


class UnreadablePhoto(Invalid):
    """A file that is not there, or that is no photo."""

    code: ClassVar[str] = "measure.unreadable_photo"


class InvalidMark(Invalid):
    """Marks that are not two points X,Y, or that are given for several photos."""

    code: ClassVar[str] = "measure.invalid_mark"


class MixedPictures(Invalid):
    """Photos of several sizes, which are not of one camera at one zoom."""

    code: ClassVar[str] = "camera.mixed_pictures"


def calibrate_camera(photos: Sequence[Path], *, spec: str, tell: Callable[[str], None]) -> dict[str, Any]:
    """A camera from photos, JSON-ready, with each photo's residual.

    Args:
        photos: of one camera at one zoom.
        spec: the board's.
        tell: takes a line about each photo that is left out.

    Raises:
        Invalid: a photo cannot be read, their sizes differ, or they do not determine the camera.
    """
    board = parse_board(spec)
    used, views, sizes = [], [], set()
    for path in photos:
        pixels, _ = _load(path)
        view = find_board(_to_grey(pixels), board)
        if isinstance(view, CannotTell):
            tell(f"{path}: left out: {view.detail['en']} [{view.reason}]")
            continue
        used.append(path)
        views.append(view)
        sizes.add((pixels.shape[1], pixels.shape[0]))
    if len(sizes) > 1:
        raise MixedPictures("the photos have several sizes: calibrate with those of one camera, held one way")
    width_px, height_px = next(iter(sizes), (0, 0))
    found = calibrate(views, width_px=width_px, height_px=height_px)
    residuals = {str(path): round(each, 3) for path, each in zip(used, found.residuals_px, strict=True)}
    return found.lens.to_json() | {"board": board.spec, "residuals_px": residuals}


def measure_files(
    *,
    files: Sequence[Path],
    specs: Sequence[str],
    camera: Path | None,
    quantities: Sequence[str],
    wanted: Sequence[str],
    marks: Sequence[str],
    plane_error: float | None,
    overlay: Path | None,
    tell: Callable[[dict[str, Any]], None],
) -> int:
    """What `siteproof measure` does; the arguments are its options.

    Args:
        files: photos.
        specs: of the board that is measured by, then of others that check it.
        camera: a calibration; None reads EXIF.
        quantities: silent: those of `wanted`, else every one.
        wanted: tolerances.
        marks: two for one photo, or none.
        plane_error: [mm]
        overlay: a folder; None draws nothing.
        tell: takes each file's result, JSON-ready.

    Returns:
        The exit code: 0 all measured and nothing fails, 1 something fails or cannot be told, 2 a file cannot be read.

    Raises:
        Invalid: a board, camera, mark or tolerance is malformed.
    """
    boards = [parse_board(each) for each in specs]
    _refuse_shared_ids(boards)
    known = None if camera is None else read_lens(camera)
    tolerances = dict(parse_tolerance(each) for each in wanted)
    asked = [Quantity(each) for each in quantities] or list(tolerances) or list(Quantity)
    marks_px = _parse_marks(marks, len(files))
    if overlay is not None:
        overlay.mkdir(parents=True, exist_ok=True)
    code = _ALL_WELL
    for path in files:
        try:
            pixels, tags = _load(path)
            lens = _find_lens(known, pixels, tags)
        except SiteproofError as error:
            code = _UNREADABLE
            tell({"file": str(path), "error": {"code": error.code, "detail": error.detail}})
            continue
        photo = measure_photo(
            _to_grey(pixels), boards, lens=lens, quantities=asked, marks_px=marks_px, plane_u_mm=plane_error
        )
        line = describe_measured(path, photo, lens, tolerances)
        if overlay is not None:
            drawn = overlay / f"{path.stem}.measured.png"
            drawn.write_bytes(draw_overlay(pixels, photo, tolerances=tolerances))
            line["overlay"] = str(drawn)
        tell(line)
        is_open = photo.cannot_tell or any(
            each["verdict"] not in {None, Verdict.PASS.value} for each in line["measurements"]
        )
        code = max(code, _OPEN if is_open else _ALL_WELL)
    return code


def describe_measured(
    path: Path, photo: MeasuredPhoto, lens: Lens, tolerances: dict[Quantity, Tolerance]
) -> dict[str, Any]:
    """One photo's line, JSON-ready."""
    board = None
    if photo.view is not None and photo.pose is not None:
        board = {
            "spec": photo.view.board.spec,
            "markers": photo.view.marker_count,
            "distance_mm": round(photo.pose.distance_mm, 1),
            "tilt_deg": round(photo.pose.tilt_deg, 2),
            "corner_u_px": round(photo.pose.corner_px, 3),
            "blur_px": round(photo.view.blur_px, 2),
            "focal_px": round(float(np.exp(photo.pose.values[6])), 1),
            "focal_u_share": round(photo.pose.focal_u_share, 4),
        }
    return {
        "file": str(path),
        "camera": lens.source,
        "board": board,
        "measurements": [each.to_json(tolerances.get(each.quantity)) for each in photo.measurements],
        "cannot_tell": [
            {"quantity": quantity.value, "code": refusal.reason.value, "detail": refusal.detail, "facts": refusal.facts}
            for quantity, refusal in photo.cannot_tell.items()
        ],
    }


def _refuse_shared_ids(boards: Sequence[Board]) -> None:
    for first, second in pairwise(boards):
        shared = set(first.marker_ids) & set(second.marker_ids)
        if shared and (first.family, first.dictionary) == (second.family, second.dictionary):
            raise InvalidBoard("two boards in one photo need different ids: give the second a first id, such as :20")


def _load(path: Path) -> tuple[NDArray[np.uint8], dict[str, str]]:
    try:
        with path.open("rb") as file:
            media_format = sniff_format(file.read(HEAD_SIZE))
        if media_format is MediaFormat.MP4:
            raise UnreadablePhoto("a clip is not measured: take a photo")
        pixels = load_picture(path, media_format=media_format, max_side_px=None).pixels
        return pixels, read_metadata(path, media_format).tags
    except OSError as error:
        raise UnreadablePhoto(f"the file cannot be read: {error.strerror}") from error


def _find_lens(known: Lens | None, pixels: NDArray[np.uint8], tags: dict[str, str]) -> Lens:
    height, width = pixels.shape[:2]
    return guess_lens(width, height, tags=tags) if known is None else known.fit_picture(width, height)


def _to_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def _parse_marks(marks: Sequence[str], files: int) -> NDArray[np.float64] | None:
    if not marks:
        return None
    try:
        points = np.array([[float(each) for each in text.split(",")] for text in marks], np.float64)
    except ValueError as error:
        raise InvalidMark("a mark is X,Y in the photo's pixels") from error
    if points.shape != (2, 2) or not np.isfinite(points).all() or (points[0] == points[1]).all():
        raise InvalidMark("two marks are needed, each X,Y in the photo's pixels")
    if files != 1:
        raise InvalidMark("marks are those of one photo: give one file")
    return points
