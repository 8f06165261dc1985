"""Everything that is judged of a medium at its arrival, by one pure function: file and context in, judgement out.

Nothing is recorded here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from domain.evidence import Check
from domain.media import Capture, MediaFormat
from domain.place import Position
from geofence.boundary import Boundary
from ingestion.clip_header import read_clip_header
from ingestion.editing_check import judge_editing
from ingestion.evidence_finding import EvidenceFinding
from ingestion.exif import parse_exif, read_picture_header
from ingestion.location_check import judge_location
from ingestion.metadata import Metadata
from ingestion.picture_size import require_clip_limits, require_pixels, turn_size
from ingestion.reuse_check import EarlierUse, judge_reuse
from ingestion.time_check import judge_time


@dataclass(frozen=True, slots=True)
class Context:
    """What a medium is judged against.

    Attributes:
        boundary: None where the project has none yet.
        project_position: roughly where the project is; None where nobody said.
        time_zone: IANA name of the project's zone.
        starts_on: first day of the works, in that zone.
        ends_on: planned last day.
        received_at: when the last byte had come. UTC.
        earlier: earlier uploads of the same bytes.
    """

    boundary: Boundary | None
    project_position: Position | None
    time_zone: str
    starts_on: date | None
    ends_on: date | None
    received_at: datetime
    earlier: Sequence[EarlierUse] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What intake concluded.

    Attributes:
        width_px: of the upright picture. [px]
        height_px: likewise. [px]
        taken_at: the time that the time check settled on; None where nothing says. UTC.
        position: the position that the location check settled on: the file's before the sender's.
        checks: one for each of location, time, reuse and editing.
        findings: each failed check has one at least.
    """

    metadata: Metadata
    width_px: int
    height_px: int
    taken_at: datetime | None
    position: Position | None
    checks: tuple[Check, ...]
    findings: tuple[EvidenceFinding, ...]


def judge(path: Path, *, media_format: MediaFormat, capture: Capture, context: Context) -> Judgement:
    """Judge a medium by its header, its metadata, the sender's word and the context. No pixel is decoded.

    Args:
        path: a readable file.
        media_format: what `sniff_format` found.
        capture: the sender's word.
        context: what it is judged against.

    Raises:
        MalformedMedia: the header cannot be read.
        TooManyPixels: the picture is too large.
        ClipTooLong: the clip is too long.
    """
    metadata, width_px, height_px = _read_file(path, media_format)
    zone = ZoneInfo(context.time_zone)
    location = judge_location(
        from_file=metadata.position,
        from_sender=capture.position,
        boundary=context.boundary,
        project_position=context.project_position,
    )
    time = judge_time(
        metadata,
        said_at=capture.taken_at,
        received_at=context.received_at,
        zone=zone,
        starts_on=context.starts_on,
        ends_on=context.ends_on,
    )
    reuse, reuse_findings = judge_reuse(context.earlier, zone=zone)
    editing, editing_findings = judge_editing(metadata)
    return Judgement(
        metadata=metadata,
        width_px=width_px,
        height_px=height_px,
        taken_at=time.taken_at,
        position=location.position,
        checks=(location.check, time.check, reuse, editing),
        findings=(*location.findings, *time.findings, *reuse_findings, *editing_findings),
    )


def _read_file(path: Path, media_format: MediaFormat) -> tuple[Metadata, int, int]:
    """The metadata and the upright size, within the limits."""
    with path.open("rb") as file:
        if media_format.is_clip:
            clip = read_clip_header(file)
            require_clip_limits(clip)
            return clip.metadata, clip.width_px, clip.height_px
        header = read_picture_header(file, media_format)
    require_pixels(header.width_px, header.height_px)
    metadata = parse_exif(header.exif, header.problems)
    orientation = metadata.orientation if header.exif_turns else 1
    width_px, height_px = turn_size(header.width_px, header.height_px, orientation=orientation)
    return metadata, width_px, height_px
