"""How good a detector is on labelled pictures.

Its boxes after non-maximum suppression, and average precision by class. Takes any scorer (torch or an exported file)
and changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.metrics import ap_per_class, box_iou
from ultralytics.utils.nms import non_max_suppression

from domain.errors import Invalid
from vision.training.augmentation import boxes_xyxy_px, letterbox, read_picture
from vision.training.detector import CheckpointNotFoundError, load_checkpoint
from vision.training.sources import (
    LabelledPicture,
    PartlyLabelled,
    list_pictures,
    read_class_names,
    split_held_out,
)

Scorer = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
FloatArray = npt.NDArray[np.float64]
# COCO's ten: 0.50, 0.55, ... 0.95.
IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
_LOWEST_SCORE = 0.001
# The value that ultralytics validates with, so that figures compare with `yolo val`.
_SUPPRESSION_IOU = 0.7
_MOST_BOXES = 300


class ExportedSizeError(Invalid):
    """An exported model takes squares of another size."""

    code: ClassVar[str] = "vision.exported_size"


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class is found.

    Attributes:
        name: the class.
        class_id: its id.
        pictures: pictures in which it is labelled.
        instances: its boxes.
        ap50: average precision at IoU 0.50, 0 to 1.
        ap50_95: mean of the average precisions at IoU 0.50 to 0.95.
    """

    name: str
    class_id: int
    pictures: int
    instances: int
    ap50: float
    ap50_95: float


@dataclass(frozen=True, slots=True)
class Matches:
    """Every detection of a class with whether it is right, over all pictures.

    Attributes:
        scores: (N,) the detections' scores.
        right: (N,) whether each found a box at IoU 0.50 that no better one found.
        instances: boxes to be found.
    """

    scores: FloatArray
    right: npt.NDArray[np.bool_]
    instances: int


