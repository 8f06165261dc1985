"""The record of who saw what shows faces, and who may."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.access import Principal, Role
from domain.media import Medium

UNCOVERED_FOR = frozenset({Role.INSPECTOR, Role.SUPERVISOR, Role.ADMIN})
"""Who decides on findings, who oversees them, and who operates the house; the others see covered heads."""


class AuditAction(StrEnum):
    """What was done with a medium."""

    ORIGINAL_READ = "original_read"
    UNBLURRED_PREVIEW_READ = "unblurred_preview_read"
    ORIGINAL_EXPORTED = "original_exported"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One recorded deed.

    Attributes:
        by: the token's person or name, or who ran the command.
        role: of the token; None for a command.
        token_id: likewise.
    """

    at: datetime
    action: AuditAction
    media_id: UUID
    project_id: str
    by: str
    person: str | None
    role: Role | None
    token_id: UUID | None


def may_see_uncovered(principal: Principal, medium: Medium) -> bool:
    """Whether somebody who sees the medium may also see its faces: by role, or because this very token sent it."""
    return principal.role in UNCOVERED_FOR or medium.token_id == principal.token_id
