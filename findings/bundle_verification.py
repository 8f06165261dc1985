"""Judging a bundle by its bytes alone, and the log's public key where it is known: the first thing that is wrong."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from findings.bundle import (
    BEHIND_ORIGINAL,
    CHECKPOINT,
    ENTRIES,
    ERASED,
    FINDINGS,
    ISSUES,
    KEYS,
    MANIFEST,
    MEDIUM,
    ORIGINAL,
    PAGE,
    RECEIVED,
    ProvenEntry,
    describe_findings,
    describe_issues,
    describe_manifest,
    describe_medium,
    hash_content,
)
from findings.canonical_json import encode_canonical
from findings.checkpoint import Checkpoint, parse_checkpoint
from findings.evidence_log import describe_handover
from findings.merkle import hash_leaf, verify_inclusion
from findings.signed_note import InvalidKey, InvalidNote, PublicKey, open_note, parse_public_key
from findings.stored_zip import NotCanonical, read_zip

_MAX_KEPT: Final = 64 * 2**20  # what is no original is some kilobytes; more is somebody's joke [B]


@dataclass(frozen=True, slots=True)
class Intact:
    """A bundle in which nothing is wrong.

    Attributes:
        media_id: whose it is.
        sha256: of the original.
        erased: the original was deleted by law, and only that is proven.
        checkpoint: the head of the log that everything is proven against.
        signer: who signed it.
        trusted: whether that key was given, or handed over to by one that was.
    """

    media_id: str
    sha256: str
    erased: bool
    checkpoint: Checkpoint
    signer: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class Broken:
    """The first thing that is wrong.

    Attributes:
        code: stable.
        zh: a sentence.
        en: the same in English.
    """

    code: str
    zh: str
    en: str


class _Found(Exception):
    """Ends the judging where something is wrong."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.broken = Broken(f"bundle.{code}", zh, en)


@dataclass(slots=True)
class _Contents:
    """The files of a bundle: what is kept of each."""

    files: list[tuple[str, int, str]] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)

    def take(self, name: str, size: int, chunks: Iterator[bytes]) -> None:
        digest, is_kept = hashlib.sha256(), not name.startswith(ORIGINAL)
        if is_kept and size > _MAX_KEPT:
            raise _Found("malformed", f"{name[:80]} 过大。", f"{name[:80]} is larger than it can be.")
        content = bytearray()
        for chunk in chunks:
            digest.update(chunk)
            if is_kept:
                content += chunk
        self.files.append((name, size, digest.hexdigest()))
        self.kept[name] = bytes(content)


def verify_bundle(file: BinaryIO, *, keys: Sequence[PublicKey] = ()) -> Intact | Broken:
    """Judge a bundle.

    Args:
        file: at its beginning.
        keys: the log's public keys, as they are known from elsewhere. None: the bundle is judged by the keys inside,
            which says that nothing in it was changed, but not whose it is.
    """
    try:
        return _judge(file, keys)
    except _Found as found:
        return found.broken
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # Signed by whatever key, but not of the shape that ours have.
        return Broken(
            "bundle.malformed", "内容不是证据包应有的格式。", "Its contents are not of the shape that a bundle has."
        )


def _judge(file: BinaryIO, keys: Sequence[PublicKey]) -> Intact:
    contents = _read(file)
    entries = _parse_entries(contents.kept[ENTRIES])
    trusted = _extend(list(keys) or _parse_keys(contents.kept[KEYS]), entries)
    _, signer = _open(contents, MANIFEST, trusted)
    _require_files(contents, signer)
    text, _ = _open(contents, CHECKPOINT, trusted)
    checkpoint = _parse_checkpoint(text, signer)
    for each in entries:
        _require_proven(each, checkpoint)
    received = _find_received(entries)
    erased = any(each.facts["kind"] == ERASED for each in entries)
    _require_contents(entries, erased=erased)
    sha256 = _require_original(contents, entries, erased=erased)
    _require_derived(contents, entries)
    media_id = received.facts["subject"].removeprefix("media/")
    return Intact(media_id, sha256, erased, checkpoint, signer.text, trusted=bool(keys))


def _read(file: BinaryIO) -> _Contents:
    contents = _Contents()
    try:
        names = read_zip(file, contents.take)
    except NotCanonical as error:
        raise _Found(
            "not_canonical", f"压缩包被改动：{error.detail}。", f"The zip was changed: {error.detail}."
        ) from error
    originals = [each for each in names if each.startswith(ORIGINAL)]
    if names != [PAGE, *originals[:1], *BEHIND_ORIGINAL]:
        raise _Found("files", "文件缺失、多余或顺序不对。", "Files are missing, added or out of order.")
    return contents


def _parse_entries(content: bytes) -> list[ProvenEntry]:
    try:
        return [
            ProvenEntry(
                int(each["index"]),
                str(each["leaf"]),
                None if each["content"] is None else str(each["content"]),
                tuple(b64decode(value, validate=True) for value in each["path"]),
            )
            for each in json.loads(content)["entries"]
        ]
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _Found("malformed", f"{ENTRIES} 无法读取。", f"{ENTRIES} cannot be read.") from error


