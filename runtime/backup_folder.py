"""What a backup is on the disk: a folder, a manifest that names every file by its SHA-256, and how both are checked."""

import gzip
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.errors import Conflict, Invalid, NotFound
from storage.media_store import read_chunks, sync_folder

MANIFEST: Final = "manifest.json"
MANIFEST_SUM: Final = "manifest.sha256"
ORIGINALS: Final = "originals.txt"
FORMAT: Final = 1
PARTIAL: Final = ".partial-"  # how a folder begins that no backup has become yet
_TOLD_EVERY: Final = 1_000


class NoBackup(NotFound):
    """A folder that is no finished backup."""

    code: ClassVar[str] = "backup.none"


class BackupDamaged(Conflict):
    """A file of a backup is missing, or is not the one that was written."""

    code: ClassVar[str] = "backup.damaged"


class UnknownBackupFormat(Invalid):
    """A backup by a newer release."""

    code: ClassVar[str] = "backup.unknown_format"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FilePart(_Part):
    """A file of the backup; `path` is relative to its folder."""

    path: str
    sha256: str
    size_bytes: int


class TablePart(_Part):
    """A table: its file (COPY's text, gzip), and what the rows in it come to (`storage.table_copy.RowTally`)."""

    name: str
    columns: tuple[str, ...]
    rows: int
    digest: str
    file: FilePart


class CounterPart(_Part):
    """The numbering of a column."""

    table: str
    column: str
    last: int | None


class OriginalsPart(_Part):
    """The originals: a list `SHA-256 size` a line, each a file `media/ab/cd/<SHA-256>`.

    Attributes:
        missing: named by rows, and the store did not have them, or not as they were taken in.
        erased: how many had been erased by law.
    """

    file: FilePart
    count: int
    size_bytes: int
    missing: tuple[str, ...]
    erased: int


class Manifest(_Part):
    """Everything that a backup holds.

    Attributes:
        migrations: numbers of those that the database had.
        flavour: `timescale` or `native`.
        system: the cluster's identifier.
        next_tx: its next transaction's number at the snapshot.
        months: first days of the months that readings have partitions for.
        checkpoint: the evidence log's head in the snapshot.
        with_keys: the log's private keys and other secrets of the home are in it.
    """

    format: int
    made_at: datetime
    release: str
    migrations: tuple[int, ...]
    flavour: str
    system: int
    next_tx: int
    months: tuple[str, ...]
    tables: tuple[TablePart, ...]
    counters: tuple[CounterPart, ...]
    originals: OriginalsPart
    home: tuple[FilePart, ...]
    checkpoint: str | None
    with_keys: bool


class Backup:
    """A finished backup whose manifest is as it was written."""

    def __init__(self, folder: Path, manifest: Manifest, sha256: str) -> None:
        """Take what `open_backup` read."""
        self.folder = folder
        self.manifest = manifest
        self.sha256 = sha256

    def list_originals(self) -> Iterator[tuple[str, int]]:
        """(SHA-256, size in bytes) of every original that it has."""
        with (self.folder / ORIGINALS).open(encoding="ascii") as file:
            for line in file:
                sha256, size = line.split()
                yield sha256, int(size)

    def read_table(self, table: TablePart) -> Iterator[bytes]:
        """A table's rows in pieces that end with a row."""
        with gzip.open(self.folder / table.file.path, "rb") as file:
            rest = b""
            while chunk := file.read(1 << 20):
                head, found, tail = (rest + chunk).rpartition(b"\n")
                rest = tail
                if found:
                    yield head + found

    def check(self, *, tell: Callable[[str], None]) -> None:
        """Hash every file anew.

        Raises:
            BackupDamaged: one is missing or another; it is named.
        """
        parts = [*(each.file for each in self.manifest.tables), *self.manifest.home, self.manifest.originals.file]
        for part in parts:
            _require_file(self.folder, part)
        tell(f"checked {len(parts)} files of tables and home")
        count = 0
        for count, (sha256, size) in enumerate(self.list_originals(), start=1):
            path = original_path(sha256)
            _require_file(self.folder, FilePart(path=path, sha256=sha256, size_bytes=size))
            if count % _TOLD_EVERY == 0:
                tell(f"checked {count} of {self.manifest.originals.count} originals")
        tell(f"checked {count} originals")


