"""Episodes: what a sensor's alarm and its health were, in event time."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class GaugeFault(StrEnum):
    """What may be wrong with a gauge, as the code of its finding, so that it is not taken for movement."""

    STUCK = "sensor.stuck"
    SPIKING = "sensor.spiking"
    DRIFTING = "sensor.drifting"
    OUT_OF_RANGE = "sensor.out_of_range"
    SILENT = "sensor.silent"


class EndReason(StrEnum):
    """Why an episode is over."""

    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"  # late or corrected readings show that it never was
    LEVEL_REMOVED = "level_removed"


@dataclass(frozen=True, slots=True)
class EpisodeFound:
    """An episode as judging finds it.

    Attributes:
        level: the name of the level; None where it is the gauge's own fault.
        code: of its finding.
        since: the first reading of it. Aware, UTC.
        raised_at: the reading that confirmed it. Aware, UTC.
        ended_at: the reading that confirmed its end; None while it goes on. Aware, UTC.
        end_reason: why it ended.
        details: the numbers behind it, JSON-ready.
    """

    level: str | None
    code: str
    since: datetime
    raised_at: datetime
    ended_at: datetime | None = None
    end_reason: EndReason | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def track(self) -> str:
        """What it is an episode of: two of one track never overlap."""
        return self.code if self.level is None else f"level:{self.level}"


@dataclass(frozen=True, slots=True)
class Episode:
    """A recorded episode with its finding."""

    id: int
    sensor_id: str
    finding_id: UUID
    found: EpisodeFound
