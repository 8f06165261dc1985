"""What inspectors decided, as labels to learn from. Writing them is in `dataset_export.py`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from domain.finding import Decision, Finding, FindingStatus
from domain.media import Detection, Medium

Box = tuple[float, float, float, float]
_SAME_BOX_PX: Final = 0.06  # findings keep the boxes of detections to a tenth of a pixel
_SAME_FRAME_S: Final = 0.001
_NOTES: Final = {
    Decision.CONFIRMED: "seen and confirmed by a person",
    Decision.DISMISSED: "seen by the model and dismissed by a person: nothing of this class is in the box",
}


@dataclass(frozen=True, slots=True)
class DecidedBox:
    """A detection upon which a person decided.

    Attributes:
        decision: what they said.
        label: the class that the model saw there.
        box_cxcywh: centre x, centre y, width, height, as fractions of the picture's sides.
        detection: what the model saw; None where the medium no longer tells.
    """

    finding: Finding
    decision: Decision
    label: str
    box_cxcywh: Box
    detection: Detection | None

    @property
    def note(self) -> str:
        """What the decision says, for a person who reads the data."""
        return _NOTES[self.decision]


@dataclass(frozen=True, slots=True)
class DecidedPicture:
    """A photo, or a frame of a clip, with everything that was decided in it.

    Attributes:
        stem: of its files; the same on every export.
        at_s: the frame's time in a clip; None for a photo. [s]
        boxes: decided upon.
        undecided: what the model saw and nobody decided upon, with boxes as fractions.
    """

    stem: str
    at_s: float | None
    boxes: tuple[DecidedBox, ...]
    undecided: tuple[tuple[Detection, Box], ...]

    def list_labels(self, classes: Sequence[str]) -> list[str]:
        """Lines of a YOLO label file: what was confirmed."""
        return [
            f"{classes.index(each.label)} {_written(each.box_cxcywh)}"
            for each in self.boxes
            if each.decision is Decision.CONFIRMED
        ]

    def describe_known(self) -> dict[str, Any]:
        """What training may take for known in this picture (read by `vision.training.sources`).

        `known` is empty: a person decided upon boxes, and never said that there is nothing more of a class. Beside the
        confirmed boxes only the insides of dismissed ones are known; everything else must not be learnt from.
        """
        return {
            "known": [],
            "absent": [
                {"class": each.label, "box_cxcywh": list(each.box_cxcywh)}
                for each in self.boxes
                if each.decision is Decision.DISMISSED
            ],
            "undecided": [
                {"class": seen.label, "score": round(seen.score, 4), "box_cxcywh": list(box)}
                for seen, box in self.undecided
            ],
        }


def decide_pictures(medium: Medium, findings: Iterable[Finding], *, classes: Sequence[str]) -> list[DecidedPicture]:
    """The pictures of a medium that teach something, in order of time.

    Args:
        medium: analysed.
        findings: its own, decided or not.
        classes: labels that the data set knows; findings of others, or of no class at all, teach nothing here.
    """
    if not medium.width_px or not medium.height_px:
        return []
    decided = [box for each in findings if (box := _decide(each, medium, classes)) is not None]
    decided.sort(key=lambda each: _at_s(each.finding) or 0.0)
    return [
        _picture(medium, at_s, tuple(boxes)) for at_s, boxes in groupby(decided, key=lambda box: _at_s(box.finding))
    ]


def find_decision(finding: Finding) -> Decision | None:
    """What a person said to a finding; None where nobody did. One that is resolved was confirmed before."""
    if finding.reviewed_at is None:
        return None
    match finding.status:
        case FindingStatus.CONFIRMED | FindingStatus.RESOLVED:
            return Decision.CONFIRMED
        case FindingStatus.DISMISSED:
            return Decision.DISMISSED
        case _:
            return None


def _decide(finding: Finding, medium: Medium, classes: Sequence[str]) -> DecidedBox | None:
    decision, label = find_decision(finding), finding.details.get("label")
    # The evidence is what the class means: the bare head, not the whole person.
    box = finding.details.get("evidence_box_xyxy_px") or finding.box_xyxy_px
    if decision is None or label not in classes or box is None:
        return None
    fractions = _to_fractions(tuple(box), medium)
    if fractions is None:
        return None
    at_s = _at_s(finding)
    same = (each for each in _seen_at(medium, at_s) if each.label == label and _is_same(each.box_xyxy_px, box))
    return DecidedBox(finding, decision, str(label), fractions, next(same, None))


def _picture(medium: Medium, at_s: float | None, boxes: tuple[DecidedBox, ...]) -> DecidedPicture:
    decided = {each.detection for each in boxes}
    undecided = [
        (seen, fractions)
        for seen in _seen_at(medium, at_s)
        if seen not in decided and (fractions := _to_fractions(seen.box_xyxy_px, medium)) is not None
    ]
    stem = str(medium.id) if at_s is None else f"{medium.id}-{round(at_s * 1000):08d}ms"
    return DecidedPicture(stem, at_s, boxes, tuple(undecided))


def _at_s(finding: Finding) -> float | None:
    value = finding.details.get("at_s")
    return float(value) if isinstance(value, int | float) else None


def _seen_at(medium: Medium, at_s: float | None) -> list[Detection]:
    if at_s is None:
        return [each for each in medium.detections if each.at_s is None]
    return [each for each in medium.detections if each.at_s is not None and abs(each.at_s - at_s) <= _SAME_FRAME_S]


def _is_same(a: Box, b: Sequence[float]) -> bool:
    return all(abs(one - other) <= _SAME_BOX_PX for one, other in zip(a, b, strict=True))


def _to_fractions(box_xyxy_px: tuple[float, ...], medium: Medium) -> Box | None:
    """Centre and size as fractions, cut at the picture's edge; None where nothing is left. Rounded as it is written."""
    assert medium.width_px
    assert medium.height_px
    x_min, x_max = (min(max(value / medium.width_px, 0.0), 1.0) for value in (box_xyxy_px[0], box_xyxy_px[2]))
    y_min, y_max = (min(max(value / medium.height_px, 0.0), 1.0) for value in (box_xyxy_px[1], box_xyxy_px[3]))
    if x_min >= x_max or y_min >= y_max:
        return None
    return (
        round((x_min + x_max) / 2, 6),
        round((y_min + y_max) / 2, 6),
        round(x_max - x_min, 6),
        round(y_max - y_min, 6),
    )


def _written(box: Box) -> str:
    return " ".join(f"{value:.6f}" for value in box)
