"""Hazards of persons, one by one: who wears no hard hat or no vest. Pure.

What is judged by the surroundings (machinery, zones, cones) is in `surroundings.py`, all rules together in
`hazard_judgement.py`, and what a clip adds in `clip_hazard.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from domain.finding import Severity
from domain.media import Detection
from vision.hazard_rules import NoHardhat, NoVest

Box = tuple[float, float, float, float]
"""(x_min, y_min, x_max, y_max), x right, y down. [px]"""

NO_HARDHAT: Final = "safety.no_hardhat"
NO_VEST: Final = "safety.no_vest"

NETWORK_SIDE_PX: Final = 640
"""The side of the network's input, into which a picture was reduced: nothing smaller than its pixels was seen. [px]"""

# Where heads and torsos lie in a person's box: chosen on the labels of 400 training and all 114 validation pictures of
# Construction Site Safety v28, in which many people are half hidden or cut off, so that little but a head may be left.
_HEAD_WIDTH: Final = (0.1, 1.1)
_HIGHEST_HEAD: Final = -0.1
# The lowest middle of a head, by how high the person is for their width: of the training and validation heads that lie
# in one person alone (n = 2,286), 95 % of the persons twice as high as wide have it above 0.23, of those from one and a
# half times above 0.36. A helmet lower than that is carried, not worn.
_UPRIGHT: Final = 2.0
_LOWEST_HEAD_UPRIGHT: Final = 0.24
_LOWEST_HEAD: Final = 1 / 3
_LOWEST_HEAD_BENT: Final = 0.75
_HEAD_AT_TOP: Final = 0.15
_TORSO_WIDTH: Final = (0.15, 1.15)
_TORSO_CENTRE: Final = (0.05, 0.95)
_SAME_HEAD: Final = 0.6
_SAME_TORSO: Final = 0.5
_TORSO_INSIDE: Final = 0.6
_LONE_HEAD_SHARE: Final = 0.2
# A part that the picture's border cuts until it is narrower than this may wear what is not in the picture: heads are
# about as wide as high, torsos about one and a half times as high as wide. A vest shows on the shoulders already: a
# quarter of their width (some 12 cm) is enough, and all but one of the 12 validation close-ups stay told.
_CUT_HEAD_WIDTH: Final = 0.5
_CUT_TORSO_HEIGHT: Final = 0.25
_CUT_TORSO_WIDTH: Final = 0.3


@dataclass(frozen=True, slots=True)
class View:
    """The picture's frame.

    Attributes:
        width_px: of the original, upright. [px]
        height_px: likewise. [px]
    """

    width_px: float
    height_px: float

    @property
    def network_pixel(self) -> float:
        """So many of the original's pixels are one of the network's; a smaller picture is not enlarged in knowledge."""
        return max(1.0, max(self.width_px, self.height_px) / NETWORK_SIDE_PX)

    @property
    def border_px(self) -> float:
        """Distance in pixels from the border within which a thing is taken to be cut by it."""
        return 2 * self.network_pixel


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
        thing: what it is about where that has a name, such as a zone's id.
        whole_view: it speaks of all that is in view, so that one look that shows otherwise refutes it.
        dwell_s: so long it must last before it is told. [s]
        cooldown_s: of one camera it is told once within this time. [s]
    """

    code: str
    severity: Severity
    title: dict[str, str]
    box_xyxy_px: Box
    score: float
    details: dict[str, Any]
    thing: str = ""
    whole_view: bool = False
    dwell_s: float = 0.0
    cooldown_s: float = 0.0


@dataclass(frozen=True, slots=True)
class HazardJudgement:
    """What the rules say of one picture.

    Attributes:
        hazards: at most one for each person and code, strongest first.
        persons: how many were seen.
        cannot_tell: by code, for how many of them it could not be told.
        refuted: codes of whole-view hazards that this picture shows not to be.
        cleared: by code, the boxes of persons who are seen not to be in that danger. [px]
    """

    hazards: tuple[Hazard, ...]
    persons: int
    cannot_tell: Mapping[str, int] = field(default_factory=dict)
    refuted: frozenset[str] = frozenset()
    cleared: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Gear:
    """One thing that a person must wear, and where on the body it shows."""

    code: str
    title: dict[str, str]
    worn: str
    missing: str
    fits: Callable[[Box, Box], float | None]
    is_same: Callable[[Box, Box], bool]
    is_cut: Callable[[Box, View], bool]


@dataclass(frozen=True, slots=True)
class _Spot:
    """Detections of one kind of gear that lie on each other: one head, or one torso.

    Attributes:
        box: of the strongest.
        worn_score: 0 where it was not seen.
        missing_score: likewise.
    """

    box: Box
    worn_score: float
    missing_score: float


def judge_hardhats(detections: Sequence[Detection], *, view: View, rule: NoHardhat) -> HazardJudgement:
    """Tell which persons wear no hard hat.

    A person is told to lack it only when the bare head itself was seen (`no_hardhat`) where their head belongs; that no
    helmet was seen is not enough, and a helmet in the hand or on the ground is none that is worn. Persons who are too
    small, whose head was not seen, or both ways, or is cut by the picture's border are counted in `cannot_tell`.

    Args:
        detections: of one picture; those of other classes are left alone.
        view: the picture's frame.
        rule: the figures.
    """
    return _judge(
        detections,
        _Limits(view, rule.min_person_height_px, rule.clear_margin, rule.lone_score),
        _HARDHAT,
        rule.severity,
    )


def judge_vests(detections: Sequence[Detection], *, view: View, rule: NoVest) -> HazardJudgement:
    """Tell which persons wear no vest, as `judge_hardhats` does by their torsos; a torso without a person is nobody's.

    Args:
        detections: of one picture; those of other classes are left alone.
        view: the picture's frame.
        rule: the figures.
    """
    return _judge(detections, _Limits(view, rule.min_person_height_px, rule.clear_margin, None), _VEST, rule.severity)


def box_iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes; 0 where the union is empty."""
    shared = shared_area(a, b)
    union = box_area(a) + box_area(b) - shared
    return shared / union if union > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Limits:
    """A rule's figures in this picture.

    Attributes:
        lone_score: None where a part without a person is nobody's.
    """

    view: View
    min_person_height_px: float
    clear_margin: float
    lone_score: float | None


