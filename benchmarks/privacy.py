"""How many heads the blur of previews covers, on pictures whose heads are labelled.

A head of at least 16 pixels counts as covered where 90 % of its area is. Labels of these sets are the upper 61 % of a
head (helmet or hair), so each is told twice: as it is labelled, and as the whole head, face included.
Thresholds and margins were chosen on the half `tune` (by a hash of the file's name); the half `report` is what counts.
Of hard_hat_workers most pictures were trained on, so those that were held out are told apart. A set that
was never trained on (`ppe/val`) counts as a whole; the thresholds were lowered once after a look at it.

The peers in the same run: detected heads alone, without margins, faint heads and people; and everything blurred, which
covers all and shows nothing: so the share of the pictures' area that is covered stands beside each figure.

Guards against: thresholds, margins or weights that leave faces open. Run it from the repository's root:
`python -m benchmarks.privacy FOLDER [--upper-share 0.61]`, FOLDER with `images/` and `labels/`; minutes on two cores.
"""

import argparse
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.media import MediaFormat
from runtime.settings import WEIGHTS
from vision.annotation import PREVIEW_SIDE_PX
from vision.detector import Sight
from vision.detector_choice import load_detector
from vision.head_blur import HEAD_LABELS, Box, find_heads, find_region
from vision.picture import Picture, load_picture
from vision.training.sources import LabelledPicture, list_pictures, split_held_out
from vision.weights import load_manifest

MIN_HEIGHT_PX = 16
COVERED = 0.9
TRAINING_HELD_OUT = 0.15  # of siteproof-ppe's training, see models/weights/siteproof-ppe.md


@dataclass(frozen=True)
class Tally:
    """Heads of one picture under one way of covering: how many there are, and how many are covered.

    Attributes:
        area: the share of the picture that is covered.
    """

    heads: int
    labels_covered: int
    heads_covered: int
    area: float


def find_detected_heads(sight: Sight) -> list[Box]:
    """The peer: boxes as the detector gives them."""
    return [seen.box_xyxy_px for seen in sight.detections if seen.label in HEAD_LABELS]


WAYS: dict[str, Callable[[Sight], list[Box]]] = {"previews' blur": find_heads, "detections alone": find_detected_heads}


def is_tuning(path: Path) -> bool:
    """Which half a picture belongs to, by a byte of its name's hash that training's held-out share does not use."""
    return hashlib.sha256(path.name.encode()).digest()[4] % 2 == 0


def tally(picture: Picture, labels: Iterable[Box], covered: Sequence[Box], *, upper_share: float) -> Tally:
    """Count one picture's heads.

    Args:
        picture: as previews are made from.
        labels: upper parts of heads, in the original's pixels. [px]
        covered: boxes that the blur covers. [px]
        upper_share: of a head's height, that is labelled.
    """
    mask: NDArray[np.bool_] = np.zeros(picture.pixels.shape[:2], np.bool_)
    for box in covered:
        mask[find_region(picture, box)] = True
    parts = [part for part in labels if part[3] - part[1] >= MIN_HEIGHT_PX]
    wholes = [(x0, y0, x1, y0 + (y1 - y0) / upper_share) for x0, y0, x1, y1 in parts]
    return Tally(
        heads=len(parts),
        labels_covered=sum(bool(mask[find_region(picture, each)].mean() >= COVERED) for each in parts),
        heads_covered=sum(bool(mask[find_region(picture, each)].mean() >= COVERED) for each in wholes),
        area=float(mask.mean()),
    )


def read_boxes(labelled: LabelledPicture, picture: Picture) -> list[Box]:
    """The labels in the original's pixels. [px]."""
    size = np.array([picture.width_px, picture.height_px])
    centres, halves = labelled.boxes_cxcywh[:, :2] * size, labelled.boxes_cxcywh[:, 2:] * size / 2
    corners = np.concatenate([centres - halves, centres + halves], axis=1)
    return [(float(row[0]), float(row[1]), float(row[2]), float(row[3])) for row in corners]


def format_row(name: str, way: str, tallies: Sequence[Tally]) -> str:
    """A line of the table."""
    heads = sum(each.heads for each in tallies)
    if not heads:
        return f"{name:<28}{way:<20}{0:>7}"
    labels = sum(each.labels_covered for each in tallies) / heads
    wholes = sum(each.heads_covered for each in tallies) / heads
    area = sum(each.area for each in tallies) / len(tallies)
    return f"{name:<28}{way:<20}{heads:>7}{labels:>11.4f}{wholes:>11.4f}{area:>11.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--upper-share", type=float, default=0.61)
    parser.add_argument("--count", type=int, help="only the first so many pictures")
    given = parser.parse_args()
    classes = load_manifest(WEIGHTS).classes
    pictures = list_pictures(folder=given.folder, class_names=classes, known=sorted(HEAD_LABELS))[: given.count]
    never_trained = {each.path for each in split_held_out(pictures, fraction=TRAINING_HELD_OUT)[1]}
    detector = load_detector(WEIGHTS)
    tallies: dict[str, dict[Path, Tally]] = {way: {} for way in WAYS}
    for labelled in pictures:
        picture = load_picture(labelled.path, media_format=MediaFormat.JPEG, max_side_px=PREVIEW_SIDE_PX)
        sight, labels = detector.look(picture), read_boxes(labelled, picture)
        for way, find in WAYS.items():
            tallies[way][labelled.path] = tally(picture, labels, find(sight), upper_share=given.upper_share)
    print(
        f"{len(pictures)} pictures of {given.folder.name}, {detector.model_name}; heads of {MIN_HEIGHT_PX} px or more"
    )
    print(f"{'pictures':<28}{'way':<20}{'heads':>7}{'label':>11}{'whole head':>11}{'area':>11}")
    parts: dict[str, Callable[[Path], bool]] = {
        "all": lambda _: True,
        "tune": is_tuning,
        "report": lambda path: not is_tuning(path),
        "report, never trained on": lambda path: not is_tuning(path) and path in never_trained,
    }
    for name, belongs in parts.items():
        for way, by_path in tallies.items():
            print(format_row(name, way, [each for path, each in by_path.items() if belongs(path)]))


if __name__ == "__main__":
    main()
