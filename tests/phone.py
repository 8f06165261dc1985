"""A phone for the tests: a real Chromium with a fake camera, and a network to the service that can be cut."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import BrowserContext, Page, Playwright

PIXEL_SIZE = {"width": 360, "height": 720}
TAKE = 4096


class Network:
    """A way for bytes between a port of its own and the service: slow if wished, and cut like a village's reception.

    Cut, it breaks what is under way in the middle and answers nobody.
    """

    def __init__(self, upstream_port: int) -> None:
        self._upstream = ("127.0.0.1", upstream_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._is_cut = False
        self.up_bytes_per_s: float | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """What the phone opens."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        with self._lock:
            self._is_cut = True
            broken, self._sockets = self._sockets, set()
        for each in broken:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        """Carry bytes again."""
        with self._lock:
            self._is_cut = False

    def close(self) -> None:
        """End it."""
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                is_cut = self._is_cut
            if is_cut:
                near.close()
                continue
            try:
                far = socket.create_connection(self._upstream)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._sockets |= {near, far}
            closing = threading.Barrier(2)
            for source, target, is_up in ((near, far, True), (far, near, False)):
                arguments = (source, target, is_up, closing)
                threading.Thread(target=self._carry, args=arguments, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, is_up: bool, closing: threading.Barrier) -> None:  # noqa: FBT001 - a thread's argument
        with suppress(OSError):
            while taken := source.recv(TAKE):
                target.sendall(taken)
                if is_up and self.up_bytes_per_s is not None:
                    time.sleep(len(taken) / self.up_bytes_per_s)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
        with suppress(threading.BrokenBarrierError):
            closing.wait(timeout=60)
        with self._lock:
            self._sockets.discard(source)
        source.close()


@dataclass
class Phone:
    """A browser with its profile; killed and opened again it is the same phone."""

    context: BrowserContext
    page: Page
    profile: Path

    def kill(self) -> None:
        """End the browser at once, as an empty battery would."""
        mark = f"--user-data-dir={self.profile}"
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if mark in process.cmdline():
                    process.kill()
                    process.wait(timeout=30)

    def read_database(self) -> dict[str, Any]:
        """What the phone keeps: its shots by id, and the ids of those whose bytes are still here."""
        read: dict[str, Any] = self.page.evaluate(
            """() => new Promise((done, fail) => {
                const opening = indexedDB.open("siteproof-field");
                opening.onerror = () => fail(opening.error);
                opening.onsuccess = () => {
                    const stores = opening.result.transaction(["shots", "bytes"]);
                    const shots = stores.objectStore("shots").getAll();
                    const bytes = stores.objectStore("bytes").getAllKeys();
                    stores.oncomplete = () => {
                        opening.result.close();
                        const told = shots.result.map(({ thumbnail, ...rest }) => rest);
                        done({ shots: told, bytes: bytes.result });
                    };
                };
            })"""
        )
        return read


def wait_for(ask: Callable[[], object], *, seconds: float = 120) -> None:
    """Ask until the answer is true.

    Raises:
        TimeoutError: it was not, for so long.
    """
    deadline = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {seconds} s")
        time.sleep(0.05)


def find_chromium() -> str:
    """The machine's Chromium.

    Raises:
        LookupError: it has none.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise LookupError("the tests of the pages need Chromium: apt-get install chromium")
    return found


@contextmanager
def open_phone(
    playwright: Playwright,
    profile: Path,
    *,
    at: tuple[float, float],
    language: str = "zh-CN",
    scale: float = 1,
    camera: Path | None = None,
) -> Iterator[Phone]:
    """A phone at a place, which has allowed camera and position.

    Args:
        playwright: runs the browser.
        profile: a folder; the same one is the same phone.
        at: lon, lat. [deg]
        language: of the browser.
        scale: device pixels for a pixel of the page.
        camera: an MJPEG film that the camera sees; None: a moving pattern.
    """
    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=find_chromium(),
        args=[
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            "--no-sandbox",
            *([] if camera is None else [f"--use-file-for-fake-video-capture={camera}"]),
        ],
        viewport={"width": PIXEL_SIZE["width"], "height": PIXEL_SIZE["height"]},
        device_scale_factor=scale,
        has_touch=True,
        is_mobile=True,
        locale=language,
        geolocation={"longitude": at[0], "latitude": at[1], "accuracy": 4},
        permissions=["geolocation", "camera"],
    )
    try:
        yield Phone(context, context.pages[0], profile)
    finally:
        # Killed by a test, it has nothing left to close.
        with suppress(Exception):
            context.close()
