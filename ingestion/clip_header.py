"""Headers of MP4 and QuickTime clips: size, duration, time and place, from boxes alone.

Sources: ISO/IEC 14496-12 and the QuickTime File Format Specification. Frames are decoded by the analysis.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Final

from domain.place import Position
from ingestion.exif_value import ProblemList, clean_text, make_time, parse_offset
from ingestion.file_format import MalformedMedia
from ingestion.iso_boxes import Box, find_box, list_boxes, read_top_box
from ingestion.metadata import Metadata

_EPOCH: Final = datetime(1904, 1, 1, tzinfo=UTC)  # ISO/IEC 14496-12, 8.2.2.3
_UNIX_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FULL: Final = 4  # version and flags of a full box [B]
_MAX_TAGS: Final = 200
_MAX_TEXT_BYTES: Final = 1000
_UTF8: Final = 1  # QuickTime's well-known data type for text
# ISO 6709:2008, annex H: latitude and longitude as degrees with decimals, minutes or seconds, then the height.
_ISO_6709: Final = re.compile(
    r"([+-])(\d{2}|\d{4}|\d{6})(\.\d+)?([+-])(\d{3}|\d{5}|\d{7})(\.\d+)?([+-]\d+(?:\.\d+)?)?(?:CRS\w+)?/?",
    re.ASCII,
)
_CREATION_DATE: Final = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})", re.ASCII
)
_APPLE: Final = "com.apple.quicktime."


@dataclass(frozen=True, slots=True)
class ClipHeader:
    """What a clip's header says.

    Attributes:
        width_px: of the upright picture. [px]
        height_px: likewise. [px]
        duration_s: None where the file does not say, as in fragmented ones. [s]
    """

    width_px: int
    height_px: int
    duration_s: float | None
    metadata: Metadata = field(default_factory=Metadata)


def read_clip_header(file: BinaryIO) -> ClipHeader:
    """The header of a clip, wherever in the file it stands.

    Args:
        file: seekable, at its start.

    Raises:
        MalformedMedia: there is no readable `moov` box, or no video track with a size in it.
    """
    moov = read_top_box(file, b"moov")
    mvhd = find_box(moov, b"mvhd")
    if mvhd is None:
        raise MalformedMedia("the clip has no movie header")
    problems = ProblemList()
    created_at, duration_s = _read_movie_header(mvhd, problems)
    width_px, height_px = _read_size(moov)
    texts = _read_texts(moov)
    position = _read_position(texts, problems)
    metadata = Metadata(
        container_time=_read_creation_date(texts, problems) or created_at,
        position=position,
        make=texts.get(_APPLE + "make") or texts.get("\xa9mak"),
        model=texts.get(_APPLE + "model") or texts.get("\xa9mod"),
        software=texts.get(_APPLE + "software") or texts.get("\xa9swr") or texts.get("\xa9too"),
        duration_s=duration_s,
        tags=dict(list(texts.items())[:_MAX_TAGS]),
        problems=problems.codes,
    )
    return ClipHeader(width_px=width_px, height_px=height_px, duration_s=duration_s, metadata=metadata)


def _read_movie_header(mvhd: Box, problems: ProblemList) -> tuple[datetime | None, float | None]:
    """Creation time and duration [s] of the movie header."""
    if mvhd.number(0, 1) == 1:
        created, scale, duration, unknown = (
            mvhd.number(4, 8),
            mvhd.number(20, 4),
            mvhd.number(24, 8),
            (1 << 64) - 1,
        )
    else:
        created, scale, duration, unknown = (
            mvhd.number(4, 4),
            mvhd.number(12, 4),
            mvhd.number(16, 4),
            (1 << 32) - 1,
        )
    duration_s = duration / scale if scale and duration not in {0, unknown} else None
    return _from_1904(created, problems), duration_s


def _from_1904(seconds: int, problems: ProblemList) -> datetime | None:
    """A container's time.

    None, with a problem, for the zero points of its own and of Unix time, which mean "not set".
    """
    try:
        created_at = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        problems.add("container.not_a_time")
        return None
    if created_at < _UNIX_EPOCH + timedelta(days=366):
        problems.add("container.not_a_time")
        return None
    return created_at


def _read_size(moov: Box) -> tuple[int, int]:
    """Width and height of the first video track, upright [px]."""
    for trak in list_boxes(moov):
        if trak.kind != b"trak":
            continue
        tkhd, mdia = find_box(trak, b"tkhd"), find_box(trak, b"mdia")
        handler = find_box(mdia, b"hdlr")
        if tkhd is None or mdia is None or handler is None or bytes(handler.body[8:12]) != b"vide":
            continue
        matrix = 52 if tkhd.number(0, 1) == 1 else 40
        width, height = _read_coded_size(mdia) or (
            tkhd.number(matrix + 36, 4) >> 16,
            tkhd.number(matrix + 40, 4) >> 16,
        )
        if not width or not height:
            continue
        # The matrix (a b u, c d v, x y w): a quarter turn has no a and no d.
        is_turned = tkhd.number(matrix, 4) == 0 and tkhd.number(matrix + 16, 4) == 0
        is_turned = is_turned and tkhd.number(matrix + 4, 4) != 0
        return (height, width) if is_turned else (width, height)
    raise MalformedMedia("the clip has no video track that says how large it is")


def _read_coded_size(mdia: Box) -> tuple[int, int] | None:
    """The size of the first visual sample entry, which is the decoded frame's [px]."""
    minf = find_box(mdia, b"minf")
    stbl = find_box(minf, b"stbl")
    stsd = find_box(stbl, b"stsd")
    entry = next(list_boxes(stsd, start=8), None) if stsd else None
    if entry is None:
        return None
    width, height = entry.number(24, 2), entry.number(26, 2)
    return (width, height) if width and height else None


