"""The gate of a milestone: may it pass? A pure function of stored facts, with every reason listed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from domain.evidence import CheckName, Grade, Verdict
from domain.finding import FindingStatus, Severity
from domain.issue import IssueStatus
from domain.media import MediaStatus, Medium

# Parts of `requires` that this release stores and cannot judge yet. A gate that let them pass would be a guess.
NOT_JUDGED: Final = ("elements", "measurements", "checkin", "report")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a milestone holds.

    Attributes:
        code: stable, such as `gate.photos_missing`.
        detail: a sentence in Chinese and English.
        facts: what it is about, JSON-ready.
    """

    code: str
    detail: dict[str, str]
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GateFacts:
    """Everything that the gate looks at.

    Attributes:
        requires: the milestone's, as stored.
        counting_photos: of this milestone, see `counts_as_evidence`.
        waiting_media: of this milestone, not yet analysed.
        holding: open or confirmed findings, major or worse: (id, code, severity, status).
        holding_before: ids of the milestones before it that do not pass themselves.
        holding_issues: its issues that are not closed, major or worse: (id, title, severity, status).
    """

    requires: dict[str, Any]
    counting_photos: int
    waiting_media: int
    holding: Sequence[tuple[UUID, str, Severity, FindingStatus]]
    holding_before: Sequence[str]
    holding_issues: Sequence[tuple[UUID, str, Severity, IssueStatus]] = ()


def counts_as_evidence(medium: Medium) -> bool:
    """Whether a photo counts for its milestone: analysed, its location not failed, its grade not D."""
    located = all(check.verdict is not Verdict.FAIL for check in medium.checks if check.check is CheckName.LOCATION)
    return medium.status is MediaStatus.ANALYSED and located and medium.grade != Grade.D


def judge_gate(facts: GateFacts) -> list[Reason]:
    """The reasons for which a milestone holds, in a fixed order; none means that it passes."""
    reasons = [
        Reason(
            "gate.milestone_before",
            {"zh": f"前一阶段“{each}”尚未通过。", "en": f"The milestone {each} before it does not pass yet."},
            {"milestone_id": each},
        )
        for each in facts.holding_before
    ]
    reasons += _judge_photos(facts)
    reasons += [
        Reason(
            "gate.requirement_not_judged",
            {
                "zh": f"要求“{part}”目前不能自动判定。",
                "en": f"The requirement '{part}' cannot be judged by this release.",
            },
            {"requirement": part},
        )
        for part in _list_not_judged(facts.requires)
    ]
    reasons += [
        Reason(
            f"gate.finding_{status.value}",
            {"zh": f"问题 {code} 尚未处理完毕。", "en": f"The finding {code} is not settled."},
            {"finding_id": str(finding_id), "finding_code": code, "severity": severity.value},
        )
        for finding_id, code, severity, status in facts.holding
    ]
    reasons += [
        Reason(
            "gate.issue_open",
            {"zh": f"质量问题“{title}”尚未关闭。", "en": f"The issue '{title}' is not closed."},
            {"issue_id": str(issue_id), "severity": severity.value, "status": status.value},
        )
        for issue_id, title, severity, status in facts.holding_issues
    ]
    return reasons


def _judge_photos(facts: GateFacts) -> list[Reason]:
    reasons = []
    needed = (facts.requires.get("photos") or {}).get("min") or 0
    if facts.counting_photos < needed:
        numbers = {"needed": needed, "counting": facts.counting_photos}
        reasons.append(
            Reason(
                "gate.photos_missing",
                {
                    "zh": f"需要 {needed} 张有效照片，目前有 {facts.counting_photos} 张。",
                    "en": f"{needed} photos are needed, {facts.counting_photos} count so far.",
                },
                numbers,
            )
        )
    if facts.waiting_media:
        # A photo on its way may still bring a finding, so passing before it is judged would be a guess.
        reasons.append(
            Reason(
                "gate.media_waiting",
                {
                    "zh": f"还有 {facts.waiting_media} 个影像正在分析。",
                    "en": f"{facts.waiting_media} photos or clips are still being analysed.",
                },
                {"waiting": facts.waiting_media},
            )
        )
    return reasons


def _list_not_judged(requires: dict[str, Any]) -> list[str]:
    parts = [part for part in NOT_JUDGED if requires.get(part)]
    if (requires.get("photos") or {}).get("every_m"):
        parts.append("photos.every_m")
    return parts
