"""What the training tests share: ultralytics off the network, drawn pictures with labels, a warm start made here."""

import importlib.metadata
import os
import sys
from pathlib import Path

import pytest

# All of this must be so before anything imports ultralytics, which reads it then.
os.environ.setdefault("YOLO_OFFLINE", "1")
os.environ.setdefault("YOLO_AUTOINSTALL", "0")

try:
    importlib.metadata.version("torchvision")
    import torchvision  # noqa: F401
except (ImportError, RuntimeError, OSError, AttributeError):
    # The registry's build is for CUDA and fails in one of these ways beside a torch for the CPU.
    sys.modules.pop("torchvision", None)
    sys.path.insert(0, str(Path(__file__).parent / "stand_in"))

import cv2
import numpy as np
import openvino
import torch
from ultralytics.nn.tasks import DetectionModel

from vision.training.export import write_onnx

# On a machine that does other things as well, threads that wait for each other are slower than one.
torch.set_num_threads(1)

CLASSES = ("person", "hardhat", "no_hardhat")


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder, 6 pictures to train on and 3 to validate: figures with a yellow or a dark top."""
    folder = tmp_path_factory.mktemp("drawn")
    (folder / "data.yaml").write_text(f"train: train/images\nval: val/images\nnc: 3\nnames: {list(CLASSES)}\n")
    for split, count, seed in (("train", 6, 1), ("val", 3, 2)):
        draw_pictures(folder / split, count=count, seed=seed)
    return folder


@pytest.fixture(scope="session")
def warm_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OpenVINO IR of a YOLOv8n of 80 classes with random weights."""
    folder = tmp_path_factory.mktemp("warm_start")
    torch.manual_seed(5)
    model = DetectionModel("yolov8n.yaml", nc=80, verbose=False)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            # A bias of zero would be left out of the IR; trained ones are never zero.
            torch.nn.init.uniform_(module.bias, 0.05, 0.3)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.0)
    write_onnx(model, path=folder / "random.onnx", image_size=64)
    openvino.save_model(openvino.convert_model(folder / "random.onnx"), folder / "random.xml", compress_to_fp16=False)
    return folder


def draw_pictures(folder: Path, *, count: int, seed: int) -> None:
    """Draw pictures of one figure each, 96 x 64 px, with the labels of the figure and of its head."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    rng = np.random.default_rng(seed)
    for index in range(count):
        picture = rng.integers(90, 150, size=(64, 96, 3), dtype=np.uint8)
        left, top = int(rng.integers(5, 60)), int(rng.integers(4, 20))
        helmet = index % 2 == 0
        cv2.rectangle(picture, (left, top), (left + 20, top + 40), (160, 60, 30), -1)
        cv2.rectangle(picture, (left, top), (left + 20, top + 12), (0, 220, 250) if helmet else (20, 20, 20), -1)
        cv2.imwrite(str(folder / "images" / f"{index:02d}.png"), picture)
        (folder / "labels" / f"{index:02d}.txt").write_text(
            f"0 {(left + 10) / 96} {(top + 20) / 64} {20 / 96} {40 / 64}\n"
            f"{1 if helmet else 2} {(left + 10) / 96} {(top + 6) / 64} {20 / 96} {12 / 64}\n"
        )
