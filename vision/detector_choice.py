"""Which runtime serves the weights."""

from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Literal

from domain.errors import Invalid
from vision.detector import Detector
from vision.weights import load_manifest

Backend = Literal["auto", "openvino", "onnxruntime", "ultralytics"]


class BackendMissing(Invalid):
    """The runtime that is asked for is not installed, or cannot run weights of this format."""

    code: ClassVar[str] = "vision.backend_missing"


def load_detector(
    manifest_path: Path,
    *,
    backend: Backend = "auto",
    threads: int | None = None,
    min_score: float | None = None,
    cache_dir: Path | None = None,
) -> Detector:
    """Load the weights beside a manifest.

    Args:
        manifest_path: JSON, see `vision.weights`; the weights lie in the same folder.
        backend: `auto` is OpenVINO, or ONNX Runtime where OpenVINO is not installed, never ultralytics: its `.pt` are
            pickles, which are loaded only when it is asked for by name.
        threads: for one picture; None lets the runtime choose.
        min_score: replaces the manifest's thresholds, for all classes.
        cache_dir: where OpenVINO keeps compiled networks.

    Raises:
        WeightsMissing: manifest or weights are not there.
        MalformedManifest: the manifest is none.
        WeightsMismatch: the weights are not the manifest's.
        UnexpectedNetwork: the weights are not what the manifest says.
        BackendMissing: the runtime is not installed, or is not for this format.
    """
    manifest = load_manifest(manifest_path)
    folder = manifest_path.parent
    chosen = _first_installed() if backend == "auto" else backend
    if manifest.format != "onnx" and chosen != "ultralytics":
        raise BackendMissing(f"{manifest.format} weights are served by ultralytics only, when it is asked for by name")
    try:
        match chosen:
            case "openvino":
                from vision.openvino_detector import load_openvino_detector  # noqa: PLC0415 - loads the runtime

                return load_openvino_detector(
                    manifest, folder=folder, threads=threads, min_score=min_score, cache_dir=cache_dir
                )
            case "onnxruntime":
                from vision.onnxruntime_detector import load_onnxruntime_detector  # noqa: PLC0415 - the same

                return load_onnxruntime_detector(manifest, folder=folder, threads=threads, min_score=min_score)
            case _:
                from vision.ultralytics_detector import load_ultralytics_detector  # noqa: PLC0415 - the same

                return load_ultralytics_detector(manifest, folder=folder, threads=threads, min_score=min_score)
    except ImportError as error:
        raise BackendMissing(f"the runtime {chosen} is not installed") from error


def _first_installed() -> Literal["openvino", "onnxruntime"]:
    return "openvino" if find_spec("openvino") is not None else "onnxruntime"
