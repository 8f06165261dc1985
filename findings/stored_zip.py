"""A canonical zip: stored files in a given order, one time for all, no extra fields, no comments, nothing around it.

For the same names and contents there is exactly one such file (PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.16), so
a reader need not trust a zip's own directory: it computes every byte that must be there and compares.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, ClassVar, Final

from domain.errors import Conflict, Invalid

MAX_BYTES: Final = 2**32 - 2**20
"""Of the whole file; beyond that a zip needs the fields of Zip64, which are not canonical here. [B]"""

_CHUNK: Final = 1 << 20
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_VERSION: Final = 20  # 2.0, which every reader has
_FLAGS: Final = 1 << 11  # names are UTF-8
_TIME, _DATE = 0, (1 << 5) | 1  # 1980-01-01 00:00:00, the first that a zip can tell
_MAX_FILES: Final = 100


class ZipTooLarge(Conflict):
    """More than a zip without Zip64 can hold."""

    code: ClassVar[str] = "bundle.too_large"


class NotCanonical(Invalid):
    """A file that is no canonical zip: something was changed, added, taken away or reordered."""

    code: ClassVar[str] = "bundle.not_canonical"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file for the zip.

    Attributes:
        name: ASCII, with `/`.
        size: [B]
        crc: CRC-32 of the content.
        read: gives the content, in pieces.
    """

    name: str
    size: int
    crc: int
    read: Callable[[], Iterable[bytes]]


def store(name: str, content: bytes) -> StoredFile:
    """A file whose content is at hand."""
    return StoredFile(name, len(content), zlib.crc32(content), lambda: [content])


def measure_zip(files: list[StoredFile]) -> int:
    """How large the zip of these files is, in bytes.

    Raises:
        ZipTooLarge: there is no canonical zip of them.
    """
    names = sum(2 * len(each.name.encode()) for each in files)
    size = sum(each.size for each in files) + names + len(files) * (_LOCAL.size + _CENTRAL.size) + _END.size
    if size > MAX_BYTES:
        raise ZipTooLarge(f"{size} bytes are more than a bundle can hold")
    return size


def write_zip(files: list[StoredFile]) -> Iterator[bytes]:
    """The zip's bytes in pieces; nothing is held in memory but what a file's `read` gives at once."""
    for each in files:
        yield _make_local(each)
        yield from each.read()
    yield _make_directory(files)


def read_zip(file: BinaryIO, take: Callable[[str, int, Iterator[bytes]], None]) -> list[str]:
    """Walk through a canonical zip once, from its first byte to its last.

    Args:
        file: at its beginning.
        take: is given each file's name, its size and its content in pieces, and must use the pieces up.

    Returns:
        The names in their order.

    Raises:
        NotCanonical: a byte is not what it must be; the sentence names the file or the part.
    """
    files: list[StoredFile] = []
    head = file.read(_LOCAL.size)
    while head[:4] == b"PK\x03\x04":
        if len(files) == _MAX_FILES:
            raise NotCanonical("there are more files than a bundle has")
        files.append(_read_file(file, head, take))
        head = file.read(_LOCAL.size)
    expected = _make_directory(files)
    # One byte more than may be there, so that appended ones are seen.
    found = head + file.read(len(expected) + 1)
    if found != expected:
        raise NotCanonical(_name_difference(found, expected))
    return [each.name for each in files]


def _read_file(file: BinaryIO, head: bytes, take: Callable[[str, int, Iterator[bytes]], None]) -> StoredFile:
    if len(head) < _LOCAL.size:
        raise NotCanonical("the file ends in the middle of a header")
    *_, crc, size, _, name_length, _ = _LOCAL.unpack(head)
    raw = file.read(name_length)
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError as error:
        raise NotCanonical("a file's name is not ASCII") from error
    stored = StoredFile(name, size, crc, list)
    if head + raw != _make_local(stored):
        raise NotCanonical(f"the header of {name[:80]!r} is not what it must be")
    seen = _Content(file, size)
    take(name, size, seen.read())
    if seen.left:
        raise NotCanonical(f"{name[:80]!r} ends early")
    if seen.crc != crc:
        raise NotCanonical(f"the bytes of {name[:80]!r} are not those of its checksum")
    return stored


class _Content:
    """A file's bytes inside the zip, summed up as they are read."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.left = size
        self.crc = 0

    def read(self) -> Iterator[bytes]:
        while self.left and (chunk := self._file.read(min(self.left, _CHUNK))):
            self.left -= len(chunk)
            self.crc = zlib.crc32(chunk, self.crc)
            yield chunk


def _make_local(each: StoredFile) -> bytes:
    name = each.name.encode()
    fields = (_VERSION, _FLAGS, 0, _TIME, _DATE, each.crc, each.size, each.size, len(name), 0)
    return _LOCAL.pack(b"PK\x03\x04", *fields) + name


def _make_directory(files: list[StoredFile]) -> bytes:
    entries, offset = [], 0
    for each in files:
        name = each.name.encode()
        common = (_VERSION, _VERSION, _FLAGS, 0, _TIME, _DATE, each.crc, each.size, each.size, len(name))
        entries.append(_CENTRAL.pack(b"PK\x01\x02", *common, 0, 0, 0, 0, 0, offset) + name)
        offset += _LOCAL.size + len(name) + each.size
    directory = b"".join(entries)
    count = len(files)
    return directory + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), offset, 0)


def _name_difference(found: bytes, expected: bytes) -> str:
    if len(found) > len(expected) and found.startswith(expected):
        return "there are bytes behind the end of the zip"
    if expected.startswith(found):
        return "the zip ends early"
    return "the zip's directory is not that of its files"