def _parse_keys(content: bytes) -> list[PublicKey]:
    try:
        return [parse_public_key(line) for line in content.decode().splitlines()]
    except (InvalidKey, UnicodeDecodeError) as error:
        raise _Found("malformed", f"{KEYS} 无法读取。", f"{KEYS} cannot be read.") from error


def _extend(trusted: list[PublicKey], entries: Sequence[ProvenEntry]) -> list[PublicKey]:
    """The keys with those that they hand over to, by entries that both keys signed."""
    for each in entries:
        try:
            told = json.loads(each.content or "{}")
            old, new = parse_public_key(str(told["old_key"])), parse_public_key(str(told["new_key"]))
            text, signers = open_note(str(told["handover"]), [old, new])
        except (ValueError, KeyError, TypeError, InvalidKey, InvalidNote):
            continue
        if old in trusted and {old, new} <= set(signers) and text == describe_handover(old, new):
            trusted.append(new)
    return trusted


def _open(contents: _Contents, name: str, trusted: Sequence[PublicKey]) -> tuple[str, PublicKey]:
    try:
        text, signers = open_note(contents.kept[name].decode(), trusted)
    except (InvalidNote, UnicodeDecodeError) as error:
        raise _Found("signature", f"{name} 的签名无效。", f"The signature of {name} does not hold.") from error
    if not signers:
        raise _Found(
            "other_key",
            f"{name} 不是由已知密钥签名的。",
            f"{name} is not signed by a key that is known: it is not ours.",
        )
    return text, signers[-1]


def _require_files(contents: _Contents, signer: PublicKey) -> None:
    text = contents.kept[MANIFEST].decode().rpartition("\n\n")[0] + "\n"
    files = contents.files[:-1]
    if text == describe_manifest(signer.name, files):
        return
    lines = set(text.splitlines())
    for name, size, sha256 in files:
        if f"{sha256} {size} {name}" not in lines:
            raise _Found("file_differs", f"{name} 与清单不符。", f"{name} is not the file that was signed.")
    raise _Found("manifest", "清单与文件不符。", "The manifest is not that of these files.")


def _parse_checkpoint(text: str, signer: PublicKey) -> Checkpoint:
    try:
        checkpoint = parse_checkpoint(text)
    except InvalidNote as error:
        raise _Found("malformed", f"{CHECKPOINT} 无法读取。", f"{CHECKPOINT} cannot be read.") from error
    if checkpoint.origin != signer.name:
        raise _Found("other_key", "检查点属于另一本日志。", "The checkpoint is of another log.")
    return checkpoint


def _require_proven(entry: ProvenEntry, checkpoint: Checkpoint) -> None:
    leaf = hash_leaf(entry.leaf.encode())
    if not verify_inclusion(leaf=leaf, index=entry.index, size=checkpoint.size, path=entry.path, root=checkpoint.root):
        raise _Found(
            "entry_not_in_log",
            f"第 {entry.index} 条记录不在日志中。",
            f"Entry {entry.index} is not in the log of the checkpoint.",
        )


def _find_received(entries: Sequence[ProvenEntry]) -> ProvenEntry:
    received = [each for each in entries if each.facts["kind"] == RECEIVED]
    subjects = {each.facts["subject"] for each in entries if each.facts["kind"].startswith("media.")}
    if len(received) != 1 or len(subjects) != 1:
        raise _Found("other_medium", "记录不属于同一个影像。", "The entries are not those of one photo or clip.")
    return received[0]


def _require_contents(entries: Sequence[ProvenEntry], *, erased: bool) -> None:
    for each in entries:
        if each.content is None:
            if not erased:
                raise _Found(
                    "content_missing",
                    f"第 {each.index} 条记录的内容缺失，且没有依法删除的记录。",
                    f"The content of entry {each.index} is missing, and no entry says that a law asked for it.",
                )
        elif hash_content(each.content.encode()) != each.facts["content_sha256"]:
            raise _Found(
                "content_differs",
                f"第 {each.index} 条记录的内容与日志不符。",
                f"The content of entry {each.index} is not what was logged.",
            )


def _require_original(contents: _Contents, entries: Sequence[ProvenEntry], *, erased: bool) -> str:
    logged = str(describe_medium(entries).get("sha256"))
    found = [sha256 for name, _, sha256 in contents.files if name.startswith(ORIGINAL)]
    if found != ([] if erased else [logged]):
        raise _Found(
            "original_differs",
            "原始影像与日志中的哈希不符。",
            "The original is not the one whose SHA-256 was logged when it was received.",
        )
    return logged


def _require_derived(contents: _Contents, entries: Sequence[ProvenEntry]) -> None:
    derived = {
        MEDIUM: describe_medium(entries),
        FINDINGS: describe_findings(entries),
        ISSUES: describe_issues(entries),
    }
    for name, told in derived.items():
        if contents.kept[name] != encode_canonical(told):
            raise _Found("told_differs", f"{name} 与日志记录不符。", f"{name} does not say what the entries say.")
