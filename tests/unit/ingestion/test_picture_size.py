import contextlib
import io
import struct
import warnings
import zlib
from pathlib import Path

import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from domain.media import MediaFormat
from ingestion.clip_header import ClipHeader
from ingestion.file_format import MalformedMedia
from ingestion.picture_size import (
    MAX_CLIP_S,
    ClipTooLong,
    TooManyPixels,
    read_size,
    require_clip_limits,
    require_pixels,
)
from tests.unit.ingestion.exif_block import box, exif_block, full_box, jpeg, short_field

MAGIC = {
    MediaFormat.JPEG: b"\xff\xd8\xff",
    MediaFormat.PNG: b"\x89PNG\r\n\x1a\n",
    MediaFormat.WEBP: b"RIFF\x24\x00\x00\x00WEBP",
    MediaFormat.HEIC: b"\x00\x00\x00\x10ftypheic\x00\x00\x00\x00",
    MediaFormat.MP4: b"\x00\x00\x00\x10ftypisom\x00\x00\x00\x00",
}


def write(folder: Path, data: bytes) -> Path:
    """A file of these bytes."""
    path = folder / "picture"
    path.write_bytes(data)
    return path


def png_header(width: int, height: int) -> bytes:
    """A PNG of few bytes that promises a size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    ("name", "media_format", "options"),
    [
        ("JPEG", MediaFormat.JPEG, {}),
        ("JPEG", MediaFormat.JPEG, {"progressive": True}),
        ("PNG", MediaFormat.PNG, {}),
        ("WEBP", MediaFormat.WEBP, {}),
        ("WEBP", MediaFormat.WEBP, {"lossless": True}),
    ],
)
def test_read_size__written_by_pillow(
    tmp_path: Path, name: str, media_format: MediaFormat, options: dict[str, bool]
) -> None:
    """The size of a file that Pillow wrote is the size that Pillow was given."""
    out = io.BytesIO()
    Image.new("RGB", (123, 77), (90, 120, 40)).save(out, name, **options)
    assert read_size(write(tmp_path, out.getvalue()), media_format) == (123, 77)


@pytest.mark.parametrize(
    ("name", "media_format"), [("JPEG", MediaFormat.JPEG), ("PNG", MediaFormat.PNG), ("WEBP", MediaFormat.WEBP)]
)
@pytest.mark.parametrize(("orientation", "expected"), [(1, (123, 77)), (3, (123, 77)), (6, (77, 123)), (8, (77, 123))])
def test_read_size__turned_by_exif(
    tmp_path: Path, name: str, media_format: MediaFormat, orientation: int, expected: tuple[int, int]
) -> None:
    """EXIF orientations 5 to 8 are quarter turns in all three formats."""
    out = io.BytesIO()
    exif = b"Exif\x00\x00" + exif_block({0x0112: short_field(orientation)})
    Image.new("RGB", (123, 77)).save(out, name, exif=exif)
    assert read_size(write(tmp_path, out.getvalue()), media_format) == expected


def test_read_size__heic_written_by_libheif(tmp_path: Path) -> None:
    """A HEIC file turns by its own box; its EXIF orientation, of the same turn, does not turn it back."""
    out = io.BytesIO()
    image = Image.new("RGB", (128, 64), (90, 120, 40))
    exif = b"Exif\x00\x00" + exif_block({0x0112: short_field(6)})
    pillow_heif.from_pillow(image).save(out, exif=exif)
    path = write(tmp_path, out.getvalue())
    assert read_size(path, MediaFormat.HEIC) == pillow_heif.open_heif(path).size == (64, 128)


def heic(*properties: bytes, order: bytes = b"") -> bytes:
    """A HEIC file of boxes alone, whose main item has these properties in this order."""
    order = order or bytes(range(1, len(properties) + 1))
    ipma = full_box(b"ipma", struct.pack(">IHB", 1, 1, len(order)), order)
    meta = full_box(b"meta", full_box(b"pitm", struct.pack(">H", 1)), box(b"iprp", box(b"ipco", *properties), ipma))
    return box(b"ftyp", b"heic", bytes(4)) + meta


def ispe(width: int, height: int) -> bytes:
    """An image spatial extents property."""
    return full_box(b"ispe", struct.pack(">II", width, height))


def test_read_size__heic_cropped_then_turned(tmp_path: Path) -> None:
    """Transformations apply in their order: 512 x 512 stored, cropped to 400 x 300, turned to 300 x 400."""
    clap = box(b"clap", struct.pack(">8I", 400, 1, 300, 1, 0, 1, 0, 1))
    data = heic(ispe(512, 512), clap, box(b"irot", b"\x01"))
    assert read_size(write(tmp_path, data), MediaFormat.HEIC) == (300, 400)


@pytest.mark.parametrize("data", [heic(), heic(ispe(0, 5)), heic(ispe(8, 8), order=b"\x09"), heic(ispe(8, 8))[:-9]])
def test_read_size__heic_without_size(tmp_path: Path, data: bytes) -> None:
    """A HEIC file that does not say its size, or is cut short within its header, is malformed."""
    with pytest.raises(MalformedMedia):
        read_size(write(tmp_path, data), MediaFormat.HEIC)


def test_read_size__heic_with_endless_table(tmp_path: Path) -> None:
    """A table of 60,000 rows, four times over, is given up on: the file's budget of 30,000 steps is shared."""
    ipma = full_box(b"ipma", struct.pack(">I", 60_000), bytes(3 * 60_000))
    properties = box(b"iprp", box(b"ipco", ispe(8, 8)), ipma, ipma, ipma, ipma)
    data = box(b"ftyp", b"heic", bytes(4)) + full_box(b"meta", full_box(b"pitm", b"\x00\x01"), properties)
    with pytest.raises(MalformedMedia, match="more boxes"):
        read_size(write(tmp_path, data), MediaFormat.HEIC)


