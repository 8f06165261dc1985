"""The detection loss for pictures of which some classes only are labelled.

What is not labelled is neither right nor wrong. The loss itself is ultralytics' own; only its classification term is
masked.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import v8DetectionLoss

from vision.training.sources import LabelledPicture

_STRIDES = (8, 16, 32)  # of YOLOv8's three levels, in their order [px]

Outputs = dict[str, torch.Tensor | list[torch.Tensor]]


class MaskedCrossEntropy:
    """Binary cross-entropy of scores, zero where the picture does not say.

    A class counts in a picture if the picture's source labels that class, and at a cell whose target is a given box of
    it (a teacher's box of a class that is otherwise unlabelled).

    Attributes:
        known: (B, 1, classes) or (B, cells, classes) float of 0 and 1; set before each batch.
    """

    def __init__(self) -> None:
        self.known = torch.ones(1)

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """(B, cells, classes) losses of logits against soft targets in 0 to 1."""
        losses = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        return losses * torch.maximum(self.known.to(losses.dtype), (targets > 0).to(losses.dtype))


class MaskedDetectionLoss:
    """Box, classification and distribution loss of a batch, the classification masked by what each picture labels.

    Args:
        model: a `DetectionModel` with its `args`.
    """

    def __init__(self, model: DetectionModel) -> None:
        self._masked = MaskedCrossEntropy()
        self._loss = v8DetectionLoss(model)
        self._loss.bce = self._masked

    def __call__(self, outputs: Outputs, *, batch: dict[str, torch.Tensor], known: torch.Tensor) -> torch.Tensor:
        """(3,) losses of the batch, summed over its pictures.

        Args:
            outputs: what the model gives in training mode.
            batch: `batch_idx` (N,) ascending, `cls` (N, 1), `bboxes` (N, 4) centre x, centre y, width, height
                as fractions.
            known: from `known_classes` or `known_cells`.
        """
        self._masked.known = known
        # Under bfloat16 the centres of the cells would be rounded.
        whole = {name: _to_float(value) for name, value in outputs.items()}
        losses, _parts = self._loss(whole, batch)
        return losses


def known_classes(pictures: Sequence[LabelledPicture], *, n_classes: int) -> torch.Tensor:
    """(B, 1, classes) float tensor: 1 where a picture's source labels the class."""
    known = torch.zeros(len(pictures), 1, n_classes)
    for row, picture in enumerate(pictures):
        known[row, 0, sorted(picture.known_classes)] = 1.0
    return known


def known_cells(
    known: torch.Tensor, *, absent: Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]], side_px: int
) -> torch.Tensor:
    """(B, cells, classes): `known`, and 1 for a class at the cells whose centre lies where it is known to be absent.

    So a box that a person dismissed teaches that its class is not there, and nothing about the rest of the picture.

    Args:
        known: (B, 1, classes), from `known_classes`.
        absent: for each picture of the batch (M,) class ids and (M, 4) boxes, centre and size as fractions.
        side_px: of the batch's squares. [px]
    """
    centres = torch.cat([_centres(side_px // stride) for stride in _STRIDES])
    cells = known.expand(-1, len(centres), -1).clone()
    for row, (ids, boxes) in enumerate(absent):
        for class_id, (x, y, width, height) in zip(ids.tolist(), boxes.tolist(), strict=True):
            offset = (centres - torch.tensor([x, y])).abs()
            inside = (offset <= torch.tensor([width, height]) / 2).all(dim=1)
            cells[row, inside, class_id] = 1.0
    return cells


def _centres(count: int) -> torch.Tensor:
    """(count * count, 2) x and y of a level's cells as fractions, row by row, as the head lays them out."""
    steps = (torch.arange(count) + 0.5) / count
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


def _to_float(value: torch.Tensor | list[torch.Tensor]) -> torch.Tensor | list[torch.Tensor]:
    return [item.float() for item in value] if isinstance(value, list) else value.float()
