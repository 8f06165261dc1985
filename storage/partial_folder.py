"""The bytes of uploads that come in pieces: a growing file each, whose length is the offset.

A piece is written straight to the file, so a killed process loses nothing that the kernel took; before an answer it is
synced to the disk. The file's lock belongs to the process, so a killed one leaves none behind.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import UUID

from domain.identifier import parse_uuid
from domain.upload import ChecksumMismatch, PieceTooLong, UploadLocked
from storage.media_store import HEAD_BYTES, StagedFile, sync_folder, tell_full_disk

_CHUNK: Final = 1 << 20
_PIECE: Final = ".piece"
_WHOLE: Final = ".whole"


class PartialFolder:
    """A folder on a local disk, of the same file system as the originals that come out of it."""

    def __init__(self, folder: Path) -> None:
        """Use this folder; it is made when first needed."""
        self._folder = folder

    def measure(self, upload_id: UUID) -> int:
        """How many bytes have come [B]."""
        try:
            return self._path(upload_id).stat().st_size
        except FileNotFoundError:
            return 0

    def open(self, upload_id: UUID) -> "PartialFile":
        """Take hold of an upload's file, which is made where none of it came yet.

        Raises:
            UploadLocked: somebody else holds it.
            StoreFull: it cannot be made.
        """
        with tell_full_disk():
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor = _open_growing(self._path(upload_id))
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise UploadLocked("another request is writing to this upload: ask for its offset, then go on") from error
        return PartialFile(self._path(upload_id), descriptor)

    def list_ids(self) -> Iterator[UUID]:
        """The uploads of which files are there."""
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            upload_id = parse_uuid(path.name.split(".")[0])
            if upload_id is not None:
                yield upload_id

    def remove(self, upload_id: UUID) -> None:
        """Throw away what came; nothing happens where nothing did."""
        for suffix in ("", _PIECE, _WHOLE):
            self._path(upload_id).with_suffix(suffix).unlink(missing_ok=True)

    def _path(self, upload_id: UUID) -> Path:
        return self._folder / str(upload_id)


class PartialFile:
    """An upload's file, held by this request alone until it is closed."""

    def __init__(self, path: Path, descriptor: int) -> None:
        """Hold the locked file."""
        self._path = path
        self._descriptor = descriptor

    @property
    def offset(self) -> int:
        """How many bytes have come [B]."""
        return os.fstat(self._descriptor).st_size

    def append(self, chunk: bytes) -> None:
        """Write the next bytes.

        Raises:
            StoreFull: the disk is full.
        """
        with tell_full_disk():
            _write_all(self._descriptor, chunk)

    def cut(self, offset: int) -> None:
        """Throw away what lies beyond the offset [B]."""
        os.ftruncate(self._descriptor, offset)

    def sync(self) -> None:
        """Bring the bytes and the file's name safely to the disk.

        Raises:
            StoreFull: the disk refuses.
        """
        with tell_full_disk():
            os.fsync(self._descriptor)
            sync_folder(self._path.parent)

    def stage(self) -> StagedFile:
        """The whole file for the intake, under a second name, so that it is still here if the intake is killed.

        Raises:
            StoreFull: the disk refuses.
        """
        digest, size, head = hashlib.sha256(), 0, b""
        with self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                head = head or chunk[:HEAD_BYTES]
                digest.update(chunk)
                size += len(chunk)
        link = self._path.with_suffix(_WHOLE)
        with tell_full_disk():
            link.unlink(missing_ok=True)
            link.hardlink_to(self._path)
        return StagedFile(link, digest.hexdigest(), size, head)

    def close(self) -> None:
        """Let others hold it."""
        os.close(self._descriptor)


class Piece:
    """The bytes of one request, on their way into a file.

    With a checksum they lie beside the file until it is proven, so that not even a kill lets in what was not proven.
    """

    def __init__(self, file: PartialFile, *, room: int, algorithm: str | None = None, digest: bytes = b"") -> None:
        """Begin a piece.

        Args:
            file: where it goes.
            room: how much the file may still grow. [B]
            algorithm: of hashlib, where there is a checksum.
            digest: the checksum.
        """
        self._file = file
        self._start = file.offset
        self._room = room
        self._digest = digest
        self._hash = None if algorithm is None else hashlib.new(algorithm, usedforsecurity=False)
        self._beside = file._path.with_suffix(_PIECE)  # noqa: SLF001 - one module
        self._beside.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            PieceTooLong: they go beyond the file's length.
            StoreFull: the disk is full.
        """
        self._room -= len(chunk)
        if self._room < 0:
            self._file.cut(self._start)
            raise PieceTooLong("the piece goes beyond the Upload-Length")
        if self._hash is None:
            self._file.append(chunk)
            return
        self._hash.update(chunk)
        with tell_full_disk(), self._beside.open("ab") as file:
            file.write(chunk)

    def finish(self) -> None:
        """Keep the piece, safely on the disk.

        Raises:
            ChecksumMismatch: it is not what its checksum says.
            StoreFull: the disk is full.
        """
        if self._hash is not None:
            if self._hash.digest() != self._digest:
                raise ChecksumMismatch("the piece is not what its checksum says: send it again")
            if self._beside.exists():
                with self._beside.open("rb") as proven:
                    while chunk := proven.read(_CHUNK):
                        self._file.append(chunk)
        self._file.sync()

    def close(self) -> None:
        """Throw away what lies beside the file; what came without a checksum before a cut-off stays and counts."""
        self._beside.unlink(missing_ok=True)


def _open_growing(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
    except PermissionError:
        # Whole, and made read-only as an original by an intake that was killed before its end: it grows no more.
        return os.open(path, os.O_RDONLY)


def _write_all(descriptor: int, chunk: bytes) -> None:
    view = memoryview(chunk)
    while view:
        view = view[os.write(descriptor, view) :]
