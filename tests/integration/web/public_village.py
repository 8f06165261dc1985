"""A village road as everybody sees it: stages, pictures, faults, reports; for the page's tests and its pictures."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2

from domain.access import Role
from runtime.settings import SAMPLE_MEDIA
from storage.token import create_token
from tests.integration.web.conftest import Site

PHOTOS = ("road-inside-safe.jpg", "road-machine.jpg", "road-no-hardhat.jpg")
STAGES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("base", "水泥稳定基层", "2026-10-31", {"photos": {"min": 1}}),
    ("slab", "水泥混凝土面层", "2027-01-31", {"photos": {"min": 6}}),
    ("drain", "边沟与路肩", "2027-03-31", {}),
)


def open_village(site: Site, *, analyse: Callable[[UUID], None]) -> str:
    """Build it up over HTTP, let its photos be analysed, and let them onto the page; the page's path."""
    road = site.put_road("public", requires={"photos": {"min": 1}})
    body = {key: road[key] for key in ("kind", "time_zone", "starts_on", "ends_on", "position")}
    body |= {"name": "清溪村通村公路硬化工程", "area": "青山县/清溪镇/清溪村", "contractor": "青山县路桥有限公司"}
    answer = site.admin.put("/v1/projects/public", json=body)
    assert answer.is_success, answer.text
    project = answer.json()
    for stage, title, planned_on, requires in STAGES:
        stage_body = {"title": title, "planned_on": planned_on, "requires": requires}
        assert site.admin.put(f"/v1/projects/public/milestones/{stage}", json=stage_body).is_success
    with _speak(site, Role.INSPECTOR) as inspector:
        for number, name in enumerate(PHOTOS):
            media_id = _send(inspector, name, milestone_id=STAGES[min(number, 1)][0])
            analyse(UUID(media_id))
            assert inspector.put(f"/v1/media/{media_id}/publication", json={"shown": True}).is_success
        for title, severity in (("K0+120 面层裂缝，长约 2 米", "major"), ("K0+260 边沟未清理", "minor")):
            issue = {"project_id": "public", "title": title, "severity": severity}
            assert inspector.post("/v1/issues", json=issue).is_success
        path = f"/p/{project['public_code']}"
        for text in ("村口路面积水，下雨天过不去", "晚上十一点还在施工，影响休息"):
            form = {"text": text, "place": "村口", "contact": "13800000000", "opened": "0"}
            assert site.admin.post(f"{path}/reports", data=form).status_code == 303
        first = inspector.get("/v1/reports").json()["items"][0]["id"]
        reply = {
            "status": "answered",
            "answer": "已查看，属排水口堵塞，三天内疏通。",
            "issue": {"title": "排水口堵塞"},
        }
        assert inspector.post(f"/v1/reports/{first}/answer", json=reply).is_success
    return path


def _speak(site: Site, role: Role) -> httpx2.Client:
    with site.database.transaction() as connection:
        _, text = create_token(connection, role=role, area="/", project_id=None, person="王工", name="desk")
    return httpx2.Client(base_url=site.admin.base_url, headers={"Authorization": f"Bearer {text}"}, timeout=60)


def _send(client: httpx2.Client, name: str, *, milestone_id: str) -> str:
    answer = client.post(
        "/v1/projects/public/media",
        files={"file": (name, (SAMPLE_MEDIA / name).read_bytes())},
        data={"capture": json.dumps({"milestone_id": milestone_id})},
    )
    body: dict[str, Any] = answer.json()
    return str(body["id"])
