"""Shots that wait to be sent, in a folder: what was accepted survives kills and power cuts, and is bounded."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import uuid4

from domain.errors import Unavailable

_READY: Final = ".json"
_REFUSED: Final = "refused"


class OutboxFull(Unavailable):
    """There is no room for another shot until older ones are sent."""

    code: ClassVar[str] = "watch.outbox_full"


@dataclass(frozen=True, slots=True)
class WaitingShot:
    """A shot that waits.

    Attributes:
        path: of its bytes.
        capture: the sender's word, as the API takes it.
    """

    path: Path
    capture: dict[str, Any]

    @property
    def note(self) -> Path:
        """The file whose presence says that the shot is whole and waits."""
        return self.path.with_suffix(_READY)


class Outbox:
    """The folder. One process at a time writes into it; names order by time.

    Args:
        folder: made where it is not there; what a kill left half written in it is removed.
        max_bytes: of everything in it. [B]
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        (folder / _REFUSED).mkdir(parents=True, exist_ok=True)
        notes = {path.stem for path in folder.glob(f"*{_READY}")}
        for path in folder.iterdir():
            if path.is_file() and path.suffix != _READY and path.stem not in notes:
                path.unlink()

    def reserve(self, suffix: str, *, name: str) -> Path:
        """Where to write a shot before it is accepted.

        Args:
            suffix: such as `.jpg`.
            name: orders by time.

        Raises:
            OutboxFull: older shots take all the room.
        """
        if self.size_bytes() >= self._max_bytes:
            raise OutboxFull("the queue on disk is full: nothing new is taken until older shots are sent")
        return self._folder / f"{name}-{uuid4().hex[:8]}{suffix}"

    def accept(self, path: Path, *, capture: dict[str, Any]) -> None:
        """Promise to send a shot: its bytes and its note are on the disk when this returns.

        Args:
            path: of `reserve`, written whole.
            capture: the sender's word, with a `client_id`.
        """
        _sync(path)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(capture), encoding="utf-8")
        _sync(part)
        part.rename(path.with_suffix(_READY))
        _sync(self._folder)

    def find_oldest(self) -> WaitingShot | None:
        """The shot that has waited longest; None where none waits."""
        notes = sorted(self._folder.glob(f"*{_READY}"))
        for note in notes:
            files = [path for path in self._folder.glob(f"{note.stem}.*") if path.suffix not in {_READY, ".part"}]
            if files:
                return WaitingShot(files[0], json.loads(note.read_text(encoding="utf-8")))
            # Its bytes went first: it was sent, and a kill came between the two.
            note.unlink()
        return None

    def remove(self, shot: WaitingShot) -> None:
        """Forget a shot that the API has."""
        shot.path.unlink(missing_ok=True)
        shot.note.unlink(missing_ok=True)

    def set_aside(self, shot: WaitingShot, *, reason: str) -> None:
        """Keep a shot that the API refuses for good, with the reason, for a person to look at."""
        folder = self._folder / _REFUSED
        (folder / f"{shot.path.name}.txt").write_text(reason, encoding="utf-8")
        shot.path.rename(folder / shot.path.name)
        shot.note.unlink(missing_ok=True)

    def count(self) -> int:
        """How many wait."""
        return sum(1 for _ in self._folder.glob(f"*{_READY}"))

    def size_bytes(self) -> int:
        """Of everything in the folder, refused shots included [B]."""
        return sum(path.stat().st_size for path in self._folder.rglob("*") if path.is_file())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
