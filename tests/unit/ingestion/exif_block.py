"""EXIF blocks and boxes written by hand, byte by byte, so that a test says what is in a file."""

import struct
from collections.abc import Mapping, Sequence

type_sizes = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8, 12: 8}

Field = tuple[int, bytes, int]


def ascii_field(text: str | bytes) -> Field:
    """A text with its closing NUL."""
    data = (text if isinstance(text, bytes) else text.encode()) + b"\x00"
    return 2, data, len(data)


def short_field(*values: int) -> Field:
    """Unsigned 16-bit numbers."""
    return 3, struct.pack(f"<{len(values)}H", *values), len(values)


def long_field(*values: int) -> Field:
    """Unsigned 32-bit numbers."""
    return 4, struct.pack(f"<{len(values)}I", *values), len(values)


def byte_field(*values: int) -> Field:
    """Bytes."""
    return 1, bytes(values), len(values)


def ratio_field(*pairs: tuple[int, int]) -> Field:
    """Unsigned rationals."""
    return 5, b"".join(struct.pack("<II", *pair) for pair in pairs), len(pairs)


def double_field(*values: float) -> Field:
    """Doubles, which no GPS tag should be."""
    return 12, struct.pack(f"<{len(values)}d", *values), len(values)


Directory = Mapping[int, Field]


def exif_block(
    image: Directory | None = None,
    *,
    exif: Directory | None = None,
    gps: Directory | None = None,
    thumbnail: bytes | None = None,
) -> bytes:
    """A little-endian TIFF structure with these directories."""
    first = dict(image or {})
    if exif:
        first[0x8769] = long_field(0)
    if gps:
        first[0x8825] = long_field(0)
    # Written twice: the second time the places of the sub-directories are known.
    places: dict[int, int] = {}
    out = b""
    for _ in range(2):
        for tag in (0x8769, 0x8825):
            if tag in first:
                first[tag] = long_field(places.get(tag, 0))
        out = b"II*\x00" + struct.pack("<I", 8)
        out += _directory(first, start=8, following=places.get(1, 0))
        for tag, directory in ((0x8769, exif), (0x8825, gps)):
            if directory:
                places[tag] = len(out)
                out += _directory(directory, start=len(out))
        if thumbnail is not None:
            places[1] = len(out)
            entries = {0x0103: short_field(6), 0x0202: long_field(len(thumbnail))}
            entries[0x0201] = long_field(places.get(2, 0))
            out += _directory(entries, start=len(out))
            places[2] = len(out)
            out += thumbnail
    return out


def _directory(entries: Directory, *, start: int, following: int = 0) -> bytes:
    """One image file directory with its values behind it."""
    data_at = start + 2 + 12 * len(entries) + 4
    head, data = struct.pack("<H", len(entries)), b""
    for tag in sorted(entries):
        kind, value, count = entries[tag]
        head += struct.pack("<HHI", tag, kind, count)
        if len(value) <= 4:
            head += value.ljust(4, b"\x00")
        else:
            head += struct.pack("<I", data_at + len(data))
            data += value + b"\x00" * (len(value) % 2)
    return head + struct.pack("<I", following) + data


def gps_fields(
    lat: Sequence[tuple[int, int]] = ((31, 1), (14, 1), (0, 1)),
    lon: Sequence[tuple[int, int]] = ((121, 1), (28, 1), (0, 1)),
    *,
    refs: tuple[str, str] = ("N", "E"),
    **more: Field,
) -> dict[int, Field]:
    """A GPS directory; further fields are named `t` and their number in hexadecimal."""
    fields = {1: ascii_field(refs[0]), 2: ratio_field(*lat), 3: ascii_field(refs[1]), 4: ratio_field(*lon)}
    return fields | {int(name[1:], 16): field for name, field in more.items()}


def jpeg(exif: bytes | None = None, *, width: int = 64, height: int = 48, before: bytes = b"") -> bytes:
    """The header of a JPEG file, cut short at its first scan."""
    out = b"\xff\xd8" + before
    if exif is not None:
        out += b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\x00\x00" + exif
    out += b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return out + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"


def box(kind: bytes, *bodies: bytes) -> bytes:
    """A box of an ISO base media file."""
    body = b"".join(bodies)
    return struct.pack(">I", 8 + len(body)) + kind + body


def full_box(kind: bytes, *bodies: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *bodies)
