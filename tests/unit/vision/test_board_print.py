import re

import cv2
import numpy as np
import pytest

from vision.board import parse_board
from vision.board_markers import load_markers
from vision.board_print import BoardTooLarge, choose_paper, print_board

PIXELS_PER_MM = 8


def rasterise(pdf: bytes) -> np.ndarray:
    """The page's black polygons, filled by the even-odd rule, 8 px a millimetre; 1 point is 25.4 / 72 mm."""
    size = re.search(rb"/MediaBox \[0 0 (\S+) (\S+)\]", pdf)
    assert size is not None
    width, height = (float(each) * 25.4 / 72 * PIXELS_PER_MM for each in size.groups())
    page = np.full((round(height), round(width)), 255, np.uint8)
    for path in re.findall(rb"^(.*) f\*$", pdf, re.MULTILINE):
        rings = []
        for ring in path.split(b" h"):
            points = [(float(x), float(y)) for x, y in re.findall(rb"(\S+) (\S+) [ml]", ring)]
            if points:
                scaled = np.array(points) * 25.4 / 72 * PIXELS_PER_MM
                rings.append(np.round((scaled * [1, -1] + [0, height]) * 16).astype(np.int32))
        cv2.fillPoly(page, rings, 0, lineType=cv2.LINE_AA, shift=4)
    return page


@pytest.mark.parametrize("spec", ["aruco:DICT_6X6_1000:5x4:37.5mm:5mm", "apriltag:36h11:4x3:30mm:10mm:7"])
def test_print_board__read_back__has_every_marker_at_its_size(spec: str) -> None:
    """Its side and pitch on paper, seen by OpenCV, are those of the specification within 0.1 mm."""
    board = parse_board(spec)
    detector = cv2.aruco.ArucoDetector(load_markers(board))
    corners, ids, _ = detector.detectMarkers(rasterise(print_board(board)))
    assert sorted(ids.ravel().tolist()) == list(board.marker_ids)
    by_id = {int(each): found[0] / PIXELS_PER_MM for each, found in zip(ids.ravel(), corners, strict=True)}
    first, second = by_id[board.first_id], by_id[board.first_id + 1]
    assert np.hypot(*(second[0] - first[0])) == pytest.approx(board.pitch_mm, abs=0.1)
    below = by_id[board.first_id + board.columns]
    assert np.hypot(*(below[0] - first[0])) == pytest.approx(board.pitch_mm, abs=0.1)


def test_print_board__file__has_its_spec_a_ruler_and_sound_offsets() -> None:
    """The ruler is 100 mm = 283.465 points long; every offset of the table points at its object."""
    pdf = print_board(parse_board("aruco:DICT_6X6_1000:5x4:37.5mm:5mm"))
    assert b"(aruco:DICT_6X6_1000:5x4:37.5mm:5mm)" in pdf
    assert "实际大小".encode("utf-16-be").hex().encode() in pdf
    ruler = re.search(rb"0\.2 w (\S+) \S+ m (\S+) \S+ l S", pdf)
    assert ruler is not None
    assert float(ruler[2]) - float(ruler[1]) == pytest.approx(283.465, abs=0.001)
    offsets = [int(each) for each in re.findall(rb"^(\d{10}) 00000 n", pdf, re.MULTILINE)]
    assert [pdf[offset:].split(b" ", 1)[0] for offset in offsets] == [b"%d" % n for n in range(1, 9)]


def test_choose_paper__by_size__is_the_smallest_or_refused() -> None:
    """207.5 + 2 x 9.375 = 226 mm is too wide for A4 upright; across, 165 + 18.75 + 26 = 209.75 of 210 mm."""
    paper = choose_paper(parse_board("aruco:DICT_6X6_1000:5x4:37.5mm:5mm"))
    assert (paper.name, paper.width_mm) == ("A4", 297.0)
    assert choose_paper(parse_board("aruco:DICT_4X4_50:5x4:70mm:10mm")).name == "A2"
    with pytest.raises(BoardTooLarge):
        choose_paper(parse_board("aruco:DICT_4X4_50:5x4:300mm:30mm"))
