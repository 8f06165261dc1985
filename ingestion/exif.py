"""Tags of photos, read by exifread from the EXIF block alone, within bounds.

What they mean together is judged by the checks.
"""

import io
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

import exifread

from domain.media import MediaFormat
from ingestion.clip_header import read_clip_header
from ingestion.exif_value import (
    ProblemList,
    clean_text,
    read_gps_time,
    read_local_time,
    read_number,
    read_offset,
    read_position,
    read_text,
)
from ingestion.heif_header import read_heif_header
from ingestion.metadata import Metadata
from ingestion.picture_header import PictureHeader, read_jpeg_header, read_png_header, read_webp_header

# Its warnings name offsets in files that strangers sent; the problem codes say what matters.
logging.getLogger("exifread").setLevel(logging.CRITICAL)

_MAX_TAGS: Final = 200
# Bounds on hostile blocks, whose directories may overlap and repeat: of the ExifRead samples the greediest file needs
# 787 reads and 1,514 bytes; 8,000 reads take some 60 ms.
_MAX_READS: Final = 8_000
_MAX_READ_BYTES: Final = 4 << 20
_MAX_ORIENTATION: Final = 8
_DUMPS: Final = ("EXIF MakerNote", "EXIF UserComment", "Image ApplicationNotes", "Image PrintIM")
# The tag, its offset tags in the order of trust, and its fractions. OffsetTime belongs to DateTime, but many
# writers give it alone. DateTime is when the file changed, so it comes last.
_TIME_TAGS: Final = (
    (
        "EXIF DateTimeOriginal",
        ("EXIF OffsetTimeOriginal", "EXIF OffsetTime"),
        "EXIF SubSecTimeOriginal",
    ),
    (
        "EXIF DateTimeDigitized",
        ("EXIF OffsetTimeDigitized", "EXIF OffsetTime"),
        "EXIF SubSecTimeDigitized",
    ),
    ("Image DateTime", ("EXIF OffsetTime",), "EXIF SubSecTime"),
)


class _ReadBudgetError(Exception):
    """The block asked for more reads than any honest one."""


class _MeteredBytes(io.BytesIO):
    """An EXIF block that stops a parser which is led in circles."""

    def __init__(self, block: bytes) -> None:
        super().__init__(block)
        self._reads_left = _MAX_READS
        self._bytes_left = _MAX_READ_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._reads_left -= 1
        self._bytes_left -= len(data)
        if self._reads_left < 0 or self._bytes_left < 0:
            raise _ReadBudgetError
        return data


def read_metadata(path: Path, media_format: MediaFormat) -> Metadata:
    """What a file says of itself.

    Args:
        path: a readable file.
        media_format: what `sniff_format` found.

    Raises:
        MalformedMedia: the header cannot be read. Bad tags within a readable header are problems, not errors.
    """
    with path.open("rb") as file:
        if media_format.is_clip:
            return read_clip_header(file).metadata
        header = read_picture_header(file, media_format)
    return parse_exif(header.exif, header.problems)


def read_picture_header(file: BinaryIO, media_format: MediaFormat) -> PictureHeader:
    """The header of a picture.

    Args:
        file: seekable, at its start.
        media_format: any but MP4.

    Raises:
        MalformedMedia: it cannot be read.
    """
    readers = {
        MediaFormat.JPEG: read_jpeg_header,
        MediaFormat.PNG: read_png_header,
        MediaFormat.WEBP: read_webp_header,
        MediaFormat.HEIC: read_heif_header,
    }
    return readers[media_format](file)


def parse_exif(block: bytes | None, earlier_problems: tuple[str, ...] = ()) -> Metadata:
    """The tags of an EXIF block. Nothing in it, however wrong, raises.

    Args:
        block: a TIFF structure; None and empty give empty metadata.
        earlier_problems: codes of what was wrong before the block was reached.
    """
    problems = ProblemList(earlier_problems)
    tags = _read_tags(block, problems) if block else {}
    taken, time_tag, offset, subsec = _read_taken(tags, problems)
    thumbnail_bytes = read_number(tags, "Thumbnail JPEGInterchangeFormatLength", problems)
    return Metadata(
        taken_local=taken,
        time_tag=time_tag,
        offset=offset,
        subsec=subsec,
        gps_time=read_gps_time(tags, problems),
        position=read_position(tags, problems),
        gps_datum=read_text(tags, "GPS GPSMapDatum"),
        make=read_text(tags, "Image Make"),
        model=read_text(tags, "Image Model"),
        software=read_text(tags, "Image Software"),
        orientation=_read_orientation(tags),
        has_thumbnail=bool(thumbnail_bytes),
        tags=_list_printable(tags),
        problems=problems.codes,
    )


def read_thumbnail(block: bytes) -> bytes | None:
    """The reduced JPEG embedded in an EXIF block; None where there is none, or it is not within the block."""
    problems = ProblemList()
    tags = _read_tags(block, problems)
    start = read_number(tags, "Thumbnail JPEGInterchangeFormat", problems)
    length = read_number(tags, "Thumbnail JPEGInterchangeFormatLength", problems)
    if start is None or length is None or start < 0 or length <= 0:
        return None
    thumbnail = block[int(start) : int(start) + int(length)]
    return thumbnail if thumbnail.startswith(b"\xff\xd8\xff") else None


def _read_tags(block: bytes, problems: ProblemList) -> Mapping[str, Any]:
    """The tags as exifread gives them, without maker notes; empty, with a problem, where it gives up."""
    if block[:2] not in {b"II", b"MM"}:
        problems.add("exif.malformed")
        return {}
    try:
        tags: Mapping[str, Any] = exifread.process_file(
            _MeteredBytes(block), details=False, extract_thumbnail=False, strict=False
        )
    except _ReadBudgetError:
        problems.add("exif.too_complex")
        return {}
    except Exception:  # noqa: BLE001 - a third-party parser on bytes of strangers raises whatever it meets; the code below is ours
        problems.add("exif.malformed")
        return {}
    return tags


def _read_taken(
    tags: Mapping[str, Any], problems: ProblemList
) -> tuple[datetime | None, str | None, timedelta | None, str | None]:
    """When it was taken: the first of the three time tags that holds a time, its name, offset and fractions."""
    for name, offset_names, subsec_name in _TIME_TAGS:
        found = read_local_time(tags, name, problems)
        if found is None:
            continue
        taken, own_offset = found
        offset = own_offset if own_offset is not None else read_offset(tags, offset_names, problems)
        subsec = read_text(tags, subsec_name)
        if subsec is None or not (subsec.isascii() and subsec.isdigit()):
            return taken, name.split()[1], offset, None
        return taken + timedelta(seconds=float(f"0.{subsec}")), name.split()[1], offset, subsec
    return None, None, None, None


def _read_orientation(tags: Mapping[str, Any]) -> int:
    """The orientation; 1 where it is missing or none of the eight, as decoders take it."""
    tag = tags.get("Image Orientation")
    value = tag.values[0] if tag is not None and tag.values else 1
    return value if isinstance(value, int) and 1 <= value <= _MAX_ORIENTATION else 1


def _list_printable(tags: Mapping[str, Any]) -> dict[str, str]:
    """The tags as texts, without dumps of bytes, bounded in number and length."""
    printable: dict[str, str] = {}
    for name, tag in tags.items():
        if len(printable) == _MAX_TAGS:
            break
        if name in _DUMPS or name.startswith("Thumbnail ") or not hasattr(tag, "printable"):
            continue
        text = clean_text(tag.values if isinstance(tag.values, bytes) else tag.printable)
        if text:
            printable[clean_text(name)] = text
    return printable
