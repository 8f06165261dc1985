"""The evidence log: facts get their places in a Merkle tree, and its head is signed.

Append-only: nothing here changes an entry. The head that was last published is also kept outside the database, beside
the key; a database that does not contain it is a restored or another one, and nothing is signed until that is declared.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Protocol

from domain.errors import Conflict, Invalid, SiteproofError
from findings.checkpoint import Checkpoint, parse_checkpoint
from findings.log_fact import record_fact
from findings.merkle import (
    EMPTY_ROOT,
    fold,
    grow,
    hash_leaf,
    hash_range,
    list_consistency_ranges,
    list_inclusion_ranges,
    list_range_nodes,
)
from findings.signed_note import PublicKey, SigningKey, parse_public_key, sign_note, split_note
from storage.database import Connection
from storage.evidence_log import (
    count_pending,
    find_checkpoint,
    find_log_size,
    insert_checkpoint,
    insert_key,
    insert_nodes,
    list_keys,
    list_nodes,
    lock_log,
    take_pending,
    walk_leaves,
)

BATCH: Final = 5_000
_ALL: Final = 2**31
_SUBJECT: Final = "log"


class LogKeyMissing(Conflict):
    """This home does not have the key that signs the log."""

    code: ClassVar[str] = "log.key_missing"


class LogRestored(Conflict):
    """The database does not contain the head that was last published: it is an older or another one."""

    code: ClassVar[str] = "log.restored"


class LogChanged(Conflict):
    """What is stored of the log contradicts itself."""

    code: ClassVar[str] = "log.changed"


class NothingRestored(Conflict):
    """The database contains the head that was last published, so there is nothing to accept."""

    code: ClassVar[str] = "log.nothing_restored"


class SizeOutOfRange(Invalid):
    """An index or a size that the log has not reached, or sizes in the wrong order."""

    code: ClassVar[str] = "log.size_out_of_range"


class LogHome(Protocol):
    """What the log keeps outside the database: its private keys, and the head that was last published."""

    def list_keys(self) -> list[SigningKey]:
        """The private keys, the newest last."""
        ...

    def add_key(self, key: SigningKey) -> None:
        """Keep a further private key."""
        ...

    def read_head(self) -> str | None:
        """The checkpoint that was last published; None where none was."""
        ...

    def write_head(self, note: str) -> None:
        """Remember a checkpoint; an older one than is there changes nothing."""
        ...


class LogPublisher(Protocol):
    """The log as those see it who need its head; who advances and signs it is `runtime`'s to say."""

    def publish(self) -> str:
        """Give every fact that is committed its place; the signed checkpoint with them.

        Raises:
            LogKeyMissing: this home does not have the log's key.
            LogRestored: the database is older than what was published, or another one.
        """
        ...

    def sign(self, text: str) -> str:
        """A text signed by the log's key, as a note; its first line must not be the log's origin.

        Raises:
            LogKeyMissing: this home does not have the log's key.
        """
        ...


@dataclass(frozen=True, slots=True)
class Advance:
    """What came of a step.

    Attributes:
        note: the newest checkpoint, signed. It is published once its transaction is committed and the home keeps it.
        more: facts may still wait.
    """

    note: str
    more: bool


def advance(connection: Connection, *, home: LogHome, now: datetime, limit: int = BATCH) -> Advance:
    """Give waiting facts their places, and sign the tree where it grew.

    Args:
        connection: of the caller's transaction; it commits, then lets the home keep the note.
        home: the keys and the head that was last published.
        now: UTC.
        limit: at most so many facts.

    Raises:
        LogKeyMissing: this home does not have the log's key.
        LogRestored: the database is older than what was published, or another one.
    """
    lock_log(connection)
    size = find_log_size(connection)
    _require_published(connection, home=home, size=size)
    signer = find_signer(connection, home=home) or _start(connection, home=home, size=size, now=now)
    return _append(connection, signers=[signer], size=size, limit=limit)


def rotate_key(connection: Connection, *, home: LogHome, now: datetime) -> tuple[SigningKey, Advance]:
    """Let a new key sign from now on; an entry says so, signed by both, and so is the checkpoint with it.

    Returns:
        The new key, and the checkpoint. The caller commits, then the home forgets the other keys.

    Raises:
        LogKeyMissing: this home does not have the log's key.
        LogRestored: the database is older than what was published, or another one.
    """
    lock_log(connection)
    size = find_log_size(connection)
    _require_published(connection, home=home, size=size)
    old = find_signer(connection, home=home) or _start(connection, home=home, size=size, now=now)
    new = _make_key(old.name)
    home.add_key(new)
    handover = sign_note(describe_handover(old.public, new.public), [old, new])
    content = {"old_key": old.public.text, "new_key": new.public.text, "handover": handover}
    record_fact(connection, kind="log.key_rotated", project_id=None, subject=_SUBJECT, at=now, content=content)
    done = _append(connection, signers=[old, new], size=size, limit=_ALL)
    insert_key(connection, key=new.public.text, from_size=find_log_size(connection))
    return new, done


