"""Bearer tokens: stored as the SHA-256 of their text, never the text."""

import hashlib
import secrets
from typing import Final
from uuid import UUID, uuid4

from psycopg.rows import class_row

from domain.access import Role, Token
from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("token")
_PREFIX: Final = "sp_"  # so that a leaked token can be recognised by a scanner


def create_token(
    connection: Connection, *, role: Role, area: str, project_id: str | None, person: str | None, name: str | None
) -> tuple[Token, str]:
    """Store a new token and return it with its text, which nobody can ever read again."""
    text = _PREFIX + secrets.token_urlsafe(32)
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        values = {"role": role, "area": area, "project_id": project_id, "person": person, "name": name}
        cursor.execute(_QUERIES["insert_token"], {"id": uuid4(), "secret_sha256": _hash(text), **values})
        row = cursor.fetchone()
    if row is None:
        raise RuntimeError("INSERT ... RETURNING gave no row")
    return _typed(row), text


def find_token(connection: Connection, *, text: str) -> Token | None:
    """The token with this text, unless it is unknown or revoked."""
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        cursor.execute(_QUERIES["find_token_by_secret"], {"secret_sha256": _hash(text)})
        row = cursor.fetchone()
    return None if row is None else _typed(row)


def is_token_active(connection: Connection, *, token_id: UUID) -> bool:
    """Whether the token is there and not revoked: for who was let in a while ago."""
    return connection.execute(_QUERIES["is_token_active"], {"id": token_id}).fetchone() is not None


def list_tokens(connection: Connection) -> list[Token]:
    """Every token, revoked ones too, oldest first."""
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        return [_typed(row) for row in cursor.execute(_QUERIES["list_tokens"])]


def revoke_token(connection: Connection, *, token_id: UUID) -> bool:
    """Make a token useless from now on; whether there was one of that id."""
    return connection.execute(_QUERIES["revoke_token"], {"id": token_id}).fetchone() is not None


def _hash(text: str) -> bytes:
    # The text has 256 random bits, so a slow password hash would protect nothing.
    return hashlib.sha256(text.encode()).digest()


def _typed(row: Token) -> Token:
    return Token(row.id, Role(row.role), row.area, row.project_id, row.person, row.name, row.created_at, row.revoked_at)
