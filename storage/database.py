"""Connections: the pool, and the transaction that every edge opens and commits. Nothing below an edge commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from storage.errors import DatabaseUnavailable, translate_errors

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

POOL_TIMEOUT_S: Final = 10.0  # longer than a restart of PostgreSQL on a small machine takes to accept again


class Database:
    """A pool of connections to one PostgreSQL."""

    def __init__(self, url: str, *, max_connections: int = 8) -> None:
        """Make the pool; connections are opened when they are first needed.

        Args:
            url: libpq connection string or URI.
            max_connections: of this process.
        """
        self.url = url
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=1,
            max_size=max_connections,
            timeout=POOL_TIMEOUT_S,
            # After each try the pool waits twice as long; given up, the next request begins anew with a second, so that
            # an hour without database is followed by seconds of waiting and not by minutes.
            reconnect_timeout=POOL_TIMEOUT_S,
            open=False,
            check=ConnectionPool.check_connection,
            kwargs={"options": "-c timezone=UTC", "application_name": "siteproof"},
        )
        self._opened = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises:
            DatabaseUnavailable: no connection could be had in POOL_TIMEOUT_S, or it broke.
            SiteproofError: a constraint of `storage.errors` was broken.
        """
        if not self._opened:
            self._pool.open()
            self._opened = True
        with translate_errors():
            try:
                with self._pool.connection() as connection:
                    yield connection
            except PoolTimeout as error:
                raise DatabaseUnavailable("the database does not answer just now") from error

    def close(self) -> None:
        """Close every connection; the pool is of no use afterwards."""
        if self._opened:
            self._pool.close()
