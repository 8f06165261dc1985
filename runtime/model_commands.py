"""`siteproof model`: a county's own models, added, listed and removed."""

from pathlib import Path
from typing import Any

import click

from runtime.settings import Settings, read_settings


@click.group()
def model() -> None:
    """Models beside the shipped one, such as for rebar or formwork; workers take them up when they start."""


@model.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", help="1 to 64 letters, digits, '.', '_', '-'; not for a model that comes with Siteproof.")
@click.option("--version", default="1", show_default=True)
@click.option("--classes", default="", help="Its classes in the order of its output; silent: as the file names them.")
@click.option("--map", "mapping", multiple=True, help="THEIRS=OURS,...: labels here; THEIRS= is never told.")
@click.option("--threshold", multiple=True, help="THEIRS=SCORE,...: from which a class counts; silent: 0.25.")
@click.option("--sha256", help="What the file's SHA-256 must be, as its maker states it.")
@click.option("--image-size", type=click.IntRange(32, 4096), help="For a network that leaves it open [px].")
@click.option("--licence", default="NOASSERTION", show_default=True, help="SPDX identifier.")
def add(*, file: Path, name: str | None, **given: Any) -> None:  # noqa: ANN401 - click's options, handed on
    """Try a YOLOv8 detector (.onnx) and keep it; a wrong one is refused with the reason, and nothing changes.

    `siteproof-crack` in place of a file is the model of cracks that comes with Siteproof.
    """
    settings = read_settings()
    shipped = settings.weights.parent / f"{file}.json"
    if name is None and not file.suffix and shipped.is_file():
        is_new, label = add_shipped_model(settings, shipped)
    elif name is None:
        raise click.UsageError("--name is needed for a file")
    else:
        is_new, label = add_model(settings, file, name=name, **given)
    click.echo(f"{label} is {'kept' if is_new else 'kept already'}; restart the workers so that they look with it")


@model.command("list")
def list_command() -> None:
    """Show the models, one a line: name, version, SHA-256, classes with their labels."""
    from vision.model_registry import list_models  # noqa: PLC0415 - each command loads only what it runs
    from vision.weights import load_manifest  # noqa: PLC0415 - the same

    settings = read_settings()
    for each in (load_manifest(settings.weights), *list_models(settings.models_folder)):
        pairs = zip(each.classes, each.labels, strict=True)
        shown = ",".join(name if name == label else f"{name}={label or ''}" for name, label in pairs)
        click.echo(f"{each.name}\t{each.version}\t{each.sha256}\t{shown}")


@model.command()
@click.argument("name")
def remove(*, name: str) -> None:
    """Forget a model; detections that it made stay, with its name and hash."""
    from vision.model_registry import remove_model  # noqa: PLC0415 - the same

    removed = remove_model(read_settings().models_folder, name=name)
    click.echo(f"{removed.name} {removed.version} is removed; restart the workers")


def add_shipped_model(settings: Settings, manifest: Path) -> tuple[bool, str]:
    """Keep a model that comes with Siteproof, as its manifest describes it.

    Args:
        settings: where models are kept.
        manifest: beside its weights.

    Returns:
        As `add_model`.

    Raises:
        WeightsMissing: the weights are not there.
        WeightsMismatch: they are not the manifest's.
        ModelExists: it looks already, or another model has the name.
    """
    from vision.weights import load_manifest, verify_weights  # noqa: PLC0415 - each command loads only what it runs

    described = load_manifest(manifest)
    return add_model(
        settings,
        verify_weights(described, manifest.parent),
        name=described.name,
        version=described.version,
        classes=",".join(described.classes),
        threshold=tuple(f"{label}={score}" for label, score in described.thresholds.items()),
        sha256=described.sha256,
        licence=described.licence,
    )


def add_model(
    settings: Settings,
    file: Path,
    *,
    name: str,
    version: str = "1",
    classes: str = "",
    mapping: tuple[str, ...] = (),
    threshold: tuple[str, ...] = (),
    sha256: str | None = None,
    image_size: int | None = None,
    licence: str = "NOASSERTION",
) -> tuple[bool, str]:
    """What `model add` does; the arguments are its options.

    Returns:
        Whether the model is new, and what to call it.

    Raises:
        Invalid: the file or a word about it cannot be used; see `vision.model_trial`.
        ModelExists: another model has the name.
    """
    from vision import model_registry  # noqa: PLC0415 - the same
    from vision.model_trial import inspect_model, try_model  # noqa: PLC0415 - loads the runtimes
    from vision.weights import load_manifest  # noqa: PLC0415 - the same

    if name == load_manifest(settings.weights).name:
        raise model_registry.ModelExists(f"{name} is the shipped model's name")
    names = tuple(each.strip() for each in classes.split(",") if each.strip())
    try:
        thresholds = {label: float(score) for label, score in model_registry.parse_pairs(threshold).items()}
    except ValueError as error:
        raise model_registry.InvalidMapping("--threshold: CLASS=SCORE,... is wanted") from error
    candidate = inspect_model(file, classes=names, sha256=sha256, input_size_px=image_size)
    manifest = model_registry.describe_model(
        name=name,
        version=version,
        sha256=candidate.sha256,
        input_size_px=candidate.input_size_px,
        classes=candidate.classes,
        mapping=model_registry.parse_pairs(mapping),
        thresholds=thresholds,
        licence=licence,
    )
    try_model(candidate, manifest=manifest, backend=settings.detector)
    is_new = model_registry.keep_model(settings.models_folder, manifest=manifest, weights=candidate.content)
    return is_new, f"{manifest.name} {manifest.version}"
