import io
import json
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from domain.media import MediaFormat
from ingestion.exif import parse_exif, read_metadata, read_thumbnail
from tests.unit.ingestion.exif_block import (
    Field,
    ascii_field,
    byte_field,
    double_field,
    exif_block,
    gps_fields,
    jpeg,
    long_field,
    ratio_field,
    short_field,
)


def naive(*parts: int) -> datetime:
    """A camera's clock, which knows no zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def test_parse_exif__iphone_as_exiftool_prints_it() -> None:
    """The fields of IMG_5195.HEIC of the ExifRead samples.

    `exiftool -n` 12.57 prints GPSLatitude 39.0513444444444, GPSLongitude -94.2887722222222, GPSAltitude 260.5606383,
    GPSHPositioningError 38.81300435, GPSImgDirection 348.0553285, SubSecDateTimeOriginal 2021:04:11 15:47:53.054-05:00.
    """
    metadata = parse_exif(
        exif_block(
            {0x010F: ascii_field("Apple"), 0x0110: ascii_field("iPhone 11 Pro Max"), 0x0131: ascii_field("14.4.2")},
            exif={
                0x9003: ascii_field("2021:04:11 15:47:53"),
                0x9011: ascii_field("-05:00"),
                0x9291: ascii_field("054"),
            },
            gps=gps_fields(
                ((39, 1), (3, 1), (121, 25)),
                ((94, 1), (17, 1), (979, 50)),
                refs=("N", "W"),
                t05=byte_field(0),
                t06=ratio_field((244927, 940)),
                t10=ascii_field("T"),
                t11=ratio_field((1107164, 3181)),
                t1f=ratio_field((250111, 6444)),
            ),
        )
    )
    assert metadata.problems == ()
    assert metadata.position is not None
    assert metadata.position.source == "exif"
    assert metadata.position.lat == pytest.approx(39.0513444444444, abs=1e-12)
    assert metadata.position.lon == pytest.approx(-94.2887722222222, abs=1e-12)
    assert metadata.position.altitude_m == pytest.approx(260.5606383)
    assert metadata.position.accuracy_m == pytest.approx(38.81300435)
    assert metadata.position.bearing_deg == pytest.approx(348.0553285)
    assert metadata.taken_local == naive(2021, 4, 11, 15, 47, 53, 54000)
    assert metadata.time_tag == "DateTimeOriginal"
    assert metadata.subsec == "054"
    assert metadata.offset == timedelta(hours=-5)
    assert (metadata.make, metadata.model, metadata.software) == ("Apple", "iPhone 11 Pro Max", "14.4.2")


def test_parse_exif__gps_time_with_fractions() -> None:
    """GPSDateStamp and GPSTimeStamp of DSCN0010.jpg: exiftool prints 2008:10:23 14:27:07.24Z."""
    gps = gps_fields(t07=ratio_field((14, 1), (27, 1), (724, 100)), t1d=ascii_field("2008:10:23"))
    expected = datetime(2008, 10, 23, 14, 27, 7, 240000, tzinfo=UTC)
    assert parse_exif(exif_block(gps=gps)).gps_time == expected


@pytest.mark.parametrize("block", [None, b""])
def test_parse_exif__none(block: bytes | None) -> None:
    """No block says nothing, and nothing is wrong with that."""
    metadata = parse_exif(block)
    assert metadata.is_empty
    assert metadata.problems == ()
    assert metadata.tags == {}


@pytest.mark.parametrize(
    ("lat", "refs", "problem"),
    [
        (((31, 0), (14, 1), (0, 1)), ("N", "E"), "exif.zero_denominator"),
        (((0, 0), (0, 0), (0, 0)), ("N", "E"), "exif.zero_denominator"),
        (((90, 1), (0, 1), (1, 1000)), ("N", "E"), "exif.gps_out_of_range"),
        (((4294967295, 1), (0, 1), (0, 1)), ("N", "E"), "exif.gps_out_of_range"),
        (((31, 1), (61, 1), (0, 1)), ("N", "E"), "exif.gps_out_of_range"),
        (((31, 1), (0, 1), (61, 1)), ("N", "E"), "exif.gps_out_of_range"),
        (((31, 1),) * 4, ("N", "E"), "exif.gps_out_of_range"),
        (((31, 1), (14, 1), (0, 1)), ("", "E"), "exif.gps_incomplete"),
        (((31, 1), (14, 1), (0, 1)), ("X", "E"), "exif.gps_incomplete"),
        (((31, 1), (14, 1), (0, 1)), ("N", "\x00"), "exif.gps_incomplete"),
    ],
)
def test_parse_exif__impossible_latitude(lat: tuple[tuple[int, int], ...], refs: tuple[str, str], problem: str) -> None:
    """A latitude that makes no sense gives no position and its problem, never a number."""
    metadata = parse_exif(exif_block(gps=gps_fields(lat, refs=refs)))
    assert metadata.position is None
    assert problem in metadata.problems


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_parse_exif__not_finite(value: float) -> None:
    """NaN and infinities, which a tag of the wrong type can hold, are no numbers."""
    gps = gps_fields() | {2: double_field(value, 14.0, 0.0)}
    metadata = parse_exif(exif_block(gps=gps))
    assert metadata.position is None
    assert metadata.problems == ("exif.not_finite",)


def test_parse_exif__latitude_as_text() -> None:
    """A latitude written as text is no number."""
    metadata = parse_exif(exif_block(gps=gps_fields() | {2: ascii_field("31.2333")}))
    assert metadata.position is None
    assert metadata.problems == ("exif.not_a_number",)


def test_parse_exif__longitude_missing() -> None:
    """Half a position is none."""
    gps = gps_fields()
    del gps[4]
    metadata = parse_exif(exif_block(gps=gps))
    assert metadata.position is None
    assert metadata.problems == ("exif.gps_incomplete",)


@pytest.mark.parametrize(
    ("lat", "lon", "refs", "expected"),
    [
        (((90, 1), (0, 1), (0, 1)), ((180, 1), (0, 1), (0, 1)), ("S", "W"), (-90, -180)),
        (((31, 1), (30, 1)), ((121, 1), (15, 1)), ("N", "E"), (31.5, 121.25)),
        (((315, 10),), ((12125, 100),), ("n", "e"), (31.5, 121.25)),
        (((30, 1), (59, 1), (60, 1)), ((0, 1), (0, 1), (36, 1)), ("N", "E"), (31, 0.01)),
    ],
)
def test_parse_exif__limits_and_short_forms(
    lat: tuple[tuple[int, int], ...],
    lon: tuple[tuple[int, int], ...],
    refs: tuple[str, str],
    expected: tuple[float, float],
) -> None:
    """The poles and the date line are places; minutes and seconds may be missing, seconds may be rounded up to 60."""
    position = parse_exif(exif_block(gps=gps_fields(lat, lon, refs=refs))).position
    assert position is not None
    assert (position.lat, position.lon) == pytest.approx(expected)


def test_parse_exif__null_island_is_kept() -> None:
    """0, 0 is what a receiver without a fix writes: kept, for the check to say so, without a minus before the zero."""
    zero = ((0, 1), (0, 1), (0, 1))
    position = parse_exif(exif_block(gps=gps_fields(zero, zero, refs=("S", "W")))).position
    assert position is not None
    assert position.is_null_island
    assert str(position.lat) == str(position.lon) == "0.0"


def test_parse_exif__accuracy_altitude_and_direction_in_doubt() -> None:
    """An accuracy of 0 says nothing, below sea level is negative, a magnetic direction is not one from true north."""
    gps = gps_fields(
        t05=byte_field(1),
        t06=ratio_field((154, 1)),
        t10=ascii_field("M"),
        t11=ratio_field((56, 1)),
        t1f=ratio_field((0, 1)),
        t12=ascii_field("GCJ-02"),
    )
    metadata = parse_exif(exif_block(gps=gps))
    assert metadata.position is not None
    assert metadata.position.accuracy_m is None
    assert metadata.position.altitude_m == -154
    assert metadata.position.bearing_deg is None
    assert metadata.problems == ("exif.magnetic_bearing",)
    assert metadata.gps_datum == "GCJ-02"


@pytest.mark.parametrize(("degrees", "expected"), [((360, 1), 0), ((3601, 10), None), ((1, 0), None)])
def test_parse_exif__direction_limits(degrees: tuple[int, int], expected: float | None) -> None:
    """360 degrees are 0; more, and a zero denominator, are no direction and cost the position nothing."""
    gps = gps_fields(t10=ascii_field("T"), t11=ratio_field(degrees))
    position = parse_exif(exif_block(gps=gps)).position
    assert position is not None
    assert position.bearing_deg == expected


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "",
        "2024:02:30 10:00:00",
        "2024:13:01 10:00:00",
        "2024:01:01 25:00:00",
        "2024:01:01 10:00:60",
        "yesterday",
        "2024:01:01",
        "٢٠٢٤:01:01 10:00:00",
    ],
)
def test_parse_exif__no_time(text: str) -> None:
    """What is no time gives none, and says so."""
    metadata = parse_exif(exif_block(exif={0x9003: ascii_field(text)}))
    assert metadata.taken_local is None
    assert metadata.problems == ("exif.not_a_time",)


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("1970:01:01 00:00:00", 1970),
        ("2099:12:31 23:59:59", 2099),
        ("9999:12:31 23:59:59", 9999),
        ("0001:01:01 00:00:00", 1),
    ],
)
def test_parse_exif__far_away_times(text: str, year: int) -> None:
    """A time that exists is read as it is written; whether it can be true is the check's question."""
    taken = parse_exif(exif_block(exif={0x9003: ascii_field(text)})).taken_local
    assert taken is not None
    assert taken.year == year


