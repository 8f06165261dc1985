"""Which format a file is, from its first bytes alone. What the rest of the file holds is read in the header modules."""

from typing import ClassVar, Final

from domain.errors import Invalid
from domain.media import MediaFormat

HEAD_SIZE: Final = 512  # enough for an ftyp box with a hundred brands [B]

# ISO/IEC 23008-12 (HEIF), annexes B and E, and the MIAF brand, which says nothing of the codec.
_HEVC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF_BRANDS: Final = frozenset({b"mif1", b"msf1", b"mif2"})
_AVIF_BRANDS: Final = frozenset({b"avif", b"avis"})
# The MP4 registration authority's list (mp4ra.org): video brands that phones and site cameras write.
_MP4_BRANDS: Final = frozenset(
    {
        *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"),
        *(b"mp41", b"mp42", b"avc1", b"hvc1", b"M4V ", b"M4VP", b"MSNV", b"dash", b"qt  "),
        *(b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3gp8", b"3gp9", b"3g2a", b"3g2b", b"XAVC"),
    }
)
_BRANDS_START: Final = 16  # size, "ftyp", major brand, minor version: four bytes each


class EmptyFile(Invalid):
    """A file of no bytes."""

    code: ClassVar[str] = "media.empty"


class UnsupportedFormat(Invalid):
    """A file that is not one of the formats that intake accepts, whatever its name says."""

    code: ClassVar[str] = "media.unsupported_format"


class MalformedMedia(Invalid):
    """A file whose header cannot be read, so that not even its size is known."""

    code: ClassVar[str] = "media.malformed"


def sniff_format(head: bytes) -> MediaFormat:
    """The format that a file's first bytes show; its name and the sender's word play no part.

    Args:
        head: the first `HEAD_SIZE` bytes, or the whole of a shorter file [B].

    Raises:
        EmptyFile: there is no byte.
        UnsupportedFormat: it is none of JPEG, PNG, WebP, HEIC and MP4.
    """
    if not head:
        raise EmptyFile("the file holds no bytes")
    if head.startswith(b"\xff\xd8\xff"):
        return MediaFormat.JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return MediaFormat.PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return MediaFormat.WEBP
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    raise UnsupportedFormat("the file is not a JPEG, PNG, WebP or HEIC picture and not an MP4 clip")


def _sniff_brands(head: bytes) -> MediaFormat:
    """The format of an ISO base media file by its major brand, then by the compatible ones."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    compatible = {head[at : at + 4] for at in range(_BRANDS_START, end - 3, 4)}
    if major in _HEVC_BRANDS:
        return MediaFormat.HEIC
    if major in _HEIF_BRANDS and not compatible & _AVIF_BRANDS:
        return MediaFormat.HEIC
    if major in _MP4_BRANDS:
        return MediaFormat.MP4
    is_picture = major in _HEIF_BRANDS | _AVIF_BRANDS
    if not is_picture and not compatible & _AVIF_BRANDS and compatible & _HEVC_BRANDS:
        return MediaFormat.HEIC
    if not is_picture and compatible & _MP4_BRANDS and not major.startswith(b"M4A"):
        return MediaFormat.MP4
    raise UnsupportedFormat("the file is a media container of a kind that is not accepted (HEIC and MP4 are)")
