"""Labelled picture folders.

What a folder holds, which classes it labels, and which of its pictures are held out. Reading pixels and changing them
is `augmentation`'s; nothing here knows torch.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import yaml

from domain.errors import Invalid, NotFound

_PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


class SourceNotFoundError(NotFound):
    """A data folder, its `data.yaml` or its pictures are not there."""

    code: ClassVar[str] = "vision.training_source_not_found"


class SourceMalformedError(Invalid):
    """A label file, a class name or a `data.yaml` cannot be used."""

    code: ClassVar[str] = "vision.training_source_malformed"


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture file with its boxes.

    Attributes:
        path: the picture file.
        class_ids: (N,) int64, indices into the class names.
        boxes_cxcywh: (N, 4) float32, centre x, centre y, width, height as fractions of the picture's sides.
        known_classes: ids of the classes that are labelled wherever they are seen; of the others only what is given is
            known.
        source: name of the folder it came from.
        absent_ids: (M,) int64, classes of which nothing is in a box, although a detector once said so.
        absent_cxcywh: (M, 4) float32, those boxes, as `boxes_cxcywh`.
    """

    path: Path
    class_ids: npt.NDArray[np.int64]
    boxes_cxcywh: npt.NDArray[np.float32]
    known_classes: frozenset[int]
    source: str
    absent_ids: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    absent_cxcywh: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))


@dataclass(frozen=True, slots=True)
class PartlyLabelled:
    """A folder with `images/` and `labels/` in which some classes only are labelled.

    Attributes:
        folder: the folder that holds `images/` and `labels/`.
        classes: names of the classes that are labelled in it.
        weight: how often a picture of it is drawn in an epoch, on average.
        held_out_fraction: share of its pictures that is kept from training, chosen by the hash of the file's name.
    """

    folder: Path
    classes: tuple[str, ...]
    weight: float = 1.0
    held_out_fraction: float = 0.0


def read_class_names(data_folder: Path) -> tuple[str, ...]:
    """Class names of a data folder in the order of their ids, from its `data.yaml`.

    Raises:
        SourceNotFoundError: there is no `data.yaml`.
        SourceMalformedError: it gives no list (or mapping from 0) of names.
    """
    path = data_folder / "data.yaml"
    if not path.is_file():
        raise SourceNotFoundError(f"There is no data.yaml in {data_folder}.")
    names = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("names")
    if isinstance(names, dict) and sorted(names) == list(range(len(names))):
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list) or not names:
        raise SourceMalformedError(f"{path} gives no names of classes.")
    return tuple(str(name) for name in names)


def parse_partly_labelled(text: str) -> PartlyLabelled:
    """A folder with its labelled classes, as the command line gives it.

    Args:
        text: `FOLDER:CLASS,CLASS[:WEIGHT[:HELD_OUT_FRACTION]]`.

    Raises:
        SourceMalformedError: it is not of that form, or a number is out of its range.
    """
    folder, _, rest = text.partition(":")
    classes, *numbers = rest.split(":")
    try:
        weight, held_out = [float(number) for number in numbers] + [1.0, 0.0][len(numbers) :]
    except ValueError as error:
        raise SourceMalformedError(f"{text!r}: FOLDER:CLASS,CLASS[:WEIGHT[:HELD_OUT_FRACTION]] is wanted.") from error
    names = tuple(name.strip() for name in classes.split(",") if name.strip())
    if not folder or not names or not weight > 0 or not 0 <= held_out < 1:
        raise SourceMalformedError(f"{text!r}: classes, a weight above 0 and a fraction from 0 to below 1 are wanted.")
    return PartlyLabelled(folder=Path(folder), classes=names, weight=weight, held_out_fraction=held_out)


