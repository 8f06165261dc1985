"""The detector that settings and registry give: the shipped weights, and a county's own models beside them."""

import logging
from pathlib import Path
from typing import Final

from domain.errors import SiteproofError
from runtime.settings import Settings
from vision.detector import Detector
from vision.detector_choice import Backend, load_detector
from vision.model_registry import list_manifest_paths
from vision.model_set import ModelSet

_LOG: Final = logging.getLogger(__name__)


def load_detectors(settings: Settings, *, min_score: float | None = None) -> Detector:
    """Load the shipped weights and every model of the registry.

    A registered model that cannot be loaded is logged and left out, so that one broken file does not stop a county's
    safety findings; `model` of each medium and `siteproof doctor` tell that it did not look.

    Args:
        settings: where they lie, and how they are run.
        min_score: instead of all thresholds.

    Raises:
        WeightsMissing: the shipped weights are not there.
        WeightsMismatch: they are not the manifest's.
    """
    shipped = load_detector(
        settings.weights,
        backend=settings.detector,
        threads=settings.inference_threads,
        min_score=min_score,
        cache_dir=settings.home / "compiled",
    )
    others = [
        each for path in list_manifest_paths(settings.models_folder) if (each := _load(path, settings, min_score))
    ]
    return ModelSet([shipped, *others]) if others else shipped


def _load(path: Path, settings: Settings, min_score: float | None) -> Detector | None:
    # Only `.onnx` is registered, and ultralytics may serve a `.pt` beside it.
    backend: Backend = "auto" if settings.detector == "ultralytics" else settings.detector
    try:
        return load_detector(
            path,
            backend=backend,
            threads=settings.inference_threads,
            min_score=min_score,
            cache_dir=settings.home / "compiled",
        )
    except (SiteproofError, RuntimeError) as error:
        _LOG.error("the model %s does not look: %s", path.stem, error)
        return None
