"""`siteproof train`, `evaluate` and `export`: the model's own tools, with the `training` extra."""

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import click

from domain.errors import Unavailable

if TYPE_CHECKING:
    from vision.training.evaluation import ClassScore
    from vision.training.measured import CloserLook
    from vision.training.sources import PartlyLabelled

F = TypeVar("F", bound=Callable[..., Any])
_FOLDER: Final = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


class TrainingExtraMissing(Unavailable):
    """torch or ultralytics is not installed."""

    code: ClassVar[str] = "training.extra_missing"


def _share_options(command: F) -> F:
    """The options that all three commands have."""
    options = (
        click.option(
            "--data", type=_FOLDER, required=True, help="Folder with data.yaml, train/ and val/ (YOLO labels)."
        ),
        click.option(
            "--partly-labelled",
            multiple=True,
            metavar="FOLDER:CLASS,...[:WEIGHT[:HELD_OUT]]",
            help="Another folder, in which these classes alone are labelled; may be given several times.",
        ),
        click.option("--image-size", type=click.IntRange(32), required=True, help="Side of the network's input [px]."),
        click.option("--threads", type=click.IntRange(1), default=1, show_default=True),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_share_options
@click.option("--warm-start", type=_FOLDER, required=True, help="OpenVINO IR of a YOLOv8n trained on COCO.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("runs/train"), show_default=True)
@click.option("--epochs", type=click.IntRange(1), required=True)
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True)
@click.option("--learning-rate", type=float, default=8e-4, show_default=True)
@click.option("--frozen-layers", type=click.IntRange(0), default=4, show_default=True)
@click.option("--validation-size", type=click.IntRange(32), default=640, show_default=True, help="[px]")
@click.option("--start-from", type=_FILE, help="A checkpoint (.pt) or an exported model (.onnx) to go on from.")
@click.option("--limit-s", type=float, help="Stop after so long [s]; the last epoch is then not whole.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--half/--no-half", default=None, help="bfloat16; without either, where the processor has it.")
def train(*, partly_labelled: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - handed on as they came
    """Fine-tune the detector; a checkpoint after each epoch."""
    _prepare()
    from vision.training.trainer import train as run  # noqa: PLC0415 - needs the extra

    def tell(report: object) -> None:
        click.echo(str(report))

    last = run(partly_labelled=_parse_sources(partly_labelled), on_epoch=tell, **given)
    click.echo(f"the last checkpoint is {last}")


@click.command()
@_share_options
@click.option("--weights", type=_FILE, required=True, help="A checkpoint (.pt) or an exported model (.onnx).")
@click.option(
    "--sheets", type=click.Path(path_type=Path, file_okay=False), help="Folder for the best, worst, random pictures."
)
def evaluate(
    *,
    weights: Path,
    data: Path,
    image_size: int,
    partly_labelled: tuple[str, ...],
    threads: int,
    sheets: Path | None,
) -> None:
    """Measure weights on pictures that training never touched, class by class and by size."""
    _prepare()
    from vision.training.contact_sheet import write_contact_sheets  # noqa: PLC0415 - needs the extra
    from vision.training.evaluation import evaluate as run  # noqa: PLC0415 - the same
    from vision.training.measured import measure_closer  # noqa: PLC0415 - the same
    from vision.training.sources import read_class_names  # noqa: PLC0415 - the same

    evaluations = run(
        weights=weights,
        data=data,
        image_size=image_size,
        partly_labelled=_parse_sources(partly_labelled),
        threads=threads,
    )
    for name, evaluation in evaluations.items():
        click.echo(format_evaluation(name, measure_closer(evaluation, image_size=image_size)))
        if sheets is not None:
            for path in write_contact_sheets(evaluation, classes=read_class_names(data), folder=sheets, name=name):
                click.echo(f"  wrote {path}")


@click.command()
@_share_options
@click.option("--checkpoint", "checkpoints", type=_FILE, multiple=True, required=True, help="Of several, their mean.")
@click.option("--provenance", type=_FILE, required=True, help="JSON with what is known of data and run.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("models/weights"), show_default=True)
@click.option("--name", default="siteproof-ppe", show_default=True)
@click.option("--version", default="1", show_default=True)
def export(*, partly_labelled: tuple[str, ...], **given: Any) -> None:  # noqa: ANN401 - handed on as they came
    """Write NAME.onnx with its manifest and model card."""
    _prepare()
    from vision.training.export import export as run  # noqa: PLC0415 - needs the extra

    manifest = run(partly_labelled=_parse_sources(partly_labelled), **given)
    click.echo(f"wrote {manifest}")


def format_evaluation(name: str, measured: "CloserLook") -> str:
    """A table by class, with how many boxes stand behind each figure, the interval of its luck, and by size."""
    evaluation = measured.evaluation
    sizes = "".join(f"{size:>15}" for size in measured.sizes)
    rows = [
        f"{name}: {evaluation.pictures} pictures",
        f"  {'class':<14}{'boxes':>7}{'AP50':>8}{'95 % interval':>17}{'AP50-95':>9}{'ECE':>7}{sizes}",
    ]
    rows += [_format_class(score, measured) for score in evaluation.classes]
    rows.append(f"  {'mean':<14}{'':>7}{evaluation.map50:>8.3f}{'':>17}{evaluation.map50_95:>9.3f}")
    return "\n".join(rows)


def _format_class(score: "ClassScore", measured: "CloserLook") -> str:
    low, high = measured.interval_by_class[score.name]
    sizes = "".join(f"{_format_size(measured, size, score.name):>15}" for size in measured.sizes)
    error = measured.calibration_error_by_class[score.name]
    return (
        f"  {score.name:<14}{score.instances:>7}{score.ap50:>8.3f}{f'{low:.3f} to {high:.3f}':>17}"
        f"{score.ap50_95:>9.3f}{error:>7.2f}{sizes}"
    )


def _format_size(measured: "CloserLook", size: str, name: str) -> str:
    instances, ap50 = measured.by_size(size, name)
    return f"{ap50:.2f} of {instances}" if instances else "-"


def _parse_sources(texts: tuple[str, ...]) -> "list[PartlyLabelled]":
    from vision.training.sources import parse_partly_labelled  # noqa: PLC0415 - needs the extra

    return [parse_partly_labelled(text) for text in texts]


def _prepare() -> None:
    """Keep ultralytics off the network, before anything imports it.

    Raises:
        TrainingExtraMissing: torch or ultralytics is not installed.
    """
    missing = [name for name in ("torch", "ultralytics", "yaml") if find_spec(name) is None]
    if missing:
        raise TrainingExtraMissing(f"{', '.join(missing)} not installed: pip install 'siteproof[training]'")
    os.environ.setdefault("YOLO_OFFLINE", "1")
    os.environ.setdefault("YOLO_AUTOINSTALL", "0")
