"""Headers of JPEG, PNG and WebP files: the stored size and the EXIF block, read without decoding a pixel.

HEIC has its own module.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from ingestion.file_format import MalformedMedia

MAX_EXIF_BYTES: Final = 1 << 20  # JPEG allows 64 kB; phones stay below that elsewhere too [B]
# Bounds on hostile files: real pictures have tens of segments, and a PNG of 100 MB some 13,000 chunks of 8 kB.
_MAX_STEPS: Final = 100_000

_SOI: Final = 0xD8
_EOI: Final = 0xD9
_SOS: Final = 0xDA
_APP1: Final = 0xE1
# ITU-T T.81, table B.1: start-of-frame markers are C0 to CF without DHT (C4), JPG (C8) and DAC (CC).
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_EXIF_MARK: Final = b"Exif\x00"
_TIFF_MARKS: Final = (b"II*\x00", b"MM\x00*")
_WEBP_HEAD: Final = 12


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture's header says.

    Attributes:
        width_px: as stored, before any turning that EXIF asks for. [px]
        height_px: likewise. [px]
        exif: the TIFF structure of the EXIF block; None where there is none.
        exif_turns: whether the EXIF orientation applies; a HEIC file turns by its own boxes, which are applied already.
        problems: codes of what was wrong around the EXIF block.
    """

    width_px: int
    height_px: int
    exif: bytes | None
    exif_turns: bool = True
    problems: tuple[str, ...] = ()


def read_jpeg_header(file: BinaryIO) -> PictureHeader:
    """The header of a JPEG file, as far as the first scan.

    Args:
        file: seekable, at its start.

    Raises:
        MalformedMedia: no frame header is found, or it gives no size.
    """
    size: tuple[int, int] | None = None
    exif: bytes | None = None
    for marker, length in _walk_jpeg(file):
        start = file.tell()
        if marker in _FRAMES and size is None:
            frame = file.read(5)
            if len(frame) == 5:  # noqa: PLR2004 - precision, height, width
                size = (int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big"))
        elif marker == _APP1 and exif is None:
            block = file.read(length)
            if block.startswith(_EXIF_MARK):
                exif = block[6:]
        file.seek(start + length)
    return _make_header(size, exif, "JPEG")


def _walk_jpeg(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Each segment before the first scan, as (marker, length of its body), with the file at the body's start.

    Junk between segments is skipped, as decoders do.
    """
    file.seek(2)
    previous = 0
    for _ in range(_MAX_STEPS):
        byte = file.read(1)
        if not byte:
            return
        marker = byte[0]
        if previous != 0xFF or marker in {0x00, 0xFF}:  # noqa: PLR2004 - the marker prefix of T.81
            previous = marker
            continue
        previous = 0
        if marker in {_SOS, _EOI}:
            return
        if marker in _STANDALONE or marker == _SOI:
            continue
        length = int.from_bytes(file.read(2), "big") - 2
        if length < 0:
            return
        yield marker, length


def read_png_header(file: BinaryIO) -> PictureHeader:
    """The header of a PNG file and its `eXIf` chunk, wherever that stands.

    Args:
        file: seekable, at its start.

    Raises:
        MalformedMedia: the IHDR chunk is missing or damaged.
    """
    head = file.read(33)
    # PNG 3rd edition, 11.2.1: IHDR comes first and has 13 bytes; its check sum covers type and body.
    if len(head) < 33 or head[8:16] != b"\x00\x00\x00\x0dIHDR":  # noqa: PLR2004
        raise MalformedMedia("the PNG file does not begin with a header chunk")
    if zlib.crc32(head[12:29]) != int.from_bytes(head[29:33], "big"):
        raise MalformedMedia("the PNG file's header chunk is damaged")
    size = (int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big"))
    exif: bytes | None = None
    problems: list[str] = []
    for _ in range(_MAX_STEPS):
        chunk = file.read(8)
        length = int.from_bytes(chunk[:4], "big")
        if len(chunk) < 8 or chunk[4:] == b"IEND":  # noqa: PLR2004
            break
        if chunk[4:] == b"eXIf":
            exif = _read_exif(file, length, problems)
            break
        file.seek(length + 4, 1)
    return _make_header(size, exif, "PNG", problems)


def read_webp_header(file: BinaryIO) -> PictureHeader:
    """The header of a WebP file and its `EXIF` chunk.

    Args:
        file: seekable, at its start.

    Raises:
        MalformedMedia: the first chunk is none of VP8, VP8L and VP8X, or is cut short.
    """
    file.seek(_WEBP_HEAD)
    size: tuple[int, int] | None = None
    exif: bytes | None = None
    problems: list[str] = []
    for _ in range(_MAX_STEPS):
        chunk = file.read(8)
        if len(chunk) < 8:  # noqa: PLR2004
            break
        kind, length = chunk[:4], int.from_bytes(chunk[4:], "little")
        start = file.tell()
        if size is None:
            size = _read_webp_size(kind, file.read(10))
            if kind != b"VP8X":
                break  # RFC 9649, 2.5 and 2.6: the simple formats hold nothing else
        elif kind == b"EXIF":
            exif = _read_exif(file, length, problems)
            break
        file.seek(start + length + length % 2)
    return _make_header(size, exif, "WebP", problems)


def _read_webp_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    """Width and height from the first chunk of a WebP file, after RFC 9649, 2.5 to 2.7."""
    if len(body) < 10:  # noqa: PLR2004
        return None
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and body[0] == 0x2F:  # noqa: PLR2004 - the signature byte
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return None


def _read_exif(file: BinaryIO, length: int, problems: list[str]) -> bytes | None:
    """An EXIF chunk's body; None, with a problem, where it is larger than any honest one."""
    if length > MAX_EXIF_BYTES:
        problems.append("exif.too_large")
        return None
    return strip_exif_mark(file.read(length))


def strip_exif_mark(block: bytes) -> bytes:
    """The TIFF structure within `block`: some writers put JPEG's `Exif` mark before it where none belongs."""
    if block.startswith(_EXIF_MARK) and block[6:10] in _TIFF_MARKS:
        return block[6:]
    return block


def _make_header(
    size: tuple[int, int] | None, exif: bytes | None, name: str, problems: list[str] | None = None
) -> PictureHeader:
    """A header, or the error that says why there is none."""
    if size is None or not size[0] or not size[1]:
        raise MalformedMedia(f"the {name} file's header is damaged: it does not say how large the picture is")
    return PictureHeader(width_px=size[0], height_px=size[1], exif=exif or None, problems=tuple(problems or ()))