def test_parse_exif__falls_back_to_the_next_time_tag() -> None:
    """A blank DateTimeOriginal gives way to DateTimeDigitized with its own offset."""
    exif = {
        0x9003: ascii_field("    :  :     :  :  "),
        0x9004: ascii_field("2024:05:06 07:08:09"),
        0x9011: ascii_field("+02:00"),
        0x9012: ascii_field("+08:00"),
    }
    metadata = parse_exif(exif_block({0x0132: ascii_field("2025:01:01 00:00:00")}, exif=exif))
    assert metadata.taken_local == naive(2024, 5, 6, 7, 8, 9)
    assert metadata.time_tag == "DateTimeDigitized"
    assert metadata.offset == timedelta(hours=8)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+08:00", timedelta(hours=8)),
        ("-09:30", timedelta(hours=-9, minutes=-30)),
        ("+0545", timedelta(hours=5, minutes=45)),
        ("Z", timedelta(0)),
        ("+15:00", None),
        ("+08:60", None),
        ("   :  ", None),
        ("8", None),
    ],
)
def test_parse_exif__offsets(text: str, expected: timedelta | None) -> None:
    """Offsets as standard and writers have them; beyond 14 hours there is none."""
    exif = {0x9003: ascii_field("2024:05:06 07:08:09"), 0x9011: ascii_field(text)}
    assert parse_exif(exif_block(exif=exif)).offset == expected


