"""Quality issues over HTTP, on a clock that the test sets and with media whose analysis the test writes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest

from api.services import Services
from domain.access import Role
from domain.evidence import grade_checks
from domain.finding import Kind, NewFinding, Severity
from findings.recording import record_findings
from findings.reminder import remind
from storage.event import list_events
from storage.media import claim_media, find_media, finish_media
from tests.integration.api.conftest import SQUARE, Api
from tests.pictures import make_jpeg

INSIDE: dict[str, Any] = {"lon": 120.0605, "lat": 30.2905, "accuracy_m": 5}
START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.present = START

    def now(self) -> datetime:
        """Where it stands."""
        return self.present

    def pass_hours(self, hours: float) -> None:
        """Move it on."""
        self.present += timedelta(hours=hours)


class Site:
    """A project of a contractor, with people of every duty."""

    def __init__(self, api: Api, clock: SetClock) -> None:
        self.api = api
        self.clock = clock
        self.core = api.make_token(Role.CORE)
        self.contractor = api.make_token(Role.CONTRACTOR, person="老赵")
        self.inspector = api.make_token(Role.INSPECTOR, person="王工")
        self.other = api.make_token(Role.INSPECTOR, person="李工")
        self.supervisor = api.make_token(Role.SUPERVISOR, person="陈科")
        api.put_project(contractor="清溪建设")
        api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=self.core)
        api.client.put("/v1/projects/p1/milestones/base", json={"title": "基层"}, headers=self.core)

    def raise_issue(self, **changes: object) -> dict[str, Any]:
        """An issue of the milestone, raised by the inspector."""
        body = {"project_id": "p1", "title": "路缘开裂", "milestone_id": "base", **changes}
        response = self.api.client.post("/v1/issues", json=body, headers=self.inspector)
        assert response.status_code == 201, response.json()
        raised: dict[str, Any] = response.json()
        return raised

    def step(self, issue: dict[str, Any], to: str, headers: dict[str, str], **body: object) -> httpx2.Response:
        """Ask for a step."""
        return self.api.client.post(f"/v1/issues/{issue['id']}/transitions", json={"to": to, **body}, headers=headers)

    def send(self, *, project: str = "p1", analysed: bool = True, **picture: Any) -> str:  # noqa: ANN401 - make_jpeg's
        """A photo by the contractor, of now unless said otherwise, and its analysis; gives back its id."""
        local = (self.clock.present + timedelta(hours=8)).replace(tzinfo=None)
        content = make_jpeg(**({**INSIDE, "taken_local": local, "colour": _next_colour()} | picture))
        path = f"/v1/projects/{project}/media"
        sent = self.api.client.post(path, files={"file": ("a.jpg", content)}, headers=self.contractor).json()
        if analysed:
            self.finish(UUID(sent["id"]))
        return str(sent["id"])

    def finish(self, media_id: UUID) -> None:
        """Write an analysis that saw nothing."""
        with self.api.database.transaction() as connection:
            claim = uuid4()
            claim_media(connection, media_id=media_id, claim=claim, lease_s=60)
            medium = find_media(connection, media_id=media_id)
            assert medium is not None
            evidence = grade_checks(list(medium.checks))
            done = finish_media(
                connection,
                media_id=media_id,
                claim=claim,
                detections=(),
                model_hashes={},
                model="none",
                width_px=320,
                height_px=240,
                checks=medium.checks,
                grade=evidence.grade,
                grade_reasons=evidence.reasons,
            )
            assert done

    def find(self, code: str = "safety.no_vest", **changes: Any) -> str:  # noqa: ANN401 - NewFinding's
        """A finding of the milestone; gives back its id."""
        fields: dict[str, Any] = {
            "project_id": "p1",
            "code": code,
            "kind": Kind.SAFETY,
            "severity": Severity.CRITICAL,
            "milestone_id": "base",
            "title": {"zh": "未穿反光衣", "en": "No vest"},
            "occurred_at": START,
            "dedup_key": str(uuid4()),
        }
        with self.api.database.transaction() as connection:
            new = NewFinding(**(fields | changes))
            (finding,) = record_findings(connection, [new])
        return str(finding.id)

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> dict[str, Any]:  # noqa: ANN401
        """Read something, as the inspector unless said otherwise."""
        body: dict[str, Any] = self.api.client.get(path, headers=headers or self.inspector, params=query).json()
        return body

    def list_told(self, prefix: str) -> list[str]:
        """The types of the events that begin so, in their order."""
        with self.api.database.transaction() as connection:
            events = list_events(connection, area="/", project_id="p1", after=None, limit=500).events
        return [each.type.removeprefix("siteproof.") for each in events if each.type.startswith(f"siteproof.{prefix}")]


_COLOURS = iter([(red, green, 90) for red in range(200) for green in range(200)])


def _next_colour() -> tuple[int, int, int]:
    return next(_COLOURS)


@pytest.fixture
def site(api: Api) -> Site:
    """The application with its clock in the test's hand."""
    clock = SetClock()
    services: Services = api.application.state.services
    api.application.state.services = replace(services, clock=clock)
    return Site(api, clock)


