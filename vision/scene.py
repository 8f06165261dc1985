"""What is known of a shot beside its pixels, as far as hazard rules ask for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from domain.camera import Camera
from domain.media import Detection
from domain.project import ProjectKind


@dataclass(frozen=True, slots=True)
class EarlierView:
    """What the same fixed camera showed before.

    Attributes:
        taken_at: UTC.
        local_time: the time of day in the project's time zone.
        width_px: of the original, upright. [px]
        height_px: likewise. [px]
        detections: in its pixels.
    """

    taken_at: datetime
    local_time: time
    width_px: int
    height_px: int
    detections: tuple[Detection, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A shot's circumstances; what is silent is not known, and rules that need it cannot tell.

    Attributes:
        project_kind: what is being built there.
        taken_at: UTC.
        local_time: the time of day in the project's time zone.
        is_fixed: a fixed camera's, not a phone's, behind which somebody stands.
        camera: the fixed camera as it is registered.
        earlier: its photos before this one, oldest first, as far back as the longest dwell asks for.
    """

    project_kind: ProjectKind | None = None
    taken_at: datetime | None = None
    local_time: time | None = None
    is_fixed: bool = False
    camera: Camera | None = None
    earlier: Sequence[EarlierView] = ()
