"""`/v1/dead-letters`: sensor messages that could not be stored. They are tried again by `siteproof replay`."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.access import Allowed, AreaForbidden, Asker, see_nothing
from api.paging import After, Limit, make_collection
from api.schemas import Collection, Shape
from domain.access import Role
from domain.identifier import EVERYWHERE
from domain.sensor import DeadLetter
from storage.dead_letter import list_dead_letters

router = APIRouter(prefix="/v1", tags=["sensors"])
READERS = frozenset({Role.ADMIN})


class DeadLetterView(Shape):
    """A message as it came, and why nothing could be made of it; `payload` is base64, because it may be any bytes."""

    received_at: datetime
    topic: str
    code: str
    detail: str
    payload: str

    @classmethod
    def of(cls, letter: DeadLetter) -> "DeadLetterView":
        """The wire's shape of a dead letter."""
        return cls(
            received_at=letter.received_at,
            topic=letter.topic,
            code=letter.code,
            detail=letter.detail,
            payload=b64encode(letter.payload).decode("ascii"),
        )


@router.get("/dead-letters")
def list_dead_letters_route(
    asker: Annotated[Asker[None], Depends(Allowed(READERS, see_nothing))],
    limit: Limit,
    after: After = None,
    code: Annotated[str | None, Query(max_length=64, description="only those of this reason")] = None,
    topic_prefix: Annotated[str | None, Query(max_length=1000, description="only topics that begin so")] = None,
) -> Collection[DeadLetterView]:
    """What could not be stored, in the order in which it was kept; for an operator whose token is of every area."""
    if asker.principal.area != EVERYWHERE or asker.principal.project_id is not None:
        # A topic is what a stranger wrote: nothing in it proves to which area the message belongs.
        raise AreaForbidden("dead letters belong to no area; the token must be of all of them: --area /")
    with asker.transaction() as connection:
        page = list_dead_letters(connection, after=after, limit=limit, code=code, topic_prefix=topic_prefix)
    return make_collection(page, [DeadLetterView.of(letter) for letter in page.items])
