"""Findings about measured quantities: one for each photo and quantity that fails beyond its uncertainty."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from domain.finding import FindingStatus, Kind, NewFinding, Severity
from domain.measurement import Quantity, Tolerance, Verdict, find_wanted
from domain.project import Milestone
from findings.measured import PhotoVerdict, describe_quantity, judge_photos
from findings.recording import record_findings, reopen_findings, resolve_findings
from storage.database import Connection
from storage.evidence import SentMedium
from storage.finding import list_milestone_findings
from storage.media import find_media

_STANDING: Final = frozenset({FindingStatus.OPEN, FindingStatus.CONFIRMED})


def name_code(quantity: Quantity) -> str:
    """The code of a finding about a quantity, such as `conformance.rebar_spacing`."""
    return f"conformance.{quantity.value}"


def update_measured(
    connection: Connection, milestone: Milestone, counting: Sequence[SentMedium], *, now: datetime
) -> None:
    """Bring the findings about measured quantities in line with the photos that count and what is required now."""
    wanted = find_wanted(milestone.requires)
    failing = [each for each in judge_photos(counting, wanted) if each.verdict is Verdict.FAIL]
    for quantity in Quantity:
        failed = {each.media_id: each for each in failing if each.quantity is quantity}
        recorded = list_milestone_findings(
            connection, project_id=milestone.project_id, milestone_id=milestone.id, code=name_code(quantity)
        )
        gone = [each.id for each in recorded if each.media_id not in failed]
        resolve_findings(connection, gone, reason="not_failing", at=now)
        reopen_findings(connection, [each.id for each in recorded if each.media_id in failed], at=now)
        known = {each.media_id for each in recorded}
        new = [each for media_id, each in failed.items() if media_id not in known]
        if wanted is not None:
            tolerance = wanted.tolerances.get(quantity)
            record_findings(connection, [_make_finding(connection, milestone, each, tolerance) for each in new])


def list_standing_verdicts(
    connection: Connection, milestone: Milestone, counting: Sequence[SentMedium]
) -> list[PhotoVerdict]:
    """What the photos say of the wanted quantities, without the fails that a person dismissed or saw mended."""
    wanted = find_wanted(milestone.requires)
    if wanted is None:
        return []
    standing = {
        (found.media_id, quantity): found.id
        for quantity in wanted.tolerances
        for found in list_milestone_findings(
            connection, project_id=milestone.project_id, milestone_id=milestone.id, code=name_code(quantity)
        )
        if found.status in _STANDING
    }
    verdicts = [
        replace(each, finding_id=standing.get((each.media_id, each.quantity)))
        for each in judge_photos(counting, wanted)
    ]
    return [each for each in verdicts if each.verdict is not Verdict.FAIL or each.finding_id is not None]


def _make_finding(
    connection: Connection, milestone: Milestone, failed: PhotoVerdict, tolerance: Tolerance | None
) -> NewFinding:
    medium = find_media(connection, media_id=failed.media_id)
    if medium is None or tolerance is None:
        raise LookupError(failed.media_id)
    told = describe_quantity(failed)
    wanted = f"{tolerance.nominal_mm:g} ± {tolerance.tolerance_mm:g} mm"
    return NewFinding(
        project_id=milestone.project_id,
        milestone_id=milestone.id,
        kind=Kind.CONFORMANCE,
        code=name_code(failed.quantity),
        severity=Severity.MAJOR,
        title={
            "zh": f"实测{told['zh']}超出要求的 {wanted}。",
            "en": f"A {told['en']} was measured; {wanted} is required.",
        },
        occurred_at=medium.taken_at or medium.received_at,
        dedup_key=f"measured:{milestone.id}:{failed.media_id}:{failed.quantity.value}",
        media_id=failed.media_id,
        details={
            "quantity": failed.quantity.value,
            "nominal_mm": tolerance.nominal_mm,
            "tolerance_mm": tolerance.tolerance_mm,
            **failed.figures,
        },
    )
