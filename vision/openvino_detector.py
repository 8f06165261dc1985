"""The detector under OpenVINO: the usual one, on the CPU."""

from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from vision.detector import YoloDetector, require_input
from vision.weights import ModelManifest, verify_weights
from vision.yolo_head import UnexpectedNetwork


def load_openvino_detector(
    manifest: ModelManifest,
    *,
    folder: Path,
    threads: int | None = None,
    min_score: float | None = None,
    cache_dir: Path | None = None,
) -> YoloDetector:
    """Verify, read and compile the weights.

    Args:
        manifest: of ONNX weights.
        folder: where the weights lie.
        threads: for one picture; None lets OpenVINO choose.
        min_score: replaces the manifest's thresholds, for all classes.
        cache_dir: where compiled networks are kept, so that the next start is faster; None keeps none.

    Raises:
        WeightsMissing: the file is not there.
        WeightsMismatch: the file is another one.
        UnexpectedNetwork: the file is no network that the manifest describes.
    """
    path = verify_weights(manifest, folder)
    settings: dict[str, str | int] = {"PERFORMANCE_HINT": "LATENCY"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    if cache_dir is not None:
        settings["CACHE_DIR"] = str(cache_dir)
    core = openvino.Core()
    try:
        network = core.read_model(path)
        shape = network.input(0).get_partial_shape()
    except RuntimeError as error:
        raise UnexpectedNetwork(f"{manifest.file} is no ONNX network with one input") from error
    require_input(manifest, given=[part.get_length() if part.is_static else None for part in shape])
    request = core.compile_model(network, "CPU", settings).create_infer_request()

    def infer(square: NDArray[np.float32]) -> NDArray[np.float32]:
        request.infer({0: square}, share_inputs=True)
        return np.array(request.get_output_tensor(0).data, np.float32)

    return YoloDetector(infer, manifest=manifest, backend="openvino", min_score=min_score)
