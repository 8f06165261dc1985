"""The gate of a milestone: may it pass? A pure function of stored facts, with every reason listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from domain.evidence import Grade
from domain.finding import FindingStatus, Severity
from domain.issue import IssueStatus
from domain.measurement import Quantity, Verdict, list_unoffered
from domain.media import MediaStatus
from domain.place import Placement, Side
from findings.coverage import Interval
from findings.measured import QUANTITY_NAMES, PhotoVerdict, describe_quantity
from geofence.alignment import format_chainage
from storage.evidence import SentMedium

# Parts of `requires` that this release stores and cannot judge yet. A gate that let them pass would be a guess.
NOT_JUDGED: Final = ("report", "materials")
_MAX_GAPS_TOLD: Final = 50
_MAX_FAILS_TOLD: Final = 50


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
        seen: by label, on how many counting photos it is seen.
        gaps: stretches without evidence that no person has settled; None where stations cannot be judged because the
            project has no alignment. [m]
        measured: what counting photos say of the wanted quantities, in the order of their arrival; of fails, those that
            no person dismissed or saw mended.
        checkins: where the last check-ins lie, the newest first; None where the project has no boundary.
    """

    requires: dict[str, Any]
    counting_photos: int
    waiting_media: int
    holding: Sequence[tuple[UUID, str, Severity, FindingStatus]]
    holding_before: Sequence[str]
    holding_issues: Sequence[tuple[UUID, str, Severity, IssueStatus]] = ()
    seen: Mapping[str, int] = field(default_factory=dict)
    gaps: Sequence[Interval] | None = ()
    measured: Sequence[PhotoVerdict] = ()
    checkins: Sequence[Placement] | None = ()


