"""A county's own models: kept with their manifests in a folder. Nothing is run here, so the web process may ask too.

Whether a file is a model that can be used is `model_trial`'s to find out, before it is kept.
"""

import json
import logging
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Final

from domain.errors import Conflict, Invalid, NotFound, SiteproofError
from domain.identifier import require_caller_id
from vision.weights import ModelManifest, load_manifest, parse_manifest

_LOG: Final = logging.getLogger(__name__)


class ModelExists(Conflict):
    """Another model of this name is kept."""

    code: ClassVar[str] = "model.exists"


class UnknownModel(NotFound):
    """No model of this name is kept."""

    code: ClassVar[str] = "model.not_found"


class InvalidMapping(Invalid):
    """A mapping of classes, or their thresholds, that cannot be read or used."""

    code: ClassVar[str] = "model.invalid_mapping"


def list_manifest_paths(folder: Path) -> list[Path]:
    """The manifests of the models that are kept, by name; empty where the folder is not there."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def list_models(folder: Path) -> list[ModelManifest]:
    """The models that are kept, by name; a manifest that cannot be read is logged and left out."""
    models = []
    for path in list_manifest_paths(folder):
        try:
            models.append(load_manifest(path))
        except SiteproofError as error:
            _LOG.error("the model %s is left out: %s [%s]", path.stem, error.detail, error.code)
    return models


def parse_pairs(texts: Iterable[str]) -> dict[str, str]:
    """`theirs=ours,theirs=ours` as a mapping; `theirs=` leaves a class out.

    Raises:
        InvalidMapping: a part has no `=`, or a class stands twice.
    """
    pairs: dict[str, str] = {}
    for part in (each for text in texts for each in text.split(",") if each.strip()):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals or not name or name in pairs:
            raise InvalidMapping(f"{part.strip()!r}: THEIRS=OURS is wanted, each class once")
        pairs[name] = value
    return pairs


def describe_model(
    *,
    name: str,
    version: str,
    sha256: str,
    input_size_px: int,
    classes: tuple[str, ...],
    mapping: Mapping[str, str],
    thresholds: Mapping[str, float],
    licence: str,
) -> ModelManifest:
    """The manifest of a model that is to be kept.

    Args:
        name: 1 to 64 letters, digits, `.`, `_`, `-`.
        version: the county's word for it.
        sha256: of the weights.
        input_size_px: side of the square that the network sees. [px]
        classes: the network's own, in its order.
        mapping: by some of them, what they are called here; empty text: never told. The others keep their names.
        thresholds: by class, the score from which it counts.
        licence: SPDX identifier.

    Raises:
        InvalidIdentifier: the name is none.
        InvalidMapping: a class is not one of the network's, or would be called what cannot be a label here.
    """
    require_caller_id(name)
    unknown = sorted((set(mapping) | set(thresholds)) - set(classes))
    if unknown:
        raise InvalidMapping(f"{', '.join(unknown)}: not among the model's classes {', '.join(classes)}")
    content = {
        "name": name,
        "version": version,
        "file": f"{name}-{sha256[:12]}.onnx",
        "sha256": sha256,
        "format": "onnx",
        "input_size_px": input_size_px,
        "classes": list(classes),
        "thresholds": dict(thresholds),
        "licence": licence,
        "label_by_class": {each: mapping.get(each, each) or None for each in classes},
    }
    try:
        return parse_manifest(content)
    except Invalid as error:
        raise InvalidMapping(f"{error.detail}; a class of another name needs --map THEIRS=OURS") from error


def keep_model(folder: Path, *, manifest: ModelManifest, weights: bytes) -> bool:
    """Keep a model that has passed its trial.

    Args:
        folder: made if it is not there.
        manifest: of the weights.
        weights: the file's bytes.

    Returns:
        Whether it is new; False where the very same is kept already.

    Raises:
        ModelExists: another one of this name is kept; nothing has changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{manifest.name}.json"
    if target.exists():
        if load_manifest(target) == manifest and (folder / manifest.file).is_file():
            return False
        raise ModelExists(f"there is a model {manifest.name} already; remove it first")
    _write(folder, folder / manifest.file, weights)
    _write(folder, target, json.dumps(_to_json(manifest), ensure_ascii=False, indent=2).encode() + b"\n")
    return True


def remove_model(folder: Path, *, name: str) -> ModelManifest:
    """Forget a model; what it saw stays with its name and hash.

    Raises:
        UnknownModel: there is none of this name.
    """
    path = folder / f"{require_caller_id(name)}.json"
    if not path.is_file():
        raise UnknownModel(f"there is no model {name}")
    manifest = load_manifest(path)
    path.unlink()
    (folder / manifest.file).unlink(missing_ok=True)
    return manifest


def _write(folder: Path, target: Path, content: bytes) -> None:
    fresh = folder / f".{secrets.token_hex(8)}"
    with fresh.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    # Renamed into place, the manifest last, so that a worker which starts meanwhile sees all of a model or nothing.
    fresh.replace(target)


def _to_json(manifest: ModelManifest) -> dict[str, object]:
    return {
        "name": manifest.name,
        "version": manifest.version,
        "file": manifest.file,
        "sha256": manifest.sha256,
        "format": manifest.format,
        "input_size_px": manifest.input_size_px,
        "classes": list(manifest.classes),
        "thresholds": dict(manifest.thresholds),
        "licence": manifest.licence,
        "label_by_class": dict(manifest.label_by_class),
    }
