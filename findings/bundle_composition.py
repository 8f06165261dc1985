"""Putting a bundle's files together and having them signed."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from domain.errors import Conflict
from findings.bundle import (
    CHECKPOINT,
    ENTRIES,
    FINDINGS,
    ISSUES,
    KEYS,
    MANIFEST,
    MEDIUM,
    PAGE,
    Bundle,
    describe_findings,
    describe_issues,
    describe_manifest,
    describe_medium,
    encode_entries,
    hash_content,
)
from findings.bundle_page import render_page
from findings.canonical_json import encode_canonical
from findings.evidence_log import read_checkpoint
from findings.stored_zip import StoredFile, store


class OriginalChanged(Conflict):
    """The stored bytes are not those that were received."""

    code: ClassVar[str] = "bundle.original_changed"


@dataclass(frozen=True, slots=True)
class Original:
    """The original's bytes.

    Attributes:
        name: in the bundle, `original.<extension>`.
        sha256: that was logged.
        read: gives the bytes in pieces, as often as it is called.
    """

    name: str
    sha256: str
    read: Callable[[], Iterable[bytes]]


def compose_bundle(bundle: Bundle, *, original: Original | None, sign: Callable[[str], str]) -> list[StoredFile]:
    """The files of the zip, in their order; the original is read once here, and again when the zip is written.

    Args:
        bundle: what the log proves.
        original: None where it was erased.
        sign: signs a text as a note with the log's key.

    Raises:
        OriginalChanged: its bytes are not those that were received.
    """
    entries = bundle.entries
    contents = {
        PAGE: render_page(bundle, original=None if original is None else original.name),
        MEDIUM: encode_canonical(describe_medium(entries)),
        FINDINGS: encode_canonical(describe_findings(entries)),
        ISSUES: encode_canonical(describe_issues(entries)),
        ENTRIES: encode_entries(entries),
        CHECKPOINT: bundle.checkpoint.encode(),
        KEYS: "".join(f"{each}\n" for each in bundle.keys).encode(),
    }
    files = [(store(name, content), hash_content(content)) for name, content in contents.items()]
    if original is not None:
        files.insert(1, (_measure(original), original.sha256))
    origin = read_checkpoint(bundle.checkpoint).origin
    manifest = sign(describe_manifest(origin, ((each.name, each.size, digest) for each, digest in files)))
    return [*(each for each, _ in files), store(MANIFEST, manifest.encode())]


def _measure(original: Original) -> StoredFile:
    digest, crc, size = sha256(), 0, 0
    for chunk in original.read():
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
        size += len(chunk)
    if digest.hexdigest() != original.sha256:
        raise OriginalChanged("the stored bytes are not those that were received")
    return StoredFile(original.name, size, crc, original.read)
