"""Tests of a whole run on drawn pictures: warm start, one epoch, export, and the files that come of it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import openvino
import pytest
import torch
from PIL import Image

from vision.training.dequantise import WarmStartMismatchError, read_convolutions
from vision.training.detector import (
    CheckpointMalformedError,
    CheckpointNotFoundError,
    load_averaged,
    load_checkpoint,
    load_exported,
    save_checkpoint,
)
from vision.training.evaluation import ExportedSizeError, evaluate
from vision.training.export import ExportSizeError, export, write_onnx
from vision.training.model_card import ProvenanceMalformedError, read_provenance
from vision.training.sources import LabelledPicture, PartlyLabelled, list_pictures
from vision.training.trainer import (
    EpochReport,
    TrainingArgumentError,
    _Pictures,
    _Plan,
    fill_from_teacher,
    has_bfloat16,
    train,
)
from vision.weights import load_manifest, verify_weights

CLASSES = ("person", "hardhat", "no_hardhat")
SIDE_PX = 64


@pytest.fixture(scope="module")
def reports() -> list[EpochReport]:
    """What the run reported, filled by `checkpoint`."""
    return []


@pytest.fixture(scope="module")
def partly_labelled(drawn_data: Path) -> PartlyLabelled:
    """The drawn training pictures again, with the heads only labelled and a part held out."""
    return PartlyLabelled(folder=drawn_data / "train", classes=("hardhat", "no_hardhat"), held_out_fraction=0.5)


@pytest.fixture(scope="module")
def checkpoint(
    drawn_data: Path,
    warm_start: Path,
    partly_labelled: PartlyLabelled,
    tmp_path_factory: pytest.TempPathFactory,
    reports: list[EpochReport],
) -> Path:
    """One epoch on the drawn pictures."""
    return train(
        data=drawn_data,
        warm_start=warm_start,
        output=tmp_path_factory.mktemp("runs"),
        epochs=1,
        image_size=SIDE_PX,
        partly_labelled=[partly_labelled],
        batch_size=4,
        validation_size=SIDE_PX,
        threads=1,
        on_epoch=reports.append,
    )


@pytest.fixture(scope="module")
def manifest(
    checkpoint: Path, drawn_data: Path, partly_labelled: PartlyLabelled, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The exported files of the run."""
    output = tmp_path_factory.mktemp("weights")
    (output / "provenance.json").write_text(json.dumps(PROVENANCE))
    return export(
        checkpoints=[checkpoint],
        data=drawn_data,
        provenance=output / "provenance.json",
        output=output,
        image_size=SIDE_PX,
        partly_labelled=[partly_labelled],
        name="drawn",
        threads=1,
    )


def as_set(title: str) -> dict[str, str]:
    """A set of pictures as a provenance file gives it."""
    return {"title": title, "source": "drawn here", "licence": "CC0-1.0", "attribution": "nobody", "use": "all"}


PROVENANCE = {
    "summary": "A detector of drawn figures.",
    "data": [as_set("figures")],
    "warm_start": as_set("random weights"),
    "commit": "",
    "command": "siteproof train --data drawn",
    "training": ["One epoch."],
    "weaknesses": ["It has seen nothing."],
}


def test_train__one_epoch_reports(checkpoint: Path, reports: list[EpochReport]) -> None:
    """An epoch gives finite losses and a checkpoint of the data's classes, and the log says the same as the report."""
    (report,) = reports
    assert report.checkpoint == checkpoint
    assert np.isfinite([report.box_loss, report.class_loss, report.shape_loss]).all()
    assert 0 <= report.map50 <= 1
    logged = [json.loads(line) for line in (checkpoint.parent / "epochs.jsonl").read_text().splitlines()]
    assert [(row["epoch"], row["map50"]) for row in logged] == [(1, report.map50)]
    model, facts = load_checkpoint(checkpoint)
    assert tuple(model.names.values()) == CLASSES
    assert facts["epochs"] == 1.0


