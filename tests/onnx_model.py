"""ONNX networks written by hand, small enough to reckon with: no library that writes ONNX is installed here."""

import struct
from collections.abc import Sequence
from typing import Final

SIDE_PX: Final = 64
CELL_PX: Final = 16


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _field(number: int, value: int | str | bytes) -> bytes:
    """One protobuf field; numbers are those of onnx.proto3 (ONNX 1.x, IR version 8)."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    body = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _tensor(name: str, *, kind: int, dims: Sequence[int], raw: bytes, location: bytes = b"") -> bytes:
    content = location or _field(9, raw)
    return b"".join(_field(1, dim) for dim in dims) + _field(2, kind) + _field(8, name) + content


def _ints(name: str, values: Sequence[int]) -> bytes:
    return _field(1, name) + b"".join(_field(8, value) for value in values) + _field(20, 7)


def _node(kind: str, inputs: Sequence[str], output: str, *attributes: bytes, domain: str = "") -> bytes:
    given = b"".join(_field(1, name) for name in inputs)
    named = given + _field(2, output) + _field(4, kind) + b"".join(_field(5, attribute) for attribute in attributes)
    return named + (_field(7, domain) if domain else b"")


def _value(name: str, dims: Sequence[int], *, kind: int = 1) -> bytes:
    shape = b"".join(_field(1, _field(1, dim)) for dim in dims)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, shape)))


def colour_cells(
    side_px: int = SIDE_PX,
    *,
    names: Sequence[str] | None = None,
    last: tuple[str, str] | None = None,
    external: bool = False,
    in_subgraph: bool = False,
    input_kind: int = 1,
    channels: int = 3,
    lying: bool = False,
    gain: float = 1.0,
    outputs: int = 1,
) -> bytes:
    """An ONNX file that sees colours: each cell of 16 x 16 px is an anchor, its scores its mean red, green and blue.

    Args:
        side_px: of its input. [px]
        names: of its classes, in its metadata as ultralytics writes them; None leaves them out.
        last: (domain, operator) of one more node at its end.
        external: its boxes lie in the file `/etc/passwd`.
        in_subgraph: that tensor stands in an attribute of a node, not among the graph's own.
        input_kind: TensorProto.DataType of the input; 1 is float32.
        channels: of its input.
        lying: the output is (1, N, 4 + C), as other heads have it.
        gain: what the scores are multiplied with.
        outputs: how many.
    """
    cells = side_px // CELL_PX
    centres = [CELL_PX // 2 + CELL_PX * index for index in range(cells)]
    rows = [[x for _ in centres for x in centres], [y for y in centres for _ in centres]]
    rows += [[CELL_PX] * cells**2] * 2
    boxes = struct.pack(f"<{4 * cells**2}f", *(float(value) for row in rows for value in row))
    axis = _field(1, "axis") + _field(3, 1) + _field(20, 2)
    # data_location EXTERNAL, and where: StringStringEntryProto {location: /etc/passwd}.
    elsewhere = _field(13, _field(1, "location") + _field(2, "/etc/passwd")) + _field(14, 1) if external else b""
    box_tensor = _tensor("boxes", kind=1, dims=[1, 4, cells**2], raw=boxes, location=elsewhere)
    held = _field(1, "value") + _field(5, box_tensor) + _field(20, 4)
    nodes = [
        _node("AveragePool", ["images"], "means", _ints("kernel_shape", [16, 16]), _ints("strides", [16, 16])),
        _node("Reshape", ["means", "shape"], "plain_scores"),
        _node("Mul", ["plain_scores", "gain"], "scores"),
        _node("Concat", ["boxes", "scores"], "head", axis),
    ]
    if in_subgraph:
        nodes.insert(0, _node("Constant", [], "boxes", held))
    if last:
        nodes.append(_node(last[1], ["head"], "changed", domain=last[0]))
    permutation = _ints("perm", [0, 2, 1] if lying else [0, 1, 2])
    nodes += [_node("Transpose", ["changed" if last else "head"], f"output{n}", permutation) for n in range(outputs)]
    shape = [1, cells**2, 4 + channels] if lying else [1, 4 + channels, cells**2]
    initial = [
        _tensor("shape", kind=7, dims=[3], raw=struct.pack("<3q", 1, channels, cells**2)),
        _tensor("gain", kind=1, dims=[1], raw=struct.pack("<f", gain)),
    ]
    graph = (
        b"".join(_field(1, each) for each in nodes)
        + _field(2, "colour_cells")
        + b"".join(_field(5, each) for each in (initial if in_subgraph else [*initial, box_tensor]))
        + _field(11, _value("images", [1, channels, side_px, side_px], kind=input_kind))
        + b"".join(_field(12, _value(f"output{number}", shape)) for number in range(outputs))
    )
    opsets = _field(8, _field(1, "") + _field(2, 13)) + (_field(8, _field(1, last[0]) + _field(2, 1)) if last else b"")
    text = repr(dict(enumerate(names))) if names is not None else None
    metadata = b"" if text is None else _field(14, _field(1, "names") + _field(2, text))
    return _field(1, 8) + _field(7, graph) + opsets + metadata
