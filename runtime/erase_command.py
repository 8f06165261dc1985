"""`siteproof erase`: an original deleted because a law asks for it."""

import getpass

import click

from domain.clock import SystemClock
from domain.errors import NotFound
from domain.identifier import parse_uuid
from runtime.settings import read_settings


class NothingToErase(NotFound):
    """There is no such photo or clip."""

    code = "erase.unknown_medium"


@click.command()
@click.argument("media_id")
@click.option("--basis", required=True, help="The law and the request, for the tombstone; it must name nobody.")
def erase(*, media_id: str, basis: str) -> None:
    """Delete a photo or clip for good, with every copy of its bytes; its hash, verdicts and decisions stay."""
    from findings.erasure import erase_bytes  # noqa: PLC0415 - each command loads only what it runs
    from runtime.assembly import make_log_keeper, make_media_store, open_database  # noqa: PLC0415 - the same
    from storage.media import find_media  # noqa: PLC0415 - the same

    settings, parsed = read_settings(), parse_uuid(media_id)
    with open_database(settings) as database:
        keeper = make_log_keeper(settings, database)
        # Every content that is to go has its place by that.
        keeper.publish()
        with database.transaction() as connection:
            medium = None if parsed is None else find_media(connection, media_id=parsed)
            if medium is None:
                raise NothingToErase(f"there is no photo or clip {media_id}")
            by = f"siteproof erase, run by {getpass.getuser()}"
            erased = erase_bytes(connection, sha256=medium.sha256, basis=basis, by=by, now=SystemClock().now())
        make_media_store(settings).erase(medium.sha256, media_ids=erased)
        keeper.publish()
    click.echo("\n".join(str(each) for each in erased))
    click.echo("erased; backups of the database and the store still hold it until they are replaced", err=True)
