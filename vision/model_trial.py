"""Whether a file is a detector that this installation can run: every reason to refuse it, before anything is kept."""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as failures

from domain.errors import Invalid, SiteproofError
from vision.detector_choice import Backend, load_detector
from vision.letterbox import PADDING_GREY
from vision.model_registry import keep_model
from vision.onnx_file import FLOAT, NotOnnx, OnnxFacts, read_onnx
from vision.picture import Picture
from vision.weights import ModelManifest, WeightsMismatch, WeightsMissing

MAX_BYTES: Final = 256 * 1024 * 1024
"""Of one model: four times YOLOv8x in half precision; a worker, which keeps all of them loaded, has 1 GB. [B]"""

DEFAULT_INPUT_PX: Final = 640
_RANK: Final = 4
_HEAD_RANK: Final = 3
_BOX_ROWS: Final = 4
_REFUSALS: Final = (
    failures.Fail,
    failures.InvalidArgument,
    failures.InvalidGraph,
    failures.InvalidProtobuf,
    failures.NoModel,
    failures.RuntimeException,
)


class ModelTooLarge(Invalid):
    """The file is larger than a worker should hold."""

    code: ClassVar[str] = "model.too_large"


class ExternalData(Invalid):
    """The weights lie in other files beside the model."""

    code: ClassVar[str] = "model.external_data"


class UnknownOperator(Invalid):
    """The network uses an operator that our runtime lacks."""

    code: ClassVar[str] = "model.unknown_operator"


class WrongInput(Invalid):
    """The network does not take one square picture of three channels."""

    code: ClassVar[str] = "model.wrong_input"


class NoYoloHead(Invalid):
    """What the network gives is not what a YOLOv8 detector gives."""

    code: ClassVar[str] = "model.no_yolo_head"


class ClassCountMismatch(Invalid):
    """The network has another number of classes than are named."""

    code: ClassVar[str] = "model.class_count"


