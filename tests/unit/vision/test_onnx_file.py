import pytest

from tests.onnx_model import colour_cells
from vision.onnx_file import FLOAT, NotOnnx, OnnxFacts, OnnxInput, read_onnx


def test_read_onnx__hand_written_network__tells_what_was_written() -> None:
    """Its one input, its operators and its names are read without a library; weights are no inputs."""
    facts = read_onnx(colour_cells(names=("red", "green", "blue"), last=("com.acme", "Magic")))
    assert facts.inputs == [OnnxInput("images", FLOAT, (1, 3, 64, 64))]
    assert facts.outputs == 1
    assert facts.operators == {
        ("", "AveragePool"),
        ("", "Reshape"),
        ("", "Mul"),
        ("", "Concat"),
        ("", "Transpose"),
        ("com.acme", "Magic"),
    }
    assert facts.class_names == ("red", "green", "blue")
    assert not facts.external_data


@pytest.mark.parametrize("in_subgraph", [False, True])
def test_read_onnx__weights_elsewhere__is_told(in_subgraph: bool) -> None:  # noqa: FBT001 - a parameter
    """Also where the tensor hides in a node's attribute."""
    assert read_onnx(colour_cells(external=True, in_subgraph=in_subgraph)).external_data


def test_read_onnx__cut_off_anywhere__is_refused() -> None:
    """A file that breaks off inside its graph is no model, and never another error."""
    content = colour_cells()
    # The opset's field after the graph has six bytes: key, length, and 0a 00 10 0d.
    for length in range(len(content) - 6):
        with pytest.raises(NotOnnx):
            read_onnx(content[:length])


@pytest.mark.parametrize(
    "content", [b"\x00", b"\xff" * 40, b"\x3a\x05hello", b"\x3b\x00", b"PK\x03\x04zip", b"\x38\x01"]
)
def test_read_onnx__other_bytes__are_no_model(content: bytes) -> None:
    """Field 0, endless numbers, groups, texts where messages belong."""
    with pytest.raises(NotOnnx):
        read_onnx(content)


@pytest.mark.parametrize("names", ["", "[", "{0: 'a', 2: 'b'}", "['a']", "__import__('os')", "{0: 'a', '0': 'b'}"])
def test_class_names__not_a_dict_from_0__are_none(names: str) -> None:
    """Text from a stranger is never run, and a gap in the numbers is no list of names."""
    assert OnnxFacts(metadata={"names": names}).class_names is None
