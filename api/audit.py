"""`/v1/audit`: who saw originals and unblurred pictures, and when."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from api.access import Allowed, Asker, see_nothing
from api.paging import After, Limit, make_collection
from api.schemas import Collection, Shape
from domain.access import Role
from domain.audit import AuditAction, AuditEntry
from storage.audit import list_audit

router = APIRouter(prefix="/v1", tags=["access"])
READERS = frozenset({Role.ADMIN})


class AuditView(Shape):
    """One recorded deed; `role` and `token_id` are null for a command of the operator's."""

    at: datetime
    action: AuditAction
    media_id: UUID
    project_id: str
    by: str
    person: str | None
    role: Role | None
    token_id: UUID | None

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        """The wire's shape of an entry."""
        return cls.model_validate(entry)


@router.get("/audit")
def list_audit_route(
    asker: Annotated[Asker[None], Depends(Allowed(READERS, see_nothing))],
    limit: Limit,
    after: After = None,
    media_id: UUID | None = None,
) -> Collection[AuditView]:
    """Who read originals or unblurred previews within sight, oldest first."""
    with asker.transaction() as connection:
        page = list_audit(connection, principal=asker.principal, after=after, limit=limit, media_id=media_id)
    return make_collection(page, [AuditView.of(entry) for entry in page.items])