def code(response: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return response.status_code, response.json()["code"]


def test_raise_issue__with_little_said__takes_the_contractor_and_a_term_of_three_days(site: Site) -> None:
    """Silent severity is major: three days after 20 November, until midnight of the 23rd in Shanghai, 16:00 in UTC."""
    raised = site.raise_issue()
    assert (raised["status"], raised["severity"], raised["assigned_to"]) == ("open", "major", "清溪建设")
    assert (raised["due_date"], raised["due_at"], raised["overdue"]) == ("2026-11-23", "2026-11-23T16:00:00Z", False)
    assert (raised["creation_author"], raised["creation_date"]) == ("王工", "2026-11-20T02:00:00Z")
    (first,) = raised["history"]
    assert (first["from"], first["to"], first["person"], first["role"]) == (None, "open", "王工", "inspector")
    assert raised["steps"] == ["assigned"]
    assert site.list_told("issue") == ["issue.open"]


def test_raise_issue__what_is_said__counts(site: Site) -> None:
    """Due date and assignee are the caller's to choose."""
    raised = site.raise_issue(severity="minor", due_date="2026-12-24", assigned_to="另一队")
    assert (raised["due_date"], raised["assigned_to"], raised["severity"]) == ("2026-12-24", "另一队", "minor")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"project_id": "nowhere"}, (404, "project.not_found")),
        ({"milestone_id": "nowhere"}, (422, "milestone.unknown")),
        ({"finding_ids": [str(uuid4())]}, (422, "issue.finding_unknown")),
        ({"due_date": "9999-12-31"}, (422, "request.invalid")),
        ({"title": ""}, (422, "request.invalid")),
    ],
)
def test_raise_issue__of_what_is_not_there__is_refused(
    site: Site, changes: dict[str, object], expected: tuple[int, str]
) -> None:
    """Each with its own code, and nothing is stored."""
    body = {"project_id": "p1", "title": "x"} | changes
    assert code(site.api.client.post("/v1/issues", json=body, headers=site.inspector)) == expected
    assert site.get("/v1/issues")["items"] == []


def test_raise_issue__from_open_findings_by_an_inspector__confirms_them(site: Site) -> None:
    """Severity is the worst of them, and each shows where it ends."""
    first, second = site.find(severity=Severity.MINOR), site.find(severity=Severity.CRITICAL)
    raised = site.raise_issue(finding_ids=[first, second], milestone_id=None)
    assert (raised["severity"], raised["milestone_id"], set(raised["finding_ids"])) == (
        "critical",
        "base",
        {first, second},
    )
    finding = site.get(f"/v1/findings/{first}")
    assert (finding["status"], finding["issue_id"], finding["reviewed_by"]) == ("confirmed", raised["id"], "王工")


