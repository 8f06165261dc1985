"""Loggers' files as they are handed in: a table, a workbook, or a zip file of such.

What stands in them is read elsewhere. What a file is is told from its first bytes, never from its name: loggers call
a table `.csv.zip`.
"""

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar, Final

from domain.errors import Invalid, SiteproofError

MAX_TABLES: Final = 1000  # in one zip file; a logger that writes one an hour makes 744 a month
MAX_TABLE_BYTES: Final = 8 * 1024**3  # unpacked; some 100 million rows [B]
MAX_WORKBOOK_BYTES: Final = 1024**3  # unpacked; a full sheet of 1,048,576 rows has a tenth of it [B]
MAX_STRINGS_BYTES: Final = 128 * 1024**2  # a workbook's texts, which openpyxl holds in memory [B]
_ZIP: Final = b"PK\x03\x04"
_FOREIGN: Final = {
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls): save it as .xlsx",
    b"\x1f\x8b": "a gzip file: unpack it",
    b"Rar!": "a RAR file: unpack it",
    b"7z\xbc\xaf": "a 7z file: unpack it",
    b"%PDF": "a PDF",
    b"PK\x05\x06": "an empty zip file",
}
_ENCRYPTED: Final = 0x1


class UnreadableFile(Invalid):
    """Bytes that are no table, or that cannot be unpacked."""

    code: ClassVar[str] = "import.unreadable_file"


class FileTooLarge(Invalid):
    """More than we read, unpacked: a zip bomb, or a file that should come in parts."""

    code: ClassVar[str] = "import.file_too_large"


Opener = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True, slots=True)
class TableFile:
    """One table's bytes, which may be read several times.

    Attributes:
        name: as handed in; of a zip file's member, with the zip's name before it.
        is_workbook: an Excel file, which can be sought in; else text.
        open: its bytes from the beginning.
    """

    name: str
    is_workbook: bool
    open: Opener


@dataclass(frozen=True, slots=True)
class RejectedFile:
    """A file, or a member of one, that cannot be read, and why; its neighbours are not lost."""

    name: str
    error: SiteproofError


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """How much is unpacked at most.

    Attributes:
        table_bytes: of one table. [B]
        workbook_bytes: of one workbook. [B]
    """

    table_bytes: int = MAX_TABLE_BYTES
    workbook_bytes: int = MAX_WORKBOOK_BYTES


def list_table_files(
    path: Path, *, name: str | None = None, limits: SizeLimits = SizeLimits()
) -> list[TableFile | RejectedFile]:
    """The tables of a file that is handed in, in its order.

    Args:
        path: of the file.
        name: under which it was handed in, where that is not its path.
        limits: of what is unpacked.
    """
    shown = name or str(path)
    try:
        if not path.is_file():
            raise UnreadableFile("there is no such file")
        with path.open("rb") as handle:
            start = handle.read(8)
        if not start.startswith(_ZIP):
            _require_text(start)
            return [TableFile(shown, is_workbook=False, open=lambda: path.open("rb"))]
        with zipfile.ZipFile(path) as archive:
            if _is_workbook(archive):
                _require_workbook(archive, limits)
                return [TableFile(shown, is_workbook=True, open=lambda: path.open("rb"))]
            members = [each for each in archive.infolist() if _is_table(each)]
            if not 1 <= len(members) <= MAX_TABLES:
                raise UnreadableFile(f"the zip file has {len(members)} files inside; 1 to {MAX_TABLES} are read")
            return [_member(path, archive, each, shown=shown, limits=limits) for each in members]
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        return [RejectedFile(shown, UnreadableFile(f"it cannot be opened: {error}"[:200]))]
    except SiteproofError as error:
        return [RejectedFile(shown, error)]


def _is_table(info: zipfile.ZipInfo) -> bool:
    """Whether a member is more than a folder or what an operating system leaves behind."""
    parts = info.filename.split("/")
    return not info.is_dir() and parts[0] != "__MACOSX" and not parts[-1].startswith(".")


def _member(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, shown: str, limits: SizeLimits
) -> TableFile | RejectedFile:
    name = f"{shown}/{info.filename}"
    try:
        if info.flag_bits & _ENCRYPTED:
            raise UnreadableFile("it is encrypted")
        # zipfile never gives more bytes than the directory states, so the stated size is the limit.
        if info.file_size > limits.table_bytes:
            raise FileTooLarge(f"it has {info.file_size:,} bytes unpacked, and {limits.table_bytes:,} are allowed")
        with archive.open(info) as handle:
            start = handle.read(8)
        if start.startswith(_ZIP):
            if info.file_size > limits.workbook_bytes:
                raise FileTooLarge(f"a workbook has at most {limits.workbook_bytes:,} bytes")
            with _open_copy(path, info) as copy, zipfile.ZipFile(copy) as inner:
                if not _is_workbook(inner):
                    raise UnreadableFile("a zip file inside a zip file is not opened: unpack it")
                _require_workbook(inner, limits)
            return TableFile(name, is_workbook=True, open=lambda: _open_copy(path, info))
        _require_text(start)
        return TableFile(name, is_workbook=False, open=lambda: _open_member(path, info))
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        return RejectedFile(name, UnreadableFile(f"it cannot be unpacked: {error}"[:200]))
    except SiteproofError as error:
        return RejectedFile(name, error)


def _require_text(start: bytes) -> None:
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise UnreadableFile(f"it is {what}")
    if not start:
        raise UnreadableFile("it is empty")


def _is_workbook(archive: zipfile.ZipFile) -> bool:
    return "xl/workbook.xml" in archive.namelist()


def _require_workbook(archive: zipfile.ZipFile, limits: SizeLimits) -> None:
    sizes = {each.filename: each.file_size for each in archive.infolist()}
    if sum(sizes.values()) > limits.workbook_bytes:
        raise FileTooLarge(
            f"the workbook has {sum(sizes.values()):,} bytes unpacked, and {limits.workbook_bytes:,} are allowed"
        )
    if sizes.get("xl/sharedStrings.xml", 0) > MAX_STRINGS_BYTES:
        raise FileTooLarge(f"the workbook has more than {MAX_STRINGS_BYTES:,} bytes of texts: save it as CSV")


@contextmanager
def _open_member(path: Path, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive, archive.open(info) as handle:
        yield handle


@contextmanager
def _open_copy(path: Path, info: zipfile.ZipInfo) -> Iterator[IO[bytes]]:
    """A member that is sought in to and fro, as a workbook is, without unpacking it again for each step back."""
    with tempfile.TemporaryFile() as copy:
        with _open_member(path, info) as handle:
            shutil.copyfileobj(handle, copy)
        copy.seek(0)
        yield copy
