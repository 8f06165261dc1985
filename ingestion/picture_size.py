"""How large the upright picture is, from headers alone, and the limits beyond which nothing is ever decoded."""

from pathlib import Path
from typing import ClassVar, Final

from domain.errors import Invalid
from domain.media import MediaFormat
from ingestion.clip_header import ClipHeader, read_clip_header
from ingestion.exif import parse_exif, read_picture_header

# Phones with sensors of 200 megapixels write 16,320 x 12,240 (199.8 million); 30,000 x 30,000 is a decompression bomb.
MAX_PIXELS: Final = 200_000_000
MAX_CLIP_S: Final = 600.0  # chosen: longer ones are surveillance, which `siteproof watch` samples [s]
_FIRST_TURNED: Final = 5  # EXIF orientations 5 to 8 are quarter turns


class TooManyPixels(Invalid):
    """A picture whose header promises more pixels than any camera on a site takes."""

    code: ClassVar[str] = "media.too_many_pixels"


class ClipTooLong(Invalid):
    """A clip longer than `MAX_CLIP_S`."""

    code: ClassVar[str] = "media.clip_too_long"


def read_size(path: Path, media_format: MediaFormat) -> tuple[int, int]:
    """Width and height of the upright picture, after EXIF orientation, HEIC turning or a clip's matrix [px].

    A file cut short behind a readable header is accepted: its bytes are evidence, and analysis says what it decoded.

    Args:
        path: a readable file.
        media_format: what `sniff_format` found.

    Raises:
        MalformedMedia: the header cannot be read.
        TooManyPixels: beyond `MAX_PIXELS`.
        ClipTooLong: beyond `MAX_CLIP_S`.
    """
    with path.open("rb") as file:
        if media_format.is_clip:
            clip = read_clip_header(file)
            require_clip_limits(clip)
            return clip.width_px, clip.height_px
        header = read_picture_header(file, media_format)
    require_pixels(header.width_px, header.height_px)
    orientation = parse_exif(header.exif).orientation if header.exif_turns else 1
    return turn_size(header.width_px, header.height_px, orientation=orientation)


def turn_size(width_px: int, height_px: int, *, orientation: int) -> tuple[int, int]:
    """The upright size of a stored picture with this EXIF orientation, 1 to 8 [px]."""
    return (height_px, width_px) if orientation >= _FIRST_TURNED else (width_px, height_px)


def require_pixels(width_px: int, height_px: int) -> None:
    """Refuse what would need more memory than a decoder should be given.

    Raises:
        TooManyPixels: beyond `MAX_PIXELS`.
    """
    if width_px * height_px > MAX_PIXELS:
        raise TooManyPixels(
            f"the picture has {width_px} x {height_px} pixels; at most {MAX_PIXELS // 1_000_000} million are accepted"
        )


def require_clip_limits(clip: ClipHeader) -> None:
    """Refuse a clip that is too large or too long. One whose length its header does not give is let pass.

    Raises:
        TooManyPixels: a frame beyond `MAX_PIXELS`.
        ClipTooLong: beyond `MAX_CLIP_S`.
    """
    require_pixels(clip.width_px, clip.height_px)
    if clip.duration_s is not None and clip.duration_s > MAX_CLIP_S:
        raise ClipTooLong(f"the clip lasts {clip.duration_s:.0f} s; at most {MAX_CLIP_S:.0f} s are accepted")
