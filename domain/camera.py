"""Fixed cameras: the zones drawn on their picture, and the points that tie it to the ground."""

from dataclasses import dataclass
from datetime import datetime

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
class Camera:
    """A fixed camera of a project.

    Attributes:
        ground_points: none, or at least four; they give distances on the ground.
        clock_skew_s: by how much the camera's own clock is ahead of the true time. [s]
        version: grows by one with each change; the ETag.
    """

    project_id: str
    id: str
    name: str
    zones: tuple[ExclusionZone, ...]
    ground_points: tuple[GroundPoint, ...]
    clock_skew_s: float
    created_at: datetime
    version: int
