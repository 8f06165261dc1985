import numpy as np

from domain.camera_health import SAME_SHARE
from vision.camera_look import look_at
from vision.picture import Picture


def _picture(grey: float, *, noise: float = 0.0, seed: int = 0) -> Picture:
    """A picture of one grey with a sensor's noise."""
    values = np.random.default_rng(seed).normal(grey, noise, (480, 640, 1))
    pixels = np.repeat(np.clip(np.rint(values), 0, 255), 3, axis=2).astype(np.uint8)
    return Picture(pixels, width_px=640, height_px=480)


def test_look_at__dark() -> None:
    """Black with a sensor's noise is dark; dusk is not, nor is a night with one lamp."""
    assert look_at(_picture(8, noise=5)).is_dark
    assert not look_at(_picture(45)).is_dark
    lamp = _picture(8, noise=5)
    # 60 x 60 of 640 x 480 pixels are 1.2 % of them.
    lamp.pixels[100:160, 100:160] = 200
    assert not look_at(lamp).is_dark


def test_look_at__points__tell_the_same_picture_from_the_same_scene() -> None:
    """The same pixels have the same points; with noise of two grey levels anew, few of them are alike."""
    first, again, live = (look_at(_picture(120, noise=2, seed=seed)).points for seed in (1, 1, 2))
    assert first == again
    # Two normal values of sigma 2, rounded, are alike with a chance of about 1 / (2 sqrt(pi) 2) = 0.14.
    alike = sum(a == b for a, b in zip(first, live, strict=True)) / len(first)
    assert alike < 0.3 < SAME_SHARE
