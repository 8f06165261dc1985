import ast
import subprocess
import sys
from pathlib import Path

PIXELS = ("cv2", "onnxruntime", "openvino", "torch", "ultralytics", "av", "pillow_heif")
PACKAGES = ("analysis", "api", "domain", "findings", "geofence", "ingestion", "iot", "storage", "vision")


def test_web_process__with_every_route_loaded__has_nothing_that_looks_at_pixels(repository: Path) -> None:
    """What needs pixels is asked for by task name, so that the web process stays small and safe."""
    code = "import runtime.web, runtime.assembly, sys; print(' '.join(sys.modules))"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True
    ).stdout
    loaded = {name.partition(".")[0] for name in printed.split()}
    assert "fastapi" in loaded
    assert loaded.isdisjoint(PIXELS)


def test_packages__below_runtime__never_read_the_environment(repository: Path) -> None:
    """Settings are read in runtime; the others receive the values that they use."""
    offenders = []
    for package in PACKAGES:
        for path in (repository / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in {"getenv", "environb"}:
                    offenders.append(f"{path.name}:{node.lineno}")
                # ultralytics takes its own settings from the environment alone, so the training tools write there.
                if isinstance(node, ast.Attribute) and node.attr == "environ" and "training" not in path.parts:
                    offenders.append(f"{path.name}:{node.lineno}")
    assert offenders == []