def list_pictures(*, folder: Path, class_names: Sequence[str], known: Sequence[str]) -> list[LabelledPicture]:
    """Pictures of `folder/images` with their labels of `folder/labels`, ordered by file name.

    Args:
        folder: holds `images/` and `labels/`; a picture without a label file has no boxes. With `known/`, as
            `siteproof export-dataset` writes it, each picture's own file says which of `known` it labels wherever they
            are seen, and where a class is not.
        class_names: names in the order of their ids.
        known: the names that are labelled in this folder; boxes of other classes are dropped.

    Raises:
        SourceNotFoundError: no pictures there.
        SourceMalformedError: a name of `known` is not a class, a label line is not five numbers with a class id, or a
            file in `known/` is missing or malformed.
    """
    unknown = sorted(set(known) - set(class_names))
    if unknown:
        raise SourceMalformedError(f"{', '.join(unknown)}: not among the classes {', '.join(class_names)}.")
    paths = sorted(p for p in (folder / "images").glob("*") if p.suffix.lower() in _PICTURE_SUFFIXES)
    if not paths:
        raise SourceNotFoundError(f"There are no pictures in {folder / 'images'}.")
    known_ids = frozenset(index for index, name in enumerate(class_names) if name in known)
    pictures = [_read_picture(path=path, n_classes=len(class_names), known_ids=known_ids) for path in paths]
    if not (folder / "known").is_dir():
        return pictures
    return [_limit_known(picture, folder=folder, class_names=class_names) for picture in pictures]


def split_held_out(
    pictures: Sequence[LabelledPicture], *, fraction: float
) -> tuple[list[LabelledPicture], list[LabelledPicture]]:
    """(pictures to train on, pictures held out), by the SHA-256 of the file's name, so that it never changes.

    Args:
        pictures: any number, their order is kept.
        fraction: the share to hold out, 0 to 1; the result has that share on average.
    """
    held_out = [_name_fraction(picture.path) < fraction for picture in pictures]
    return (
        [picture for picture, out in zip(pictures, held_out, strict=True) if not out],
        [picture for picture, out in zip(pictures, held_out, strict=True) if out],
    )


def _name_fraction(path: Path) -> float:
    return int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:4], "big") / 2**32


def _read_picture(*, path: Path, n_classes: int, known_ids: frozenset[int]) -> LabelledPicture:
    label_path = path.parent.parent / "labels" / f"{path.stem}.txt"
    text = label_path.read_text(encoding="utf-8") if label_path.is_file() else ""
    rows = [_read_label(line, label_path=label_path, n_classes=n_classes) for line in text.splitlines() if line.strip()]
    rows = [row for row in rows if int(row[0]) in known_ids]
    table = np.asarray(rows, dtype=np.float64).reshape(-1, 5)
    return LabelledPicture(
        path=path,
        class_ids=table[:, 0].astype(np.int64),
        boxes_cxcywh=table[:, 1:].astype(np.float32),
        known_classes=known_ids,
        source=path.parent.parent.name,
    )


def _limit_known(picture: LabelledPicture, *, folder: Path, class_names: Sequence[str]) -> LabelledPicture:
    path = folder / "known" / f"{picture.path.stem}.json"
    ids = {name: index for index, name in enumerate(class_names) if index in picture.known_classes}
    try:
        content = json.loads(path.read_bytes())
        known = frozenset(ids[name] for name in content["known"] if name in ids)
        absent = [(ids[each["class"]], *each["box_cxcywh"]) for each in content["absent"] if each["class"] in ids]
        table = np.asarray(absent, dtype=np.float64).reshape(-1, 5)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceMalformedError(f"{path} does not say what is known of {picture.path.name}.") from error
    return replace(
        picture,
        known_classes=known,
        absent_ids=table[:, 0].astype(np.int64),
        absent_cxcywh=table[:, 1:].astype(np.float32),
    )


def _read_label(line: str, *, label_path: Path, n_classes: int) -> list[float]:
    try:
        row = [float(field) for field in line.split()]
    except ValueError:
        row = []
    if len(row) != 5 or not np.isfinite(row).all() or row[0] not in range(n_classes):  # noqa: PLR2004 - class and box
        raise SourceMalformedError(f"{label_path}: {line!r} is not a class id and a box.")
    return row