def test_train__same_seed_same_weights(
    checkpoint: Path, drawn_data: Path, warm_start: Path, partly_labelled: PartlyLabelled, tmp_path: Path
) -> None:
    """The same arguments give the same weights, another seed gives others."""
    again, other = (
        train(
            data=drawn_data,
            warm_start=warm_start,
            partly_labelled=[partly_labelled],
            output=tmp_path / str(seed),
            epochs=1,
            image_size=SIDE_PX,
            batch_size=4,
            validation_size=SIDE_PX,
            threads=1,
            seed=seed,
        )
        for seed in (0, 1)
    )
    first = load_checkpoint(checkpoint)[0].state_dict()
    assert all(torch.equal(first[name], value) for name, value in load_checkpoint(again)[0].state_dict().items())
    assert not all(torch.equal(first[name], value) for name, value in load_checkpoint(other)[0].state_dict().items())


def test_train__frozen_layers_stay(checkpoint: Path, warm_start: Path) -> None:
    """The first four layers have the warm start's weights after the epoch, the fifth has others."""
    state, started = load_checkpoint(checkpoint)[0].state_dict(), read_convolutions(warm_start)
    for name in ("model.0.conv", "model.2.m.0.cv1.conv", "model.3.conv"):
        np.testing.assert_array_equal(state[f"{name}.weight"].numpy(), started[name].weight)
    assert not np.array_equal(state["model.4.cv1.conv.weight"].numpy(), started["model.4.cv1.conv"].weight)