def test_raise_issue__by_an_operator__decides_upon_no_finding(site: Site) -> None:
    """An operator may raise one, but to confirm a finding is an inspector's."""
    admin = site.api.make_token(Role.ADMIN, person="管理员")
    body = {"project_id": "p1", "title": "x", "finding_ids": [site.find()]}
    assert code(site.api.client.post("/v1/issues", json=body, headers=admin)) == (409, "issue.finding_not_confirmed")
    assert site.api.client.post("/v1/issues", json=body | {"finding_ids": []}, headers=admin).status_code == 201


def test_raise_issue__from_a_finding_that_has_one__is_a_conflict(site: Site) -> None:
    """One finding ends in one issue."""
    finding = site.find()
    raised = site.raise_issue(finding_ids=[finding])
    body = {"project_id": "p1", "title": "x", "finding_ids": [finding]}
    response = site.api.client.post("/v1/issues", json=body, headers=site.inspector)
    assert (*code(response), response.json()["issue_id"]) == (409, "issue.finding_taken", raised["id"])


def test_raise_issue__from_a_dismissed_finding__is_a_conflict(site: Site) -> None:
    """What was found to be no fault is not to be mended."""
    finding = site.find()
    body = {"decision": "dismissed", "reason": "误报"}
    site.api.client.post(f"/v1/findings/{finding}/review", json=body, headers=site.inspector)
    issue = {"project_id": "p1", "title": "x", "finding_ids": [finding]}
    response = site.api.client.post("/v1/issues", json=issue, headers=site.inspector)
    assert code(response) == (409, "issue.finding_not_confirmed")


def test_review__with_an_issue__confirms_and_raises_at_once_and_once(site: Site) -> None:
    """What is silent comes from the finding; saying it twice is saying it once."""
    finding = site.find()
    body = {"decision": "confirmed", "reason": "属实", "issue": {}}
    path = f"/v1/findings/{finding}/review"
    first, reviewed = (site.api.client.post(path, json=body, headers=site.inspector) for _ in range(2))
    assert (first.status_code, reviewed.status_code) == (200, 200)
    assert first.json() == reviewed.json()
    (issue,) = site.get("/v1/issues")["items"]
    assert reviewed.json()["issue_id"] == issue["id"]
    assert reviewed.json()["review_reason"] == "属实"
    assert (issue["title"], issue["severity"], issue["milestone_id"]) == ("未穿反光衣", "critical", "base")
    assert issue["finding_ids"] == [finding]
    assert site.list_told("finding") == ["finding.recorded", "finding.reviewed"]


def test_review__with_an_issue_that_cannot_be_raised__decides_nothing(site: Site) -> None:
    """Both or neither: the finding stays open where its issue is refused."""
    finding = site.find()
    for issue in ({"milestone_id": "nowhere"}, {"project_id": "p2"}):
        body = {"decision": "confirmed", "reason": "属实", "issue": issue}
        response = site.api.client.post(f"/v1/findings/{finding}/review", json=body, headers=site.inspector)
        assert response.status_code == 422
    body = {"decision": "dismissed", "reason": "误报", "issue": {}}
    response = site.api.client.post(f"/v1/findings/{finding}/review", json=body, headers=site.inspector)
    assert code(response) == (422, "request.invalid")
    assert site.get(f"/v1/findings/{finding}")["status"] == "open"
    assert site.get("/v1/issues")["items"] == []


