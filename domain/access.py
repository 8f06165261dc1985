"""Who may do what: roles, and what a token stands for. Routes name the roles; this says what a role means."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.identifier import covers_area


class Role(StrEnum):
    """The roles of DESIGN's table; a villager has none and needs no token."""

    FIELD = "field"
    CONTRACTOR = "contractor"
    INSPECTOR = "inspector"
    SUPERVISOR = "supervisor"
    CORE = "core"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a token stands for.

    Attributes:
        area: sees this area and below, nothing else.
        project_id: where given, sees this one project only.
        person: whose token it is, so that separation of duties holds across tokens of one person.
    """

    token_id: UUID
    role: Role
    area: str
    project_id: str | None
    person: str | None
    name: str | None

    def sees_project(self, project_id: str, area: str) -> bool:
        """Whether a project of this id in this area is within sight."""
        return covers_area(self.area, area) and self.project_id in {None, project_id}

    @property
    def sees_only_own_media(self) -> bool:
        """Whether media sent by other tokens are out of sight."""
        return self.role is Role.FIELD

    @property
    def label(self) -> str:
        """The name to write beside a decision."""
        return self.person or self.name or str(self.token_id)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is stored: never its text, only the SHA-256 of it."""

    id: UUID
    role: Role
    area: str
    project_id: str | None
    person: str | None
    name: str | None
    created_at: datetime
    revoked_at: datetime | None