def counts_as_evidence(medium: SentMedium) -> bool:
    """Whether a photo counts: analysed, its location not failed, its grade not D; or accepted by an inspector."""
    if medium.is_accepted and medium.status in {MediaStatus.ANALYSED, MediaStatus.FAILED}:
        return True
    return medium.status is MediaStatus.ANALYSED and not medium.is_elsewhere and medium.grade != Grade.D


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
    reasons += _judge_stations(facts)
    reasons += _judge_elements(facts)
    reasons += _judge_measurements(facts)
    reasons += _judge_checkins(facts)
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
    # A fail is told with its figures; what stands for it is not told a second time.
    told = {UUID(each.facts["finding_id"]) for each in reasons if "finding_id" in each.facts}
    reasons += [
        Reason(
            f"gate.finding_{status.value}",
            {"zh": f"问题 {code} 尚未处理完毕。", "en": f"The finding {code} is not settled."},
            {"finding_id": str(finding_id), "finding_code": code, "severity": severity.value},
        )
        for finding_id, code, severity, status in facts.holding
        if finding_id not in told
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


def _judge_stations(facts: GateFacts) -> list[Reason]:
    if not (facts.requires.get("photos") or {}).get("every_m"):
        return []
    if facts.gaps is None:
        detail = {
            "zh": "要求按桩号拍照，但工程还没有中线。",
            "en": "Photos per station are required, and the project has no alignment yet.",
        }
        return [Reason("gate.alignment_missing", detail)]
    return [_tell_gap(gap, len(facts.gaps)) for gap in facts.gaps[:_MAX_GAPS_TOLD]]


def _tell_gap(gap: Interval, gaps: int) -> Reason:
    begin, end = (format_chainage(each) for each in gap)
    return Reason(
        "gate.station_gap",
        {"zh": f"{begin} 至 {end} 没有有效照片。", "en": f"No photo counts from {begin} to {end}."},
        {"chainage_m": [round(each, 3) for each in gap], "gaps": gaps},
    )


def _judge_elements(facts: GateFacts) -> list[Reason]:
    """What must be seen and is not; what must not be seen and is, is a finding of its own."""
    reasons = []
    for element in facts.requires.get("elements") or ():
        label, needed = element["label"], needed_photos(element)
        seen = facts.seen.get(label, 0)
        if seen < needed:
            reasons.append(
                Reason(
                    "gate.element_missing",
                    {
                        "zh": f"需要在 {needed} 张有效照片中看到“{label}”，目前有 {seen} 张。",
                        "en": f"'{label}' must be seen on {needed} photos that count, it is on {seen} so far.",
                    },
                    {"label": label, "needed": needed, "seen": seen},
                )
            )
    return reasons


def _judge_measurements(facts: GateFacts) -> list[Reason]:
    """One photo within tolerance is enough, and none may stand beyond it."""
    reasons = []
    for requirement in facts.requires.get("measurements") or ():
        if requirement["quantity"] in list_unoffered(facts.requires):
            continue
        quantity = Quantity(requirement["quantity"])
        by_verdict = {
            verdict: [each for each in facts.measured if each.quantity is quantity and each.verdict is verdict]
            for verdict in Verdict
        }
        failed, is_passed = by_verdict[Verdict.FAIL], bool(by_verdict[Verdict.PASS])
        reasons += [_tell_fail(each, requirement, len(failed)) for each in failed[:_MAX_FAILS_TOLD]]
        if by_verdict[Verdict.CANNOT_TELL] and not is_passed:
            reasons.append(_tell_open(by_verdict[Verdict.CANNOT_TELL], requirement))
        elif not is_passed and not failed:
            reasons.append(_tell_unmeasured(quantity))
    return reasons


def _tell_fail(failed: PhotoVerdict, requirement: Mapping[str, Any], fails: int) -> Reason:
    told = describe_quantity(failed)
    limits = f"{requirement['nominal_mm']:g} ± {requirement['tolerance_mm']:g} mm"
    return Reason(
        "gate.measurement_failed",
        {
            "zh": f"照片 {failed.media_id} 实测{told['zh']}，要求 {limits}。",
            "en": f"The photo {failed.media_id} shows a {told['en']}; {limits} is required.",
        },
        _list_figures(failed, requirement) | {"finding_id": str(failed.finding_id), "fails": fails},
    )


def _tell_open(verdicts: Sequence[PhotoVerdict], requirement: Mapping[str, Any]) -> Reason:
    """The last photo stands for all: its sender can still mend it."""
    last = verdicts[-1]
    told = describe_quantity(last)
    return Reason(
        "gate.measurement_open",
        {
            "zh": f"照片 {last.media_id} 不能判定{told['zh']}是否合格 [{last.code}]，请按说明重新拍摄。",
            "en": f"The photo {last.media_id} does not tell whether the {told['en']} is right [{last.code}]: "
            "take another.",
        },
        _list_figures(last, requirement) | {"measurement_code": last.code, "photos": len(verdicts)},
    )


def _tell_unmeasured(quantity: Quantity) -> Reason:
    chinese, english = QUANTITY_NAMES[quantity]
    return Reason(
        "gate.measurement_missing",
        {
            "zh": f"没有有效照片测得合格的{chinese}。",
            "en": f"No photo that counts shows the {english} within its tolerance.",
        },
        {"quantity": quantity.value},
    )


def _list_figures(verdict: PhotoVerdict, requirement: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "quantity": verdict.quantity.value,
        "media_id": str(verdict.media_id),
        "nominal_mm": requirement["nominal_mm"],
        "tolerance_mm": requirement["tolerance_mm"],
        **verdict.figures,
    }


def _judge_checkins(facts: GateFacts) -> list[Reason]:
    """One that lies inside for certain is enough."""
    if not facts.requires.get("checkin"):
        return []
    if facts.checkins is None:
        detail = {
            "zh": "要求现场签到，但工程还没有边界。",
            "en": "A check-in is required, and the project has no boundary yet.",
        }
        return [Reason("gate.boundary_missing", detail)]
    if any(each.side is Side.INSIDE for each in facts.checkins):
        return []
    if not facts.checkins:
        detail = {"zh": "还没有现场签到。", "en": "Nobody has checked in at the site yet."}
        return [Reason("gate.checkin_missing", detail, {"checkins": 0})]
    last = facts.checkins[0]
    away_m = abs(last.distance_m)
    return [
        Reason(
            "gate.checkin_missing",
            {
                "zh": f"没有能确认在边界内的签到；最近一次距边界 {away_m:.0f} m，精度 {last.accuracy_m:.0f} m。",
                "en": f"No check-in lies inside the boundary for certain; the last is {away_m:.0f} m from it, "
                f"true to {last.accuracy_m:.0f} m.",
            },
            {
                "checkins": len(facts.checkins),
                "side": last.side.value,
                "distance_m": round(last.distance_m, 1),
                "accuracy_m": round(last.accuracy_m, 1),
            },
        )
    ]


def needed_photos(element: Mapping[str, Any]) -> int:
    """On how many counting photos an element must be seen: `min`, 1 where it is silent, 0 where it must be absent."""
    if element.get("absent"):
        return 0
    minimum = element.get("min")
    return 1 if minimum is None else int(minimum)


def _list_not_judged(requires: dict[str, Any]) -> list[str]:
    parts = [part for part in NOT_JUDGED if requires.get(part)]
    return [f"measurements.{each}" for each in list_unoffered(requires)] + parts
