"""Hazard rules of one picture: a person without hard hat or vest. Pure; what a clip adds is in `clip_hazard.py`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.finding import Severity
from domain.media import Detection

Box = tuple[float, float, float, float]
"""(x_min, y_min, x_max, y_max), x right, y down. [px]"""

NO_HARDHAT: Final = "safety.no_hardhat"
NO_VEST: Final = "safety.no_vest"


# Where heads and torsos lie in a person's box: chosen on the labels of 400 training and all 114 validation pictures of
# Construction Site Safety v28, in which many people are half hidden or cut off, so that little but a head may be left.
_HEAD_WIDTH: Final = (0.1, 1.1)
_HIGHEST_HEAD: Final = -0.1
_LOWEST_HEAD: Final = 1 / 3
_LOWEST_HEAD_BENT: Final = 0.75
_HEAD_AT_TOP: Final = 0.15
_TORSO_WIDTH: Final = (0.15, 1.15)
_TORSO_CENTRE: Final = (0.05, 0.95)
_SAME_HEAD: Final = 0.6
_SAME_TORSO: Final = 0.5
_TORSO_INSIDE: Final = 0.6
_LONE_HEAD_SHARE: Final = 0.2


@dataclass(frozen=True, slots=True)
class HazardThresholds:
    """When a hazard is told.

    Attributes:
        clear_margin: where `hardhat` and `no_hardhat` (or the vests) are seen on the same spot, the stronger must lead
            by this, or it cannot be told.
        lone_score: from which a bare head counts although no person was seen around it.
        min_person_height_px: a person lower than this, as the network saw it, is too small to tell. [px]
        network_side_px: the side of the network's input, into which the picture was reduced. [px]
    """

    clear_margin: float = 0.15
    lone_score: float = 0.6
    min_person_height_px: float = 32.0
    network_side_px: int = 640


@dataclass(frozen=True, slots=True)
class Hazard:
    """One danger to one person.

    Attributes:
        code: of the finding, `safety.<noun>`.
        severity: of the finding.
        title: `{"zh": ..., "en": ...}`.
        box_xyxy_px: of the person, or of the head where no person was seen around it. [px]
        score: of the detection that tells it.
        details: the numbers behind it, JSON-ready.
    """

    code: str
    severity: Severity
    title: dict[str, str]
    box_xyxy_px: Box
    score: float
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HazardJudgement:
    """What the rules say of one picture.

    Attributes:
        hazards: at most one for each person and code, strongest first.
        persons: how many were seen.
        cannot_tell: by code, for how many of them it could not be told.
    """

    hazards: tuple[Hazard, ...]
    persons: int
    cannot_tell: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Rule:
    """One thing that a person must wear, and where on the body it shows."""

    code: str
    severity: Severity
    title: dict[str, str]
    worn: str
    missing: str
    fits: Callable[[Box, Box], float | None]
    is_same: Callable[[Box, Box], bool]
    needs_head: bool


@dataclass(frozen=True, slots=True)
class _Spot:
    """Detections of one rule that lie on each other: one head, or one torso.

    Attributes:
        box: of the strongest.
        worn_score: 0 where it was not seen.
        missing_score: likewise.
    """

    box: Box
    worn_score: float
    missing_score: float


def judge_hazards(
    detections: Sequence[Detection],
    *,
    width_px: int,
    height_px: int,
    thresholds: HazardThresholds = HazardThresholds(),
) -> HazardJudgement:
    """Tell which persons lack a hard hat or a vest.

    A person is told to lack it only when the lack itself was seen (`no_hardhat`, `no_vest`) where it belongs on their
    body; that nothing was seen there is not enough. Persons who are too small, on whom nothing was seen or both, or
    whose head the picture's upper border cuts are counted in `cannot_tell`.

    Args:
        detections: of one picture; those of other classes are left alone.
        width_px: of the original, upright. [px]
        height_px: likewise. [px]
        thresholds: see there.
    """
    persons = [seen for seen in detections if seen.label == "person"]
    hazards: list[Hazard] = []
    cannot_tell: dict[str, int] = {}
    limits = _Limits.of(width_px, height_px, thresholds)
    for rule in _RULES:
        spots = _spots(detections, rule)
        owners = _owners(persons, spots, rule)
        untold = 0
        for index, person in enumerate(persons):
            verdict = _verdict(person, owners.get(index), rule, limits)
            if verdict is None:
                untold += 1
            elif verdict:
                hazards.append(_hazard(rule, person.box_xyxy_px, owners[index], person_score=person.score))
        cannot_tell[rule.code] = untold
        if rule.needs_head:
            owned = {id(spot) for spot in owners.values()}
            lone = (spot for spot in spots if id(spot) not in owned and _tells_alone(spot, limits))
            hazards.extend(_hazard(rule, spot.box, spot, person_score=None) for spot in lone)
    hazards.sort(key=lambda hazard: -hazard.score)
    return HazardJudgement(hazards=tuple(hazards), persons=len(persons), cannot_tell=cannot_tell)


def box_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes; 0 where the union is empty."""
    shared = _shared_area(a, b)
    union = _area(a) + _area(b) - shared
    return shared / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Limits:
    min_person_height_px: float
    border_px: float
    thresholds: HazardThresholds

    @classmethod
    def of(cls, width_px: int, height_px: int, thresholds: HazardThresholds) -> "_Limits":
        # One pixel of the network's input is so many of the original; a smaller picture is not enlarged in knowledge.
        scale = max(1.0, max(width_px, height_px) / thresholds.network_side_px)
        return cls(thresholds.min_person_height_px * scale, border_px=2 * scale, thresholds=thresholds)


