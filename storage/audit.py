"""The record of who saw what shows faces, as rows that are never changed."""

from datetime import datetime
from typing import Final
from uuid import UUID

from domain.access import Principal, Role
from domain.audit import AuditAction, AuditEntry
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("audit")


def insert_audit(
    connection: Connection, *, action: AuditAction, media_id: UUID, by: Principal | str, at: datetime
) -> None:
    """Record a deed.

    Args:
        connection: of the caller's transaction.
        action: what is done.
        media_id: with which medium.
        by: whose token; on the command line, the name of who runs the command.
        at: UTC.
    """
    principal = by if isinstance(by, Principal) else None
    values = {
        "at": at,
        "action": action,
        "media_id": media_id,
        "by": by if isinstance(by, str) else by.label,
        "person": None if principal is None else principal.person,
        "role": None if principal is None else principal.role,
        "token_id": None if principal is None else principal.token_id,
    }
    connection.execute(_QUERIES["insert_audit"], values)


def list_audit(
    connection: Connection, *, principal: Principal, after: str | None, limit: int, media_id: UUID | None = None
) -> Page[AuditEntry]:
    """What was done within the principal's sight, oldest first; with `media_id`, with one medium.

    Raises:
        InvalidCursor: `after` is not a cursor of ours.
    """
    values = {
        "area": principal.area,
        "token_project_id": principal.project_id,
        "media_id": media_id,
        "after": decode_cursor(after)[0],
        "limit": limit + 1,
    }
    rows = connection.execute(_QUERIES["list_audit"], values).fetchall()
    return cut_page([(row[8], _entry(row)) for row in rows], limit=limit)


def _entry(row: tuple[object, ...]) -> AuditEntry:
    at, action, media_id, project_id, by, person, role, token_id, _ = row
    return AuditEntry(at, AuditAction(action), media_id, project_id, by, person, role and Role(role), token_id)  # type: ignore[arg-type]
