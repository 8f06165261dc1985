"""A float detector out of an int8 OpenVINO one.

Reads the quantised convolutions of an IR and puts them into an ultralytics `DetectionModel` of the same architecture.
What becomes of the model afterwards is not told here.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import openvino
import torch
from ultralytics.nn.tasks import DetectionModel

from domain.errors import Invalid, NotFound

_CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})
# A friendly name holds the module path, in a ModuleList with the parent repeated:
# /model.22/cv2.0/cv2.0.0/conv/Conv/WithoutBiases.
_NAME = re.compile(r"^/(?P<path>.+?)/Conv(/WithoutBiases)?$")


class WarmStartNotFoundError(NotFound):
    """The folder has no OpenVINO model."""

    code: ClassVar[str] = "vision.warm_start_not_found"


class WarmStartMismatchError(Invalid):
    """The OpenVINO model's convolutions are not those of the architecture."""

    code: ClassVar[str] = "vision.warm_start_mismatch"


@dataclass(frozen=True, slots=True)
class FoldedConvolution:
    """A convolution with its batch norm folded in.

    Attributes:
        weight: (out, in, height, width) float32.
        bias: (out,) float32.
    """

    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]


def read_convolutions(ir_folder: Path) -> dict[str, FoldedConvolution]:
    """The convolutions of an OpenVINO IR by module path, int8 weights turned to float by their scale and zero point.

    Args:
        ir_folder: holds one `.xml` with its `.bin`.

    Raises:
        WarmStartNotFoundError: no `.xml` in the folder.
        WarmStartMismatchError: a convolution's weight or bias is not a constant.
    """
    paths = sorted(ir_folder.glob("*.xml"))
    if not paths:
        raise WarmStartNotFoundError(f"There is no OpenVINO model (.xml) in {ir_folder}.")
    model = openvino.Core().read_model(paths[0])
    convolutions = [op for op in model.get_ordered_ops() if op.get_type_name() in _CONVOLUTIONS]
    return {
        _module_path(op.get_friendly_name()): FoldedConvolution(weight=_constant(_input(op, 1)), bias=_bias(op))
        for op in convolutions
        if not op.get_friendly_name().endswith("/dfl/conv/Conv") and "/dfl/" not in op.get_friendly_name()
    }


def load_convolutions(model: DetectionModel, *, convolutions: dict[str, FoldedConvolution]) -> None:
    """Put folded convolutions into a `DetectionModel`, each batch norm made the identity plus the folded bias.

    The model then computes what the folded one does, in evaluation mode only: call `recalibrate` before training.

    Args:
        model: ultralytics DetectionModel with the same module paths.
        convolutions: by module path, from `read_convolutions`.

    Raises:
        WarmStartMismatchError: names or shapes are not the model's.
    """
    modules = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Conv2d)}
    modules = {name: module for name, module in modules.items() if ".dfl." not in name}
    if set(modules) != set(convolutions):
        differing = sorted(set(modules) ^ set(convolutions))
        raise WarmStartMismatchError(f"Not the same architecture: {', '.join(differing[:5])} in one of the two only.")
    owners = dict(model.named_modules())
    with torch.no_grad():
        for name, convolution in convolutions.items():
            module = modules[name]
            if tuple(module.weight.shape) != convolution.weight.shape:
                raise WarmStartMismatchError(
                    f"{name}: shape {convolution.weight.shape}, {tuple(module.weight.shape)} wanted."
                )
            module.weight.copy_(torch.from_numpy(convolution.weight))
            bias = torch.from_numpy(convolution.bias)
            if module.bias is not None:
                module.bias.copy_(bias)
            else:
                _set_identity(owners[name.removesuffix(".conv")].bn, bias=bias)


