"""Looking for earlier photos of which the one being analysed is a copy: hashes first, then the pictures themselves."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.evidence import Check
from domain.media import MediaFormat, Medium, name_preview
from domain.project import Project
from ingestion.evidence_finding import EvidenceFinding
from ingestion.near_reuse_check import EarlierLike, judge_near_reuse
from storage.database import Database
from storage.media_store import MediaStore
from storage.picture_hash import NearPicture, find_near_pictures, insert_picture_hash, reopen_later_pictures
from vision.likeness import compare_pictures
from vision.picture import Picture, decode_picture
from vision.picture_hash import HashedPicture, hash_picture

_MOST_COMPARED: Final = 8
"""Each costs a tenth of a second; the nearest by hash come first."""
PLAIN: Final = name_preview(annotated=False, blurred=False)


def check_near_reuse(
    database: Database, store: MediaStore, *, medium: Medium, project: Project, claim: UUID, preview: bytes
) -> tuple[Check | None, tuple[EvidenceFinding, ...]]:
    """Keep a photo's hash and judge whether it is a copy of one that came before, in whichever project.

    Its previews must be in the store: who is analysed at the same moment may ask for them as soon as the hash is kept.

    Args:
        database: the hash is committed before the search, so that of two copies at once one finds the other.
        store: where the earlier photos' previews are.
        medium: a photo, claimed.
        project: its.
        claim: on it.
        preview: the photo as it is shown, without marks.

    Returns:
        See `judge_near_reuse`.

    Raises:
        Unavailable: the database or the store does not answer.
    """
    picture = _decode(preview)
    hashed = hash_picture(picture.pixels)
    if hashed is None:
        return None, ()
    near = _search(database, medium, claim, hashed)
    compared = [_compare(store, picture, medium, each) for each in near]
    found = [each for each in compared if each is not None]
    return judge_near_reuse(found, zone=ZoneInfo(project.time_zone))


def _search(database: Database, medium: Medium, claim: UUID, hashed: HashedPicture) -> list[NearPicture]:
    with database.transaction() as connection:
        insert_picture_hash(connection, media_id=medium.id, claim=claim, bits=hashed.kept.bits)
    with database.transaction() as connection:
        reopen_later_pictures(connection, media_id=medium.id, sought=hashed.sought_later)
        return find_near_pictures(connection, media_id=medium.id, sought=hashed.sought, limit=_MOST_COMPARED)


def _compare(store: MediaStore, picture: Picture, medium: Medium, near: NearPicture) -> EarlierLike | None:
    file = store.find_derived(near.media_id, name=PLAIN)
    if file is None:
        return None  # erased since
    with file:
        earlier = _decode(file.read())
    likeness = compare_pictures(picture.pixels, earlier.pixels)
    if likeness is None:
        return None
    same_project = near.project_id == medium.project_id
    return EarlierLike(
        media_id=near.media_id,
        received_at=near.received_at,
        same_project=same_project,
        same_milestone=same_project and near.milestone_id == medium.milestone_id,
        camera_apart=_measure_apart(medium.metadata.get("taken_local"), near.taken_local),
        likeness=likeness,
    )


def _decode(preview: bytes) -> Picture:
    return decode_picture(preview, media_format=MediaFormat.JPEG, max_side_px=None)


def _measure_apart(one: str | None, other: str | None) -> timedelta | None:
    if one is None or other is None:
        return None
    return abs(datetime.fromisoformat(one) - datetime.fromisoformat(other))