def accept_restore(connection: Connection, *, home: LogHome, reason: str, now: datetime) -> tuple[SigningKey, Advance]:
    """Declare that the database is an older one, or the key a new one; an entry says so with what was lost.

    Returns:
        The key that signs, and the checkpoint. The caller commits, then lets the home keep the note whatever it had.

    Raises:
        NothingRestored: nothing contradicts what was published.
        LogChanged: the log is damaged, which no declaration mends.
    """
    lock_log(connection)
    size = find_log_size(connection)
    refusal = _find_refusal(connection, home=home, size=size)
    if refusal is None:
        raise NothingRestored("the log contains what was published: there is nothing to accept")
    head = home.read_head()
    keys = list_keys(connection)
    signer = _find_kept_signer(connection, home=home) or _take_key(home, origin=_find_origin(keys, head))
    if not keys or keys[-1][0] != signer.public.text:
        insert_key(connection, key=signer.public.text, from_size=size)
    content = {
        "cause": refusal.code,
        "published": head,
        "size": size,
        "reason": reason,
        "former_key": keys[-1][0] if keys else None,
        "key": signer.public.text,
    }
    record_fact(connection, kind="log.restore_accepted", project_id=None, subject=_SUBJECT, at=now, content=content)
    return signer, _append(connection, signers=[signer], size=size, limit=_ALL)


def examine(connection: Connection, *, home: LogHome, every_leaf: bool = False) -> tuple[int, int]:
    """Whether the log could sign now: (entries, waiting facts). Nothing is changed.

    Args:
        connection: of any transaction.
        home: the keys and the head that was last published.
        every_leaf: hash all leaves anew, instead of trusting the stored hashes.

    Raises:
        LogKeyMissing: this home does not have the log's key.
        LogRestored: the database is older than what was published, or another one.
        LogChanged: leaves, stored hashes and the signed checkpoint are not of one tree.
    """
    lock_log(connection)
    size = find_log_size(connection)
    refusal = _find_refusal(connection, home=home, size=size)
    if refusal is not None:
        raise refusal
    if every_leaf:
        _require_same_tree(connection, size=size)
    return size, count_pending(connection)


def describe_handover(old: PublicKey, new: PublicKey) -> str:
    """The text by which a key hands over to another; both sign it."""
    return f"siteproof log key hand-over\n{old.text}\n{new.text}\n"


def find_signer(connection: Connection, *, home: LogHome) -> SigningKey | None:
    """The private key of the log's last public one; None where the log has none yet.

    Raises:
        LogKeyMissing: this home does not have it.
    """
    keys = list_keys(connection)
    if not keys:
        return None
    signer = _find_kept_signer(connection, home=home)
    if signer is None:
        raise LogKeyMissing(
            "this home does not have the key that signs the log: bring its file back,"
            " or declare it lost with `siteproof log accept-restore`",
            key=keys[-1][0],
        )
    return signer


def find_root(connection: Connection, size: int) -> bytes:
    """The Merkle tree hash of the first `size` entries.

    Raises:
        LogChanged: a hash is missing.
    """
    return _hash_ranges(connection, [(0, size)])[0]


def prove_inclusion(connection: Connection, *, index: int, size: int) -> tuple[bytes, list[bytes]]:
    """An entry's leaf hash, and its audit path in the tree of `size` entries.

    Raises:
        SizeOutOfRange: there is no such entry, or the log has not reached the size.
    """
    if not 0 <= index < size <= find_log_size(connection):
        raise SizeOutOfRange("index < size <= the log's size is wanted")
    leaf, *path = _hash_ranges(connection, [(index, index + 1), *list_inclusion_ranges(index, size)])
    return leaf, path


def prove_consistency(connection: Connection, *, first: int, second: int) -> list[bytes]:
    """The proof that the tree of `second` entries begins with that of `first`.

    Raises:
        SizeOutOfRange: the log has not reached a size, or they are in the wrong order.
    """
    if not 0 <= first <= second <= find_log_size(connection):
        raise SizeOutOfRange("from <= to <= the log's size is wanted")
    return _hash_ranges(connection, list_consistency_ranges(first, second))


