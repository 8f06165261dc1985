"""`siteproof export-dataset`: what inspectors decided, for a model to learn from."""

import getpass
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Final

import click

from domain.errors import Invalid
from runtime.settings import Settings, read_settings

_KEY_BYTES: Final = 32


class InvalidSince(Invalid):
    """A time without its zone, or none at all."""

    code: ClassVar[str] = "dataset.invalid_since"


@click.command("export-dataset")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), required=True)
@click.option("--project", help="Of this project alone.")
@click.option("--since", help="Only media with a decision since then, such as 2026-11-01T00:00:00+08:00.")
@click.option("--with-faces", is_flag=True, help="Do not cover heads; every picture goes on record.")
def export_dataset_command(*, output: Path, project: str | None, since: str | None, with_faces: bool) -> None:
    """Write confirmed and dismissed findings as YOLO data with their origin; run again, it adds what is new."""
    from analysis.dataset_export import Selection, export_dataset  # noqa: PLC0415 - each command loads what it runs
    from runtime.assembly import open_database  # noqa: PLC0415 - the same
    from runtime.worker import make_workplace  # noqa: PLC0415 - the same

    settings = read_settings()
    selection = Selection(list_labels(settings), project, parse_since(since), with_faces)
    if with_faces:
        click.echo(
            "faces are NOT covered in these pictures; who sees them must be as trusted as an inspector", err=True
        )
    else:
        click.echo("heads are covered, so hardhat and no_hardhat cannot be learnt from them: --with-faces", err=True)
    with open_database(settings) as database:
        summary = export_dataset(
            make_workplace(settings, database),
            output=output,
            selection=selection,
            pseudonym_key=read_pseudonym_key(settings),
            exported_by=f"siteproof export-dataset, run by {getpass.getuser()}",
        )
    boxes = ", ".join(f"{count} {decision}" for decision, count in sorted(summary.boxes.items())) or "none"
    click.echo(
        f"{summary.pictures} pictures ({summary.written} written now), decisions: {boxes};"
        f" {summary.left_out} left out, because they are of no class or their picture cannot be read"
    )


def list_labels(settings: Settings) -> tuple[str, ...]:
    """The labels of the shipped model in its order, then those that a county's own models add, by name."""
    from vision.model_registry import list_models  # noqa: PLC0415 - the same
    from vision.weights import load_manifest  # noqa: PLC0415 - the same

    labels = [label for label in load_manifest(settings.weights).labels if label]
    added = {label for each in list_models(settings.models_folder) for label in each.labels if label}
    return (*labels, *sorted(added - set(labels)))


def parse_since(text: str | None) -> datetime | None:
    """An aware time.

    Raises:
        InvalidSince: it is none, or lacks its zone.
    """
    if text is None:
        return None
    try:
        since = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidSince(f"{text[:60]!r} is no time like 2026-11-01T00:00:00+08:00") from error
    if since.tzinfo is None:
        raise InvalidSince(f"{text[:60]!r} lacks its time zone, such as +08:00 or Z")
    return since


def read_pseudonym_key(settings: Settings) -> bytes:
    """The installation's key for pseudonyms, made when first needed; who has it can tell whose they are."""
    path = settings.home / "pseudonym.key"
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        key = secrets.token_bytes(_KEY_BYTES)
        file.write(key)
    return key
