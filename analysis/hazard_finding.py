"""From a hazard to the finding that tells it, and whether it was told already."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from analysis.examination import SeenHazard
from domain.finding import Kind, NewFinding
from domain.media import Medium
from storage.database import Connection
from storage.finding import list_occurrences, lock_occurrences
from vision.hazard import Hazard

_MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class HazardFinding:
    """A finding that may have been told already.

    Attributes:
        finding: its `dedup_key` holds the window of time that it lies in, as long as the cooldown.
        neighbour_keys: of the same thing in the windows before and after, less than a cooldown away perhaps.
        cooldown: within which the thing is told once.
    """

    finding: NewFinding
    neighbour_keys: tuple[str, ...]
    cooldown: timedelta


def make_hazard_findings(
    seen: Sequence[SeenHazard], *, medium: Medium, taken_at: datetime | None
) -> list[HazardFinding]:
    """Attach hazards to their medium, milestone and project.

    A phone's photo tells each hazard that it shows. Of a fixed camera the first, second ... of a kind in one look are
    things of their own, each told once within the rule's cooldown: so many findings as people were seen at once.

    Args:
        seen: as examined.
        medium: that shows them.
        taken_at: the true time of the shot; silent: that of its arrival counts. UTC.
    """
    numbers: Counter[tuple[str, str]] = Counter()
    occurred_at = taken_at or medium.received_at
    findings = []
    for each in seen:
        hazard = each.hazard
        numbers[hazard.code, hazard.thing] += 1
        keys = _list_keys(hazard, numbers[hazard.code, hazard.thing], medium=medium, at=occurred_at)
        finding = _make_finding(each, medium=medium, occurred_at=occurred_at, dedup_key=keys[0])
        findings.append(HazardFinding(finding, keys[1:], timedelta(seconds=hazard.cooldown_s)))
    return findings


def drop_told(connection: Connection, findings: Sequence[HazardFinding], *, medium: Medium) -> list[NewFinding]:
    """Leave out what the same camera told less than a cooldown before or after, in whatever order photos arrive.

    Args:
        connection: of the caller's transaction, until whose end the camera's findings are this worker's to write.
        findings: of `make_hazard_findings`.
        medium: that shows them.
    """
    if medium.camera_id is None or not findings:
        return [each.finding for each in findings]
    lock_occurrences(connection, project_id=medium.project_id, camera_id=medium.camera_id)
    return [each.finding for each in findings if not _is_told(connection, each)]


def _is_told(connection: Connection, each: HazardFinding) -> bool:
    keys = [each.finding.dedup_key, *each.neighbour_keys]
    told = list_occurrences(connection, project_id=each.finding.project_id, dedup_keys=keys)
    return any(abs(each.finding.occurred_at - at) < each.cooldown for at in told)


def _list_keys(hazard: Hazard, number: int, *, medium: Medium, at: datetime) -> tuple[str, ...]:
    if medium.camera_id is None or hazard.cooldown_s <= 0:
        return (f"media:{medium.id}:{hazard.code}:{hazard.thing}:{number}",)
    window = int(at.timestamp() * _MICROSECONDS) // int(hazard.cooldown_s * _MICROSECONDS)
    thing = f"hazard:{hazard.code}:{medium.camera_id}:{hazard.thing}:{number}"
    return tuple(f"{thing}:{index}/{hazard.cooldown_s:g}" for index in (window, window - 1, window + 1))


def _make_finding(seen: SeenHazard, *, medium: Medium, occurred_at: datetime, dedup_key: str) -> NewFinding:
    hazard = seen.hazard
    details = dict(hazard.details) | {"score": round(hazard.score, 4)}
    if seen.at_s is not None:
        details["at_s"] = round(seen.at_s, 3)
    return NewFinding(
        project_id=medium.project_id,
        milestone_id=medium.milestone_id,
        kind=Kind.SAFETY,
        code=hazard.code,
        severity=hazard.severity,
        title=hazard.title,
        occurred_at=occurred_at,
        dedup_key=dedup_key,
        media_id=medium.id,
        box_xyxy_px=hazard.box_xyxy_px,
        details=details,
    )
