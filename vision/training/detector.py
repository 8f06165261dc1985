"""The network that is trained.

YOLOv8n with this project's classes, started from a COCO detector, saved to and read from checkpoints that hold
tensors and plain values only.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from ultralytics.cfg import get_cfg
from ultralytics.nn.tasks import DetectionModel

from domain.errors import Invalid, NotFound
from vision.training.dequantise import FoldedConvolution, load_convolutions, read_convolutions

ARCHITECTURE = "yolov8n.yaml"
COCO_CLASSES = 80
# Ids of COCO's 80 classes as ultralytics numbers them.
COCO_IDS: Mapping[str, int] = {"person": 0, "bicycle": 1, "car": 2, "motorcycle": 3, "bus": 5, "truck": 7}
# Where a class of ours has a near one in COCO its row of the classifier starts there.
NEAREST_COCO: Mapping[str, str] = {"person": "person", "vehicle": "car", "machinery": "truck"}
# Of a class that COCO does not know: one cell in a thousand, far below what any cell then says.
_PRIOR_LOGIT = -6.9


class CheckpointNotFoundError(NotFound):
    """There is no such checkpoint."""

    code: ClassVar[str] = "vision.checkpoint_not_found"


class CheckpointMalformedError(Invalid):
    """The file is not a checkpoint of this project's training."""

    code: ClassVar[str] = "vision.checkpoint_malformed"


def build_coco_detector(warm_start: Path) -> DetectionModel:
    """The COCO detector of an OpenVINO int8 folder as a float `DetectionModel` in evaluation mode.

    Args:
        warm_start: folder with the IR of a YOLOv8n, `.xml` and `.bin`.

    Raises:
        WarmStartNotFoundError: no IR there.
        WarmStartMismatchError: another architecture.
    """
    model = DetectionModel(ARCHITECTURE, nc=COCO_CLASSES, verbose=False)
    load_convolutions(model, convolutions=read_convolutions(warm_start))
    model.args = get_cfg()
    return model.eval()


def replace_classes(model: DetectionModel, *, classes: Sequence[str]) -> DetectionModel:
    """The same network with classifiers of `classes`, each begun at COCO's nearest class, or at the mean of all.

    Args:
        model: a detector of COCO's 80 classes; it is changed in place and returned.
        classes: names in the order of their ids.
    """
    head = model.model[-1]
    for branch in head.cv3:
        branch[2] = _replaced_classifier(branch[2], classes=classes)
    head.nc = len(classes)
    head.no = head.nc + head.reg_max * 4
    model.nc = len(classes)
    model.names = dict(enumerate(classes))
    model.yaml["nc"] = len(classes)
    return model


