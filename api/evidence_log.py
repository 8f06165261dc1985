"""`/v1/log`: the evidence log for who wants to watch it: keys, checkpoint, entries and proofs."""

import json
from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse

from api.access import EVERYBODY, Allowed, Asker, see_nothing
from api.paging import After, Limit, make_collection
from api.schemas import Collection, Shape
from domain.access import Role
from findings.evidence_log import prove_consistency, prove_inclusion
from findings.merkle import hash_leaf
from storage.evidence_log import SeenEntry, list_entries, list_keys
from storage.page import MAX_NUMBER

router = APIRouter(prefix="/v1/log", tags=["evidence log"])
READERS = EVERYBODY - {Role.FIELD, Role.CONTRACTOR}

Number = Annotated[int, Query(ge=0, le=MAX_NUMBER)]


class LogKeyView(Shape):
    """A public key as a line of a signed note's verifier, and the size of the log from which on it signs."""

    key: str
    from_size: int


class LogKeysView(Shape):
    """Every key that ever signed, the one that signs now last."""

    items: list[LogKeyView]


class LogEntryView(Shape):
    """An entry: its hash for everybody, the leaf and what it stands for where that is in sight.

    A content that is null beside a leaf was deleted because a law asked for it.
    """

    index: int
    leaf_hash: str
    leaf: str | None
    content: dict[str, Any] | None

    @classmethod
    def of(cls, seen: SeenEntry) -> "LogEntryView":
        """The wire's shape of an entry; what is out of sight is left out."""
        entry = seen.entry
        content = json.loads(entry.content) if seen.in_sight and entry.content is not None else None
        return cls(
            index=entry.index,
            leaf_hash=encode_hash(hash_leaf(entry.leaf)),
            leaf=entry.leaf.decode() if seen.in_sight else None,
            content=content,
        )


class InclusionView(Shape):
    """The proof that an entry is in the log of a size: the audit path, the lowest hash first."""

    index: int
    size: int
    leaf_hash: str
    path: list[str]


class ConsistencyView(Shape):
    """The proof that the log of `to` entries begins with that of `from`."""

    proof: list[str]


def encode_hash(value: bytes) -> str:
    """A hash as checkpoints write it: base64."""
    return b64encode(value).decode()


@router.get("/key")
def list_keys_route(asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY, see_nothing))]) -> LogKeysView:
    """The public keys, for `siteproof verify --key`."""
    # The first key is made when the log is first asked for.
    asker.services.evidence_log.publish()
    with asker.transaction() as connection:
        keys = list_keys(connection)
    return LogKeysView(items=[LogKeyView(key=key, from_size=from_size) for key, from_size in keys])


@router.get("/checkpoint", response_class=PlainTextResponse)
def get_checkpoint_route(asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY, see_nothing))]) -> str:
    """The log's head, signed (C2SP tlog-checkpoint); everything that was committed before is in it."""
    return asker.services.evidence_log.publish()


@router.get("/entries")
def list_entries_route(
    asker: Annotated[Asker[None], Depends(Allowed(READERS, see_nothing))], limit: Limit, after: After = None
) -> Collection[LogEntryView]:
    """All entries in their order."""
    with asker.transaction() as connection:
        page = list_entries(connection, principal=asker.principal, after=after, limit=limit)
    return make_collection(page, [LogEntryView.of(each) for each in page.items])


@router.get("/proof/inclusion")
def prove_inclusion_route(
    asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY, see_nothing))], index: Number, size: Number
) -> InclusionView:
    """That an entry is in the log of this size."""
    with asker.transaction() as connection:
        leaf, path = prove_inclusion(connection, index=index, size=size)
    return InclusionView(index=index, size=size, leaf_hash=encode_hash(leaf), path=[encode_hash(each) for each in path])


@router.get("/proof/consistency")
def prove_consistency_route(
    asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY, see_nothing))],
    from_: Annotated[Number, Query(alias="from")],
    to: Number,
) -> ConsistencyView:
    """That the log only grew between two sizes."""
    with asker.transaction() as connection:
        proof = prove_consistency(connection, first=from_, second=to)
    return ConsistencyView(proof=[encode_hash(each) for each in proof])
