"""Backups of a database that is written to, and their way back: into another cluster, after kills, and damaged."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, Final, LiteralString

import psycopg
import pytest
from click.testing import CliRunner, Result

from domain.access import Role
from domain.clock import SystemClock
from findings.evidence_log import LogKeyMissing, LogRestored, read_checkpoint
from runtime.backup import BackupRunning, Source, make_backup
from runtime.backup_folder import BackupDamaged, NoBackup, hash_file, open_backup, original_path
from runtime.command_line import main
from runtime.doctor import examine_installation
from runtime.embedded_postgresql import EmbeddedPostgresql
from runtime.log_home import DiskLogHome
from runtime.log_keeper import LogKeeper
from runtime.restore import CounterBehind, NewerBackup, NotEmpty, restore_backup
from runtime.settings import read_settings
from storage.database import Database
from storage.event import find_latest_cursor, list_events
from storage.keyed_reading import KeyedReading, gather
from storage.media_store import DiskMediaStore
from storage.migration import list_pending, migrate
from storage.reading import store_readings
from storage.table_copy import find_cluster_clock, list_filled_tables
from tests.conftest import make_database
from tests.integration.api import conftest
from tests.integration.api.conftest import SQUARE, Api
from tests.pictures import make_jpeg

api = conftest.api
# Events of a photo's arrival, and facts of it in the log or waiting for their place.
_RECEIVED: Final = """
SELECT (SELECT count(*) FROM event WHERE subject LIKE '%%' || given.id AND type = 'siteproof.media.received'),
       (SELECT count(*) FROM (SELECT subject, kind FROM log_entry UNION ALL SELECT subject, kind FROM log_pending) AS l
        WHERE subject = 'media/' || given.id AND kind = 'media.received')
FROM (SELECT %s::text AS id) AS given
"""
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Site:
    """A service that is used, with its database, its store and its home."""

    api: Api
    url: str
    home: Path
    field: dict[str, str]
    inspector: dict[str, str]

    @property
    def source(self) -> Source:
        """What is backed up."""
        return Source(self.url, DiskMediaStore(self.home / "media"), self.home)


@pytest.fixture
def site(api: Api, database_url: str, tmp_path: Path) -> Site:
    """A project with a boundary, a sensor with readings of two months, two photos, and a published log."""
    core = api.make_token(Role.CORE)
    api.put_project()
    api.client.put("/v1/projects/p1/boundary", json=SQUARE, headers=core).raise_for_status()
    sensor = {"project_id": "p1", "kind": "settlement", "unit": "mm"}
    api.client.put("/v1/sensors/s1", json=sensor, headers=core).raise_for_status()
    store_reading(api.database, month=10, minute=1)
    store_reading(api.database, month=11, minute=1)
    site = Site(api, database_url, tmp_path, api.make_token(Role.FIELD), api.make_token(Role.INSPECTOR))
    for number in range(2):
        write_photo(site, number)
    assert api.client.get("/v1/log/checkpoint", headers=core).is_success
    return site


def store_reading(database: Database, *, month: int, minute: int) -> None:
    """One reading in a transaction of its own."""
    moment = datetime(2026, month, 5, minute // 60 % 24, minute % 60, tzinfo=UTC)
    with database.transaction() as connection:
        row = connection.execute("SELECT key FROM sensor WHERE id = 's1'").fetchone()
        assert row is not None
        store_readings(connection, readings=gather([KeyedReading(row[0], moment, 0.1 * minute, None, 0, None)]))


def back_up(site: Site, target: Path, *, with_keys: bool = True) -> Path:
    """A backup of everything; its folder."""
    return make_backup(site.source, target, now=NOW, with_keys=with_keys, tell=lambda _: None)[0]


@contextmanager
def settings_of(monkeypatch: pytest.MonkeyPatch, *, home: Path, url: str) -> Iterator[None]:
    """The environment in which commands work on this home and database."""
    with monkeypatch.context() as patch:
        patch.setenv("SITEPROOF_HOME", str(home))
        patch.setenv("SITEPROOF_DATABASE_URL", url)
        yield


def run(*arguments: str | Path) -> Result:
    """What a command says, and its exit code."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


