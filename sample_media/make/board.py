"""The printed fiducial board that lies in `bridge-board.jpg`: its size on paper, and its picture.

The layout is the one that `siteproof measure --board aruco:DICT_6X6_1000:5x4:37.5mm:5mm` reads: five columns, four
rows, ids from 0 at the top left, row by row.

Imported by Blender too, so OpenCV is loaded only where the picture is drawn.
"""

from __future__ import annotations

import argparse
from pathlib import Path

COLUMNS, ROWS = 5, 4
SIDE_M, GAP_M, MARGIN_M = 0.0375, 0.005, 0.010
BOARD_SIZE_M = (
    COLUMNS * SIDE_M + (COLUMNS - 1) * GAP_M + 2 * MARGIN_M,
    ROWS * SIDE_M + (ROWS - 1) * GAP_M + 2 * MARGIN_M,
)
PIXELS_PER_M = 8000


def draw(path: Path) -> None:
    """Writes the board's picture as a PNG file, white margin included."""
    import cv2  # noqa: PLC0415  (Blender's Python has none)

    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_6X6_1000)
    grid = cv2.aruco.GridBoard((COLUMNS, ROWS), SIDE_M, GAP_M, dictionary)
    width, height = (round(side * PIXELS_PER_M) for side in BOARD_SIZE_M)
    picture = grid.generateImage((width, height), marginSize=round(MARGIN_M * PIXELS_PER_M), borderBits=1)
    cv2.imwrite(str(path), picture)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="PNG file to write")
    draw(parser.parse_args().path)
