import numpy as np
import pytest

from vision.board import parse_board
from vision.board_pose import BoardPose, estimate_pose
from vision.board_view import BoardView
from vision.calibration import CameraUndetermined, calibrate
from vision.cannot_tell import CannotTell, Reason
from vision.lens import guess_lens

BOARD = parse_board("aruco:DICT_6X6_1000:5x4:37.5mm:5mm")
FOCAL_PX = 1500.0
MIDDLE = np.array([999.5, 749.5])


def turn(tilt_deg: float, towards_deg: float = 0.0) -> np.ndarray:
    """A rotation by the tilt about an axis of the picture (Rodrigues' formula)."""
    tilt, towards = np.radians([tilt_deg, towards_deg])
    x, y = np.cos(towards), np.sin(towards)
    cross = np.array([[0, 0, y], [0, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(tilt) * cross + (1 - np.cos(tilt)) * cross @ cross)


def see(points_mm: np.ndarray, rotation: np.ndarray, distance_mm: float, shift_mm: tuple[float, float]) -> np.ndarray:
    """A pinhole's picture: x = f X / Z + c."""
    deep = points_mm @ rotation.T + (*shift_mm, distance_mm)
    return np.asarray(FOCAL_PX * deep[:, :2] / deep[:, 2:] + MIDDLE)


def make_view(
    tilt_deg: float,
    *,
    distance_mm: float = 900.0,
    towards_deg: float = 0.0,
    sagitta_mm: float = 0.0,
    noise_px: float = 0.05,
    seed: int = 1,
    shift_mm: tuple[float, float] = (0.0, 0.0),
) -> BoardView:
    """The corners of a board, bent along x by so much at half a diagonal."""
    corners = np.concatenate([BOARD.corners_mm(marker) for marker in BOARD.marker_ids])
    height = sagitta_mm * (corners[:, 0] / (BOARD.diagonal_mm / 2)) ** 2
    seen = see(np.column_stack([corners, height]), turn(tilt_deg, towards_deg), distance_mm, shift_mm)
    seen += np.random.default_rng(seed).normal(0, noise_px, seen.shape)
    return BoardView(BOARD, corners, seen, 20, 7.8, 0.8)


EXIF = guess_lens(2000, 1500, tags={"EXIF FocalLengthIn35mmFilm": "26"})
UNKNOWN = guess_lens(2000, 1500, tags={})


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0, 45.0])
def test_estimate_pose__known_camera__finds_plane_and_says_how_surely(tilt_deg: float) -> None:
    """A point 400 mm beside the board is found within four of its stated standard uncertainties, below 1 %."""
    pose = estimate_pose(make_view(tilt_deg), EXIF)
    assert isinstance(pose, BoardPose)
    # Face on, the tilt's own error of a degree or two adds in squares.
    assert pose.tilt_deg == pytest.approx(tilt_deg, abs=3)
    truth = np.array([[400.0, 100.0, 0.0]])
    seen = see(truth, turn(tilt_deg), 900.0, (0.0, 0.0))
    found = pose.to_plane(seen)[0]
    covariance, by_plane = pose.propagate(seen, lambda points: points[0], plane_u_mm=5.0)
    u_mm = np.sqrt(np.diag(covariance))
    assert (np.abs(found - truth[0, :2]) < 4 * u_mm).all()
    assert (u_mm < 4.0).all()
    if tilt_deg == 0:
        # Seen face on from 900 mm, 5 mm of height make 400 mm seem 400 x 5 / 900 = 2.22 mm longer.
        assert by_plane[0] == pytest.approx(2.22, abs=0.1)


def test_estimate_pose__unknown_camera__is_told_by_a_tilted_view_only() -> None:
    """Face on a plane tells no focal length: a quarter stays a quarter. At 40 degrees it tells it within 5 %."""
    flat = estimate_pose(make_view(0.0), UNKNOWN)
    tilted = estimate_pose(make_view(40.0), UNKNOWN)
    assert isinstance(flat, BoardPose)
    assert isinstance(tilted, BoardPose)
    assert flat.focal_u_share > 0.15
    assert tilted.focal_u_share < 0.05
    assert float(np.exp(tilted.values[6])) == pytest.approx(FOCAL_PX, rel=4 * tilted.focal_u_share)


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (make_view(30.0, sagitta_mm=9.0), Reason.BENT),
        (make_view(70.0), Reason.TOO_OBLIQUE),
    ],
)
def test_estimate_pose__unusable__says_why(view: BoardView, reason: Reason) -> None:
    """9 mm at 132 mm is 7 %, above 2 %; 70 degrees is above 60."""
    refusal = estimate_pose(view, EXIF)
    assert isinstance(refusal, CannotTell)
    assert refusal.reason is reason
    assert set(refusal.detail) == {"zh", "en"}


def test_calibrate__tilted_views__finds_the_lens_and_its_uncertainty() -> None:
    """Eight views from all sides: the focal length within four of its standard uncertainties, themselves below 1 %."""
    places = [(-150, -100), (150, -100), (150, 100), (-150, 100), (0, 0), (0, 120), (100, 0), (-120, 0)]
    views = [
        make_view(35.0, distance_mm=500, towards_deg=45 * index, seed=index, shift_mm=place)
        for index, place in enumerate(places)
    ]
    found = calibrate(views, width_px=2000, height_px=1500)
    u_share = float(np.sqrt(found.lens.covariance[0, 0]))
    assert u_share < 0.01
    assert found.lens.focal_px == pytest.approx(FOCAL_PX, rel=4 * u_share)
    assert max(found.residuals_px) < 0.15


@pytest.mark.parametrize("tilts", [(30.0, 30.0), (0.0, 0.0, 0.0, 0.0)])
def test_calibrate__undetermined__is_refused(tilts: tuple[float, ...]) -> None:
    """Two views are too few, and four face on tell no focal length."""
    views = [make_view(tilt, seed=index) for index, tilt in enumerate(tilts)]
    with pytest.raises(CameraUndetermined):
        calibrate(views, width_px=2000, height_px=1500)