def test_read_size__bomb(tmp_path: Path) -> None:
    """30,000 x 30,000 pixels in a file of 33 bytes are refused by their header, without a warning from a decoder."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TooManyPixels):
            read_size(write(tmp_path, png_header(30_000, 30_000)), MediaFormat.PNG)


@pytest.mark.parametrize(("width", "height"), [(16_320, 12_240), (20_000, 10_000)])
def test_require_pixels__largest_sensor(width: int, height: int) -> None:
    """A sensor of 200 megapixels (16,320 x 12,240 = 199,756,800), and the limit itself, pass."""
    require_pixels(width, height)


def test_require_pixels__one_beyond() -> None:
    """20,000 x 10,001 = 200,020,000 is beyond the limit."""
    with pytest.raises(TooManyPixels):
        require_pixels(20_000, 10_001)


@pytest.mark.parametrize("duration_s", [None, 0.1, MAX_CLIP_S])
def test_require_clip_limits__short_enough(duration_s: float | None) -> None:
    """Ten minutes pass, and so does a clip whose header does not say how long it is."""
    require_clip_limits(ClipHeader(width_px=1920, height_px=1080, duration_s=duration_s))


def test_require_clip_limits__too_long() -> None:
    """A second more than ten minutes does not."""
    with pytest.raises(ClipTooLong):
        require_clip_limits(ClipHeader(width_px=1920, height_px=1080, duration_s=601.0))


def test_read_size__truncated_behind_header(tmp_path: Path) -> None:
    """A JPEG that ends at its first scan is accepted: its header can be read."""
    assert read_size(write(tmp_path, jpeg(width=640, height=480)), MediaFormat.JPEG) == (640, 480)


def test_read_size__junk_and_fill_bytes_between_segments(tmp_path: Path) -> None:
    """Fill bytes (T.81, B.1.1.2) and junk before a marker are skipped, as decoders do."""
    data = jpeg(before=b"\xff\xff\xff\xe0\x00\x04ab" + b"junk", width=10, height=20)
    assert read_size(write(tmp_path, data), MediaFormat.JPEG) == (10, 20)


@pytest.mark.parametrize(
    ("media_format", "data"),
    [
        (MediaFormat.JPEG, b"\xff\xd8\xff"),
        (MediaFormat.JPEG, jpeg()[:6]),
        (MediaFormat.JPEG, jpeg(height=0)),
        (MediaFormat.JPEG, b"\xff\xd8\xff\xd9"),
        (MediaFormat.JPEG, b"\xff\xd8\xff\xe1\x00\x00"),
        (MediaFormat.JPEG, b"\xff\xd8" + b"\xff" * 300_000),
        (MediaFormat.PNG, png_header(5, 5)[:30]),
        (MediaFormat.PNG, png_header(0, 5)),
        (MediaFormat.PNG, png_header(5, 5)[:-1] + b"\x00"),
        (MediaFormat.WEBP, b"RIFF\x24\x00\x00\x00WEBPVP8 \x0a\x00\x00\x00"),
        (MediaFormat.WEBP, b"RIFF\x24\x00\x00\x00WEBPICCP\x0a\x00\x00\x00" + bytes(10)),
        (MediaFormat.MP4, MAGIC[MediaFormat.MP4]),
    ],
)
def test_read_size__unreadable_header(tmp_path: Path, media_format: MediaFormat, data: bytes) -> None:
    """A header that does not say the size is malformed."""
    with pytest.raises(MalformedMedia):
        read_size(write(tmp_path, data), media_format)


@pytest.mark.parametrize("media_format", list(MediaFormat))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(tail=st.binary(max_size=400))
def test_read_size__garbage_behind_magic(tmp_path: Path, media_format: MediaFormat, tail: bytes) -> None:
    """Random bytes behind a right beginning give a size or one of our errors."""
    path = write(tmp_path, MAGIC[media_format] + tail)
    try:
        width_px, height_px = read_size(path, media_format)
    except (MalformedMedia, TooManyPixels, ClipTooLong):
        return
    assert width_px > 0
    assert height_px > 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(st.data())
def test_read_size__damaged_heic(tmp_path: Path, data: st.DataObject) -> None:
    """A HEIC header with any bytes overwritten gives a size or one of our errors."""
    iinf = full_box(b"iinf", b"\x00\x01", full_box(b"infe", b"\x00\x02\x00\x00Exif\x00", version=2))
    iloc = full_box(b"iloc", b"\x44\x00\x00\x01\x00\x02\x00\x00\x00\x01\x00\x00\x00\x10\x00\x00\x00\x20")
    whole = bytearray(heic(ispe(512, 512), box(b"irot", b"\x01")) + iinf + iloc)
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(16, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedMedia, TooManyPixels):
        read_size(write(tmp_path, bytes(whole)), MediaFormat.HEIC)
