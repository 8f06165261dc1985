"""Reduced pictures of files on disk."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from domain.media import MediaFormat
from vision.annotation import annotate
from vision.picture import load_picture


def test_annotate__turned_and_reduced(tmp_path: Path) -> None:
    """A photo of 3000 x 2000 that is to be turned comes out upright, 853 x 1280, and without its EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (3000, 2000), (90, 120, 30)).save(path, exif=exif)
    shown = annotate(load_picture(path, media_format=MediaFormat.JPEG, max_side_px=1280), detections=())
    # 2000 x 1280 / 3000 = 853.3
    assert np.asarray(cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)).shape == (1280, 853, 3)
    assert b"Exif" not in shown
