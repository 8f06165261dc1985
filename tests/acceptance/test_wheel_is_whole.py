import os
import subprocess
import sys
import venv
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.conftest import find_free_port, is_ready, make_environment, stop_service, wait_for


@pytest.mark.timeout(900)
def test_wheel__in_an_empty_environment__is_the_whole_product(repository: Path, tmp_path: Path) -> None:
    """`pip install .` gives pages, weights, SQL and samples: `siteproof up --demo` shows findings and readings."""
    wheel = build_wheel(repository, tmp_path / "dist")
    program = install(wheel, repository, tmp_path / "environment")
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    port, mqtt_port = find_free_port(), find_free_port()
    log = (tmp_path / "up.log").open("wb")
    command = [str(program), "up", "--demo", "--home", str(home), "--port", str(port), "--mqtt-port", str(mqtt_port)]
    process = subprocess.Popen(
        command,
        cwd=elsewhere,
        env=make_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    log.close()
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: is_ready(address) or process.poll() is not None, seconds=120)
        assert process.poll() is None, (tmp_path / "up.log").read_text(encoding="utf-8")
        token = (home / "admin.token").read_text(encoding="utf-8").strip()
        with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=60) as admin:
            page = admin.get("/")
            assert page.status_code == 200
            assert "script-src 'self'" in page.headers["content-security-policy"]
            for path in {part.split('"')[0] for part in page.text.split('"/assets/')[1:]}:
                assert admin.get(f"/assets/{path}").status_code == 200
            codes = wait_for(
                lambda: _find_codes(admin, {"safety.no_hardhat", "evidence.location_outside"}), seconds=180
            )
            assert "sensor.threshold" in codes or wait_for(
                lambda: _find_codes(admin, {"sensor.threshold"}), seconds=120
            )
            readings = admin.get("/v1/sensors/demo-pier-1/readings", params={"every": "1h"}).json()["items"]
            assert len(readings) >= 6
    finally:
        stop_service(process)
    assert "three things to try" in (tmp_path / "up.log").read_text(encoding="utf-8").lower()


def build_wheel(repository: Path, folder: Path) -> Path:
    """The wheel, built as pip builds it."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(repository),
    ]
    subprocess.run(command, check=True, timeout=280)
    (wheel,) = folder.glob("siteproof-*.whl")
    return wheel


def install(wheel: Path, repository: Path, folder: Path) -> Path:
    """Install the wheel with its locked dependencies into an empty environment; gives back its program."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    lock = repository / "requirements" / "base.lock"
    subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=True, env=environment, timeout=280)
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True, env=environment, timeout=120)
    return folder / "bin" / "siteproof"


def _find_codes(client: httpx2.Client, wanted: set[str]) -> set[str] | None:
    codes = {each["code"] for each in client.get("/v1/findings", params={"limit": 500}).json()["items"]}
    return codes if wanted <= codes else None
