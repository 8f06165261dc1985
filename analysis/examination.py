"""Looking at one photo or clip: decoded once, detections, hazards, and the pictures to show. Pure; recording is apart.

`siteproof check` and the worker both come this way, so that they never differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from domain.media import Detection, MediaFormat
from vision.annotation import PREVIEW_SIDE_PX, annotate
from vision.clip import Frame, sample_frames
from vision.clip_hazard import confirm_over_frames
from vision.detector import Detector
from vision.hazard import Hazard
from vision.hazard_judgement import judge_hazards, judge_photo
from vision.hazard_rules import RulesInForce, load_default_rules
from vision.picture import Picture, load_picture
from vision.scene import Scene

CLIP_EVERY_S: Final = 1.0  # a person crosses a phone's view in a few seconds
CLIP_MAX_FRAMES: Final = 120
_MAX_CLIP_DETECTIONS: Final = 2000
_UNKNOWN: Final = Scene()


@dataclass(frozen=True, slots=True)
class SeenHazard:
    """A hazard with the time in the clip at which it shows best, in seconds; None for a photo."""

    hazard: Hazard
    at_s: float | None


@dataclass(frozen=True, slots=True)
class Examination:
    """What a photo or clip shows.

    Attributes:
        width_px: of the original, upright. [px]
        height_px: likewise. [px]
        detections: in the original's upright pixels; of a clip, each with its frame's time.
        hazards: one a person and code; of a clip, only what several frames confirm.
        cannot_tell: by code, for how many persons (of a photo) it could not be told.
        preview: a reduced JPEG; of a clip, its most telling frame.
        annotated: the same with marks.
        truncated: the file ends early, and only what is there was judged.
    """

    width_px: int
    height_px: int
    detections: tuple[Detection, ...]
    hazards: tuple[SeenHazard, ...]
    cannot_tell: dict[str, int]
    preview: bytes
    annotated: bytes
    truncated: bool


def examine(
    path: Path,
    *,
    media_format: MediaFormat,
    detector: Detector,
    in_force: RulesInForce | None = None,
    scene: Scene = _UNKNOWN,
) -> Examination:
    """Look at a photo or clip.

    Args:
        path: the file.
        media_format: of it.
        detector: sees what is in it.
        in_force: the hazard rules; silent: those that come with the product.
        scene: what is known of the shot; what is silent leaves the rules that need it without an answer.

    Raises:
        UndecodablePicture: the bytes are no picture of that format.
        UndecodableClip: not one frame can be decoded.
        TooManyPixels: it would take too much memory.
        OSError: the file cannot be read.
    """
    rules = in_force or RulesInForce(load_default_rules())
    if media_format.is_clip:
        return _examine_clip(path, detector, rules, scene)
    picture = load_picture(path, media_format=media_format, max_side_px=PREVIEW_SIDE_PX)
    detections = detector.detect(picture)
    judged = judge_photo(
        detections, width_px=picture.width_px, height_px=picture.height_px, in_force=rules, scene=scene
    )
    return Examination(
        width_px=picture.width_px,
        height_px=picture.height_px,
        detections=tuple(detections),
        hazards=tuple(SeenHazard(hazard, None) for hazard in judged.hazards),
        cannot_tell=dict(judged.cannot_tell),
        preview=annotate(picture, detections=()),
        annotated=annotate(picture, detections=detections, hazards=judged.hazards),
        truncated=picture.truncated,
    )


def _examine_clip(path: Path, detector: Detector, in_force: RulesInForce, scene: Scene) -> Examination:
    detections: list[Detection] = []
    refuted: set[str] = set()
    per_frame: list[tuple[float, Sequence[Hazard]]] = []
    first: Picture | None = None
    for frame in _sample(path):
        first = first or frame.picture
        seen = detector.detect(frame.picture)
        judged = judge_hazards(
            seen,
            width_px=frame.picture.width_px,
            height_px=frame.picture.height_px,
            in_force=in_force,
            scene=scene,
        )
        refuted |= judged.refuted
        per_frame.append((frame.at_s, judged.hazards))
        detections.extend(Detection(each.label, each.score, each.box_xyxy_px, frame.at_s) for each in seen)
    if first is None:
        raise RuntimeError("sample_frames gave no frame and no error")
    confirmed = confirm_over_frames(per_frame, refuted=refuted)
    best_at_s = max(confirmed, key=lambda each: each.hazard.score).best_at_s if confirmed else per_frame[0][0]
    picture = first if best_at_s == per_frame[0][0] else _find_frame(path, best_at_s)
    marked = [each.hazard for each in confirmed if each.best_at_s == best_at_s]
    return Examination(
        width_px=first.width_px,
        height_px=first.height_px,
        detections=tuple(detections[:_MAX_CLIP_DETECTIONS]),
        hazards=tuple(SeenHazard(each.hazard, each.best_at_s) for each in confirmed),
        cannot_tell={},
        preview=annotate(picture, detections=()),
        annotated=annotate(picture, detections=[each for each in detections if each.at_s == best_at_s], hazards=marked),
        truncated=False,
    )


def _find_frame(path: Path, at_s: float) -> Picture:
    # Decoded a second time, because keeping every frame of a clip would take more memory than a worker may have.
    return next(frame.picture for frame in _sample(path) if frame.at_s == at_s)


def _sample(path: Path) -> Iterator[Frame]:
    return sample_frames(path, every_s=CLIP_EVERY_S, max_frames=CLIP_MAX_FRAMES, max_side_px=PREVIEW_SIDE_PX)
