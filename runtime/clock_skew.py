"""How far a camera's clock is off, from the times that it writes and the times at which its shots come."""

from collections import deque
from datetime import datetime
from typing import Final

SAMPLES: Final = 60
"""So many of the newest are looked at: an hour of snapshots a minute apart, in which a bad clock drifts by a second."""

LEAST: Final = 3
"""Fewer tell nothing: one may have waited in the camera."""


class ClockSkew:
    """Shots come late, never early, so the largest of (camera's time - arrival) is the nearest to the skew."""

    def __init__(self) -> None:
        self._ahead_s: deque[float] = deque(maxlen=SAMPLES)

    def see(self, *, camera_at: datetime, arrived_at: datetime) -> None:
        """Take a shot.

        Args:
            camera_at: by the camera's clock. Aware.
            arrived_at: by the true clock. Aware.
        """
        self._ahead_s.append((camera_at - arrived_at).total_seconds())

    @property
    def ahead_s(self) -> float | None:
        """By how much the camera's clock is ahead, less the shortest delay; None while too few shots came [s]."""
        return round(max(self._ahead_s), 2) if len(self._ahead_s) >= LEAST else None
