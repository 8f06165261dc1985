import json
from pathlib import Path
from typing import Any

import httpx2

from domain.access import Role
from tests.acceptance.conftest import Service, set_up_road, wait_for


def test_photo_becomes_finding(service: Service, repository: Path) -> None:
    """A phone's photo of a worker without a helmet becomes a finding of its milestone, and an inspector confirms it."""
    set_up_road(service, "photo-road")
    field = service.make_client(Role.FIELD)
    photo = repository / "sample_media" / "road-no-hardhat.jpg"
    sent = field.post(
        "/v1/projects/photo-road/media",
        files={"file": (photo.name, photo.read_bytes())},
        data={"capture": json.dumps({"milestone_id": "base"})},
    )
    assert sent.status_code == 201
    media_id = sent.json()["id"]
    assert {each["check"]: each["verdict"] for each in sent.json()["checks"]}["location"] == "pass"

    medium = wait_for(lambda: _find_analysed(field, media_id))
    assert "person" in {each["label"] for each in medium["detections"]}
    inspector = service.make_client(Role.INSPECTOR, person="王工")
    found = inspector.get("/v1/findings", params={"milestone_id": "base", "project_id": "photo-road"}).json()["items"]
    (finding,) = [each for each in found if each["code"] == "safety.no_hardhat"]
    assert finding["media_id"] == media_id
    left, top, right, bottom = finding["box_xyxy_px"]
    assert 0 <= left < right <= medium["width_px"]
    assert 0 <= top < bottom <= medium["height_px"]

    gate = inspector.get("/v1/projects/photo-road/milestones/base/gate").json()
    assert gate["verdict"] == "hold"
    assert finding["id"] in {reason.get("finding_id") for reason in gate["reasons"]}

    picture = inspector.get(f"/v1/media/{media_id}/preview", params={"annotated": True})
    assert picture.content.startswith(b"\xff\xd8\xff")
    reviewed = inspector.post(f"/v1/findings/{finding['id']}/review", json={"decision": "dismissed", "reason": "演练"})
    assert reviewed.json()["status"] == "dismissed"
    gate = inspector.get("/v1/projects/photo-road/milestones/base/gate").json()
    assert finding["id"] not in {reason.get("finding_id") for reason in gate["reasons"]}

    events = service.admin.get("/v1/events", params={"limit": 500}).json()["items"]
    told = [each["type"] for each in events if each["subject"] == f"findings/{finding['id']}"]
    assert told == ["siteproof.finding.recorded", "siteproof.finding.reviewed"]


def _find_analysed(client: httpx2.Client, media_id: str) -> dict[str, Any] | None:
    medium: dict[str, Any] = client.get(f"/v1/media/{media_id}").json()
    return medium if medium["status"] == "analysed" else None
