"""Projects and their milestones."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from domain.place import Position


class ProjectKind(StrEnum):
    """What is being built."""

    ROAD = "road"
    CANAL = "canal"
    CULVERT = "culvert"
    BRIDGE = "bridge"
    WATER = "water"
    BUILDING = "building"
    SQUARE = "square"
    OTHER = "other"


class ProjectClass(StrEnum):
    """How closely a project is supervised: A key livelihood, B ordinary, C minor repair."""

    A = "A"
    B = "B"
    C = "C"


@dataclass(frozen=True, slots=True)
class Project:
    """A work under construction.

    Attributes:
        area: path `county/town/village`.
        time_zone: IANA name; its days are the project's days.
        position: roughly where it is, to catch a wrong frame or zone; None where nobody said.
        public_code: the code of its public page.
        version: grows by one with each change; the ETag.
    """

    id: str
    name: str
    kind: ProjectKind
    area: str
    contractor: str | None
    starts_on: date | None
    ends_on: date | None
    time_zone: str
    position: Position | None
    project_class: ProjectClass
    public_code: str
    created_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Milestone:
    """A stage of a project that evidence is gathered for.

    Attributes:
        after: the milestones that come before it.
        requires: what must be shown, as DESIGN's `requires`, JSON-ready.
        version: the ETag.
    """

    project_id: str
    id: str
    title: str
    planned_on: date | None
    after: tuple[str, ...]
    requires: dict[str, Any]
    created_at: datetime
    version: int
