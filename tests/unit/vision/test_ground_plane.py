import math

import pytest

from domain.camera import GroundPoint
from vision.ground_plane import DegenerateGroundPoints, distance_to_edge, estimate_ground_planes, fit_ground_plane

# A level camera 5 m above the ground, its focal length 1,000 px, its picture 1,000 x 1,000 px with the horizon at
# y = 500: depth = 5 * 1000 / (y - 500), aside = (x - 500) * depth / 1000.


def see_ground(x_px: float, y_px: float) -> tuple[float, float]:
    """The ground that the camera shows at a pixel: metres aside and away."""
    depth = 5000 / (y_px - 500)
    return (x_px - 500) * depth / 1000, depth


def measure(x_px: float, y_px: float) -> GroundPoint:
    """A point that somebody measured."""
    return GroundPoint((x_px / 1000, y_px / 1000), see_ground(x_px, y_px))


CORNERS = [measure(100, 700), measure(900, 700), measure(200, 950), measure(800, 950)]


def test_fit_ground_plane__four_points__locates_any_other() -> None:
    """At x 300, y 800: 5000 / 300 = 16.67 m away, -200 * 16.67 / 1000 = -3.33 m aside; above the horizon: None."""
    plane = fit_ground_plane(CORNERS, width_px=1000, height_px=1000)
    assert plane.locate(300, 800) == pytest.approx((-10 / 3, 50 / 3))
    assert plane.locate(300, 400) is None


def test_fit_ground_plane__picture_of_another_size__locates_the_same() -> None:
    """Points are relative, so a camera that sends smaller pictures needs no other calibration."""
    plane = fit_ground_plane(CORNERS, width_px=500, height_px=500)
    assert plane.locate(150, 400) == pytest.approx((-10 / 3, 50 / 3))


def test_fit_ground_plane__close_to_the_horizon__is_no_line() -> None:
    """A far view with points at depths of 50 and 83 m is flat in the picture, and fixes the ground all the same."""
    far = [measure(100, 600), measure(900, 600), measure(200, 560), measure(800, 560)]
    plane = fit_ground_plane(far, width_px=1000, height_px=1000)
    assert plane.locate(500, 580) == pytest.approx((0, 62.5))


@pytest.mark.parametrize(
    ("points", "word"),
    [
        (CORNERS[:3], "at least 4"),
        ([measure(x, 700) for x in (100, 300, 500, 900)], "line"),
        ([*CORNERS[:2], measure(500, 700), CORNERS[2]], "line"),
        ([CORNERS[0]] * 4, "spot"),
        ([*CORNERS, GroundPoint((0.5, 0.8), (0.0, 25.0))], "contradict"),
    ],
)
def test_fit_ground_plane__degenerate__is_refused_with_the_reason(points: list[GroundPoint], word: str) -> None:
    """Too few, on a line, three on a line, on one spot, one of five 8 m off."""
    with pytest.raises(DegenerateGroundPoints, match=word):
        fit_ground_plane(points, width_px=1000, height_px=1000)


def test_distance_to_edge__before_beside_and_inside() -> None:
    """A thing whose lower edge runs from x 400 to 600 at y 700 (depth 25 m: -2.5 to 2.5 m), 2 m deep."""
    plane = fit_ground_plane(CORNERS, width_px=1000, height_px=1000)
    edge = (400.0, 600.0, 700.0)
    # At y 750 the depth is 20 m: 5 m before it, straight ahead.
    assert distance_to_edge(plane, foot_xy_px=(500, 750), edge_px=edge, depth=2) == pytest.approx(5)
    # At x 800, y 700: 300 * 25 / 1000 = 7.5 m aside, 5 m from its corner.
    assert distance_to_edge(plane, foot_xy_px=(800, 700), edge_px=edge, depth=2) == pytest.approx(5)
    # At depth 26 m, y = 500 + 5000 / 26, in its middle.
    assert distance_to_edge(plane, foot_xy_px=(500, 500 + 5000 / 26), edge_px=edge, depth=2) == 0
    assert distance_to_edge(plane, foot_xy_px=(500, 400), edge_px=edge, depth=2) is None


def test_estimate_ground_planes__by_a_persons_height() -> None:
    """A person 100 px high in 1,000 px: focal length 750 px, so 750 / 100 = 7.5 heights away for any camera."""
    low, high = estimate_ground_planes(foot_xy_px=(500, 800), body_height_px=100, width_px=1000, height_px=1000)
    assert low.locate(500, 800) == pytest.approx((0, 7.5))
    assert high.locate(500, 800) == pytest.approx((0, 7.5))
    # 20 px lower the lowest camera (0.8 heights, horizon at y 720) has 0.8 * 750 / 100 = 6 heights,
    # the highest (3, horizon at y 500) 3 * 750 / 320 = 7.03.
    assert math.dist((0, 6), low.locate(500, 820) or (0, 0)) == pytest.approx(0)
    assert high.locate(500, 820) == pytest.approx((0, 7.03125))
