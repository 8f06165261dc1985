import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageOps

from domain.evidence import Verdict
from domain.media import MediaFormat
from ingestion.thumbnail_check import check_thumbnail, list_thumbnail_findings
from tests.unit.ingestion.exif_block import ascii_field, exif_block


def scene(width: int, height: int) -> Image.Image:
    """Sky, ground and some blocks, placed by a little arithmetic."""
    image = Image.new("RGB", (width, height), (150, 190, 230))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 47 // 100, width, height), fill=(120, 100, 70))
    for i in range(14):
        left = (37 * i + 11) % 90 * width // 100
        top = (53 * i + 29) % 90 * height // 100
        shade = (97 * i) % 256
        draw.rectangle((left, top, left + width // 8, top + height // 7), fill=(shade, 255 - shade, shade // 2))
    return image


def save(path: Path, picture: Image.Image, thumbnail: Image.Image | bytes | None) -> Path:
    """A JPEG with an embedded thumbnail."""
    embedded: bytes | None = None
    if isinstance(thumbnail, bytes):
        embedded = thumbnail
    elif thumbnail is not None:
        out = io.BytesIO()
        thumbnail.save(out, "JPEG", quality=70)
        embedded = out.getvalue()
    block = exif_block({0x010F: ascii_field("Maker")}, thumbnail=embedded)
    picture.save(path, "JPEG", exif=b"Exif\x00\x00" + block)
    return path


def small(picture: Image.Image, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A plain reduction."""
    return picture.resize(size)


@pytest.mark.parametrize("size", [(1600, 1200), (1600, 900), (1200, 1600)])
def test_check_thumbnail__honest(tmp_path: Path, size: tuple[int, int]) -> None:
    """Black bars, a crop to 4:3, a plain reduction and a thumbnail that was not turned all agree."""
    picture = scene(*size)
    ways = [
        ImageOps.pad(picture, (160, 120), color="black"),
        ImageOps.fit(picture, (160, 120)),
        small(picture, (size[0] // 10, size[1] // 10)),
        small(picture, (size[0] // 10, size[1] // 10)).rotate(90, expand=True),
    ]
    for way in ways:
        check = check_thumbnail(save(tmp_path / "photo.jpg", picture, way), MediaFormat.JPEG)
        assert check is not None
        assert (check.verdict, check.code) == (Verdict.PASS, "editing.thumbnail_agrees")
        assert list_thumbnail_findings(check) == ()


def test_check_thumbnail__other_picture(tmp_path: Path) -> None:
    """A thumbnail of another place warns."""
    path = save(tmp_path / "photo.jpg", scene(1600, 1200), small(Image.radial_gradient("L")))
    check = check_thumbnail(path, MediaFormat.JPEG)
    assert check is not None
    assert (check.verdict, check.code) == (Verdict.WARN, "editing.thumbnail_differs")
    assert [finding.code for finding in list_thumbnail_findings(check)] == ["evidence.editing_thumbnail"]


def test_check_thumbnail__cropped_afterwards(tmp_path: Path) -> None:
    """A picture of which a corner was kept, with the thumbnail of the whole, warns."""
    whole = scene(1600, 1200)
    path = save(tmp_path / "photo.jpg", whole.crop((700, 500, 1500, 1100)), small(whole))
    check = check_thumbnail(path, MediaFormat.JPEG)
    assert check is not None
    assert check.verdict is Verdict.WARN


def test_check_thumbnail__nothing_to_compare(tmp_path: Path) -> None:
    """No thumbnail, a damaged one, a blank wall and another format are not judged."""
    picture = scene(800, 600)
    path = tmp_path / "photo.jpg"
    assert check_thumbnail(save(path, picture, None), MediaFormat.JPEG) is None
    assert check_thumbnail(save(path, picture, b"\xff\xd8\xff\xe0 broken"), MediaFormat.JPEG) is None
    assert check_thumbnail(save(path, picture, Image.new("RGB", (160, 120))), MediaFormat.JPEG) is None
    assert check_thumbnail(save(path, picture, small(picture)), MediaFormat.PNG) is None


def test_check_thumbnail__truncated_picture(tmp_path: Path) -> None:
    """A picture that is cut short cannot be compared, which is no reason to suspect it."""
    picture = scene(800, 600)
    path = save(tmp_path / "photo.jpg", picture, small(picture))
    path.write_bytes(path.read_bytes()[:9000])
    assert check_thumbnail(path, MediaFormat.JPEG) is None
