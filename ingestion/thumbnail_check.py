"""Does the reduced picture inside a photo show what the photo shows.

It decodes pixels, so the analysis asks for it, never the web process.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.evidence import Check, CheckName, Verdict
from domain.finding import Severity
from domain.media import MediaFormat
from ingestion.evidence_finding import EvidenceFinding
from ingestion.exif import read_picture_header, read_thumbnail
from ingestion.file_format import MalformedMedia
from ingestion.sentences import tell

if TYPE_CHECKING:
    from PIL import Image

_SIDE_PX: Final = 24  # compared size: what survives another sharpening and another demosaicing
_DRAFT_PX: Final = 192
_MAX_PIXELS: Final = 80_000_000  # beyond it Pillow warns of a decompression bomb
_MAX_THUMBNAIL_PX: Final = 1024
# Chosen on the ExifRead samples, n = 53 with a thumbnail: untouched files have 0.89 to 1.00, the one that was cropped
# afterwards 0.40; of 2,684 pairs of strangers 8 reach 0.7, half of them two shots of one scene.
MIN_CORRELATION: Final = 0.7
_MIN_DEVIATION: Final = 6.0  # of 255: a wall, the sky and a covered lens have nothing to compare


def check_thumbnail(path: Path, media_format: MediaFormat) -> Check | None:
    """Compare a JPEG's embedded thumbnail with the picture.

    The picture is decoded at an eighth of its size, some 40 ms for 12 megapixels. Black bars, cropping
    to another shape and a thumbnail that was not turned with the picture are allowed for.

    Args:
        path: a readable file.
        media_format: only JPEG can be judged.

    Returns:
        An `editing` check, warn or pass; None where there is nothing to compare.
    """
    if media_format is not MediaFormat.JPEG:
        return None
    try:
        with path.open("rb") as file:
            header = read_picture_header(file, media_format)
    except MalformedMedia:
        return None
    block = read_thumbnail(header.exif) if header.exif else None
    if block is None or header.width_px * header.height_px > _MAX_PIXELS:
        return None
    correlation = _correlate_files(path, block)
    if correlation is None:
        return None
    differs = correlation < MIN_CORRELATION
    code = "editing.thumbnail_differs" if differs else "editing.thumbnail_agrees"
    verdict = Verdict.WARN if differs else Verdict.PASS
    return Check(CheckName.EDITING, verdict, code, tell(code), {"correlation": round(correlation, 3)})


def list_thumbnail_findings(check: Check | None) -> tuple[EvidenceFinding, ...]:
    """What `check_thumbnail` asks a person to look at: a photo that was altered after the camera wrote it."""
    if check is None or check.verdict is not Verdict.WARN:
        return ()
    title = tell("evidence.editing_thumbnail")
    return (EvidenceFinding("evidence.editing_thumbnail", Severity.MINOR, title, dict(check.facts)),)


def _correlate_files(path: Path, block: bytes) -> float | None:
    """The best correlation of the two pictures; None where either cannot be decoded or shows nothing."""
    import io  # noqa: PLC0415 - with Pillow, only where pixels are wanted

    from PIL import Image  # noqa: PLC0415 - the web process imports this package and should not pay for it

    try:
        with Image.open(io.BytesIO(block), formats=["JPEG"]) as embedded:
            if max(embedded.size) > _MAX_THUMBNAIL_PX:
                return None
            thumbnail = embedded.convert("L")
        with Image.open(path, formats=["JPEG"]) as whole:
            shape = whole.width / whole.height
            whole.draft("L", (_DRAFT_PX, _DRAFT_PX))
            picture = whole.convert("L")
    except (OSError, ValueError, SyntaxError):
        return None  # a damaged thumbnail or scan is told by the analysis, not taken for editing
    return _correlate_best(picture, thumbnail, shape=shape)


def _correlate_best(picture: "Image.Image", thumbnail: "Image.Image", *, shape: float) -> float | None:
    """The highest correlation over the honest ways in which a thumbnail is made from a picture."""
    best: float | None = None
    for quarter in range(4):
        turned = thumbnail.rotate(90 * quarter, expand=True) if quarter else thumbnail
        own_shape = turned.width / turned.height
        pairs = [
            (picture, turned),
            (picture, _crop_to(turned, shape)),
            (_crop_to(picture, own_shape), turned),
        ]
        for one, other in pairs:
            found = _correlate(_sample(one), _sample(other))
            if found is not None and (best is None or found > best):
                best = found
    return best


def _crop_to(image: "Image.Image", shape: float) -> "Image.Image":
    """The middle of an image in another shape (width over height): without its bars."""
    width, height = image.size
    if width / height > shape:
        new_width = max(1, round(height * shape))
        left = (width - new_width) // 2
        return image.crop((left, 0, left + new_width, height))
    new_height = max(1, round(width / shape))
    top = (height - new_height) // 2
    return image.crop((0, top, width, top + new_height))


def _sample(image: "Image.Image") -> bytes:
    """The image as `_SIDE_PX` squared grey values."""
    return image.resize((_SIDE_PX, _SIDE_PX), resample=4).tobytes()  # 4 is the box filter, a true average


def _correlate(one: bytes, other: bytes) -> float | None:
    """Pearson's correlation of two equally long rows of grey values; None where one has nothing to show."""
    n = len(one)
    mean_one, mean_other = sum(one) / n, sum(other) / n
    spread_one = sum((value - mean_one) ** 2 for value in one)
    spread_other = sum((value - mean_other) ** 2 for value in other)
    if min(spread_one, spread_other) < n * _MIN_DEVIATION**2:
        return None
    shared = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    return float(shared / (spread_one * spread_other) ** 0.5)
