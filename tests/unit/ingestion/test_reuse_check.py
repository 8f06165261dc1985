import json
from datetime import UTC, datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from domain.evidence import Verdict
from ingestion.reuse_check import EarlierUse, judge_reuse

SHANGHAI = ZoneInfo("Asia/Shanghai")


def use(day: int, *, same_project: bool) -> EarlierUse:
    """A use at 20:00 UTC, which is the next day in Shanghai."""
    return EarlierUse(
        media_id=uuid4(),
        project_id="mine" if same_project else "secret-project",
        token_id=uuid4(),
        received_at=datetime(2026, 3, day, 20, 0, tzinfo=UTC),
        same_project=same_project,
    )


def test_judge_reuse__never_seen() -> None:
    """A new file passes."""
    check, findings = judge_reuse([], zone=SHANGHAI)
    assert (check.verdict, check.code, findings) == (Verdict.PASS, "reuse.unique", ())


@pytest.mark.parametrize(
    ("earlier", "zh", "en"),
    [
        ([use(3, same_project=True)], "已为本工程", "for this project before (1 time(s), first on 2026-03-04)"),
        ([use(3, same_project=False)], "已为其他工程", "for another project before (1 time(s), first on 2026-03-04)"),
        (
            [use(9, same_project=False), use(1, same_project=True), use(5, same_project=False)],
            "共2次",
            "for another project before (2 time(s), first on 2026-03-06)",
        ),
    ],
)
def test_judge_reuse__seen(earlier: list[EarlierUse], zh: str, en: str) -> None:
    """A file that was sent before fails; another project is told before one's own; days are the project's."""
    check, findings = judge_reuse(earlier, zone=SHANGHAI)
    assert (check.verdict, check.code) == (Verdict.FAIL, "reuse.exact")
    assert zh in check.detail["zh"]
    assert en in check.detail["en"]
    assert [finding.code for finding in findings] == ["evidence.reuse_exact"]


def test_judge_reuse__tells_nothing_of_the_other_project() -> None:
    """Neither check nor finding names the other project, its medium or its sender."""
    earlier = use(3, same_project=False)
    check, findings = judge_reuse([earlier], zone=SHANGHAI)
    told = json.dumps([check.detail, check.facts, findings[0].title, findings[0].details])
    for secret in ("secret-project", str(earlier.media_id), str(earlier.token_id)):
        assert secret not in told