@pytest.fixture
def empty_url(postgres_url: str) -> Iterator[str]:
    """A database without a single table, in the same cluster."""
    with make_database(postgres_url, template=None) as url:
        yield url


def ask(url: str, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with psycopg.connect(url) as connection:
        return connection.execute(query, values).fetchall()


def test_backup__while_everything_is_written__is_one_moment_and_comes_back_elsewhere(
    site: Site, tmp_path: Path
) -> None:
    """Into another cluster: rows, originals and log agree, old cursors go on, and new events come behind."""
    first_cursor = read_cursor(site.api.database)
    done = Event()
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(write_until, done, write, site) for write in (write_photo, write_reading, write_review)]
        wait_for(lambda: len(site.api.rung) > 4)
        made = back_up(site, tmp_path / "backups")
        at_least = len(site.api.rung)
        wait_for(lambda: len(site.api.rung) > at_least)
        done.set()
        for each in writers:
            each.result()
    late_cursor = read_cursor(site.api.database)
    backup = open_backup(made)
    home = tmp_path / "new-home"
    restore_backup(backup, read_settings(home=home, database_url=""), reason=None, tell=lambda _: None)
    with EmbeddedPostgresql(home / "postgresql") as server:
        require_one_moment(server.url, home)
        assert list_pending(server.url) == []
        (count,) = ask(server.url, "SELECT count(*) FROM media")[0]
        assert 4 < count < len(site.api.rung) + 2
        database = Database(server.url)
        require_events_go_on(database, first=first_cursor, late=late_cursor)
        require_declared(database, home)
        database.close()


def write_until(done: Event, write: Callable[[Site, int], None], site: Site) -> None:
    """Write again and again until it is done."""
    number = 2
    while not done.is_set():
        write(site, number)
        number += 1


