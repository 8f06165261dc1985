import cv2
import numpy as np
import pytest

from vision.board import DICTIONARIES, InvalidBoard, parse_board

SPEC = "aruco:DICT_6X6_1000:5x4:37.5mm:5mm"


def test_parse_board__the_contract__gives_a_grid_about_its_centre() -> None:
    """5 x 37.5 + 4 x 5 = 207.5 mm wide, 4 x 37.5 + 3 x 5 = 165 mm high; marker 6 is the second of the second row."""
    board = parse_board(SPEC)
    assert board.size_mm == (207.5, 165.0)
    assert board.spec == SPEC
    assert list(board.marker_ids) == list(range(20))
    # The corner of the first is (-103.75, -82.5), and the pitch 42.5 both ways.
    expected = [[-61.25, -40.0], [-23.75, -40.0], [-23.75, -2.5], [-61.25, -2.5]]
    assert board.corners_mm(6) == pytest.approx(np.array(expected))


def test_parse_board__apriltag_with_a_first_id__keeps_it() -> None:
    """36h11 has 6 x 6 cells and a border of one, so 8 along a side."""
    board = parse_board("apriltag:36h11:2x3:50mm:10mm:40")
    assert (board.cells, board.marker_ids.start, board.marker_ids.stop) == (8, 40, 46)
    assert parse_board(board.spec) == board


@pytest.mark.parametrize(
    ("spec", "word"),
    [
        ("DICT_6X6_1000", "like"),
        ("aruco:DICT_6X6_1000:5x4:37.5:5", "like"),
        ("aruco:DICT_9X9_50:5x4:37.5mm:5mm", "no dictionary"),
        ("aruco:CORNER_REFINE_NONE:5x4:37.5mm:5mm", "no dictionary"),
        ("apriltag:99h9:5x4:37.5mm:5mm", "no dictionary"),
        ("aruco:DICT_4X4_50:8x8:37.5mm:5mm", "50 markers"),
        ("aruco:DICT_4X4_50:1x3:37.5mm:5mm", "at least 4"),
        ("aruco:DICT_4X4_50:5x4:1mm:5mm", "3 to 1000"),
        ("aruco:DICT_4X4_50:5x4:60mm:1mm", "half a cell"),
    ],
)
def test_parse_board__malformed__is_refused_with_the_reason(spec: str, word: str) -> None:
    """Each refusal names what is wrong."""
    with pytest.raises(InvalidBoard, match=word):
        parse_board(spec)


def test_dictionaries__are_those_of_opencv() -> None:
    """Written down, so that a board is checked where no pixels are looked at; they must not drift apart."""
    for name, (bits, markers) in DICTIONARIES.items():
        known = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name))
        assert (known.markerSize, len(known.bytesList)) == (bits, markers), name
