"""21 photos of a board of 4 x 5 tags (markers/aruco_board): tags that the pose never saw, against their known pitch."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from vision.board import parse_board
from vision.board_pose import BoardPose, estimate_pose
from vision.board_view import BoardView, find_board
from vision.calibration import calibrate
from vision.lens import Lens, guess_lens

SPEC = "aruco:DICT_6X6_1000:4x5:37.5mm:5mm"
PITCH_MM = 42.5  # as the folder's README tells: markers of 37.5 mm, 5 mm apart
BOARD = parse_board(SPEC)


@pytest.fixture(scope="module")
def views() -> list[BoardView]:
    """Every photo shows the whole board."""
    folder = Path(os.environ["SITEPROOF_REAL_DATA"]) / "markers" / "aruco_board"
    found = [
        find_board(np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), np.uint8), BOARD)
        for path in sorted(folder.glob("*.jpg"))
    ]
    assert len(found) == 21
    usable = [view for view in found if isinstance(view, BoardView)]
    assert [view.marker_count for view in usable] == [20] * 21
    return usable


def measure_left_out(view: BoardView, lens: Lens, kept: list[int]) -> list[float]:
    """Distances between the centres of neighbouring tags of which none was in the pose [mm]."""
    markers = find_order(view)
    order = np.concatenate([np.arange(4) + 4 * markers.index(marker) for marker in kept])
    part = replace(view, corners_mm=view.corners_mm[order], corners_px=view.corners_px[order], marker_count=len(kept))
    pose = estimate_pose(part, lens)
    assert isinstance(pose, BoardPose)
    plane = pose.to_plane(view.corners_px).reshape(-1, 4, 2).mean(axis=1)
    centres = {marker: plane[place] for place, marker in enumerate(markers) if marker not in kept}
    pairs = [
        (marker, other)
        for marker in centres
        for other in ((marker + 1) if marker % 4 < 3 else -1, marker + 4)
        if other in centres
    ]
    assert pairs
    return [float(np.hypot(*(centres[first] - centres[second]))) for first, second in pairs]


def find_order(view: BoardView) -> list[int]:
    """Which marker each four corners are of."""
    known = {tuple(BOARD.corners_mm(marker)[0].round(3)): marker for marker in BOARD.marker_ids}
    return [known[tuple(corner.round(3))] for corner in view.corners_mm[::4]]


@pytest.mark.parametrize("is_calibrated", [True, False])
def test_board_photos__tags_left_out__have_their_pitch_within_a_hundredth(
    views: list[BoardView], *, is_calibrated: bool
) -> None:
    """Each outer column and row left out in turn: with a calibration, and with nothing known of the camera."""
    lens = calibrate(views, width_px=640, height_px=480).lens if is_calibrated else guess_lens(640, 480, tags={})
    outer = [[0, 4, 8, 12, 16], [3, 7, 11, 15, 19], [0, 1, 2, 3], [16, 17, 18, 19]]
    shares = []
    for view in views:
        for left_out in outer:
            kept = [marker for marker in BOARD.marker_ids if marker not in left_out]
            shares += [distance / PITCH_MM - 1 for distance in measure_left_out(view, lens, kept)]
    worst = np.abs(shares)
    print(  # noqa: T201 - run by hand, to be read
        f"\n{'calibrated' if is_calibrated else 'camera unknown'}: {len(shares)} distances,"
        f" mean {100 * np.mean(shares):+.2f} %, 95 % within {100 * np.quantile(worst, 0.95):.2f} %,"
        f" all within {100 * worst.max():.2f} %"
    )
    assert worst.max() < 0.01
    assert abs(np.mean(shares)) < 0.003


def test_board_photos__calibrated__agree_with_the_lens(views: list[BoardView]) -> None:
    """The corners' residuals stay below half a pixel in every photo, and the focal length is told within 2 %."""
    found = calibrate(views, width_px=640, height_px=480)
    assert max(found.residuals_px) < 0.5
    assert float(np.sqrt(found.lens.covariance[0, 0])) < 0.02