def test_steps__from_raised_to_closed_and_again__resolve_findings_and_open_the_gate(site: Site) -> None:
    """The gate holds until it is closed, and again when it is reopened; everything is in the history."""
    finding = site.find()
    issue = site.raise_issue(finding_ids=[finding])
    gate = "/v1/projects/p1/milestones/base/gate"

    def read_gate() -> list[str]:
        return [reason["code"] for reason in site.get(gate)["reasons"]]

    assert read_gate() == ["gate.finding_confirmed", "gate.issue_open"]
    assert site.get(gate)["reasons"][1]["issue_id"] == issue["id"]
    site.clock.pass_hours(2)
    photo = site.send()
    assert site.step(issue, "rectified", site.contractor, media_ids=[photo], note="已修补").status_code == 200
    assert read_gate() == ["gate.finding_confirmed", "gate.issue_open"]
    closed = site.step(issue, "closed", site.other, note="复查合格")
    assert closed.json()["status"] == "closed"
    assert read_gate() == []
    assert site.get(f"/v1/findings/{finding}")["status"] == "resolved"
    reopened = site.step(issue, "reopened", site.supervisor)
    assert (reopened.json()["status"], reopened.json()["due_date"]) == ("reopened", "2026-11-21")
    assert site.get(f"/v1/findings/{finding}")["status"] == "confirmed"
    assert read_gate() == ["gate.finding_confirmed", "gate.issue_open"]
    history = site.get(f"/v1/issues/{issue['id']}")["history"]
    assert [(each["from"], each["to"], each["by"]) for each in history] == [
        (None, "open", "王工"),
        ("open", "rectified", "老赵"),
        ("rectified", "closed", "李工"),
        ("closed", "reopened", "陈科"),
    ]
    assert (history[1]["note"], history[1]["media_ids"]) == ("已修补", [photo])
    assert history[1]["after_photos"] == [{"media_id": photo, "unknown": []}]
    assert site.list_told("issue") == ["issue.open", "issue.rectified", "issue.closed", "issue.reopened"]
    assert site.list_told("finding") == ["finding.recorded", "finding.reviewed", "finding.resolved", "finding.reopened"]


def test_step__closing_with_another_token_of_the_person_who_rectified__is_forbidden(site: Site) -> None:
    """The token's person counts, not the token."""
    issue = site.raise_issue()
    site.clock.pass_hours(1)
    site.step(issue, "rectified", site.contractor, media_ids=[site.send()])
    same = site.api.make_token(Role.INSPECTOR, person="老赵")
    assert code(site.step(issue, "closed", same)) == (403, "issue.same_person")
    assert site.get(f"/v1/issues/{issue['id']}", same)["steps"] == []
    unnamed = site.api.make_token(Role.INSPECTOR)
    assert code(site.step(issue, "closed", unnamed)) == (403, "issue.person_unnamed")
    assert site.step(issue, "closed", site.inspector).status_code == 200


def test_step__by_a_role_that_may_not__is_forbidden(site: Site) -> None:
    """The contractor never closes, the operator decides nothing, the inspector does not rectify."""
    issue = site.raise_issue()
    site.clock.pass_hours(1)
    photo = site.send()
    refused = (403, "issue.role_may_not")
    assert code(site.step(issue, "rectified", site.inspector, media_ids=[photo])) == refused
    assert site.step(issue, "rectified", site.contractor, media_ids=[photo]).status_code == 200
    admin = site.api.make_token(Role.ADMIN, person="管理员")
    for headers in (site.contractor, admin, site.supervisor):
        assert code(site.step(issue, "closed", headers)) == refused


def test_step__that_does_not_follow__is_a_conflict(site: Site) -> None:
    """What is open cannot be closed."""
    issue = site.raise_issue()
    assert code(site.step(issue, "closed", site.inspector)) == (409, "issue.wrong_step")
    assert code(site.step(issue, "open", site.inspector)) == (422, "request.invalid")


def test_step__if_match__lets_one_of_two_through(site: Site) -> None:
    """Who decides upon what somebody else moved on is told so."""
    issue = site.raise_issue()
    read = site.api.client.get(f"/v1/issues/{issue['id']}", headers=site.inspector)
    assert read.headers["etag"] == '"1"'
    path = f"/v1/issues/{issue['id']}/transitions"
    first = site.api.client.post(path, json={"to": "assigned"}, headers=site.inspector | {"If-Match": '"1"'})
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    second = site.api.client.post(path, json={"to": "assigned"}, headers=site.other | {"If-Match": '"1"'})
    assert code(second) == (412, "precondition.failed")


