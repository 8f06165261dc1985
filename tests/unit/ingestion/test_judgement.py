import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from domain.evidence import CheckName, Verdict
from domain.finding import Severity
from domain.media import Capture, MediaFormat
from domain.place import Position
from geofence.boundary import Boundary, parse_boundary
from ingestion.file_format import MalformedMedia
from ingestion.judgement import Context, judge
from ingestion.picture_size import TooManyPixels
from ingestion.reuse_check import EarlierUse
from tests.unit.ingestion.exif_block import ascii_field, exif_block, gps_fields, jpeg, ratio_field, short_field

TAKEN_AT = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)


@pytest.fixture
def boundary() -> Boundary:
    """A site around 121 degrees 28 minutes east, 31 degrees 14 minutes north, the position of `gps_fields`."""
    ring = [[121.45, 31.22], [121.48, 31.22], [121.48, 31.25], [121.45, 31.25], [121.45, 31.22]]
    return parse_boundary({"type": "Polygon", "coordinates": [ring]})


def context(boundary: Boundary | None, *earlier: EarlierUse) -> Context:
    """A project in Shanghai that began in April."""
    return Context(
        boundary=boundary,
        project_position=None,
        time_zone="Asia/Shanghai",
        starts_on=date(2026, 4, 1),
        ends_on=None,
        received_at=TAKEN_AT + timedelta(minutes=5),
        earlier=earlier,
    )


def photo(folder: Path, **image: str) -> Path:
    """A photo of noon, 4 May, turned by a quarter, inside the site."""
    block = exif_block(
        {0x0112: short_field(6), 0x010F: ascii_field("Maker"), 0x0131: ascii_field(image.get("software", "1.0"))},
        exif={0x9003: ascii_field("2026:05:04 12:00:00"), 0x9011: ascii_field("+08:00")},
        gps=gps_fields(t07=ratio_field((4, 1), (0, 1), (0, 1)), t1d=ascii_field("2026:05:04")),
    )
    path = folder / "photo.jpg"
    path.write_bytes(jpeg(block, width=4000, height=3000))
    return path


def test_judge__honest_photo(tmp_path: Path, boundary: Boundary) -> None:
    """An honest photo passes every check, once each, and its size is upright."""
    judgement = judge(
        photo(tmp_path), media_format=MediaFormat.JPEG, capture=Capture(taken_at=TAKEN_AT), context=context(boundary)
    )
    assert [(check.check, check.verdict) for check in judgement.checks] == [
        (CheckName.LOCATION, Verdict.PASS),
        (CheckName.TIME, Verdict.PASS),
        (CheckName.REUSE, Verdict.PASS),
        (CheckName.EDITING, Verdict.PASS),
    ]
    assert judgement.findings == ()
    assert (judgement.width_px, judgement.height_px) == (3000, 4000)
    assert judgement.taken_at == TAKEN_AT
    assert judgement.position == judgement.metadata.position


def test_judge__everything_wrong(tmp_path: Path, boundary: Boundary) -> None:
    """A reused, edited photo whose sender names another place and week gives a finding for each."""
    earlier = EarlierUse(uuid4(), "elsewhere", uuid4(), TAKEN_AT - timedelta(days=3), same_project=False)
    capture = Capture(taken_at=TAKEN_AT - timedelta(days=7), position=Position(lon=121.6, lat=31.3))
    judgement = judge(
        photo(tmp_path, software="Adobe Photoshop 25.0"),
        media_format=MediaFormat.JPEG,
        capture=capture,
        context=context(boundary, earlier),
    )
    assert [check.code for check in judgement.checks] == [
        "location.outside",
        "time.disagreement",
        "reuse.exact",
        "editing.software",
    ]
    assert [(finding.code, finding.severity) for finding in judgement.findings] == [
        ("evidence.location_outside", Severity.MAJOR),
        ("evidence.location_disagreement", Severity.MAJOR),
        ("evidence.time_disagreement", Severity.MAJOR),
        ("evidence.reuse_exact", Severity.MAJOR),
        ("evidence.editing_software", Severity.MINOR),
    ]


def test_judge__stripped_photo(tmp_path: Path, boundary: Boundary) -> None:
    """What a browser leaves is unknown throughout and accuses nobody."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg())
    judgement = judge(path, media_format=MediaFormat.JPEG, capture=Capture(), context=context(boundary))
    assert [check.code for check in judgement.checks] == [
        "location.no_position",
        "time.no_time",
        "reuse.unique",
        "editing.nothing_to_judge",
    ]
    assert judgement.findings == ()


def test_judge__refused(tmp_path: Path) -> None:
    """What cannot be read and what is too large is an error, not a judgement."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(MalformedMedia):
        judge(path, media_format=MediaFormat.JPEG, capture=Capture(), context=context(None))
    path.write_bytes(jpeg(width=60_000, height=60_000))
    with pytest.raises(TooManyPixels):
        judge(path, media_format=MediaFormat.JPEG, capture=Capture(), context=context(None))


def test_judgement__imports_no_decoder() -> None:
    """The web process judges without loading anything that decodes pixels or runs models."""
    heavy = {"cv2", "onnxruntime", "openvino", "torch", "ultralytics", "av", "pillow_heif", "PIL"}
    program = f"import sys, ingestion.judgement, ingestion.thumbnail_check; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
