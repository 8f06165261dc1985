"""What the evidence log keeps in SITEPROOF_HOME: its private keys, and the head that was last published."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from findings.evidence_log import read_checkpoint
from findings.signed_note import SigningKey, parse_signing_key

_KEYS: Final = "keys"
_HEAD: Final = "head"
_LOCK: Final = "lock"


class DiskLogHome:
    """A folder with a file of keys (mode 0600) and a file of the head; made when first needed."""

    def __init__(self, folder: Path) -> None:
        """Use this folder."""
        self._folder = folder

    def list_keys(self) -> list[SigningKey]:
        """The private keys, the newest last.

        Raises:
            InvalidKey: the file was damaged.
        """
        path = self._folder / _KEYS
        if not path.is_file():
            return []
        return [parse_signing_key(line) for line in path.read_text(encoding="utf-8").splitlines() if line]

    def add_key(self, key: SigningKey) -> None:
        """Keep a further private key."""
        with self._locked():
            self._write(_KEYS, "".join(f"{each.text}\n" for each in [*self.list_keys(), key]))

    def forget_other_keys(self, key: SigningKey) -> None:
        """Forget every private key but this one."""
        with self._locked():
            if self.list_keys() != [key]:
                self._write(_KEYS, f"{key.text}\n")

    def read_head(self) -> str | None:
        """The checkpoint that was last published; None where none was."""
        path = self._folder / _HEAD
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def write_head(self, note: str, *, whatever_was: bool = False) -> None:
        """Remember a checkpoint before it is published.

        Args:
            note: a signed checkpoint; one that is older than what is there changes nothing.
            whatever_was: it takes the place of what is there.
        """
        with self._locked():
            before = self.read_head()
            if whatever_was or before is None or read_checkpoint(before).size < read_checkpoint(note).size:
                self._write(_HEAD, note)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / _LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _write(self, name: str, text: str) -> None:
        """Whole and on the disk, or not at all."""
        fresh = self._folder / f"{name}.{secrets.token_hex(4)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / name)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
