"""Hazards of a clip: what frames tell, joined over time and confirmed. The rules of one picture are in `hazard.py`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from vision.hazard import Hazard, box_iou

MIN_SAMPLES: Final = 2
"""In so many sampled frames a hazard must be seen: one frame may err."""

MIN_IOU: Final = 0.2
"""Boxes of one person in neighbouring samples overlap at least so much: a walker at 1 m/s moves by half their width."""

MAX_MISSED: Final = 2
"""So many samples in a row may miss a person before they are taken for somebody else."""


@dataclass(frozen=True, slots=True)
class ConfirmedHazard:
    """One hazard to one person over a clip.

    Attributes:
        hazard: as it stood in the sample with the highest score.
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


@dataclass(slots=True)
class _Chain:
    seen: list[tuple[float, Hazard]]
    last_index: int

    @property
    def last(self) -> Hazard:
        return self.seen[-1][1]

    @property
    def lasts_s(self) -> float:
        return self.seen[-1][0] - self.seen[0][0]

    def is_alive(self, index: int, max_missed: int) -> bool:
        return self.last.whole_view or index - self.last_index <= max_missed + 1


def confirm_over_frames(
    per_frame: Sequence[tuple[float, Sequence[Hazard]]],
    *,
    refuted: Collection[str] = (),
    min_samples: int = MIN_SAMPLES,
    min_iou: float = MIN_IOU,
    max_missed: int = MAX_MISSED,
) -> list[ConfirmedHazard]:
    """Join the hazards of sampled frames person by person, and keep those that more than one sample shows.

    Boxes of neighbouring samples are joined greedily, the largest overlap first. In a clip of so few samples that
    `min_samples` is more than half of them, more than half are enough. What speaks of the whole view is joined without
    boxes, over the whole clip. What must last (`dwell_s`) is kept if it lasts from its first sample to its last.

    Args:
        per_frame: every sample in order of time, also those without a hazard: time since the start [s], hazards.
        refuted: codes that speak of the whole view, and that some sample shows not to be so: a camera that turns finds
            the cone in the end.
        min_samples: see `MIN_SAMPLES`.
        min_iou: see `MIN_IOU`.
        max_missed: see `MAX_MISSED`.

    Returns:
        In order of their first sample; empty for no samples.
    """
    chains: list[_Chain] = []
    for index, (at_s, hazards) in enumerate(per_frame):
        alive = [chain for chain in chains if chain.is_alive(index, max_missed)]
        joined = _join(alive, hazards, min_iou)
        for hazard_index, hazard in enumerate(hazards):
            chain = joined.get(hazard_index)
            if chain is None:
                chains.append(_Chain([(at_s, hazard)], index))
            else:
                chain.seen.append((at_s, hazard))
                chain.last_index = index
    needed = min(min_samples, len(per_frame) // 2 + 1)
    return [
        _confirmed(chain)
        for chain in chains
        if len(chain.seen) >= needed and chain.lasts_s >= chain.last.dwell_s and chain.last.code not in refuted
    ]


def _join(alive: Sequence[_Chain], hazards: Sequence[Hazard], min_iou: float) -> dict[int, _Chain]:
    overlaps = [
        (_likeness(chain.last, hazard), chain_index, hazard_index)
        for chain_index, chain in enumerate(alive)
        for hazard_index, hazard in enumerate(hazards)
        if (chain.last.code, chain.last.thing) == (hazard.code, hazard.thing)
    ]
    joined: dict[int, _Chain] = {}
    taken: set[int] = set()
    for overlap, chain_index, hazard_index in sorted(overlaps, reverse=True):
        if overlap >= min_iou and chain_index not in taken and hazard_index not in joined:
            joined[hazard_index] = alive[chain_index]
            taken.add(chain_index)
    return joined


def _likeness(before: Hazard, now: Hazard) -> float:
    return 1.0 if now.whole_view else box_iou(before.box_xyxy_px, now.box_xyxy_px)


def _confirmed(chain: _Chain) -> ConfirmedHazard:
    best_at_s, best = max(chain.seen, key=lambda item: item[1].score)
    return ConfirmedHazard(
        hazard=best,
        best_at_s=best_at_s,
        first_at_s=chain.seen[0][0],
        last_at_s=chain.seen[-1][0],
        samples=len(chain.seen),
    )
