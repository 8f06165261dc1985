import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from domain.access import Role
from tests.acceptance.conftest import Service, set_up_road, wait_for
from tests.pictures import make_jpeg

INSIDE = {"lon": 120.0617, "lat": 30.2902, "accuracy_m": 5.0}  # within the sample road's boundary
GATE = "/v1/projects/issue-road/milestones/base/gate"


def test_finding_becomes_closed_issue(service: Service, repository: Path) -> None:
    """A worker without a helmet becomes an issue that a contractor mends and another person closes."""
    set_up_road(service, "issue-road")
    contractor = service.make_client(Role.CONTRACTOR, person="老赵")
    inspector = service.make_client(Role.INSPECTOR, person="王工")
    other = service.make_client(Role.INSPECTOR, person="李工")
    same_person = service.make_client(Role.INSPECTOR, person="老赵")
    colours = iter([(30 * number, 90, 120) for number in range(8)])

    photo = (repository / "sample_media" / "road-no-hardhat.jpg").read_bytes()
    send(service.make_client(Role.FIELD), photo, {"milestone_id": "base"})
    findings = wait_for(lambda: inspector.get("/v1/findings?project_id=issue-road&status=open").json()["items"])
    (finding,) = [each for each in findings if each["code"] == "safety.no_hardhat"]
    for each in findings:
        body: dict[str, Any] = {"decision": "dismissed", "reason": "演练"}
        if each is finding:
            body |= {"decision": "confirmed", "reason": "情况属实", "issue": {"title": "未戴安全帽作业"}}
        reviewed = inspector.post(f"/v1/findings/{each['id']}/review", json=body)
        assert reviewed.status_code == 200, reviewed.json()
    issue = get_issue(inspector, inspector.get(f"/v1/findings/{finding['id']}").json()["issue_id"])
    assert (issue["status"], issue["severity"], issue["finding_ids"]) == ("open", finding["severity"], [finding["id"]])
    assert {"gate.finding_confirmed", "gate.issue_open"} == set(read_gate(inspector))

    old = send(contractor, make_photo(colours, taken_at=datetime.now(UTC) - timedelta(hours=3)))
    refused = step(contractor, issue, "rectified", media_ids=[old])
    assert (refused.status_code, refused.json()["code"]) == (422, "issue.after_photo_older")
    first = send(contractor, make_photo(colours, taken_at=datetime.now(UTC)))
    assert step(contractor, issue, "rectified", media_ids=[first], note="已戴").json()["status"] == "rectified"

    assert step(contractor, issue, "closed").json()["code"] == "issue.role_may_not"
    assert step(same_person, issue, "closed").json()["code"] == "issue.same_person"
    assert step(other, issue, "failed", note="仍有一人未戴").json()["status"] == "failed"
    assert step(contractor, issue, "rectified", media_ids=[first]).json()["code"] == "issue.after_photo_older"
    second = send(contractor, make_photo(colours, taken_at=datetime.now(UTC)))
    assert step(contractor, issue, "rectified", media_ids=[second]).json()["status"] == "rectified"
    assert step(inspector, issue, "closed", note="复查合格").json()["status"] == "closed"

    assert inspector.get(f"/v1/findings/{finding['id']}").json()["status"] == "resolved"
    assert inspector.get(GATE).json()["verdict"] == "pass", read_gate(inspector)
    history = get_issue(inspector, issue["id"])["history"]
    assert [(each["to"], each["person"]) for each in history] == [
        ("open", "王工"),
        ("rectified", "老赵"),
        ("failed", "李工"),
        ("rectified", "老赵"),
        ("closed", "王工"),
    ]
    assert wait_for(lambda: list_told(service, finding, issue) if is_told(service, finding) else None) == [
        "siteproof.finding.recorded",
        "siteproof.finding.reviewed",
        "siteproof.issue.open",
        "siteproof.issue.rectified",
        "siteproof.issue.failed",
        "siteproof.issue.rectified",
        "siteproof.issue.closed",
        "siteproof.finding.resolved",
    ]


def make_photo(colours: Iterator[tuple[int, int, int]], *, taken_at: datetime) -> bytes:
    """An after-photo on site, of a colour of its own, with nothing on it to find."""
    local = (taken_at + timedelta(hours=8)).replace(tzinfo=None)
    return make_jpeg(lon=INSIDE["lon"], lat=INSIDE["lat"], accuracy_m=5, taken_local=local, colour=next(colours))


def send(client: httpx2.Client, content: bytes, capture: dict[str, str] | None = None) -> str:
    """Send a photo and wait until it is analysed; its id."""
    data = {} if capture is None else {"capture": json.dumps(capture)}
    sent = client.post("/v1/projects/issue-road/media", files={"file": ("a.jpg", content)}, data=data)
    media_id = str(sent.json()["id"])
    wait_for(lambda: client.get(f"/v1/media/{media_id}").json()["status"] == "analysed")
    return media_id


def step(client: httpx2.Client, issue: dict[str, Any], to: str, **body: object) -> httpx2.Response:
    """Ask for a step of an issue."""
    return client.post(f"/v1/issues/{issue['id']}/transitions", json={"to": to, **body})


def get_issue(client: httpx2.Client, issue_id: str) -> dict[str, Any]:
    """An issue with its history."""
    issue: dict[str, Any] = client.get(f"/v1/issues/{issue_id}").json()
    return issue


def read_gate(client: httpx2.Client) -> list[str]:
    """The codes for which the milestone holds."""
    return [reason["code"] for reason in client.get(GATE).json()["reasons"]]


def list_told(service: Service, finding: dict[str, Any], issue: dict[str, Any]) -> list[str]:
    """The types of all events about a finding and its issue, in their order."""
    subjects = {f"findings/{finding['id']}", f"issues/{issue['id']}"}
    told: list[str] = []
    after = None
    while True:
        page = service.admin.get("/v1/events", params={"limit": 500} | ({"after": after} if after else {})).json()
        told += [each["type"] for each in page["items"] if each["subject"] in subjects]
        if not page["items"]:
            return told
        after = page["next"]


def is_told(service: Service, finding: dict[str, Any]) -> bool:
    """Whether the last event can be read already: readers stop before transactions that still run."""
    return "siteproof.finding.resolved" in list_told(service, finding, {"id": ""})
