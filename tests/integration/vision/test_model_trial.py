"""What becomes of files that people offer as models, through the command's own function, on the real runtimes."""

from pathlib import Path

import numpy as np
import pytest

from domain.errors import SiteproofError
from domain.media import Detection, MediaFormat
from runtime.detectors import load_detectors
from runtime.model_commands import add_model, add_shipped_model
from runtime.settings import Settings
from tests.onnx_model import colour_cells
from vision.detector import Sight
from vision.model_registry import ModelExists, UnknownModel, list_models, remove_model
from vision.model_set import ModelSet
from vision.picture import Picture, load_picture
from vision.weights import load_manifest

COLOURS = ("red", "green", "blue")
SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation of its own."""
    return Settings(home=tmp_path / "home")


def write(tmp_path: Path, content: bytes) -> Path:
    """A file that is offered."""
    path = tmp_path / "offered.onnx"
    path.write_bytes(content)
    return path


REFUSED = {
    "nothing": (b"", "model.not_onnx"),
    "a text": (b"no network at all", "model.not_onnx"),
    "a network that is cut off": (colour_cells()[:-200], "model.not_onnx"),
    "a picture of one channel": (colour_cells(channels=1), "model.wrong_input"),
    "half precision": (colour_cells(input_kind=10), "model.wrong_input"),
    "a side that is no multiple of 32": (colour_cells(48), "model.wrong_input"),
    "a head on its side": (colour_cells(lying=True), "model.no_yolo_head"),
    "two outputs": (colour_cells(outputs=2), "model.no_yolo_head"),
    "scores above 1": (colour_cells(gain=5.0), "model.no_yolo_head"),
    "other files": (colour_cells(external=True), "model.external_data"),
    "other files, hidden in a node": (colour_cells(external=True, in_subgraph=True), "model.external_data"),
    "somebody's own operator": (colour_cells(last=("com.acme", "Magic")), "model.unknown_operator"),
    "an operator of no release": (colour_cells(last=("", "Wonder")), "model.unknown_operator"),
    "other names in the file": (colour_cells(names=("blue", "green", "red")), "model.classes_unknown"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_add_model__wrong_file__is_refused_with_its_code_and_nothing_changes(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    """Every way to be no detector has its reason."""
    content, code = REFUSED[name]
    with pytest.raises(SiteproofError) as caught:
        add_model(settings, write(tmp_path, content), name="colours", classes="red,green,blue")
    assert caught.value.code == code
    assert not settings.models_folder.exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ({"classes": "red,green"}, "model.class_count"),
        ({"classes": "red,green,blue,rebar"}, "model.class_count"),
        ({"classes": ""}, "model.classes_unknown"),
        ({"classes": "red,red,blue"}, "model.classes_unknown"),
        ({"sha256": SHA256_OF_NOTHING}, "vision.weights_mismatch"),
        ({"mapping": ("pink=hardhat",)}, "model.invalid_mapping"),
        ({"mapping": ("red=Hard Hat",)}, "model.invalid_mapping"),
        ({"mapping": ("red",)}, "model.invalid_mapping"),
        ({"mapping": ("red=a", "red=b")}, "model.invalid_mapping"),
        ({"classes": "red,green,钢筋"}, "model.invalid_mapping"),
        ({"threshold": ("red=high",)}, "model.invalid_mapping"),
        ({"threshold": ("red=1.5",)}, "model.invalid_mapping"),
        ({"threshold": ("red=nan",)}, "model.invalid_mapping"),
        ({"name": "../up"}, "identifier.invalid"),
        ({"name": "siteproof-ppe"}, "model.exists"),
    ],
)
def test_add_model__wrong_words_about_it__are_refused(
    settings: Settings, tmp_path: Path, words: dict[str, object], code: str
) -> None:
    """A manifest that does not fit the network is never written."""
    given: dict[str, object] = {"name": "colours", "classes": "red,green,blue"} | words
    with pytest.raises(SiteproofError) as caught:
        add_model(settings, write(tmp_path, colour_cells()), **given)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert not settings.models_folder.exists()


def test_add_model__too_large__is_refused_unread(settings: Settings, tmp_path: Path) -> None:
    """A file of a gigabyte (of holes) is not taken into memory to find out that it is too much."""
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(SiteproofError) as caught:
        add_model(settings, path, name="large", classes="red")
    assert caught.value.code == "model.too_large"


def test_add_model__missing_file__is_told(settings: Settings, tmp_path: Path) -> None:
    """A path that leads nowhere is an expected error."""
    with pytest.raises(SiteproofError) as caught:
        add_model(settings, tmp_path / "none.onnx", name="none", classes="red")
    assert caught.value.code == "vision.weights_missing"


def test_model__added_listed_removed(settings: Settings, tmp_path: Path) -> None:
    """The same twice is once; another of its name is a conflict; removed, its files are gone."""
    path = write(tmp_path, colour_cells(names=COLOURS))
    assert add_model(settings, path, name="colours", mapping=("red=rebar,blue=",))[0]
    assert not add_model(settings, path, name="colours", mapping=("red=rebar,blue=",))[0]
    with pytest.raises(ModelExists):
        add_model(settings, path, name="colours", version="2")
    (model,) = list_models(settings.models_folder)
    assert (model.name, model.classes, model.labels) == ("colours", COLOURS, ("rebar", "green", None))
    remove_model(settings.models_folder, name="colours")
    assert list(settings.models_folder.iterdir()) == []
    with pytest.raises(UnknownModel):
        remove_model(settings.models_folder, name="colours")


def test_load_detectors__with_a_model_beside_the_shipped_one__tells_what_both_see(
    settings: Settings, tmp_path: Path, repository: Path
) -> None:
    """Each with its own thresholds and name; what the mapping leaves out is not told, a broken model does not look."""
    add_model(
        settings,
        write(tmp_path, colour_cells(names=COLOURS)),
        name="colours",
        mapping=("red=rebar,green=",),
        threshold=("red=0.9,green=0,blue=0.99",),
    )
    alone = load_detectors(Settings(home=tmp_path / "other"))
    both = load_detectors(settings)
    assert both.model_name == f"{alone.model_name} + colours 1 openvino"
    assert set(both.model_hashes) == {"siteproof-ppe", "colours"}
    photo = repository / "sample_media" / "road-no-hardhat.jpg"
    picture = load_picture(photo, media_format=MediaFormat.JPEG, max_side_px=1280)
    red = Picture(picture.pixels.copy(), width_px=picture.width_px, height_px=picture.height_px)
    height, width = red.pixels.shape[:2]
    # More than two of the four cells each way, so that one lies wholly in it.
    red.pixels[: height * 3 // 4, : width // 2] = (0, 0, 255)
    seen = both.look(red)
    assert {each.model for each in seen.detections if each.label == "rebar"} == {"colours"}
    assert {each.label for each in seen.detections if each.model == "colours"} == {"rebar"}
    own = [each for each in seen.detections if each.model == "siteproof-ppe"]
    assert own == list(alone.look(red).detections)
    (weights,) = settings.models_folder.glob("*.onnx")
    weights.write_bytes(weights.read_bytes() + b"\x00")
    assert load_detectors(settings).model_name == alone.model_name


class Fixed:
    """A detector that always sees the same."""

    def __init__(self, name: str, *detections: Detection) -> None:
        """See `detections`."""
        self.model_name = f"{name} 1"
        self.model_hashes = {name: "0" * 64}
        self._detections = detections

    def look(self, picture: Picture) -> Sight:
        """See `Detector.look`."""
        assert picture.pixels.size
        return Sight(self._detections)


def test_model_set__same_label_in_one_place__is_told_once_by_the_surer() -> None:
    """Boxes of 100 x 100 that are shifted by 10 overlap by 90 / 110 = 0.82; another label there stays."""
    first = Detection("cone", 0.6, (0, 0, 100, 100), model="a")
    second = Detection("cone", 0.8, (10, 0, 110, 100), model="b")
    third = Detection("fire", 0.5, (0, 0, 100, 100), model="b")
    far = Detection("cone", 0.3, (500, 0, 600, 100), model="a")
    picture = load_blank()
    both = ModelSet([Fixed("a", first, far), Fixed("b", second, third)])
    assert both.look(picture).detections == (second, third, far)
    assert ModelSet([Fixed("a")]).look(picture) == Sight(())


def load_blank() -> Picture:
    """A black picture."""
    return Picture(np.zeros((8, 8, 3), np.uint8), width_px=8, height_px=8)


def test_add_shipped_model__cracks__as_its_manifest_describes_it(settings: Settings) -> None:
    """The model of cracks that comes with the product is added by its manifest, with its threshold, and once."""
    manifest = settings.weights.parent / "siteproof-crack.json"
    assert add_shipped_model(settings, manifest) == (True, "siteproof-crack 1")
    assert add_shipped_model(settings, manifest)[0] is False
    (kept,) = list_models(settings.models_folder)
    described = load_manifest(manifest)
    assert (kept.sha256, kept.classes, dict(kept.thresholds)) == (
        described.sha256,
        ("crack",),
        dict(described.thresholds),
    )


def test_add_shipped_model__the_one_that_looks_already(settings: Settings) -> None:
    """The shipped detector is no second one."""
    with pytest.raises(ModelExists):
        add_shipped_model(settings, settings.weights)
