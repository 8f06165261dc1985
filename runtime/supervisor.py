"""`siteproof up`: every part a child process of the same process group, started again when it dies."""

import ctypes
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final, TextIO

_LOG: Final = logging.getLogger(__name__)
_STOP_TIMEOUT_S: Final = 20.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_HEALTHY_AFTER_S: Final = 30.0  # one that lived so long starts again at once
_POLL_S: Final = 0.2
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One process to keep alive.

    Attributes:
        name: of the part, and of its log file.
        command: program and arguments.
        log: where its output goes.
    """

    name: str
    command: Sequence[str]
    log: Path


@dataclass(slots=True)
class _Child:
    part: Part
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    log: TextIO | None = field(default=None)


class Supervisor:
    """Keeps parts alive until it is told to stop."""

    def __init__(self, environment: Mapping[str, str], *, stop_timeout_s: float = _STOP_TIMEOUT_S) -> None:
        """Start children in this environment; one that takes longer to stop than `stop_timeout_s` is killed."""
        self._environment = dict(environment)
        self._stop_timeout_s = stop_timeout_s
        self._children: list[_Child] = []
        self._stop = threading.Event()

    def start(self, part: Part) -> None:
        """Start a part and keep it."""
        child = _Child(part)
        self._children.append(child)
        self._spawn(child)

    def is_running(self, name: str) -> bool:
        """Whether the part's process lives just now."""
        return any(
            child.part.name == name and child.process is not None and child.process.poll() is None
            for child in self._children
        )

    def request_stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """End `run`; also a signal handler."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stop.is_set()

    def install_signal_handlers(self) -> None:
        """Stop in order on Ctrl-C and on the service manager's TERM."""
        signal.signal(signal.SIGINT, self.request_stop)
        signal.signal(signal.SIGTERM, self.request_stop)

    def wait(self, timeout_s: float) -> bool:
        """Look after the children for so many seconds; whether a stop was asked for."""
        deadline = time.monotonic() + timeout_s
        while not self._stop.is_set() and time.monotonic() < deadline:
            self._look_after()
            self._stop.wait(_POLL_S)
        return self._stop.is_set()

    def run(self) -> None:
        """Look after the children until a stop is asked for, then stop them."""
        while not self._stop.is_set():
            self._look_after()
            self._stop.wait(_POLL_S)

    def stop_all(self) -> None:
        """Stop every child, the last started first: TERM, and KILL for one that does not listen."""
        for child in reversed(self._children):
            if child.process is not None and child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._stop_timeout_s
        for child in reversed(self._children):
            if child.process is None:
                continue
            try:
                child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _LOG.warning("%s does not stop, so it is killed", child.part.name)
                child.process.kill()
                child.process.wait()
        for child in self._children:
            if child.log is not None:
                child.log.close()
        self._children.clear()

    def _look_after(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._note_death(child, now)
            if child.process is None and now >= child.start_again_at:
                self._spawn(child)

    def _note_death(self, child: _Child, now: float) -> None:
        status = child.process.returncode if child.process is not None else 0
        lived_s = now - child.started_at
        child.pause_s = _FIRST_PAUSE_S if lived_s > _HEALTHY_AFTER_S else min(2 * child.pause_s, _LONGEST_PAUSE_S)
        child.start_again_at = now + child.pause_s
        child.process = None
        _LOG.warning("%s ended with %d after %.0f s and is started again", child.part.name, status, lived_s)

    def _spawn(self, child: _Child) -> None:
        if child.log is None:
            child.part.log.parent.mkdir(parents=True, exist_ok=True)
            child.log = child.part.log.open("a", encoding="utf-8")
        child.process = subprocess.Popen(
            list(child.part.command),
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=child.log,
            stderr=subprocess.STDOUT,
            # The same process group, so that one Ctrl-C, or one kill of the group, reaches everything.
            start_new_session=False,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has one thread, and the call only sets a flag
        )
        child.started_at = time.monotonic()


def _die_with_parent() -> None:
    """Ask the kernel to stop this child when its parent is gone, so that a killed `up` leaves nothing on its ports."""
    # prctl(PR_SET_PDEATHSIG), Linux 2.1.57; elsewhere there is no such call, and nothing is lost but this.
    set_option = getattr(ctypes.CDLL(None), "prctl", None)
    if set_option is not None:
        set_option(_PR_SET_PDEATHSIG, int(signal.SIGTERM))


def find_own_command() -> list[str]:
    """How to call `siteproof` again: the installed script beside this interpreter, so that `ps` shows its name."""
    import sys  # noqa: PLC0415 - only here

    script = Path(sys.executable).parent / "siteproof"
    if script.is_file() and os.access(script, os.X_OK):
        return [str(script)]
    return [sys.executable, "-m", "runtime"]
