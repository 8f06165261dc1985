"""Uploads in pieces as rows: whose they are, and what they became. Their bytes are in `partial_folder`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from psycopg.rows import class_row

from domain.upload import MAX_OPEN_UPLOADS, UPLOAD_LIFE, TooManyUploads, UnknownUpload, Upload
from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("upload")


def begin_upload(
    connection: Connection,
    *,
    token_id: UUID,
    project_id: str,
    metadata: str,
    size_bytes: int,
    is_named: bool,
    now: datetime,
) -> Upload:
    """Begin an upload, or find the one that was begun before an answer was lost.

    Args:
        connection: of the request's transaction.
        token_id: whose it is.
        project_id: where it goes.
        metadata: the Upload-Metadata header.
        size_bytes: of the whole file. [B]
        is_named: the metadata name one shot, so that the same metadata are the same upload.
        now: UTC.

    Raises:
        TooManyUploads: the token has MAX_OPEN_UPLOADS unfinished ones.
    """
    connection.execute(_QUERIES["lock_uploads_of_token"], {"token_id": token_id})
    values = {"token_id": token_id, "project_id": project_id, "metadata": metadata, "size_bytes": size_bytes}
    if is_named:
        with connection.cursor(row_factory=class_row(Upload)) as cursor:
            same = cursor.execute(_QUERIES["find_same_upload"], {"now": now, **values}).fetchone()
        if same is not None:
            return same
    row = connection.execute(_QUERIES["count_open_uploads"], {"token_id": token_id, "now": now}).fetchone()
    if row is not None and row[0] >= MAX_OPEN_UPLOADS:
        raise TooManyUploads(
            f"this token has {MAX_OPEN_UPLOADS} unfinished uploads: finish or end one", limit=MAX_OPEN_UPLOADS
        )
    return _get(connection, "insert_upload", {"id": uuid4(), "now": now, "expires_at": now + UPLOAD_LIFE, **values})


def find_upload(connection: Connection, *, upload_id: UUID, now: datetime) -> Upload | None:
    """The upload of this id, unless its time ran out."""
    with connection.cursor(row_factory=class_row(Upload)) as cursor:
        return cursor.execute(_QUERIES["find_upload"], {"id": upload_id, "now": now}).fetchone()


def extend_upload(connection: Connection, *, upload_id: UUID, now: datetime) -> Upload:
    """Let its time begin anew, because a piece came.

    Raises:
        UnknownUpload: it went away meanwhile.
    """
    return _get(connection, "extend_upload", {"id": upload_id, "expires_at": now + UPLOAD_LIFE})


def finish_upload(connection: Connection, *, upload_id: UUID, media_id: UUID, now: datetime) -> Upload:
    """Write down which medium it became.

    Raises:
        UnknownUpload: it went away meanwhile.
    """
    values = {"id": upload_id, "media_id": media_id, "expires_at": now + UPLOAD_LIFE}
    return _get(connection, "finish_upload", values)


def delete_upload(connection: Connection, *, upload_id: UUID) -> None:
    """Forget an upload; nothing happens where there is none."""
    connection.execute(_QUERIES["delete_upload"], {"id": upload_id})


def delete_expired_uploads(connection: Connection, *, now: datetime) -> int:
    """Forget those whose time ran out; how many."""
    return connection.execute(_QUERIES["delete_expired_uploads"], {"now": now}).rowcount


def list_open_of(connection: Connection, ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the ids that are uploads whose bytes are still needed."""
    return frozenset(row[0] for row in connection.execute(_QUERIES["list_open_of"], {"ids": list(ids)}))


def _get(connection: Connection, query: str, values: dict[str, object]) -> Upload:
    with connection.cursor(row_factory=class_row(Upload)) as cursor:
        upload = cursor.execute(_QUERIES[query], values).fetchone()
    if upload is None:
        raise UnknownUpload("there is no such upload")
    return upload
