"""What a detector is, and the one way from picture to detections that the ONNX runtimes share."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.media import Detection
from vision.letterbox import letterbox, unletterbox
from vision.picture import Picture
from vision.weights import ModelManifest
from vision.yolo_head import UnexpectedNetwork, read_head

Infer = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From (1, 3, S, S) float32 to a raw head (1, 4 + C, N) float32 that the callee does not write to again."""


FAINT_LABELS: Final = frozenset({"person", "hardhat", "no_hardhat"})
"""What a face may belong to."""

FAINT_SCORE: Final = 0.02
"""From which such a thing is covered in previews: see `vision.head_blur`, which says how it was chosen."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look at a picture gave.

    Attributes:
        detections: what counts, strongest first, boxes in the original's upright pixels [px]; empty for nothing.
        faint: people and heads too weak to count, strongest first. They are covered in previews, and never told: a bush
            taken for a head costs nothing there, a face left open does.
    """

    detections: tuple[Detection, ...]
    faint: tuple[Detection, ...] = ()


class Detector(Protocol):
    """Sees things in a picture. Implementations may be called from several threads, one at a time being served."""

    @property
    def model_name(self) -> str:
        """Name, version and backend, such as `siteproof-ppe 0.1.0 openvino`; kept with what it saw."""

    @property
    def model_hashes(self) -> Mapping[str, str]:
        """SHA-256 of the weights by the model's name, of all models that look; kept with what they saw."""

    def look(self, picture: Picture) -> Sight:
        """Everything that one run of the network tells."""


class YoloDetector:
    """A YOLOv8 detector over whatever runs its network.

    Args:
        infer: runs the network.
        manifest: of the weights.
        backend: the runtime's name, for `model_name`.
        min_score: replaces the manifest's thresholds, for all classes.
    """

    def __init__(self, infer: Infer, *, manifest: ModelManifest, backend: str, min_score: float | None = None) -> None:
        self._infer = infer
        self._manifest = manifest
        self._thresholds = manifest.threshold_by_class(min_score)
        self._lock = Lock()
        self._faint_thresholds = manifest.faint_threshold_by_class(FAINT_LABELS, faint_score=FAINT_SCORE)
        self.model_name = f"{manifest.name} {manifest.version} {backend}"
        self.model_hashes = {manifest.name: manifest.sha256}

    def look(self, picture: Picture) -> Sight:
        """See `Detector.look`.

        Raises:
            UnexpectedNetwork: the weights are not those of a YOLOv8 detector with the manifest's classes.
        """
        square, placement = letterbox(picture, self._manifest.input_size_px)
        with self._lock:
            output = self._infer(square)

        def read(thresholds: Sequence[float]) -> tuple[Detection, ...]:
            seen = read_head(output, thresholds=thresholds)
            boxes = unletterbox(seen.boxes_xyxy_px, placement=placement, picture=picture)
            return name_detections(seen.classes, seen.scores, boxes, manifest=self._manifest)

        # Read twice, because faint boxes must not take the places of others among the most that a picture may give.
        counted = read(self._thresholds)
        faint = read(self._faint_thresholds)
        known = set(counted)
        return Sight(detections=counted, faint=tuple(each for each in faint if each not in known))


def name_detections(
    classes: Iterable[int], scores: Iterable[float], boxes: Iterable[NDArray[np.float32]], *, manifest: ModelManifest
) -> tuple[Detection, ...]:
    """A network's rows as detections, in the labels that the manifest's mapping gives its classes.

    Args:
        classes: indices into the manifest's classes.
        scores: in [0, 1], as many.
        boxes: (4,) each, in the original's pixels, as many. [px]
        manifest: of the weights.

    Returns:
        In the order given, less those of classes that the mapping leaves out.
    """
    named = zip((manifest.labels[int(index)] for index in classes), scores, boxes, strict=True)
    return tuple(
        Detection(label, score=float(score), box_xyxy_px=as_box(box), model=manifest.name)
        for label, score, box in named
        if label is not None
    )


def as_box(row: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """A row of an (N, 4) array as plain numbers."""
    x_min, y_min, x_max, y_max = (float(value) for value in row)
    return x_min, y_min, x_max, y_max


def require_input(manifest: ModelManifest, *, given: Sequence[int | None]) -> None:
    """Compare the network's input with the manifest's before the first picture comes.

    Args:
        manifest: of the weights.
        given: the input's shape, None for a dimension that is left open.

    Raises:
        UnexpectedNetwork: they differ.
    """
    expected = [1, 3, manifest.input_size_px, manifest.input_size_px]
    if len(given) != len(expected) or any(a not in (None, b) for a, b in zip(given, expected, strict=True)):
        raise UnexpectedNetwork(f"the network takes {list(given)}, and its manifest says {expected}")
