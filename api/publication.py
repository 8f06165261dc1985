"""`/v1/media/{media_id}/publication`: whether everybody may see a picture, decided by a person who looked at it."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.access import EVERYBODY, Allowed, Asker, see_medium
from api.schemas import PublicationBody, PublicationView
from api.strict_json import StrictRoute
from domain.access import Role
from domain.media import Medium
from domain.report import DESK
from storage.database import Connection
from storage.publication import find_publication, put_publication

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["media"])


@router.put("/media/{media_id}/publication")
def put_publication_route(
    body: PublicationBody, asker: Annotated[Asker[Medium], Depends(Allowed(DESK, see_medium))]
) -> PublicationView:
    """Let a picture onto the public page with covered heads, or take it off.

    It is shown once it is analysed, of a milestone, and graded A to C.
    """
    now = asker.services.clock.now()
    medium = asker.thing
    with asker.transaction() as connection:
        put_publication(
            connection,
            media_id=medium.id,
            project_id=medium.project_id,
            is_shown=body.shown,
            by=asker.principal,
            now=now,
        )
        return _view(connection, medium)


@router.get("/media/{media_id}/publication")
def get_publication_route(
    asker: Annotated[Asker[Medium], Depends(Allowed(EVERYBODY - {Role.FIELD}, see_medium))],
) -> PublicationView:
    """Whether a picture was let onto the public page; not shown where nobody decided."""
    with asker.transaction() as connection:
        return _view(connection, asker.thing)


def _view(connection: Connection, medium: Medium) -> PublicationView:
    decided = find_publication(connection, media_id=medium.id)
    if decided is None:
        return PublicationView(media_id=medium.id, shown=False, decided_by=None, decided_at=None)
    return PublicationView(
        media_id=medium.id, shown=decided.is_shown, decided_by=decided.decided_by, decided_at=decided.decided_at
    )
