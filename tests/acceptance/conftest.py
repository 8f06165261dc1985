"""The whole product, started as a person starts it: `siteproof up` on embedded defaults, in an empty home."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil
import pytest

from domain.access import Role

T = TypeVar("T")
AREA = "county/town/village"


@dataclass(frozen=True)
class Service:
    """A running `siteproof up`."""

    process: psutil.Process
    home: Path
    mqtt_port: int
    admin: httpx2.Client
    environment: dict[str, str]
    clients: list[httpx2.Client] = field(default_factory=list)

    def run(self, *arguments: str, expect: int = 0) -> str:
        """Run `siteproof` in the same home, as an operator beside the service would, and return what it printed."""
        command = [sys.executable, "-m", "runtime", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == expect, done.stderr
        return done.stdout

    def make_client(self, role: Role, *, person: str | None = None, area: str = AREA) -> httpx2.Client:
        """A client with a token that the command line made."""
        arguments = ["token", "create", "--role", role, "--area", area]
        token = self.run(*arguments, *(["--person", person] if person else [])).strip()
        client = httpx2.Client(base_url=self.admin.base_url, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self.clients.append(client)
        return client

    def find_part(self, name: str) -> psutil.Process:
        """The process of a part, started by this service."""
        for child in self.process.children():
            # One that was just killed is a zombie until the supervisor looks, and gone after it.
            with suppress(psutil.NoSuchProcess):
                if name in child.cmdline() or (name == "mosquitto" and child.name() == "mosquitto"):
                    return child
        raise LookupError(name)

    def kill_part(self, name: str) -> None:
        """End a part and its children at once, as a power cut would."""
        part = self.find_part(name)
        for process in [part, *part.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        # Until the supervisor has seen it, the one that was killed could be taken for the one that follows it.
        part.wait(timeout=60)


def find_free_port() -> int:
    """A port on loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(ask: Callable[[], T | None], *, seconds: float = 90) -> T:
    """Ask until the answer is true, at most so long."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"still {answer!r} after {seconds} s")
        time.sleep(0.1)


def start_service(repository: Path, home: Path, *arguments: str) -> tuple[subprocess.Popen[bytes], int, int]:
    """Start `siteproof up` in a process group of its own; gives back the process and the two ports."""
    port, mqtt_port = find_free_port(), find_free_port()
    command = [sys.executable, "-m", "runtime", "up", "--home", str(home), "--port", str(port)]
    log = (home.parent / "up.log").open("ab")
    process = subprocess.Popen(
        [*command, "--mqtt-port", str(mqtt_port), *arguments],
        cwd=repository,
        env=make_environment(home),
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    log.close()
    return process, port, mqtt_port


def make_environment(home: Path) -> dict[str, str]:
    """An environment in which lost work is found again within seconds, so that the tests need not wait."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SITEPROOF_")}
    changes = {"HOME": str(home), "LEASE_S": "3", "RING_AGAIN_S": "3", "SWEEP_EVERY_S": "1"}
    changes["WEBHOOK_NETWORKS"] = "127.0.0.0/8"
    return kept | {f"SITEPROOF_{key}": value for key, value in changes.items()}


def stop_service(process: subprocess.Popen[bytes]) -> None:
    """Ctrl-C, and the whole group if that does not end it."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="session")
def service(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One running service for all acceptance tests."""
    home = tmp_path_factory.mktemp("acceptance") / "home"
    process, port, mqtt_port = start_service(repository, home)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: is_ready(address) or process.poll() is not None, seconds=120)
        assert process.poll() is None, (home.parent / "up.log").read_text(encoding="utf-8")
        token = (home / "admin.token").read_text(encoding="utf-8")
        headers = {"Authorization": f"Bearer {token.strip()}"}
        with httpx2.Client(base_url=address, headers=headers, timeout=60) as admin:
            running = Service(psutil.Process(process.pid), home, mqtt_port, admin, make_environment(home))
            yield running
            for client in running.clients:
                client.close()
    finally:
        stop_service(process)


def is_ready(address: str) -> bool:
    """Whether the service says that it can work."""
    try:
        return httpx2.get(f"{address}/readyz", timeout=5).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False


def set_up_road(service: Service, project_id: str) -> dict[str, Any]:
    """The sample road of `sample_media/demo.json` under an id of its own, in AREA; gives back the sample."""
    samples = Path(__file__).parent.parent.parent / "sample_media" / "demo.json"
    project: dict[str, Any] = json.loads(samples.read_text(encoding="utf-8"))["projects"][0]
    path = f"/v1/projects/{project_id}"
    body = {key: project[key] for key in ("name", "kind", "time_zone", "starts_on", "ends_on", "position")}
    for suffix, content in (
        ("", body | {"area": AREA}),
        ("/boundary", project["boundary"]),
        ("/alignment", project["alignment"]),
        ("/milestones/base", {"title": "基层 Base course"}),
    ):
        assert service.admin.put(path + suffix, json=content).status_code in {200, 201}
    return project
