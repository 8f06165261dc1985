import cv2
import numpy as np
from numpy.typing import NDArray

from domain.finding import Severity
from domain.media import Detection
from vision.annotation import annotate
from vision.hazard import Hazard
from vision.picture import Picture

_GREY = 128


def _picture(width_px: int, height_px: int) -> Picture:
    return Picture(np.full((height_px, width_px, 3), _GREY, np.uint8), width_px=width_px, height_px=height_px)


def _pixels(jpeg: bytes) -> NDArray[np.int64]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)).astype(np.int64)


def _hazard(box: tuple[float, float, float, float]) -> Hazard:
    return Hazard(
        code="safety.no_hardhat", severity=Severity.MAJOR, title={"zh": "有人"}, box_xyxy_px=box, score=0.8, details={}
    )


def test_annotate__reduced() -> None:
    """2560 x 1440 comes out as 1280 x 720, and a hazard at x = 1000 is red at x = 500."""
    shown = _pixels(annotate(_picture(2560, 1440), detections=[], hazards=[_hazard((1000, 400, 1400, 1200))]))
    assert shown.shape == (720, 1280, 3)
    blue, green, red = shown[400, 500]
    assert red > blue + 80
    assert red > green + 80
    assert np.abs(shown[400, 600] - _GREY).max() < 8


def test_annotate__small_picture_stays() -> None:
    """A small picture is not enlarged, and the one given is not drawn into."""
    picture = _picture(320, 200)
    seen = Detection(label="person", score=0.5, box_xyxy_px=(10, 10, 100, 100))
    shown = _pixels(annotate(picture, detections=[seen]))
    assert shown.shape == (200, 320, 3)
    assert np.abs(shown - _GREY).max() > 50
    assert (picture.pixels == _GREY).all()


def test_annotate__box_over_the_whole_picture() -> None:
    """Labels of boxes at the border stay inside the picture: the label's fill lies below the upper edge."""
    shown = _pixels(annotate(_picture(640, 480), detections=[], hazards=[_hazard((0, 0, 640, 480))]))
    blue, green, red = shown[3:12, 4:40].mean(axis=(0, 1))
    assert red > max(blue, green) + 50


def test_annotate__without_metadata() -> None:
    """The preview carries no EXIF: nobody's position leaves with it."""
    assert b"Exif" not in annotate(_picture(64, 64), detections=[])