def test_export__onnx_gives_what_torch_gives(checkpoint: Path, manifest: Path) -> None:
    """The exported file under ONNX Runtime and under OpenVINO gives the checkpoint's own boxes and scores."""
    pictures = np.random.default_rng(0).random((1, 3, SIDE_PX, SIDE_PX), dtype=np.float32)
    model, _facts = load_checkpoint(checkpoint)
    with torch.no_grad():
        reference = model(torch.from_numpy(pictures))[0].numpy()
    weights = manifest.with_suffix(".onnx")
    session = onnxruntime.InferenceSession(str(weights), providers=["CPUExecutionProvider"])
    assert [entry.name for entry in session.get_inputs()] == ["images"]
    (from_runtime,) = session.run(None, {"images": pictures})
    # 8 x 8 + 4 x 4 + 2 x 2 cells of four sides and three scores.
    assert from_runtime.shape == (1, 7, 84)
    np.testing.assert_allclose(from_runtime, reference, rtol=1e-3, atol=1e-3)
    compiled = openvino.Core().compile_model(weights, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    np.testing.assert_allclose(compiled(pictures)[0], reference, rtol=1e-3, atol=1e-3)


def test_load_exported__gives_what_the_checkpoint_gives(checkpoint: Path, manifest: Path) -> None:
    """The detector of an exported file computes what the exported one did, so that training can go on from it."""
    pictures = torch.from_numpy(np.random.default_rng(0).random((1, 3, SIDE_PX, SIDE_PX), dtype=np.float32))
    with torch.no_grad():
        reference = load_checkpoint(checkpoint)[0](pictures)[0]
        again = load_exported(manifest.with_suffix(".onnx"), classes=CLASSES)(pictures)[0]
    torch.testing.assert_close(again, reference, rtol=1e-3, atol=1e-3)


def test_load_exported__not_ours(manifest: Path, tmp_path: Path) -> None:
    """A missing file, bytes that are no model and another number of classes are refused, each for its reason."""
    with pytest.raises(CheckpointNotFoundError):
        load_exported(tmp_path / "absent.onnx", classes=CLASSES)
    (tmp_path / "junk.onnx").write_bytes(b"no model")
    with pytest.raises(CheckpointMalformedError):
        load_exported(tmp_path / "junk.onnx", classes=CLASSES)
    with pytest.raises(WarmStartMismatchError):
        load_exported(manifest.with_suffix(".onnx"), classes=(*CLASSES, "vest"))


def test_export__manifest_is_the_loaders(manifest: Path) -> None:
    """The service's own loader takes the manifest, and the file has the hash that it names."""
    loaded = load_manifest(manifest)
    assert verify_weights(loaded, manifest.parent) == manifest.with_suffix(".onnx")
    assert (loaded.classes, loaded.input_size_px, loaded.licence) == (CLASSES, SIDE_PX, "AGPL-3.0-or-later")
    assert loaded.sha256 == hashlib.sha256(manifest.with_suffix(".onnx").read_bytes()).hexdigest()


def test_export__card_tells_what_was_measured(manifest: Path, drawn_data: Path) -> None:
    """The card holds the hash, the licence of the data, and the figures that measuring the file again gives."""
    card = manifest.with_suffix(".md").read_text()
    measured = evaluate(weights=manifest.with_suffix(".onnx"), data=drawn_data, image_size=SIDE_PX, threads=1)["val"]
    assert load_manifest(manifest).sha256 in card
    assert "CC0-1.0" in card
    assert f"**{measured.map50:.3f}**" in card
    assert {score.name for score in measured.classes} == set(CLASSES)


def test_export__held_out_pictures_are_measured(manifest: Path) -> None:
    """The held-out part of a partly labelled folder has its own figures, of the classes labelled there."""
    measured = json.loads(manifest.read_text())["measured"]
    assert list(measured) == ["val", "train"]
    assert {row["name"] for row in measured["train"]["classes"]} <= {"hardhat", "no_hardhat"}


def test_evaluate__exported_model_of_another_size(manifest: Path, drawn_data: Path) -> None:
    """An exported model is not measured at a size that it does not take."""
    with pytest.raises(ExportedSizeError, match=r"96"):
        evaluate(weights=manifest.with_suffix(".onnx"), data=drawn_data, image_size=96)


def test_write_onnx__size_off_the_stride(checkpoint: Path, tmp_path: Path) -> None:
    """A size that is not a multiple of 32 is refused before anything is written."""
    with pytest.raises(ExportSizeError):
        write_onnx(load_checkpoint(checkpoint)[0], path=tmp_path / "a.onnx", image_size=100)
    assert not (tmp_path / "a.onnx").exists()


@pytest.mark.parametrize(
    "change", [{"epochs": 0}, {"limit_s": 0.0}, {"image_size": 100}, {"batch_size": 0}, {"learning_rate": 0.0}]
)
def test_train__senseless_numbers(drawn_data: Path, warm_start: Path, tmp_path: Path, change: dict[str, float]) -> None:
    """Numbers that make no sense are refused before anything is read or written."""
    arguments = {"epochs": 1, "image_size": SIDE_PX} | change
    with pytest.raises(TrainingArgumentError):
        train(data=drawn_data, warm_start=warm_start, output=tmp_path / "run", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "run").exists()


def test_load_averaged__mean_of_two(checkpoint: Path, tmp_path: Path) -> None:
    """The mean of a checkpoint and one with all weights doubled has weights half as large again."""
    model, _facts = load_checkpoint(checkpoint)
    state = model.state_dict()
    doubled = {name: value * 2 if value.is_floating_point() else value for name, value in state.items()}
    save_checkpoint(tmp_path / "doubled.pt", model=model, state=doubled, facts={"epochs": 2.5})
    averaged, facts = load_averaged([checkpoint, tmp_path / "doubled.pt"])
    torch.testing.assert_close(averaged.state_dict()["model.0.conv.weight"], state["model.0.conv.weight"] * 1.5)
    assert [each["epochs"] for each in facts] == [1.0, 2.5]
    with pytest.raises(CheckpointMalformedError):
        load_averaged([])


def test_train__start_from_and_limit(
    checkpoint: Path, drawn_data: Path, warm_start: Path, tmp_path: Path, reports: list[EpochReport]
) -> None:
    """A run goes on from a checkpoint, and one whose time is up stops after the step that it is in."""
    last = train(
        data=drawn_data,
        warm_start=warm_start,
        output=tmp_path,
        epochs=3,
        image_size=SIDE_PX,
        batch_size=2,
        validation_size=SIDE_PX,
        start_from=checkpoint,
        limit_s=1e-6,
        threads=1,
    )
    assert last.name == "epoch-001.pt"
    # One epoch before, and one of three steps of two pictures now.
    assert load_checkpoint(last)[1]["epochs"] == pytest.approx(1 + 1 / 3)
    assert len(reports) == 1


def test_load_checkpoint__not_a_checkpoint(tmp_path: Path) -> None:
    """A file of another kind, and one that is not there, are told apart."""
    (tmp_path / "a.pt").write_bytes(b"PK\x03\x04 not a checkpoint")
    with pytest.raises(CheckpointMalformedError):
        load_checkpoint(tmp_path / "a.pt")
    with pytest.raises(CheckpointNotFoundError):
        load_checkpoint(tmp_path / "b.pt")


def test_read_provenance__missing_field(tmp_path: Path) -> None:
    """A provenance file without a field is refused by the field's name."""
    (tmp_path / "p.json").write_text(json.dumps({key: value for key, value in PROVENANCE.items() if key != "command"}))
    with pytest.raises(ProvenanceMalformedError, match=r"command"):
        read_provenance(tmp_path / "p.json")


def test_fill_from_teacher__adds_confident_people_where_unlabelled(drawn_data: Path) -> None:
    """A confident person is added where people are not labelled; a doubtful one and a truck are not."""

    def teacher(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        side = pictures.shape[-1]
        head = np.zeros((1, 84, 3), dtype=np.float32)
        # Three cells apart from each other: a sure person, a truck, a doubtful person; COCO's ids are 0 and 7.
        head[0, :4] = np.array([[0.25, 0.5, 0.2, 0.2], [0.5, 0.5, 0.2, 0.2], [0.8, 0.5, 0.2, 0.2]]).T * side
        head[0, 4, 0], head[0, 4 + 7, 1], head[0, 4, 2] = 0.9, 0.9, 0.5
        return head

    classes = ("person", "hardhat", "no_hardhat")
    heads_only, all_known = (
        list_pictures(folder=drawn_data / "train", class_names=classes, known=known)[0]
        for known in (classes[1:], classes)
    )
    filled, same = fill_from_teacher([heads_only, all_known], scorer=teacher, classes=classes)
    assert filled.class_ids.tolist() == [1, 0]
    # 96 x 64 fills two thirds of the square's height: the middle stays, and a height grows by 3/2.
    np.testing.assert_allclose(filled.boxes_cxcywh[1], [0.25, 0.5, 0.2, 0.3], atol=1e-3)
    assert filled.known_classes == heads_only.known_classes
    assert_same(same, all_known)


def assert_same(first: LabelledPicture, second: LabelledPicture) -> None:
    """The two have the same labels."""
    assert first.class_ids.tolist() == second.class_ids.tolist()
    np.testing.assert_array_equal(first.boxes_cxcywh, second.boxes_cxcywh)


def test_pictures__with_a_dismissed_box__teach_its_absence_and_no_box(tmp_path: Path) -> None:
    """The dismissed box moves with the picture: it is no label of the batch, and only some cells of its class count."""
    path = tmp_path / "p.png"
    Image.new("RGB", (SIDE_PX, SIDE_PX), (90, 90, 90)).save(path)
    picture = LabelledPicture(
        path=path,
        class_ids=np.array([0]),
        boxes_cxcywh=np.array([[0.5, 0.5, 0.8, 0.8]], np.float32),
        known_classes=frozenset(),
        source="s",
        absent_ids=np.array([2]),
        absent_cxcywh=np.array([[0.5, 0.5, 0.4, 0.4]], np.float32),
    )
    _pixels, batch, known = _Pictures([picture], [_Plan(items=((0, 1),), side_px=SIDE_PX)], n_classes=3)[0]
    assert batch["cls"].flatten().tolist() == [0.0]
    # 64 + 16 + 4 cells.
    assert known.shape == (1, 84, 3)
    assert known[0, :, :2].sum() == 0
    assert 0 < known[0, :, 2].sum() < 84


def test_has_bfloat16__by_the_processors_units() -> None:
    """AVX2 alone would emulate it, ten times slower; AMX, AVX-512 BF16 and Arm's BF16 do it themselves."""
    assert not has_bfloat16({"avx2": True, "avx512_bf16": False, "amx_bf16": False})
    assert has_bfloat16({"avx2": True, "amx_bf16": True})
    assert has_bfloat16({"avx512_bf16": True})
    assert has_bfloat16({"bf16": True})
    assert not has_bfloat16({})
