import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from standardwebhooks import Webhook

from domain.access import Role
from tests.acceptance.conftest import AREA, Service, wait_for
from tests.integration.runtime.test_deliver import Endpoint, listen

PROJECT = "core-road"
Process = subprocess.Popen[str]


def test_core_system_pays_once(service: Service, repository: Path, tmp_path: Path) -> None:
    """The sample of docs/integrate.md: registers, is held, is killed, goes on, pays once when the photo is there."""
    contract = json.loads((repository / "docs/integrate/contract.json").read_text(encoding="utf-8"))
    contract |= {"id": PROJECT, "milestones": contract["milestones"][:1]}
    (tmp_path / "contract.json").write_text(json.dumps(contract), encoding="utf-8")
    token = service.run("token", "create", "--role", "core", "--area", AREA).strip()

    with run_core_system(service, repository, tmp_path, token=token) as core:
        assert read_line(core) == f"registered {PROJECT}"
        assert read_line(core).startswith(f"held {PROJECT}/base gate.photos_missing")
        core.send_signal(signal.SIGKILL)
    assert list_payments(tmp_path) == []

    with run_core_system(service, repository, tmp_path, token=token) as core:
        assert read_line(core) == f"registered {PROJECT}"
        photo = (repository / "sample_media" / "road-inside-safe.jpg").read_bytes()
        sent = service.make_client(Role.FIELD).post(
            f"/v1/projects/{PROJECT}/media",
            files={"file": ("a.jpg", photo)},
            data={"capture": json.dumps({"milestone_id": "base"})},
        )
        assert sent.status_code == 201, sent.json()
        # Nobody tells it but the events.
        assert core.wait(timeout=120) == 0
        assert core.stdout is not None
        assert core.stdout.read().splitlines()[-1] == f"paid {PROJECT}/base 120000 yuan"
    assert list_payments(tmp_path) == [(PROJECT, "base", 120_000)]

    with run_core_system(service, repository, tmp_path, token=token) as core:
        assert core.wait(timeout=60) == 0
        assert core.stdout is not None
        assert core.stdout.read().splitlines() == [f"registered {PROJECT}"]
    assert list_payments(tmp_path) == [(PROJECT, "base", 120_000)]


def test_core_system__refused__says_why_and_ends(service: Service, repository: Path, tmp_path: Path) -> None:
    """A token that may not create the project ends it with the service's code, instead of trying for ever."""
    contract = (repository / "docs/integrate/contract.json").read_text(encoding="utf-8")
    (tmp_path / "contract.json").write_text(contract, encoding="utf-8")
    token = service.run("token", "create", "--role", "core", "--area", "county/elsewhere").strip()
    with run_core_system(service, repository, tmp_path, token=token) as core:
        assert core.wait(timeout=60) == 1
        assert core.stderr is not None
        assert "access.area_forbidden" in core.stderr.read()


@contextmanager
def run_core_system(service: Service, repository: Path, folder: Path, *, token: str) -> Iterator[Process]:
    """The sample, as docs/integrate.md says, ended with the block."""
    process = subprocess.Popen(
        [
            sys.executable,
            str(repository / "docs/integrate/core_system.py"),
            str(folder / "contract.json"),
            str(repository / "docs/integrate/boundary.geojson"),
            *("--url", str(service.admin.base_url), "--state", str(folder / "core.sqlite"), "--until-paid"),
        ],
        env=os.environ | {"SITEPROOF_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def read_line(process: Process) -> str:
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def list_payments(folder: Path) -> list[tuple[str, str, int]]:
    """What its ledger says was paid."""
    ledger = sqlite3.connect(folder / "core.sqlite")
    try:
        return ledger.execute("SELECT project_id, milestone_id, amount_yuan FROM payment").fetchall()
    finally:
        ledger.close()


def test_event_reaches_webhook__through_a_killed_deliverer(service: Service) -> None:
    """`siteproof up` delivers; an event of while the deliverer is dead arrives once it is started again."""
    core = service.make_client(Role.CORE)
    with listen() as endpoint:
        secret = core.put("/v1/webhooks/acceptance", json={"url": endpoint.url}).json()["secret"]
        for project_id in ("hook-1", "hook-2"):
            body = {"name": "路", "kind": "road", "area": AREA}
            assert core.put(f"/v1/projects/{project_id}", json=body).status_code == 201
            wait_for(partial(has_arrived, endpoint, f"projects/{project_id}"))
            service.kill_part("deliver")
        for headers, content in endpoint.requests:
            assert Webhook(secret).verify(content, headers)["id"] == headers["webhook-id"]
        core.delete("/v1/webhooks/acceptance")


def has_arrived(endpoint: Endpoint, subject: str) -> bool:
    """Whether the endpoint got an event about this."""
    return subject in endpoint.subjects
