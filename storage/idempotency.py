"""Answers to requests that may come twice, by token and Idempotency-Key."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from storage.database import Connection
from storage.query import load_queries

KEPT: Final = timedelta(hours=24)
_QUERIES: Final = load_queries("idempotency")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What tells one request from another.

    Attributes:
        token_id: of who asks; another one's key is another key.
        fingerprint: of what is asked: method, path, query and body.
        holder: of this very try, so that one that failed gives back no other one's key.
    """

    token_id: UUID
    key: str
    fingerprint: bytes
    holder: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What the first request with a key was answered.

    Attributes:
        fingerprint: of that request.
        status: None where it was done and its answer was lost.
    """

    fingerprint: bytes
    status: int | None
    headers: dict[str, str] | None
    body: bytes | None


def find_answer(connection: Connection, request: RequestKey, *, now: datetime) -> KeptAnswer | None:
    """The first answer under this key, within KEPT."""
    row = connection.execute(_QUERIES["find"], _values(request) | {"before": now - KEPT}).fetchone()
    return None if row is None else KeptAnswer(*row)


def claim_key(connection: Connection, request: RequestKey, *, now: datetime) -> bool:
    """Take a key, in the transaction of what is done under it; false where somebody has it."""
    before = {"before": now - KEPT}
    connection.execute(_QUERIES["delete_old"], before)
    return connection.execute(_QUERIES["claim"], _values(request) | before | {"now": now}).fetchone() is not None


def keep_answer(
    connection: Connection, request: RequestKey, *, status: int, headers: dict[str, str], body: bytes
) -> None:
    """Remember the answer to the request that took the key."""
    values = {"status": status, "headers": Jsonb(headers), "body": body}
    connection.execute(_QUERIES["keep_answer"], _values(request) | values)


def release_key(connection: Connection, request: RequestKey) -> None:
    """Give a key back under which nothing was done."""
    connection.execute(_QUERIES["release"], _values(request))


def _values(request: RequestKey) -> dict[str, object]:
    values = {"token_id": request.token_id, "key": request.key, "fingerprint": request.fingerprint}
    return values | {"holder": request.holder}
