"""The API and its pages on a port of their own, without the parts that look at pixels and listen to sensors."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
import uvicorn
from playwright.sync_api import Playwright, sync_playwright

from api.application import create_application
from api.services import Services
from domain.access import Role
from domain.clock import SystemClock
from runtime.log_home import DiskLogHome
from runtime.log_keeper import LogKeeper
from runtime.settings import PAGES, SAMPLE_MEDIA, WEIGHTS
from storage.database import Database
from storage.media_store import DiskMediaStore
from storage.token import create_token, revoke_token
from tests.phone import Network
from vision.hazard_rules import load_default_rules
from vision.weights import load_manifest

AREA = "county/town/village"
UPLOAD_BYTES = 20_000_000


@dataclass(frozen=True)
class Site:
    """A service that answers, with what a test wants to look at behind it."""

    admin: httpx2.Client
    database: Database
    port: int
    partial_folder: Path

    def make_token(self, project_id: str) -> tuple[UUID, str]:
        """Id and text of a field token for one project."""
        with self.database.transaction() as connection:
            token, text = create_token(
                connection, role=Role.FIELD, area=AREA, project_id=project_id, person=None, name="phone"
            )
        return token.id, text

    def revoke(self, token_id: UUID) -> None:
        """Take a token away."""
        with self.database.transaction() as connection:
            assert revoke_token(connection, token_id=token_id)

    def put_road(self, project_id: str, *, requires: dict[str, Any]) -> dict[str, Any]:
        """The sample road, with one milestone; gives back the sample."""
        samples = json.loads((SAMPLE_MEDIA / "demo.json").read_text(encoding="utf-8"))
        road: dict[str, Any] = samples["projects"][0]
        body = {key: road[key] for key in ("name", "kind", "time_zone", "starts_on", "ends_on", "position")}
        path = f"/v1/projects/{project_id}"
        for suffix, content in (
            ("", body | {"area": AREA}),
            ("/boundary", road["boundary"]),
            ("/alignment", road["alignment"]),
            ("/milestones/base", {"title": "基层 Base course", "requires": requires}),
        ):
            assert self.admin.put(path + suffix, json=content).is_success
        return road

    def list_media(self, project_id: str) -> list[dict[str, Any]]:
        """What arrived."""
        answer = self.admin.get(f"/v1/projects/{project_id}/media", params={"limit": 100})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@contextmanager
def serve_site(url: str, folder: Path) -> Iterator[Site]:
    """Serve a migrated database and an empty folder until the block ends."""
    database = Database(url, max_connections=8)
    store = DiskMediaStore(folder / "media")
    services = Services(
        database=database,
        media_store=store,
        clock=SystemClock(),
        ring=lambda _: None,
        evidence_log=LogKeeper(database, DiskLogHome(folder / "evidence-log"), SystemClock()),
        max_upload_bytes=UPLOAD_BYTES,
        pages=PAGES,
        hazard_rules=load_default_rules(),
        models=lambda: [load_manifest(WEIGHTS)],
    )
    server = uvicorn.Server(
        uvicorn.Config(create_application(services), host="127.0.0.1", port=0, log_config=None, ws="none")
    )
    running = threading.Thread(target=server.run)
    running.start()
    try:
        port = _find_port(server)
        with database.transaction() as connection:
            _, text = create_token(connection, role=Role.ADMIN, area="/", project_id=None, person=None, name="operator")
        headers = {"Authorization": f"Bearer {text}"}
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as admin:
            yield Site(admin, database, port, store.partial_folder)
    finally:
        server.should_exit = True
        running.join(timeout=60)
        database.close()


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    """A service of the test's own: the fake camera shows every phone the same film, which would be reuse."""
    with serve_site(database_url, tmp_path / "site") as served:
        yield served


def _find_port(server: uvicorn.Server) -> int:
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.05)
    return int(server.servers[0].sockets[0].getsockname()[1])


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright's own process."""
    with sync_playwright() as running:
        yield running


@pytest.fixture
def network(site: Site) -> Iterator[Network]:
    """The way from the phone to the service."""
    carried = Network(site.port)
    yield carried
    carried.close()
