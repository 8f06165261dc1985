"""Every backend against one contract, on a network small enough to reckon by hand, and on the project's own weights."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pytest

from domain.media import Detection, MediaFormat
from tests.onnx_model import SIDE_PX, colour_cells
from vision.detector import Sight
from vision.detector_choice import Backend, BackendMissing, load_detector
from vision.hazard import box_iou
from vision.picture import Picture, load_picture
from vision.weights import MalformedManifest, WeightsMismatch, WeightsMissing, load_manifest
from vision.yolo_head import UnexpectedNetwork

_ROOT: Final = Path(__file__).parents[3]
_OWN_WEIGHTS: Final = _ROOT / "models" / "weights" / "siteproof-ppe.json"
_SERVED: Final[tuple[Literal["openvino", "onnxruntime"], ...]] = ("openvino", "onnxruntime")


def _write(folder: Path, weights: bytes, **changes: Any) -> Path:  # noqa: ANN401 - JSON
    (folder / "cells.onnx").write_bytes(weights)
    content = {
        "name": "cells",
        "version": "1",
        "file": "cells.onnx",
        "sha256": hashlib.sha256(weights).hexdigest(),
        "format": "onnx",
        "input_size_px": SIDE_PX,
        "classes": ["red", "green", "blue"],
        "thresholds": {"red": 0.5, "green": 0.5, "blue": 0.9},
        "licence": "AGPL-3.0-or-later",
    } | changes
    path = folder / "cells.json"
    path.write_text(json.dumps(content))
    return path


def _scene(width_px: int, height_px: int) -> Picture:
    """A black reduced picture of 128 x 64 with one red, one green and one half blue cell of 32 px."""
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[0:32, 64:96] = (0, 0, 255)
    pixels[32:64, 0:32] = (0, 153, 0)
    pixels[32:64, 96:128] = (204, 0, 0)
    return Picture(pixels, width_px=width_px, height_px=height_px)


@pytest.mark.parametrize("backend", _SERVED)
def test_detect__cells_of_colour(tmp_path: Path, backend: Backend) -> None:
    """Classes, scores and boxes are those of the scene, mapped back through letterbox and reduced decoding."""
    detector = load_detector(_write(tmp_path, colour_cells()), backend=backend, threads=1)
    seen = detector.look(_scene(512, 256)).detections
    # 128 x 64 goes into 64 x 64 at one half, from y = 16; the original is 4 times as large: 8 px a pixel of the square.
    # Red 255 / 255 = 1, green 153 / 255 = 0.6, blue 204 / 255 = 0.8 stays below its threshold of 0.9.
    assert [item.label for item in seen] == ["red", "green"]
    assert [item.score for item in seen] == pytest.approx([1.0, 0.6], abs=0.005)
    assert seen[0].box_xyxy_px == pytest.approx((256, 0, 384, 128), abs=1)
    assert seen[1].box_xyxy_px == pytest.approx((0, 128, 128, 256), abs=1)
    assert detector.model_name == f"cells 1 {backend}"


@pytest.mark.parametrize("backend", _SERVED)
def test_detect__minimum_score_for_all(tmp_path: Path, backend: Backend) -> None:
    """A minimum score replaces the manifest's thresholds: blue's 0.8 counts at 0.7, green's 0.6 does not."""
    detector = load_detector(_write(tmp_path, colour_cells()), backend=backend, min_score=0.7)
    assert [item.label for item in detector.look(_scene(128, 64)).detections] == ["red", "blue"]


@pytest.mark.parametrize("backend", _SERVED)
def test_detect__black_picture(tmp_path: Path, backend: Backend) -> None:
    """Nothing to see gives an empty list."""
    detector = load_detector(_write(tmp_path, colour_cells()), backend=backend)
    assert detector.look(Picture(np.zeros((50, 30, 3), np.uint8), width_px=30, height_px=50)) == Sight(())