def _verdict(person: Detection, spot: _Spot | None, rule: _Rule, limits: _Limits) -> bool | None:
    """Whether the person lacks what the rule asks for; None where it cannot be told."""
    if spot is None or _height(person.box_xyxy_px) < limits.min_person_height_px:
        return None
    if rule.needs_head and spot.box[1] <= limits.border_px:
        return None
    return _lacks(spot, limits.thresholds)


def _lacks(spot: _Spot, thresholds: HazardThresholds) -> bool | None:
    lead = spot.missing_score - spot.worn_score
    return None if abs(lead) < thresholds.clear_margin else lead > 0


def _tells_alone(spot: _Spot, limits: _Limits) -> bool:
    # A head is about an eighth of a body; a fifth of the least body is a head that shows something.
    large_enough = _height(spot.box) >= _LONE_HEAD_SHARE * limits.min_person_height_px
    return (
        spot.missing_score >= limits.thresholds.lone_score
        and large_enough
        and spot.box[1] > limits.border_px
        and _lacks(spot, limits.thresholds) is True
    )


def _hazard(rule: _Rule, box: Box, spot: _Spot, *, person_score: float | None) -> Hazard:
    return Hazard(
        code=rule.code,
        severity=rule.severity,
        title=dict(rule.title),
        box_xyxy_px=box,
        score=spot.missing_score,
        details={
            "label": rule.missing,
            "score": round(spot.missing_score, 4),
            "opposite_score": round(spot.worn_score, 4),
            "evidence_box_xyxy_px": [round(value, 1) for value in spot.box],
            "person_box": person_score is not None,
            "person_score": None if person_score is None else round(person_score, 4),
        },
    )


def _spots(detections: Sequence[Detection], rule: _Rule) -> list[_Spot]:
    """Detections of the rule's two classes, those that lie on each other as one, strongest first."""
    seen = sorted((d for d in detections if d.label in {rule.worn, rule.missing}), key=lambda d: -d.score)
    spots: list[_Spot] = []
    for detection in seen:
        worn = detection.score if detection.label == rule.worn else 0.0
        missing = detection.score if detection.label == rule.missing else 0.0
        same = next((i for i, spot in enumerate(spots) if rule.is_same(spot.box, detection.box_xyxy_px)), None)
        if same is None:
            spots.append(_Spot(detection.box_xyxy_px, worn, missing))
        else:
            kept = spots[same]
            spots[same] = _Spot(kept.box, max(kept.worn_score, worn), max(kept.missing_score, missing))
    return spots


