"""What a JPEG, PNG or WebP says of itself: size, orientation, whether its end is there. Nothing is decoded here."""

import re
import struct
from dataclasses import dataclass
from typing import ClassVar, Final

from domain.errors import Invalid
from domain.media import MediaFormat

UPRIGHT: Final = 1
"""The EXIF Orientation of a picture that needs no turning."""

_ORIENTATION_TAG: Final = 0x0112
_SHORT, _LONG = 3, 4

# Inside a scan FF is followed by 00 (stuffing), by D0..D7 (restart) or by another FF (fill): ITU-T T.81, B.1.1.
_MARKER_IN_SCAN: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_APP1, _SCAN, _END = 0xE1, 0xDA, 0xD9


class UndecodablePicture(Invalid):
    """The bytes are no picture of the format that they should be, or too broken to be one."""

    code: ClassVar[str] = "vision.undecodable_picture"


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a picture says of itself before it is decoded.

    Attributes:
        width_px: as stored, before any turning. [px]
        height_px: as stored. [px]
        orientation: EXIF Orientation, 1 to 8; 1 where it is missing or malformed.
        truncated: whether the format's end mark is missing.
    """

    width_px: int
    height_px: int
    orientation: int
    truncated: bool


def read_header(data: bytes, media_format: MediaFormat) -> PictureHeader:
    """Read the header of a JPEG, PNG or WebP.

    Args:
        data: the whole file.
        media_format: HEIC has its own library and is not read here.

    Raises:
        UndecodablePicture: the signature is another one, or no size is to be found.
    """
    readers = {MediaFormat.JPEG: _read_jpeg, MediaFormat.PNG: _read_png, MediaFormat.WEBP: _read_webp}
    reader = readers.get(media_format)
    if reader is None:
        raise UndecodablePicture(f"a picture cannot be {media_format.value}")
    header = reader(data)
    if header is None or header.width_px < 1 or header.height_px < 1:
        raise UndecodablePicture(f"the file holds no readable {media_format.value} picture")
    return header


def exif_orientation(exif: bytes) -> int:
    """EXIF Orientation of the first image file directory.

    Args:
        exif: a TIFF structure, with or without the `Exif` prefix before it.

    Returns:
        1 to 8; 1 where the tag is missing, out of range, or the structure is broken: a picture is shown as it is stored
        when nothing sound says otherwise.
    """
    tiff = exif.removeprefix(b"Exif\x00\x00")
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(order + "4xI", tiff)
        (entries,) = struct.unpack_from(order + "H", tiff, directory)
        for index in range(entries):
            entry = directory + 2 + 12 * index
            tag, kind = struct.unpack_from(order + "HH", tiff, entry)
            if tag == _ORIENTATION_TAG and kind in {_SHORT, _LONG}:
                (value,) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), tiff, entry + 8)
                return int(value) if 1 <= value <= 8 else UPRIGHT  # noqa: PLR2004 - the range of the tag
    except struct.error:
        return UPRIGHT
    return UPRIGHT


def _read_jpeg(data: bytes) -> PictureHeader | None:
    if not data.startswith(b"\xff\xd8"):
        return None
    size: tuple[int, int] | None = None
    orientation: int | None = None
    at = 2
    ended = False
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            ended = data[at : at + 2] == b"\xff\xd9" if at >= 0 else False
            break
        marker = data[at + 1]
        if marker == _END:
            ended = True
            break
        if marker in {0x00, 0xFF} or marker in _STANDALONE_MARKERS:
            at += 1 if marker == 0xFF else 2  # noqa: PLR2004 - fill bytes may repeat
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        segment = data[at + 4 : at + 2 + length]
        if marker in _FRAME_MARKERS and size is None and len(segment) >= 5:  # noqa: PLR2004 - precision, height, width
            height, width = struct.unpack_from(">HH", segment, 1)
            size = (width, height)
        if marker == _APP1 and orientation is None and segment.startswith(b"Exif\x00\x00"):
            orientation = exif_orientation(segment)
        at += 2 + max(length, 2)
        if marker == _SCAN:
            following = _MARKER_IN_SCAN.search(data, at)
            at = following.start() if following else len(data)
    if size is None:
        return None
    return PictureHeader(size[0], size[1], orientation or UPRIGHT, truncated=not ended)


def _read_png(data: bytes) -> PictureHeader | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR" or len(data) < 24:  # noqa: PLR2004 - IHDR
        return None
    width, height = struct.unpack_from(">II", data, 16)
    orientation = UPRIGHT
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IEND":
            return PictureHeader(width, height, orientation, truncated=False)
        if kind == b"eXIf":
            orientation = exif_orientation(data[at + 8 : at + 8 + length])
        at += 12 + length
    return PictureHeader(width, height, orientation, truncated=True)


def _read_webp(data: bytes) -> PictureHeader | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    size: tuple[int, int] | None = None
    orientation = UPRIGHT
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        size = size or _webp_size(kind, body)
        if kind == b"EXIF":
            orientation = exif_orientation(body)
        at += 8 + length + length % 2
    if size is None:
        return None
    return PictureHeader(size[0], size[1], orientation, truncated=at > len(data) + 1)


def _webp_size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    """Width and height by RFC 9649, sections 2.5 to 2.7."""
    if len(body) < 10:  # noqa: PLR2004 - the longest of the three headers
        return None
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None