def write_photo(site: Site, number: int) -> None:
    """A photo of a colour of its own, taken outside of the boundary, which is a finding."""
    content = make_jpeg(lon=121.0, lat=31.0, accuracy_m=5, colour=(number * 8 % 256, number // 32 * 8, 77))
    files = {"file": ("a.jpg", content)}
    site.api.client.post("/v1/projects/p1/media", files=files, headers=site.field).raise_for_status()


def write_reading(site: Site, number: int) -> None:
    """A reading; every second one of last month."""
    store_reading(site.api.database, month=10 + number % 2, minute=number)


def write_review(site: Site, number: int) -> None:
    """Decide upon the oldest finding that is open."""
    found = site.api.client.get("/v1/findings?status=open&limit=1", headers=site.inspector).json()["items"]
    for each in found:
        body = {"decision": "confirmed", "reason": f"seen {number}"}
        site.api.client.post(f"/v1/findings/{each['id']}/review", json=body, headers=site.inspector).raise_for_status()


def wait_for(is_so: Callable[[], bool]) -> None:
    """Until something is so; the test's own deadline ends it."""
    pause = Event()
    while not is_so():
        pause.wait(0.05)


def read_cursor(database: Database) -> str:
    """Behind all events that can be read now."""
    with database.transaction() as connection:
        return find_latest_cursor(connection)


def read_events(database: Database, after: str) -> list[str]:
    """Subjects of the events behind a cursor."""
    with database.transaction() as connection:
        page = list_events(connection, area="/", project_id=None, after=after, limit=500)
        return [each.subject for each in page.events]


def require_one_moment(url: str, home: Path) -> None:
    """What one transaction wrote is there whole: a photo with its event, its facts, its finding and its original."""
    store = DiskMediaStore(home / "media")
    for media_id, sha256 in ask(url, "SELECT id::text, sha256 FROM media"):
        assert hash_file(store.open(sha256)) == sha256
        assert ask(url, _RECEIVED, media_id) == [(1, 1)]
    reviewed = ask(url, "SELECT count(*) FROM finding WHERE status = 'confirmed'")
    assert reviewed == ask(
        url,
        "SELECT count(*) FROM (SELECT kind FROM log_entry UNION ALL SELECT kind FROM log_pending) AS l"
        " WHERE kind = 'finding.reviewed'",
    )
    # The hourly sums are kept in the transaction of their readings.
    assert ask(url, "SELECT count(*) FROM reading WHERE q = 0") == ask(url, "SELECT sum(n)::bigint FROM reading_hour")


def require_events_go_on(database: Database, *, first: str, late: str) -> None:
    """Whoever read up to the backup, or past it, gets what is new, once."""
    restored = read_events(database, first)
    assert len(restored) == len(set(ask_event_ids(database, first))) > 0
    assert read_events(database, late) == []
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO event (id, type, area, subject, occurred_at)"
            " VALUES (gen_random_uuid(), 'siteproof.test', '/', 'new', now())"
        )
    assert read_events(database, late) == ["new"]
    assert read_events(database, first) == [*restored, "new"]


def ask_event_ids(database: Database, after: str) -> list[str]:
    """Ids of the events behind a cursor."""
    with database.transaction() as connection:
        page = list_events(connection, area="/", project_id=None, after=after, limit=500)
        return [str(each.id) for each in page.events]


def require_declared(database: Database, home: Path) -> None:
    """The log signs nothing until the restore stands in it; then it goes on."""
    keeper = LogKeeper(database, DiskLogHome(home / "evidence-log"), SystemClock())
    with pytest.raises(LogRestored):
        keeper.publish()
    note = keeper.accept_restore(reason="the disk died")
    size, waiting = keeper.examine(every_leaf=True)
    assert (read_checkpoint(note).size, waiting) == (size, 0)
    with database.transaction() as connection:
        row = connection.execute("SELECT kind FROM log_entry ORDER BY index DESC LIMIT 1").fetchone()
    assert row == ("log.restore_accepted",)


@pytest.mark.parametrize("kind", ["tables/event.gz", "originals.txt", "manifest.json", "home", "media"])
def test_restore__one_byte_turned__names_the_file_and_changes_nothing(
    site: Site, empty_url: str, tmp_path: Path, kind: str
) -> None:
    """Every file of the backup is under a hash."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.json").write_text("{}")
    made = back_up(site, tmp_path / "backups")
    (victim,) = [each for each in sorted(made.rglob("*")) if each.is_file() and turned(each, made, kind)][:1]
    victim.chmod(0o600)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    home = tmp_path / "new-home"
    with pytest.raises(BackupDamaged) as refused:
        restore_backup(
            open_backup(made), read_settings(home=home, database_url=empty_url), reason=None, tell=lambda _: None
        )
    assert victim.relative_to(made).as_posix() in refused.value.detail
    assert not home.exists()
    assert ask(empty_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def turned(path: Path, made: Path, kind: str) -> bool:
    """Whether a file is of the kind whose byte is turned."""
    return path.relative_to(made).as_posix().startswith(kind)


_KILLED_BACKUP = """
    import os, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from runtime.backup import Source, make_backup
    from storage.media_store import DiskMediaStore
    url, home, target, word = sys.argv[1:]
    def tell(line):
        if line.startswith(word):
            os.kill(os.getpid(), 9)
    source = Source(url, DiskMediaStore(Path(home) / "media"), Path(home))
    make_backup(source, Path(target), now=datetime.now(UTC), with_keys=True, tell=tell)
"""
_KILLED_RESTORE = """
    import os, sys
    from pathlib import Path
    from runtime.backup_folder import open_backup
    from runtime.restore import restore_backup
    from runtime.settings import read_settings
    url, home, target, word = sys.argv[1:]
    def tell(line):
        if line.startswith(word):
            os.kill(os.getpid(), 9)
    settings = read_settings(home=Path(home), database_url=url)
    restore_backup(open_backup(Path(target)), settings, reason=None, tell=tell)
"""


def run_killed(program: str, *arguments: str | Path) -> None:
    """Run a program that kills itself at the line that begins with the last argument."""
    command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
    done = subprocess.run(command, check=False, capture_output=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == KILLED, done.stderr.decode()


@pytest.mark.parametrize("word", ["finding", "originals"])
def test_backup__killed_half_way__is_never_taken_for_one(site: Site, tmp_path: Path, word: str) -> None:
    """What is left has no manifest, is not found, and goes with the next backup."""
    target = tmp_path / "backups"
    run_killed(_KILLED_BACKUP, site.url, tmp_path, target, word)
    (left,) = target.glob(".partial-*")
    for source in (target, left):
        with pytest.raises(NoBackup):
            open_backup(source)
    made = back_up(site, target)
    assert not left.exists()
    assert open_backup(target).folder == made


@pytest.mark.parametrize("word", ["originals", "finding", "the evidence log"])
def test_restore__killed_half_way__is_started_again(
    site: Site, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Before the tables are in they are not there at all; after that the doctor says what to do."""
    made, home = back_up(site, tmp_path / "backups"), tmp_path / "new-home"
    run_killed(_KILLED_RESTORE, empty_url, home, made, word)
    assert bool(list_filled_tables(empty_url)) == (word == "the evidence log")
    with settings_of(monkeypatch, home=home, url=empty_url):
        rows = {row[0]: row[2] for row in examine_installation(read_settings())}
        assert ("run the same `siteproof restore` again" in rows["database"]) == (word == "the evidence log")
        again = run("restore", made, "--reason", "the disk died")
        assert (again.exit_code, "the restore stands in the evidence log" in again.output) == (0, True), again.output
        rows = {row[0]: row[2] for row in examine_installation(read_settings())}
        assert (rows["database"], rows["evidence log"]) == ("", "")
        assert run("log", "check").exit_code == 0
    require_one_moment(empty_url, home)
    # What is numbered from now on is numbered behind what was there.
    ((last,),) = ask(empty_url, "SELECT max(seq) FROM media")
    assert ask(empty_url, "SELECT nextval(pg_get_serial_sequence('media', 'seq'))")[0][0] > last


def test_restore__into_what_is_not_empty__is_refused(site: Site, empty_url: str, tmp_path: Path) -> None:
    """A database with rows, a home with another model; and nothing of them is touched."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.json").write_text("{}")
    made, home = open_backup(back_up(site, tmp_path / "backups")), tmp_path / "new-home"
    with pytest.raises(NotEmpty, match="event"):
        restore_backup(made, read_settings(home=home, database_url=site.url), reason=None, tell=lambda _: None)
    (home / "models").mkdir(parents=True)
    (home / "models" / "m.json").write_text("{1}")
    with pytest.raises(NotEmpty, match=r"m\.json"):
        restore_backup(made, read_settings(home=home, database_url=empty_url), reason=None, tell=lambda _: None)
    assert (home / "models" / "m.json").read_text() == "{1}"


def test_restore__into_a_cluster_whose_numbers_lie_below__is_refused_with_the_command(
    site: Site, tmp_path: Path
) -> None:
    """A server that is not ours to stop: events must not be hidden, so nothing is restored."""
    made = open_backup(back_up(site, tmp_path / "backups"))
    with EmbeddedPostgresql(tmp_path / "other") as server:
        assert find_cluster_clock(server.url).system != made.manifest.system
        settings = read_settings(home=tmp_path / "new-home", database_url=server.url)
        with pytest.raises(CounterBehind, match="pg_resetwal -e 1 "):
            restore_backup(made, settings, reason=None, tell=lambda _: None)
        server.move_epoch(1)
        assert find_cluster_clock(server.url).next_tx >> 32 == 1
        settings = read_settings(home=tmp_path / "new-home", database_url=server.url)
        restore_backup(made, settings, reason=None, tell=lambda _: None)


def test_restore__of_an_older_release__is_migrated_after_it_was_loaded(
    postgres_url: str, empty_url: str, tmp_path: Path
) -> None:
    """A database of the first twelve migrations; and one of a later release than ours is refused."""
    home = tmp_path / "home"
    with make_database(postgres_url, template=None) as url:
        migrate(url, only=range(13))
        with psycopg.connect(url) as connection:
            connection.execute(
                "INSERT INTO token (id, secret_sha256, role, area) VALUES (gen_random_uuid(), '', 'admin', '/')"
            )
        database = Database(url)
        pending = list_pending(url)
        assert pending[0] == "webhook"
        source = Source(url, DiskMediaStore(home / "media"), home)
        made, manifest = make_backup(source, tmp_path / "backups", now=NOW, with_keys=False, tell=lambda _: None)
        database.close()
    restore_backup(
        open_backup(made), read_settings(home=home, database_url=empty_url), reason=None, tell=lambda _: None
    )
    assert list_pending(empty_url) == []
    assert ask(empty_url, "SELECT role FROM token WHERE revoked_at IS NULL") == [("admin",)]
    backup = open_backup(made)
    backup.manifest = manifest.model_copy(update={"migrations": (*manifest.migrations, 9999)})
    with pytest.raises(NewerBackup):
        restore_backup(backup, read_settings(home=home, database_url=empty_url), reason=None, tell=lambda _: None)


def test_backup__second__links_what_the_first_has_and_leaves_out_what_was_erased(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file under two names; either backup may go; without keys the log asks for them after a restore."""
    target = tmp_path / "backups"
    first = open_backup(back_up(site, target, with_keys=False))
    kept, erased = [sha256 for sha256, _ in first.list_originals()]
    ((media_id,),) = ask(site.url, "SELECT id FROM media WHERE sha256 = %s", erased)
    with settings_of(monkeypatch, home=tmp_path, url=site.url):
        assert run("erase", str(media_id), "--basis", "law").exit_code == 0
        done = run("backup", target)
    assert done.exit_code == 0, done.output
    second = open_backup(target)
    assert second.folder != first.folder
    assert [sha256 for sha256, _ in second.list_originals()] == [kept]
    assert (second.manifest.originals.erased, second.manifest.originals.missing) == (1, ())
    assert (second.folder / original_path(kept)).samefile(first.folder / original_path(kept))
    shutil.rmtree(first.folder)
    second.check(tell=lambda _: None)
    assert not (second.folder / "home" / "evidence-log").exists()


def test_backup__original_gone_from_the_store__is_made_and_says_so(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else is in it; the exit code is 1."""
    (gone, _), (spoilt, _) = ask(site.url, "SELECT sha256, id FROM media ORDER BY sha256")
    store = DiskMediaStore(site.home / "media")
    store.local_path(gone).unlink()
    store.local_path(spoilt).chmod(0o600)
    store.local_path(spoilt).write_bytes(b"rotten")
    with settings_of(monkeypatch, home=tmp_path, url=site.url):
        done = run("backup", tmp_path / "backups")
    assert done.exit_code == 1
    assert open_backup(tmp_path / "backups").manifest.originals.missing == (gone, spoilt)


def test_restore__without_the_key__goes_on_with_a_new_one_that_is_declared(
    site: Site, empty_url: str, tmp_path: Path
) -> None:
    """The log refuses until the loss of the key stands in it."""
    home = tmp_path / "new-home"
    made = open_backup(back_up(site, tmp_path / "backups", with_keys=False))
    restore_backup(made, read_settings(home=home, database_url=empty_url), reason=None, tell=lambda _: None)
    database = Database(empty_url)
    keeper = LogKeeper(database, DiskLogHome(home / "evidence-log"), SystemClock())
    with pytest.raises(LogKeyMissing):
        keeper.publish()
    keeper.accept_restore(reason="the disk died with the key")
    keeper.examine(every_leaf=True)
    database.close()


def test_restore__beside_a_home_that_survived__declares_the_head_that_was_lost(
    site: Site, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the database is an older one: the entry holds what had been published since."""
    made = back_up(site, site.home / "backups")
    write_photo(site, 3)
    lost = LogKeeper(site.api.database, DiskLogHome(site.home / "evidence-log"), SystemClock()).publish()
    with settings_of(monkeypatch, home=site.home, url=empty_url):
        assert run("restore", made, "--reason", "the disk died").exit_code == 0
        assert run("log", "check").exit_code == 0
    (content,) = ask(empty_url, "SELECT convert_from(content, 'UTF8') FROM log_content ORDER BY index DESC LIMIT 1")[0]
    told = json.loads(content)
    assert (told["cause"], told["published"], told["reason"]) == ("log.restored", lost, "the disk died")


def test_backup__two_at_once__the_second_is_refused(site: Site, tmp_path: Path) -> None:
    """The first one's unfinished folder stays untouched."""
    target = tmp_path / "backups"
    refused: list[str] = []

    def try_another(_: str) -> None:
        if not refused:
            with pytest.raises(BackupRunning) as error:
                back_up(site, target)
            refused.append(error.value.code)

    make_backup(site.source, target, now=NOW, with_keys=False, tell=try_another)
    assert refused == ["backup.running"]
    open_backup(target).check(tell=lambda _: None)
