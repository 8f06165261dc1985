"""No face is ever matched: nothing in the product can turn a face into something to compare."""

import ast
from pathlib import Path

PACKAGES = ("analysis", "api", "domain", "findings", "geofence", "ingestion", "iot", "runtime", "storage", "vision")
MATCHERS = {
    "FaceRecognizerSF",
    "FaceRecognizerSF_create",
    "face",
    "face_recognition",
    "insightface",
    "deepface",
    "dlib",
}


def test_packages__use_nothing_that_matches_faces(repository: Path) -> None:
    """Neither OpenCV's recognisers nor a library for it is named anywhere; covering heads needs no face detector."""
    offenders = []
    for package in PACKAGES:
        for path in (repository / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = {alias.name.partition(".")[0] for alias in getattr(node, "names", []) if hasattr(alias, "name")}
                names |= {node.attr} if isinstance(node, ast.Attribute) else set()
                names |= {node.module.partition(".")[0]} if isinstance(node, ast.ImportFrom) and node.module else set()
                offenders += [f"{path.name}: {name}" for name in names & MATCHERS]
    assert offenders == []
