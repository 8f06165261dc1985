"""The detector under ONNX Runtime: where OpenVINO is missing."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from vision.detector import YoloDetector, require_input
from vision.weights import ModelManifest, verify_weights
from vision.yolo_head import UnexpectedNetwork

_ERRORS_AND_WORSE = 3
_REFUSALS = (
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoModel,
    failures.NotImplemented,
)


def load_onnxruntime_detector(
    manifest: ModelManifest, *, folder: Path, threads: int | None = None, min_score: float | None = None
) -> YoloDetector:
    """Verify and read the weights.

    Args:
        manifest: of ONNX weights.
        folder: where the weights lie.
        threads: for one picture; None lets ONNX Runtime choose.
        min_score: replaces the manifest's thresholds, for all classes.

    Raises:
        WeightsMissing: the file is not there.
        WeightsMismatch: the file is another one.
        UnexpectedNetwork: the file is no network that the manifest describes.
    """
    path = verify_weights(manifest, folder)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_AND_WORSE
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except _REFUSALS as error:
        raise UnexpectedNetwork(f"{manifest.file} is no ONNX network") from error
    only_input = session.get_inputs()[0]
    require_input(manifest, given=[part if isinstance(part, int) else None for part in only_input.shape])

    def infer(square: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run(None, {only_input.name: square})[0], np.float32)

    return YoloDetector(infer, manifest=manifest, backend="onnxruntime", min_score=min_score)