def save_checkpoint(path: Path, *, model: DetectionModel, state: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint: the tensors of `state`, the class names of `model`, and `facts` (numbers and strings)."""
    torch.save({"classes": list(model.names.values()), "facts": dict(facts), "state": dict(state)}, path)


def load_checkpoint(path: Path) -> tuple[DetectionModel, dict[str, Any]]:
    """(detector in evaluation mode, the facts saved with it); nothing in the file is executed.

    Raises:
        CheckpointNotFoundError: no such file.
        CheckpointMalformedError: not a checkpoint of this training.
    """
    if not path.is_file():
        raise CheckpointNotFoundError(f"There is no checkpoint {path}.")
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
        model = DetectionModel(ARCHITECTURE, nc=COCO_CLASSES, verbose=False)
        replace_classes(model, classes=held["classes"]).load_state_dict(held["state"])
        facts = dict(held["facts"])
    except Exception as error:
        # torch raises many kinds for a file that is not what it should be.
        raise CheckpointMalformedError(f"{path} is not a checkpoint of this training: {error}") from error
    model.args = get_cfg()
    return model.eval(), facts


def load_exported(path: Path, *, classes: Sequence[str]) -> DetectionModel:
    """The detector of a model that `siteproof export` wrote, its batch norms folded: recalibrate it before training.

    Args:
        path: of the `.onnx`.
        classes: names in the order of their ids, as many as it was exported with.

    Raises:
        CheckpointNotFoundError: no such file.
        CheckpointMalformedError: no ONNX file, or one without this network's convolutions.
        WarmStartMismatchError: another architecture, or another number of classes.
    """
    if not path.is_file():
        raise CheckpointNotFoundError(f"There is no model {path}.")
    try:
        tensors = {each.name: np.array(numpy_helper.to_array(each)) for each in onnx.load(path).graph.initializer}
    except Exception as error:
        # protobuf raises many kinds for a file that is not what it should be.
        raise CheckpointMalformedError(f"{path} is not an ONNX model: {error}") from error
    names = [name.removesuffix(".weight") for name in tensors if name.endswith(".weight") and ".dfl." not in name]
    if not names or any(f"{name}.bias" not in tensors for name in names):
        raise CheckpointMalformedError(f"{path} has no convolutions with a bias under the names of a YOLOv8.")
    model = replace_classes(DetectionModel(ARCHITECTURE, nc=COCO_CLASSES, verbose=False), classes=classes)
    folded = {name: FoldedConvolution(tensors[f"{name}.weight"], tensors[f"{name}.bias"]) for name in names}
    load_convolutions(model, convolutions=folded)
    model.args = get_cfg()
    return model.eval()


def load_averaged(paths: Sequence[Path]) -> tuple[DetectionModel, list[dict[str, Any]]]:
    """(detector with the mean of the checkpoints' weights, the facts of each).

    Runs from one warm start, which differ in their seed, end near enough to each other that the mean of their weights
    detects better than each (Wortsman et al. 2022, Model soups, arXiv:2203.05482).

    Args:
        paths: at least one checkpoint, all of the same classes.

    Raises:
        CheckpointNotFoundError: one is not there.
        CheckpointMalformedError: one is not a checkpoint of this training, or they differ in their classes, or none
            is given.
    """
    loaded = [load_checkpoint(path) for path in paths]
    if len({tuple(model.names.values()) for model, _facts in loaded}) != 1:
        raise CheckpointMalformedError("Checkpoints to average have the same classes, and there is at least one.")
    states = [model.state_dict() for model, _facts in loaded]
    averaged = loaded[0][0]
    averaged.load_state_dict({name: _mean([state[name] for state in states]) for name in states[0]})
    return averaged, [facts for _model, facts in loaded]


def freeze(model: DetectionModel, *, layers: int) -> None:
    """Keep the first layers as they are: their parameters do not learn.

    Put the model into training mode with `to_training_mode`, or their batch norms go on counting.

    Args:
        model: changed in place.
        layers: how many, from the picture on.
    """
    for layer in model.model[:layers]:
        for parameter in layer.parameters():
            parameter.requires_grad_(requires_grad=False)


def to_training_mode(model: DetectionModel, *, frozen_layers: int) -> None:
    """Training mode for all but the first layers."""
    model.train()
    for layer in model.model[:frozen_layers]:
        layer.eval()


def parameter_groups(
    model: DetectionModel,
    *,
    learning_rate: float,
    weight_decay: float,
    backbone_share: float,
) -> list[dict[str, Any]]:
    """Optimiser groups: the backbone learns at a share of the rate, and only convolution weights decay."""
    groups: dict[tuple[bool, bool], list[Any]] = {}
    for name, parameter in _trainable(model):
        in_backbone = int(name.split(".")[1]) < len(model.yaml["backbone"])
        groups.setdefault((in_backbone, parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": learning_rate * (backbone_share if in_backbone else 1.0),
            "weight_decay": weight_decay if decays else 0.0,
        }
        for (in_backbone, decays), parameters in groups.items()
    ]


def _mean(values: Sequence[torch.Tensor]) -> torch.Tensor:
    # Counters of batches have no mean.
    return torch.stack(list(values)).mean(dim=0) if values[0].is_floating_point() else values[0]


def _trainable(model: DetectionModel) -> Iterator[tuple[str, torch.nn.Parameter]]:
    for name, parameter in model.named_parameters():
        # The integral over the distribution's bins is fixed arithmetic, not something to learn.
        if ".dfl." in name:
            parameter.requires_grad_(requires_grad=False)
        elif parameter.requires_grad:
            yield name, parameter


def _replaced_classifier(old: torch.nn.Conv2d, *, classes: Sequence[str]) -> torch.nn.Conv2d:
    new = torch.nn.Conv2d(old.in_channels, len(classes), kernel_size=1)
    with torch.no_grad():
        for row, name in enumerate(classes):
            nearest = NEAREST_COCO.get(name)
            if nearest is None:
                new.weight[row] = old.weight.mean(dim=0)
                new.bias[row] = _PRIOR_LOGIT
            else:
                new.weight[row] = old.weight[COCO_IDS[nearest]]
                new.bias[row] = old.bias[COCO_IDS[nearest]]
    return new
