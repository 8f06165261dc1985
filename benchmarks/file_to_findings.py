"""Photos a second from file to findings, beside `yolo predict` with the same weights and files, in one run.

Guards against a slower way from bytes to findings: a second decode, a copy, threads that get in each other's way.
Usage: python -m benchmarks.file_to_findings FOLDER [--count N] [--peer PYTHON]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from analysis.examination import examine
from domain.media import MediaFormat
from runtime.settings import WEIGHTS
from vision.annotation import PREVIEW_SIDE_PX
from vision.detector import Detector
from vision.detector_choice import load_detector
from vision.picture import load_picture
from vision.weights import load_manifest

TWELVE_MEGAPIXELS = (4000, 3000)
STAND_IN = Path(__file__).resolve().parent.parent / "tests" / "training" / "stand_in"

PEER = """
import sys, time
from pathlib import Path
weights, folder, side, stand_in = sys.argv[1:]
try:
    import torchvision
except ImportError:
    # The registry's build may be for another torch; ultralytics asks for it, and uses its nms alone.
    sys.path.insert(0, stand_in)
import torch
from ultralytics import YOLO
model = YOLO(weights, task="detect")
files = sorted(Path(folder).glob("*.jpg"))
model.predict(files[0], imgsz=int(side), verbose=False)
torch.set_num_threads(2)
began = time.perf_counter()
for _ in model.predict(folder, imgsz=int(side), stream=True, verbose=False):
    pass
print(len(files) / (time.perf_counter() - began))
"""


@dataclass(frozen=True)
class Row:
    """A line of the table; None where it could not be run."""

    name: str
    photos_per_s: float | None
    note: str = ""


def make_photos(source: Path, target: Path, count: int) -> list[Path]:
    """Bring photos to 12 megapixels, as phones send them, so that decoding costs what it costs in the field."""
    made = []
    pictures = [path for path in sorted(source.iterdir()) if path.suffix.lower() in {".jpg", ".jpeg"}]
    for number in range(count):
        picture = cv2.imread(str(pictures[number % len(pictures)]))
        if picture is None:
            raise SystemExit(f"{pictures[number % len(pictures)]} cannot be decoded")
        path = target / f"{number:04}.jpg"
        large = cv2.resize(picture, TWELVE_MEGAPIXELS, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(path), large, [cv2.IMWRITE_JPEG_QUALITY, 90])
        made.append(path)
    return made


def measure(files: list[Path], work: Callable[[Path], object]) -> float:
    """Photos a second, the first one left out because it warms up."""
    work(files[0])
    began = time.perf_counter()
    for path in files:
        work(path)
    return len(files) / (time.perf_counter() - began)


def decode_and_infer(detector: Detector) -> Callable[[Path], object]:
    """What no service can do without: decoding and the network."""
    return lambda path: detector.look(load_picture(path, media_format=MediaFormat.JPEG, max_side_px=PREVIEW_SIDE_PX))


def run_peer(python: str, folder: Path, weights: Path, side: int) -> Row:
    """`yolo predict` in its own process, with its own decoding."""
    done = subprocess.run(
        [python, "-c", PEER, str(weights), str(folder), str(side), str(STAND_IN)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"},
    )
    if done.returncode != 0:
        return Row("yolo predict", None, done.stderr.strip().splitlines()[-1][:90] if done.stderr else "failed")
    return Row("yolo predict", float(done.stdout.split()[-1]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--peer", default=str(Path(".venv-training/bin/python")), help="a Python that has ultralytics")
    given = parser.parse_args()
    manifest = load_manifest(WEIGHTS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = make_photos(given.folder, folder, given.count)
        detector = load_detector(WEIGHTS)
        rows = [
            Row(
                "siteproof, file to findings",
                measure(files, lambda path: examine(path, media_format=MediaFormat.JPEG, detector=detector)),
                detector.model_name,
            ),
            Row("decoding plus inference alone", measure(files, decode_and_infer(detector)), "the limit"),
        ]
        if shutil.which(given.peer) is None:
            rows.append(Row("yolo predict", None, f"{given.peer} is not there: make test-training"))
        else:
            rows.append(run_peer(given.peer, folder, WEIGHTS.parent / manifest.file, manifest.input_size_px))
    ours = rows[0].photos_per_s or 0.0
    print(f"{len(files)} photos of {TWELVE_MEGAPIXELS[0]} x {TWELVE_MEGAPIXELS[1]}, Python {sys.version.split()[0]}")
    for row in rows:
        speed = "-" if row.photos_per_s is None else f"{row.photos_per_s:.2f}"
        ratio = "-" if not row.photos_per_s else f"{ours / row.photos_per_s:.2f}"
        print(f"{row.name:<32}{speed:>8} photos/s   ours/this {ratio:>5}   {row.note}")


if __name__ == "__main__":
    main()
