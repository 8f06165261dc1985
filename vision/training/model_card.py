"""The manifest that the service reads and the card that a person reads, written beside exported weights.

Every figure comes in as measured; nothing is computed from pictures here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from domain.errors import Invalid, NotFound
from vision.training.evaluation import Evaluation, Matches
from vision.training.measured import CloserLook, measure_closer
from vision.training.operating_point import ACCUSING_BETA, ACCUSING_CLASSES, OperatingPoint, measure_at

LICENCE = "AGPL-3.0-or-later"


class ProvenanceNotFoundError(NotFound):
    """There is no file that says what the weights were trained on."""

    code: ClassVar[str] = "vision.provenance_not_found"


class ProvenanceMalformedError(Invalid):
    """That file is not the JSON that the card needs."""

    code: ClassVar[str] = "vision.provenance_malformed"


@dataclass(frozen=True, slots=True)
class DataSet:
    """One set of pictures and whom to thank for it.

    Attributes:
        title: its name.
        source: where it was found, with the commit.
        licence: as its source states it.
        attribution: who is named.
        use: what of it was used, and how.
    """

    title: str
    source: str
    licence: str
    attribution: str
    use: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the weights were made of, by whom it is known: a person writes it.

    Attributes:
        summary: one paragraph.
        data: the sets of pictures.
        warm_start: the weights that training began with.
        commit: of the training code; empty where it was trained before the first commit.
        command: what trains them again.
        training: sentences on how it was done.
        weaknesses: sentences on what is known to go wrong.
    """

    summary: str
    data: tuple[DataSet, ...]
    warm_start: DataSet
    commit: str
    command: str
    training: tuple[str, ...]
    weaknesses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """An exported file and what was measured of it.

    Attributes:
        name: of the model.
        version: of the model.
        file: name of the file beside the manifest.
        sha256: of the file, hex.
        input_size_px: side of the square it takes. [px]
        classes: names in the order of the ids.
        operating_points: by class, chosen on `val`.
        epochs: how many each averaged run was trained for; not whole if the clock cut the last one short.
        evaluations: by the name of the set, `val` first.
    """

    name: str
    version: str
    file: str
    sha256: str
    input_size_px: int
    classes: tuple[str, ...]
    operating_points: Mapping[str, OperatingPoint]
    epochs: tuple[float, ...]
    evaluations: Mapping[str, Evaluation]


