"""Deleting an original because a law asks for it: the bytes go, a tombstone stays, and the log still verifies."""

from datetime import datetime
from uuid import UUID

from domain.media import Medium
from findings.bundle import ERASED
from findings.log_fact import record_fact
from storage.database import Connection
from storage.evidence_log import delete_contents
from storage.media import erase_media, find_media, lock_bytes, lock_media_of_bytes
from storage.picture_hash import delete_picture_hash


def erase_bytes(connection: Connection, *, sha256: str, basis: str, by: str, now: datetime) -> list[UUID]:
    """Erase every medium of these bytes from rows and log contents; doing it again writes no second tombstone.

    What waits for its place in the log must have got it before, so that no content is left there.

    Args:
        connection: of the caller's transaction; it commits, then lets the store erase the bytes.
        sha256: of the original.
        basis: the law and the request, for the tombstone; it must name nobody.
        by: who erases.
        now: UTC.

    Returns:
        Whose previews are to be erased too.
    """
    # No upload of the same bytes comes in between.
    lock_bytes(connection, sha256=sha256)
    media_ids = lock_media_of_bytes(connection, sha256=sha256)
    for media_id in media_ids:
        medium = find_media(connection, media_id=media_id)
        if medium is not None and medium.failure != ERASED:
            _write_tombstone(connection, medium, basis=basis, by=by, now=now)
            erase_media(connection, media_id=media_id)
        delete_picture_hash(connection, media_id=media_id)
        delete_contents(connection, subject=f"media/{media_id}", kept_kind=ERASED)
    return media_ids


def _write_tombstone(connection: Connection, medium: Medium, *, basis: str, by: str, now: datetime) -> None:
    record_fact(
        connection,
        kind=ERASED,
        project_id=medium.project_id,
        subject=f"media/{medium.id}",
        at=now,
        content={
            "media_id": medium.id,
            "project_id": medium.project_id,
            "sha256": medium.sha256,
            "size_bytes": medium.size_bytes,
            "format": medium.format,
            "received_at": medium.received_at,
            "grade": medium.grade,
            "basis": basis,
            "erased_by": by,
        },
    )