def recalibrate(model: DetectionModel, *, batches: Iterable[torch.Tensor]) -> None:
    """Give each batch norm the statistics of its convolution's output, keeping the function in evaluation mode.

    With mean m and variance v of the convolution's output, the norm (x - m) / sqrt(v + eps) * w + b is x + bias for
    w = sqrt(v + eps) and b = bias + m. Training mode, which norms by the batch's own statistics, is then close to it.

    Args:
        model: as `load_convolutions` leaves it.
        batches: (B, 3, H, W) float32 in 0 to 1, a few hundred pictures in all; at least one.

    Raises:
        WarmStartMismatchError: no batches were given.
    """
    norms = {
        name: module for name, module in model.named_modules() if hasattr(module, "bn") and hasattr(module, "conv")
    }
    totals: dict[str, list[Any]] = {name: [] for name in norms}
    hooks = [module.conv.register_forward_hook(_record(totals[name])) for name, module in norms.items()]
    model.eval()
    try:
        with torch.no_grad():
            for batch in batches:
                model(batch)
    finally:
        for hook in hooks:
            hook.remove()
    if not all(totals.values()):
        raise WarmStartMismatchError("Recalibration needs at least one batch of pictures.")
    with torch.no_grad():
        for name, module in norms.items():
            count, total, squares = (sum(parts) for parts in zip(*totals[name], strict=True))
            mean = total / count
            _keep_function(module.bn, mean=mean.float(), variance=(squares / count - mean**2).clamp(min=0).float())


def _record(totals: list[Any]) -> Callable[[torch.nn.Module, object, torch.Tensor], None]:
    def hook(_module: torch.nn.Module, _inputs: object, output: torch.Tensor) -> None:
        values = output.double()
        count = values.numel() // values.shape[1]
        totals.append((count, values.sum(dim=(0, 2, 3)), values.square().sum(dim=(0, 2, 3))))

    return hook


def _set_identity(norm: torch.nn.BatchNorm2d, *, bias: torch.Tensor) -> None:
    norm.running_mean.zero_()
    norm.running_var.fill_(1.0)
    norm.weight.fill_((1.0 + norm.eps) ** 0.5)
    norm.bias.copy_(bias)


def _keep_function(norm: torch.nn.BatchNorm2d, *, mean: torch.Tensor, variance: torch.Tensor) -> None:
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    offset = norm.bias - norm.running_mean * gain
    # A channel that is always the same on these pictures would get a gain near zero and die in training.
    spread = (variance + norm.eps).sqrt()
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_(gain * spread)
    norm.bias.copy_(offset + mean * gain)


def _module_path(friendly_name: str) -> str:
    match = _NAME.match(friendly_name)
    if match is None:
        raise WarmStartMismatchError(f"{friendly_name}: not the name of a convolution of YOLOv8.")
    parts = match["path"].split("/")
    path = parts[0]
    for part in parts[1:]:
        # In a ModuleList the exporter repeats the parent: /model.22/cv2.0/cv2.0.0.
        last = path.rsplit(".", maxsplit=2)
        parent = ".".join(last[-2:])
        path = path.removesuffix(parent) + part if part.startswith(f"{parent}.") else f"{path}.{part}"
    return path


def _input(op: Any, index: int) -> Any:  # noqa: ANN401 - openvino has no types
    return op.input_value(index).get_node()


def _bias(op: Any) -> npt.NDArray[np.float32]:  # noqa: ANN401 - openvino has no types
    (consumer,) = op.output(0).get_target_inputs()
    add = consumer.get_node()
    if add.get_type_name() != "Add":
        raise WarmStartMismatchError(f"{op.get_friendly_name()}: no bias after it.")
    return _constant(_input(add, 1)).reshape(-1)


def _constant(node: Any) -> npt.NDArray[np.float32]:  # noqa: ANN401 - openvino has no types
    kind = node.get_type_name()
    if kind == "Constant":
        return np.array(node.get_data(), dtype=np.float32)
    if kind == "Convert":
        return _constant(_input(node, 0))
    if kind == "Reshape":
        return _constant(_input(node, 0)).reshape(node.get_output_shape(0))
    if kind in {"Multiply", "Subtract"}:
        first, second = _constant(_input(node, 0)), _constant(_input(node, 1))
        return first * second if kind == "Multiply" else first - second
    raise WarmStartMismatchError(f"{node.get_friendly_name()}: {kind} is not a constant.")