def test_step__assigned__names_who_must_mend_it_and_by_when(site: Site) -> None:
    """To nobody it cannot be assigned; who mends it does not set his own term."""
    site.api.put_project("p2")
    nobodys = site.api.client.post("/v1/issues", json={"project_id": "p2", "title": "x"}, headers=site.inspector).json()
    assert nobodys["assigned_to"] is None
    assert code(site.step(nobodys, "assigned", site.inspector)) == (422, "issue.nobody_assigned")
    moved = site.step(nobodys, "assigned", site.supervisor, assigned_to="二队", due_date="2026-12-01").json()
    assert (moved["status"], moved["assigned_to"], moved["due_date"]) == ("assigned", "二队", "2026-12-01")
    issue = site.raise_issue()
    site.clock.pass_hours(1)
    own = site.step(issue, "rectified", site.contractor, media_ids=[site.send()], due_date="2027-12-01")
    assert code(own) == (422, "issue.terms_fixed")


def test_rectified__by_photos_that_show_nothing__is_refused_with_the_reason(site: Site) -> None:
    """None at all, of another project, older, outside, reused, not analysed: each has a code."""
    site.api.put_project("p2")
    early = site.send()
    issue = site.raise_issue()
    site.clock.pass_hours(2)
    older: dict[str, Any] = {
        "taken_local": (START + timedelta(hours=7)).replace(tzinfo=None)
    }  # an hour before it was raised

    def answer(*media_ids: str) -> tuple[int, str]:
        return code(site.step(issue, "rectified", site.contractor, media_ids=list(media_ids)))

    assert answer() == (422, "issue.after_photo_missing")
    assert answer(str(uuid4())) == (422, "issue.medium_unknown")
    assert answer(site.send(project="p2")) == (422, "issue.medium_unknown")
    assert answer(early) == (422, "issue.after_photo_older")
    assert answer(site.send(**older)) == (422, "issue.after_photo_older")
    assert answer(site.send(lon=120.09)) == (422, "issue.after_photo_elsewhere")
    assert answer(site.send(analysed=False)) == (409, "issue.after_photo_not_analysed")
    content: dict[str, Any] = {"colour": (255, 255, 255), "taken_local": datetime(2026, 11, 20, 12)}  # noqa: DTZ001 - EXIF's clock
    site.send(project="p2", **content)
    assert answer(site.send(**content)) == (422, "issue.after_photo_reused")
    tomorrow = (site.clock.present + timedelta(hours=32)).replace(tzinfo=None)
    assert answer(site.send(taken_local=tomorrow)) == (422, "issue.after_photo_time_failed")
    # One good photo does not carry a bad one.
    assert answer(site.send(), early) == (422, "issue.after_photo_older")
    assert site.get(f"/v1/issues/{issue['id']}")["status"] == "open"
    assert len(site.get(f"/v1/issues/{issue['id']}")["history"]) == 1


def test_rectified__where_nothing_can_be_told__is_accepted_and_marked(site: Site) -> None:
    """A photo that lost its EXIF on the way is unknown, never fraud."""
    issue = site.raise_issue()
    site.clock.pass_hours(2)
    photo = site.send(lon=None, lat=None, accuracy_m=None, taken_local=None)
    answered = site.step(issue, "rectified", site.contractor, media_ids=[photo]).json()
    assert answered["history"][-1]["after_photos"] == [{"media_id": photo, "unknown": ["location", "time"]}]


def test_rectified__again_after_it_failed__needs_a_photo_of_since_then(site: Site) -> None:
    """The photo of the first round, which the inspector did not accept, does not count again."""
    issue = site.raise_issue()
    site.clock.pass_hours(1)
    first = site.send()
    site.step(issue, "rectified", site.contractor, media_ids=[first])
    site.clock.pass_hours(1)
    failed = site.step(issue, "failed", site.inspector, note="仍有裂缝").json()
    assert failed["due_date"] == issue["due_date"]
    site.clock.pass_hours(1)
    again = site.step(issue, "rectified", site.contractor, media_ids=[first])
    assert code(again) == (422, "issue.after_photo_older")
    assert site.step(issue, "rectified", site.contractor, media_ids=[site.send()]).status_code == 200


