"""A migrated database for one benchmark, on the server of SITEPROOF_TEST_DATABASE_URL, else on an embedded one."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from runtime.embedded_postgresql import EmbeddedPostgresql
from storage.database import Database
from storage.migration import migrate


@contextmanager
def open_trial_database() -> Iterator[Database]:
    """A migrated database, closed and dropped afterwards."""
    given = os.environ.get("SITEPROOF_TEST_DATABASE_URL")
    if given:
        with make_trial_database(given) as url:
            yield from _open(url)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgresql(Path(folder) / "data") as server,
        make_trial_database(server.url) as url,
    ):
        yield from _open(url)


@contextmanager
def make_trial_database(base: str) -> Iterator[str]:
    """The URL of a new migrated database on the server of `base`, dropped afterwards."""
    name = f"bench_{uuid.uuid4().hex}"
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        url = psycopg.conninfo.make_conninfo(base, dbname=name)
        migrate(url)
        yield url
    finally:
        with psycopg.connect(base, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _open(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()
