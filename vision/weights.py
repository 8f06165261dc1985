"""The manifest beside a file of weights: what it is, what it knows, the hash that it must have. Nothing is run here."""

import hashlib
import json
import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final

from domain.errors import Invalid

DEFAULT_THRESHOLD: Final = 0.25
"""The score from which a class counts when the manifest sets none: ultralytics' own default for prediction."""

NEVER: Final = 2.0
"""A threshold that no score reaches."""

LABEL_PATTERN: Final = r"[a-z][a-z0-9_]{0,39}"
"""What rules, milestones and pictures call a class: plain, so that it can be written anywhere."""

_FORMATS: Final = ("onnx", "pt", "engine")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_STRIDE_PX: Final = 32
_LARGEST_INPUT_PX: Final = 4096


class MalformedManifest(Invalid):
    """The manifest is not JSON, or a field is missing or senseless."""

    code: ClassVar[str] = "vision.malformed_manifest"


class WeightsMissing(Invalid):
    """The manifest, or the file that it names, is not there."""

    code: ClassVar[str] = "vision.weights_missing"


class WeightsMismatch(Invalid):
    """The file is not the one that the manifest was written for."""

    code: ClassVar[str] = "vision.weights_mismatch"


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """What is known of a file of weights.

    Attributes:
        name: the model's.
        version: the model's.
        file: name of the weights, in the manifest's folder.
        sha256: of that file, lower-case hexadecimal.
        format: onnx, or for ultralytics pt or engine (TensorRT).
        input_size_px: side of the square that the network sees. [px]
        classes: names in the order of the network's output.
        thresholds: by class, the score from which a detection counts; a class that is missing has `DEFAULT_THRESHOLD`.
        licence: SPDX identifier.
        label_by_class: what a class is called here, where that differs from its own name; None: it is never told.
    """

    name: str
    version: str
    file: str
    sha256: str
    format: str
    input_size_px: int
    classes: tuple[str, ...]
    thresholds: Mapping[str, float]
    licence: str
    label_by_class: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str | None, ...]:
        """What each class is called here, in the order of `classes`; None where it is never told."""
        return tuple(self.label_by_class.get(each, each) for each in self.classes)

    def faint_threshold_by_class(self, faint_labels: Container[str], *, faint_score: float) -> tuple[float, ...]:
        """The score from which each class is covered in previews: that of `faint_labels`; the others never are.

        Args:
            faint_labels: labels, as `labels` has them.
            faint_score: theirs, in [0, 1].
        """
        return tuple(faint_score if label in faint_labels else NEVER for label in self.labels)

    def threshold_by_class(self, min_score: float | None = None) -> tuple[float, ...]:
        """The score from which each class counts, in the order of `classes`; `min_score`, if given, for all of them."""
        if min_score is not None:
            return (min_score,) * len(self.classes)
        return tuple(self.thresholds.get(label, DEFAULT_THRESHOLD) for label in self.classes)


def load_manifest(path: Path) -> ModelManifest:
    """Read and validate a manifest; keys that are not known are left alone.

    Raises:
        WeightsMissing: there is no such file.
        MalformedManifest: it is not JSON, or a field is missing or senseless.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise WeightsMissing(f"there is no manifest {path.name}") from error
    except ValueError as error:
        raise MalformedManifest(f"{path.name} is not JSON") from error
    if not isinstance(content, dict):
        raise MalformedManifest(f"{path.name} is not a JSON object")
    return parse_manifest(content)


def parse_manifest(content: Mapping[str, Any]) -> ModelManifest:
    """Validate a manifest that is already JSON.

    Raises:
        MalformedManifest: a field is missing or senseless.
    """
    texts = {key: content.get(key) for key in ("name", "version", "file", "sha256", "licence")}
    for key, value in texts.items():
        _require(isinstance(value, str) and bool(value), f"{key} must be a text")
    file, sha256 = str(texts["file"]), str(texts["sha256"]).lower()
    _require(Path(file).name == file, "file must be a name in the manifest's own folder")
    _require(_SHA256.fullmatch(sha256) is not None, "sha256 must be 64 hexadecimal digits")
    weights_format = content.get("format")
    _require(weights_format in _FORMATS, f"format must be one of {', '.join(_FORMATS)}")
    side = content.get("input_size_px")
    _require(
        isinstance(side, int) and 0 < side <= _LARGEST_INPUT_PX and side % _STRIDE_PX == 0,
        f"input_size_px must be a multiple of {_STRIDE_PX} up to {_LARGEST_INPUT_PX}",
    )
    classes = content.get("classes")
    _require(
        isinstance(classes, list) and bool(classes) and all(isinstance(label, str) and label for label in classes),
        "classes must be a list of names",
    )
    assert isinstance(classes, list)
    _require(len(set(classes)) == len(classes), "classes must differ from each other")
    thresholds = content.get("thresholds", {})
    _require(
        isinstance(thresholds, dict) and all(_is_score(score) for score in thresholds.values()),
        "thresholds must be scores from 0 to 1 by class",
    )
    _require(set(thresholds) <= set(classes), "thresholds names a class that is not among classes")
    mapping = content.get("label_by_class", {})
    _require(
        isinstance(mapping, dict) and all(_is_label(label) for label in mapping.values()),
        "label_by_class must give labels of small letters, digits and _, or null",
    )
    _require(set(mapping) <= set(classes), "label_by_class names a class that is not among classes")
    assert isinstance(side, int)
    return ModelManifest(
        name=str(texts["name"]),
        version=str(texts["version"]),
        file=file,
        sha256=sha256,
        format=str(weights_format),
        input_size_px=side,
        classes=tuple(classes),
        thresholds=MappingProxyType({label: float(score) for label, score in thresholds.items()}),
        licence=str(texts["licence"]),
        label_by_class=MappingProxyType(dict(mapping)),
    )


def verify_weights(manifest: ModelManifest, folder: Path) -> Path:
    """Compare the weights with the manifest's hash.

    Returns:
        The file's path.

    Raises:
        WeightsMissing: the file is not in the folder.
        WeightsMismatch: its SHA-256 is another one.
    """
    path = folder / manifest.file
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise WeightsMissing(f"the weights {manifest.file} are not beside their manifest") from error
    if found != manifest.sha256:
        raise WeightsMismatch(
            f"the weights {manifest.file} are not those of the manifest", expected=manifest.sha256, found=found
        )
    return path


def _is_label(value: object) -> bool:
    return value is None or (isinstance(value, str) and re.fullmatch(LABEL_PATTERN, value) is not None)


def _is_score(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _require(condition: bool, sentence: str) -> None:  # noqa: FBT001 - an assertion that stays in production
    if not condition:
        raise MalformedManifest(f"the model's manifest: {sentence}")