class SummingFile(io.RawIOBase):
    """A file being written, with its SHA-256 and size; on the disk when it is closed by `finish`."""

    def __init__(self, path: Path) -> None:
        """Create the file, for its owner alone."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._hash = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - what the base class says
        """Take the next bytes."""
        chunk = bytes(data)
        self._hash.update(chunk)
        self._size += len(chunk)
        return self._file.write(chunk)

    def finish(self, folder: Path) -> FilePart:
        """Bring it to the disk; its part of the manifest, its path relative to the folder."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        path = self._path.relative_to(folder).as_posix()
        return FilePart(path=path, sha256=self._hash.hexdigest(), size_bytes=self._size)

    def __exit__(self, *_: object) -> None:
        """Let go of the file, whole or not."""
        self._file.close()
        self.close()

    def __enter__(self) -> Self:
        """Write into it."""
        return self


def original_path(sha256: str) -> str:
    """Where an original lies in a backup."""
    return f"media/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and its own sum: the last files of a backup."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, ensure_ascii=False).encode() + b"\n"
    line = f"{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n".encode()
    for name, content in ((MANIFEST, text), (MANIFEST_SUM, line)):
        with SummingFile(folder / name) as file:
            file.write(content)
            file.finish(folder)
    sync_folder(folder)


def list_backups(folder: Path) -> list[Path]:
    """The finished backups in a folder, the newest last; their names are their times."""
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if (each / MANIFEST_SUM).is_file() and each.name[0] != ".")


def open_backup(source: Path) -> Backup:
    """A finished backup, or the newest one in a folder of backups. Only its manifest is checked; `check` does the rest.

    Raises:
        NoBackup: it is neither; what a kill left half-way is none either.
        BackupDamaged: the manifest is not the one that was written.
        UnknownBackupFormat: a newer release made it.
    """
    folder = source
    if not (folder / MANIFEST_SUM).is_file() and not (folder / MANIFEST).is_file():
        found = list_backups(source)
        if not found:
            raise NoBackup(f"{source} is no finished backup and holds none")
        folder = found[-1]
    if folder.resolve().name.startswith(PARTIAL):
        raise NoBackup(f"{folder} was not finished: a backup was interrupted there")
    content = _read_whole(folder, MANIFEST)
    sha256 = hashlib.sha256(content).hexdigest()
    if _read_whole(folder, MANIFEST_SUM) != f"{sha256}  {MANIFEST}\n".encode():
        raise BackupDamaged(f"{MANIFEST} is not the file that was written", file=MANIFEST)
    return Backup(folder, _parse(content), sha256)


def is_plain_path(path: str) -> bool:
    """Whether a path leads down from where it begins, and nowhere else."""
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts and "\\" not in path


def hash_file(file: BinaryIO) -> str:
    """SHA-256 of what is left in a file, which is closed."""
    digest = hashlib.sha256()
    for chunk in read_chunks(file):
        digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def open_gzip(file: SummingFile) -> Iterator[gzip.GzipFile]:
    """Write compressed into a file; the same bytes for the same content."""
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=1, mtime=0) as packed:
        yield packed


def _parse(content: bytes) -> Manifest:
    found = json.loads(content)
    if found.get("format") != FORMAT:
        raise UnknownBackupFormat("the backup was made by another release of siteproof, which this one cannot read")
    try:
        manifest = Manifest.model_validate(found)
    except ValidationError as error:
        raise UnknownBackupFormat(f"the manifest says what this release does not know: {error.errors()[0]}") from error
    if not all(is_plain_path(each.path) for each in (*(t.file for t in manifest.tables), *manifest.home)):
        raise BackupDamaged("the manifest names a file outside of the backup", file=MANIFEST)
    return manifest


def _read_whole(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise BackupDamaged(f"{name} is missing", file=name) from None


def _require_file(folder: Path, part: FilePart) -> None:
    path = folder / part.path
    if not path.is_file():
        raise BackupDamaged(f"{part.path} is missing", file=part.path)
    if path.stat().st_size != part.size_bytes or hash_file(path.open("rb")) != part.sha256:
        raise BackupDamaged(f"{part.path} is not the file that was written", file=part.path)
