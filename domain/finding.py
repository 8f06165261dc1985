"""Findings: what the product has seen and a person should look at. One model for photo, clip, sensor and person."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Kind(StrEnum):
    """What a finding is about."""

    SAFETY = "safety"
    CONFORMANCE = "conformance"
    EVIDENCE = "evidence"
    SENSOR = "sensor"
    QUALITY = "quality"


class Severity(StrEnum):
    """How much harm it can do, from the least to the most."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class FindingStatus(StrEnum):
    """The life of a finding: a person confirms or dismisses it, mended work resolves it."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    RESOLVED = "resolved"


class Decision(StrEnum):
    """What a reviewer may say."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class NewFinding:
    """A finding before it is recorded.

    Attributes:
        code: stable, `<kind>.<noun>`, such as `safety.no_hardhat`; of a fixed camera itself `camera.<noun>`.
        title: `{"zh": ..., "en": ...}`, one sentence each.
        occurred_at: when it happened in the world (the shot, the reading's own time). UTC.
        dedup_key: two findings of one project with the same key are the same finding; recording is idempotent by it.
        box_xyxy_px: of the person or thing, in the original's upright pixels. [px]
        details: the numbers behind it, JSON-ready.
    """

    project_id: str
    kind: Kind
    code: str
    severity: Severity
    title: dict[str, str]
    occurred_at: datetime
    dedup_key: str
    milestone_id: str | None = None
    media_id: UUID | None = None
    sensor_id: str | None = None
    box_xyxy_px: tuple[float, float, float, float] | None = None
    chainage_m: tuple[float, float] | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A recorded finding; fields as in `NewFinding`, with its life."""

    id: UUID
    project_id: str
    milestone_id: str | None
    kind: Kind
    code: str
    severity: Severity
    status: FindingStatus
    title: dict[str, str]
    occurred_at: datetime
    recorded_at: datetime
    media_id: UUID | None
    sensor_id: str | None
    box_xyxy_px: tuple[float, float, float, float] | None
    chainage_m: tuple[float, float] | None
    details: dict[str, Any]
    issue_id: UUID | None
    reviewed_at: datetime | None
    reviewed_by: str | None
    review_reason: str | None
