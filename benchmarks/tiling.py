"""What a second look in tiles brings where people are small, and what it costs, on labelled pictures nobody trained on.

Large pictures with small people are composed of real ones: 24 pictures, reduced to 333 px each, on a canvas of
1998 x 1332 (a 12-megapixel photo as the worker decodes it). Beside them each picture
alone, enlarged to 1500 px: people are large, and tiles should not be tried. Guards against tiles that cost in vain.
Usage: python -m benchmarks.tiling FOLDER   (val/images and val/labels, YOLO labels)
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import cv2
import numpy as np

from domain.media import Detection
from runtime.settings import WEIGHTS
from vision.detector import Detector
from vision.detector_choice import load_detector
from vision.hazard import NETWORK_SIDE_PX, Box, box_height, box_iou
from vision.picture import Picture
from vision.tiling import GRIDS, choose_grid, look_in_tiles
from vision.weights import load_manifest

COLUMNS, ROWS, CELL_PX = 6, 4, 333
WAYS = ("whole", "estimated", "always 2x2", "always 3x3")
ENLARGED_PX = 1500
FOUND_IOU = 0.5
SIZES = ((0, 32), (32, 64), (64, 128), (128, 640))
"""Of a person, or of a helmet or vest by four times its height, as the network sees the whole picture. [px]"""


@dataclass
class Labelled:
    """A picture with its truth."""

    picture: Picture
    truth: list[tuple[str, Box]]


@dataclass
class Count:
    """By label and size: how many there are and were found; by label: how many were told wrongly."""

    there: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    found: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    told: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    right: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    seconds: float = 0.0
    tiled: int = 0


def load(folder: Path, classes: Sequence[str]) -> list[Labelled]:
    """Every labelled picture of `val`."""
    loaded = []
    for path in sorted((folder / "val" / "images").iterdir()):
        pixels = np.asarray(cv2.imread(str(path)), np.uint8)
        label_file = folder / "val" / "labels" / f"{path.stem}.txt"
        height, width = pixels.shape[:2]
        truth = []
        for line in label_file.read_text().splitlines() if label_file.exists() else ():
            index, x, y, w, h = (float(part) for part in line.split()[:5])
            box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
            truth.append((classes[int(index)], box))
        loaded.append(Labelled(Picture(pixels, width, height), truth))
    return loaded


def compose(pictures: Sequence[Labelled], *, canvases: int, seed: int) -> Iterator[Labelled]:
    """Canvases of pictures drawn at random, each reduced into its cell."""
    chance = Random(seed)  # noqa: S311 - a draw, no secret
    for _ in range(canvases):
        pixels = np.zeros((ROWS * CELL_PX, COLUMNS * CELL_PX, 3), np.uint8)
        truth = []
        for cell, drawn in enumerate(chance.sample(pictures, COLUMNS * ROWS)):
            left, top = cell % COLUMNS * CELL_PX, cell // COLUMNS * CELL_PX
            pixels[top : top + CELL_PX, left : left + CELL_PX] = cv2.resize(
                drawn.picture.pixels, (CELL_PX, CELL_PX), interpolation=cv2.INTER_AREA
            )
            scale = CELL_PX / drawn.picture.width_px
            for label, (x0, y0, x1, y1) in drawn.truth:
                truth.append((label, (x0 * scale + left, y0 * scale + top, x1 * scale + left, y1 * scale + top)))
        yield Labelled(Picture(pixels, pixels.shape[1], pixels.shape[0]), truth)


def enlarge(pictures: Sequence[Labelled]) -> Iterator[Labelled]:
    """Each picture alone, as a close-up of a large photo."""
    for each in pictures:
        pixels = cv2.resize(each.picture.pixels, (ENLARGED_PX, ENLARGED_PX), interpolation=cv2.INTER_CUBIC)
        scale = ENLARGED_PX / each.picture.width_px
        truth = [(label, tuple(value * scale for value in box)) for label, box in each.truth]
        yield Labelled(Picture(np.asarray(pixels, np.uint8), ENLARGED_PX, ENLARGED_PX), truth)  # type: ignore[arg-type] # four values stay four


def count_all(labelled: Sequence[Labelled], detector: Detector) -> dict[str, Count]:
    """Look at each picture as a whole and in tiles, and count each way; what was estimated takes one of these looks."""
    counts = {way: Count() for way in WAYS}
    for each in labelled:
        began = time.perf_counter()
        whole = detector.look(each.picture)
        looks = {1: (whole, time.perf_counter() - began)}
        for grid in GRIDS:
            began = time.perf_counter()
            sight = look_in_tiles(each.picture, detector, whole=whole, grid=grid)
            looks[grid] = (sight, looks[1][1] + time.perf_counter() - began)
        chosen = choose_grid(whole, each.picture)
        for counted, grid in zip(counts.values(), (1, chosen, *GRIDS), strict=True):
            counted.seconds += looks[grid][1]
            counted.tiled += grid > 1
            _match(each, looks[grid][0].detections, counted)
    return counts


def _match(each: Labelled, seen: Sequence[Detection], counted: Count) -> None:
    left = list(each.truth)
    scale = NETWORK_SIDE_PX / max(each.picture.width_px, each.picture.height_px)
    for label, box in each.truth:
        counted.there[label, _size(label, box, scale)] += 1
    for detection in sorted(seen, key=lambda one: -one.score):
        counted.told[detection.label] += 1
        fits = [(box_iou(box, detection.box_xyxy_px), label, box) for label, box in left if label == detection.label]
        best = max(fits, default=(0.0, "", (0.0, 0.0, 0.0, 0.0)))
        if best[0] >= FOUND_IOU:
            left.remove((best[1], best[2]))
            counted.right[detection.label] += 1
            counted.found[detection.label, _size(detection.label, best[2], scale)] += 1


def _size(label: str, box: Box, scale: float) -> int:
    body = box_height(box) * scale * (1 if label == "person" else 4)
    return next(index for index, (least, most) in enumerate(SIZES) if least <= body < most or index == len(SIZES) - 1)


def print_table(name: str, counts: dict[str, Count], pictures: int) -> None:
    """Recall by label and size, precision, time."""
    print(f"\n{name}: {pictures} pictures")
    base = next(iter(counts.values()))
    for label in ("person", "hardhat", "no_hardhat", "vest", "no_vest"):
        for way, one in counts.items():
            cells = []
            for index, (least, most) in enumerate(SIZES):
                there = one.there[label, index]
                share = f"{one.found[label, index] / there:.3f}" if there else "  -  "
                cells.append(f"{least}-{most} px: {share} of {there:<4}")
            precision = one.right[label] / one.told[label] if one.told[label] else float("nan")
            print(f"  {label:<11}{way:<11}recall {'  '.join(cells)}  precision {precision:.3f}")
    for way, one in counts.items():
        print(f"  {way:<11}time {one.seconds / base.seconds:.2f} of one look; tiled {one.tiled} of {pictures}")


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--canvases", type=int, default=10)
    parser.add_argument("--enlarged", type=int, default=114)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    manifest = load_manifest(WEIGHTS)
    detector = load_detector(WEIGHTS)
    pictures = load(arguments.folder, manifest.classes)
    detector.look(pictures[0].picture)
    for name, labelled in (
        ("small people (composed)", list(compose(pictures, canvases=arguments.canvases, seed=arguments.seed))),
        ("large people (enlarged)", list(enlarge(pictures[: arguments.enlarged]))),
    ):
        print_table(name, count_all(labelled, detector), len(labelled))


if __name__ == "__main__":
    main()
