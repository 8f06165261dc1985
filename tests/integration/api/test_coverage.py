"""Stations from photo to finding and gate, through the routes and the worker's analysis."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar
from uuid import UUID

import pytest

from analysis.medium_analysis import Workplace, analyse_medium
from domain.access import Role
from domain.clock import SystemClock
from domain.media import Detection
from findings.conformance import survey_milestones
from storage.media_store import DiskMediaStore
from tests.integration.api.conftest import AREA, Api
from tests.pictures import make_jpeg
from vision.detector import Sight
from vision.picture import Picture

# `geod +ellps=WGS84 -I`: at 30 N 0.01 degrees of longitude are 964.8628 m.
METRE = 0.01 / 964.8628
# 300.2 m to the east from 120 E, 30 N.
ALIGNMENT = {
    "type": "Feature",
    "properties": {"start_chainage_m": 100},
    "geometry": {"type": "LineString", "coordinates": [[120.0, 30.0], [120.0 + 300.2 * METRE, 30.0]]},
}
GATE = "/v1/projects/p1/milestones/base/gate"
COVERAGE = "/v1/projects/p1/milestones/base/coverage"


class Seeing:
    """A detector that sees what it is told to."""

    model_name = "test 1"
    model_hashes: ClassVar = {"test": "0" * 64}

    def __init__(self) -> None:
        """See nothing at first."""
        self.sees: tuple[Detection, ...] = ()

    def look(self, picture: Picture) -> Sight:
        """What it was told."""
        assert picture.pixels.ndim == 3
        return Sight(self.sees)


@dataclass
class Road:
    """A road with an alignment, and a worker beside it."""

    api: Api
    detector: Seeing = field(default_factory=Seeing)
    colours: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        """Without a boundary, so that a position is not judged by it."""
        self.api.put_project(position={"lon": 120.0, "lat": 30.0})
        self.core = self.api.make_token(Role.CORE)
        self.inspector = self.api.make_token(Role.INSPECTOR, person="wang")
        self.phone = self.api.make_token(Role.FIELD)
        self.workplace = Workplace(
            self.api.database, DiskMediaStore(self.api.media_folder), self.detector, SystemClock(), lease_s=30
        )

    def put_alignment(self) -> None:
        """The line of 300 m."""
        self.api.client.put("/v1/projects/p1/alignment", json=ALIGNMENT, headers=self.core).raise_for_status()

    def require(self, requires: dict[str, Any], **more: Any) -> None:  # noqa: ANN401
        """Set what the milestone requires."""
        body = {"title": "基层", "requires": requires, **more}
        self.api.client.put("/v1/projects/p1/milestones/base", json=body, headers=self.core).raise_for_status()

    def photograph(self, along_m: float | None, *, sees: tuple[Detection, ...] = (), lat: float = 30.0) -> UUID:
        """Send a photo from a place along the line, 5 m accurate, and analyse it."""
        number = next(self.colours)
        content = make_jpeg(
            lon=None if along_m is None else 120.0 + along_m * METRE,
            lat=None if along_m is None else lat,
            accuracy_m=5,
            taken_local=datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=7),
            colour=(number % 256, number // 256, 0),
        )
        sent = self.api.client.post(
            "/v1/projects/p1/media",
            files={"file": ("a.jpg", content)},
            data={"capture": '{"milestone_id": "base"}'},
            headers=self.phone,
        )
        media_id = UUID(sent.json()["id"])
        self.detector.sees = sees
        analyse_medium(self.workplace, media_id=media_id)
        return media_id

    def list_findings(self, code: str = "conformance.station_gap", status: str = "open") -> list[dict[str, Any]]:
        """The milestone's findings of a code."""
        query = {"milestone_id": "base", "status": status}
        found = self.api.client.get("/v1/findings", params=query, headers=self.inspector).json()["items"]
        return [each for each in found if each["code"] == code]

    def gaps(self) -> list[list[int]]:
        """From and to of the gaps that stand, to the metre, by chainage."""
        return sorted([round(each) for each in found["chainage_m"]] for found in self.list_findings())

    def reasons(self) -> list[dict[str, Any]]:
        """Why the gate holds."""
        reasons = self.api.client.get(GATE, headers=self.core).json()["reasons"]
        assert isinstance(reasons, list)
        return reasons


@pytest.fixture
def road(api: Api) -> Road:
    """A road with its alignment and stations of 50 m."""
    made = Road(api)
    made.put_alignment()
    made.require({"photos": {"every_m": 50}})
    return made


def test_station_gap__before_the_first_photo__is_no_finding_but_holds_the_gate(road: Road) -> None:
    """Before it has begun, a milestone lacks everything, which is no news; the gate says so when asked."""
    assert road.gaps() == []
    (reason,) = road.reasons()
    assert reason["code"] == "gate.station_gap"
    assert [round(each) for each in reason["chainage_m"]] == [100, 400]
    assert reason["detail"]["en"] == "No photo counts from K0+100 to K0+400."


