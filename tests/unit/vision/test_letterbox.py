import numpy as np
import pytest

from vision.letterbox import letterbox, place, unletterbox
from vision.picture import Picture


def test_place__landscape() -> None:
    """1280 x 720 in 640: half size, 640 x 360, (640 - 360) / 2 = 140 above it."""
    placement = place(1280, 720, side_px=640)
    assert (placement.left_px, placement.top_px, placement.width_px, placement.height_px) == (0, 140, 640, 360)


def test_place__odd_padding() -> None:
    """561 x 789 in 640: height 640, width round(561 x 640 / 789) = round(455.06) = 455; 185 / 2 = 92.5 goes to 92."""
    placement = place(561, 789, side_px=640)
    assert (placement.left_px, placement.top_px, placement.width_px, placement.height_px) == (92, 0, 455, 640)


def test_letterbox__red_picture() -> None:
    """Blue, green, red in; red, green, blue in [0, 1] out, with grey 114 / 255 above and below."""
    pixels = np.zeros((32, 64, 3), np.uint8)
    pixels[:, :, 2] = 255
    square, _ = letterbox(Picture(pixels, width_px=64, height_px=32), 64)
    assert square.shape == (1, 3, 64, 64)
    assert square.dtype == np.float32
    assert square[0, :, 32, 32].tolist() == [1, 0, 0]
    assert square[0, :, 15, 0].tolist() == pytest.approx([114 / 255] * 3)
    assert square[0, :, 16, 0].tolist() == [1, 0, 0]
    assert square[0, :, 48, 0].tolist() == pytest.approx([114 / 255] * 3)


def test_unletterbox__reduced_picture() -> None:
    """4000 x 3000, decoded at 1000 x 750, fills 640 x 480 of 640 from y = 80: 6.25 times back, then the border."""
    picture = Picture(np.zeros((750, 1000, 3), np.uint8), width_px=4000, height_px=3000)
    _, placement = letterbox(picture, 640)
    boxes = np.array([[64, 80, 128, 180], [-5, 70, 700, 600]], np.float32)
    back = unletterbox(boxes, placement=placement, picture=picture)
    assert back.tolist() == [[400, 0, 800, 625], [0, 0, 4000, 3000]]


def test_unletterbox__nothing() -> None:
    """No boxes stay no boxes."""
    picture = Picture(np.zeros((4, 4, 3), np.uint8), width_px=4, height_px=4)
    _, placement = letterbox(picture, 32)
    assert unletterbox(np.empty((0, 4), np.float32), placement=placement, picture=picture).shape == (0, 4)
