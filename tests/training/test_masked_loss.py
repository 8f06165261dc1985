"""Tests of the loss for pictures of which some classes only are labelled."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ultralytics.cfg import get_cfg
from ultralytics.nn.tasks import DetectionModel

from vision.training.masked_loss import MaskedDetectionLoss, Outputs, known_cells, known_classes
from vision.training.sources import LabelledPicture


def make_outputs(*, n_pictures: int) -> Outputs:
    """What a YOLOv8n of three classes gives in training mode for 64 px: 64 + 16 + 4 = 84 cells, all leaves."""
    generator = torch.Generator().manual_seed(0)
    return {
        "boxes": torch.randn(n_pictures, 64, 84, generator=generator).requires_grad_(),
        "scores": torch.randn(n_pictures, 3, 84, generator=generator).requires_grad_(),
        "feats": [torch.zeros(n_pictures, 1, side, side) for side in (8, 4, 2)],
    }


def make_picture(*, known: frozenset[int]) -> LabelledPicture:
    """A picture of which only the known classes matter."""
    return LabelledPicture(
        path=Path("p.jpg"),
        class_ids=np.zeros(0, dtype=np.int64),
        boxes_cxcywh=np.zeros((0, 4), dtype=np.float32),
        known_classes=known,
        source="s",
    )


def make_batch(*boxes: tuple[int, int]) -> dict[str, torch.Tensor]:
    """Boxes (picture, class), each in the middle, half as large as the picture."""
    return {
        "batch_idx": torch.tensor([float(picture) for picture, _class_id in boxes]),
        "cls": torch.tensor([[float(class_id)] for _picture, class_id in boxes]),
        "bboxes": torch.tensor([[0.5, 0.5, 0.5, 0.5]]).repeat(len(boxes), 1),
    }


@pytest.fixture(scope="module")
def loss() -> MaskedDetectionLoss:
    """The loss of a YOLOv8n of three classes."""
    model = DetectionModel("yolov8n.yaml", nc=3, verbose=False)
    model.args = get_cfg()
    return MaskedDetectionLoss(model)


def test_masked_loss__unlabelled_class_has_no_gradient(loss: MaskedDetectionLoss) -> None:
    """A class that a picture's source does not label gets no gradient in that picture, and its full one in another."""
    outputs = make_outputs(n_pictures=2)
    known = known_classes(
        [make_picture(known=frozenset({1, 2})), make_picture(known=frozenset({0, 1, 2}))], n_classes=3
    )
    loss(outputs, batch=make_batch((0, 1), (1, 0)), known=known).sum().backward()
    scores = outputs["scores"]
    assert isinstance(scores, torch.Tensor)
    assert scores.grad is not None
    assert float(scores.grad[0, 0].abs().sum()) == 0.0
    # Every cell of a labelled class is told something: binary cross-entropy has no zero gradient at finite logits.
    assert bool((scores.grad[0, 1:] != 0).all())
    assert bool((scores.grad[1] != 0).all())


def test_masked_loss__teachers_box_of_an_unlabelled_class(loss: MaskedDetectionLoss) -> None:
    """A given box of a class that is otherwise unlabelled pulls its own cells up and pushes no cell down."""
    outputs = make_outputs(n_pictures=1)
    known = known_classes([make_picture(known=frozenset({1}))], n_classes=3)
    loss(outputs, batch=make_batch((0, 0)), known=known).sum().backward()
    scores, boxes = outputs["scores"], outputs["boxes"]
    assert isinstance(scores, torch.Tensor)
    assert isinstance(boxes, torch.Tensor)
    assert scores.grad is not None
    assert boxes.grad is not None
    told = int((scores.grad[0, 0] != 0).sum())
    # The assigner gives a box its ten best cells at the most.
    assert 1 <= told <= 10
    assert float(scores.grad[0, 2].abs().sum()) == 0.0
    assert float(boxes.grad.abs().sum()) > 0.0


def test_masked_loss__all_known_is_ultralytics_own(loss: MaskedDetectionLoss) -> None:
    """With every class labelled the losses are those of ultralytics' loss."""
    from ultralytics.utils.loss import v8DetectionLoss  # noqa: PLC0415 - the reference of this test alone

    model = DetectionModel("yolov8n.yaml", nc=3, verbose=False)
    model.args = get_cfg()
    outputs, batch = make_outputs(n_pictures=1), make_batch((0, 2))
    masked = loss(outputs, batch=batch, known=torch.ones(1, 1, 3))
    reference, _parts = v8DetectionLoss(model)(outputs, batch)
    torch.testing.assert_close(masked, reference)


def test_known_cells__dismissed_box__counts_inside_it_alone(loss: MaskedDetectionLoss) -> None:
    """Of class 1 the upper left quarter is known to be empty: 4 x 4 + 2 x 2 + 1 x 1 of the cells of 64 px teach."""
    outputs = make_outputs(n_pictures=1)
    known = known_cells(
        known_classes([make_picture(known=frozenset())], n_classes=3),
        absent=[(np.array([1]), np.array([[0.25, 0.25, 0.5, 0.5]], np.float32))],
        side_px=64,
    )
    loss(outputs, batch=make_batch((0, 0)), known=known).sum().backward()
    scores = outputs["scores"]
    assert isinstance(scores, torch.Tensor)
    assert scores.grad is not None
    taught = scores.grad[0, 1] != 0
    # 64 cells of 8 px row by row, then 16 of 16 px, then 4 of 32 px.
    wanted = [row * 8 + column for row in range(4) for column in range(4)] + [64, 65, 68, 69] + [80]
    assert taught.nonzero().flatten().tolist() == wanted
    # Its score is pushed down there: of an empty place the gradient of the cross-entropy is the score itself.
    assert (scores.grad[0, 1][taught] > 0).all()
    assert (scores.grad[0, 2] == 0).all()
