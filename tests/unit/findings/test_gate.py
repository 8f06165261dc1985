from dataclasses import replace
from uuid import UUID

import pytest

from domain.finding import FindingStatus, Severity
from domain.issue import IssueStatus
from domain.measurement import Quantity, Verdict
from domain.media import MediaStatus
from domain.place import Placement, Side
from findings.gate import GateFacts, counts_as_evidence, judge_gate
from findings.measured import PhotoVerdict
from storage.evidence import SentMedium

FINDING = (UUID(int=7), "safety.no_hardhat", Severity.MAJOR, FindingStatus.OPEN)
THICKNESS = {"quantity": "thickness", "nominal_mm": 200, "tolerance_mm": 5}
PASSED = PhotoVerdict(UUID(int=1), Quantity.THICKNESS, Verdict.PASS, None, {})
OPEN = PhotoVerdict(UUID(int=3), Quantity.THICKNESS, Verdict.CANNOT_TELL, "board.bent", {})
FAILED = PhotoVerdict(
    UUID(int=2),
    Quantity.THICKNESS,
    Verdict.FAIL,
    None,
    {"value_mm": 185.0, "u_mm": 1.0, "interval_mm": [183.04, 186.96]},
    UUID(int=9),
)


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


@pytest.mark.parametrize("part", ["report", "materials"])
def test_judge_gate__a_requirement_that_cannot_be_judged__holds(part: str) -> None:
    """What is required and not judged never passes in silence."""
    assert judge(requires={part: [{}] if part[0] == "m" else True}) == ["gate.requirement_not_judged"]
    assert judge(requires={part: [] if part[0] == "m" else False}) == []


@pytest.mark.parametrize(
    ("verdicts", "codes"),
    [
        ([], ["gate.measurement_missing"]),
        ([PASSED], []),
        ([OPEN], ["gate.measurement_open"]),
        ([OPEN, PASSED], []),
        ([FAILED], ["gate.measurement_failed"]),
        ([FAILED, PASSED], ["gate.measurement_failed"]),
        ([FAILED, OPEN], ["gate.measurement_failed", "gate.measurement_open"]),
        ([replace(PASSED, quantity=Quantity.WIDTH)], ["gate.measurement_missing"]),
    ],
)
def test_judge_gate__measurements__need_one_pass_and_no_standing_fail(
    verdicts: list[PhotoVerdict], codes: list[str]
) -> None:
    """One photo within tolerance is enough; a fail holds beside it; what is open only holds where nothing passes."""
    assert judge(requires={"measurements": [THICKNESS]}, measured=verdicts) == codes


def test_judge_gate__a_measured_fail__is_told_once_with_value_interval_and_photo() -> None:
    """The finding that stands for it is in the reason; another finding is told beside it."""
    finding = (UUID(int=9), "conformance.thickness", Severity.MAJOR, FindingStatus.OPEN)
    facts = GateFacts({"measurements": [THICKNESS]}, 1, 0, [finding, FINDING], [], measured=[FAILED])
    failed, other = judge_gate(facts)
    assert other.code == "gate.finding_open"
    assert failed.facts == {
        "quantity": "thickness",
        "media_id": str(UUID(int=2)),
        "nominal_mm": 200,
        "tolerance_mm": 5,
        "value_mm": 185.0,
        "u_mm": 1.0,
        "interval_mm": [183.04, 186.96],
        "finding_id": str(UUID(int=9)),
        "fails": 1,
    }
    for part in ("185.0 mm", "183.0", "187.0", "200 ± 5 mm", str(UUID(int=2))):
        assert part in failed.detail["zh"]
        assert part in failed.detail["en"]


def test_judge_gate__a_quantity_that_an_earlier_release_stored__is_not_judged() -> None:
    """It is refused today; what is stored holds and is named."""
    requires = {"measurements": [{"quantity": "pipe_diameter", "nominal_mm": 300, "tolerance_mm": 5}]}
    (reason,) = judge_gate(GateFacts(requires, 0, 0, [], []))
    assert (reason.code, reason.facts) == (
        "gate.requirement_not_judged",
        {"requirement": "measurements.pipe_diameter"},
    )