def _judge(detections: Sequence[Detection], limits: _Limits, gear: _Gear, severity: Severity) -> HazardJudgement:
    persons = [seen for seen in detections if seen.label == "person"]
    spots = _spots(detections, gear)
    owners = _owners(persons, spots, gear)
    hazards: list[Hazard] = []
    cleared: list[Box] = []
    untold = 0
    for index, person in enumerate(persons):
        verdict = _verdict(person, owners.get(index), gear, limits)
        if verdict is None:
            untold += 1
        elif verdict:
            hazards.append(_hazard(gear, severity, person.box_xyxy_px, owners[index], person_score=person.score))
        else:
            cleared.append(person.box_xyxy_px)
    owned = {id(spot) for spot in owners.values()}
    lone = (spot for spot in spots if id(spot) not in owned and _tells_alone(spot, gear, limits))
    hazards.extend(_hazard(gear, severity, spot.box, spot, person_score=None) for spot in lone)
    hazards.sort(key=lambda hazard: -hazard.score)
    return HazardJudgement(
        tuple(hazards), persons=len(persons), cannot_tell={gear.code: untold}, cleared={gear.code: tuple(cleared)}
    )


def _verdict(person: Detection, spot: _Spot | None, gear: _Gear, limits: _Limits) -> bool | None:
    """Whether the person lacks what is asked for; None where it cannot be told."""
    least_px = limits.min_person_height_px * limits.view.network_pixel
    if spot is None or box_height(person.box_xyxy_px) < least_px or gear.is_cut(spot.box, limits.view):
        return None
    return _lacks(spot, limits)


def _lacks(spot: _Spot, limits: _Limits) -> bool | None:
    lead = spot.missing_score - spot.worn_score
    return None if abs(lead) < limits.clear_margin else lead > 0


def _tells_alone(spot: _Spot, gear: _Gear, limits: _Limits) -> bool:
    # A head is about an eighth of a body; a fifth of the least body is a head that shows something.
    least_px = _LONE_HEAD_SHARE * limits.min_person_height_px * limits.view.network_pixel
    return (
        limits.lone_score is not None
        and spot.missing_score >= limits.lone_score
        and box_height(spot.box) >= least_px
        and not gear.is_cut(spot.box, limits.view)
        and _lacks(spot, limits) is True
    )


def _hazard(gear: _Gear, severity: Severity, box: Box, spot: _Spot, *, person_score: float | None) -> Hazard:
    return Hazard(
        code=gear.code,
        severity=severity,
        title=dict(gear.title),
        box_xyxy_px=box,
        score=spot.missing_score,
        details={
            "label": gear.missing,
            "score": round(spot.missing_score, 4),
            "opposite_score": round(spot.worn_score, 4),
            "evidence_box_xyxy_px": [round(value, 1) for value in spot.box],
            "person_box": person_score is not None,
            "person_score": None if person_score is None else round(person_score, 4),
        },
    )


def _is_cut_head(head: Box, view: View) -> bool:
    """Whether the border cuts so much of a head that a helmet may be beyond it: its top, or half of its width."""
    at_side = head[0] <= view.border_px or head[2] >= view.width_px - view.border_px
    return head[1] <= view.border_px or (at_side and box_width(head) < _CUT_HEAD_WIDTH * box_height(head))


def _is_cut_torso(torso: Box, view: View) -> bool:
    """Whether the border leaves only a strip of a torso."""
    at_side = torso[0] <= view.border_px or torso[2] >= view.width_px - view.border_px
    at_end = torso[1] <= view.border_px or torso[3] >= view.height_px - view.border_px
    narrow = at_side and box_width(torso) < _CUT_TORSO_WIDTH * box_height(torso)
    return narrow or (at_end and box_height(torso) < _CUT_TORSO_HEIGHT * box_width(torso))


