"""What an ONNX file says of itself, read from its protobuf fields without running or loading anything it names."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

from domain.errors import Invalid

FLOAT: Final = 1
"""TensorProto.DataType.FLOAT."""

_MAX_DEPTH: Final = 32
_EXTERNAL: Final = 1  # TensorProto.DataLocation.EXTERNAL
_MAX_VARINT_BYTES: Final = 10
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5


class NotOnnx(Invalid):
    """The bytes are no ONNX model."""

    code: ClassVar[str] = "model.not_onnx"


@dataclass(frozen=True, slots=True)
class OnnxInput:
    """An input of the network.

    Attributes:
        kind: of its elements, as TensorProto.DataType numbers them.
        shape: None for a dimension that is left open.
    """

    name: str
    kind: int
    shape: tuple[int | None, ...]


@dataclass(slots=True)
class OnnxFacts:
    """What is in the file.

    Attributes:
        inputs: those that must be fed.
        outputs: how many.
        operators: (domain, name) of all nodes, subgraphs included, less the file's own functions; "" is ONNX's domain.
        external_data: whether a tensor's bytes lie in another file.
        metadata: the model's own words, such as `names`.
    """

    inputs: list[OnnxInput] = field(default_factory=list)
    outputs: int = 0
    operators: set[tuple[str, str]] = field(default_factory=set)
    external_data: bool = False
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names in the order of their ids, as ultralytics writes them into `names`; None where they are not there."""
        try:
            names = ast.literal_eval(self.metadata.get("names", ""))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
        if not isinstance(names, dict):
            return None
        by_id = {str(index): str(name) for index, name in names.items()}
        ids = [str(index) for index in range(len(names))]
        return tuple(by_id[index] for index in ids) if sorted(by_id) == sorted(ids) else None


def read_onnx(content: bytes) -> OnnxFacts:
    """Read the fields of onnx.proto3 (ONNX 1.x) that decide whether a model may be loaded.

    Raises:
        NotOnnx: it is not protobuf, holds no graph, or nests deeper than any network does.
    """
    facts = OnnxFacts()
    graphs = 0
    own_functions = set()
    try:
        for number, value in _fields(memoryview(content)):
            if number == 7:  # noqa: PLR2004 - ModelProto.graph
                graphs += 1
                _read_graph(_message(value), facts, depth=0, outer=True)
            elif number == 14:  # noqa: PLR2004 - ModelProto.metadata_props
                entry = dict(_fields(_message(value)))
                facts.metadata[_text(entry.get(1, memoryview(b"")))] = _text(entry.get(2, memoryview(b"")))
            elif number == 25:  # noqa: PLR2004 - ModelProto.functions
                own_functions.add(_read_function(_message(value), facts))
    except (UnicodeDecodeError, ValueError) as error:
        raise NotOnnx("the file is no ONNX model") from error
    if graphs != 1:
        raise NotOnnx("the file is no ONNX model: it holds no network")
    facts.operators -= own_functions
    return facts


def _read_function(message: memoryview, facts: OnnxFacts) -> tuple[str, str]:
    name = domain = ""
    for number, value in _fields(message):
        match number:
            case 1:
                name = _text(value)
            case 7:
                _read_node(_message(value), facts, depth=0)
            case 10:
                domain = _text(value)
    return _domain(domain), name


def _read_graph(message: memoryview, facts: OnnxFacts, *, depth: int, outer: bool = False) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError("too deep")
    inputs, initial = [], set()
    for number, value in _fields(message):
        match number:
            case 1:
                _read_node(_message(value), facts, depth=depth)
            case 5:
                initial.add(_read_tensor(_message(value), facts))
            case 11:
                inputs.append(_message(value))
            case 12 if outer:
                facts.outputs += 1
            case 15:
                _read_sparse(_message(value), facts)
    if outer:
        # Before IR version 4 the weights stood among the inputs.
        facts.inputs = [each for each in map(_read_input, inputs) if each.name not in initial]


def _read_node(message: memoryview, facts: OnnxFacts, *, depth: int) -> None:
    operator = domain = ""
    for number, value in _fields(message):
        match number:
            case 4:
                operator = _text(value)
            case 5:
                _read_attribute(_message(value), facts, depth=depth)
            case 7:
                domain = _text(value)
    facts.operators.add((_domain(domain), operator))


def _read_attribute(message: memoryview, facts: OnnxFacts, *, depth: int) -> None:
    for number, value in _fields(message):
        match number:
            case 5 | 10:
                _read_tensor(_message(value), facts)
            case 6 | 11:
                _read_graph(_message(value), facts, depth=depth + 1)
            case 22 | 23:
                _read_sparse(_message(value), facts)


def _read_sparse(message: memoryview, facts: OnnxFacts) -> None:
    for number, value in _fields(message):
        if number in {1, 2}:
            _read_tensor(_message(value), facts)


def _read_tensor(message: memoryview, facts: OnnxFacts) -> str:
    name = ""
    for number, value in _fields(message):
        match number:
            case 8:
                name = _text(value)
            case 13:
                facts.external_data = True
            case 14:
                facts.external_data |= value == _EXTERNAL
    return name


def _read_input(message: memoryview) -> OnnxInput:
    name, kind = "", 0
    shape: list[int | None] = []
    for number, value in _fields(message):
        if number == 1:
            name = _text(value)
        elif number == 2:  # noqa: PLR2004 - ValueInfoProto.type
            tensor = dict(_fields(_message(dict(_fields(_message(value))).get(1, memoryview(b"")))))
            kind = _integer(tensor.get(1, 0))
            for part, dimension in _fields(_message(tensor.get(2, memoryview(b"")))):
                if part == 1:
                    size = dict(_fields(_message(dimension))).get(1)
                    shape.append(None if size is None else _integer(size))
    return OnnxInput(name, kind, tuple(shape))


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message belongs")  # noqa: TRY004 - the file is wrong, not our types
    return value


def _integer(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise ValueError("bytes where a number belongs")  # noqa: TRY004 - the same
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)).decode()


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(number, value) of each field; values of 4 and 8 bytes are left out, for nothing that is asked for has them.

    Raises:
        ValueError: it is not protobuf.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError("field 0")
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
        elif wire == _BYTES:
            size, at = _varint(message, at)
            at += size
            if at > len(message):
                raise ValueError("cut off")
            yield number, message[at - size : at]
        elif wire in {_FIXED_32, _FIXED_64}:
            at += 4 if wire == _FIXED_32 else 8
        else:
            raise ValueError("no wire type")
    if at > len(message):
        raise ValueError("cut off")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for count in range(_MAX_VARINT_BYTES):
        if at + count >= len(message):
            raise ValueError("cut off")
        byte = message[at + count]
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:  # noqa: PLR2004 - the last byte has no high bit
            return value, at + count + 1
    raise ValueError("a number too long")
