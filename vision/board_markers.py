"""A board's markers as OpenCV knows them: to look for, and to draw."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.board import Board


def load_markers(board: Board) -> cv2.aruco.Dictionary:
    """The dictionary of the board's markers."""
    return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, board.opencv_name))


def draw_cells(board: Board, marker_id: int) -> NDArray[np.bool_]:
    """(cells, cells): True where a marker is white."""
    return np.asarray(cv2.aruco.generateImageMarker(load_markers(board), marker_id, board.cells) > 0)
