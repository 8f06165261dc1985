"""Looking at one photo or clip: decoded once, detections, hazards, and the pictures to show. Pure; recording is apart.

`siteproof check` and the worker both come this way, so that they never differ.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from analysis.measuring import measure_medium
from domain.camera_health import Look
from domain.measurement import Wanted
from domain.media import Detection, MediaFormat, name_preview, name_thumbnail
from vision.annotation import PREVIEW_SIDE_PX, THUMBNAIL_SIDE_PX, Marked, annotate, reduce_picture
from vision.camera_look import look_at
from vision.clip import Frame, sample_frames
from vision.clip_hazard import ClipLook, HazardEvent, find_events
from vision.detector import Detector, Sight
from vision.hazard import Hazard
from vision.hazard_judgement import judge_hazards, judge_photo
from vision.hazard_rules import RulesInForce, load_default_rules
from vision.head_blur import cover_heads, find_heads
from vision.picture import Picture, load_picture
from vision.scene import Scene
from vision.tiling import look_closely

CLIP_EVERY_S: Final = 0.25  # a walker's boxes still overlap from one sample to the next, so that tracks hold
CLIP_MAX_FRAMES: Final = 240
_MAX_CLIP_DETECTIONS: Final = 2000
_KEPT_EVERY_S: Final = 1.0
_FOLLOWED_SCORE: Final = 0.1  # a weaker person carries no track on; a third of the weakest that is told
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
        previews: what people are shown, see `draw_previews`; of a clip, its most telling frame.
        truncated: the file ends early, and only what is there was judged.
        measurements: JSON-ready, see docs/measure.md; empty where nothing is to be measured.
        look: whether a fixed camera's photo shows anything, and whether it is the one before; None for a clip.
    """

    width_px: int
    height_px: int
    detections: tuple[Detection, ...]
    hazards: tuple[SeenHazard, ...]
    cannot_tell: dict[str, int]
    previews: Mapping[str, bytes]
    truncated: bool
    look: Look | None = None
    measurements: tuple[dict[str, Any], ...] = ()


def draw_previews(
    picture: Picture, *, sight: Sight, detections: Sequence[Detection], hazards: Sequence[Marked]
) -> dict[str, bytes]:
    """The picture as it is shown: with and without marks, with covered heads and without.

    Args:
        picture: not changed.
        sight: what may be a head in it.
        detections: to mark.
        hazards: to mark above them.

    Returns:
        Reduced JPEGs by their names (`domain.media.name_preview`), and the thumbnail.
    """
    reduced = reduce_picture(picture)
    heads = find_heads(sight)
    small = annotate(cover_heads(reduced, heads), detections=(), max_side_px=THUMBNAIL_SIDE_PX)
    previews = {name_thumbnail(): small}
    for annotated in (False, True):
        marks, dangers = (detections, hazards) if annotated else ((), ())
        plain = annotate(reduced, detections=marks, hazards=dangers)
        covered = annotate(cover_heads(reduced, heads), detections=marks, hazards=dangers) if heads else plain
        previews[name_preview(annotated=annotated, blurred=False)] = plain
        previews[name_preview(annotated=annotated, blurred=True)] = covered
    return previews


