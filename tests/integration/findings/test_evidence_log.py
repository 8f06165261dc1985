"""The log on a real PostgreSQL: order under many writers, keys, restored backups. Proofs are checked by RFC 6962."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from uuid import uuid4

import psycopg
import pytest

from domain.access import Principal, Role
from domain.clock import SystemClock
from findings.evidence_log import (
    LogChanged,
    LogKeyMissing,
    LogRestored,
    NothingRestored,
    SizeOutOfRange,
    advance,
    describe_handover,
    prove_consistency,
    prove_inclusion,
    read_checkpoint,
)
from findings.log_fact import record_fact
from findings.merkle import hash_leaf, verify_consistency, verify_inclusion
from findings.signed_note import PublicKey, open_note, parse_public_key
from runtime.log_home import DiskLogHome
from runtime.log_keeper import LogKeeper
from storage.database import Connection, Database
from storage.evidence_log import SeenEntry, list_entries, list_keys
from tests.conftest import make_database

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ADMIN = Principal(uuid4(), Role.ADMIN, "/", None, None, None)


@pytest.fixture
def home(tmp_path: Path) -> DiskLogHome:
    """A home without a key yet."""
    return DiskLogHome(tmp_path / "evidence-log")


@pytest.fixture
def keeper(database: Database, home: DiskLogHome) -> LogKeeper:
    """The keeper of an empty log."""
    return LogKeeper(database, home, SystemClock())


def write(connection: Connection, number: int) -> None:
    """A fact with a number in it."""
    content = {"number": number}
    record_fact(connection, kind="test.fact", project_id=None, subject="test", at=NOW, content=content)


def write_many(database: Database, count: int) -> None:
    """Facts, committed together."""
    with database.transaction() as connection:
        for number in range(count):
            write(connection, number)


def read_all(database: Database) -> list[SeenEntry]:
    """Every entry, page by page."""
    entries: list[SeenEntry] = []
    after: str | None = None
    while True:
        with database.transaction() as connection:
            page = list_entries(connection, principal=ADMIN, after=after, limit=7)
        entries += page.items
        after = page.next
        if after is None:
            return entries


def list_public_keys(database: Database) -> list[PublicKey]:
    """All keys that ever signed."""
    with database.transaction() as connection:
        return [parse_public_key(each[0]) for each in list_keys(connection)]


def write_in_turns(database: Database, writer: int) -> list[int]:
    """Ten transactions of one to three facts with pauses, every fourth rolled back; the numbers that are committed."""
    kept: list[int] = []
    for turn in range(10):
        numbers = [writer * 1000 + turn * 10 + each for each in range(1 + (writer + turn) % 3)]
        with database.transaction() as connection:
            for number in numbers:
                write(connection, number)
                connection.execute("SELECT pg_sleep(%s)", [(writer * 7 + turn * 3) % 5 / 1000])
            if (writer + turn) % 4 == 0:
                connection.rollback()
            else:
                kept += numbers
    return kept


def publish_until(keeper: LogKeeper, done: Event) -> list[int]:
    """The sizes that were published meanwhile."""
    sizes = []
    while not done.is_set():
        sizes.append(read_checkpoint(keeper.publish()).size)
    return sizes


def test_log__many_writers_and_two_sequencers__skips_none_and_doubles_none(
    database_url: str, home: DiskLogHome
) -> None:
    """30 writers with transactions of all lengths, some rolled back, while two keepers publish: each fact once."""
    database, done = Database(database_url, max_connections=20), Event()
    keepers = [LogKeeper(database, home, SystemClock()) for _ in range(2)]
    keepers[0].publish()
    with ThreadPoolExecutor(32) as pool:
        publishing = [pool.submit(publish_until, each, done) for each in keepers]
        writing = [pool.submit(write_in_turns, database, each) for each in range(30)]
        kept = [number for each in writing for number in each.result()]
        done.set()
        for each in publishing:
            assert each.result() == sorted(each.result())
    checkpoint = read_checkpoint(keepers[0].publish())
    entries = [each.entry for each in read_all(database)]
    assert [each.index for each in entries] == list(range(len(entries)))
    numbers = [json.loads(each.content or b"")["number"] for each in entries if each.kind == "test.fact"]
    assert sorted(numbers) == sorted(kept)
    assert checkpoint.size == len(kept) + 1
    # What one writer wrote one after the other stands in that order.
    assert [each for each in kept if each // 1000 == 7] == [each for each in numbers if each // 1000 == 7]
    with database.transaction() as connection:
        for entry in entries[::20]:
            leaf, path = prove_inclusion(connection, index=entry.index, size=checkpoint.size)
            assert leaf == hash_leaf(entry.leaf)
            assert verify_inclusion(leaf=leaf, index=entry.index, size=checkpoint.size, path=path, root=checkpoint.root)
    database.close()


def test_log__late_commit__gets_a_later_place(database: Database, keeper: LogKeeper) -> None:
    """A fact that was written first and committed last is not skipped: it stands behind what was published before."""
    keeper.publish()
    with database.transaction() as late:
        write(late, 1)
        with database.transaction() as early:
            write(early, 2)
        first = read_checkpoint(keeper.publish())
    second = read_checkpoint(keeper.publish())
    assert (first.size, second.size) == (2, 3)
    contents = [json.loads(each.entry.content or b"") for each in read_all(database)]
    assert [each.get("number") for each in contents] == [None, 2, 1]


def test_log__each_growth__is_consistent_with_every_head_before(database: Database, keeper: LogKeeper) -> None:
    """Between any two published heads there is a proof; a fact that waits changes no head."""
    heads = []
    for count in (0, 1, 3, 9, 1):
        write_many(database, count)
        heads.append(read_checkpoint(keeper.publish()))
    assert keeper.publish() == keeper.publish()
    # The first entry is the log's own.
    assert [each.size for each in heads] == [1, 2, 5, 14, 15]
    with database.transaction() as connection:
        for at, later in enumerate(heads):
            for earlier in heads[: at + 1]:
                proof = prove_consistency(connection, first=earlier.size, second=later.size)
                assert verify_consistency(
                    first=earlier.size,
                    second=later.size,
                    first_root=earlier.root,
                    second_root=later.root,
                    proof=proof,
                )
        for first, second in ((2, 1), (0, 16), (-1, 3)):
            with pytest.raises(SizeOutOfRange):
                prove_consistency(connection, first=first, second=second)
        for index, size in ((15, 15), (0, 16), (-1, 3)):
            with pytest.raises(SizeOutOfRange):
                prove_inclusion(connection, index=index, size=size)


def test_log__more_facts_than_a_step_takes__are_told_to_wait(database: Database, home: DiskLogHome) -> None:
    """A step is bounded, and says that there is more."""
    write_many(database, 5)
    with database.transaction() as connection:
        done = advance(connection, home=home, now=NOW, limit=4)
    assert (done.more, read_checkpoint(done.note).size) == (True, 4)


def test_key__first_start__is_a_secret_of_its_owner(keeper: LogKeeper, tmp_path: Path, database: Database) -> None:
    """Mode 0600, and its public half stands in the log."""
    keeper.publish()
    assert (tmp_path / "evidence-log" / "keys").stat().st_mode & 0o777 == 0o600
    (first,) = read_all(database)
    assert first.entry.kind == "log.started"
    assert json.loads(first.entry.content or b"")["key"] == list_public_keys(database)[0].text


def test_key__rotated__is_handed_over_by_both(database: Database, keeper: LogKeeper, home: DiskLogHome) -> None:
    """The entry and its checkpoint are signed by the old and the new key; then the new one alone signs."""
    keeper.publish()
    new = keeper.rotate_key()
    old, listed = list_public_keys(database)
    assert (listed, [each.public for each in home.list_keys()]) == (new, [new])
    head = home.read_head()
    assert head is not None
    assert open_note(head, [old, new])[1] == [old, new]
    content = json.loads(read_all(database)[-1].entry.content or b"")
    assert open_note(content["handover"], [old, new]) == (describe_handover(old, new), [old, new])
    write_many(database, 1)
    assert open_note(keeper.publish(), [old, new])[1] == [new]


def test_restore__of_an_older_backup__is_refused_until_it_is_declared(
    database_url: str, keeper: LogKeeper, home: DiskLogHome, make_copy: Callable[[str], str]
) -> None:
    """Behind what was published nothing is signed; declared, the log goes on and says what was lost."""
    before = Database(database_url)
    keeper.publish()
    write_many(before, 2)
    keeper.publish()
    before.close()
    backup = Database(make_copy(database_url))
    original = Database(database_url)
    write_many(original, 3)
    lost = LogKeeper(original, home, SystemClock()).publish()
    original.close()
    restored = LogKeeper(backup, home, SystemClock())
    write_many(backup, 1)
    for refused in (restored.publish, restored.rotate_key, restored.examine):
        with pytest.raises(LogRestored):
            refused()
    assert home.read_head() == lost
    note = restored.accept_restore(reason="the disk died")
    entries = [each.entry for each in read_all(backup)]
    # log.started and two facts; the one written after the restore; the declaration.
    assert [each.kind for each in entries] == ["log.started", *["test.fact"] * 3, "log.restore_accepted"]
    content = json.loads(entries[-1].content or b"")
    assert (content["published"], content["size"], content["reason"]) == (lost, 3, "the disk died")
    assert (home.read_head(), restored.publish()) == (note, note)
    with pytest.raises(NothingRestored):
        restored.accept_restore(reason="again")
    backup.close()


def test_restore__that_grew_beyond_what_was_published__is_refused(
    database_url: str, keeper: LogKeeper, home: DiskLogHome, tmp_path: Path, make_copy: Callable[[str], str]
) -> None:
    """A database with more entries, but others, is told by the root; a second home with the same key stands aside."""
    keeper.publish()
    keeper_copy = Database(make_copy(database_url))
    other = DiskLogHome(tmp_path / "other")
    other.add_key(home.list_keys()[0])
    other.write_head(home.read_head() or "")
    write_many(keeper_copy, 9)
    LogKeeper(keeper_copy, other, SystemClock()).publish()
    original = Database(database_url)
    write_many(original, 3)
    LogKeeper(original, home, SystemClock()).publish()
    original.close()
    with pytest.raises(LogRestored, match="not those that were published"):
        LogKeeper(keeper_copy, home, SystemClock()).publish()
    keeper_copy.close()


def test_key__lost__is_declared_and_replaced(database: Database, keeper: LogKeeper, tmp_path: Path) -> None:
    """Another home cannot sign; the operator may declare the key lost, and that stands in the log."""
    keeper.publish()
    stranger = LogKeeper(database, DiskLogHome(tmp_path / "fresh"), SystemClock())
    with pytest.raises(LogKeyMissing):
        stranger.publish()
    note = stranger.accept_restore(reason="the machine burnt down")
    old, new = list_public_keys(database)
    assert old.name == new.name
    assert open_note(note, [old, new])[1] == [new]
    assert json.loads(read_all(database)[-1].entry.content or b"")["former_key"] == old.text
    with pytest.raises(LogKeyMissing):
        keeper.publish()


def test_head__file_gone__is_refused(keeper: LogKeeper, tmp_path: Path) -> None:
    """Without what was last published nobody can say whether the database is an older one."""
    keeper.publish()
    (tmp_path / "evidence-log" / "head").unlink()
    with pytest.raises(LogRestored):
        keeper.publish()


def test_entries__changed__is_refused_by_the_database_and_told_by_a_check(
    database_url: str, database: Database, keeper: LogKeeper
) -> None:
    """Rows are never changed; who does it behind the database's back is found out by hashing all leaves."""
    write_many(database, 5)
    keeper.publish()
    assert keeper.examine(every_leaf=True) == (6, 0)
    statements = (
        "UPDATE log_entry SET leaf = ''",
        "DELETE FROM log_entry",
        "UPDATE log_content SET content = ''",
        "UPDATE log_node SET hash = hash",
        "DELETE FROM log_node",
        "DELETE FROM log_checkpoint",
        "DELETE FROM log_key",
        "TRUNCATE log_entry CASCADE",
    )
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in statements:
            with pytest.raises(psycopg.errors.RaiseException):
                connection.execute(statement.encode())
        connection.execute("ALTER TABLE log_entry DISABLE TRIGGER ALL")
        connection.execute("UPDATE log_entry SET leaf = leaf || ' ' WHERE index = 3")
    with pytest.raises(LogChanged):
        keeper.examine(every_leaf=True)


def test_content__deleted_by_law__leaves_a_leaf_that_verifies(database: Database, keeper: LogKeeper) -> None:
    """The content goes, its salted digest stays in the leaf, and the tree is the same."""
    write_many(database, 3)
    note = keeper.publish()
    with database.transaction() as connection:
        connection.execute("DELETE FROM log_content WHERE index = 2")
    entries = [each.entry for each in read_all(database)]
    assert [each.content is None for each in entries] == [False, False, True, False]
    assert keeper.examine(every_leaf=True) == (4, 0)
    checkpoint = read_checkpoint(note)
    with database.transaction() as connection:
        leaf, path = prove_inclusion(connection, index=2, size=4)
    assert leaf == hash_leaf(entries[2].leaf)
    assert verify_inclusion(leaf=leaf, index=2, size=4, path=path, root=checkpoint.root)


@pytest.fixture
def make_copy(postgres_url: str) -> Iterator[Callable[[str], str]]:
    """Copies a database as it is now, as a backup does; gives back the copy's URL."""
    with ExitStack() as copies:

        def copy(url: str) -> str:
            source = str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])
            with psycopg.connect(postgres_url, autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [source]
                )
            return copies.enter_context(make_database(postgres_url, template=source))

        yield copy