def test_station_gap__photos_come__shrinks_splits_and_is_resolved(road: Road) -> None:
    """One finding for neighbours; it keeps its identity as its longer part; the last photo lets the gate pass."""
    road.photograph(25)
    (first,) = road.list_findings()
    assert road.gaps() == [[150, 400]]
    assert (first["kind"], first["title"]["zh"]) == ("conformance", "K0+150 至 K0+400 没有有效照片。")
    road.photograph(125)
    assert road.gaps() == [[150, 200], [250, 400]]
    longer = next(each for each in road.list_findings() if each["id"] == first["id"])
    assert [round(each) for each in longer["chainage_m"]] == [250, 400]
    assert longer["details"]["chainage"] == ["K0+250", "K0+400"]
    coverage = road.api.client.get(COVERAGE, headers=road.core).json()
    assert (coverage["stations"], coverage["covered_stations"], coverage["built_m"]) == (6, 2, 100)
    assert [each["chainage"] for each in coverage["gaps"]] == [["K0+150", "K0+200"], ["K0+250", "K0+400"]]
    for along_m in (75, 175, 225, 275):
        road.photograph(along_m)
    assert road.gaps() == []
    assert len(road.list_findings(status="resolved")) == 2
    assert road.reasons() == []
    events = road.api.client.get("/v1/events?limit=200", headers=road.core).json()["items"]
    told = [each["type"] for each in events if each["data"].get("code") == "conformance.station_gap"]
    # 150-400; then 250-400 and the new 150-200; 75 m resolves 150-200, 175 m leaves 300-400, then 350-400, then none.
    assert [each.removeprefix("siteproof.finding.") for each in told] == [
        "recorded",
        "changed",
        "recorded",
        "resolved",
        "changed",
        "changed",
        "resolved",
    ]


def test_station_gap__photos_that_do_not_count__fill_nothing(road: Road) -> None:
    """One without a position, one 60 m beside the line; coverage says why."""
    road.photograph(None)
    road.photograph(25, lat=30.0 + 60 / 110_852.5)
    coverage = road.api.client.get(COVERAGE, headers=road.core).json()
    assert sorted(each["problem"] for each in coverage["not_placed"]) == ["no_position", "off_the_line"]
    assert road.gaps() == [[100, 400]]


def test_station_gap__an_inspector_dismisses_it__is_settled(road: Road) -> None:
    """Where there is nothing to be shown (a bridge), the gate does not ask again, and no new finding comes."""
    for along_m in (25, 75, 125, 175, 225):
        road.photograph(along_m)
    (gap,) = road.list_findings()
    review = {"decision": "dismissed", "reason": "桥梁段 a bridge"}
    road.api.client.post(f"/v1/findings/{gap['id']}/review", json=review, headers=road.inspector).raise_for_status()
    road.photograph(30)
    assert (road.gaps(), road.reasons()) == ([], [])
    coverage = road.api.client.get(COVERAGE, headers=road.core).json()
    assert (coverage["gaps"], coverage["settled"][0]["chainage"]) == ([], ["K0+350", "K0+400"])


def test_station_gap__a_photo_accepted_by_an_inspector__fills_its_station(road: Road) -> None:
    """A photo with a failed check counts once what was found against it is dismissed."""
    road.photograph(25)
    copy = road.photograph(75)
    # Found against it afterwards: as a reviewer sees it, a location finding of the photo.
    with road.api.database.transaction() as connection:
        connection.execute("UPDATE media SET grade = 'D' WHERE id = %s", [copy])
        connection.execute(
            "INSERT INTO finding (id, project_id, milestone_id, kind, code, severity, title, occurred_at, media_id,"
            " dedup_key) VALUES (gen_random_uuid(), 'p1', 'base', 'evidence', 'evidence.outside', 'major', '{}',"
            " now(), %s, 'x')",
            [copy],
        )
    road.require({"photos": {"every_m": 50}}, title="基层 1")
    assert road.gaps() == [[150, 400]]
    (found,) = road.list_findings("evidence.outside")
    review = {"decision": "dismissed", "reason": "现场核实 seen on site"}
    road.api.client.post(f"/v1/findings/{found['id']}/review", json=review, headers=road.inspector).raise_for_status()
    assert road.gaps() == [[200, 400]]


