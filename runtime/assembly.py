"""Putting the parts together from settings: which database, which store. Nothing here loads what looks at pixels."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.clock import SystemClock
from runtime.embedded_postgresql import EmbeddedPostgresql
from runtime.log_home import DiskLogHome
from runtime.log_keeper import LogKeeper
from runtime.settings import Settings
from storage.database import Database
from storage.media_store import DiskMediaStore, MediaStore
from storage.migration import migrate
from storage.reading import set_retention


@contextmanager
def provide_database_url(settings: Settings, *, owns_server: bool = False) -> Iterator[str]:
    """The URL of the database: the one that is set, else that of the embedded server, which is started if it rests.

    Args:
        settings: which database.
        owns_server: the embedded server is stopped at the end, whoever else uses it.

    Raises:
        EmbeddedPostgresqlFailed: it did not come up.
    """
    if settings.database_url:
        yield settings.database_url
        return
    with EmbeddedPostgresql(settings.home / "postgresql", owns_server=owns_server) as server:
        yield server.url


def prepare_database(settings: Settings, url: str) -> list[str]:
    """Bring the database to this release's schema and the settings' retention; the names of what was applied.

    Raises:
        UnknownMigration: it was migrated by a newer release.
        DatabaseUnavailable: it does not answer.
    """
    applied = migrate(url)
    database = Database(url, max_connections=1)
    try:
        with database.transaction() as connection:
            set_retention(connection, keep_raw_days=settings.retain_raw_days)
    finally:
        database.close()
    return applied


@contextmanager
def open_database(settings: Settings, *, max_connections: int = 4) -> Iterator[Database]:
    """The database, closed when the block ends."""
    with provide_database_url(settings) as url:
        database = Database(url, max_connections=max_connections)
        try:
            yield database
        finally:
            database.close()


def make_media_store(settings: Settings) -> MediaStore:
    """The store of originals."""
    return DiskMediaStore(settings.media_folder)


def make_log_keeper(settings: Settings, database: Database) -> LogKeeper:
    """Who advances and signs the evidence log."""
    return LogKeeper(database, DiskLogHome(settings.home / "evidence-log"), SystemClock())
