"""Fixtures that several kinds of test share: the real PostgreSQL, and an empty migrated database for each test."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from runtime.embedded_postgresql import EmbeddedPostgresql
from storage.database import Database
from storage.migration import migrate


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL in which databases may be made: the one given, else an embedded one."""
    if given := os.environ.get("SITEPROOF_TEST_DATABASE_URL"):
        yield given
        return
    with EmbeddedPostgresql(tmp_path_factory.mktemp("postgresql") / "data") as server:
        yield server.url


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str | None]:
    """A migrated database to copy for each test; None on TimescaleDB, whose background workers forbid copying."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        query = "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'"
        has_timescale = connection.execute(query).fetchone() is not None
    if has_timescale:
        yield None
        return
    with make_database(postgres_url, template=None) as url:
        migrate(url)
        yield str(psycopg.conninfo.conninfo_to_dict(url)["dbname"])


@pytest.fixture
def database_url(postgres_url: str, template_database: str | None) -> Iterator[str]:
    """The URL of a fresh, migrated database, dropped afterwards."""
    with make_database(postgres_url, template=template_database) as url:
        if template_database is None:
            migrate(url)
        yield url


@contextmanager
def make_database(postgres_url: str, *, template: str | None) -> Iterator[str]:
    """A database of its own, a copy of `template` where that is given, dropped when the block ends."""
    name = f"test_{uuid.uuid4().hex}"
    source = sql.Identifier(template or "template0")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), source))
    try:
        yield psycopg.conninfo.make_conninfo(postgres_url, dbname=name)
    finally:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The product's own pool on a fresh, migrated database."""
    opened = Database(database_url, max_connections=4)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).parent.parent
