"""Hazards of a clip: what its samples tell, followed person by person, confirmed over time, one event each. Pure.

The rules of one picture are in `hazard_judgement.py`, the following of boxes in `tracking.py`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from statistics import median
from typing import Final

from vision.hazard import Box, Hazard, HazardJudgement, box_area, box_height
from vision.tracking import BRIDGE_S, WALK_BODIES_PER_S, Tracker

SHOWN: Final = 3
"""In so many of `OF` samples in a row a hazard must be seen: one or two may err."""

OF: Final = 5
"""See `SHOWN`."""

_MEETING_BODIES: Final = 0.5  # two people nearer to each other than this may change their tracks
_GOES_ON_S: Final = 1.5  # so far a walk out of sight is carried on; who hides for longer mostly stays behind something
_RETURN_BODIES: Final = 1.0  # who comes back after longer, comes back to within 1.7 m, or by the picture's same side
_SAME_HEIGHT: Final = 0.6  # of two boxes of one person the lower one is at least so much of the higher one
_HEAD_FROM_TOP: Final = (-0.15, 0.4)  # where in a person's box the middle of their head may lie, bent ones included
_FAR: Final = 100.0  # worse than any distance in a picture
_BRIDGED_STEPS: Final = 2.5  # of a clip so long that its samples lie far apart
_BORDER: Final = 0.02  # of the picture: a box so near to its side goes out or comes in there
_UNKNOWN_STEP_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class ClipLook:
    """One sample of a clip as it was judged.

    Attributes:
        at_s: since the clip's start. [s]
        width_px: of the original, upright. [px]
        persons: boxes of those that count. [px]
        faint: boxes of people too weak to count, which keep a track alive. [px]
        judged: by all rules.
    """

    at_s: float
    width_px: float
    persons: tuple[Box, ...]
    faint: tuple[Box, ...]
    judged: HazardJudgement


@dataclass(frozen=True, slots=True)
class HazardEvent:
    """One hazard to one person, from when it began until it ended.

    Attributes:
        hazard: as it stood in the sample that shows it clearest.
        best_at_s: that sample's time since the clip's start. [s]
        first_at_s: of the first sample that shows it. [s]
        last_at_s: of the last. [s]
        samples: how many show it.
    """

    hazard: Hazard
    best_at_s: float
    first_at_s: float
    last_at_s: float
    samples: int


@dataclass(frozen=True, slots=True)
class _Sighting:
    index: int
    at_s: float
    hazard: Hazard
    track: int | None
    width_px: float


@dataclass(slots=True)
class _Run:
    """Sightings of one hazard, in order of time."""

    seen: list[_Sighting]

    @property
    def first(self) -> _Sighting:
        return self.seen[0]

    @property
    def last(self) -> _Sighting:
        return self.seen[-1]

    @property
    def tracks(self) -> set[int]:
        return {each.track for each in self.seen if each.track is not None}


@dataclass(slots=True)
class _Story:
    """A clip, followed.

    Attributes:
        sightings: by code and thing, in order of time.
        visible: the tracks of each sample.
        cleared: by code, the sample and the track of everybody of whom it says the opposite.
    """

    sightings: dict[tuple[str, str], list[_Sighting]] = field(default_factory=lambda: defaultdict(list))
    visible: list[set[int]] = field(default_factory=list)
    cleared: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))


def find_events(looks: Sequence[ClipLook]) -> list[HazardEvent]:
    """Join what the samples tell into events.

    A hazard is an event when `SHOWN` of `OF` samples in a row show it on one person (more than half of a clip that has
    fewer), more samples tell it than tell the opposite, and it lasts for the rule's dwell. Gaps up to `BRIDGE_S` are
    bridged. What ends and begins again within the rule's cooldown is one event, if it is the same track, or begins
    where the other ended: nobody is recognised, so who comes back to the same place is taken for the same person.
    What speaks of the whole view is joined wherever its box lies, and one sample that shows otherwise refutes it.

    Args:
        looks: every sample in order of time, also those without a hazard.

    Returns:
        In order of their first sample; empty for no samples.
    """
    step_s = _find_step(looks)
    gap_s = max(BRIDGE_S, _BRIDGED_STEPS * step_s)
    refuted = frozenset[str]().union(*(look.judged.refuted for look in looks))
    story = _follow(looks, step_s)
    shown = min(SHOWN, len(looks) // 2 + 1)
    events: list[HazardEvent] = []
    for (code, _), seen in story.sightings.items():
        if code in refuted:
            continue
        runs = _chain([_Run([each]) for each in seen], gap_s, may_pass_on=True, visible=story.visible)
        confirmed = [run for run in runs if _is_confirmed(run, shown, story.cleared[code])]
        cooldown_s = max(gap_s, seen[0].hazard.cooldown_s)
        chained = _chain(confirmed, cooldown_s, may_pass_on=False, visible=story.visible)
        events.extend(_make_event(run) for run in chained)
    return sorted(events, key=lambda event: (event.first_at_s, event.hazard.code, event.hazard.box_xyxy_px))


def _find_step(looks: Sequence[ClipLook]) -> float:
    gaps = [after.at_s - before.at_s for before, after in pairwise(looks)]
    return median(gaps) if gaps else _UNKNOWN_STEP_S


def _follow(looks: Sequence[ClipLook], step_s: float) -> _Story:
    """Give every sighting the track of its person; a head without a person belongs to whom it sits on, if somebody."""
    story, tracker = _Story(), Tracker(step_s=step_s)
    last_boxes: dict[int, tuple[float, Box]] = {}
    for index, look in enumerate(looks):
        tracks = dict(zip(look.persons, tracker.follow(look.at_s, look.persons, look.faint), strict=True))
        last_boxes |= {track: (look.at_s, box) for box, track in tracks.items() if track is not None}
        story.visible.append({track for track in tracks.values() if track is not None})
        for hazard in look.judged.hazards:
            box = hazard.box_xyxy_px
            track = tracks[box] if box in tracks else _find_owner(box, last_boxes, since_s=look.at_s - BRIDGE_S)
            sighting = _Sighting(index, look.at_s, hazard, track, look.width_px)
            story.sightings[hazard.code, hazard.thing].append(sighting)
        for code, boxes in look.judged.cleared.items():
            story.cleared[code].extend((index, track) for box in boxes if (track := tracks.get(box)) is not None)
    return story


def _find_owner(head: Box, last_boxes: Mapping[int, tuple[float, Box]], *, since_s: float) -> int | None:
    owners = (track for track, (at_s, box) in last_boxes.items() if at_s >= since_s and _is_head_of(head, box))
    return next(owners, None)


def _chain(runs: Sequence[_Run], gap_s: float, *, may_pass_on: bool, visible: Sequence[set[int]]) -> list[_Run]:
    """Join runs that go on with one another, the surest first.

    Args:
        runs: in order of their first sample.
        gap_s: the longest gap between two of one chain. [s]
        may_pass_on: whether a hazard may go over to another track while its own is still seen: two tracks that met
            may have changed their persons.
        visible: the tracks of each sample.
    """
    chains: list[_Run] = []
    for _, together in groupby(runs, key=lambda run: run.first.at_s):
        starting = list(together)
        alive = [chain for chain in chains if 0 < starting[0].first.at_s - chain.last.at_s <= gap_s]
        fits = sorted(
            (cost, chain_index, run_index)
            for chain_index, chain in enumerate(alive)
            for run_index, run in enumerate(starting)
            if (cost := _fit(chain, run.first, may_pass_on=may_pass_on, visible=visible)) is not None
        )
        taken: set[int] = set()
        joined: set[int] = set()
        for _, chain_index, run_index in fits:
            if chain_index not in taken and run_index not in joined:
                alive[chain_index].seen.extend(starting[run_index].seen)
                taken.add(chain_index)
                joined.add(run_index)
        chains.extend(_Run(list(run.seen)) for index, run in enumerate(starting) if index not in joined)
    return chains


def _fit(chain: _Run, after: _Sighting, *, may_pass_on: bool, visible: Sequence[set[int]]) -> float | None:
    """How badly a sighting goes on with a chain, 0 for the same track; None where it is somebody else."""
    before = chain.last
    if after.hazard.whole_view or (after.track is not None and after.track in chain.tracks):
        return 0.0
    is_visible = before.track in visible[after.index]
    if is_visible and not may_pass_on:
        return None
    here, there = before.hazard.box_xyxy_px, after.hazard.box_xyxy_px
    lower, higher = sorted((here, there), key=box_height)
    if _is_head_of(lower, higher):
        return 1.0
    if box_height(lower) < _SAME_HEIGHT * box_height(higher):
        return None
    bodies = (abs(_middle(there) - _middle(here)) + abs(there[3] - here[3])) / max(1.0, box_height(higher))
    if bodies <= _find_reach(after.at_s - before.at_s, is_visible=is_visible):
        return 1.0 + bodies
    return _FAR if not is_visible and _is_same_side(before, after) else None


def _find_reach(gap_s: float, *, is_visible: bool) -> float:
    """How far from where somebody was last seen they may be seen next, in their own heights."""
    if is_visible:
        return _MEETING_BODIES
    if gap_s <= BRIDGE_S:
        return _MEETING_BODIES + WALK_BODIES_PER_S * min(gap_s, _GOES_ON_S)
    return _RETURN_BODIES


def _is_same_side(before: _Sighting, after: _Sighting) -> bool:
    """Whether somebody comes in at the side of the picture at which somebody went out."""
    sides = [
        (box[0] <= _BORDER * each.width_px, box[2] >= (1 - _BORDER) * each.width_px)
        for each, box in ((before, before.hazard.box_xyxy_px), (after, after.hazard.box_xyxy_px))
    ]
    return any(out and back for out, back in zip(*sides, strict=True))


def _is_head_of(head: Box, person: Box) -> bool:
    height = box_height(person)
    top, bottom = (person[1] + share * height for share in _HEAD_FROM_TOP)
    is_small = box_height(head) < (1 - _SAME_HEIGHT) * height
    return is_small and person[0] <= _middle(head) <= person[2] and top <= (head[1] + head[3]) / 2 <= bottom


def _middle(box: Box) -> float:
    return (box[0] + box[2]) / 2


def _is_confirmed(run: _Run, shown: int, cleared: Sequence[tuple[int, int]]) -> bool:
    indices = [each.index for each in run.seen]
    is_dense = any(last - first < OF for first, last in zip(indices, indices[shown - 1 :], strict=False))
    against = sum(run.first.index <= index <= run.last.index and track in run.tracks for index, track in cleared)
    lasts_s = run.last.at_s - run.first.at_s
    return is_dense and len(indices) > against and lasts_s >= run.last.hazard.dwell_s


def _make_event(run: _Run) -> HazardEvent:
    best = max(run.seen, key=lambda each: _clarity(each.hazard))
    return HazardEvent(best.hazard, best.at_s, run.first.at_s, run.last.at_s, len(run.seen))


def _clarity(hazard: Hazard) -> tuple[float, float]:
    """How clearly a sample shows a hazard: its lead over the opposite, to a tenth; of equals the largest box."""
    return round(hazard.score - float(hazard.details.get("opposite_score", 0.0)), 1), box_area(hazard.box_xyxy_px)
