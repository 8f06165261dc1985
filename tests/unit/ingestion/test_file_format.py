import contextlib
import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.media import MediaFormat
from ingestion.file_format import EmptyFile, UnsupportedFormat, sniff_format


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    """A file type box and the start of the next one."""
    return (
        struct.pack(">I", 16 + 4 * len(compatible))
        + b"ftyp"
        + major
        + bytes(4)
        + b"".join(compatible)
        + b"\0\0\0\x08moov"
    )


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", MediaFormat.JPEG),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", MediaFormat.PNG),
        (b"RIFF\x24\x00\x00\x00WEBPVP8 ", MediaFormat.WEBP),
        (ftyp(b"heic", b"mif1", b"heic"), MediaFormat.HEIC),
        (ftyp(b"heix", b"mif1"), MediaFormat.HEIC),
        (ftyp(b"hevc", b"msf1"), MediaFormat.HEIC),
        (ftyp(b"mif1", b"mif1", b"heic"), MediaFormat.HEIC),
        (ftyp(b"msf1", b"hevc"), MediaFormat.HEIC),
        (ftyp(b"isom", b"isom", b"avc1"), MediaFormat.MP4),
        (ftyp(b"mp42", b"isom"), MediaFormat.MP4),
        (ftyp(b"qt  ", b"qt  "), MediaFormat.MP4),
        (ftyp(b"zzzz", b"iso5", b"mp41"), MediaFormat.MP4),
    ],
)
def test_sniff_format__accepted(head: bytes, expected: MediaFormat) -> None:
    """Each accepted format is known by its first bytes."""
    assert sniff_format(head) is expected


@pytest.mark.parametrize(
    "head",
    [
        b"GIF89a\x01\x00\x01\x00",
        b"II*\x00\x08\x00\x00\x00",
        b"%PDF-1.7",
        b"<!doctype html><html>",
        b"a photo, honestly",
        b"RIFF\x24\x00\x00\x00WAVEfmt ",
        b"\xff\xd8",
        b"\x00",
        ftyp(b"avif", b"avif", b"mif1", b"miaf"),
        ftyp(b"mif1", b"avif", b"miaf"),
        ftyp(b"M4A ", b"M4A ", b"mp42", b"isom"),
        ftyp(b"zzzz"),
    ],
)
def test_sniff_format__other_format(head: bytes) -> None:
    """Everything else is refused, whatever the file is called."""
    with pytest.raises(UnsupportedFormat):
        sniff_format(head)


def test_sniff_format__zip_named_jpg() -> None:
    """A zip stays a zip under another name."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("photo.jpg", b"\xff\xd8\xff")
    with pytest.raises(UnsupportedFormat):
        sniff_format(archive.getvalue())


def test_sniff_format__empty() -> None:
    """No byte is its own error."""
    with pytest.raises(EmptyFile):
        sniff_format(b"")


@given(st.one_of(st.binary(), st.binary().map(lambda tail: b"\x00\x00\x00\x20ftyp" + tail)))
def test_sniff_format__any_bytes(head: bytes) -> None:
    """Any bytes give a format or one of the two errors."""
    with contextlib.suppress(EmptyFile, UnsupportedFormat):
        assert sniff_format(head) in MediaFormat
