"""Uploads whose time ran out, and files that no upload needs any more, swept away."""

from datetime import datetime

from storage.database import Database
from storage.partial_folder import PartialFolder
from storage.upload import delete_expired_uploads, list_open_of


def sweep_uploads(database: Database, folder: PartialFolder, *, now: datetime) -> int:
    """Forget expired uploads and remove what lies in the folder for none; gives the number of uploads whose files went.

    A row is committed before the first byte of its file, so what has no row is garbage: of a kill, or of an expiry.
    """
    with database.transaction() as connection:
        delete_expired_uploads(connection, now=now)
    there = frozenset(folder.list_ids())
    with database.transaction() as connection:
        needed = list_open_of(connection, there)
    for upload_id in there - needed:
        folder.remove(upload_id)
    return len(there - needed)
