from typing import Any

import pytest

from vision.weights import DEFAULT_THRESHOLD, MalformedManifest, parse_manifest


def _content(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {
        "name": "siteproof-ppe",
        "version": "0.1.0",
        "file": "siteproof-ppe.onnx",
        "sha256": "0" * 64,
        "format": "onnx",
        "input_size_px": 640,
        "classes": ["person", "hardhat"],
        "thresholds": {"person": 0.4},
        "licence": "AGPL-3.0-or-later",
        "trained_on": "another key",
    } | changes


def test_parse_manifest__whole() -> None:
    """Every field is there; a class without a threshold has the default; a minimum score replaces all."""
    manifest = parse_manifest(_content(sha256="AB" * 32))
    assert manifest.classes == ("person", "hardhat")
    assert manifest.sha256 == "ab" * 32
    assert manifest.threshold_by_class() == (0.4, DEFAULT_THRESHOLD)
    assert manifest.threshold_by_class(0.1) == (0.1, 0.1)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"version": ""},
        {"file": "../elsewhere.onnx"},
        {"file": "/etc/passwd"},
        {"sha256": "0" * 63},
        {"format": "pickle"},
        {"input_size_px": 641},
        {"input_size_px": 0},
        {"input_size_px": "640"},
        {"input_size_px": 8192},
        {"classes": []},
        {"classes": "person"},
        {"classes": ["person", "person"]},
        {"classes": [1]},
        {"thresholds": {"person": 1.1}},
        {"thresholds": {"person": True}},
        {"thresholds": {"cone": 0.5}},
        {"thresholds": [0.5]},
        {"licence": 1},
    ],
)
def test_parse_manifest__senseless_field(changes: dict[str, Any]) -> None:
    """Each field is validated."""
    with pytest.raises(MalformedManifest):
        parse_manifest(_content(**changes))
