"""Several models that look at one picture as if they were one detector."""

from collections.abc import Sequence

import numpy as np

from domain.media import Detection
from vision.detector import Detector, Sight
from vision.picture import Picture
from vision.yolo_head import MAX_OVERLAP, suppress_overlaps


class ModelSet:
    """Asks one model after the other, each with its own thresholds, and joins what they see.

    Args:
        detectors: one at least, of different names.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = tuple(detectors)
        self.model_name = " + ".join(each.model_name for each in detectors)
        self.model_hashes = {name: sha256 for each in detectors for name, sha256 in each.model_hashes.items()}

    def look(self, picture: Picture) -> Sight:
        """See `Detector.look`; where two models see the same label in one place, the surer one is told."""
        sights = [each.look(picture) for each in self._detectors]
        counted = sorted((seen for each in sights for seen in each.detections), key=lambda seen: -seen.score)
        faint = sorted((seen for each in sights for seen in each.faint), key=lambda seen: -seen.score)
        return Sight(join_overlaps(counted), tuple(faint))


def join_overlaps(detections: Sequence[Detection]) -> tuple[Detection, ...]:
    """Of detections with the same label that overlap, the strongest.

    Args:
        detections: strongest first.
    """
    if not detections:
        return ()
    labels = {label: index for index, label in enumerate(sorted({each.label for each in detections}))}
    boxes = np.array([each.box_xyxy_px for each in detections], np.float32)
    classes = np.array([labels[each.label] for each in detections], np.int64)
    return tuple(detections[index] for index in suppress_overlaps(boxes, classes=classes, max_overlap=MAX_OVERLAP))
