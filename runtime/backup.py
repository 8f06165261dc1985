"""Making a backup: the database of one moment, the originals that it names, and what the home keeps, in one folder."""

import fcntl
import importlib.metadata
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final

from domain.errors import Conflict, Unavailable
from runtime.backup_folder import (
    FORMAT,
    ORIGINALS,
    PARTIAL,
    CounterPart,
    FilePart,
    Manifest,
    OriginalsPart,
    SummingFile,
    TablePart,
    list_backups,
    open_gzip,
    original_path,
    write_manifest,
)
from storage.media_store import MediaStore, OriginalMissing, read_chunks, sync_folder
from storage.table_copy import RowTally, Snapshot, Table, is_original_named, open_snapshot

Tell = Callable[[str], None]
HOME_FOLDERS: Final = ("models",)
SECRET_FILES: Final = ("evidence-log/keys", "pseudonym.key")
_TOLD_EVERY: Final = 1_000


class BackupRunning(Conflict):
    """Another backup is being made in the same folder."""

    code: ClassVar[str] = "backup.running"


class BackupFailed(Unavailable):
    """The folder of backups cannot be written to; nothing that was there before has changed."""

    code: ClassVar[str] = "backup.cannot_write"


class RollupsWithoutReadings(Conflict):
    """TimescaleDB keeps means of readings that are gone, and copying tables does not reach them."""

    code: ClassVar[str] = "backup.rollups_without_readings"


@dataclass(frozen=True, slots=True)
class Source:
    """What is backed up: a database, a store, and a home."""

    database_url: str
    store: MediaStore
    home: Path


def make_backup(source: Source, target: Path, *, now: datetime, with_keys: bool, tell: Tell) -> tuple[Path, Manifest]:
    """Make a backup in a folder of backups; it has its name only when it is whole and on the disk.

    Originals that the newest backup there holds already are hard links to its files, so each backup is whole by itself
    and any may be deleted.

    Args:
        source: what is backed up.
        target: the folder of backups.
        now: the backup's name. [UTC]
        with_keys: also the log's private keys and the other secrets of the home.
        tell: prints a line of progress.

    Returns:
        The backup's folder, and its manifest; `originals.missing` names what the store should have had.

    Raises:
        BackupRunning: another one is being made there.
        BackupFailed: the folder cannot be written to.
        SchemaChanged: a migration ran just now.
        RollupsWithoutReadings: TimescaleDB with a limit for raw readings.
    """
    final = target / now.strftime("%Y%m%dT%H%M%S.%fZ")
    with _tell_full_disk(), _only_one(target):
        folder = target / f"{PARTIAL}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        try:
            manifest = _write(source, folder, previous=_find_previous(target), now=now, with_keys=with_keys, tell=tell)
            # The names in all of its folders too, before the manifest says that they are there.
            os.sync()
            write_manifest(folder, manifest)
            folder.rename(final)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        sync_folder(target)
    return final, manifest


def _write(
    source: Source, folder: Path, *, previous: Path | None, now: datetime, with_keys: bool, tell: Tell
) -> Manifest:
    home = tuple(_copy_home(source.home, folder, with_keys=with_keys))
    with open_snapshot(source.database_url) as snapshot:
        if snapshot.flavour == "timescale" and snapshot.keep_raw_days is not None:
            raise RollupsWithoutReadings(
                "with SITEPROOF_RETAIN_RAW_DAYS, TimescaleDB keeps hourly means whose readings are gone: use pg_dump"
            )
        tables = tuple(_copy_table(snapshot, each, folder, tell=tell) for each in snapshot.tables)
        named = _list_originals(snapshot, folder)
        erased = snapshot.count_erased()
    originals = _copy_originals(source, folder, named, previous=previous, erased=erased, tell=tell)
    return Manifest(
        format=FORMAT,
        made_at=now,
        release=importlib.metadata.version("siteproof"),
        migrations=snapshot.migrations,
        flavour=snapshot.flavour,
        system=snapshot.clock.system,
        next_tx=snapshot.clock.next_tx,
        months=tuple(each.isoformat() for each in snapshot.months),
        tables=tables,
        counters=tuple(CounterPart(table=c.table, column=c.column, last=c.last) for c in snapshot.counters),
        originals=originals,
        home=home,
        checkpoint=snapshot.checkpoint,
        with_keys=with_keys,
    )


