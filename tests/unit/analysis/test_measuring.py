import numpy as np

from analysis.measuring import choose_lens
from vision.lens import guess_lens

# 27 mm on 2000 x 1500 px: 27 / 43.27 x 2500 = 1560 px.
TAGS = {"EXIF FocalLengthIn35mmFilm": "27"}


def calibration(focal_mm: int, *, width_px: int = 2000) -> dict[str, object]:
    """A calibration's JSON of a lens of this focal length, known within a thousandth."""
    lens = guess_lens(width_px, 1500, tags={"EXIF FocalLengthIn35mmFilm": str(focal_mm)})
    told = lens.to_json() | {"source": "calibration"}
    told["covariance"] = np.diag([1e-6, 1.0, 1.0, 1e-6, 1e-6]).tolist()
    return told


def test_choose_lens__a_calibration_of_this_camera__is_taken() -> None:
    """26 and 27 mm are 4 % apart, within EXIF's rounding."""
    assert choose_lens(2000, 1500, tags=TAGS, camera=calibration(26)).source == "calibration"
    assert choose_lens(4000, 3000, tags={}, camera=calibration(26)).source == "calibration"


def test_choose_lens__a_calibration_of_another_camera__is_left_alone() -> None:
    """13 mm is another lens than 27 mm; a picture of another shape is another camera's."""
    assert choose_lens(2000, 1500, tags=TAGS, camera=calibration(13)).source == "exif"
    assert choose_lens(2000, 1500, tags=TAGS, camera=calibration(27, width_px=2667)).source == "exif"
    assert choose_lens(2000, 1500, tags=TAGS, camera=None).source == "exif"
    assert choose_lens(2000, 1500, tags={}, camera=None).source == "assumed"
