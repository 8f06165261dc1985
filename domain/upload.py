"""A file that comes in pieces, until it is whole and becomes a medium."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from domain.errors import Conflict, Invalid, NotFound, Unavailable

MAX_OPEN_UPLOADS: Final = 64  # of one token; a phone sends its photos one after the other
UPLOAD_LIFE: Final = timedelta(days=3)  # after its last piece; whoever comes later sends the file from its beginning


class UnknownUpload(NotFound):
    """There is no such upload, it is another token's, or its time ran out."""

    code: ClassVar[str] = "upload.not_found"


class UploadLocked(Conflict):
    """Another request is writing to this upload just now."""

    code: ClassVar[str] = "upload.locked"


class OffsetMismatch(Conflict):
    """The piece does not begin where the file ends."""

    code: ClassVar[str] = "upload.offset_mismatch"


class ChecksumMismatch(Invalid):
    """The piece is not what its checksum says; none of it was kept."""

    code: ClassVar[str] = "upload.checksum_mismatch"


class PieceTooLong(Invalid):
    """The piece goes beyond the length that the upload was created with; none of it was kept."""

    code: ClassVar[str] = "upload.piece_too_long"


class TooManyUploads(Unavailable):
    """The token has too many unfinished uploads."""

    code: ClassVar[str] = "upload.too_many"


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload by tus.

    Attributes:
        metadata: the Upload-Metadata header as it came.
        size_bytes: of the whole file. [B]
        expires_at: afterwards it is gone. UTC.
        media_id: what it became; None until then.
    """

    id: UUID
    token_id: UUID
    project_id: str
    metadata: str
    size_bytes: int
    created_at: datetime
    expires_at: datetime
    media_id: UUID | None
