"""`/v1/whoami`: whom the token stands for, so that a page can offer only what is allowed."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.access import EVERYBODY, Allowed, Asker, see_nothing
from api.schemas import Shape
from domain.access import Role

router = APIRouter(prefix="/v1", tags=["access"])


class WhoamiView(Shape):
    """The token's own facts, without its text."""

    role: Role
    area: str
    project_id: str | None
    person: str | None
    name: str | None


@router.get("/whoami")
def get_whoami_route(asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY, see_nothing))]) -> WhoamiView:
    """Whom the token stands for."""
    principal = asker.principal
    return WhoamiView(
        role=principal.role,
        area=principal.area,
        project_id=principal.project_id,
        person=principal.person,
        name=principal.name,
    )
