"""A photo or clip: its formats, its life, and what the sender said of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.evidence import Check
from domain.place import Position

BLUR_VERSION: Final = 1
"""Part of a blurred preview's name: what an earlier way of blurring made is never shown again, but made anew."""


class MediaFormat(StrEnum):
    """The formats that intake accepts, by their MIME type."""

    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    HEIC = "image/heic"
    MP4 = "video/mp4"

    @property
    def is_clip(self) -> bool:
        """Whether it moves."""
        return self is MediaFormat.MP4


class MediaStatus(StrEnum):
    """The life of a medium; the row's status is the truth, a queue is only the doorbell."""

    RECEIVED = "received"
    ANALYSING = "analysing"
    ANALYSED = "analysed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Capture:
    """The sender's word about a shot; every part may be missing.

    Attributes:
        client_id: the shot's UUID, the same on every attempt to send it.
        taken_at: aware, UTC.
        position: with the frame in which it was given.
        milestone_id: which milestone it is evidence for.
        camera_id: a fixed camera's name.
    """

    client_id: UUID | None = None
    taken_at: datetime | None = None
    position: Position | None = None
    milestone_id: str | None = None
    camera_id: str | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """One thing seen in a picture.

    Attributes:
        label: the class's name.
        score: in [0, 1].
        box_xyxy_px: (x_min, y_min, x_max, y_max) in the original's pixels, upright, x right, y down. [px]
        at_s: the frame's time since a clip's start; None for a photo. [s]
        model: the name of the model that saw it; None where it was seen before there were several.
    """

    label: str
    score: float
    box_xyxy_px: tuple[float, float, float, float]
    at_s: float | None = None
    model: str | None = None


def name_preview(*, annotated: bool, blurred: bool, measured: bool = False) -> str:
    """Under which name a medium's preview is kept.

    Args:
        annotated: with the marks.
        measured: with what was measured, instead of the marks.
        blurred: with covered heads. The others have the names of the time before there was a blur, so that what was
            made then is shown only to those who may see it.
    """
    name = "measured" if measured else "annotated" if annotated else "preview"
    return f"{name}-blurred-{BLUR_VERSION}" if blurred else name


def name_thumbnail() -> str:
    """Under which name a medium's small preview with covered heads is kept, which the public page shows."""
    return f"thumbnail-blurred-{BLUR_VERSION}"


@dataclass(frozen=True, slots=True)
class Medium:
    """A stored photo or clip with everything known of it.

    Attributes:
        sha256: lower-case hexadecimal, of the original bytes.
        size_bytes: of the original. [B]
        width_px: of the upright picture; None until it is known. [px]
        height_px: likewise. [px]
        received_at: when the last byte had come. UTC.
        taken_at: the time that the time check settled on; None where nothing says. UTC.
        position: the position that the location check settled on.
        capture: the sender's word, as JSON, as it was given.
        metadata: what the file itself says (EXIF), JSON-ready.
        model: the models that looked, with their versions and what ran them.
        measurements: what was measured beside a board, JSON-ready; empty where nothing was asked for.
        model_hashes: SHA-256 of each one's weights by its name; empty where it was analysed before that was kept.
    """

    id: UUID
    project_id: str
    milestone_id: str | None
    camera_id: str | None
    client_id: UUID | None
    token_id: UUID
    sha256: str
    size_bytes: int
    format: MediaFormat
    status: MediaStatus
    received_at: datetime
    taken_at: datetime | None
    position: Position | None
    width_px: int | None
    height_px: int | None
    capture: dict[str, Any]
    metadata: dict[str, Any]
    checks: tuple[Check, ...]
    grade: str
    grade_reasons: tuple[str, ...]
    detections: tuple[Detection, ...]
    model: str | None
    model_hashes: dict[str, str]
    attempts: int
    failure: str | None
    measurements: tuple[dict[str, Any], ...] = ()
