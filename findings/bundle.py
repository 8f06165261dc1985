"""The evidence bundle of a photo or clip: which files, in which order, and how each follows from the log's entries.

Everything that a bundle says of a medium is said by entries of the log, whose inclusion it proves; the files for people
and programs (`medium.json`, `findings.json`, `issues.json`, `index.html`) are made of these entries alone. How the JSON
is made of them is part of the format: a change of it is a new `FORMAT`.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from domain.errors import Conflict
from domain.log_entry import LogEntry
from findings.canonical_json import encode_canonical
from findings.evidence_log import prove_inclusion, read_checkpoint
from storage.database import Connection
from storage.evidence_log import list_entries_of_the_log, list_keys, list_subject_entries
from storage.finding import list_media_findings

FORMAT: Final = "siteproof bundle v1"
PAGE: Final = "index.html"
ORIGINAL: Final = "original."
MEDIUM: Final = "medium.json"
FINDINGS: Final = "findings.json"
ISSUES: Final = "issues.json"
ENTRIES: Final = "log/entries.json"
CHECKPOINT: Final = "log/checkpoint.txt"
KEYS: Final = "log/keys.txt"
MANIFEST: Final = "manifest.txt"
BEHIND_ORIGINAL: Final = (MEDIUM, FINDINGS, ISSUES, ENTRIES, CHECKPOINT, KEYS, MANIFEST)

RECEIVED: Final = "media.received"
ERASED: Final = "media.erased"


class NotInLog(Conflict):
    """The medium came before there was a log, so that nothing can be proven of it."""

    code: ClassVar[str] = "bundle.not_in_log"


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """An entry with the proof that it is in the log.

    Attributes:
        index: in the log.
        leaf: the bytes that are hashed, canonical JSON.
        content: what they stand for; None where it was deleted by law.
        path: RFC 6962's audit path to the checkpoint's root.
    """

    index: int
    leaf: str
    content: str | None
    path: tuple[bytes, ...]

    @property
    def facts(self) -> dict[str, Any]:
        """The leaf's fields."""
        facts: dict[str, Any] = json.loads(self.leaf)
        return facts

    @property
    def told(self) -> dict[str, Any]:
        """The content without its salt; empty where it was deleted."""
        told: dict[str, Any] = {} if self.content is None else json.loads(self.content)
        told.pop("salt", None)
        return told


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle is made of beside the original.

    Attributes:
        entries: of the medium, its findings, their issues, and of the log itself, in their order.
        checkpoint: signed; all entries are proven against its root.
        keys: every public key of the log, a line each.
    """

    entries: tuple[ProvenEntry, ...]
    checkpoint: str
    keys: tuple[str, ...]


def gather_bundle(connection: Connection, *, media_id: UUID, checkpoint: str) -> Bundle:
    """What the log proves of a medium.

    Args:
        connection: of the caller's transaction.
        media_id: which.
        checkpoint: the log's head, signed.

    Raises:
        NotInLog: the log does not have its receipt.
    """
    size = read_checkpoint(checkpoint).size
    findings = list_media_findings(connection, media_id=media_id)
    subjects = {f"media/{media_id}"}
    subjects |= {f"findings/{each.id}" for each in findings}
    subjects |= {f"issues/{each.issue_id}" for each in findings if each.issue_id is not None}
    entries = list_subject_entries(connection, subjects=subjects, size=size)
    if not any(each.kind == RECEIVED for each in entries):
        raise NotInLog("this medium was received before there was an evidence log")
    entries += list_entries_of_the_log(connection, size=size)
    entries.sort(key=lambda each: each.index)
    proven = tuple(_prove(connection, each, size=size) for each in entries)
    return Bundle(proven, checkpoint, tuple(key for key, _ in list_keys(connection)))


def encode_entries(entries: Sequence[ProvenEntry]) -> bytes:
    """`log/entries.json`."""
    written = [
        {
            "index": each.index,
            "leaf": each.leaf,
            "content": each.content,
            "path": [b64encode(value).decode() for value in each.path],
        }
        for each in entries
    ]
    return encode_canonical({"entries": written})


def describe_medium(entries: Sequence[ProvenEntry]) -> dict[str, Any]:
    """`medium.json`: what was received, then what was judged last, then its erasure."""
    medium: dict[str, Any] = {}
    for each in entries:
        if each.facts["kind"].startswith("media."):
            medium |= each.told
    return medium


def describe_findings(entries: Sequence[ProvenEntry]) -> dict[str, Any]:
    """`findings.json`: each finding as it was last written, with when what happened to it."""
    return {"findings": _tell_by_subject(entries, "finding")}


def describe_issues(entries: Sequence[ProvenEntry]) -> dict[str, Any]:
    """`issues.json`: each issue as it was last written, with its steps."""
    return {"issues": _tell_by_subject(entries, "issue")}


def describe_manifest(origin: str, files: Iterable[tuple[str, int, str]]) -> str:
    """What is signed of a bundle: each file's SHA-256, size and name, as (name, size, hexadecimal)."""
    lines = [f"{sha256} {size} {name}" for name, size, sha256 in files]
    return "\n".join([FORMAT, origin, *lines, ""])


def hash_content(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _prove(connection: Connection, entry: LogEntry, *, size: int) -> ProvenEntry:
    _, path = prove_inclusion(connection, index=entry.index, size=size)
    content = None if entry.content is None else entry.content.decode()
    return ProvenEntry(entry.index, entry.leaf.decode(), content, tuple(path))


def _tell_by_subject(entries: Sequence[ProvenEntry], thing: str) -> list[dict[str, Any]]:
    things: dict[str, dict[str, Any]] = {}
    for each in entries:
        kind, _, event = each.facts["kind"].partition(".")
        if kind == thing:
            told = each.told
            step = told.pop("step", {})
            known = things.setdefault(each.facts["subject"], {"log": []})
            known.update(told)
            known["log"].append({"index": each.index, "at": each.facts["at"], "event": event, **step})
    return list(things.values())