def _append(connection: Connection, *, signers: list[SigningKey], size: int, limit: int) -> Advance:
    leaves = take_pending(connection, size=size, limit=limit)
    note = find_checkpoint(connection)
    if leaves or note is None:
        frontier = list_nodes(connection, nodes=list_range_nodes(0, size))
        insert_nodes(connection, nodes=grow(frontier, size, map(hash_leaf, leaves)))
        size += len(leaves)
        note = sign_note(Checkpoint(signers[-1].name, size, find_root(connection, size)).text, signers)
        insert_checkpoint(connection, size=size, note=note)
    return Advance(note, more=len(leaves) == limit)


def _start(connection: Connection, *, home: LogHome, size: int, now: datetime) -> SigningKey:
    """The first key, written into the log's first entry."""
    key = _take_key(home, origin=f"siteproof/{secrets.token_hex(8)}")
    # From now on a head that is not there was lost: it can no longer be one that never was.
    home.write_head(sign_note(Checkpoint(key.name, 0, EMPTY_ROOT).text, [key]))
    insert_key(connection, key=key.public.text, from_size=size)
    content = {"key": key.public.text}
    record_fact(connection, kind="log.started", project_id=None, subject=_SUBJECT, at=now, content=content)
    return key


def _find_kept_signer(connection: Connection, *, home: LogHome) -> SigningKey | None:
    keys = list_keys(connection)
    return next((each for each in home.list_keys() if keys and each.public.text == keys[-1][0]), None)


def _take_key(home: LogHome, *, origin: str) -> SigningKey:
    """The newest key of this home, else a new one."""
    kept = home.list_keys()
    if kept:
        return kept[-1]
    key = _make_key(origin)
    home.add_key(key)
    return key


def _make_key(name: str) -> SigningKey:
    return SigningKey(name, secrets.token_bytes(32))


def _find_origin(keys: list[tuple[str, int]], head: str | None) -> str:
    if keys:
        return parse_public_key(keys[-1][0]).name
    return f"siteproof/{secrets.token_hex(8)}" if head is None else read_checkpoint(head).origin


def _find_refusal(connection: Connection, *, home: LogHome, size: int) -> SiteproofError | None:
    try:
        _require_published(connection, home=home, size=size)
        find_signer(connection, home=home)
    except (LogRestored, LogKeyMissing) as error:
        return error
    return None


def _require_published(connection: Connection, *, home: LogHome, size: int) -> None:
    head = home.read_head()
    if head is None:
        if find_checkpoint(connection) is not None and home.list_keys():
            raise LogRestored(_advise("the file of the head that was last published is gone"))
        return
    published = read_checkpoint(head)
    if published.size > size:
        raise LogRestored(
            _advise(f"{published.size} entries were published, the database has {size}"),
            published_size=published.size,
            size=size,
        )
    if find_root(connection, published.size) != published.root:
        raise LogRestored(_advise(f"the first {published.size} entries are not those that were published"))


def _advise(what: str) -> str:
    return f"{what}: if a backup was restored, declare it with `siteproof log accept-restore`"


def _require_same_tree(connection: Connection, *, size: int) -> None:
    nodes: dict[tuple[int, int], bytes] = {}
    count = 0
    for count, leaf in enumerate(walk_leaves(connection), start=1):
        # Only the right edge is needed to go on.
        fresh = grow(nodes, count - 1, [hash_leaf(leaf)])
        nodes = {each: (nodes | fresh)[each] for each in list_range_nodes(0, count)}
    root = fold(list(nodes.values()))
    note = find_checkpoint(connection)
    signed = None if note is None else read_checkpoint(note)
    if count != size or root != find_root(connection, size):
        raise LogChanged("the entries are not those that the stored hashes are of")
    if signed is not None and (signed.size, signed.root) != (size, root):
        raise LogChanged("the entries are not those that the newest checkpoint was signed for")


def read_checkpoint(note: str) -> Checkpoint:
    """The checkpoint in a signed note, its signature not asked for.

    Raises:
        InvalidNote: it is none.
    """
    return parse_checkpoint(split_note(note)[0])


def _hash_ranges(connection: Connection, ranges: list[tuple[int, int]]) -> list[bytes]:
    wanted = {node for each in ranges for node in list_range_nodes(*each)}
    nodes: Mapping[tuple[int, int], bytes] = list_nodes(connection, nodes=wanted)
    if len(nodes) < len(wanted):
        raise LogChanged("hashes of the log are missing")
    return [hash_range(nodes, *each) for each in ranges]