def examine(
    path: Path,
    *,
    media_format: MediaFormat,
    detector: Detector,
    in_force: RulesInForce | None = None,
    scene: Scene = _UNKNOWN,
    wanted: Wanted | None = None,
) -> Examination:
    """Look at a photo or clip.

    Args:
        path: the file.
        media_format: of it.
        detector: sees what is in it.
        in_force: the hazard rules; silent: those that come with the product.
        scene: what is known of the shot; what is silent leaves the rules that need it without an answer.
        wanted: what is to be measured in a photo; None: nothing.

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
    sight = look_closely(picture, detector)
    judged = judge_photo(
        sight.detections, width_px=picture.width_px, height_px=picture.height_px, in_force=rules, scene=scene
    )
    previews = draw_previews(picture, sight=sight, detections=sight.detections, hazards=judged.hazards)
    measured = None
    if wanted is not None:
        measured = measure_medium(path, media_format=media_format, wanted=wanted, heads=find_heads(sight))
        previews |= measured.previews
    return Examination(
        width_px=picture.width_px,
        height_px=picture.height_px,
        detections=sight.detections,
        hazards=tuple(SeenHazard(hazard, None) for hazard in judged.hazards),
        cannot_tell=dict(judged.cannot_tell),
        previews=previews,
        truncated=picture.truncated,
        look=look_at(picture) if scene.is_fixed else None,
        measurements=() if measured is None else measured.measurements,
    )


def _examine_clip(path: Path, detector: Detector, in_force: RulesInForce, scene: Scene) -> Examination:
    looks: list[ClipLook] = []
    sights: dict[float, Sight] = {}
    first: Picture | None = None
    for frame in _sample(path):
        first = first or frame.picture
        sight = detector.look(frame.picture)
        sights[frame.at_s] = sight
        looks.append(_look(frame, sight, in_force, scene))
    if first is None:
        raise RuntimeError("sample_frames gave no frame and no error")
    events = find_events(looks)
    best_at_s = max(events, key=lambda each: each.hazard.score).best_at_s if events else looks[0].at_s
    picture = first if best_at_s == looks[0].at_s else find_frame(path, best_at_s)
    marked = [each.hazard for each in events if each.best_at_s == best_at_s]
    return Examination(
        width_px=first.width_px,
        height_px=first.height_px,
        detections=_thin_out(sights, told_at_s={each.best_at_s for each in events}),
        hazards=tuple(_tell_event(each) for each in events),
        cannot_tell={},
        previews=draw_previews(
            picture, sight=sights[best_at_s], detections=sights[best_at_s].detections, hazards=marked
        ),
        truncated=False,
    )


def _look(frame: Frame, sight: Sight, in_force: RulesInForce, scene: Scene) -> ClipLook:
    picture = frame.picture
    judged = judge_hazards(
        sight.detections, width_px=picture.width_px, height_px=picture.height_px, in_force=in_force, scene=scene
    )
    persons, faint = (
        tuple(each.box_xyxy_px for each in seen if each.label == "person" and each.score >= _FOLLOWED_SCORE)
        for seen in (sight.detections, sight.faint)
    )
    return ClipLook(frame.at_s, picture.width_px, persons, faint, judged)


def _tell_event(event: HazardEvent) -> SeenHazard:
    spans = {"first_at_s": round(event.first_at_s, 3), "last_at_s": round(event.last_at_s, 3), "samples": event.samples}
    return SeenHazard(replace(event.hazard, details=event.hazard.details | spans), event.best_at_s)


def _thin_out(sights: Mapping[float, Sight], *, told_at_s: Collection[float]) -> tuple[Detection, ...]:
    """What is kept of a clip's detections: of a sample each second, and of those that findings name."""
    kept: list[Detection] = []
    due_s = 0.0
    for at_s, sight in sights.items():
        if at_s >= due_s or at_s in told_at_s:
            due_s = max(due_s, at_s + _KEPT_EVERY_S)
            kept.extend(replace(each, at_s=at_s) for each in sight.detections)
    return tuple(kept[:_MAX_CLIP_DETECTIONS])


def find_frame(path: Path, at_s: float) -> Picture:
    """The frame that `examine` looked at nearest to this time of a clip.

    Args:
        path: the clip.
        at_s: since its start, to a millisecond, as findings keep it. [s]

    Raises:
        UndecodableClip: not one frame can be decoded.
    """
    # Decoded a second time, because keeping every frame of a clip would take more memory than a worker may have.
    best: Frame | None = None
    for frame in _sample(path):
        if best is None or abs(frame.at_s - at_s) < abs(best.at_s - at_s):
            best = frame
        if frame.at_s >= at_s:
            break
    if best is None:
        raise RuntimeError("sample_frames gave no frame and no error")
    return best.picture


def _sample(path: Path) -> Iterator[Frame]:
    return sample_frames(path, every_s=CLIP_EVERY_S, max_frames=CLIP_MAX_FRAMES, max_side_px=PREVIEW_SIDE_PX)