@pytest.mark.parametrize(
    ("date", "clock"),
    [
        ("2008:10:23", ((25, 1), (0, 1), (0, 1))),
        ("2008:10:23", ((14, 0), (0, 1), (0, 1))),
        ("2008:10:23", ((14, 1), (0, 1))),
        ("2008:02:30", ((14, 1), (0, 1), (0, 1))),
        ("0000:00:00", ((0, 1), (0, 1), (0, 1))),
        ("9999:12:31", ((23, 1), (59, 1), (60, 1))),
        ("today", ((14, 1), (0, 1), (0, 1))),
    ],
)
def test_parse_exif__no_gps_time(date: str, clock: tuple[tuple[int, int], ...]) -> None:
    """A satellite time that makes no sense is none."""
    metadata = parse_exif(exif_block(gps=gps_fields(t07=ratio_field(*clock), t1d=ascii_field(date))))
    assert metadata.gps_time is None
    assert "exif.not_a_time" in metadata.problems


def test_parse_exif__tags_are_bounded_and_clean() -> None:
    """At most 200 tags of at most 200 characters, without NUL, control characters and maker notes."""
    fields: dict[int, Field] = {0xC000 + i: short_field(i) for i in range(300)}
    fields |= {
        0x010E: ascii_field("x" * 5000),
        0x010F: ascii_field("A\tB\x1b[31m\x07"),
        0x0131: ascii_field("美图秀秀".encode("gb18030")),
    }
    note = {0x927C: (7, b"N" * 900, 900), 0x9286: (7, b"ASCII\0\0\0" + b"u" * 900, 908)}
    metadata = parse_exif(exif_block(fields, exif=note))
    assert len(metadata.tags) == 200
    assert max(map(len, metadata.tags.values())) == 200
    assert metadata.make == "A B[31m"
    assert metadata.software == "美图秀秀"
    assert not any("MakerNote" in name or "UserComment" in name for name in metadata.tags)
    assert "\\u0000" not in json.dumps(metadata.to_json(), allow_nan=False)


