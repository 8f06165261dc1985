"""`siteproof backup` and `siteproof restore`: see docs/backup.md."""

import sys
from pathlib import Path

import click

from domain.clock import SystemClock
from runtime.settings import read_settings


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--with-keys", is_flag=True, help="Also the evidence log's private key: who has it can sign as we do.")
def backup(*, folder: Path, with_keys: bool) -> None:
    """Back up database, originals and models into a new folder inside FOLDER, while everything runs.

    Prints its path. Originals that the backup before holds already are hard links to it. Exit code 1: an original that
    a row names was missing; the backup holds everything else, and the names.
    """
    from runtime.assembly import make_media_store, provide_database_url  # noqa: PLC0415 - each command loads what it runs
    from runtime.backup import Source, make_backup  # noqa: PLC0415 - the same

    settings = read_settings()
    with provide_database_url(settings) as url:
        source = Source(url, make_media_store(settings), settings.home)
        made, manifest = make_backup(source, folder.resolve(), now=SystemClock().now(), with_keys=with_keys, tell=_tell)
    if not with_keys:
        _tell("the evidence log's private key is not in it: keep a copy of HOME/evidence-log/keys apart")
    for sha256 in manifest.originals.missing:
        _tell(f"MISSING: the original {sha256} is not in the store, or is not what was taken in")
    click.echo(made)
    sys.exit(1 if manifest.originals.missing else 0)


@click.command()
@click.argument("source", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Where to; silent: SITEPROOF_HOME.")
@click.option("--reason", help="Why, for the evidence log's entry; silent: `siteproof log accept-restore` later.")
@click.option("--check", "only_check", is_flag=True, help="Only hash every file of the backup anew.")
def restore(*, source: Path, home: Path | None, reason: str | None, only_check: bool) -> None:
    """Bring a backup back onto an empty machine; SOURCE is one, or a folder of them, of which the newest is taken.

    Every file is checked before anything is changed. Interrupted, it is started again by the same command.
    """
    from runtime.backup_folder import open_backup  # noqa: PLC0415 - each command loads only what it runs
    from runtime.restore import restore_backup  # noqa: PLC0415 - the same

    settings = read_settings(home=None if home is None else home.resolve())
    opened = open_backup(source)
    _tell(f"{opened.folder}, made {opened.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC by {opened.manifest.release}")
    if only_check:
        opened.check(tell=_tell)
        return
    restore_backup(opened, settings, reason=reason, tell=_tell)
    _tell("restored; `siteproof doctor` tells what is still missing")


def _tell(line: str) -> None:
    click.echo(line, err=True)
