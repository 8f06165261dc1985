"""A folder into which a camera writes snapshots: each file sent once, whatever dies in between."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from domain.clock import Clock

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".mp4"})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A file that is whole.

    Attributes:
        key: of this content of this file: its path in the folder, size and time.
        modified_at: when it was last written, by this machine's clock. UTC.
        appeared_at: when it was first seen, where that was while we watched; None for what was there before. UTC.
    """

    path: Path
    key: str
    modified_at: datetime
    appeared_at: datetime | None


class SnapshotFolder:
    """Finds files that are new and whole, and remembers those that were sent.

    Args:
        folder: that the camera writes into; its subfolders too.
        record: a file that names what was sent, a line each; made where it is not there.
        clock: this machine's.
    """

    def __init__(self, folder: Path, *, record: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._record = record
        record.parent.mkdir(parents=True, exist_ok=True)
        self._sent = self._load()
        self._seen: dict[Path, str] | None = None
        self._appeared: dict[Path, datetime] = {}

    def list_ready(self) -> Iterator[Snapshot]:
        """Files that are not sent yet and are as they were at the call before: who is still written to waits.

        Oldest first.
        """
        found: dict[Path, tuple[str, float]] = {}
        for path in self._walk():
            try:
                stat = path.stat()
            except OSError:
                continue  # it went away while we looked
            if stat.st_size > 0:
                key = f"{path.relative_to(self._folder)}\t{stat.st_size}\t{stat.st_mtime_ns}"
                found[path] = (key, stat.st_mtime)
        ready = [
            (modified, path, key)
            for path, (key, modified) in found.items()
            if self._seen is not None and self._seen.get(path) == key and key not in self._sent
        ]
        self._remember({path: key for path, (key, _) in found.items()})
        for modified, path, key in sorted(ready):
            yield Snapshot(path, key, datetime.fromtimestamp(modified, UTC), self._appeared.get(path))

    def mark_sent(self, snapshot: Snapshot) -> None:
        """Remember on disk that the API has it, once however often it is sent: a kill before this costs nothing."""
        with self._record.open("a", encoding="utf-8") as file:
            file.write(snapshot.key + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._sent.add(snapshot.key)

    def _remember(self, found: dict[Path, str]) -> None:
        """What this look saw, and nothing of files that are gone: memory must not grow with the camera's years."""
        if self._seen is not None:
            now = self._clock.now()
            self._appeared |= dict.fromkeys(found.keys() - self._seen.keys(), now)
        self._appeared = {path: at for path, at in self._appeared.items() if path in found}
        self._sent &= set(found.values())
        self._seen = found

    def _walk(self) -> Iterator[Path]:
        for folder, folders, files in os.walk(self._folder):
            folders.sort()
            for name in files:
                if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                    yield Path(folder) / name

    def _load(self) -> set[str]:
        """What was sent and is still in the folder; the record is written anew without the rest."""
        if not self._record.exists():
            return set()
        # A line that a power cut broke off names no file, so it is left out here.
        lines = self._record.read_text(encoding="utf-8", errors="replace").splitlines()
        kept = {line for line in lines if (self._folder / line.split("\t")[0]).exists()}
        part = self._record.with_suffix(".part")
        part.write_text("".join(f"{line}\n" for line in sorted(kept)), encoding="utf-8")
        part.rename(self._record)
        return kept
