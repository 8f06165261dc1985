import json
from pathlib import Path

import numpy as np
import pytest

from vision.lens import InvalidCamera, Lens, guess_lens, read_lens


def test_guess_lens__exif__is_the_equivalent_focal_length() -> None:
    """26 mm on film of 43.27 mm diagonal, on 4000 x 3000 px of 5000 px diagonal: 26 / 43.27 x 5000 = 3004.4 px."""
    lens = guess_lens(4000, 3000, tags={"EXIF FocalLengthIn35mmFilm": "26"})
    assert lens.focal_px == pytest.approx(3004.4, abs=0.1)
    assert lens.source == "exif"
    assert float(np.sqrt(lens.covariance[0, 0])) == pytest.approx(0.03)


@pytest.mark.parametrize("text", ["0", "", "abc", "nan"])
def test_guess_lens__exif_says_nothing__is_told_to_be_a_guess(text: str) -> None:
    """0 is EXIF's word for unknown; a guess has an uncertainty of a quarter, eight times that of EXIF."""
    lens = guess_lens(4000, 3000, tags={"EXIF FocalLengthIn35mmFilm": text})
    assert lens.source == "assumed"
    assert float(np.sqrt(lens.covariance[0, 0])) == pytest.approx(0.25)


def make_lens() -> Lens:
    """Focal length 3000 px, its centre 20 px right of the middle."""
    values = np.array([np.log(3000.0), 2019.5, 1499.5, 0.01, 0.0])
    return Lens(4000, 3000, values, np.diag([1e-6, 4.0, 9.0, 1e-6, 1e-6]), "calibration")


def test_fit_picture__half_the_size__halves_what_is_in_pixels() -> None:
    """3000 px become 1500, an uncertainty of 2 px becomes 1; distortion has no pixels."""
    half = make_lens().fit_picture(2000, 1500)
    assert half.focal_px == pytest.approx(1500)
    assert half.values[1] == pytest.approx(1009.75)
    assert float(half.covariance[1, 1]) == pytest.approx(1.0)
    assert half.values[3] == pytest.approx(0.01)


def test_fit_picture__turned__moves_the_centre_to_the_middle_with_doubt() -> None:
    """Which way it was turned is not known: 20 px to one side becomes sqrt(2^2 + 20^2) px of doubt along y."""
    turned = make_lens().fit_picture(3000, 4000)
    assert turned.values[1:3] == pytest.approx([1499.5, 1999.5])
    assert float(turned.covariance[2, 2]) == pytest.approx(404.0)


def test_fit_picture__another_shape__is_refused() -> None:
    """A cropped photo has another centre."""
    with pytest.raises(InvalidCamera, match="4000 x 3000"):
        make_lens().fit_picture(4000, 2250)


def test_read_lens__as_written__comes_back(tmp_path: Path) -> None:
    """And what is no calibration is refused."""
    path = tmp_path / "camera.json"
    path.write_text(json.dumps(make_lens().to_json()))
    assert read_lens(path).values == pytest.approx(make_lens().values)
    for text in ("", "[]", "{}", '{"width_px": 1}', json.dumps(make_lens().to_json() | {"values": [1, 2]})):
        path.write_text(text)
        with pytest.raises(InvalidCamera):
            read_lens(path)
    with pytest.raises(InvalidCamera, match="cannot be read"):
        read_lens(tmp_path / "none.json")
