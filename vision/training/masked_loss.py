"""The detection loss for pictures of which some classes only are labelled.

What is not labelled is neither right nor wrong. The loss itself is ultralytics' own; only its classification term is
masked.
"""

from collections.abc import Sequence

import torch
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.loss import v8DetectionLoss

from vision.training.sources import LabelledPicture

Outputs = dict[str, torch.Tensor | list[torch.Tensor]]


class MaskedCrossEntropy:
    """Binary cross-entropy of scores, zero where the picture does not say.

    A class counts in a picture if the picture's source labels that class, and at a cell whose target is a given box of
    it (a teacher's box of a class that is otherwise unlabelled).

    Attributes:
        known: (B, 1, classes) float of 0 and 1; set before each batch.
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
            known: (B, 1, classes), from `known_classes`.
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


def _to_float(value: torch.Tensor | list[torch.Tensor]) -> torch.Tensor | list[torch.Tensor]:
    return [item.float() for item in value] if isinstance(value, list) else value.float()
