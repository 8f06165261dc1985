"""`siteproof watch` against a real RTSP server and a real folder, a camera that hangs, killed processes."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from domain.access import Role
from tests.acceptance.conftest import Service, find_free_port, set_up_road, wait_for
from tests.pictures import make_jpeg
from tests.rtsp_camera import RtspCamera

_DAY = timezone(timedelta(hours=8))


@contextmanager
def _watch(service: Service, source: str, project: str, *more: str, token: str, url: str = "") -> Iterator[Any]:
    """A `siteproof watch` that is killed at the end, as a power cut would."""
    address = url or str(service.admin.base_url)
    command = [sys.executable, "-m", "runtime", "watch", source, "--camera", "gate", "--project", project]
    with (service.home.parent / "watch.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--url", address, *more],
            env=service.environment | {"SITEPROOF_TOKEN": token},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)


def _make_token(service: Service) -> str:
    client = service.make_client(Role.FIELD)
    return str(client.headers["Authorization"]).removeprefix("Bearer ")


def _list_media(service: Service, project: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = service.admin.get(f"/v1/projects/{project}/media", params={"limit": 200}).json()[
        "items"
    ]
    return items


@pytest.fixture
def camera() -> Iterator[RtspCamera]:
    """A camera in whose picture something moves."""
    camera = RtspCamera(find_free_port())
    camera.moves.set()
    camera.start()
    yield camera
    camera.stop()


def test_stream__gives_photos_and_clips_and_comes_back_after_the_camera_hung(
    service: Service, camera: RtspCamera
) -> None:
    """Snapshots, a clip of what moves that the worker can decode, and after a pause snapshots again."""
    set_up_road(service, "stream-road")
    options = ("--every", "1", "--clip", "2", "--clip-every", "5")
    with _watch(service, camera.url, "stream-road", *options, token=_make_token(service)):
        wait_for(lambda: _has(service, "stream-road", photos=3, clips=1))
        camera.hangs.set()
        wait_for(lambda: "the stream broke: nothing came" in (service.home.parent / "watch.log").read_text())
        seen = len(_list_media(service, "stream-road"))
        camera.hangs.clear()
        wait_for(lambda: len(_list_media(service, "stream-road")) > seen + 3)
        status = service.admin.get("/v1/projects/stream-road/cameras/gate/status").json()
    assert (status["state"], status["faults"]) == ("sending", [])
    clips = [each for each in _list_media(service, "stream-road") if each["format"] == "video/mp4"]
    analysed = wait_for(lambda: _find_analysed(service, clips[0]["id"]))
    assert (analysed["width_px"], analysed["height_px"]) == (320, 240)
    # From the key frame before until two seconds after: a key frame comes each second.
    assert 1.5 <= analysed["metadata"]["duration_s"] <= 4.5


def test_stream__while_the_api_is_away_and_the_watcher_is_killed__loses_nothing(
    service: Service, camera: RtspCamera
) -> None:
    """What was accepted on disk arrives, each shot once, though nobody answered and the process was killed."""
    set_up_road(service, "watched-kill-road")
    token, options = _make_token(service), ("--every", "1", "--clip", "0")
    outbox = service.home / "watch" / "gate@watched-kill-road" / "outbox"
    nowhere = f"http://127.0.0.1:{find_free_port()}"
    with _watch(service, camera.url, "watched-kill-road", *options, token=token, url=nowhere):
        wait_for(lambda: len(list(outbox.glob("*.json"))) >= 4)
    accepted = {json.loads(note.read_text())["client_id"] for note in outbox.glob("*.json")}
    camera.stop()
    with _watch(service, camera.url, "watched-kill-road", *options, token=token):
        wait_for(lambda: not list(outbox.glob("*.json")))
    assert sorted(each["capture"]["client_id"] for each in _list_media(service, "watched-kill-road")) == sorted(
        accepted
    )


def test_folder__each_file_once_through_kills__and_the_cameras_clock_is_measured(
    service: Service, tmp_path: Path
) -> None:
    """Four files that were there, killed on the way; three that come while we look, by a clock 90 s ahead."""
    set_up_road(service, "folder-road")
    token = _make_token(service)

    def write(number: int) -> None:
        taken = datetime.now(UTC).astimezone(_DAY).replace(tzinfo=None) + timedelta(seconds=90)
        (tmp_path / f"{number}.jpg").write_bytes(make_jpeg(taken_local=taken, colour=(30 * number, 90, 90)))

    def count() -> int:
        return len(_list_media(service, "folder-road"))

    for number in range(4):
        write(number)
    with _watch(service, str(tmp_path), "folder-road", token=token):
        wait_for(lambda: count() >= 1)
    with _watch(service, str(tmp_path), "folder-road", token=token):
        wait_for(lambda: count() == 4)
        for number in range(4, 7):
            write(number)
            wait_for(partial(_is_sent, service, f"{number}.jpg"))
        status = wait_for(lambda: _find_measured(service))
    assert len({each["sha256"] for each in _list_media(service, "folder-road")}) == count() == 7
    # EXIF cuts to the second, and what comes later than it was taken makes the clock seem less ahead, never more.
    assert 30 < status["clock_skew_s"] <= 90.5


def _is_sent(service: Service, name: str) -> bool:
    record = service.home / "watch" / "gate@folder-road" / "sent.txt"
    return any(line.startswith(name) for line in record.read_text(encoding="utf-8").splitlines())


def _find_measured(service: Service) -> dict[str, Any] | None:
    status: dict[str, Any] = service.admin.get("/v1/projects/folder-road/cameras/gate/status").json()
    return status if status.get("clock_skew_s") is not None else None


def test_watch__of_no_source__says_so(service: Service, tmp_path: Path) -> None:
    """Neither an address nor a folder."""
    service.run("watch", str(tmp_path / "none"), "--camera", "c", "--token", "t", expect=2)


def _has(service: Service, project: str, *, photos: int, clips: int) -> bool:
    formats = [each["format"] for each in _list_media(service, project)]
    return formats.count("image/jpeg") >= photos and formats.count("video/mp4") >= clips


def _find_analysed(service: Service, media_id: str) -> dict[str, Any] | None:
    medium: dict[str, Any] = service.admin.get(f"/v1/media/{media_id}").json()
    assert medium["status"] != "failed", medium
    return medium if medium["status"] == "analysed" else None
