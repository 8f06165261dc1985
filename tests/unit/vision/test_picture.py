import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from domain.media import MediaFormat
from vision.picture import MAX_PIXELS, Picture, TooManyPixels, decode_picture, reduction, turn_upright
from vision.picture_header import UndecodablePicture

_RED_BGR = (0, 0, 255)


def _scene() -> Image.Image:
    """Black, 64 x 40, its upper left quarter red."""
    scene = Image.new("RGB", (64, 40))
    scene.paste((255, 0, 0), (0, 0, 32, 20))
    return scene


def _saved(image: Image.Image, pillow_format: str, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's own
    buffer = io.BytesIO()
    image.save(buffer, pillow_format, **options)
    return buffer.getvalue()


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _is_red(picture: Picture, x: int, y: int) -> bool:
    return bool(np.abs(picture.pixels[y, x].astype(int) - _RED_BGR).max() < 30)


_FORMATS = [
    (MediaFormat.JPEG, "JPEG", {"quality": 95}),
    (MediaFormat.PNG, "PNG", {}),
    (MediaFormat.WEBP, "WEBP", {"lossless": True}),
]


@pytest.mark.parametrize(("media_format", "pillow_format", "options"), _FORMATS)
@pytest.mark.parametrize(
    ("orientation", "size", "corner"),
    [
        # CIPA DC-008, Orientation: to which sides the stored row 0 and column 0 belong, so the stored upper left.
        (1, (64, 40), "upper left"),
        (2, (64, 40), "upper right"),
        (3, (64, 40), "lower right"),
        (4, (64, 40), "lower left"),
        (5, (40, 64), "upper left"),
        (6, (40, 64), "upper right"),
        (7, (40, 64), "lower right"),
        (8, (40, 64), "lower left"),
    ],
)
def test_decode_picture__turned_once(
    media_format: MediaFormat,
    pillow_format: str,
    options: dict[str, Any],
    orientation: int,
    size: tuple[int, int],
    corner: str,
) -> None:
    """Each orientation is applied once, in every format."""
    data = _saved(_scene(), pillow_format, exif=_exif(orientation), **options)
    picture = decode_picture(data, media_format=media_format, max_side_px=None)
    width, height = size
    assert (picture.width_px, picture.height_px) == size
    assert picture.pixels.shape == (height, width, 3)
    corners = {"upper left": (3, 3), "upper right": (-4, 3), "lower right": (-4, -4), "lower left": (3, -4)}
    assert [name for name, (x, y) in corners.items() if _is_red(picture, x, y)] == [corner]


def test_decode_picture__heic_turned_by_its_container() -> None:
    """A rotation that the encoder wrote as irot is applied once, and EXIF's copy of it is not applied again."""
    encoder = pillow_heif.from_bytes("RGB", (64, 40), _scene().tobytes())
    buffer = io.BytesIO()
    encoder.save(buffer, exif=_exif(6), quality=90)
    assert b"irot" in buffer.getvalue()
    picture = decode_picture(buffer.getvalue(), media_format=MediaFormat.HEIC, max_side_px=None)
    assert (picture.width_px, picture.height_px) == (40, 64)
    assert _is_red(picture, -4, 3)
    assert not _is_red(picture, 3, 3)


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_decode_picture__heic_of_other_channels(mode: str) -> None:
    """Grey and transparent HEIC come out with three channels."""
    buffer = io.BytesIO()
    pillow_heif.from_pillow(_scene().convert(mode)).save(buffer, quality=90)
    picture = decode_picture(buffer.getvalue(), media_format=MediaFormat.HEIC, max_side_px=20)
    assert picture.pixels.shape == (20, 32, 3)
    assert picture.scale_xy == (2, 2)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1"])
def test_decode_picture__png_of_other_channels(mode: str) -> None:
    """Grey, palette, transparent and two-colour PNG come out as 8-bit colour."""
    data = _saved(_scene().convert(mode), "PNG")
    picture = decode_picture(data, media_format=MediaFormat.PNG, max_side_px=None)
    assert picture.pixels.shape == (40, 64, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels[:20, :32].max() > 70
    assert picture.pixels[-4, -4].max() == 0


def test_decode_picture__png_of_16_bits() -> None:
    """Of 16 bits the upper 8 stay: 0x8040 becomes 0x80."""
    _, encoded = cv2.imencode(".png", np.full((4, 4), 0x8040, np.uint16))
    picture = decode_picture(encoded.tobytes(), media_format=MediaFormat.PNG, max_side_px=None)
    assert picture.pixels.dtype == np.uint8
    assert set(picture.pixels.flat) == {0x80}


def test_decode_picture__cmyk_jpeg() -> None:
    """A JPEG of four inks shows the colours that were put in."""
    data = _saved(_scene().convert("CMYK"), "JPEG", quality=95)
    picture = decode_picture(data, media_format=MediaFormat.JPEG, max_side_px=None)
    assert _is_red(picture, 3, 3)
    assert picture.pixels[-4, -4].max() < 30


def test_decode_picture__truncated_jpeg() -> None:
    """Half a JPEG gives its upper half, grey below, and says so."""
    noise = np.random.default_rng(2).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    data = _saved(Image.fromarray(noise), "JPEG", quality=95)
    picture = decode_picture(data[: len(data) // 2], media_format=MediaFormat.JPEG, max_side_px=None)
    assert picture.truncated
    assert (picture.width_px, picture.height_px) == (400, 300)
    whole = decode_picture(data, media_format=MediaFormat.JPEG, max_side_px=None)
    assert not whole.truncated
    assert np.array_equal(picture.pixels[:100], whole.pixels[:100])
    # What is missing decodes to DC 0 or to the last DC of the scan: even within each row of blocks' last lines.
    assert picture.pixels[-8:].astype(int).std(axis=(0, 1)).max() < whole.pixels[-8:].astype(int).std(axis=(0, 1)).min()


@pytest.mark.parametrize(
    ("data", "media_format"),
    [
        (b"", MediaFormat.JPEG),
        (b"PK\x03\x04" + bytes(100), MediaFormat.JPEG),
        (b"", MediaFormat.HEIC),
        (b"\x00\x00\x00\x18ftypheic" + bytes(100), MediaFormat.HEIC),
        (b"\x89PNG\r\n\x1a\n", MediaFormat.PNG),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", MediaFormat.WEBP),
        (b"", MediaFormat.MP4),
    ],
)
def test_decode_picture__no_picture(data: bytes, media_format: MediaFormat) -> None:
    """What is no picture is refused with its code."""
    with pytest.raises(UndecodablePicture) as caught:
        decode_picture(data, media_format=media_format, max_side_px=640)
    assert caught.value.code == "vision.undecodable_picture"


@pytest.mark.parametrize(("media_format", "pillow_format", "options"), _FORMATS[1:])
def test_decode_picture__truncated_png_and_webp(
    media_format: MediaFormat, pillow_format: str, options: dict[str, Any]
) -> None:
    """Half a PNG or WebP cannot be decoded."""
    noise = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = _saved(Image.fromarray(noise), pillow_format, **options)
    with pytest.raises(UndecodablePicture):
        decode_picture(data[: len(data) // 2], media_format=media_format, max_side_px=None)


def test_decode_picture__pixel_bomb() -> None:
    """A PNG of 30,000 x 30,000 pixels in few bytes is refused by its header."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(TooManyPixels) as caught:
        decode_picture(bomb, media_format=MediaFormat.PNG, max_side_px=640)
    assert caught.value.facts == {"width_px": 30_000, "height_px": 30_000}
    assert MAX_PIXELS == 200_000_000


@pytest.mark.parametrize(
    ("width_px", "height_px", "max_side_px", "factor"),
    [(4000, 3000, 640, 4), (1279, 700, 640, 1), (1280, 700, 640, 2), (700, 5120, 640, 8), (9000, 9000, None, 1)],
)
def test_reduction__keeps_the_longer_side(width_px: int, height_px: int, max_side_px: int | None, factor: int) -> None:
    """The largest of 1, 2, 4, 8 that leaves the longer side at least as long as asked: 4000 / 4 = 1000, / 8 = 500."""
    assert reduction(width_px, height_px, max_side_px) == factor


def test_decode_picture__reduced_jpeg_maps_back() -> None:
    """A mark keeps its place: in a JPEG of 1001 x 750 reduced by 2, times the scale, it lies where it was."""
    canvas = np.zeros((750, 1001, 3), np.uint8)
    canvas[400:480, 800:900] = 255
    _, encoded = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 95])
    picture = decode_picture(encoded.tobytes(), media_format=MediaFormat.JPEG, max_side_px=500)
    assert picture.pixels.shape == (375, 501, 3)
    assert (picture.width_px, picture.height_px) == (1001, 750)
    rows, columns = np.nonzero(picture.pixels[:, :, 0] > 127)
    scale_x, scale_y = picture.scale_xy
    found = [columns.min() * scale_x, rows.min() * scale_y, (columns.max() + 1) * scale_x, (rows.max() + 1) * scale_y]
    assert found == pytest.approx([800, 400, 900, 480], abs=2)


def test_turn_upright__by_hand() -> None:
    """A quarter turn to the right takes rows (a b) (c d) (e f) to (e c a) (f d b)."""
    stored = np.repeat(np.array([[1, 2], [3, 4], [5, 6]], np.uint8)[:, :, None], 3, axis=2)
    turned = turn_upright(stored, 6)
    assert turned[:, :, 0].tolist() == [[5, 3, 1], [6, 4, 2]]
    assert turned.flags.c_contiguous