def test_station_gap__the_planned_day_is_over__is_told_without_a_photo(road: Road) -> None:
    """Nothing came by the planned day, in the project's zone: the survey tells it, once."""
    now = datetime(2098, 11, 20, 16, 30, tzinfo=UTC)  # half past midnight of the 21st in Shanghai
    for planned_on, gaps in (("2098-11-21", []), ("2098-11-20", [[100, 400]])):
        road.require({"photos": {"every_m": 50}}, planned_on=planned_on)
        with road.api.database.transaction() as connection:
            for finding in (survey_milestones(connection, now=now, limit=10) for _ in range(2)):
                assert finding <= 1
        assert road.gaps() == gaps


def test_station_gap__requirement_or_alignment_changed__follows(road: Road) -> None:
    """Longer stations, then none: the findings follow and do not stay behind."""
    road.photograph(25)
    road.require({"photos": {"every_m": 100}})
    assert road.gaps() == [[200, 400]]
    road.require({})
    assert road.gaps() == []
    assert road.list_findings(status="resolved")[0]["details"]["resolution"]["reason"] == "not_required"
    road.require({"photos": {"every_m": 50}})
    shorter = {"type": "LineString", "coordinates": [[120.0, 30.0], [120.0 + 200 * METRE, 30.0]]}
    road.api.client.put("/v1/projects/p1/alignment", json=shorter, headers=road.core)
    assert road.gaps() == [[50, 200]]


def test_plan__of_a_milestone__shows_its_photos_and_gaps(road: Road) -> None:
    """An SVG that may load and run nothing; without a milestone the line alone."""
    road.photograph(25)
    response = road.api.client.get("/v1/projects/p1/plan?milestone_id=base&lang=en", headers=road.core)
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
    assert response.text.count('class="photo"') == 1
    assert "<title>K0+150–K0+400</title>" in response.text
    alone = road.api.client.get("/v1/projects/p1/plan", headers=road.core).text
    assert ('class="gap"' in alone, 'class="alignment"' in alone) == (False, True)
    unknown = road.api.client.get("/v1/projects/p1/plan?milestone_id=x", headers=road.core)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "milestone.not_found")


def test_coverage__without_stations_or_an_alignment__is_not_there(api: Api) -> None:
    """There is nothing to measure; the gate says what is missing."""
    road = Road(api)
    road.require({"photos": {"every_m": 50}})
    response = api.client.get(COVERAGE, headers=road.core)
    assert (response.status_code, response.json()["code"]) == (404, "milestone.no_stations")
    assert [each["code"] for each in road.reasons()] == ["gate.alignment_missing"]


def test_elements__seen_and_absent__are_judged_by_counting_photos(road: Road) -> None:
    """A cone must be seen on two photos; a person seen where none may be is a finding that holds."""
    elements = [{"label": "cone", "min": 2}, {"label": "person", "absent": True}]
    road.require({"elements": elements})
    cone, person = (Detection(label, 0.9, (10.0, 10.0, 60.0, 90.0)) for label in ("cone", "person"))
    road.photograph(25, sees=(cone, cone))
    assert [(each["code"], each.get("seen")) for each in road.reasons()] == [("gate.element_missing", 1)]
    with_person = road.photograph(75, sees=(cone, person))
    (reason,) = road.reasons()
    assert (reason["code"], reason["finding_code"]) == ("gate.finding_open", "conformance.element_present")
    (found,) = road.list_findings("conformance.element_present")
    assert (found["media_id"], found["box_xyxy_px"]) == (str(with_person), [10.0, 10.0, 60.0, 90.0])
    road.require({"elements": elements[:1]})
    assert road.reasons() == []
    # Asked for again: what is on the photos that came before is told again.
    road.require({"elements": elements})
    assert [each["id"] for each in road.list_findings("conformance.element_present")] == [found["id"]]


@pytest.mark.parametrize(
    ("requires", "code"),
    [
        ({"elements": [{"label": "unicorn"}]}, "milestone.unknown_class"),
        ({"elements": [{"label": "unicorn", "absent": True}]}, "milestone.unknown_class"),
        ({"elements": [{"label": "cone", "min": 1, "absent": True}]}, "request.invalid"),
        ({"elements": [{"label": "cone", "min": 0}]}, "request.invalid"),
        ({"photos": {"every_m": 0.5}}, "request.invalid"),
        ({"photos": {"every_m": 50, "side": "top"}}, "request.invalid"),
        ({"roof": True}, "request.invalid"),
    ],
)
def test_put_milestone__what_cannot_be_required__is_refused_when_it_is_set(
    api: Api, requires: dict[str, Any], code: str
) -> None:
    """A class that no model knows is told at once, with those that are known."""
    api.put_project()
    body = {"title": "M", "requires": requires}
    response = api.client.put("/v1/projects/p1/milestones/m", json=body, headers=api.make_token(Role.CORE, area=AREA))
    assert (response.status_code, response.json()["code"]) == (422, code)
    if code == "milestone.unknown_class":
        assert "cone" in response.json()["known"]
