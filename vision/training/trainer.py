"""The training run.

Warm start, the teacher's boxes, epochs over several folders with one masked loss, a checkpoint of the averaged weights
after each. What a picture looks like is `augmentation`'s, what is measured is `evaluation`'s.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt
import torch
from ultralytics.nn.tasks import DetectionModel

from domain.errors import Invalid
from vision.training.augmentation import augment, read_picture
from vision.training.dequantise import recalibrate
from vision.training.detector import (
    CheckpointMalformedError,
    build_coco_detector,
    freeze,
    load_checkpoint,
    load_exported,
    parameter_groups,
    replace_classes,
    save_checkpoint,
    to_training_mode,
)
from vision.training.evaluation import Scorer, detect, evaluate_scorer, model_scorer
from vision.training.masked_loss import MaskedDetectionLoss, known_cells, known_classes
from vision.training.sources import LabelledPicture, PartlyLabelled, list_pictures, read_class_names, split_held_out

# What COCO's teacher may add where a source does not label it. Not trucks: on a site a dumper is machinery.
TEACHER_CLASSES: Mapping[str, tuple[int, ...]] = {"person": (0,), "vehicle": (2, 5)}
TEACHER_SCORE = 0.6
_TEACHER_SIZE = 512
_RECALIBRATION_PICTURES = 256
_WEIGHT_DECAY = 5e-4
_BACKBONE_SHARE = 0.5
_WARMUP_STEPS = 200
_LAST_RATE_SHARE = 0.02
_GRADIENT_NORM = 10.0
_AVERAGE_DECAY = 0.998
_STRIDE = 32
# Of x86 (AVX-512 BF16, AMX) and of Arm (BF16), as torch names them.
_BFLOAT16_UNITS = ("avx512_bf16", "amx_bf16", "bf16")
# Sides of the batches as shares of the image size, so that things of all sizes are learnt.
_SIDE_SHARES = (0.75, 0.875, 1.0, 1.125, 1.25)


class TrainingArgumentError(Invalid):
    """A number given to the training makes no sense."""

    code: ClassVar[str] = "vision.training_argument"


@dataclass(frozen=True, slots=True)
class EpochReport:
    """What one epoch came to.

    Attributes:
        epoch: from 1.
        box_loss: mean over the pictures.
        class_loss: mean over the pictures.
        shape_loss: mean over the pictures, of the distributions of the boxes' sides.
        map50: on the validation pictures, of the averaged weights; 0 to 1.
        seconds: time of the epoch with its validation. [s]
        checkpoint: the file with the averaged weights.
    """

    epoch: int
    box_loss: float
    class_loss: float
    shape_loss: float
    map50: float
    seconds: float
    checkpoint: Path


@dataclass(frozen=True, slots=True)
class _Plan:
    """One batch: (picture's index, seed) of each, all at one side."""

    items: tuple[tuple[int, int], ...]
    side_px: int


class _Pictures:
    """The map-style data set that torch's loader reads: a plan in, tensors of a batch out."""

    def __init__(self, pictures: Sequence[LabelledPicture], plans: Sequence[_Plan], *, n_classes: int) -> None:
        self._pictures, self._plans, self._n_classes = pictures, plans, n_classes

    def __len__(self) -> int:
        return len(self._plans)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, dict[str, torch.Tensor], torch.Tensor]:
        cv2.setNumThreads(0)  # the processors are the network's
        plan = self._plans[index]
        chosen = [self._pictures[picture] for picture, _seed in plan.items]
        changed = [
            augment(_with_absent(picture, self._n_classes), side_px=plan.side_px, rng=np.random.default_rng(seed))
            for picture, (_index, seed) in zip(chosen, plan.items, strict=True)
        ]
        drawn = [(square, ids[ids < self._n_classes], boxes[ids < self._n_classes]) for square, ids, boxes in changed]
        pixels = torch.from_numpy(np.stack([square for square, _ids, _boxes in drawn]))
        owners = [np.full(len(ids), row) for row, (_square, ids, _boxes) in enumerate(drawn)]
        batch = {
            "batch_idx": torch.from_numpy(np.concatenate(owners).astype(np.float32)),
            "cls": torch.from_numpy(
                np.concatenate([ids for _square, ids, _boxes in drawn])[:, None].astype(np.float32)
            ),
            "bboxes": torch.from_numpy(np.concatenate([boxes for _square, _ids, boxes in drawn])),
        }
        known = known_classes(chosen, n_classes=self._n_classes)
        absent = [
            (ids[ids >= self._n_classes] - self._n_classes, boxes[ids >= self._n_classes]) for _, ids, boxes in changed
        ]
        if any(len(ids) for ids, _boxes in absent):
            known = known_cells(known, absent=absent, side_px=plan.side_px)
        return pixels, batch, known