def read_provenance(path: Path) -> Provenance:
    """Read what the weights were made of.

    Raises:
        ProvenanceNotFoundError: no such file.
        ProvenanceMalformedError: not JSON, or not with these fields.
    """
    if not path.is_file():
        raise ProvenanceNotFoundError(f"There is no provenance file {path}.")
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return Provenance(
            summary=str(held["summary"]),
            data=tuple(DataSet(**entry) for entry in held["data"]),
            warm_start=DataSet(**held["warm_start"]),
            commit=str(held["commit"]),
            command=str(held["command"]),
            training=tuple(held["training"]),
            weaknesses=tuple(held["weaknesses"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ProvenanceMalformedError(f"{path} is not a provenance file: {error!r}.") from error


def render_manifest(model: ExportedModel) -> str:
    """The manifest as JSON: what the service needs to load the file and to use it."""
    held: dict[str, Any] = {
        "name": model.name,
        "version": model.version,
        "file": model.file,
        "format": "onnx",
        "sha256": model.sha256,
        "input_size_px": model.input_size_px,
        "classes": list(model.classes),
        "thresholds": {
            name: model.operating_points[name].threshold for name in model.classes if name in model.operating_points
        },
        "licence": LICENCE,
        "measured": {name: _measured(evaluation) for name, evaluation in model.evaluations.items()},
    }
    return json.dumps(held, indent=2, ensure_ascii=False) + "\n"


def render_card(model: ExportedModel, *, provenance: Provenance) -> str:
    """The model card in Markdown."""
    sections = [
        f"# {model.name} {model.version}",
        provenance.summary,
        _facts(model, provenance=provenance),
        "## Data",
        _data_table([*provenance.data, provenance.warm_start]),
        "## Training",
        f"```sh\n{provenance.command}\n```",
        _bullets(provenance.training),
        "## Measured",
        _how_measured(model),
        *[
            _evaluation_table(name, measure_closer(evaluation, image_size=model.input_size_px))
            for name, evaluation in model.evaluations.items()
        ],
        "## Scores",
        _reliability(model),
        "## Operating thresholds",
        _operating_table(model),
        "## Known weaknesses",
        _bullets(provenance.weaknesses),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _how_measured(model: ExportedModel) -> str:
    return (
        f"All figures are of `{model.file}` itself, under ONNX Runtime at {model.input_size_px} px, "
        "letterboxed, non-maximum suppression at IoU 0.7 within each class. A class that a set does not label is not "
        "measured on it. The interval is the bootstrap's over whole pictures; sizes are those that the network sees, "
        "the root of a box's area below 32 px, below 96 px, and larger, each as mAP50 of so many boxes."
    )


def _facts(model: ExportedModel, *, provenance: Provenance) -> str:
    side, rows = model.input_size_px, 4 + len(model.classes)
    return _bullets(
        [
            f"File: `{model.file}`, SHA-256 `{model.sha256}`",
            f"Input `images`: float32 (1, 3, {side}, {side}), RGB, 0 to 1, letterboxed on grey 114",
            f"Output: (1, {rows}, cells): centre x, centre y, width, height in pixels, then a score by class",
            "Classes in order: " + ", ".join(model.classes),
            "Epochs: " + ", ".join(f"{epochs:.1f}" for epochs in model.epochs) + _averaged(model),
            f"Commit of the training code: {provenance.commit or 'trained before the first commit, which holds it'}",
            f"Licence: {LICENCE} (Ultralytics' YOLOv8 and what it trains are AGPL-3.0)",
        ]
    )


def _averaged(model: ExportedModel) -> str:
    return f" (the mean of {len(model.epochs)} runs' weights)" if len(model.epochs) > 1 else ""


def _evaluation_table(name: str, look: CloserLook) -> str:
    evaluation = look.evaluation
    rows = [
        (
            score.name,
            score.pictures,
            score.instances,
            f"{score.ap50:.3f}",
            "{:.3f} to {:.3f}".format(*look.interval_by_class[score.name]),
            f"{score.ap50_95:.3f}",
            *[_of_size(look, size, score.name) for size in look.sizes],
        )
        for score in evaluation.classes
    ]
    instances = sum(score.instances for score in evaluation.classes)
    mean = (
        "**all**",
        evaluation.pictures,
        instances,
        f"**{evaluation.map50:.3f}**",
        "",
        f"**{evaluation.map50_95:.3f}**",
        *[""] * len(look.sizes),
    )
    header = ("class", "pictures", "instances", "mAP50", "95 % interval", "mAP50-95", *look.sizes)
    return f"### {name} (n = {evaluation.pictures} pictures)\n\n{_table(header, [*rows, mean])}"


def _of_size(look: CloserLook, size: str, name: str) -> str:
    instances, ap50 = look.by_size(size, name)
    return f"{ap50:.2f} of {instances}" if instances else "-"


def _reliability(model: ExportedModel) -> str:
    return (
        f"![Share of right detections by score, on val]({reliability_file(model.name)})\n\n"
        "Each point holds the detections of a tenth of the scores from 0.1 up on `val`; on the line a score is the "
        "share that is right. ECE is the mean distance from the line. The scores are the network's own; thresholds, "
        "not scores, decide here."
    )


def reliability_file(name: str) -> str:
    """The name of the reliability diagram beside a model's card."""
    return f"{name}.reliability.svg"


def _operating_table(model: ExportedModel) -> str:
    rows = [
        (
            name,
            f"{point.threshold:.2f}",
            f"F{ACCUSING_BETA}" if name in ACCUSING_CLASSES else "F1",
            *[_precision_and_recall(found.matches.get(name), point) for found in model.evaluations.values()],
        )
        for name, point in model.operating_points.items()
    ]
    return (
        "Chosen on `val`: the greatest F-beta, smoothed over 0.05 of score. For the classes that accuse somebody "
        "precision weighs twice as much as recall (F0.5), for the others both weigh the same (F1). Precision / recall "
        "at the threshold; those on `val` are a little too kind, because it was chosen there.\n\n"
        + _table(("class", "threshold", "chosen by", *model.evaluations), rows)
    )


def _precision_and_recall(matches: Matches | None, point: OperatingPoint) -> str:
    if matches is None:
        return "-"
    measured = measure_at(matches, threshold=point.threshold)
    return f"{measured.precision:.2f} / {measured.recall:.2f}"


def _data_table(sets: Sequence[DataSet]) -> str:
    rows = [(entry.title, entry.source, entry.licence, entry.attribution, entry.use) for entry in sets]
    return _table(("set", "source", "licence", "attribution", "use"), rows)


def _measured(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "pictures": evaluation.pictures,
        "map50": round(evaluation.map50, 4),
        "map50_95": round(evaluation.map50_95, 4),
        "classes": [
            {
                key: round(value, 4) if isinstance(value, float) else value
                for key, value in asdict(score).items()
                if key != "class_id"
            }
            for score in evaluation.classes
        ],
    }


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
