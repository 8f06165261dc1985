"""Forward-only migrations: numbered SQL files, applied once each, in order, one process at a time."""

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import psycopg

from domain.errors import Conflict
from storage.errors import translate_errors

_LOG: Final = logging.getLogger(__name__)
FOLDER: Final = Path(__file__).parent / "migrations"
LOCK_TIMEOUT: Final = "10s"  # a migration that waits longer would block the service behind it
_LOCK_KEY: Final = 0x51_7E_90_0F  # any constant; it only has to be ours
_FILE: Final = re.compile(r"^(?P<number>\d{4})_(?P<name>[a-z0-9_]+?)(?:\.(?P<flavour>timescale|native))?\.sql$")


class UnknownMigration(Conflict):
    """The database was migrated by a newer release than this one."""

    code: ClassVar[str] = "storage.newer_database"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `storage/migrations`; `flavour` is None where it holds for every PostgreSQL."""

    number: int
    name: str
    flavour: str | None
    path: Path


def list_migrations(flavour: str) -> list[Migration]:
    """The migrations of one flavour (`timescale` or `native`), in order."""
    found = []
    for path in sorted(FOLDER.glob("*.sql")):
        match = _FILE.match(path.name)
        if match is None:
            raise ValueError(f"{path.name} is not named like a migration")
        migration = Migration(int(match["number"]), match["name"], match["flavour"], path)
        if migration.flavour in {None, flavour}:
            found.append(migration)
    return found


def migrate(url: str, *, only: Collection[int] | None = None) -> list[str]:
    """Bring the database to this release's schema.

    The flavour is decided once, when the database is empty: `timescale` where the extension can be created, else
    `native`; it is kept in `storage_flavour`, so that installing the extension later does not split the readings.

    Args:
        url: libpq connection string or URI of a role that may create tables.
        only: these numbers, for the schema of an older release; None: all of them.

    Returns:
        The names of the migrations that were applied, empty where there was nothing to do.

    Raises:
        UnknownMigration: the database was migrated by a newer release.
        DatabaseUnavailable: it does not answer.
    """
    with translate_errors(), psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK_KEY])
        try:
            return _apply_missing(connection, only)
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_KEY])


def list_pending(url: str) -> list[str]:
    """The names of the migrations that this release has and the database lacks.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    with translate_errors(), psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT to_regclass('schema_migration') IS NOT NULL").fetchone()
        if known != (True,):
            return [migration.name for migration in list_migrations("native")]
        applied = {int(str(row[0])) for row in connection.execute("SELECT number FROM schema_migration")}
        return [
            each.name for each in list_migrations(_find_flavour(connection) or "native") if each.number not in applied
        ]


def _apply_missing(connection: psycopg.Connection[tuple[object, ...]], only: Collection[int] | None) -> list[str]:
    with connection.transaction():
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration ("
            " number integer CONSTRAINT schema_migration_pkey PRIMARY KEY,"
            " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        connection.execute(
            "CREATE TABLE IF NOT EXISTS storage_flavour ("
            " flavour text CONSTRAINT storage_flavour_pkey PRIMARY KEY"
            " CONSTRAINT storage_flavour_known CHECK (flavour IN ('timescale', 'native')))"
        )
    flavour = _find_flavour(connection) or _decide_flavour(connection)
    migrations = list_migrations(flavour)
    applied = {int(str(row[0])) for row in connection.execute("SELECT number FROM schema_migration")}
    if newer := applied - {migration.number for migration in migrations}:
        raise UnknownMigration(f"the database has migration {max(newer)}, which this release does not know")
    done = []
    for migration in migrations:
        if migration.number not in applied and (only is None or migration.number in only):
            _apply(connection, migration)
            done.append(migration.name)
    return done


def _find_flavour(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    row = connection.execute("SELECT flavour FROM storage_flavour").fetchone()
    return None if row is None else str(row[0])


def _decide_flavour(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    row = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
    flavour = "timescale" if row is not None and _create_extension(connection) else "native"
    connection.execute("INSERT INTO storage_flavour (flavour) VALUES (%s)", [flavour])
    return flavour


def _create_extension(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Create TimescaleDB; False, with a warning for the operator, where the server has it but does not let us."""
    try:
        # In its own session, because the extension refuses to be created after other statements touched it.
        with psycopg.connect(connection.info.dsn, autocommit=True, password=connection.info.password) as fresh:
            fresh.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
    except psycopg.Error as error:
        _LOG.warning(
            "TimescaleDB is installed but cannot be created (is it in shared_preload_libraries?), so readings go into"
            " native partitions: %s",
            error,
        )
        return False
    return True


def _apply(connection: psycopg.Connection[tuple[object, ...]], migration: Migration) -> None:
    """Apply one file. TimescaleDB's continuous aggregates refuse a transaction block, so files that say so run bare."""
    text = migration.path.read_text(encoding="utf-8")
    connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
    if text.startswith("-- no transaction"):
        # Statements are separated by a line of its own, because such a file cannot be sent as one string.
        for statement in text.split("\n-- ;\n"):
            connection.execute(statement.encode())
        _record(connection, migration)
        return
    with connection.transaction():
        connection.execute(text.encode())
        _record(connection, migration)


def _record(connection: psycopg.Connection[tuple[object, ...]], migration: Migration) -> None:
    connection.execute(
        "INSERT INTO schema_migration (number, name) VALUES (%s, %s)", [migration.number, migration.name]
    )