@pytest.mark.parametrize(("value", "expected"), [(6, 6), (0, 1), (9, 1), (65535, 1)])
def test_parse_exif__orientation(value: int, expected: int) -> None:
    """Only 1 to 8 are orientations; anything else is upright, as decoders take it."""
    assert parse_exif(exif_block({0x0112: short_field(value)})).orientation == expected


def test_read_thumbnail__embedded() -> None:
    """The reduced picture comes out byte for byte."""
    thumbnail = jpeg(width=16, height=12)
    block = exif_block({0x010F: ascii_field("Maker")}, thumbnail=thumbnail)
    assert read_thumbnail(block) == thumbnail
    assert parse_exif(block).has_thumbnail


def test_read_thumbnail__none() -> None:
    """No thumbnail, or one that is no JPEG, gives none."""
    assert read_thumbnail(exif_block({0x010F: ascii_field("Maker")})) is None
    assert read_thumbnail(exif_block({0x010F: ascii_field("Maker")}, thumbnail=b"not a picture")) is None


def block_with_time() -> bytes:
    """A block to be found in every format."""
    return exif_block(
        {0x010F: ascii_field("Maker")}, exif={0x9003: ascii_field("2024:05:06 07:08:09")}, gps=gps_fields()
    )


@pytest.mark.parametrize(
    ("name", "media_format"), [("JPEG", MediaFormat.JPEG), ("PNG", MediaFormat.PNG), ("WEBP", MediaFormat.WEBP)]
)
@pytest.mark.parametrize("mark", [b"Exif\x00\x00", b""])
def test_read_metadata__every_format(tmp_path: Path, name: str, media_format: MediaFormat, mark: bytes) -> None:
    """The block is found in each format, with and without the mark that belongs into JPEG alone."""
    path = tmp_path / "picture"
    exif = (b"Exif\x00\x00" if name == "JPEG" else mark) + block_with_time()
    Image.new("RGB", (20, 10)).save(path, name, exif=exif)
    metadata = read_metadata(path, media_format)
    assert metadata.taken_local == naive(2024, 5, 6, 7, 8, 9)
    # 121 degrees 28 minutes = 121.4666...
    assert metadata.position is not None
    assert metadata.position.lon == pytest.approx(121 + 28 / 60)


def test_read_metadata__heic(tmp_path: Path) -> None:
    """The EXIF item of a HEIC file that libheif wrote is found."""
    path = tmp_path / "picture.heic"
    out = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 64))).save(out, exif=b"Exif\x00\x00" + block_with_time())
    path.write_bytes(out.getvalue())
    assert read_metadata(path, MediaFormat.HEIC).taken_local == naive(2024, 5, 6, 7, 8, 9)


