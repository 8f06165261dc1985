import struct

import pytest

from domain.media import MediaFormat
from vision.picture_header import UndecodablePicture, exif_orientation, read_header

# A JPEG by hand, ITU-T T.81 annex B: SOI, an APP1, SOF0 of 3 x 2 pixels with one component, SOS, two bytes of scan
# among which FF 00 is stuffing and FF D0 a restart, EOI.
_FRAME = b"\xff\xc0\x00\x0b\x08\x00\x02\x00\x03\x01\x01\x11\x00"
_SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\xff\x00\x34\xff\xd0\x56"
_END = b"\xff\xd9"


def _exif(orientation: int, order: str = ">") -> bytes:
    mark = b"MM" if order == ">" else b"II"
    return b"Exif\x00\x00" + mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def _app1(body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def test_read_header__whole_jpeg() -> None:
    """Size, orientation and the end are found, past stuffing and restart marks."""
    header = read_header(b"\xff\xd8" + _app1(_exif(6)) + _FRAME + _SCAN + _END, MediaFormat.JPEG)
    assert (header.width_px, header.height_px, header.orientation, header.truncated) == (3, 2, 6, False)


def test_read_header__jpeg_without_its_end() -> None:
    """A missing end mark is told, and the end mark of a thumbnail inside the EXIF is none."""
    thumbnail = _app1(_exif(1) + b"\xff\xd8" + _FRAME + _SCAN + _END)
    header = read_header(b"\xff\xd8" + thumbnail + _FRAME + _SCAN, MediaFormat.JPEG)
    assert header.truncated


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8" + _END, b"PK\x03\x04" + bytes(40), b"\xff\xd8\xff\xc0"])
def test_read_header__no_jpeg(data: bytes) -> None:
    """What has no frame is refused."""
    with pytest.raises(UndecodablePicture):
        read_header(data, MediaFormat.JPEG)


def test_read_header__png() -> None:
    """Width and height are the first two numbers of IHDR (PNG, 11.2.2), eXIf gives the orientation."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + b"CRC."

    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 20_000, 8, 2, 0, 0, 0))
    tail = chunk(b"eXIf", _exif(8)[6:])
    whole = read_header(start + tail + chunk(b"IEND", b""), MediaFormat.PNG)
    assert (whole.width_px, whole.height_px, whole.orientation, whole.truncated) == (30_000, 20_000, 8, False)
    assert read_header(start + tail, MediaFormat.PNG).truncated


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        # RFC 9649: 2.7, minus one in 24 bits each; 2.5, 14 bits each after the start code; 2.6, minus one in 14.
        (b"VP8X", bytes(4) + (399).to_bytes(3, "little") + (299).to_bytes(3, "little")),
        (b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 400, 300)),
        (b"VP8L", b"\x2f" + struct.pack("<I", 399 | 299 << 14) + bytes(5)),
    ],
)
def test_read_header__webp(kind: bytes, body: bytes) -> None:
    """Each of the three kinds of WebP gives its size."""
    data = b"RIFF" + bytes(4) + b"WEBP" + kind + struct.pack("<I", len(body)) + body
    header = read_header(data, MediaFormat.WEBP)
    assert (header.width_px, header.height_px) == (400, 300)


def test_read_header__clip() -> None:
    """A clip is no picture."""
    with pytest.raises(UndecodablePicture):
        read_header(b"", MediaFormat.MP4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation__each(orientation: int, order: str) -> None:
    """All eight values are read in both byte orders, with the prefix and without."""
    assert exif_orientation(_exif(orientation, order)) == orientation
    assert exif_orientation(_exif(orientation, order)[6:]) == orientation


@pytest.mark.parametrize("exif", [b"", b"MM", _exif(0), _exif(9), _exif(6)[:-9], b"MM\x00*\xff\xff\xff\xff", b"Exif"])
def test_exif_orientation__broken(exif: bytes) -> None:
    """What is broken or out of range turns nothing."""
    assert exif_orientation(exif) == 1