@dataclass(frozen=True, slots=True)
class PictureMatches:
    """One picture's detections beside its labels.

    Attributes:
        picture: the picture.
        size_px: its width and height. [px]
        detections: (N, 6) float64, best first: x_min, y_min, x_max, y_max in its pixels [px], score, class id; classes
            that its source does not label are left out.
        found: (N, 10) int64, by IoU threshold the index of the labelled box that a detection is right about, else -1.
        truth_boxes: (M, 4) float32, its labelled boxes as x_min, y_min, x_max, y_max. [px]
    """

    picture: LabelledPicture
    size_px: tuple[int, int]
    detections: FloatArray
    found: npt.NDArray[np.int64]
    truth_boxes: npt.NDArray[np.float32]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """(N, 10) whether each detection is right, by IoU threshold."""
        return self.found >= 0

    @property
    def scores(self) -> FloatArray:
        """(N,) the detections' scores, 0 to 1."""
        return self.detections[:, 4]

    @property
    def class_ids(self) -> npt.NDArray[np.int64]:
        """(N,) the detections' class ids."""
        return self.detections[:, 5].astype(np.int64)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured on a set of pictures.

    Attributes:
        pictures: how many pictures.
        classes: by class, those with at least one box.
        matches: by class name, to choose thresholds from.
        rows: picture by picture.
    """

    pictures: int
    classes: tuple[ClassScore, ...]
    matches: dict[str, Matches]
    rows: tuple[PictureMatches, ...] = ()

    @property
    def map50(self) -> float:
        """Mean over the classes of AP at IoU 0.50."""
        return float(np.mean([score.ap50 for score in self.classes])) if self.classes else 0.0

    @property
    def map50_95(self) -> float:
        """Mean over the classes of AP at IoU 0.50 to 0.95."""
        return float(np.mean([score.ap50_95 for score in self.classes])) if self.classes else 0.0


def evaluate(
    *, weights: Path, data: Path, image_size: int, partly_labelled: Sequence[PartlyLabelled] = (), threads: int = 1
) -> dict[str, Evaluation]:
    """Measure a checkpoint (`.pt`) or an exported model (`.onnx`) on pictures that it was not trained on.

    Args:
        weights: the file.
        data: a folder with `data.yaml`, whose `val` is measured.
        image_size: side of the square that pictures are letterboxed to; an exported model knows its own. [px]
        partly_labelled: further folders as they were given to the training; their held-out pictures are measured.
        threads: of the computation.

    Returns:
        By the name of what was measured: `val` first, then the folders that hold pictures out.

    Raises:
        CheckpointNotFoundError: no such weights.
        CheckpointMalformedError: not a checkpoint of this training.
        ExportedSizeError: an exported model of another size.
        SourceNotFoundError: no such data.
        SourceMalformedError: labels that cannot be read.
    """
    classes = read_class_names(data)
    sets = {"val": list_pictures(folder=data / "val", class_names=classes, known=classes)}
    for source in partly_labelled:
        listed = list_pictures(folder=source.folder, class_names=classes, known=source.classes)
        _kept, held_out = split_held_out(listed, fraction=source.held_out_fraction)
        if held_out:
            sets[source.folder.name] = held_out
    scorer = (
        onnx_scorer(weights, image_size=image_size, threads=threads)
        if weights.suffix == ".onnx"
        else checkpoint_scorer(weights, threads=threads)
    )
    return {
        name: evaluate_scorer(scorer, pictures=pictures, classes=classes, image_size=image_size)
        for name, pictures in sets.items()
    }


def checkpoint_scorer(path: Path, *, threads: int) -> Scorer:
    """A scorer of a checkpoint, in float32.

    Raises:
        CheckpointNotFoundError: no such file.
        CheckpointMalformedError: not a checkpoint of this training.
    """
    model, _facts = load_checkpoint(path)
    torch.set_num_threads(threads)
    return model_scorer(model)


def model_scorer(model: DetectionModel, *, half: bool = False) -> Scorer:
    """A scorer of a torch detector; with `half` in bfloat16, quicker and a little less exact."""

    def score(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        batch = torch.from_numpy(pictures).to(memory_format=torch.channels_last)
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            return np.asarray(model(batch)[0].float().numpy(), dtype=np.float32)

    return score


def onnx_scorer(path: Path, *, image_size: int, threads: int) -> Scorer:
    """A scorer of an exported file, under ONNX Runtime on the CPU.

    Raises:
        CheckpointNotFoundError: no such file.
        ExportedSizeError: its input is not a square of `image_size`. [px]
    """
    if not path.is_file():
        raise CheckpointNotFoundError(f"There is no exported model {path}.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name, shape = session.get_inputs()[0].name, session.get_inputs()[0].shape
    if shape[2:] != [image_size, image_size]:
        raise ExportedSizeError(f"{path.name} takes {shape[2:]} pixels, not {image_size} x {image_size}.")

    def score(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.asarray(session.run(None, {name: pictures})[0], dtype=np.float32)

    return score


def evaluate_scorer(
    scorer: Scorer, *, pictures: Sequence[LabelledPicture], classes: Sequence[str], image_size: int
) -> Evaluation:
    """Measure a scorer; a class that a picture's source does not label is left out in that picture.

    Args:
        scorer: (1, 3, S, S) float32 RGB in 0 to 1 to (1, 4 + classes, cells): box centre, width, height [px], scores.
        pictures: with their labels.
        classes: names in the order of their ids.
        image_size: S. [px]
    """
    rows = tuple(_match_picture(scorer, picture=picture, image_size=image_size) for picture in pictures)
    right = np.concatenate([row.right for row in rows] or [np.zeros((0, len(IOU_THRESHOLDS)), dtype=bool)])
    scores = np.concatenate([row.scores for row in rows] or [np.zeros(0)])
    class_ids = np.concatenate([row.class_ids for row in rows] or [np.zeros(0, dtype=np.int64)])
    truth = np.concatenate([picture.class_ids for picture in pictures] or [np.zeros(0, dtype=np.int64)])
    averages = average_precisions(right=right, scores=scores, class_ids=class_ids, truth=truth)
    return Evaluation(
        pictures=len(pictures),
        classes=tuple(
            ClassScore(
                name=classes[class_id],
                class_id=class_id,
                pictures=sum(class_id in picture.class_ids for picture in pictures),
                instances=int((truth == class_id).sum()),
                ap50=float(average[0]),
                ap50_95=float(average.mean()),
            )
            for class_id, average in averages.items()
        ),
        matches={
            classes[class_id]: Matches(
                scores=scores[class_ids == class_id].astype(np.float64),
                right=right[class_ids == class_id, 0],
                instances=int((truth == class_id).sum()),
            )
            for class_id in averages
        },
        rows=rows,
    )


def detect(
    scorer: Scorer, *, picture: npt.NDArray[np.uint8], image_size: int, lowest_score: float = _LOWEST_SCORE
) -> FloatArray:
    """The detections in a picture after non-maximum suppression within each class.

    Args:
        scorer: as for `evaluate_scorer`.
        picture: (H, W, 3) uint8 RGB.
        image_size: side of the square. [px]
        lowest_score: what is below it is dropped.

    Returns:
        (N, 6) float64 rows: x_min, y_min, x_max, y_max in the picture's pixels [px], score, class id; best first.
    """
    square, scale, (left, top) = letterbox(picture, side_px=image_size)
    values = np.ascontiguousarray(square.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
    raw = torch.from_numpy(scorer(values).copy())
    (kept,) = non_max_suppression(
        raw, lowest_score, _SUPPRESSION_IOU, multi_label=True, max_det=_MOST_BOXES, max_time_img=60
    )
    rows = kept.numpy().astype(np.float64)
    rows[:, :4] = (rows[:, :4] - [left, top, left, top]) / scale
    height, width = picture.shape[:2]
    rows[:, :4] = rows[:, :4].clip(0, [width, height, width, height])
    return np.asarray(rows, dtype=np.float64)


def match(
    *, detections: FloatArray, truth_boxes: npt.NDArray[np.float32], truth_ids: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Which box each detection is right about, at each of the ten IoU thresholds.

    Each detection claims the box of its class that it overlaps most; of several that claim one box the best is right.
    So does ultralytics.

    Args:
        detections: (N, 6), best first, rows x_min, y_min, x_max, y_max [px], score, class id.
        truth_boxes: (M, 4) float32, rows x_min, y_min, x_max, y_max. [px]
        truth_ids: (M,) class ids.

    Returns:
        (N, 10) int64, indices into the boxes; -1 where a detection is wrong.
    """
    found = np.full((len(detections), len(IOU_THRESHOLDS)), -1, dtype=np.int64)
    if not len(detections) or not len(truth_boxes):
        return found
    iou = box_iou(torch.from_numpy(truth_boxes).double(), torch.from_numpy(detections[:, :4].copy())).numpy()
    iou = iou * (truth_ids[:, None] == detections[None, :, 5])
    for column, threshold in enumerate(IOU_THRESHOLDS):
        pairs = np.argwhere(iou >= threshold)
        pairs = pairs[iou[pairs[:, 0], pairs[:, 1]].argsort(kind="stable")[::-1]]
        pairs = pairs[np.unique(pairs[:, 1], return_index=True)[1]]
        pairs = pairs[np.unique(pairs[:, 0], return_index=True)[1]]
        found[pairs[:, 1], column] = pairs[:, 0]
    return found


