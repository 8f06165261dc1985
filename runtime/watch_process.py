"""The process around `siteproof watch`: its folder, its connection, its end."""

import fcntl
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final, Literal

import httpx2

from domain.clock import SystemClock
from domain.errors import Conflict
from runtime.field_client import FieldClient
from runtime.settings import Settings
from runtime.watch import WatchPlan, watch

_TIMEOUT_S: Final = 60.0


class AlreadyWatched(Conflict):
    """Another process watches this camera from this folder."""

    code: ClassVar[str] = "watch.already_watched"


def run_watch(
    source: str,
    *,
    settings: Settings,
    camera_id: str,
    project_id: str,
    url: str,
    token: str,
    every_s: float,
    clip_s: float,
    clip_every_s: float,
    transport: Literal["auto", "tcp", "udp"],
    max_bytes: int,
) -> None:
    """Watch until a signal ends it.

    Raises:
        AlreadyWatched: another process does.
        NoSource: there is no such folder.
        UnknownProjectOfToken: no project was named, and the token sees several.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    # Not by the server's address, which may change while shots wait. An id holds no @.
    folder = settings.home / "watch" / f"{camera_id}@{project_id or 'token'}"
    headers = {"Authorization": f"Bearer {token}"}
    with _hold(folder), httpx2.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S) as http:
        plan = WatchPlan(
            source=source,
            camera_id=camera_id,
            every_s=every_s,
            clip_s=clip_s,
            clip_every_s=clip_every_s,
            transport=transport,
            folder=folder,
            max_bytes=max_bytes,
        )
        watch(plan, client=FieldClient(http, SystemClock(), project_id), stop=stop)


@contextmanager
def _hold(folder: Path) -> Iterator[None]:
    """Keep the folder to this process; a kill lets go of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyWatched(f"another process watches this camera from {folder}") from error
        yield