def train(
    *,
    data: Path,
    warm_start: Path,
    output: Path,
    epochs: int,
    image_size: int,
    partly_labelled: Sequence[PartlyLabelled] = (),
    batch_size: int = 16,
    learning_rate: float = 8e-4,
    frozen_layers: int = 4,
    validation_size: int = 640,
    start_from: Path | None = None,
    limit_s: float | None = None,
    seed: int = 0,
    threads: int = 1,
    half: bool | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> Path:
    """Train a detector of the data's classes and write a checkpoint after each epoch.

    The schedule is fixed beforehand and the last checkpoint is the result; the validation figures of the epochs are for
    the eye, so that nothing is chosen by them.

    Args:
        data: folder with `data.yaml`, `train/` and `val/`, all classes labelled.
        warm_start: folder with the OpenVINO int8 IR of a YOLOv8n of COCO.
        output: folder for `epoch-NNN.pt` and `epochs.jsonl`; made if it is not there.
        epochs: at least 1.
        image_size: side of the training squares, varied by a quarter. [px]
        partly_labelled: further folders, in which some of the classes are labelled.
        batch_size: pictures a step.
        learning_rate: of the head at the schedule's top; the backbone learns at half of it.
        frozen_layers: how many layers from the picture on stay as the warm start has them; five are edges and textures,
            and a quarter of the time.
        validation_size: side of the validation squares. [px]
        start_from: a checkpoint or an exported `.onnx` to go on from, with a schedule of its own; None for the warm
            start.
        limit_s: above 0, time for the epochs, after which the last is cut short; the schedule is hastened where the
            epochs would take longer. [s]
        seed: of everything random; without a limit the same seed on the same machine gives the same weights.
        threads: of the computation.
        half: compute in bfloat16 where it is safe; None where the processor has it, twice as quick there. Elsewhere it
            is emulated: ten times slower than float32 (2026-11-25, one thread of a processor with AVX2 alone).
        on_epoch: called after each epoch.

    Returns:
        The last checkpoint.

    Raises:
        TrainingArgumentError: a number out of its range.
        SourceNotFoundError: a folder is missing.
        SourceMalformedError: a label or a class name cannot be used.
        WarmStartNotFoundError: no IR in `warm_start`.
        WarmStartMismatchError: an IR of another architecture.
        CheckpointNotFoundError: no `start_from`.
        CheckpointMalformedError: `start_from` is not a checkpoint of this training, or of other classes.
    """
    _check_arguments(epochs=epochs, image_size=image_size, batch_size=batch_size, learning_rate=learning_rate)
    if limit_s is not None and not limit_s > 0:
        raise TrainingArgumentError("The time limit is above 0 seconds.")
    torch.manual_seed(seed)
    # ultralytics leaves a processor free when it is imported, which is half of a machine of two.
    torch.set_num_threads(threads)
    output.mkdir(parents=True, exist_ok=True)
    classes = read_class_names(data)
    half = has_bfloat16() if half is None else half
    teacher = build_coco_detector(warm_start)
    pictures, weights = _training_pictures(data=data, partly_labelled=partly_labelled, classes=classes)
    pictures = fill_from_teacher(pictures, scorer=model_scorer(teacher, half=half), classes=classes)
    batches = _recalibration_batches(pictures, image_size=image_size, batch_size=batch_size, seed=seed)
    if start_from is None:
        recalibrate(teacher, batches=batches)
        model, epochs_before = replace_classes(teacher, classes=classes), 0.0
    elif start_from.suffix == ".onnx":
        model, epochs_before = load_exported(start_from, classes=classes), 0.0
        recalibrate(model, batches=batches)
    else:
        model, epochs_before = _continued(start_from, classes=classes)
    run = _Run(
        model=model,
        epochs_before=epochs_before,
        limit_s=limit_s,
        pictures=pictures,
        weights=weights,
        validation=list_pictures(folder=data / "val", class_names=classes, known=classes),
        classes=classes,
        epochs=epochs,
        image_size=image_size,
        batch_size=batch_size,
        learning_rate=learning_rate,
        frozen_layers=frozen_layers,
        validation_size=validation_size,
        seed=seed,
        half=half,
    )
    checkpoint = output
    with (output / "epochs.jsonl").open("w", encoding="utf-8") as log:
        for report in run.epoch_reports(output):
            log.write(json.dumps({name: _plain(getattr(report, name)) for name in report.__slots__}) + "\n")
            log.flush()
            checkpoint = report.checkpoint
            if on_epoch is not None:
                on_epoch(report)
    return checkpoint


def has_bfloat16(capabilities: Mapping[str, object] | None = None) -> bool:
    """Whether the processor multiplies bfloat16 itself.

    Args:
        capabilities: as `torch.cpu.get_capabilities()` names them; None for this machine's.
    """
    known = torch.cpu.get_capabilities() if capabilities is None else capabilities
    return any(bool(known.get(name)) for name in _BFLOAT16_UNITS)


def fill_from_teacher(
    pictures: Sequence[LabelledPicture],
    *,
    scorer: Scorer,
    classes: Sequence[str],
    lowest_score: float = TEACHER_SCORE,
) -> list[LabelledPicture]:
    """The pictures with the COCO teacher's confident boxes of people and cars added where a source does not label them.

    They teach what is there; that the class is seen nowhere else in the picture is still not said.

    Args:
        pictures: with their labels.
        scorer: of the COCO detector, 80 classes.
        classes: names in the order of their ids.
        lowest_score: boxes below it are not added.
    """
    wanted = {
        coco_id: classes.index(name) for name, ids in TEACHER_CLASSES.items() if name in classes for coco_id in ids
    }
    return [_filled(picture, scorer=scorer, wanted=wanted, lowest_score=lowest_score) for picture in pictures]


class _Run:
    """The state of a training run: the network, its average, the optimiser and the schedule."""

    def __init__(
        self,
        *,
        model: DetectionModel,
        pictures: Sequence[LabelledPicture],
        weights: Sequence[float],
        validation: Sequence[LabelledPicture],
        classes: Sequence[str],
        epochs: int,
        epochs_before: float,
        limit_s: float | None,
        image_size: int,
        batch_size: int,
        learning_rate: float,
        frozen_layers: int,
        validation_size: int,
        seed: int,
        half: bool,
    ) -> None:
        self._model = model.to(memory_format=torch.channels_last)
        self._pictures, self._validation, self._classes = pictures, validation, classes
        self._validation_size, self._half, self._frozen_layers = validation_size, half, frozen_layers
        freeze(model, layers=frozen_layers)
        self._plans = [
            _plan_epoch(weights, image_size=image_size, batch_size=batch_size, rng=np.random.default_rng([seed, epoch]))
            for epoch in range(epochs)
        ]
        self._limit_s, self._started = limit_s, time.monotonic()
        self._total_steps = sum(len(plans) for plans in self._plans)
        groups = parameter_groups(
            model, learning_rate=learning_rate, weight_decay=_WEIGHT_DECAY, backbone_share=_BACKBONE_SHARE
        )
        self._optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.999))
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimiser, self._rate_share)
        self._loss = MaskedDetectionLoss(model)
        self._average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self._step = 0
        self._epochs_before = epochs_before

    def epoch_reports(self, output: Path) -> Iterator[EpochReport]:
        """Train; one report after each epoch, its checkpoint written."""
        self._started = time.monotonic()
        done = self._epochs_before
        for number, plans in enumerate(self._plans, start=1):
            if number > 1 and self._elapsed_share() >= 1:
                return
            started, first_step = time.monotonic(), self._step
            losses = self._train_epoch(plans)
            done += (self._step - first_step) / len(plans)
            checkpoint = output / f"epoch-{number:03d}.pt"
            map50 = self._validate()
            facts = {"epochs": done, "map50": map50}
            save_checkpoint(checkpoint, model=self._model, state=self._average, facts=facts)
            yield EpochReport(
                epoch=number,
                box_loss=losses[0],
                class_loss=losses[1],
                shape_loss=losses[2],
                map50=map50,
                seconds=time.monotonic() - started,
                checkpoint=checkpoint,
            )

    def _train_epoch(self, plans: Sequence[_Plan]) -> list[float]:
        to_training_mode(self._model, frozen_layers=self._frozen_layers)
        dataset: Any = _Pictures(self._pictures, plans, n_classes=len(self._classes))
        # One process reads ahead while the network computes.
        loader = torch.utils.data.DataLoader(dataset, batch_size=None, num_workers=1, prefetch_factor=4)
        total, seen = torch.zeros(3), 0
        for pixels, batch, known in loader:
            losses = self._train_step(pixels, batch=batch, known=known)
            total += losses
            seen += len(pixels)
            if self._elapsed_share() >= 1:
                break
        return [float(value) for value in total / max(seen, 1)]

    def _train_step(self, pixels: torch.Tensor, *, batch: dict[str, torch.Tensor], known: torch.Tensor) -> torch.Tensor:
        values = (pixels.permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self._half):
            outputs = self._model(values)
        losses = self._loss(outputs, batch=batch, known=known)
        self._optimiser.zero_grad(set_to_none=True)
        losses.sum().backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), _GRADIENT_NORM)
        self._optimiser.step()
        self._schedule.step()
        self._step += 1
        self._update_average()
        return losses.detach()

    def _update_average(self) -> None:
        decay = min(_AVERAGE_DECAY, (1 + self._step) / (10 + self._step))
        with torch.no_grad():
            for name, value in self._model.state_dict().items():
                if value.dtype.is_floating_point:
                    self._average[name].lerp_(value, 1 - decay)
                else:
                    self._average[name].copy_(value)

    def _validate(self) -> float:
        current = {name: value.clone() for name, value in self._model.state_dict().items()}
        self._model.load_state_dict(self._average)
        self._model.eval()
        evaluation = evaluate_scorer(
            model_scorer(self._model, half=self._half),
            pictures=self._validation,
            classes=self._classes,
            image_size=self._validation_size,
        )
        self._model.load_state_dict(current)
        return evaluation.map50

    def _rate_share(self, step: int) -> float:
        warmup = min(_WARMUP_STEPS, max(1, self._total_steps // 10))
        if step < warmup:
            return (step + 1) / warmup
        progress = min(1.0, max((step - warmup) / max(1, self._total_steps - warmup), self._elapsed_share()))
        return _LAST_RATE_SHARE + (1 - _LAST_RATE_SHARE) * (1 + math.cos(math.pi * progress)) / 2

    def _elapsed_share(self) -> float:
        return 0.0 if self._limit_s is None else (time.monotonic() - self._started) / self._limit_s


def _with_absent(picture: LabelledPicture, n_classes: int) -> LabelledPicture:
    """The picture with its absent boxes among the others, ids raised by `n_classes`, so that they move with it."""
    if not len(picture.absent_ids):
        return picture
    return replace(
        picture,
        class_ids=np.concatenate([picture.class_ids, picture.absent_ids + n_classes]),
        boxes_cxcywh=np.concatenate([picture.boxes_cxcywh, picture.absent_cxcywh]),
    )


def _continued(start_from: Path, *, classes: Sequence[str]) -> tuple[DetectionModel, float]:
    model, facts = load_checkpoint(start_from)
    if tuple(model.names.values()) != tuple(classes):
        raise CheckpointMalformedError(f"{start_from} knows {list(model.names.values())}, the data {list(classes)}.")
    return model, float(facts.get("epochs", 0.0))


def _check_arguments(*, epochs: int, image_size: int, batch_size: int, learning_rate: float) -> None:
    if epochs < 1 or batch_size < 1 or not 0 < learning_rate < 1:
        raise TrainingArgumentError("Epochs and batch size are at least 1, the learning rate lies between 0 and 1.")
    if image_size < _STRIDE or image_size % _STRIDE:
        raise TrainingArgumentError(f"The image size is a multiple of {_STRIDE} pixels, {image_size} is not.")


def _training_pictures(
    *, data: Path, partly_labelled: Sequence[PartlyLabelled], classes: Sequence[str]
) -> tuple[list[LabelledPicture], list[float]]:
    pictures = list_pictures(folder=data / "train", class_names=classes, known=classes)
    weights = [1.0] * len(pictures)
    for source in partly_labelled:
        listed = list_pictures(folder=source.folder, class_names=classes, known=source.classes)
        kept, _held_out = split_held_out(listed, fraction=source.held_out_fraction)
        pictures += kept
        weights += [source.weight] * len(kept)
    return pictures, weights


def _plan_epoch(weights: Sequence[float], *, image_size: int, batch_size: int, rng: np.random.Generator) -> list[_Plan]:
    shares = np.asarray(weights, dtype=np.float64)
    times = np.floor(shares + rng.random(len(shares))).astype(np.int64)
    order = rng.permutation(np.repeat(np.arange(len(shares)), times))
    seeds = rng.integers(0, 2**62, size=len(order))
    starts = range(0, len(order), batch_size)
    sides = [_round_to_stride(image_size * float(rng.choice(_SIDE_SHARES))) for _start in starts]
    items = [(int(picture), int(seed)) for picture, seed in zip(order, seeds, strict=True)]
    return [
        _Plan(items=tuple(items[start : start + batch_size]), side_px=side)
        for start, side in zip(starts, sides, strict=True)
    ]


def _round_to_stride(side: float) -> int:
    return max(_STRIDE, round(side / _STRIDE) * _STRIDE)


def _recalibration_batches(
    pictures: Sequence[LabelledPicture], *, image_size: int, batch_size: int, seed: int
) -> Iterator[torch.Tensor]:
    rng = np.random.default_rng([seed, 1_000_000])
    chosen = rng.permutation(len(pictures))[:_RECALIBRATION_PICTURES]
    for start in range(0, len(chosen), batch_size):
        squares = [
            augment(pictures[index], side_px=image_size, rng=rng)[0] for index in chosen[start : start + batch_size]
        ]
        yield torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).float() / 255


def _filled(
    picture: LabelledPicture, *, scorer: Scorer, wanted: Mapping[int, int], lowest_score: float
) -> LabelledPicture:
    missing = {coco_id: own_id for coco_id, own_id in wanted.items() if own_id not in picture.known_classes}
    if not missing:
        return picture
    pixels = read_picture(picture.path)
    found = detect(scorer, picture=pixels, image_size=_TEACHER_SIZE, lowest_score=lowest_score)
    found = found[np.isin(found[:, 5], list(missing))]
    size = np.array([pixels.shape[1], pixels.shape[0]])
    centre, extent = (found[:, :2] + found[:, 2:4]) / 2 / size, (found[:, 2:4] - found[:, :2]) / size
    ids = np.array([missing[int(coco_id)] for coco_id in found[:, 5]], dtype=np.int64)
    return replace(
        picture,
        class_ids=np.concatenate([picture.class_ids, ids]),
        boxes_cxcywh=_joined(picture.boxes_cxcywh, np.concatenate([centre, extent], axis=1)),
    )


def _joined(first: npt.NDArray[np.float32], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return np.concatenate([first, second.astype(np.float32)])


def _plain(value: object) -> object:
    return value.name if isinstance(value, Path) else value
