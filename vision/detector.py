"""What a detector is, and the one way from picture to detections that the ONNX runtimes share."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from domain.media import Detection
from vision.letterbox import letterbox, unletterbox
from vision.picture import Picture
from vision.weights import ModelManifest
from vision.yolo_head import UnexpectedNetwork, read_head

Infer = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From (1, 3, S, S) float32 to a raw head (1, 4 + C, N) float32 that the callee does not write to again."""


class Detector(Protocol):
    """Sees things in a picture. Implementations may be called from several threads, one at a time being served."""

    @property
    def model_name(self) -> str:
        """Name, version and backend, such as `siteproof-ppe 0.1.0 openvino`; kept with what it saw."""

    def detect(self, picture: Picture) -> list[Detection]:
        """Things seen, strongest first, boxes in the original's upright pixels [px]; empty when nothing counts."""


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
        self.model_name = f"{manifest.name} {manifest.version} {backend}"

    def detect(self, picture: Picture) -> list[Detection]:
        """See `Detector.detect`.

        Raises:
            UnexpectedNetwork: the weights are not those of a YOLOv8 detector with the manifest's classes.
        """
        square, placement = letterbox(picture, self._manifest.input_size_px)
        with self._lock:
            output = self._infer(square)
        seen = read_head(output, thresholds=self._thresholds)
        boxes = unletterbox(seen.boxes_xyxy_px, placement=placement, picture=picture)
        return [
            Detection(label=self._manifest.classes[index], score=float(score), box_xyxy_px=as_box(box))
            for index, score, box in zip(seen.classes, seen.scores, boxes, strict=True)
        ]


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
