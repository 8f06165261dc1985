"""Following people and things from sample to sample of a clip: boxes become tracks. What a track means is elsewhere.

ByteTrack (Zhang et al. 2022) by edgefirst-tracker; docs/decisions/0013 says why that one. Tracks follow places, never
faces or clothes: nobody is recognised.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from edgefirst.tracker import ByteTrack

from vision.hazard import Box, box_height

BRIDGE_S: Final = 3.0
"""So long a track outlives its last box: a worker who walks behind an excavator at 1.4 m/s is hidden for less. [s]"""

WALK_BODIES_PER_S: Final = 0.9
"""A brisk walker's way in heights of their own: 1.5 m/s and 1.7 m. [1/s]"""

_BRIDGED_STEPS: Final = 2.5
_MIN_IOU: Final = 0.1
_SURE: Final = 0.9
_FAINT: Final = 0.3
_BEGINS: Final = 0.5
_NS: Final = 1_000_000_000


class Tracker:
    """Gives the boxes of each sample the numbers of their tracks.

    Args:
        step_s: the time between samples. [s]
    """

    def __init__(self, *, step_s: float) -> None:
        self._step_s = step_s
        self._tracker = ByteTrack(
            high_conf=_BEGINS, iou=_MIN_IOU, lifespan_ns=round(max(BRIDGE_S, _BRIDGED_STEPS * step_s) * _NS)
        )
        self._numbers: dict[str, int] = {}

    def follow(self, at_s: float, sure: Sequence[Box], faint: Sequence[Box] = ()) -> list[int | None]:
        """The track of each box of `sure`; None where the tracker gives it none.

        Args:
            at_s: since the clip's start, later than the call before. [s]
            sure: boxes that begin a track or go on with one. [px]
            faint: boxes too weak to count, which only keep a track alive. [px]
        """
        boxes = np.array([self._widen(box) for box in (*sure, *faint)], np.float32).reshape(-1, 4)
        scores = np.array([_SURE] * len(sure) + [_FAINT] * len(faint), np.float32)
        labels = np.zeros(len(boxes), np.uintp)
        tracks = self._tracker.update(boxes, scores, labels, round(at_s * _NS))
        return [
            None if track is None else self._numbers.setdefault(track.uuid, len(self._numbers))
            for track in tracks[: len(sure)]
        ]

    def _widen(self, box: Box) -> Box:
        """By half of a walker's way in a step at both sides, so that boxes of neighbouring samples overlap."""
        reach = WALK_BODIES_PER_S * self._step_s * box_height(box) / 2
        return box[0] - reach, box[1], box[2] + reach, box[3]
