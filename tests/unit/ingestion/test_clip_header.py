import json
import struct
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.media import MediaFormat
from ingestion.clip_header import parse_iso_6709, read_clip_header
from ingestion.exif import read_metadata
from ingestion.file_format import HEAD_SIZE, MalformedMedia, sniff_format
from tests.unit.ingestion.exif_block import box, full_box

# 2024-05-06T07:08:09Z is 1,714,979,289 s after 1970 (date -d), and 1970 is 2,082,844,800 s after 1904 (24,107 days).
CREATED = 1_714_979_289 + 2_082_844_800


def clip(
    tmp_path: Path,
    *extra: bytes,
    created: int = CREATED,
    matrix: tuple[int, int, int, int] = (1, 0, 0, 1),
    handler: bytes = b"vide",
    duration: int = 12_500,
) -> Path:
    """A clip of boxes alone: 1920 x 1080, 12.5 s."""
    mvhd = full_box(b"mvhd", struct.pack(">IIII", created, created, 1000, duration), bytes(80))
    a, b, c, d = (value << 16 & 0xFFFFFFFF for value in matrix)
    tkhd = full_box(
        b"tkhd",
        bytes(20),
        bytes(16),
        struct.pack(">9I", a, b, 0, c, d, 0, 0, 0, 1 << 30),
        struct.pack(">II", 1920 << 16, 1080 << 16),
    )
    entry = box(b"avc1", bytes(24), struct.pack(">HH", 1920, 1080), bytes(50))
    stbl = box(b"stbl", full_box(b"stsd", struct.pack(">I", 1), entry))
    mdia = box(b"mdia", full_box(b"hdlr", bytes(4), handler, bytes(12)), box(b"minf", stbl))
    path = tmp_path / "clip.mp4"
    moov = box(b"moov", mvhd, box(b"trak", tkhd, mdia), *extra)
    path.write_bytes(box(b"ftyp", b"isom", bytes(4)) + box(b"mdat", bytes(1000)) + moov)
    return path


def test_read_clip_header__boxes(tmp_path: Path) -> None:
    """Size, duration and time are read from their boxes."""
    with clip(tmp_path).open("rb") as file:
        header = read_clip_header(file)
    assert (header.width_px, header.height_px, header.duration_s) == (1920, 1080, 12.5)
    assert header.metadata.container_time == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ((1, 0, 0, 1), (1920, 1080)),
        ((0, 1, -1, 0), (1080, 1920)),
        ((0, -1, 1, 0), (1080, 1920)),
        ((-1, 0, 0, -1), (1920, 1080)),
        ((0, 0, 0, 0), (1920, 1080)),
    ],
)
def test_read_clip_header__turned(tmp_path: Path, matrix: tuple[int, int, int, int], expected: tuple[int, int]) -> None:
    """A quarter turn in the track's matrix swaps width and height; an empty matrix turns nothing."""
    with clip(tmp_path, matrix=matrix).open("rb") as file:
        header = read_clip_header(file)
    assert (header.width_px, header.height_px) == expected


def test_read_clip_header__written_by_ffmpeg(tmp_path: Path) -> None:
    """A clip muxed by ffmpeg's libraries says what they were told: 64 x 48, 10 frames at 10 a second, a time."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["creation_time"] = "2024-05-06T07:08:09Z"
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 64, 48, "yuv420p", Fraction(1, 10)
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(stream.encode(None))
    with path.open("rb") as file:
        assert sniff_format(file.read(HEAD_SIZE)) is MediaFormat.MP4
        file.seek(0)
        header = read_clip_header(file)
    assert (header.width_px, header.height_px) == (64, 48)
    assert header.duration_s == pytest.approx(1.0)
    assert header.metadata.container_time == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize("created", [0, 2_082_844_800, 1])
def test_read_clip_header__clock_not_set(tmp_path: Path, created: int) -> None:
    """The zero points of 1904 and 1970 mean that no time was set."""
    metadata = read_metadata(clip(tmp_path, created=created), MediaFormat.MP4)
    assert metadata.container_time is None
    assert metadata.problems == ("container.not_a_time",)


def xyz(text: str) -> bytes:
    """QuickTime user data with a location, as Android writes it."""
    return box(b"udta", box(b"\xa9xyz", struct.pack(">HH", len(text), 0x15C7), text.encode()))


def apple(**values: str) -> bytes:
    """QuickTime metadata as iPhones write it."""
    keys = [box(b"mdta", f"com.apple.quicktime.{name.replace('_', '.')}".encode()) for name in values]
    items = [
        box(struct.pack(">I", i), box(b"data", struct.pack(">II", 1, 0), text.encode()))
        for i, text in enumerate(values.values(), start=1)
    ]
    return box(
        b"meta",
        full_box(b"hdlr", bytes(4), b"mdta", bytes(12)),
        full_box(b"keys", struct.pack(">I", len(keys)), *keys),
        box(b"ilst", *items),
    )


def test_read_metadata__android_clip(tmp_path: Path) -> None:
    """Android's ©xyz is a position from the container, without an accuracy."""
    position = read_metadata(clip(tmp_path, xyz("+31.2304+121.4737/")), MediaFormat.MP4).position
    assert position is not None
    assert (position.lat, position.lon, position.source, position.accuracy_m) == (31.2304, 121.4737, "container", None)


