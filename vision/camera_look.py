"""What of a fixed camera's picture tells whether it sees anything, and whether it is the same as the one before."""

from typing import Final

import cv2
import numpy as np

from domain.camera_health import Look
from vision.picture import Picture

DARK_GREY: Final = 32
"""A picture is dark if 99 of 100 of its pixels are darker: full-range black is 0, video's 16, and noise adds to it. A
street lamp or a camera's own infrared light up more than that."""

_COLUMNS: Final = 24
_ROWS: Final = 16
_LIGHTEST: Final = 99.0


def look_at(picture: Picture) -> Look:
    """Judge a picture by itself.

    Args:
        picture: upright, perhaps reduced; always reduced in the same way for one camera.
    """
    grey = np.asarray(cv2.cvtColor(picture.pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    height, width = grey.shape
    rows = ((np.arange(_ROWS) + 0.5) * height / _ROWS).astype(int)
    columns = ((np.arange(_COLUMNS) + 0.5) * width / _COLUMNS).astype(int)
    return Look(bool(np.percentile(grey, _LIGHTEST) < DARK_GREY), grey[np.ix_(rows, columns)].tobytes())