def average_precisions(
    *, right: npt.NDArray[np.bool_], scores: FloatArray, class_ids: npt.NDArray[np.int64], truth: npt.NDArray[np.int64]
) -> dict[int, FloatArray]:
    """Average precision of each class that `truth` has, as ultralytics reckons it.

    Args:
        right: (N, K), whether each detection is right, by IoU threshold.
        scores: (N,) the detections' scores.
        class_ids: (N,) the detections' class ids.
        truth: (M,) class ids of the boxes to be found.

    Returns:
        By class id (K,) float64 in 0 to 1; empty where nothing is to be found.
    """
    if not len(truth):
        return {}
    if not len(scores):
        return {int(class_id): np.zeros(right.shape[1]) for class_id in np.unique(truth)}
    measured = ap_per_class(right, scores, class_ids, truth)
    # ap_per_class gives the (classes, K) precisions sixth and the class ids seventh.
    return {
        int(class_id): np.asarray(row, dtype=np.float64) for class_id, row in zip(measured[6], measured[5], strict=True)
    }


def _match_picture(scorer: Scorer, *, picture: LabelledPicture, image_size: int) -> PictureMatches:
    pixels = read_picture(picture.path)
    detections = detect(scorer, picture=pixels, image_size=image_size)
    detections = detections[np.isin(detections[:, 5], sorted(picture.known_classes))]
    height_px, width_px = pixels.shape[:2]
    boxes = boxes_xyxy_px(picture, width_px=width_px, height_px=height_px)
    return PictureMatches(
        picture=picture,
        size_px=(width_px, height_px),
        detections=detections,
        found=match(detections=detections, truth_boxes=boxes, truth_ids=picture.class_ids),
        truth_boxes=boxes,
    )
