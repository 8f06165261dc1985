from uuid import UUID

import pytest

from domain.finding import FindingStatus, Severity
from domain.issue import IssueStatus
from findings.gate import GateFacts, judge_gate

FINDING = (UUID(int=7), "safety.no_hardhat", Severity.MAJOR, FindingStatus.OPEN)


def judge(**facts: object) -> list[str]:
    """The codes of the reasons for these facts, nothing else being wrong."""
    silent: dict[str, object] = {
        "requires": {},
        "counting_photos": 0,
        "waiting_media": 0,
        "holding": [],
        "holding_before": [],
    }
    return [reason.code for reason in judge_gate(GateFacts(**(silent | facts)))]  # type: ignore[arg-type]


def test_judge_gate__nothing_required_and_nothing_wrong__passes() -> None:
    """No reason to hold is a pass."""
    assert judge() == []


@pytest.mark.parametrize(("counting", "codes"), [(2, ["gate.photos_missing"]), (3, []), (4, [])])
def test_judge_gate__photos__are_counted_against_what_is_required(counting: int, codes: list[str]) -> None:
    """Three are needed: two hold, three pass."""
    assert judge(requires={"photos": {"min": 3}}, counting_photos=counting) == codes


def test_judge_gate__a_photo_not_yet_analysed__holds() -> None:
    """Passing before a photo is judged would be a guess."""
    assert judge(waiting_media=1) == ["gate.media_waiting"]


def test_judge_gate__an_unsettled_finding__holds_and_is_named() -> None:
    """The reason leads to the finding."""
    (reason,) = judge_gate(GateFacts({}, 0, 0, [FINDING], []))
    assert (reason.code, reason.facts["finding_id"]) == ("gate.finding_open", str(UUID(int=7)))


@pytest.mark.parametrize("part", ["elements", "measurements", "checkin", "report"])
def test_judge_gate__a_requirement_that_cannot_be_judged__holds(part: str) -> None:
    """What is required and not judged never passes in silence."""
    assert judge(requires={part: [{}] if part[0] in "em" else True}) == ["gate.requirement_not_judged"]
    assert judge(requires={part: [] if part[0] in "em" else False}) == []


def test_judge_gate__a_milestone_before_that_holds__holds_this_one() -> None:
    """Milestones pass in their order, and every reason is listed."""
    codes = judge(holding_before=["subgrade"], holding=[FINDING], requires={"photos": {"min": 1, "every_m": 50}})
    assert codes == [
        "gate.milestone_before",
        "gate.photos_missing",
        "gate.requirement_not_judged",
        "gate.finding_open",
    ]


def test_judge_gate__an_issue_that_is_not_closed__holds_and_is_named() -> None:
    """The reason leads to the issue and says where it stands."""
    facts = GateFacts({}, 0, 0, [], [], [(UUID(int=8), "裂缝", Severity.CRITICAL, IssueStatus.RECTIFIED)])
    (reason,) = judge_gate(facts)
    assert reason.code == "gate.issue_open"
    assert reason.facts == {"issue_id": str(UUID(int=8)), "severity": "critical", "status": "rectified"}
