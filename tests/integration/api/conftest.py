"""The application on a real database and a real folder; tokens for every role."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.application import create_application
from api.services import Services
from domain.access import Role
from domain.clock import SystemClock
from runtime.log_home import DiskLogHome
from runtime.log_keeper import LogKeeper
from runtime.settings import WEIGHTS
from storage.database import Database
from storage.media_store import DiskMediaStore
from storage.token import create_token
from vision.hazard_rules import load_default_rules
from vision.weights import load_manifest

AREA = "county/town/village"
MAX_UPLOAD_BYTES = 2_000_000


@dataclass
class Api:
    """The application, with what a test wants to look at behind it."""

    application: FastAPI
    client: TestClient
    database: Database
    media_folder: Path
    rung: list[UUID] = field(default_factory=list)

    def make_token(
        self, role: Role, *, area: str = AREA, project: str | None = None, person: str | None = None
    ) -> dict[str, str]:
        """Headers of a fresh token."""
        with self.database.transaction() as connection:
            _, text = create_token(
                connection, role=role, area=area, project_id=project, person=person, name=f"test {role}"
            )
        return {"Authorization": f"Bearer {text}"}

    def put_project(self, project_id: str = "p1", *, area: str = AREA, **changes: object) -> httpx2.Response:
        """Create a project as the core system would."""
        body = {"name": "村道", "kind": "road", "area": area, **changes}
        return self.client.put(
            f"/v1/projects/{project_id}", json=body, headers=self.make_token(Role.CORE, area="county")
        )


@pytest.fixture
def api(database: Database, tmp_path: Path) -> Iterator[Api]:
    """The application on a fresh database."""
    rung: list[UUID] = []
    services = Services(
        database=database,
        media_store=DiskMediaStore(tmp_path / "media"),
        clock=SystemClock(),
        ring=rung.append,
        evidence_log=LogKeeper(database, DiskLogHome(tmp_path / "evidence-log"), SystemClock()),
        max_upload_bytes=MAX_UPLOAD_BYTES,
        pages=tmp_path / "pages",
        hazard_rules=load_default_rules(),
        models=lambda: [load_manifest(WEIGHTS)],
        stream_lifetime_s=0.2,
    )
    application = create_application(services)
    with TestClient(application, raise_server_exceptions=False) as client:
        yield Api(application, client, database, tmp_path / "media", rung)


SQUARE = {
    # About 96 m by 111 m around 120.0605 E, 30.2905 N.
    "type": "Feature",
    "properties": {},
    "geometry": {
        "type": "Polygon",
        "coordinates": [
            [[120.060, 30.290], [120.061, 30.290], [120.061, 30.291], [120.060, 30.291], [120.060, 30.290]]
        ],
    },
}