def test_read_metadata__iphone_clip(tmp_path: Path) -> None:
    """An iPhone's keys give position, accuracy, height, maker and the moment with its offset."""
    meta = apple(
        location_ISO6709="+31.2304+121.4737+012.5/",
        location_accuracy_horizontal="14.2",
        creationdate="2024-05-06T15:08:09+0800",
        make="Apple",
        model="iPhone 15",
        software="17.4",
    )
    metadata = read_metadata(clip(tmp_path, meta, created=0), MediaFormat.MP4)
    assert metadata.position is not None
    assert (metadata.position.accuracy_m, metadata.position.altitude_m) == (14.2, 12.5)
    assert metadata.container_time == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert (metadata.make, metadata.model, metadata.software) == ("Apple", "iPhone 15", "17.4")


def test_read_metadata__damaged_texts(tmp_path: Path) -> None:
    """User data whose boxes do not fit costs the texts, not the clip."""
    metadata = read_metadata(clip(tmp_path, box(b"udta", b"\x00\x00\xff\xff\xa9xyz")), MediaFormat.MP4)
    assert metadata.position is None
    assert metadata.duration_s == 12.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+31.2304+121.4737/", (31.2304, 121.4737)),
        ("-3130.5-07015.25/", (-31.508333333, -70.254166667)),  # 30.5 / 60 and 15.25 / 60
        ("+311530+1212800+100CRSWGS_84/", (31.258333333, 121.466666667)),  # 15 min 30 s; 28 min
        ("+00.0000+000.0000/", (0.0, 0.0)),
        ("+90+180/", (90.0, 180.0)),
    ],
)
def test_parse_iso_6709__points(text: str, expected: tuple[float, float]) -> None:
    """Degrees, degrees and minutes, degrees, minutes and seconds."""
    position = parse_iso_6709(text)
    assert position is not None
    assert (position.lat, position.lon) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text", ["", "31.2,121.4", "+91.0+000.0/", "+31.2+181.0/", "+3160+12100/", "+nan+nan/", "+٣١.٠+121.0/"]
)
def test_parse_iso_6709__no_point(text: str) -> None:
    """What is no point on earth gives none."""
    assert parse_iso_6709(text) is None


@pytest.mark.parametrize("handler", [b"soun", b"\x00\x00\x00\x00"])
def test_read_clip_header__no_video(tmp_path: Path, handler: bytes) -> None:
    """A file without a video track is no clip."""
    with clip(tmp_path, handler=handler).open("rb") as file, pytest.raises(MalformedMedia):
        read_clip_header(file)


def test_read_clip_header__tracks_full_of_boxes(tmp_path: Path) -> None:
    """Many tracks of many boxes are given up on together, not each for itself."""
    track = box(b"trak", box(b"free") * 10_000)
    path = tmp_path / "clip.mp4"
    path.write_bytes(box(b"moov", full_box(b"mvhd", bytes(96)), *[track] * 20))
    with path.open("rb") as file, pytest.raises(MalformedMedia, match="more boxes"):
        read_clip_header(file)


@pytest.mark.parametrize("duration", [0, 0xFFFFFFFF])
def test_read_clip_header__unknown_duration(tmp_path: Path, duration: int) -> None:
    """A fragmented file says no duration in its header."""
    with clip(tmp_path, duration=duration).open("rb") as file:
        assert read_clip_header(file).duration_s is None


@settings(deadline=None)
@given(st.data())
def test_read_clip_header__damaged(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """A clip's header with any bytes overwritten gives a header or one of our errors."""
    folder = tmp_path_factory.mktemp("clip")
    path = clip(folder, xyz("+31.2304+121.4737/"), apple(make="Apple"))
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(1016, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(whole))
    try:
        metadata = read_metadata(path, MediaFormat.MP4)
    except MalformedMedia:
        return
    json.dumps(metadata.to_json(), allow_nan=False)
