"""openapi.json is checked in and in step with the code. `python -m tests.architecture.test_openapi` writes it."""

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from api.application import create_application, list_routes
from api.openapi import find_roles
from api.services import Services
from domain.clock import SystemClock
from runtime.log_home import DiskLogHome
from runtime.log_keeper import LogKeeper
from storage.database import Database
from storage.media_store import DiskMediaStore
from vision.hazard_rules import load_default_rules

OPENAPI = Path(__file__).parent.parent.parent / "openapi.json"
WITHOUT_TOKEN = {"/healthz", "/readyz", "/metrics", "/v1/uploads"}  # of tus: OPTIONS alone


def make_application() -> FastAPI:
    """The application, on services that no test here touches."""
    services = Services(
        database=Database("dbname=none"),
        media_store=DiskMediaStore(Path("none")),
        clock=SystemClock(),
        ring=lambda _: None,
        evidence_log=LogKeeper(Database("dbname=none"), DiskLogHome(Path("none")), SystemClock()),
        max_upload_bytes=1,
        pages=Path("none"),
        hazard_rules=load_default_rules(),
    )
    return create_application(services)


def render() -> str:
    """openapi.json as it should be; the version is left to the release."""
    schema: dict[str, Any] = dict(make_application().openapi())
    schema["info"] = {**schema["info"], "version": "1"}
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def test_openapi__checked_in__is_what_the_code_says() -> None:
    """Who integrates against the file integrates against the code (`make openapi` writes it)."""
    assert OPENAPI.read_text(encoding="utf-8") == render()


def test_routes__each__names_its_roles_or_is_known_to_be_open() -> None:
    """A route without roles is an oversight, unless it stands here."""
    routes = list_routes()
    assert len(routes) > 25
    assert {route.path for route in routes if find_roles(route) is None} == WITHOUT_TOKEN


if __name__ == "__main__":
    OPENAPI.write_text(render(), encoding="utf-8")
