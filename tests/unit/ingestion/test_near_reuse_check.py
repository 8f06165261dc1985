from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from domain.evidence import Verdict, grade_checks
from domain.finding import Severity
from domain.likeness import Likeness
from ingestion.near_reuse_check import EarlierLike, judge_near_reuse

SHANGHAI = ZoneInfo("Asia/Shanghai")
COPY = Likeness(matched=300, matched_share=0.9, covered=0.99, same=0.99, compared=200)
ELSEWHERE = EarlierLike(
    media_id=UUID(int=7),
    received_at=datetime(2026, 3, 3, 20, 0, tzinfo=UTC),
    same_project=False,
    same_milestone=False,
    camera_apart=None,
    likeness=COPY,
)
HERE = replace(ELSEWHERE, same_project=True, same_milestone=True)


def test_judge_near_reuse__nothing_alike__changes_nothing() -> None:
    """What was known before stands."""
    assert judge_near_reuse([], zone=SHANGHAI) == (None, ())


@pytest.mark.parametrize(
    ("earlier", "verdict", "severity"),
    [
        (ELSEWHERE, Verdict.FAIL, Severity.MAJOR),
        (replace(HERE, same_milestone=False), Verdict.FAIL, Severity.MAJOR),
        (replace(HERE, camera_apart=timedelta(days=1)), Verdict.FAIL, Severity.MAJOR),
        (HERE, Verdict.WARN, Severity.MINOR),
        (replace(HERE, camera_apart=timedelta(0)), Verdict.WARN, Severity.MINOR),
    ],
)
def test_judge_near_reuse__copy(earlier: EarlierLike, verdict: Verdict, severity: Severity) -> None:
    """Standing for something else fails, a second copy for the same purpose warns; the grade follows, D or C."""
    check, findings = judge_near_reuse([earlier], zone=SHANGHAI)
    assert check is not None
    assert (check.verdict, check.code) == (verdict, "reuse.near")
    assert [(each.code, each.severity) for each in findings] == [("evidence.near_reuse", severity)]
    assert findings[0].details["other_media_id"] == str(UUID(int=7))
    assert "2026-03-04" in check.detail["en"], "20:00 UTC is the next day in Shanghai"
    assert grade_checks([check]).grade == {Verdict.FAIL: "D", Verdict.WARN: "C"}[verdict]


@pytest.mark.parametrize(
    "earlier",
    [
        replace(HERE, camera_apart=timedelta(seconds=2)),
        replace(ELSEWHERE, likeness=replace(COPY, same=0.9)),
        replace(ELSEWHERE, likeness=replace(COPY, compared=5)),
    ],
)
def test_judge_near_reuse__cannot_be_told__is_unknown_and_accuses_nobody(earlier: EarlierLike) -> None:
    """Two shots within seconds, most but not all alike, or too little to compare."""
    check, findings = judge_near_reuse([earlier], zone=SHANGHAI)
    assert check is not None
    assert (check.verdict, check.code, findings) == (Verdict.UNKNOWN, "reuse.alike", ())
    assert grade_checks([check]).grade == "A"


@pytest.mark.parametrize("likeness", [replace(COPY, same=0.7), replace(COPY, covered=0.5)])
def test_judge_near_reuse__the_same_viewpoint_or_a_part__is_none(likeness: Likeness) -> None:
    """From the same place something has moved; and a photo that shows an earlier one in a corner is a new one."""
    assert judge_near_reuse([replace(ELSEWHERE, likeness=likeness)], zone=SHANGHAI) == (None, ())


def test_judge_near_reuse__several__the_weightiest_is_told() -> None:
    """A copy of another project's photo is told before a slip here and before what cannot be told."""
    slip, other = replace(HERE, media_id=UUID(int=1)), replace(ELSEWHERE, media_id=UUID(int=2))
    check, findings = judge_near_reuse([slip, replace(slip, camera_apart=timedelta(1e-4)), other], zone=SHANGHAI)
    assert check is not None
    assert check.facts["this_project"] is False
    assert findings[0].details["other_media_id"] == str(UUID(int=2))
    assert "other_media_id" not in check.facts
