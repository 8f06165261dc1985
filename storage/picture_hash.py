"""Hashes of pictures' contents as rows, and the search among all projects and years for those that are alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import class_row

from domain.picture_hash import ALIKE_BITS, PictureHash, list_keys, list_probes
from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("picture_hash")
_HALF: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class NearPicture:
    """An earlier photo whose hash is close.

    Attributes:
        received_at: UTC.
        taken_local: its camera's clock, naive ISO 8601; None where the file does not say.
        distance: in how many bits the hashes differ.
    """

    media_id: UUID
    project_id: str
    milestone_id: str | None
    received_at: datetime
    taken_local: str | None
    distance: int


def insert_picture_hash(connection: Connection, *, media_id: UUID, claim: UUID, bits: int) -> None:
    """Keep a photo's hash; nothing happens where the claim was lost, or it is kept already.

    Args:
        connection: of the caller's transaction.
        media_id: of the photo that is being analysed.
        claim: of who analyses it.
        bits: of its middle, in [0, 2^64).
    """
    values = {"media_id": media_id, "claim": claim, "bits": _to_signed(bits), "keys": list_keys(bits)}
    connection.execute(_QUERIES["insert_picture_hash"], values)


def find_near_pictures(
    connection: Connection, *, media_id: UUID, sought: Sequence[PictureHash], limit: int
) -> list[NearPicture]:
    """Photos of any project that came before this one and are alike by their hashes, the nearest first.

    Args:
        connection: of the caller's transaction.
        media_id: of the photo; neither it nor the same fixed camera's pictures are among the answers.
        sought: where an earlier picture's middle may lie in it.
        limit: at most so many.
    """
    values = _list_values(media_id, sought) | {"limit": limit}
    with connection.cursor(row_factory=class_row(NearPicture)) as cursor:
        return cursor.execute(_QUERIES["find_near_pictures"], values).fetchall()


def reopen_later_pictures(connection: Connection, *, media_id: UUID, sought: Sequence[PictureHash]) -> None:
    """Let photos be analysed once more that came after this one, kept their hash before it, and are alike by it.

    Args:
        connection: of the caller's transaction.
        media_id: of the photo.
        sought: what a later copy's middle may be.
    """
    connection.execute(_QUERIES["reopen_later_pictures"], _list_values(media_id, sought))


def delete_picture_hash(connection: Connection, *, media_id: UUID) -> None:
    """Forget a photo's hash."""
    connection.execute(_QUERIES["delete_picture_hash"], {"media_id": media_id})


def _list_values(media_id: UUID, sought: Sequence[PictureHash]) -> dict[str, Any]:
    pairs = [(key, _to_signed(each.bits)) for each in sought for key in list_probes(each)]
    return {
        "media_id": media_id,
        "keys": [key for key, _ in pairs],
        "sought": [bits for _, bits in pairs],
        "most": ALIKE_BITS,
    }


def _to_signed(bits: int) -> int:
    """The same 64 bits as PostgreSQL's bigint has them."""
    return bits - 2 * _HALF if bits >= _HALF else bits
