"""From a checkpoint to the files that are shipped.

The ONNX file, its manifest and its model card, with figures measured on the ONNX file itself.
"""

import copy
import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import onnx
import torch
from ultralytics.nn.tasks import DetectionModel

from domain.errors import Invalid
from vision.training.detector import load_averaged
from vision.training.evaluation import evaluate
from vision.training.model_card import (
    LICENCE,
    ExportedModel,
    read_provenance,
    reliability_file,
    render_card,
    render_manifest,
)
from vision.training.operating_point import choose_operating_points
from vision.training.reliability import draw_reliability
from vision.training.sources import PartlyLabelled

OPSET = 17  # OpenVINO 2026 and ONNX Runtime 1.22 both take it whole
INPUT_NAME = "images"
OUTPUT_NAME = "output0"
_STRIDE = 32


class ExportSizeError(Invalid):
    """The input size is not a multiple of the network's stride."""

    code: ClassVar[str] = "vision.export_size"


def export(
    *,
    checkpoints: Sequence[Path],
    data: Path,
    provenance: Path,
    output: Path,
    image_size: int,
    partly_labelled: Sequence[PartlyLabelled] = (),
    name: str = "siteproof-ppe",
    version: str = "1",
    threads: int = 1,
) -> Path:
    """Write `NAME.onnx`, `NAME.json` (manifest), `NAME.md` (model card) and its reliability diagram.

    Args:
        checkpoints: from `train`; of several the mean of the weights is exported.
        data: the folder trained on; its `val` is measured and the thresholds are chosen on it.
        provenance: JSON with what a person knows of the data and the run.
        output: folder for the files; made if it is not there.
        image_size: side of the exported input, a multiple of 32. [px]
        partly_labelled: as given to the training; their held-out pictures are measured too.
        name: of the model.
        version: of the model.
        threads: of the measuring.

    Returns:
        The manifest.

    Raises:
        CheckpointNotFoundError: no such checkpoint.
        CheckpointMalformedError: not a checkpoint of this training, or of different classes.
        ExportSizeError: the size is not a multiple of 32.
        ProvenanceNotFoundError: no such provenance file.
        ProvenanceMalformedError: it lacks a field.
        SourceNotFoundError: no such data.
        SourceMalformedError: labels that cannot be read.
    """
    known = read_provenance(provenance)
    model, facts = load_averaged(checkpoints)
    output.mkdir(parents=True, exist_ok=True)
    weights = output / f"{name}.onnx"
    write_onnx(model, path=weights, image_size=image_size)
    evaluations = evaluate(
        weights=weights, data=data, image_size=image_size, partly_labelled=partly_labelled, threads=threads
    )
    exported = ExportedModel(
        name=name,
        version=version,
        file=weights.name,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        input_size_px=image_size,
        classes=tuple(model.names.values()),
        operating_points=choose_operating_points(evaluations["val"].matches),
        epochs=tuple(float(each["epochs"]) for each in facts),
        evaluations=evaluations,
    )
    manifest = output / f"{name}.json"
    manifest.write_text(render_manifest(exported), encoding="utf-8")
    (output / f"{name}.md").write_text(render_card(exported, provenance=known), encoding="utf-8")
    draw_reliability(evaluations["val"].matches, path=output / reliability_file(name))
    return manifest


def write_onnx(model: DetectionModel, *, path: Path, image_size: int) -> None:
    """Write a detector as ONNX: (1, 3, S, S) float32 RGB in 0 to 1 in, the raw head (1, 4 + classes, cells) out.

    The metadata are those that ultralytics writes, so `yolo predict` and `yolo val` take the file as well.

    Args:
        model: a `DetectionModel`; it is not changed.
        path: the file to write.
        image_size: S, a multiple of 32. [px]

    Raises:
        ExportSizeError: the size is not a multiple of 32.
    """
    if image_size < _STRIDE or image_size % _STRIDE:
        raise ExportSizeError(f"The image size is a multiple of {_STRIDE} pixels, {image_size} is not.")
    # Fused batch norms make fewer and exact operations; fusing changes the model, so a copy is fused.
    fused = copy.deepcopy(model).to(memory_format=torch.contiguous_format).eval().fuse(verbose=False)
    head = fused.model[-1]
    head.export, head.format = True, "onnx"
    with warnings.catch_warnings():
        # The exporter by TorchScript is what ultralytics exports with; it warns that there is a newer one.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            fused,
            (torch.zeros(1, 3, image_size, image_size),),
            str(path),
            opset_version=OPSET,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamo=False,
        )
    written = onnx.load(str(path))
    onnx.helper.set_model_props(
        written,
        {
            "description": "Siteproof detector",
            "license": LICENCE,
            "task": "detect",
            "stride": str(_STRIDE),
            "batch": "1",
            "imgsz": str([image_size, image_size]),
            "names": str(dict(model.names)),
        },
    )
    onnx.checker.check_model(written)
    onnx.save(written, str(path))