def test_read_metadata__segments_before_exif(tmp_path: Path) -> None:
    """JFIF and other segments may stand before the EXIF segment."""
    jfif = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    xmp = b"\xff\xe1" + struct.pack(">H", 40) + b"http://ns.adobe.com/xap/1.0/\x00".ljust(38, b" ")
    path = tmp_path / "picture.jpg"
    path.write_bytes(jpeg(block_with_time(), before=jfif + xmp))
    assert read_metadata(path, MediaFormat.JPEG).make == "Maker"


def test_read_metadata__oversized_exif_chunk(tmp_path: Path) -> None:
    """A PNG chunk beyond a mebibyte is no camera's, and is not read."""
    path = tmp_path / "picture.png"
    Image.new("RGB", (20, 10)).save(path, "PNG", exif=block_with_time() + bytes(2 << 20))
    metadata = read_metadata(path, MediaFormat.PNG)
    assert metadata.is_empty
    assert metadata.problems == ("exif.too_large",)


@pytest.mark.parametrize("block", [b"XX*\x00\x08\x00\x00\x00", b"I", b"\x00" * 100, b"<x:xmpmeta/>"])
def test_parse_exif__no_tiff_structure(block: bytes) -> None:
    """A block that does not begin as TIFF is malformed, not a crash."""
    assert parse_exif(block).problems == ("exif.malformed",)


def test_parse_exif__directories_in_circles() -> None:
    """Thousands of overlapping directories of greedy entries are given up on, in well under a second."""
    # Every directory's first entry claims 999 rationals, and its link leads 2 bytes on, into another one.
    entry = struct.pack("<HHII", 0x0112, 5, 999, 8)
    block = b"II*\x00" + struct.pack("<I", 8) + (struct.pack("<H", 5000) + entry * 5000 + struct.pack("<I", 10))
    started = time.process_time()
    metadata = parse_exif(block)
    assert metadata.problems == ("exif.too_complex",)
    assert time.process_time() - started < 1


fields = st.tuples(
    st.integers(0, 14), st.binary(max_size=40), st.one_of(st.integers(0, 50), st.integers(0, 0xFFFFFFFF))
)
known_tags = st.sampled_from([0x010F, 0x0110, 0x0112, 0x0131, 0x0132, 0x0201, 0x0202, 0x8769, 0x8825, 0x9003, 0x9011])
directories = st.dictionaries(st.one_of(known_tags, st.integers(0, 0xFFFF)), fields, max_size=12)
gps_directories = st.dictionaries(st.integers(0, 0x1F), fields, max_size=20)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(image=directories, exif=directories, gps=gps_directories, thumbnail=st.one_of(st.none(), st.binary(max_size=20)))
def test_parse_exif__random_structures(
    image: dict[int, Field], exif: dict[int, Field], gps: dict[int, Field], thumbnail: bytes | None
) -> None:
    """Directories of any tags, types, counts and values never raise, and what comes out is in range and JSON."""
    block = exif_block(image, exif=exif, gps=gps, thumbnail=thumbnail)
    metadata = parse_exif(block)
    read_thumbnail(block)
    json.dumps(metadata.to_json(), allow_nan=False)
    if metadata.position is not None:
        assert abs(metadata.position.lat) <= 90
        assert abs(metadata.position.lon) <= 180


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"II*\x00\x08\x00\x00\x00", b"MM\x00*\x00\x00\x00\x08"]), st.binary(max_size=600))
def test_parse_exif__random_bytes(head: bytes, tail: bytes) -> None:
    """Random bytes behind a TIFF header never raise."""
    json.dumps(parse_exif(head + tail).to_json(), allow_nan=False)


def test_parse_exif__pointer_to_itself() -> None:
    """Sub-directory pointers that lead back do not end in endless recursion."""
    first = {0x8769: long_field(8), 0x8825: long_field(8), 0xA005: long_field(8), 0x010F: ascii_field("abc")}
    assert parse_exif(exif_block(first)).position is None
