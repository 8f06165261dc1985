"""Bringing a backup back onto an empty database, in steps that may be repeated, once every file proved sound."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from domain.errors import Conflict
from findings.evidence_log import NothingRestored
from runtime.assembly import make_log_keeper, make_media_store
from runtime.backup import HOME_FOLDERS, SECRET_FILES
from runtime.backup_folder import Backup, FilePart, TablePart, hash_file, original_path
from runtime.embedded_postgresql import EmbeddedPostgresql
from runtime.settings import Settings
from storage.database import Connection, Database
from storage.media_store import MediaStore, OriginalMissing, read_chunks
from storage.migration import list_migrations, migrate
from storage.table_copy import (
    ClusterClock,
    Counter,
    Table,
    find_cluster_clock,
    find_flavour,
    find_restored,
    list_filled_tables,
    load_table,
    make_reading_months,
    mark_restored,
    open_load,
    set_counters,
    sort_for_loading,
    tally_table,
    unmark_restored,
)

Tell = Callable[[str], None]
_EPOCH_BITS: Final = 32


class NotEmpty(Conflict):
    """The database, or the home, holds something that is not of this backup."""

    code: ClassVar[str] = "restore.not_empty"


class NewerBackup(Conflict):
    """The backup is of a schema that this release does not know."""

    code: ClassVar[str] = "restore.newer_backup"


class OtherFlavour(Conflict):
    """Readings of a backup without TimescaleDB cannot be brought into one with it, nor the other way."""

    code: ClassVar[str] = "restore.other_flavour"


class CounterBehind(Conflict):
    """The cluster's transaction numbers lie below those of the backup's events, which would stay hidden."""

    code: ClassVar[str] = "restore.transaction_counter_behind"


class NotEqual(Conflict):
    """What was loaded is not what the manifest says; nothing was kept of it."""

    code: ClassVar[str] = "restore.not_equal"


def restore_backup(backup: Backup, settings: Settings, *, reason: str | None, tell: Tell) -> None:
    """Check a backup, bring back originals, home and database, and compare.

    A restore that was interrupted is started again by the same call.

    Args:
        backup: what is brought back.
        settings: to where; the database must be empty and nothing else may use it meanwhile.
        reason: for the evidence log's entry that declares the restore; None leaves that to
            `siteproof log accept-restore`, and the log signs nothing until then.
        tell: prints a line of progress.

    Raises:
        BackupDamaged: a file of the backup is not as it was written; nothing was changed.
        NotEmpty: database or home hold something else; nothing was changed.
        NewerBackup: a newer release made it; nothing was changed.
        OtherFlavour: the other kind of PostgreSQL is needed; the database may have got its empty tables.
        CounterBehind: the server's counter must be moved by hand first; nothing was changed.
        NotEqual: the tables came out otherwise than they went in; none was kept.
    """
    _require_known(backup)
    backup.check(tell=tell)
    _require_free_home(backup, settings.home)
    with _open_server(settings) as (given_url, server):
        is_loaded = _require_free_database(backup, given_url)
        _move_counter(backup, given_url, server, tell=tell)
        url = given_url if server is None else server.url
        _restore_originals(backup, make_media_store(settings), tell=tell)
        _restore_home(backup, settings.home)
        if not is_loaded:
            _restore_tables(backup, url, tell=tell)
        for name in migrate(url):
            tell(f"applied {name}")
        if backup.manifest.checkpoint is not None:
            _declare(settings, url, reason=reason, tell=tell)
        unmark_restored(url)


def find_needed_epoch(clock: ClusterClock, *, system: int, next_tx: int) -> int | None:
    """The epoch in which a cluster's transaction numbers lie above all that a backup's cluster gave out.

    Args:
        clock: of the cluster to restore into.
        system: the identifier of the cluster that was backed up.
        next_tx: its next number at that time. What was given out after the backup lies above, so another cluster
            must be in a later epoch (2^32 numbers); the same cluster is above all of them by itself.

    Returns:
        None where nothing needs to be moved.
    """
    is_above = clock.next_tx >= next_tx and clock.system == system
    is_later = clock.next_tx >> _EPOCH_BITS > next_tx >> _EPOCH_BITS
    return None if is_above or is_later else (next_tx >> _EPOCH_BITS) + 1


def _require_known(backup: Backup) -> None:
    known = {each.number for each in list_migrations(backup.manifest.flavour)}
    if newer := set(backup.manifest.migrations) - known:
        raise NewerBackup(
            f"the backup has migration {max(newer)}, which this release does not know: install a newer one"
        )


def _require_free_home(backup: Backup, home: Path) -> None:
    for part in backup.manifest.home:
        path = home / _home_path(part)
        if path.exists() and _home_path(part) not in SECRET_FILES and hash_file(path.open("rb")) != part.sha256:
            raise NotEmpty(f"{path} is there and is another file than in the backup: move it away first")


def _require_free_database(backup: Backup, url: str) -> bool:
    """Whether the tables are there already, from this backup and a restore that did not come to its end."""
    restored = find_restored(url)
    if restored is not None and restored != backup.sha256:
        raise NotEmpty("another backup's restore into this database did not come to its end: take a fresh database")
    if restored is None and (filled := list_filled_tables(url)):
        raise NotEmpty(f"the database holds rows ({', '.join(filled[:5])}): a backup goes into an empty one only")
    return restored is not None


def _move_counter(backup: Backup, url: str, server: EmbeddedPostgresql | None, *, tell: Tell) -> None:
    manifest = backup.manifest
    epoch = find_needed_epoch(find_cluster_clock(url), system=manifest.system, next_tx=manifest.next_tx)
    if epoch is None:
        return
    if server is None:
        raise CounterBehind(
            "events are ordered by transaction numbers, and this server's lie below the backup's: stop it, run"
            f" `pg_resetwal -e {epoch} DATA_FOLDER` as its user, start it, and restore again (docs/backup.md)",
            epoch=epoch,
        )
    server.move_epoch(epoch)
    tell(f"transaction numbers go on in epoch {epoch}, above those of the backup")


def _restore_originals(backup: Backup, store: MediaStore, *, tell: Tell) -> None:
    count = 0
    for count, (sha256, size) in enumerate(backup.list_originals(), start=1):
        _restore_original(backup, store, sha256, size)
        if count % 1_000 == 0:
            tell(f"originals: {count} of {backup.manifest.originals.count}")
    tell(f"originals: {count} are there")


def _restore_original(backup: Backup, store: MediaStore, sha256: str, size: int) -> None:
    try:
        kept = hash_file(store.open(sha256))
    except OriginalMissing:
        kept = None
    if kept == sha256:
        return
    if kept is not None:
        raise NotEmpty(f"the store holds another file under the name {sha256}: move it away first")
    staging = store.stage(max_bytes=size)
    try:
        for chunk in read_chunks((backup.folder / original_path(sha256)).open("rb")):
            staging.write(chunk)
        staged = staging.finish()
        if staged.sha256 != sha256:
            raise NotEqual(f"the original {sha256} changed while it was copied")
        store.keep(staged)
    finally:
        staging.discard()


def _restore_home(backup: Backup, home: Path) -> None:
    """What is there stays: it is the same, or it is a key or a secret that is newer."""
    for part in backup.manifest.home:
        target = home / _home_path(part)
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = target.with_name(f"{target.name}.restoring")
        mode = 0o600 if _home_path(part) in SECRET_FILES else 0o644
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            for chunk in read_chunks((backup.folder / part.path).open("rb")):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)


def _restore_tables(backup: Backup, url: str, *, tell: Tell) -> None:
    """The schema of the backup, then all rows in one transaction, compared before it is committed."""
    manifest = backup.manifest
    migrate(url, only=manifest.migrations)
    if (flavour := find_flavour(url)) != manifest.flavour:
        raise OtherFlavour(f"the backup's readings are {manifest.flavour}, this server's are {flavour}")
    parts = {each.name: each for each in manifest.tables}
    with open_load(url) as connection:
        make_reading_months(connection, [date.fromisoformat(each) for each in manifest.months])
        for name in sort_for_loading(connection, parts):
            _restore_table(backup, connection, parts[name])
            tell(f"{name}: {parts[name].rows} rows, equal")
        set_counters(connection, [Counter(each.table, each.column, each.last) for each in manifest.counters])
        mark_restored(connection, manifest_sha256=backup.sha256)


def _restore_table(backup: Backup, connection: Connection, part: TablePart) -> None:
    table = Table(part.name, part.columns)
    load_table(connection, table, backup.read_table(part))
    tally = tally_table(connection, table)
    if (tally.rows, tally.digest) != (part.rows, part.digest):
        raise NotEqual(f"{part.name} has {tally.rows} rows, {part.rows} were backed up; or one is another")


def _declare(settings: Settings, url: str, *, reason: str | None, tell: Tell) -> None:
    """The log's head that was published is what the home has; a backup brings none, so that it says what happened."""
    if reason is None:
        tell('the evidence log signs nothing until you say why: siteproof log accept-restore --reason "..."')
        return
    database = Database(url, max_connections=1)
    try:
        make_log_keeper(settings, database).accept_restore(reason=reason)
    except NothingRestored:
        tell("the evidence log holds everything that was published: nothing to declare")
    else:
        tell("the restore stands in the evidence log")
    finally:
        database.close()


def _home_path(part: FilePart) -> str:
    path = part.path.removeprefix("home/")
    if path.split("/", 1)[0] not in HOME_FOLDERS and path not in SECRET_FILES:
        raise NotEqual(f"the backup holds {path}, which does not belong into a home")
    return path


@contextmanager
def _open_server(settings: Settings) -> Iterator[tuple[str, EmbeddedPostgresql | None]]:
    """The database's URL, and the embedded server where it is that."""
    if settings.database_url:
        yield settings.database_url, None
        return
    with EmbeddedPostgresql(settings.home / "postgresql") as server:
        yield server.url, server
