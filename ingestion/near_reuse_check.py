"""Is this photo a copy of an earlier one that was resized, recompressed, brightened, cut or mirrored.

Which earlier photos are alike, and how far, is found by the analysis; the very same bytes are `reuse_check`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from domain.evidence import Check, CheckName, Verdict
from domain.finding import Severity
from domain.likeness import Likeness
from ingestion.evidence_finding import EvidenceFinding
from ingestion.sentences import tell

# Chosen on ppe val and chv_rf100: of 210 copies (cut, resized, all at once) the least alike show the same in 0.968 of
# the fields; of the pairs that are different frames of one video with a fixed view, the most alike do in 0.88.
COPY_SAME: Final = 0.95
ALIKE_SAME: Final = 0.8
_LEAST_COVERED: Final = (
    0.7  # a picture that holds an earlier one in a corner is a new one: a board, a screen, a collage
)
_LEAST_FIELDS: Final = 20
BURST: Final = timedelta(
    minutes=10
)  # the agreement of two clocks in time_check; who stands still may shoot twice in it


@dataclass(frozen=True, slots=True)
class EarlierLike:
    """An earlier photo that was compared with this one.

    Attributes:
        received_at: UTC.
        same_project: whether it was for the project that is judged now.
        same_milestone: and for the same milestone of it, or both for none.
        camera_apart: between the two files' own camera clocks; None where a file does not say.
    """

    media_id: UUID
    received_at: datetime
    same_project: bool
    same_milestone: bool
    camera_apart: timedelta | None
    likeness: Likeness


def judge_near_reuse(
    earlier: Sequence[EarlierLike], *, zone: ZoneInfo
) -> tuple[Check | None, tuple[EvidenceFinding, ...]]:
    """Judge near reuse.

    A copy fails where it stands for something else than the earlier photo did: another project, another milestone or
    another time. A second copy for the same purpose may be a slip, and warns. Two shots of one camera within ten
    minutes can be alike honestly where nothing moved, and so can what agrees in most, but not all: unknown.

    Args:
        earlier: photos that came before.
        zone: the project's, for the day that is told.

    Returns:
        The check, and what it asks a person to look at; None where nothing is a copy or nearly one, and what was
        known before stands. Of another project no more is told than that there is one: the other medium's id opens
        nothing for who may not see it.
    """
    verdicts = [(_judge_one(each), each) for each in earlier]
    for wanted in (Verdict.FAIL, Verdict.WARN):
        copies = [each for verdict, each in verdicts if verdict is wanted]
        if copies:
            return _tell_copy(wanted, max(copies, key=lambda each: each.likeness.same), zone)
    alike = [each for verdict, each in verdicts if verdict is Verdict.UNKNOWN]
    if not alike:
        return None, ()
    nearest = max(alike, key=lambda each: each.likeness.same)
    detail = tell("reuse.alike", day=_tell_day(nearest, zone))
    return Check(CheckName.REUSE, Verdict.UNKNOWN, "reuse.alike", detail, _list_facts(nearest, zone)), ()


def _judge_one(earlier: EarlierLike) -> Verdict:
    likeness = earlier.likeness
    if likeness.same < ALIKE_SAME or likeness.covered < _LEAST_COVERED:
        return Verdict.PASS
    if likeness.same < COPY_SAME or likeness.compared < _LEAST_FIELDS:
        return Verdict.UNKNOWN
    if not earlier.same_project:
        return Verdict.FAIL
    apart = earlier.camera_apart
    if apart is not None and timedelta(0) < apart <= BURST:
        return Verdict.UNKNOWN
    is_other_time = apart is not None and apart > BURST
    return Verdict.FAIL if is_other_time or not earlier.same_milestone else Verdict.WARN


def _tell_copy(verdict: Verdict, copy: EarlierLike, zone: ZoneInfo) -> tuple[Check, tuple[EvidenceFinding, ...]]:
    facts = _list_facts(copy, zone)
    key = "reuse.near_here" if copy.same_project else "reuse.near_elsewhere"
    check = Check(CheckName.REUSE, verdict, "reuse.near", tell(key, day=_tell_day(copy, zone)), facts)
    severity = Severity.MAJOR if verdict is Verdict.FAIL else Severity.MINOR
    details = facts | {"other_media_id": str(copy.media_id)}
    return check, (EvidenceFinding("evidence.near_reuse", severity, tell("evidence.near_reuse"), details),)


def _tell_day(earlier: EarlierLike, zone: ZoneInfo) -> date:
    return earlier.received_at.astimezone(zone).date()


def _list_facts(earlier: EarlierLike, zone: ZoneInfo) -> dict[str, object]:
    likeness, apart = earlier.likeness, earlier.camera_apart
    return {
        "this_project": earlier.same_project,
        "first_on": _tell_day(earlier, zone).isoformat(),
        "same_share": round(likeness.same, 3),
        "covered_share": round(likeness.covered, 3),
        "matched_points": likeness.matched,
        "matched_share": round(likeness.matched_share, 3),
        "compared_fields": likeness.compared,
        "is_mirrored": likeness.is_mirrored,
    } | ({} if apart is None else {"camera_apart_s": apart.total_seconds()})
