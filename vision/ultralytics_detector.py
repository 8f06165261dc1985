"""The detector under ultralytics: `.pt` and TensorRT where a GPU is. A `.pt` can run code: chosen by name only."""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from domain.media import Detection
from vision.detector import FAINT_LABELS, FAINT_SCORE, Sight, name_detections
from vision.picture import Picture
from vision.weights import ModelManifest, verify_weights
from vision.yolo_head import MAX_DETECTIONS, MAX_OVERLAP, UnexpectedNetwork


class UltralyticsDetector:
    """ultralytics' own prediction, with the manifest's thresholds.

    Args:
        network: an `ultralytics.YOLO`.
        manifest: of the weights.
        min_score: replaces the manifest's thresholds, for all classes.
    """

    def __init__(self, network: Any, *, manifest: ModelManifest, min_score: float | None = None) -> None:  # noqa: ANN401
        self._network = network
        self._manifest = manifest
        self._thresholds = manifest.threshold_by_class(min_score)
        self._lock = Lock()
        self._faint_thresholds = manifest.faint_threshold_by_class(FAINT_LABELS, faint_score=FAINT_SCORE)
        self.model_name = f"{manifest.name} {manifest.version} ultralytics"
        self.model_hashes = {manifest.name: manifest.sha256}

    def look(self, picture: Picture) -> Sight:
        """See `Detector.look`."""
        with self._lock:
            (result,) = self._network.predict(
                picture.pixels,
                imgsz=self._manifest.input_size_px,
                conf=min(self._thresholds + self._faint_thresholds),
                iou=MAX_OVERLAP,
                max_det=MAX_DETECTIONS,
                # The whole square, as the exported network sees it: a `.pt` would otherwise get a narrower strip.
                rect=False,
                verbose=False,
            )
        boxes = result.boxes.xyxy.cpu().numpy() * np.array(picture.scale_xy * 2, np.float32)
        scores = result.boxes.conf.cpu().numpy()
        classes = result.boxes.cls.cpu().numpy().astype(int)

        def read(thresholds: Sequence[float]) -> tuple[Detection, ...]:
            kept = scores >= np.asarray(thresholds, np.float32)[classes]
            return name_detections(classes[kept], scores[kept], boxes[kept], manifest=self._manifest)

        counted = read(self._thresholds)
        known = set(counted)
        return Sight(counted, tuple(each for each in read(self._faint_thresholds) if each not in known))


def load_ultralytics_detector(
    manifest: ModelManifest, *, folder: Path, threads: int | None = None, min_score: float | None = None
) -> UltralyticsDetector:
    """Verify and load the weights.

    The environment must already hold what keeps ultralytics off the network (`YOLO_OFFLINE=1`, `YOLO_AUTOINSTALL=0`):
    it reads them when it is imported, which happens here.

    Args:
        manifest: of the weights; a file that it does not name by its hash is never opened.
        folder: where the weights lie.
        threads: of torch, for one picture; None gives back what torch had before ultralytics changed it.
        min_score: replaces the manifest's thresholds, for all classes.

    Raises:
        WeightsMissing: the file is not there.
        WeightsMismatch: the file is another one.
        UnexpectedNetwork: the weights' classes are not the manifest's.
        ImportError: the `training` extra is not installed.
    """
    path = verify_weights(manifest, folder)
    import torch  # noqa: PLC0415 - optional, and takes seconds to load
    import ultralytics  # noqa: PLC0415 - the same

    threads_before = torch.get_num_threads()
    network = ultralytics.YOLO(str(path), task="detect")
    names = dict(network.names)
    if tuple(names[index] for index in sorted(names)) != manifest.classes:
        raise UnexpectedNetwork(f"the classes of {manifest.file} are not those of its manifest")
    detector = UltralyticsDetector(network, manifest=manifest, min_score=min_score)
    side = manifest.input_size_px
    # The first prediction selects the device, and with it sets torch to one thread less than there are cores.
    detector.look(Picture(np.zeros((side, side, 3), np.uint8), width_px=side, height_px=side))
    torch.set_num_threads(threads if threads is not None else threads_before)
    return detector
