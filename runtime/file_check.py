"""`siteproof check`: files judged with no server, by the same code as the service."""

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from analysis.examination import Examination, examine
from domain.errors import Invalid, SiteproofError
from domain.evidence import CheckName, grade_checks
from domain.media import Capture, MediaFormat
from domain.place import position_to_json
from domain.project import ProjectKind
from geofence.alignment import Alignment, format_chainage, parse_alignment
from geofence.boundary import Boundary, parse_boundary
from ingestion.file_format import HEAD_SIZE, sniff_format
from ingestion.judgement import Context, Judgement, judge
from runtime.detectors import load_detectors
from runtime.settings import Settings
from vision.hazard_rules import RulesInForce, load_hazard_rules
from vision.scene import Scene

_DEFAULT_TIME_ZONE: Final = "Asia/Shanghai"
_NOTHING_FOUND: Final = 0
_FOUND: Final = 1
_UNREADABLE: Final = 2


class UnreadableFile(Invalid):
    """A file that is not there, or that the operating system does not let us read."""

    code: ClassVar[str] = "check.unreadable_file"


class UnreadableZone(Invalid):
    """A boundary or alignment file that is no JSON."""

    code: ClassVar[str] = "check.unreadable_zone"


def check_files(
    files: Sequence[Path],
    *,
    settings: Settings,
    boundary: Path | None,
    crs: str | None,
    alignment: Path | None,
    min_score: float | None,
    rules: Path | None,
    project_kind: ProjectKind | None,
    tell: Callable[[dict[str, Any]], None],
) -> int:
    """Judge files one by one.

    Args:
        files: photos and clips.
        settings: which weights, and how they are run.
        boundary: a GeoJSON file; None leaves the location unknown.
        crs: the frame of boundary and alignment where their files do not say.
        alignment: a GeoJSON file, for the chainage.
        min_score: instead of the model's thresholds.
        rules: a YAML file of hazard rules; silent: that of the settings.
        project_kind: what is being built there; silent: rules that hold for some kinds only are left out.
        tell: takes each file's result, shaped like `GET /v1/media/{id}`, with `file` and whole `findings`.

    Returns:
        The exit code: 0 nothing found, 1 findings, 2 a file could not be read.

    Raises:
        Invalid: the boundary or the alignment is none, or the hazard rules are malformed.
    """
    in_force = RulesInForce(load_hazard_rules(rules or settings.hazard_rules))
    zone = None if boundary is None else parse_boundary(_read_zone(boundary, crs))
    line = None if alignment is None else parse_alignment(_read_zone(alignment, crs))
    detector = load_detectors(settings, min_score=min_score)
    found = unreadable = False
    for path in files:
        try:
            media_format, judgement, sha256, size = _judge_file(path, zone)
            seen = examine(
                path,
                media_format=media_format,
                detector=detector,
                in_force=in_force,
                scene=_make_scene(judgement, project_kind),
            )
        except SiteproofError as error:
            unreadable = True
            tell({"file": str(path), "error": {"code": error.code, "detail": error.detail}})
            continue
        result = _describe(path, media_format, judgement, seen, line) | {"sha256": sha256, "size_bytes": size}
        result["model"] = detector.model_name
        found = found or bool(result["findings"])
        tell(result)
    return _UNREADABLE if unreadable else _FOUND if found else _NOTHING_FOUND


def _make_scene(judgement: Judgement, project_kind: ProjectKind | None) -> Scene:
    taken_at = judgement.taken_at
    local = None if taken_at is None else taken_at.astimezone(ZoneInfo(_DEFAULT_TIME_ZONE)).time()
    return Scene(project_kind=project_kind, taken_at=taken_at, local_time=local)


def _judge_file(path: Path, boundary: Boundary | None) -> tuple[MediaFormat, Judgement, str, int]:
    try:
        with path.open("rb") as file:
            media_format = sniff_format(file.read(HEAD_SIZE))
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        raise UnreadableFile(f"the file cannot be read: {error.strerror}") from error
    judgement = judge(
        path,
        media_format=media_format,
        capture=Capture(),
        context=Context(
            boundary=boundary,
            project_position=None,
            time_zone=_DEFAULT_TIME_ZONE,
            starts_on=None,
            ends_on=None,
            received_at=datetime.now(UTC),
            earlier=(),
        ),
    )
    return media_format, judgement, sha256, size


def _describe(
    path: Path, media_format: MediaFormat, judgement: Judgement, seen: Examination, line: Alignment | None
) -> dict[str, Any]:
    # Whether a file was sent before is asked of the store, and here there is none: the check is left out, not guessed.
    checks = [each for each in judgement.checks if each.check is not CheckName.REUSE]
    evidence = grade_checks(checks)
    findings: list[dict[str, Any]] = [
        {"kind": "evidence", "code": each.code, "severity": each.severity, "title": each.title, "details": each.details}
        for each in judgement.findings
    ]
    for each in seen.hazards:
        hazard = each.hazard
        findings.append(
            {
                "kind": "safety",
                "code": hazard.code,
                "severity": hazard.severity,
                "title": hazard.title,
                "box_xyxy_px": hazard.box_xyxy_px,
                "details": dict(hazard.details) | {"score": hazard.score, "at_s": each.at_s},
            }
        )
    position = judgement.position
    described: dict[str, Any] = {
        "file": str(path),
        "format": media_format.value,
        "status": "analysed",
        "taken_at": None if judgement.taken_at is None else judgement.taken_at.isoformat(),
        "position": None if position is None else position_to_json(position),
        "width_px": seen.width_px,
        "height_px": seen.height_px,
        "metadata": judgement.metadata.to_json(),
        "checks": [
            {
                "check": each.check,
                "verdict": each.verdict,
                "code": each.code,
                "detail": each.detail,
                "facts": each.facts,
            }
            for each in checks
        ],
        "evidence": {"grade": evidence.grade, "reasons": list(evidence.reasons)},
        "detections": [
            {
                "label": each.label,
                "score": each.score,
                "box_xyxy_px": each.box_xyxy_px,
                "at_s": each.at_s,
                "model": each.model,
            }
            for each in seen.detections
        ],
        "findings": findings,
        "cannot_tell": {code: count for code, count in seen.cannot_tell.items() if count},
    }
    if line is not None and position is not None and not position.is_null_island:
        point = line.project(position)
        described["chainage"] = {
            "chainage_m": point.chainage_m,
            "offset_m": point.offset_m,
            "station": format_chainage(point.chainage_m),
        }
    return described


def _read_zone(path: Path, crs: str | None) -> dict[str, Any]:
    try:
        feature = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableZone(f"{path} is not JSON") from error
    if crs is not None and isinstance(feature, dict):
        if feature.get("type") != "Feature":
            feature = {"type": "Feature", "properties": {}, "geometry": feature}
        feature["properties"] = {"crs": crs} | (feature.get("properties") or {})
    return feature if isinstance(feature, dict) else {"type": str(type(feature).__name__)}
