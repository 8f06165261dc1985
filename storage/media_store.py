"""Original bytes: stored untouched under their SHA-256, written once, never changed."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar, Final, Protocol
from uuid import UUID

from domain.errors import Invalid, NotFound, Unavailable

_CHUNK: Final = 1 << 20
HEAD_BYTES: Final = 512  # enough to recognise a format


class MediaTooLarge(Invalid):
    """A file over the limit."""

    code: ClassVar[str] = "media.too_large"


class OriginalMissing(NotFound):
    """The store does not have these bytes."""

    code: ClassVar[str] = "media.original_missing"


class StoreFull(Unavailable):
    """There is no room for new media; what is stored stays."""

    code: ClassVar[str] = "media.store_full"


@dataclass(frozen=True, slots=True)
class StagedFile:
    """Bytes that arrived whole and are not yet an original.

    Attributes:
        path: on the local disk, so that it can be judged before it is kept.
        sha256: lower-case hexadecimal.
        size_bytes: [B]
        head: the first bytes, enough to recognise the format.
    """

    path: Path
    sha256: str
    size_bytes: int
    head: bytes


class Staging(Protocol):
    """A file that is being received."""

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            MediaTooLarge: they go over the limit.
            StoreFull: the disk is full.
        """
        ...

    def finish(self) -> StagedFile:
        """The bytes are all there."""
        ...

    def discard(self) -> None:
        """Throw away what came, also after `finish` where nothing was kept."""
        ...


class MediaStore(Protocol):
    """Where originals live."""

    @property
    def partial_folder(self) -> Path:
        """Where files that come in pieces grow: on a local disk, from where `keep` can take them."""
        ...

    def stage(self, *, max_bytes: int) -> Staging:
        """Begin to receive a file of at most `max_bytes`."""
        ...

    def keep(self, staged: StagedFile) -> None:
        """Make the staged bytes an original; keeping the same bytes twice is once."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """Read an original.

        Raises:
            OriginalMissing: it is not there.
        """
        ...

    def local_path(self, sha256: str) -> Path:
        """A path on this machine that holds the original's bytes, for libraries that want a path.

        Raises:
            OriginalMissing: it is not there.
        """
        ...

    def put_derived(self, media_id: UUID, *, name: str, content: bytes) -> None:
        """Keep what was made from an original (a preview); putting it again replaces it."""
        ...

    def find_derived(self, media_id: UUID, *, name: str) -> BinaryIO | None:
        """Read what was made from an original; None where it was not made."""
        ...

    def erase(self, sha256: str, *, media_ids: Iterable[UUID]) -> None:
        """Delete an original for good, and what was made from it; erasing twice is once."""
        ...

    def check(self) -> None:
        """Write something and remove it.

        Raises:
            StoreFull: the store cannot be written to.
        """
        ...


class DiskMediaStore:
    """Originals in a folder: `ab/cd/abcd...`, renamed into place after they are safely on the disk."""

    def __init__(self, folder: Path) -> None:
        """Use this folder; it is made when first needed."""
        self._folder = folder
        self._incoming = folder / "incoming"

    @property
    def partial_folder(self) -> Path:
        """Where files that come in pieces grow."""
        return self._folder / "partial"

    def stage(self, *, max_bytes: int) -> "DiskStaging":
        """Begin to receive a file of at most `max_bytes`."""
        with tell_full_disk():
            self._incoming.mkdir(parents=True, exist_ok=True)
            return DiskStaging(self._incoming / secrets.token_hex(16), max_bytes=max_bytes)

    def keep(self, staged: StagedFile) -> None:
        """Make the staged bytes an original; keeping the same bytes twice is once.

        Raises:
            StoreFull: the disk is full.
        """
        target = self._path(staged.sha256)
        if target.exists():
            staged.path.unlink(missing_ok=True)
            return
        with tell_full_disk():
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.path.chmod(0o440)
            staged.path.replace(target)
            # Without this a power cut could forget the new name although the row says that it is there.
            sync_folder(target.parent)

    def open(self, sha256: str) -> BinaryIO:
        """Read an original.

        Raises:
            OriginalMissing: it is not there.
        """
        return self.local_path(sha256).open("rb")

    def local_path(self, sha256: str) -> Path:
        """The original's own path.

        Raises:
            OriginalMissing: it is not there.
        """
        path = self._path(sha256)
        if not path.is_file():
            raise OriginalMissing("the original's bytes are not in the store")
        return path

    def put_derived(self, media_id: UUID, *, name: str, content: bytes) -> None:
        """Keep what was made from an original; putting it again replaces it.

        Raises:
            StoreFull: the disk is full.
        """
        target = self._derived_path(media_id, name)
        with tell_full_disk():
            target.parent.mkdir(parents=True, exist_ok=True)
            fresh = target.with_suffix(f".{secrets.token_hex(4)}")
            fresh.write_bytes(content)
            # Renamed into place, so that nobody reads half of it.
            fresh.replace(target)

    def find_derived(self, media_id: UUID, *, name: str) -> BinaryIO | None:
        """Read what was made from an original; None where it was not made."""
        try:
            return self._derived_path(media_id, name).open("rb")
        except FileNotFoundError:
            return None

    def erase(self, sha256: str, *, media_ids: Iterable[UUID]) -> None:
        """Delete an original for good, and what was made from it; erasing twice is once."""
        for media_id in media_ids:
            with suppress(FileNotFoundError):
                shutil.rmtree(self._derived_folder(media_id))
        self._path(sha256).unlink(missing_ok=True)

    def check(self) -> None:
        """Write and remove a small file.

        Raises:
            StoreFull: the folder cannot be written to.
        """
        staging = self.stage(max_bytes=1)
        staging.write(b"0")
        staging.finish()
        staging.discard()

    def _derived_path(self, media_id: UUID, name: str) -> Path:
        return self._derived_folder(media_id) / name

    def _derived_folder(self, media_id: UUID) -> Path:
        text = media_id.hex
        # The last digits, because time-ordered UUIDs share their first ones.
        return self._folder / "derived" / text[-2:] / text

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:4] / sha256


class DiskStaging:
    """A file that is being received into a folder: hashed as it comes, never held whole in memory."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        """Create the file."""
        self._path = path
        self._file = path.open("xb")
        self._hash = hashlib.sha256()
        self._size = 0
        self._head = b""
        self._max_bytes = max_bytes

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            MediaTooLarge: they go over the limit.
            StoreFull: the disk is full.
        """
        self._size += len(chunk)
        if self._size > self._max_bytes:
            raise MediaTooLarge(f"the file is larger than {self._max_bytes} bytes", limit_bytes=self._max_bytes)
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
        self._hash.update(chunk)
        with tell_full_disk():
            self._file.write(chunk)

    def finish(self) -> StagedFile:
        """Flush to the disk and tell what came.

        Raises:
            StoreFull: the disk is full.
        """
        with tell_full_disk():
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
        return StagedFile(self._path, self._hash.hexdigest(), self._size, self._head)

    def discard(self) -> None:
        """Throw away what came; nothing happens where it was kept."""
        with suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def tell_full_disk() -> Iterator[None]:
    """Turn the operating system's refusal to write into our error."""
    try:
        yield
    except OSError as error:
        raise StoreFull("there is no room for new media, or the folder cannot be written to") from error


def read_chunks(file: BinaryIO) -> Iterator[bytes]:
    """The file's bytes in pieces of 1 MiB; closes it at the end."""
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def sync_folder(folder: Path) -> None:
    """Bring the folder's names safely to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