def test_list_issues__filtered_and_paged__skips_none(site: Site) -> None:
    """Every filter of the contract, and pages that give each once."""
    late = site.raise_issue(due_date="2026-11-20", severity="critical", title="late")
    minor = site.raise_issue(severity="minor", milestone_id=None, title="minor")
    other = site.raise_issue(assigned_to="另一队", title="other")
    site.clock.pass_hours(24)
    site.step(other, "rectified", site.contractor, media_ids=[site.send()])

    def titles(**query: Any) -> list[str]:  # noqa: ANN401 - of any type
        return [each["title"] for each in site.get("/v1/issues", **query)["items"]]

    assert titles() == ["late", "minor", "other"]
    assert titles(overdue=True) == ["late"]
    assert titles(overdue=False) == ["minor", "other"]
    assert titles(status="rectified") == ["other"]
    assert titles(severity="minor") == ["minor"]
    assert titles(milestone_id="base") == ["late", "other"]
    assert titles(assigned_to="另一队") == ["other"]
    assert titles(project_id="p2") == []
    page = site.get("/v1/issues", limit=2)
    rest = site.get("/v1/issues", limit=2, after=page["next"])
    assert [each["id"] for each in page["items"] + rest["items"]] == [late["id"], minor["id"], other["id"]]
    assert rest["next"] is None


def test_list_issues__by_a_contractor_of_another_project__shows_none(site: Site) -> None:
    """A contractor sees its projects' issues."""
    site.raise_issue()
    site.api.put_project("p2")
    assert len(site.get("/v1/issues", site.contractor)["items"]) == 1
    other = site.api.make_token(Role.CONTRACTOR, project="p2")
    assert site.get("/v1/issues", other)["items"] == []


def test_transition__in_the_database__cannot_be_changed_or_removed(site: Site) -> None:
    """What was recorded stays, whoever holds the connection."""
    site.raise_issue()
    for statement in (
        "UPDATE issue_transition SET note = 'x'",
        "DELETE FROM issue_transition",
        "TRUNCATE issue_transition",
    ):
        with pytest.raises(psycopg.errors.RaiseException), psycopg.connect(site.api.database.url) as connection:
            connection.execute(statement)


def count_told(site: Site, now: datetime) -> int:
    """How many were told at this time."""
    with site.api.database.transaction() as connection:
        return remind(connection, now=now, limit=10)


def test_remind__an_overdue_issue__is_told_once_for_its_term(site: Site) -> None:
    """At its due time and not again, unless a new term passes too."""
    issue = site.raise_issue(due_date="2026-11-21")
    due_at = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    assert count_told(site, due_at - timedelta(seconds=1)) == 0
    assert [count_told(site, due_at) for _ in range(2)] == [1, 0]
    site.step(issue, "assigned", site.inspector, due_date="2026-11-25")
    assert count_told(site, due_at + timedelta(days=3)) == 0
    assert count_told(site, due_at + timedelta(days=4)) == 1
    assert site.list_told("issue") == ["issue.open", "issue.overdue", "issue.assigned", "issue.overdue"]


def test_remind__a_finding_unreviewed_for_48_hours__is_told_once(site: Site) -> None:
    """Counted from when it was recorded, which is the database's time."""
    finding = site.find()
    recorded_at = datetime.fromisoformat(site.get(f"/v1/findings/{finding}")["recorded_at"])
    assert count_told(site, recorded_at + timedelta(hours=47, minutes=59)) == 0
    assert [count_told(site, recorded_at + timedelta(hours=48)) for _ in range(2)] == [1, 0]
    assert site.list_told("finding") == ["finding.recorded", "finding.unreviewed"]


def test_remind__what_was_mended_or_reviewed__is_not_told(site: Site) -> None:
    """Who answered in time is not called late, however late the inspector comes."""
    finding = site.find()
    issue = site.raise_issue(finding_ids=[finding])
    site.clock.pass_hours(1)
    site.step(issue, "rectified", site.contractor, media_ids=[site.send()])
    assert count_told(site, datetime(2100, 1, 1, tzinfo=UTC)) == 0
