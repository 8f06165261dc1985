"""How good the decision about a person is, beside labels: who lacks a hard hat or a vest, by the person's size.

Needs no torch. The truth of a person comes from the labels by a simpler geometry than the rules' own: a head's or
torso's label is that of the person whose box holds its middle; where several do, of the one in whom it lies nearest to
where heads and torsos are. So it measures the rules against labels, not against what an eye sees in the picture.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid
from domain.media import Detection
from vision.detector import Detector
from vision.hazard import (
    NO_HARDHAT,
    NO_VEST,
    Box,
    Hazard,
    View,
    box_area,
    box_height,
    box_iou,
    box_width,
    judge_hardhats,
    judge_vests,
)
from vision.hazard_rules import HazardRules
from vision.picture import Picture
from vision.training.sources import LabelledPicture, list_pictures, read_class_names

MIN_HEIGHT_PX: Final = 60.0
"""Persons below this are not counted: from there on the decision is promised. [px]"""

SIZES: Final = ("small", "medium", "large")
_SMALL_PX2: Final = 32.0**2  # COCO's bounds, here in the network's pixels
_LARGE_PX2: Final = 96.0**2
_SAME_IOU: Final = 0.5
_RESAMPLES: Final = 2000
_Z95: Final = 1.959964  # the 97.5th percentile of the normal distribution
_HEAD_SHARE: Final = 0.2  # of the least person's height, for a bare head that is told without a person


class UnreadablePicture(Invalid):
    """A labelled picture cannot be decoded."""

    code: ClassVar[str] = "evaluation.unreadable_picture"


@dataclass(frozen=True, slots=True)
class _Gear:
    worn: str
    missing: str
    middle: float  # how far down the body it has its middle


_GEAR: Final = {NO_HARDHAT: _Gear("hardhat", "no_hardhat", 0.08), NO_VEST: _Gear("vest", "no_vest", 0.4)}


@dataclass(frozen=True, slots=True)
class TrueView:
    """A labelled picture as the rules see it.

    Attributes:
        labels: its boxes as detections of score 1, in its pixels.
    """

    path: Path
    view: View
    labels: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class TruePerson:
    """A labelled person.

    Attributes:
        lacks: whether the labels say so; None where they say nothing of the head or torso.
    """

    box: Box
    lacks: bool | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Decisions "this person lacks it" in one picture, or in many.

    Attributes:
        right: told, and so.
        wrong: told of somebody who wears it.
        unfounded: told of somebody of whom the labels do not say, or of nobody.
        missed: not told, and so.
    """

    right: int = 0
    wrong: int = 0
    unfounded: int = 0
    missed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(
            self.right + other.right,
            self.wrong + other.wrong,
            self.unfounded + other.unfounded,
            self.missed + other.missed,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """A precision or recall with its 95 % interval; all None where nothing stands behind it."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class DecisionScore:
    """How good a decision is over a set of pictures.

    Attributes:
        code: of the hazard.
        size: of the persons, one of `SIZES`, or `all`.
        tally: over all pictures.
        precision: of what was told, the part that is so; what is unfounded counts as wrong.
        recall: of who lacks it, the part that was told.
    """

    code: str
    size: str
    tally: Tally
    precision: Share
    recall: Share


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How many labels of a class and size the detector finds at its own thresholds (IoU 0.5)."""

    label: str
    size: str
    labels: int
    found: Share


def read_views(data: Path) -> list[TrueView]:
    """The labelled pictures of `data/val`.

    Raises:
        SourceNotFoundError: no such folder.
        SourceMalformedError: labels that cannot be read.
        UnreadablePicture: a picture cannot be decoded.
    """
    names = read_class_names(data)
    return [_read_view(each, names) for each in list_pictures(folder=data / "val", class_names=names, known=names)]


def detect_all(views: Sequence[TrueView], detector: Detector) -> list[list[Detection]]:
    """What the detector sees in each picture."""
    return [list(detector.look(_load(view)).detections) for view in views]


def score_decisions(
    views: Sequence[TrueView], detections: Sequence[Sequence[Detection]], *, rules: HazardRules
) -> list[DecisionScore]:
    """Measure both decisions, for all persons of at least `MIN_HEIGHT_PX` and by their size.

    Args:
        views: labelled pictures.
        detections: what was seen in each; the labels themselves measure the geometry alone.
        rules: the figures that are judged by.
    """
    scores = []
    for code in _GEAR:
        tallies = [_tally(view, seen, code=code, rules=rules) for view, seen in zip(views, detections, strict=True)]
        scores += [_score(code, size, [by_size.get(size, Tally()) for by_size in tallies]) for size in ("all", *SIZES)]
    return scores


def score_classes(views: Sequence[TrueView], detections: Sequence[Sequence[Detection]]) -> list[ClassScore]:
    """What the detector finds of each class, by the labels' size; sizes without labels are left out."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for view, seen in zip(views, detections, strict=True):
        here: dict[tuple[str, str], tuple[int, int]] = {}
        for label, is_found in _match_labels(view.labels, seen):
            key = (label.label, size_of(label.box_xyxy_px, view.view))
            right, missed = here.get(key, (0, 0))
            here[key] = (right + is_found, missed + (not is_found))
        for key, counts in here.items():
            found.setdefault(key, []).append(counts)
    order = {size: index for index, size in enumerate(SIZES)}
    return [
        ClassScore(label, size, sum(right + missed for right, missed in counts), make_share(counts))
        for (label, size), counts in sorted(found.items(), key=lambda item: (item[0][0], order[item[0][1]]))
    ]


def size_of(box: Box, view: View) -> str:
    """`small`, `medium` or `large` by COCO's bounds, in the pixels that the network sees."""
    area = box_area(box) / view.network_pixel**2
    return SIZES[0] if area < _SMALL_PX2 else SIZES[1] if area < _LARGE_PX2 else SIZES[2]


def find_true_persons(labels: Sequence[Detection], code: str) -> list[TruePerson]:
    """The labelled persons, each with what the labels say of their head or torso."""
    gear = _GEAR[code]
    persons = [each.box_xyxy_px for each in labels if each.label == "person"]
    lacks: dict[int, bool] = {}
    pairs = sorted(
        (_misplacement(person, each.box_xyxy_px, gear.middle), index, each.label == gear.missing)
        for each in labels
        if each.label in {gear.worn, gear.missing}
        for index, person in _nearest(persons, each.box_xyxy_px, gear.middle)
    )
    for _, index, is_missing in pairs:
        lacks.setdefault(index, is_missing)
    return [TruePerson(box, lacks.get(index)) for index, box in enumerate(persons)]


def make_share(counts: Sequence[tuple[int, int]]) -> Share:
    """Of (right, wrong) by picture the share that is right, with its interval.

    People in one picture are not independent, so pictures are drawn, not people: the percentile bootstrap of 2,000
    resamples. Where all are right, or none, it would give an interval of no width; there it is Wilson's.
    """
    table = np.array(counts, np.int64).reshape(-1, 2)
    right, wrong = (int(value) for value in table.sum(axis=0))
    if right + wrong == 0:
        return Share(None, None, None)
    if right == 0 or wrong == 0:
        return Share(right / (right + wrong), *wilson_interval(right, right + wrong))
    drawn = np.random.default_rng(0).integers(len(table), size=(_RESAMPLES, len(table)))
    sums = table[drawn].sum(axis=1)
    shares = sums[sums.sum(axis=1) > 0]
    low, high = np.percentile(shares[:, 0] / shares.sum(axis=1), [2.5, 97.5])
    return Share(right / (right + wrong), float(low), float(high))


def wilson_interval(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share (Wilson 1927); `total` above 0."""
    share, square = right / total, _Z95**2
    middle = share + square / (2 * total)
    spread = _Z95 * float(np.sqrt(share * (1 - share) / total + square / (4 * total**2)))
    return max(0.0, (middle - spread) / (1 + square / total)), min(1.0, (middle + spread) / (1 + square / total))


def format_decisions(name: str, scores: Sequence[DecisionScore]) -> str:
    """A table of decisions by size."""
    head = (
        f"  {'decision':<20}{'size':<8}{'lack it':>8}{'told':>6}{'unsaid':>8}   {'precision [95 %]':<22}recall [95 %]"
    )
    rows = [name, head]
    for each in scores:
        tally = each.tally
        told = tally.right + tally.wrong + tally.unfounded
        rows.append(
            f"  {each.code:<20}{each.size:<8}{tally.right + tally.missed:>8}{told:>6}{tally.unfounded:>8}"
            f"   {_format(each.precision):<22}{_format(each.recall)}"
        )
    return "\n".join(rows)


def format_classes(scores: Sequence[ClassScore]) -> str:
    """A table of what the detector finds, by class and size."""
    rows = ["the detector at its own thresholds, by size of the label in the network's pixels (32², 96²)"]
    rows.append(f"  {'class':<14}{'size':<8}{'labels':>7}   found [95 %]")
    rows += [f"  {each.label:<14}{each.size:<8}{each.labels:>7}   {_format(each.found)}" for each in scores]
    return "\n".join(rows)


def _format(share: Share) -> str:
    return "-" if share.value is None else f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"


def _score(code: str, size: str, tallies: Sequence[Tally]) -> DecisionScore:
    return DecisionScore(
        code,
        size,
        sum(tallies, Tally()),
        precision=make_share([(each.right, each.wrong + each.unfounded) for each in tallies]),
        recall=make_share([(each.right, each.missed) for each in tallies]),
    )


def _tally(view: TrueView, seen: Sequence[Detection], *, code: str, rules: HazardRules) -> Mapping[str, Tally]:
    if code == NO_HARDHAT:
        told = judge_hardhats(seen, view=view.view, rule=rules.no_hardhat).hazards
    else:
        told = judge_vests(seen, view=view.view, rule=rules.no_vest).hazards
    persons = find_true_persons(view.labels, code)
    told_of = _match_hazards(told, persons)
    by_size: dict[str, Tally] = {}

    def count(box: Box, tally: Tally) -> None:
        for size in ("all", size_of(box, view.view)):
            by_size[size] = by_size.get(size, Tally()) + tally

    for index, person in enumerate(persons):
        if box_height(person.box) < MIN_HEIGHT_PX:
            continue
        is_told = index in told_of
        if person.lacks is None:
            count(person.box, Tally(unfounded=int(is_told)))
        elif is_told:
            count(person.box, Tally(right=1) if person.lacks else Tally(wrong=1))
        else:
            count(person.box, Tally(missed=int(person.lacks)))
    for number, hazard in enumerate(told):
        least_px = MIN_HEIGHT_PX * (1.0 if hazard.details["person_box"] else _HEAD_SHARE)
        if number not in told_of.values() and box_height(hazard.box_xyxy_px) >= least_px:
            count(hazard.box_xyxy_px, Tally(unfounded=1))
    return by_size


def _match_hazards(told: Sequence[Hazard], persons: Sequence[TruePerson]) -> dict[int, int]:
    """By person the hazard that is told of them: the largest overlaps first; a lone head is its holder's."""
    pairs = []
    for number, hazard in enumerate(told):
        box = hazard.box_xyxy_px
        for index, person in enumerate(persons):
            if hazard.details["person_box"]:
                likeness = box_iou(box, person.box)
            else:
                likeness = _SAME_IOU * _holds_middle(person.box, box)
            if likeness >= _SAME_IOU:
                pairs.append((likeness, index, number))
    matched: dict[int, int] = {}
    for _, index, number in sorted(pairs, reverse=True):
        if index not in matched and number not in matched.values():
            matched[index] = number
    return matched


def _match_labels(labels: Sequence[Detection], seen: Sequence[Detection]) -> Iterator[tuple[Detection, bool]]:
    """Each label with whether a detection of its class found it, each detection finding one, strongest first."""
    free = list(range(len(labels)))
    found: set[int] = set()
    for detection in sorted(seen, key=lambda each: -each.score):
        same = [index for index in free if labels[index].label == detection.label]
        best = max(same, key=lambda i: box_iou(labels[i].box_xyxy_px, detection.box_xyxy_px), default=None)
        if best is not None and box_iou(labels[best].box_xyxy_px, detection.box_xyxy_px) >= _SAME_IOU:
            free.remove(best)
            found.add(best)
    return ((label, index in found) for index, label in enumerate(labels))


def _nearest(persons: Sequence[Box], part: Box, middle: float) -> list[tuple[int, Box]]:
    holders = [(index, person) for index, person in enumerate(persons) if _holds_middle(person, part)]
    return sorted(holders, key=lambda item: _misplacement(item[1], part, middle))[:1]


def _holds_middle(person: Box, part: Box) -> bool:
    x, y = _middle(part)
    return person[0] <= x <= person[2] and person[1] <= y <= person[3]


def _misplacement(person: Box, part: Box, middle: float) -> float:
    """How far a part lies from its place in a person's box, in heights of the part."""
    x, y = _middle(part)
    place = ((person[0] + person[2]) / 2, person[1] + middle * box_height(person))
    return float(np.hypot(x - place[0], y - place[1])) / max(box_height(part), box_width(part), 1.0)


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _read_view(labelled: LabelledPicture, names: Sequence[str]) -> TrueView:
    pixels = _decode(labelled.path)
    height, width = pixels.shape[:2]
    labels = []
    for class_id, (x, y, w, h) in zip(labelled.class_ids, labelled.boxes_cxcywh.tolist(), strict=True):
        box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
        labels.append(Detection(names[class_id], 1.0, box))
    return TrueView(labelled.path, View(width, height), tuple(labels))


def _load(view: TrueView) -> Picture:
    pixels = _decode(view.path)
    return Picture(pixels, width_px=pixels.shape[1], height_px=pixels.shape[0])


def _decode(path: Path) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise UnreadablePicture(f"{path} cannot be decoded as a picture")
    return np.asarray(pixels, np.uint8)


Say = Callable[[str], None]


def evaluate_persons(data: Path, *, detector: Detector, rules: HazardRules, tell: Say) -> None:
    """Print what the decisions are worth on `data/val`: by the labels alone, then as the detector sees.

    Raises:
        SourceNotFoundError: no such folder.
        SourceMalformedError: labels that cannot be read.
        UnreadablePicture: a picture cannot be decoded.
    """
    views = read_views(data)
    labels = [list(view.labels) for view in views]
    seen = detect_all(views, detector)
    tell(f"{len(views)} pictures; persons of at least {MIN_HEIGHT_PX:.0f} px")
    tell(format_decisions("geometry alone (the labels as detections)", score_decisions(views, labels, rules=rules)))
    tell(format_decisions(detector.model_name, score_decisions(views, seen, rules=rules)))
    tell(format_classes(score_classes(views, seen)))
