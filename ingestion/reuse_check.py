"""Was this very file sent before.

Which earlier uses there are is asked of the store; near copies are found by the analysis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.evidence import Check, CheckName, Verdict
from domain.finding import Severity
from ingestion.evidence_finding import EvidenceFinding
from ingestion.sentences import tell


@dataclass(frozen=True, slots=True)
class EarlierUse:
    """An earlier upload of the same bytes.

    Attributes:
        same_project: whether it was for the project that is judged now.
        received_at: UTC.
    """

    media_id: UUID
    project_id: str
    token_id: UUID
    received_at: datetime
    same_project: bool


def judge_reuse(earlier: Sequence[EarlierUse], *, zone: ZoneInfo) -> tuple[Check, tuple[EvidenceFinding, ...]]:
    """Judge exact reuse.

    The answer names a count, whether it was this project or another, and the first day, and nothing else: the asker
    may not be allowed to know of the other project.

    Args:
        earlier: earlier uploads of the same bytes, without the medium itself.
        zone: the project's, for the day that is told.
    """
    if not earlier:
        return Check(CheckName.REUSE, Verdict.PASS, "reuse.unique", tell("reuse.unique"), {"count": 0}), ()
    same_project = sum(use.same_project for use in earlier)
    # Another project weighs more: one photo cannot show two sites, while a second upload here may be a slip.
    told = [use for use in earlier if not use.same_project] or list(earlier)
    key = "reuse.exact_here" if same_project == len(earlier) else "reuse.exact_elsewhere"
    first_day = min(use.received_at for use in told).astimezone(zone).date()
    facts: dict[str, object] = {
        "count": len(earlier),
        "this_project": same_project,
        "other_projects": len(earlier) - same_project,
        "first_on": first_day.isoformat(),
    }
    detail = tell(key, count=len(told), day=first_day)
    check = Check(CheckName.REUSE, Verdict.FAIL, "reuse.exact", detail, facts)
    finding = EvidenceFinding("evidence.reuse_exact", Severity.MAJOR, tell("evidence.reuse_exact"), dict(facts))
    return check, (finding,)
