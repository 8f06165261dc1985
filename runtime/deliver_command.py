"""`siteproof deliver`: the command that sends events to webhooks."""

import click

from runtime.settings import read_settings


@click.command()
def deliver() -> None:
    """Send events to webhooks; several may run side by side."""
    from runtime.assembly import open_database  # noqa: PLC0415 - each command loads only what it runs
    from runtime.deliver import run_deliver  # noqa: PLC0415 - the same

    settings = read_settings()
    with open_database(settings, max_connections=8) as database:
        run_deliver(settings, database)
