"""The evidence log at its edge: each step is a transaction, and a head is remembered before anybody sees it."""

from domain.clock import Clock
from findings.evidence_log import LogKeyMissing, accept_restore, advance, examine, find_signer, rotate_key
from findings.signed_note import PublicKey, sign_note
from runtime.log_home import DiskLogHome
from storage.database import Database


class LogKeeper:
    """Advances and signs the log of one database with the keys of one home."""

    def __init__(self, database: Database, home: DiskLogHome, clock: Clock) -> None:
        """Keep this database's log."""
        self._database = database
        self._home = home
        self._clock = clock

    def publish(self) -> str:
        """Give every fact that is committed its place; the signed checkpoint with them.

        Raises:
            LogKeyMissing: this home does not have the log's key.
            LogRestored: the database is older than what was published, or another one.
        """
        while True:
            with self._database.transaction() as connection:
                done = advance(connection, home=self._home, now=self._clock.now())
            self._home.write_head(done.note)
            if not done.more:
                return done.note

    def sign(self, text: str) -> str:
        """A text signed by the log's key, as a note; its first line must not be the log's origin.

        Raises:
            LogKeyMissing: this home does not have the log's key, or the log has none yet.
        """
        with self._database.transaction() as connection:
            signer = find_signer(connection, home=self._home)
        if signer is None:
            raise LogKeyMissing("the log has no key yet")
        return sign_note(text, [signer])

    def rotate_key(self) -> PublicKey:
        """Let a new key sign; the old private one is forgotten, the public one stays listed.

        Raises:
            LogKeyMissing: this home does not have the log's key.
            LogRestored: the database is older than what was published, or another one.
        """
        with self._database.transaction() as connection:
            key, done = rotate_key(connection, home=self._home, now=self._clock.now())
        self._home.write_head(done.note)
        self._home.forget_other_keys(key)
        return key.public

    def accept_restore(self, *, reason: str) -> str:
        """Declare that a backup was restored; the signed checkpoint with the entry that says so.

        Raises:
            NothingRestored: nothing contradicts what was published.
        """
        with self._database.transaction() as connection:
            key, done = accept_restore(connection, home=self._home, reason=reason, now=self._clock.now())
        self._home.write_head(done.note, whatever_was=True)
        self._home.forget_other_keys(key)
        return done.note

    def examine(self, *, every_leaf: bool = False) -> tuple[int, int]:
        """Whether the log could sign: (entries, waiting facts).

        Raises:
            LogKeyMissing: this home does not have the log's key.
            LogRestored: the database is older than what was published, or another one.
            LogChanged: leaves, stored hashes and the signed checkpoint are not of one tree.
        """
        with self._database.transaction() as connection:
            return examine(connection, home=self._home, every_leaf=every_leaf)