def _is_same_head(a: Box, b: Box) -> bool:
    # A helmet's box lies within that of a whole head, so the smaller one counts, not the union.
    smaller = min(_area(a), _area(b))
    return smaller > 0 and _shared_area(a, b) >= _SAME_HEAD * smaller


def _is_same_torso(a: Box, b: Box) -> bool:
    # Torsos of neighbours hide each other in part, heads hardly ever do.
    return box_iou(a, b) >= _SAME_TORSO


def _owners(persons: Sequence[Detection], spots: Sequence[_Spot], rule: _Rule) -> dict[int, _Spot]:
    """Which spot belongs to which person, by index: each to one at most, the best fits first."""
    fits = [
        (cost, person_index, spot_index)
        for person_index, person in enumerate(persons)
        for spot_index, spot in enumerate(spots)
        if (cost := rule.fits(person.box_xyxy_px, spot.box)) is not None
    ]
    owners: dict[int, _Spot] = {}
    taken: set[int] = set()
    for _, person_index, spot_index in sorted(fits):
        if person_index not in owners and spot_index not in taken:
            owners[person_index] = spots[spot_index]
            taken.add(spot_index)
    return owners


def _head_fit(person: Box, head: Box) -> float | None:
    """How badly a head lies for a person: 0 at the middle of the upper edge; None where it cannot be theirs."""
    place = _place(person, head)
    if place is None or not _HEAD_WIDTH[0] <= place.width <= _HEAD_WIDTH[1]:
        return None
    # A head whose upper edge is the person's upper edge is theirs; one further down is a neighbour's in front.
    rise = abs(head[1] - person[1]) / _height(person)
    lowest = _LOWEST_HEAD_BENT if _width(person) > _height(person) else _LOWEST_HEAD
    if not 0 <= place.x <= 1 or place.y < _HIGHEST_HEAD or (place.y > lowest and rise > _HEAD_AT_TOP):
        return None
    return abs(place.x - 0.5) + 2 * rise


def _torso_fit(person: Box, torso: Box) -> float | None:
    """How badly a vest lies for a person: 0 at the middle, two fifths down; None where it cannot be theirs."""
    place = _place(person, torso)
    if place is None or not _TORSO_WIDTH[0] <= place.width <= _TORSO_WIDTH[1]:
        return None
    inside = _TORSO_CENTRE[0] <= min(place.x, place.y) and max(place.x, place.y) <= _TORSO_CENTRE[1]
    if not inside or _shared_area(person, torso) < _TORSO_INSIDE * _area(torso):
        return None
    return abs(place.x - 0.5) + abs(place.y - 0.4)


@dataclass(frozen=True, slots=True)
class _Place:
    """A part's centre and width in shares of a person's box, from its upper left."""

    x: float
    y: float
    width: float


def _place(person: Box, part: Box) -> _Place | None:
    width, height = _width(person), _height(person)
    if width <= 0 or height <= 0:
        return None
    return _Place(
        x=((part[0] + part[2]) / 2 - person[0]) / width,
        y=((part[1] + part[3]) / 2 - person[1]) / height,
        width=_width(part) / width,
    )


def _width(box: Box) -> float:
    return max(0.0, box[2] - box[0])


def _height(box: Box) -> float:
    return max(0.0, box[3] - box[1])


def _area(box: Box) -> float:
    return _width(box) * _height(box)


def _shared_area(a: Box, b: Box) -> float:
    return _area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


_RULES: Final = (
    _Rule(
        code=NO_HARDHAT,
        severity=Severity.MAJOR,
        title={"zh": "现场有人未戴安全帽", "en": "A person on site wears no hard hat"},
        worn="hardhat",
        missing="no_hardhat",
        fits=_head_fit,
        is_same=_is_same_head,
        needs_head=True,
    ),
    _Rule(
        code=NO_VEST,
        severity=Severity.MINOR,
        title={"zh": "现场有人未穿反光背心", "en": "A person on site wears no high-visibility vest"},
        worn="vest",
        missing="no_vest",
        fits=_torso_fit,
        is_same=_is_same_torso,
        needs_head=False,
    ),
)