def _spots(detections: Sequence[Detection], gear: _Gear) -> list[_Spot]:
    """Detections of the two classes, those that lie on each other as one, strongest first."""
    seen = sorted((d for d in detections if d.label in {gear.worn, gear.missing}), key=lambda d: -d.score)
    spots: list[_Spot] = []
    for detection in seen:
        worn = detection.score if detection.label == gear.worn else 0.0
        missing = detection.score if detection.label == gear.missing else 0.0
        same = next((i for i, spot in enumerate(spots) if gear.is_same(spot.box, detection.box_xyxy_px)), None)
        if same is None:
            spots.append(_Spot(detection.box_xyxy_px, worn, missing))
        else:
            kept = spots[same]
            spots[same] = _Spot(kept.box, max(kept.worn_score, worn), max(kept.missing_score, missing))
    return spots


def _is_same_head(a: Box, b: Box) -> bool:
    # A helmet's box lies within that of a whole head, so the smaller one counts, not the union.
    smaller = min(box_area(a), box_area(b))
    return smaller > 0 and shared_area(a, b) >= _SAME_HEAD * smaller


def _is_same_torso(a: Box, b: Box) -> bool:
    # Torsos of neighbours hide each other in part, heads hardly ever do.
    return box_iou(a, b) >= _SAME_TORSO


def _owners(persons: Sequence[Detection], spots: Sequence[_Spot], gear: _Gear) -> dict[int, _Spot]:
    """Which spot belongs to which person, by index: each to one at most, the best fits first."""
    fits = [
        (cost, person_index, spot_index)
        for person_index, person in enumerate(persons)
        for spot_index, spot in enumerate(spots)
        if (cost := gear.fits(person.box_xyxy_px, spot.box)) is not None
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
    rise = abs(head[1] - person[1]) / box_height(person)
    lowest = _lowest_head(person)
    if not 0 <= place.x <= 1 or place.y < _HIGHEST_HEAD or (place.y > lowest and rise > _HEAD_AT_TOP):
        return None
    return abs(place.x - 0.5) + 2 * rise


def _lowest_head(person: Box) -> float:
    if box_width(person) > box_height(person):
        return _LOWEST_HEAD_BENT
    return _LOWEST_HEAD_UPRIGHT if box_height(person) >= _UPRIGHT * box_width(person) else _LOWEST_HEAD


def _torso_fit(person: Box, torso: Box) -> float | None:
    """How badly a vest lies for a person: 0 at the middle, two fifths down; None where it cannot be theirs."""
    place = _place(person, torso)
    if place is None or not _TORSO_WIDTH[0] <= place.width <= _TORSO_WIDTH[1]:
        return None
    inside = _TORSO_CENTRE[0] <= min(place.x, place.y) and max(place.x, place.y) <= _TORSO_CENTRE[1]
    if not inside or shared_area(person, torso) < _TORSO_INSIDE * box_area(torso):
        return None
    return abs(place.x - 0.5) + abs(place.y - 0.4)


@dataclass(frozen=True, slots=True)
class _Place:
    """A part's centre and width in shares of a person's box, from its upper left."""

    x: float
    y: float
    width: float


def _place(person: Box, part: Box) -> _Place | None:
    width, height = box_width(person), box_height(person)
    if width <= 0 or height <= 0:
        return None
    return _Place(
        x=((part[0] + part[2]) / 2 - person[0]) / width,
        y=((part[1] + part[3]) / 2 - person[1]) / height,
        width=box_width(part) / width,
    )


def box_width(box: Box) -> float:
    """Width of a box; 0 where it is turned inside out."""
    return max(0.0, box[2] - box[0])


def box_height(box: Box) -> float:
    """Height of a box; 0 where it is turned inside out."""
    return max(0.0, box[3] - box[1])


def box_area(box: Box) -> float:
    """Area of a box; 0 where it is turned inside out."""
    return box_width(box) * box_height(box)


def shared_area(a: Box, b: Box) -> float:
    """Area that two boxes share; 0 where they lie apart."""
    return box_area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


_HARDHAT: Final = _Gear(
    code=NO_HARDHAT,
    title={"zh": "现场有人未戴安全帽", "en": "A person on site wears no hard hat"},
    worn="hardhat",
    missing="no_hardhat",
    fits=_head_fit,
    is_same=_is_same_head,
    is_cut=_is_cut_head,
)
_VEST: Final = _Gear(
    code=NO_VEST,
    title={"zh": "现场有人未穿反光背心", "en": "A person on site wears no high-visibility vest"},
    worn="vest",
    missing="no_vest",
    fits=_torso_fit,
    is_same=_is_same_torso,
    is_cut=_is_cut_torso,
)