@pytest.mark.parametrize(
    ("sides", "codes"),
    [
        (None, ["gate.boundary_missing"]),
        ([], ["gate.checkin_missing"]),
        ([Side.OUTSIDE, Side.CANNOT_TELL], ["gate.checkin_missing"]),
        ([Side.OUTSIDE, Side.INSIDE], []),
    ],
)
def test_judge_gate__checkins__need_one_inside_for_certain(sides: list[Side] | None, codes: list[str]) -> None:
    """A fix whose accuracy reaches the boundary tells nothing."""
    placed = None if sides is None else [Placement(side, 12.0, 8.0) for side in sides]
    assert judge(requires={"checkin": True}, checkins=placed) == codes
    assert judge(requires={"checkin": False}, checkins=placed) == []


def test_judge_gate__a_milestone_before_that_holds__holds_this_one() -> None:
    """Milestones pass in their order, and every reason is listed."""
    requires = {"photos": {"min": 1, "every_m": 50}, "elements": [{"label": "cone"}], "report": True}
    codes = judge(holding_before=["subgrade"], holding=[FINDING], requires=requires, gaps=[(150, 200)])
    assert codes == [
        "gate.milestone_before",
        "gate.photos_missing",
        "gate.station_gap",
        "gate.element_missing",
        "gate.requirement_not_judged",
        "gate.finding_open",
    ]


def test_judge_gate__an_issue_that_is_not_closed__holds_and_is_named() -> None:
    """The reason leads to the issue and says where it stands."""
    facts = GateFacts({}, 0, 0, [], [], [(UUID(int=8), "裂缝", Severity.CRITICAL, IssueStatus.RECTIFIED)])
    (reason,) = judge_gate(facts)
    assert reason.code == "gate.issue_open"
    assert reason.facts == {"issue_id": str(UUID(int=8)), "severity": "critical", "status": "rectified"}


def test_judge_gate__a_station_gap__is_told_with_its_chainage() -> None:
    """The reason says from where to where."""
    requires = {"photos": {"every_m": 50}}
    (reason,) = judge_gate(GateFacts(requires, 6, 0, [], [], gaps=[(150.0, 200.0)]))
    assert reason.code == "gate.station_gap"
    assert reason.facts == {"chainage_m": [150.0, 200.0], "gaps": 1}
    assert reason.detail["zh"] == "K0+150 至 K0+200 没有有效照片。"
    assert judge(requires=requires, gaps=[]) == []


def test_judge_gate__stations_without_an_alignment__hold() -> None:
    """They cannot be judged, which is no pass."""
    assert judge(requires={"photos": {"every_m": 50}}, gaps=None) == ["gate.alignment_missing"]
    assert judge(requires={"photos": {"min": 0}}, gaps=None) == []


@pytest.mark.parametrize(
    ("element", "seen", "codes"),
    [
        ({"label": "cone"}, {}, ["gate.element_missing"]),
        ({"label": "cone"}, {"cone": 1}, []),
        ({"label": "cone", "min": 2}, {"cone": 1, "person": 9}, ["gate.element_missing"]),
        ({"label": "cone", "min": 2}, {"cone": 2}, []),
        ({"label": "person", "absent": True}, {"person": 3}, []),
    ],
)
def test_judge_gate__elements__are_counted_by_photos(
    element: dict[str, object], seen: dict[str, int], codes: list[str]
) -> None:
    """What must be seen, on so many photos, 1 where silent; what must be absent holds by its finding."""
    assert judge(requires={"elements": [element]}, seen=seen) == codes


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"grade": "D"}, False),
        ({"is_elsewhere": True}, False),
        ({"status": MediaStatus.RECEIVED}, False),
        ({"status": MediaStatus.FAILED}, False),
        ({"grade": "D", "is_elsewhere": True, "is_accepted": True}, True),
        ({"status": MediaStatus.ANALYSING, "is_accepted": True}, False),
    ],
)
def test_counts_as_evidence__by_designs_rule(changes: dict[str, object], counts: bool) -> None:  # noqa: FBT001
    """Analysed, not elsewhere, not D, or accepted by an inspector."""
    medium = SentMedium(UUID(int=1), MediaStatus.ANALYSED, "B", None, False, (), False)  # noqa: FBT003
    assert counts_as_evidence(replace(medium, **changes)) is counts  # type: ignore[arg-type]
