"""`siteproof print-board`, `calibrate` and `measure`, as typed, on rendered photos with EXIF."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import ExifTags, Image

from runtime.command_line import main
from vision.board import parse_board
from vision.rendered_scene import Conditions, Mesh, PlacedBoard, TrueLine, View, render

SPEC = "aruco:DICT_6X6_1000:5x4:37.5mm:5mm"
FOCAL_PX = 1560.0  # 27 mm on film: 27 / 43.27 x 2500 px


def run(*arguments: object) -> Result:
    """What the command gives."""
    return CliRunner().invoke(main, [str(each) for each in arguments])


def lines_of(result: Result) -> list[dict[str, Any]]:
    """The lines of JSON."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def look(turn: tuple[float, float], *, distance_mm: float, shift_mm: tuple[float, float] = (0.0, 0.0)) -> View:
    """A camera turned about the picture's x and y axes [deg]."""
    axis = np.radians([turn[0], turn[1], 0.0])
    rotation = np.asarray(cv2.Rodrigues(axis)[0], np.float64)
    return View(rotation, np.array([*shift_mm, distance_mm]), FOCAL_PX, 0.0, 0.0, 1.0, np.zeros(3))


def make_mesh() -> Mesh:
    """150 mm apart both ways."""
    upper = tuple(TrueLine(np.array([0.0, place]), np.array([1.0, 0.0])) for place in range(-525, 526, 150))
    lower = tuple(TrueLine(np.array([place, 0.0]), np.array([0.0, 1.0])) for place in range(-525, 526, 150))
    return Mesh((upper, lower), 12.0, (150.0, 60.0))


def save(path: Path, view: View, *, focal_mm: int | None) -> Path:
    """A photo of a mesh, with the focal length in its EXIF."""
    board = PlacedBoard(parse_board(SPEC))
    grey = render(view, (board,), paint=make_mesh().paint, conditions=Conditions(), rng=np.random.default_rng(2))
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Siteproof"
    if focal_mm is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FocalLengthIn35mmFilm] = focal_mm
    Image.fromarray(grey).convert("RGB").save(path, "JPEG", quality=92, exif=exif)
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mesh of 150 mm, from 900 mm, tilted by 20 degrees."""
    return save(tmp_path_factory.mktemp("measure") / "mesh.jpg", look((20.0, 0.0), distance_mm=900), focal_mm=27)


def test_print_board__spec__is_a_pdf(tmp_path: Path) -> None:
    """And a malformed one is refused with its code."""
    path = tmp_path / "board.pdf"
    assert run("print-board", "--board", SPEC, "-o", path).exit_code == 0
    assert path.read_bytes().startswith(b"%PDF-1.4")
    refused = run("print-board", "--board", "aruco:none", "-o", path)
    assert (refused.exit_code, "board.invalid_spec" in refused.stderr) == (2, True)


def test_measure__within_tolerance__passes_with_interval_and_overlay(photo: Path, tmp_path: Path) -> None:
    """150 +/- 10 mm: the worst gap is told within some 3 mm."""
    given = ("measure", photo, "--board", SPEC, "--require", "rebar_spacing:150:10", "--overlay", tmp_path)
    result = run(*given, "--json")
    assert result.exit_code == 0, result.output
    (line,) = lines_of(result)
    assert line["camera"] == "exif"
    assert line["board"]["tilt_deg"] == pytest.approx(20, abs=3)
    assert [each["verdict"] for each in line["measurements"]] == ["pass", "pass"]
    for each in line["measurements"]:
        low, high = each["interval_mm"]
        assert low < 150 < high
        assert each["missing_bars"] == 0
    drawn = cv2.imread(line["overlay"])
    assert drawn is not None
    assert drawn.shape == (1500, 2000, 3)


def test_measure__exit_code__tells_fail_open_and_unreadable(photo: Path, tmp_path: Path) -> None:
    """1 for a spacing that fails or cannot be told, 2 for a file that cannot be read; the others are still measured."""
    failing = run("measure", photo, "--board", SPEC, "--require", "rebar_spacing:200:10")
    assert (failing.exit_code, "fail" in failing.output) == (1, True)
    other = run("measure", photo, "--board", "aruco:DICT_4X4_50:5x4:37.5mm:5mm", "--json")
    assert other.exit_code == 1
    assert {each["code"] for each in lines_of(other)[0]["cannot_tell"]} == {"board.wrong_dictionary"}
    mixed = run("measure", tmp_path / "none.jpg", photo, "--board", SPEC, "--quantity", "rebar_spacing", "--json")
    assert mixed.exit_code == 2
    assert [line.get("error", {}).get("code") for line in lines_of(mixed)] == ["measure.unreadable_photo", None]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--mark", "1,2"), "measure.invalid_mark"),
        (("--mark", "1,2", "--mark", "a,b"), "measure.invalid_mark"),
        (("--require", "width:1"), "measurement.invalid_tolerance"),
        (("--board", SPEC), "board.invalid_spec"),
        (("--camera", "nothing.json"), "camera.invalid_calibration"),
    ],
)
def test_measure__malformed__is_refused(photo: Path, more: tuple[str, ...], code: str) -> None:
    """Nothing is measured, and the code says what is wrong."""
    result = run("measure", photo, "--board", SPEC, *more)
    assert (result.exit_code, code in result.stderr) == (2, True)


def test_calibrate__six_photos__finds_the_focal_length_that_measure_takes(photo: Path, tmp_path: Path) -> None:
    """1560 px within four of its standard uncertainties; a photo without the board is told and left out."""
    places = [((30.0, 0.0), (-60.0, -40.0)), ((-30.0, 0.0), (60.0, 40.0)), ((0.0, 30.0), (-60.0, 40.0))]
    places += [((0.0, -30.0), (60.0, -40.0)), ((25.0, 25.0), (0.0, 0.0)), ((-25.0, 25.0), (0.0, 30.0))]
    photos = [
        save(tmp_path / f"{index}.jpg", look(turn, distance_mm=380, shift_mm=shift), focal_mm=None)
        for index, (turn, shift) in enumerate(places)
    ]
    bare = tmp_path / "bare.jpg"
    cv2.imwrite(str(bare), np.full((1500, 2000), 128, np.uint8))
    camera = tmp_path / "camera.json"
    result = run("calibrate", *photos, bare, "--board", SPEC, "-o", camera)
    assert result.exit_code == 0, result.output
    assert "bare.jpg: left out" in result.stderr
    told = json.loads(camera.read_text())
    assert told["focal_px"] == pytest.approx(FOCAL_PX, abs=4 * told["focal_u_px"])
    assert told["focal_u_px"] < 0.02 * FOCAL_PX
    measured = run("measure", photo, "--board", SPEC, "--camera", camera, "--quantity", "rebar_spacing", "--json")
    assert lines_of(measured)[0]["camera"] == "calibration"


def test_calibrate__one_view__is_refused(photo: Path, tmp_path: Path) -> None:
    """And nothing is written."""
    camera = tmp_path / "camera.json"
    result = run("calibrate", photo, "--board", SPEC, "-o", camera)
    assert (result.exit_code, "camera.undetermined" in result.stderr) == (2, True)
    assert not camera.exists()
