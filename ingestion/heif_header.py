"""Headers of HEIC files (ISO/IEC 23008-12): the main picture's upright size and the EXIF item, from boxes alone."""

from typing import BinaryIO, Final

from ingestion.file_format import MalformedMedia
from ingestion.iso_boxes import Box, find_box, list_boxes, read_number, read_top_box
from ingestion.picture_header import MAX_EXIF_BYTES, PictureHeader, strip_exif_mark

_FULL: Final = 4  # version and flags of a full box [B]


def read_heif_header(file: BinaryIO) -> PictureHeader:
    """The header of a HEIC file. Its own turning and cropping are applied; its EXIF orientation then no longer counts.

    Args:
        file: seekable, at its start.

    Raises:
        MalformedMedia: the boxes are damaged, or do not give the primary picture's size.
    """
    meta = read_top_box(file, b"meta")
    boxes = {box.kind: box for box in list_boxes(meta, start=_FULL)}
    if b"pitm" not in boxes or b"iprp" not in boxes:
        raise MalformedMedia("the HEIC file does not say which of its pictures is the main one")
    primary = boxes[b"pitm"].number(_FULL, 2 if boxes[b"pitm"].number(0, 1) == 0 else 4)
    width_px, height_px = _read_size(boxes[b"iprp"], primary)
    problems: list[str] = []
    exif = _read_exif(file, boxes, problems)
    return PictureHeader(width_px=width_px, height_px=height_px, exif=exif, exif_turns=False, problems=tuple(problems))


def _read_size(iprp: Box, item: int) -> tuple[int, int]:
    """Width and height of an item with its transformations applied in their order [px]."""
    ipco = find_box(iprp, b"ipco")
    if ipco is None:
        raise MalformedMedia("the HEIC file has no list of properties")
    properties = list(list_boxes(ipco))
    size: tuple[int, int] | None = None
    for index in _list_properties(iprp, item):
        if not 1 <= index <= len(properties):
            continue
        box = properties[index - 1]
        if box.kind == b"ispe":
            size = (box.number(_FULL, 4), box.number(_FULL + 4, 4))
        elif box.kind == b"irot" and size and box.number(0, 1) & 1:
            size = (size[1], size[0])
        elif box.kind == b"clap" and size:
            size = _crop(box, size)
    if size is None or not size[0] or not size[1]:
        raise MalformedMedia("the HEIC file does not say how large its main picture is")
    return size


def _crop(clap: Box, size: tuple[int, int]) -> tuple[int, int]:
    """The size that a clean aperture leaves; an aperture that makes no sense leaves it as it is."""
    width_n, width_d, height_n, height_d = (clap.number(4 * i, 4) for i in range(4))
    if not width_d or not height_d:
        return size
    width, height = width_n // width_d, height_n // height_d
    return (width, height) if 0 < width <= size[0] and 0 < height <= size[1] else size


def _list_properties(iprp: Box, item: int) -> list[int]:
    """The numbers, from 1, of the properties of an item, in the order in which they apply."""
    for ipma in list_boxes(iprp):
        if ipma.kind != b"ipma":
            continue
        id_size = 2 if ipma.number(0, 1) == 0 else 4
        index_size = 2 if ipma.number(3, 1) & 1 else 1
        at = _FULL + 4
        for _ in range(ipma.number(_FULL, 4)):
            ipma.budget.spend()
            found = ipma.number(at, id_size)
            count = ipma.number(at + id_size, 1)
            at += id_size + 1
            if found == item:
                top_bit = 1 << (8 * index_size - 1)  # the highest bit says "essential"
                return [ipma.number(at + i * index_size, index_size) & (top_bit - 1) for i in range(count)]
            at += count * index_size
    return []


def _read_exif(file: BinaryIO, boxes: dict[bytes, Box], problems: list[str]) -> bytes | None:
    """The TIFF structure of the EXIF item.

    None where there is none, and, with a problem, where it cannot be reached.
    """
    try:
        item = _find_exif_item(boxes.get(b"iinf"))
        if item is None:
            return None
        extents, in_idat = _locate(boxes.get(b"iloc"), item)
        if sum(length for _, length in extents) > MAX_EXIF_BYTES:
            problems.append("exif.too_large")
            return None
        block = b"".join(_read_extent(file, boxes, extent, in_idat=in_idat) for extent in extents)
    except MalformedMedia:
        problems.append("exif.malformed")
        return None
    # ISO/IEC 23008-12, A.2.1: the first four bytes say how far the TIFF header is from the byte after them.
    skipped = int.from_bytes(block[:4], "big")
    return strip_exif_mark(block[4 + skipped :]) or None


def _find_exif_item(iinf: Box | None) -> int | None:
    """The id of the first item of type Exif."""
    if iinf is None:
        return None
    count_size = 2 if iinf.number(0, 1) == 0 else 4
    for infe in list_boxes(iinf, start=_FULL + count_size):
        version = infe.number(0, 1)
        if infe.kind != b"infe" or version < 2:  # noqa: PLR2004 - older versions know no item types
            continue
        id_size = 2 if version == 2 else 4  # noqa: PLR2004
        if bytes(infe.body[_FULL + id_size + 2 : _FULL + id_size + 6]) == b"Exif":
            return infe.number(_FULL, id_size)
    return None


def _locate(iloc: Box | None, item: int) -> tuple[list[tuple[int, int]], bool]:
    """The extents (offset, length) of an item, and whether they count within the `idat` box [B].

    Raises:
        MalformedMedia: the item is not located.
    """
    if iloc is None:
        raise MalformedMedia("the HEIC file does not say where its items are")
    version, sizes = iloc.number(0, 1), iloc.number(_FULL, 2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    id_size = 2 if version < 2 else 4  # noqa: PLR2004
    at = _FULL + 2
    count = iloc.number(at, id_size)
    at += id_size
    for _ in range(count):
        iloc.budget.spend()
        found = iloc.number(at, id_size)
        at += id_size
        method = iloc.number(at, 2) & 15 if version else 0
        at += 4 if version else 2
        base = iloc.number(at, base_size)
        extent_count = iloc.number(at + base_size, 2)
        at += base_size + 2
        extents = []
        for _ in range(extent_count):
            iloc.budget.spend()
            at += index_size
            offset = iloc.number(at, offset_size)
            extents.append((base + offset, iloc.number(at + offset_size, length_size)))
            at += offset_size + length_size
        if found == item:
            return extents, method == 1
    raise MalformedMedia("the HEIC file does not say where its EXIF block is")


def _read_extent(file: BinaryIO, boxes: dict[bytes, Box], extent: tuple[int, int], *, in_idat: bool) -> bytes:
    """The bytes of an extent, from the file or from the `idat` box."""
    offset, length = extent
    if in_idat:
        body = boxes[b"idat"].body if b"idat" in boxes else memoryview(b"")
        read_number(body, offset + length, 0)
        return bytes(body[offset : offset + length])
    if offset >= 1 << 62:
        raise MalformedMedia("the HEIC file points beyond its end")
    file.seek(offset)
    return file.read(length)
