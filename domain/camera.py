"""Fixed cameras: the zones drawn on their picture, and the points that tie it to the ground."""

from dataclasses import dataclass
from datetime import datetime, time

RelativePoint = tuple[float, float]
"""(x, y) in shares of the upright picture's width and height, from its upper left, x right, y down, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ExclusionZone:
    """An area of the picture in which nobody may stand.

    Attributes:
        id: given by the caller; unique within its camera.
        name: for people to read.
        polygon: its corners on the ground as the picture shows them, in order, the first not repeated.
    """

    id: str
    name: str
    polygon: tuple[RelativePoint, ...]


@dataclass(frozen=True, slots=True)
class GroundPoint:
    """A point of the ground that was found in the picture.

    Attributes:
        image: where the picture shows it.
        ground_m: (x, y) on the ground, in any right-angled frame in metres, the same for all points of a camera. [m]
    """

    image: RelativePoint
    ground_m: tuple[float, float]


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When a camera is to see and send, as `HH:MM` of its project's day; over midnight where `end` is the earlier."""

    start: str
    end: str

    def holds(self, at: time) -> bool:
        """Whether a time of day lies from `start` to before `end`."""
        start, end = time.fromisoformat(self.start), time.fromisoformat(self.end)
        return start <= at < end if start < end else at >= start or at < end


@dataclass(frozen=True, slots=True)
class Camera:
    """A fixed camera of a project.

    Attributes:
        ground_points: none, or at least four; they give distances on the ground.
        clock_skew_s: by how much the camera's own clock is ahead of the true time. [s]
        version: grows by one with each change; the ETag.
        working_hours: outside of them neither darkness nor silence is a fault; None: silence always, darkness by day.
        silent_after_s: it is silent when nothing came for so long; None: as its sender promises. [s]
    """

    project_id: str
    id: str
    name: str
    zones: tuple[ExclusionZone, ...]
    ground_points: tuple[GroundPoint, ...]
    clock_skew_s: float
    created_at: datetime
    version: int
    working_hours: WorkingHours | None = None
    silent_after_s: float | None = None