def _copy_table(snapshot: Snapshot, table: Table, folder: Path, *, tell: Tell) -> TablePart:
    tally = RowTally()
    with SummingFile(folder / "tables" / f"{table.name}.gz") as file:
        with open_gzip(file) as packed:
            for block in snapshot.copy_out(table):
                tally.add(block)
                packed.write(block)
        part = file.finish(folder)
    tell(f"{table.name}: {tally.rows} rows")
    return TablePart(name=table.name, columns=table.columns, rows=tally.rows, digest=tally.digest, file=part)


def _list_originals(snapshot: Snapshot, folder: Path) -> Path:
    """What the snapshot names, kept in a file so that memory holds none of it."""
    path = folder / "named"
    with path.open("w", encoding="ascii") as file:
        for sha256, size in snapshot.list_originals():
            file.write(f"{sha256} {size}\n")
    return path


def _copy_originals(
    source: Source, folder: Path, named: Path, *, previous: Path | None, erased: int, tell: Tell
) -> OriginalsPart:
    count, total, missing = 0, 0, []
    with SummingFile(folder / ORIGINALS) as listed, named.open(encoding="ascii") as lines:
        for line in lines:
            sha256, size = line.split()
            if _take_original(source.store, folder, sha256, int(size), previous=previous):
                listed.write(line.encode())
                count, total = count + 1, total + int(size)
                if count % _TOLD_EVERY == 0:
                    tell(f"originals: {count}")
            elif is_original_named(source.database_url, sha256=sha256):
                missing.append(sha256)
            else:
                erased += 1  # by law, since the snapshot
        part = listed.finish(folder)
    named.unlink()
    tell(f"originals: {count}, {total} bytes; {erased} erased by law are not in it")
    return OriginalsPart(file=part, count=count, size_bytes=total, missing=tuple(missing), erased=erased)


def _take_original(store: MediaStore, folder: Path, sha256: str, size: int, *, previous: Path | None) -> bool:
    """Link an original from the backup before, or copy it from the store; False where neither has it as it was."""
    target = folder / original_path(sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    before = None if previous is None else previous / original_path(sha256)
    if before is not None and before.is_file() and before.stat().st_size == size:
        # Without hard links, or with too many of one file already, it is copied as if it were new.
        with suppress(OSError):
            os.link(before, target)
            return True
    try:
        content = store.open(sha256)
    except OriginalMissing:
        return False
    with SummingFile(target) as file:
        for chunk in read_chunks(content):
            file.write(chunk)
        part = file.finish(folder)
    if part.sha256 != sha256:
        target.unlink()
    return part.sha256 == sha256


def _copy_home(home: Path, folder: Path, *, with_keys: bool) -> Iterator[FilePart]:
    paths = [each for name in HOME_FOLDERS for each in sorted((home / name).rglob("*"))]
    paths += [home / name for name in SECRET_FILES] if with_keys else []
    for path in paths:
        if path.is_file():
            with SummingFile(folder / "home" / path.relative_to(home)) as file:
                for chunk in read_chunks(path.open("rb")):
                    file.write(chunk)
                yield file.finish(folder)


def _find_previous(target: Path) -> Path | None:
    found = list_backups(target)
    return found[-1] if found else None


@contextmanager
def _only_one(target: Path) -> Iterator[None]:
    """The only backup in this folder; what a killed one left is removed."""
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (target / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRunning(f"another backup is being made in {target}") from None
        for left in target.glob(f"{PARTIAL}*"):
            shutil.rmtree(left)
        yield


@contextmanager
def _tell_full_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupFailed(f"the backup was not made: {error}") from error
