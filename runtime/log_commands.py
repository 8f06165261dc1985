"""`siteproof log`: the evidence log's keys, restored backups, and whether all of it is what was signed."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from runtime.log_keeper import LogKeeper
from runtime.settings import read_settings


@click.group()
def log() -> None:
    """The evidence log: see docs/evidence-log.md."""


@log.command()
def check() -> None:
    """Hash every entry anew, and compare with what was signed and published."""
    with _open_keeper() as keeper:
        size, waiting = keeper.examine(every_leaf=True)
    click.echo(f"{size} entries are those that were signed; {waiting} facts wait for their place")


@log.command("rotate-key")
def rotate_key_command() -> None:
    """Let a new key sign; print it. The old one stays listed, and an entry signed by both hands over."""
    with _open_keeper() as keeper:
        click.echo(keeper.rotate_key().text)


@log.command("accept-restore")
@click.option("--reason", required=True, help="Why the database is older than what was published, or the key new.")
def accept_restore_command(*, reason: str) -> None:
    """Declare that a backup was restored, or that the key is lost; the log goes on with an entry that says so."""
    with _open_keeper() as keeper:
        click.echo(keeper.accept_restore(reason=reason), nl=False)


@contextmanager
def _open_keeper() -> Iterator[LogKeeper]:
    from runtime.assembly import make_log_keeper, open_database  # noqa: PLC0415 - each command loads only what it runs

    settings = read_settings()
    with open_database(settings) as database:
        yield make_log_keeper(settings, database)
