"""Tests of the way from an int8 OpenVINO model to a float one."""

from pathlib import Path

import numpy as np
import openvino
import pytest
import torch
from openvino import opset13
from ultralytics.nn.tasks import DetectionModel

from vision.training.dequantise import (
    WarmStartMismatchError,
    WarmStartNotFoundError,
    load_convolutions,
    read_convolutions,
    recalibrate,
)


def save_int8_model(folder: Path) -> None:
    """A model of one int8 convolution of 1 x 1: two channels out, one in."""
    picture = opset13.parameter([1, 1, 4, 4], np.float32)
    quantised = opset13.constant(np.array([[[[100]]], [[[-50]]]], dtype=np.int8))
    zero_point = opset13.constant(np.array([[[[4.0]]], [[[0.0]]]], dtype=np.float32))
    scale = opset13.constant(np.array([[[[0.5]]], [[[0.02]]]], dtype=np.float32))
    weight = opset13.multiply(opset13.subtract(opset13.convert(quantised, np.float32), zero_point), scale)
    convolution = opset13.convolution(picture, weight, [1, 1], [0, 0], [0, 0], [1, 1])
    convolution.set_friendly_name("/model.22/cv2.0/cv2.0.1/conv/Conv/WithoutBiases")
    bias = opset13.constant(np.array([[[[7.0]], [[-3.0]]]], dtype=np.float32))
    model = openvino.Model([opset13.add(convolution, bias)], [picture], "tiny")
    openvino.serialize(model, folder / "tiny.xml")


def test_read_convolutions__int8_with_scale_and_zero_point(tmp_path: Path) -> None:
    """The float weight is (int8 - zero point) x scale, under the module path that the friendly name tells."""
    save_int8_model(tmp_path)
    convolutions = read_convolutions(tmp_path)
    assert list(convolutions) == ["model.22.cv2.0.1.conv"]
    # (100 - 4) x 0.5 = 48 and (-50 - 0) x 0.02 = -1.
    np.testing.assert_allclose(convolutions["model.22.cv2.0.1.conv"].weight.ravel(), [48.0, -1.0], rtol=1e-6)
    np.testing.assert_allclose(convolutions["model.22.cv2.0.1.conv"].bias, [7.0, -3.0])


def test_read_convolutions__folder_without_model(tmp_path: Path) -> None:
    """A folder without an IR is refused by name."""
    with pytest.raises(WarmStartNotFoundError, match=r"no OpenVINO model"):
        read_convolutions(tmp_path)


def test_load_convolutions__another_architecture(tmp_path: Path) -> None:
    """Convolutions that are not the model's are refused, not put where they happen to fit."""
    save_int8_model(tmp_path)
    model = DetectionModel("yolov8n.yaml", nc=80, verbose=False)
    with pytest.raises(WarmStartMismatchError, match=r"Not the same architecture"):
        load_convolutions(model, convolutions=read_convolutions(tmp_path))


def test_load_convolutions__gives_what_the_ir_gives(warm_start: Path) -> None:
    """The rebuilt model and the IR under OpenVINO give the same boxes and scores."""
    model = DetectionModel("yolov8n.yaml", nc=80, verbose=False)
    load_convolutions(model, convolutions=read_convolutions(warm_start))
    pictures = np.random.default_rng(3).random((1, 3, 64, 64), dtype=np.float32)
    compiled = openvino.Core().compile_model(warm_start / "random.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    with torch.no_grad():
        rebuilt = model.eval()(torch.from_numpy(pictures))[0].numpy()
    np.testing.assert_allclose(rebuilt, compiled(pictures)[0], rtol=1e-3, atol=1e-3)


def test_recalibrate__keeps_evaluation_and_brings_training_near(warm_start: Path) -> None:
    """Recalibrated, evaluation mode gives what it gave, and training mode on the same batch gives the same too."""
    model = DetectionModel("yolov8n.yaml", nc=80, verbose=False)
    load_convolutions(model, convolutions=read_convolutions(warm_start))
    batch = torch.from_numpy(np.random.default_rng(4).random((4, 3, 64, 64), dtype=np.float32))
    with torch.no_grad():
        before = model.eval()(batch)[1]["scores"]
        untouched_training = model.train()(batch)["scores"]
        load_convolutions(model, convolutions=read_convolutions(warm_start))
        recalibrate(model, batches=[batch])
        after = model.eval()(batch)[1]["scores"]
        training = model.train()(batch)["scores"]
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(training, before, rtol=1e-2, atol=1e-2)
    # Without it the identity norms would be replaced by the batch's statistics, and the function lost.
    assert float((untouched_training - before).abs().max()) > 10 * float((training - before).abs().max())


def test_recalibrate__without_pictures(warm_start: Path) -> None:
    """No batch at all is an error, not a model with unset statistics."""
    model = DetectionModel("yolov8n.yaml", nc=80, verbose=False)
    load_convolutions(model, convolutions=read_convolutions(warm_start))
    with pytest.raises(WarmStartMismatchError, match=r"at least one batch"):
        recalibrate(model, batches=[])