@pytest.mark.parametrize("backend", _SERVED)
def test_load_detector__other_weights(tmp_path: Path, backend: Backend) -> None:
    """One changed byte is enough to refuse the weights."""
    manifest = _write(tmp_path, colour_cells())
    weights = tmp_path / "cells.onnx"
    weights.write_bytes(weights.read_bytes() + b"\x00")
    with pytest.raises(WeightsMismatch):
        load_detector(manifest, backend=backend)


@pytest.mark.parametrize("backend", _SERVED)
@pytest.mark.parametrize("weights", [b"", b"no network at all", colour_cells(96)])
def test_load_detector__no_such_network(tmp_path: Path, backend: Backend, weights: bytes) -> None:
    """What is no ONNX, or takes another size than the manifest says, is refused at once."""
    with pytest.raises(UnexpectedNetwork):
        load_detector(_write(tmp_path, weights), backend=backend)


@pytest.mark.parametrize("backend", _SERVED)
def test_detect__more_classes_than_the_network(tmp_path: Path, backend: Backend) -> None:
    """A manifest of four classes does not fit a head of three."""
    manifest = _write(tmp_path, colour_cells(), classes=["red", "green", "blue", "cone"])
    with pytest.raises(UnexpectedNetwork):
        load_detector(manifest, backend=backend).look(_scene(128, 64))


def test_load_detector__automatic(tmp_path: Path) -> None:
    """OpenVINO is taken where it is installed; its cache folder fills."""
    cache = tmp_path / "cache"
    detector = load_detector(_write(tmp_path, colour_cells()), cache_dir=cache)
    assert detector.model_name == "cells 1 openvino"
    assert list(cache.iterdir())


def test_load_detector__pickle_is_never_automatic(tmp_path: Path) -> None:
    """A `.pt` is not loaded unless ultralytics is asked for by name, and even then not before its hash is right."""
    manifest = _write(tmp_path, b"pickle", format="pt")
    with pytest.raises(BackendMissing):
        load_detector(manifest)
    (tmp_path / "cells.onnx").write_bytes(b"another pickle")
    with pytest.raises(WeightsMismatch):
        load_detector(manifest, backend="ultralytics")


def test_load_detector__files_missing(tmp_path: Path) -> None:
    """Neither manifest nor weights may be missing, and the manifest is JSON."""
    with pytest.raises(WeightsMissing):
        load_detector(tmp_path / "none.json")
    manifest = _write(tmp_path, b"")
    (tmp_path / "cells.onnx").unlink()
    with pytest.raises(WeightsMissing):
        load_detector(manifest)
    for text in ("{", "[]"):
        manifest.write_text(text)
        with pytest.raises(MalformedManifest):
            load_detector(manifest)


def test_detect__own_weights_alike_on_both() -> None:
    """Both runtimes see the same in the sample photos: what one is sure of, the other sees in the same place."""
    detectors = [load_detector(_OWN_WEIGHTS, backend=backend) for backend in _SERVED]
    manifest = load_manifest(_OWN_WEIGHTS)
    thresholds = dict(zip(manifest.classes, manifest.threshold_by_class(), strict=True))
    compared = 0
    for path in sorted((_ROOT / "sample_media").glob("*.jpg"))[:4]:
        picture = load_picture(path, media_format=MediaFormat.JPEG, max_side_px=1280)
        first, second = (detector.look(picture).detections for detector in detectors)
        for ours, theirs in ((first, second), (second, first)):
            for seen in ours:
                if seen.score >= thresholds[seen.label] + 0.1:
                    # OpenVINO runs in bfloat16 where the processor has it: 8 bits of mantissa, 2 px at 512.
                    assert _has_partner(seen, theirs), (path.name, seen)
                    compared += 1
    assert compared > 0


def _has_partner(seen: Detection, others: Sequence[Detection]) -> bool:
    return any(
        other.label == seen.label
        and abs(other.score - seen.score) < 0.1
        and box_iou(other.box_xyxy_px, seen.box_xyxy_px) > 0.8
        for other in others
    )