class ClassesUnknown(Invalid):
    """Nobody names the network's classes, or the file names others than were given."""

    code: ClassVar[str] = "model.classes_unknown"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may become a model, inspected and not yet run.

    Attributes:
        content: its bytes.
        sha256: of them, lower-case hexadecimal.
        input_size_px: side of the square that it takes. [px]
        classes: its own names, in its order.
    """

    content: bytes
    sha256: str
    input_size_px: int
    classes: tuple[str, ...]


def inspect_model(
    path: Path, *, classes: Sequence[str] = (), sha256: str | None = None, input_size_px: int | None = None
) -> Candidate:
    """Look into a file without running it.

    Args:
        path: of the file.
        classes: the network's names in its order; empty: those that the file gives itself.
        sha256: what the file's must be; None: anything.
        input_size_px: for a network that leaves it open; None: `DEFAULT_INPUT_PX`. [px]

    Raises:
        WeightsMissing: it cannot be read.
        ModelTooLarge: more than `MAX_BYTES`.
        WeightsMismatch: its SHA-256 is another one.
        NotOnnx: it is no ONNX model.
        ExternalData: it needs other files.
        UnknownOperator: no operator of that name is known.
        WrongInput: it takes something else than one picture.
        NoYoloHead: it gives more, or less, than one output.
        ClassesUnknown: nobody names its classes, or the file contradicts what was given.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelTooLarge(f"{path.name} has {size} bytes; at most {MAX_BYTES} are taken", limit_bytes=MAX_BYTES)
        content = path.read_bytes()
    except OSError as error:
        raise WeightsMissing(f"{path.name} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and sha256.lower() != found:
        raise WeightsMismatch(f"{path.name} is not the file that was meant", expected=sha256, found=found)
    facts = read_onnx(content)
    if facts.external_data:
        raise ExternalData(f"{path.name} keeps weights in other files; export it as one file")
    _require_operators(facts)
    side = _require_picture_input(facts, input_size_px)
    if facts.outputs != 1:
        raise NoYoloHead(f"the network gives {facts.outputs} outputs; a detector gives one")
    return Candidate(content, found, side, _choose_classes(facts, tuple(classes)))


def try_model(candidate: Candidate, *, manifest: ModelManifest, backend: Backend = "auto") -> None:
    """Run the network once under ONNX Runtime, and load it as the worker will.

    Raises:
        NotOnnx: the runtime finds the network broken.
        UnknownOperator: a runtime cannot run it.
        NoYoloHead: its output is not that of a YOLOv8 detector.
        ClassCountMismatch: it has another number of classes than the manifest.
    """
    _require_head(_run(candidate), n_classes=len(manifest.classes))
    chosen: Backend = "auto" if backend == "ultralytics" else backend
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keep_model(folder, manifest=manifest, weights=candidate.content)
        side = manifest.input_size_px
        blank = Picture(np.full((side, side, 3), PADDING_GREY, np.uint8), width_px=side, height_px=side)
        try:
            load_detector(folder / f"{manifest.name}.json", backend=chosen, threads=1).look(blank)
        except (SiteproofError, RuntimeError) as error:
            # ONNX Runtime has just run it, so it is the other runtime that cannot.
            raise UnknownOperator(f"the runtime that serves here ({chosen}) cannot run this network") from error


def _require_operators(facts: OnnxFacts) -> None:
    known = {
        ("" if each.domain == "ai.onnx" else each.domain, each.name) for each in failures.get_all_operator_schema()
    }
    missing = sorted(f"{domain}:{name}" if domain else name for domain, name in facts.operators - known)
    if missing:
        raise UnknownOperator(f"the network uses operators that are not known here: {', '.join(missing)[:200]}")


def _require_picture_input(facts: OnnxFacts, input_size_px: int | None) -> int:
    """The side of the square that the network takes. [px]."""
    if len(facts.inputs) != 1 or facts.inputs[0].kind != FLOAT or len(facts.inputs[0].shape) != _RANK:
        raise WrongInput("the network must take one float32 picture (1, 3, S, S)")
    batch, channels, height, width = facts.inputs[0].shape
    wanted = input_size_px or height or width or DEFAULT_INPUT_PX
    given = (batch or 1, channels or 3, height or wanted, width or wanted)
    if given != (1, 3, wanted, wanted) or wanted % 32:
        raise WrongInput(
            f"the network takes {list(given)}, not (1, 3, S, S) with S a multiple of 32", given=list(given)
        )
    return wanted


def _choose_classes(facts: OnnxFacts, given: tuple[str, ...]) -> tuple[str, ...]:
    own = facts.class_names
    if not given and own is None:
        raise ClassesUnknown("the file does not name its classes: give --classes in the order of its output")
    if given and own is not None and given != own and len(given) == len(own):
        raise ClassesUnknown(f"the file itself names its classes {', '.join(own)}: --map them, --classes differ")
    chosen = given or own or ()
    if len(set(chosen)) != len(chosen):
        raise ClassesUnknown("two classes have the same name")
    return chosen


def _run(candidate: Candidate) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    square = np.full((1, 3, candidate.input_size_px, candidate.input_size_px), PADDING_GREY / 255, np.float32)
    try:
        session = onnxruntime.InferenceSession(candidate.content, options, providers=["CPUExecutionProvider"])
        (output,) = session.run(None, {session.get_inputs()[0].name: square})
    except failures.NotImplemented as error:
        raise UnknownOperator("the network uses an operator that cannot be run on a processor here") from error
    except _REFUSALS as error:
        raise NotOnnx("the runtime finds the network broken") from error
    return np.asarray(output, np.float32)


def _require_head(output: np.ndarray[tuple[int, ...], np.dtype[np.float32]], *, n_classes: int) -> None:
    shape = output.shape
    rows = shape[1] if len(shape) == _HEAD_RANK else 0
    # Other heads lie on their side: (1, 25200, 85) is YOLOv5's, (1, 300, 6) one that has chosen already.
    if shape[:1] != (1,) or rows <= _BOX_ROWS or (rows != _BOX_ROWS + n_classes and rows > shape[2]):
        raise NoYoloHead(f"the network gives {list(shape)}, not (1, 4 + classes, N) as YOLOv8 does", given=list(shape))
    if rows != _BOX_ROWS + n_classes:
        raise ClassCountMismatch(
            f"the network has {rows - _BOX_ROWS} classes, and {n_classes} are named", given=rows - _BOX_ROWS
        )
    scores = output[0, _BOX_ROWS:]
    if not np.isfinite(output).all() or scores.min(initial=0) < 0 or scores.max(initial=0) > 1:
        raise NoYoloHead("the network's scores are not between 0 and 1")