def _read_texts(moov: Box) -> dict[str, str]:
    """The texts of the user data and of the QuickTime metadata, by key. Damage there costs the texts, not the clip."""
    texts: dict[str, str] = {}
    try:
        udta = find_box(moov, b"udta")
        for box in list_boxes(udta) if udta else ():
            if box.kind[:1] == b"\xa9":
                # QuickTime File Format, user data text: length and language before the text.
                _put(texts, box.kind.decode("latin-1"), bytes(box.body[4 : 4 + box.number(0, 2)]))
        metas = [find_box(moov, b"meta"), find_box(udta, b"meta")]
        for meta in metas:
            if meta is not None:
                _read_items(meta, texts)
    except MalformedMedia:
        pass
    return texts


def _read_items(meta: Box, texts: dict[str, str]) -> None:
    """The items of one `meta` box, which is a full box in MP4 and a plain one in QuickTime."""
    start = 0 if bytes(meta.body[4:8]) == b"hdlr" else _FULL
    boxes = {box.kind: box for box in list_boxes(meta, start=start)}
    names = _read_keys(boxes.get(b"keys"))
    for item in list_boxes(boxes[b"ilst"]) if b"ilst" in boxes else ():
        index = int.from_bytes(item.kind, "big")
        name = names[index - 1] if 1 <= index <= len(names) else item.kind.decode("latin-1")
        data = find_box(item, b"data")
        if data is not None and data.number(0, 4) == _UTF8:
            _put(texts, name, bytes(data.body[8 : 8 + _MAX_TEXT_BYTES]))


def _read_keys(keys: Box | None) -> list[str]:
    """The names of the metadata items, in their order."""
    if keys is None:
        return []
    return [
        clean_text(bytes(key.body[:_MAX_TEXT_BYTES]).decode("utf-8", "replace")) for key in list_boxes(keys, start=8)
    ]


def _put(texts: dict[str, str], name: str, value: bytes) -> None:
    """Keep a text that says something; the first of a name counts."""
    text = clean_text(value[:_MAX_TEXT_BYTES].decode("utf-8", "replace"))
    if text:
        texts.setdefault(name, text)


def _read_creation_date(texts: dict[str, str], problems: ProblemList) -> datetime | None:
    """The moment that iPhones write with its offset; it survives trimming, while the movie header's time does not."""
    text = texts.get(_APPLE + "creationdate")
    if text is None:
        return None
    match = _CREATION_DATE.fullmatch(text)
    offset = parse_offset(match.group(7)) if match else None
    local = make_time(match.groups()[:6]) if match else None
    try:
        if local is not None and offset is not None:
            return (local - offset).replace(tzinfo=UTC)
    except OverflowError:
        pass
    problems.add("container.not_a_time")
    return None


def _read_position(texts: dict[str, str], problems: ProblemList) -> Position | None:
    """The place, with its accuracy where the file gives one."""
    text = texts.get(_APPLE + "location.ISO6709") or texts.get("\xa9xyz")
    if text is None:
        return None
    position = parse_iso_6709(text)
    if position is None:
        problems.add("container.not_a_position")
        return None
    accuracy = re.fullmatch(r"\d{1,7}(\.\d+)?", texts.get(_APPLE + "location.accuracy.horizontal", ""))
    accuracy_m = float(accuracy[0]) if accuracy else 0.0
    return replace(position, accuracy_m=accuracy_m or None)


def parse_iso_6709(text: str) -> Position | None:
    """A point written after ISO 6709:2008, annex H, such as `+31.2304+121.4737+012.3/`; None where it is none."""
    match = _ISO_6709.fullmatch(text.strip())
    if match is None:
        return None
    lat = _to_degrees(match.group(1), match.group(2), match.group(3) or "", degree_digits=2)
    lon = _to_degrees(match.group(4), match.group(5), match.group(6) or "", degree_digits=3)
    if lat is None or lon is None or abs(lat) > 90 or abs(lon) > 180:  # noqa: PLR2004
        return None
    altitude_m = float(match.group(7)) if match.group(7) else None
    return Position(lon=lon, lat=lat, source="container", given_lon=lon, given_lat=lat, altitude_m=altitude_m)


def _to_degrees(sign: str, digits: str, decimals: str, *, degree_digits: int) -> float | None:
    """DD, DDMM or DDMMSS with decimals on the last part as signed degrees [deg]."""
    parts = [digits[:degree_digits]]
    parts += [digits[at : at + 2] for at in range(degree_digits, len(digits), 2)]
    parts[-1] += decimals
    values = [float(part) for part in parts]
    if any(value >= 60 for value in values[1:]):  # noqa: PLR2004
        return None
    degrees = sum((value / 60.0**place for place, value in enumerate(values)), start=0.0)
    return -degrees if sign == "-" and degrees else degrees
