"""Rendered photos whose truth is known, measured whole; many more are in `siteproof evaluate conformance`."""

import numpy as np
import pytest

from domain.measurement import Quantity
from vision.board import parse_board
from vision.board_measurement import MeasuredPhoto, measure_photo
from vision.cannot_tell import Reason
from vision.lens import guess_lens
from vision.rendered_scene import (
    HEIGHT_PX,
    WIDTH_PX,
    Canvas,
    Conditions,
    Mesh,
    PlacedBoard,
    Slab,
    TrueLine,
    View,
    paint_ground,
    render,
)

BOARD = parse_board("aruco:DICT_6X6_1000:5x4:37.5mm:5mm")
SECOND = parse_board("aruco:DICT_6X6_1000:3x2:37.5mm:5mm:100")
# 1560 px on 2000 x 1500 px: 1560 / 2500 x 43.27 = 27.0 mm.
FOCAL_PX = 1560.0
LENS = guess_lens(WIDTH_PX, HEIGHT_PX, tags={"EXIF FocalLengthIn35mmFilm": "27"})


def look(*, tilt_deg: float = 25.0, distance_mm: float = 900.0, shift_mm: float = 0.0, bend_mm: float = 0.0) -> View:
    """A camera tilted about the picture's x axis, of no distortion, its planes and print without error."""
    tilt = np.radians(tilt_deg)
    rotation = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    shift = np.array([shift_mm, 0.0, distance_mm])
    return View(rotation, shift, FOCAL_PX, 0.0, 0.0, 1.0, np.array([bend_mm, 0.0, 0.0]))


def make_layer(places_mm: list[float], along: tuple[float, float]) -> tuple[TrueLine, ...]:
    """Parallel lines, so far across."""
    direction = np.array(along, float)
    across = np.array([-direction[1], direction[0]])
    return tuple(TrueLine(place * across, direction) for place in places_mm)


# 150 mm apart, that at 80 + 150 = 230 mm left out; the others 200 mm apart.
UPPER = make_layer([-370, -220, -70, 80, 380, 530], (1.0, 0.0))
LOWER = make_layer([-500, -300, -100, 100, 300, 500], (0.0, 1.0))
MESH = Mesh((UPPER, LOWER), 12.0, (150.0, 60.0))
LEFT, RIGHT = make_layer([-310, 290], (0.0, 1.0))
SLAB = Slab((LEFT, RIGHT), (80.0, 160.0, 90.0), 0.2)


def photograph(
    view: View, *boards: PlacedBoard, paint: object = MESH, conditions: Conditions | None = None
) -> np.ndarray:
    """The photo of a scene."""
    painter = paint.paint if isinstance(paint, Mesh | Slab) else paint_bare
    return render(view, boards, paint=painter, conditions=conditions or Conditions(), rng=np.random.default_rng(3))


def paint_bare(canvas: Canvas, rng: np.random.Generator) -> None:
    """Nothing to measure."""
    paint_ground(canvas, rng, tone=140, roughness=8)


def measure(photo: np.ndarray, *quantities: Quantity, marks: np.ndarray | None = None) -> MeasuredPhoto:
    """By the board, as a phone of 27 mm."""
    return measure_photo(photo, [BOARD], lens=LENS, quantities=quantities, marks_px=marks)


def test_measure_photo__mesh_half_in_shade__has_both_spacings_and_the_missing_bar() -> None:
    """150 and 200 mm; between 80 and 380 mm one is missing. 2 % is less than the stated interval."""
    found = measure(
        photograph(look(), PlacedBoard(BOARD), conditions=Conditions(shade=0.5)), Quantity.REBAR_SPACING
    ).measurements
    spacings = sorted(found, key=lambda each: each.value.value_mm)
    assert len(spacings) == 2
    for measured, true_mm in zip(spacings, (150.0, 200.0), strict=True):
        low, high = measured.value.interval_mm
        assert low < true_mm < high
        assert measured.value.value_mm == pytest.approx(true_mm, rel=0.02)
        assert high - low < 0.06 * true_mm
    assert (sum(spacings[0].missing), sum(spacings[1].missing)) == (1, 0)
    wide = spacings[0].gaps[spacings[0].missing.index(1)]
    assert wide.value_mm == pytest.approx(300.0, rel=0.02)


@pytest.mark.parametrize("is_marked", [False, True])
def test_measure_photo__width__between_its_edges(*, is_marked: bool) -> None:
    """310 + 290 = 600 mm; marks that miss by 10 mm change nothing."""
    view = look(distance_mm=1100.0)
    marks = view.see(np.array([[-300.0, 4.0], [320.0, -6.0]])) if is_marked else None
    # Lines of direction (0, 1) at -310 and 290 across lie at x = 310 and x = -290.
    found = measure(photograph(view, PlacedBoard(BOARD), paint=SLAB), Quantity.WIDTH, marks=marks)
    (measured,) = found.measurements
    assert measured.value.value_mm == pytest.approx(600.0, rel=0.01)
    low, high = measured.value.interval_mm
    assert low < 600 < high


@pytest.mark.parametrize(
    ("photo", "reason"),
    [
        (photograph(look()), Reason.NO_BOARD),
        (photograph(look(shift_mm=-577.0), PlacedBoard(BOARD)), Reason.CUT_OFF),
        (photograph(look(bend_mm=10.0), PlacedBoard(BOARD)), Reason.BENT),
        (photograph(look(tilt_deg=66.0, distance_mm=500), PlacedBoard(BOARD)), Reason.TOO_OBLIQUE),
        (photograph(look(distance_mm=3400.0), PlacedBoard(BOARD)), Reason.TOO_FAR),
        (photograph(look(), PlacedBoard(BOARD))[:, ::-1], Reason.MIRRORED),
        (
            photograph(look(), PlacedBoard(parse_board("apriltag:36h11:5x4:37.5mm:5mm"))),
            Reason.WRONG_DICTIONARY,
        ),
        (
            photograph(look(), PlacedBoard(parse_board("aruco:DICT_6X6_1000:4x5:37.5mm:5mm"))),
            Reason.WRONG_LAYOUT,
        ),
        (photograph(look(), PlacedBoard(BOARD), paint=None), Reason.NO_MESH),
    ],
    ids=lambda each: each.value if isinstance(each, Reason) else "",
)
def test_measure_photo__cannot_be_measured__says_why(photo: np.ndarray, reason: Reason) -> None:
    """No value, and the code that fits."""
    found = measure(np.ascontiguousarray(photo), Quantity.REBAR_SPACING)
    assert found.measurements == ()
    assert found.cannot_tell[Quantity.REBAR_SPACING].reason is reason


def test_measure_photo__blurred__is_refused() -> None:
    """Half a cell of blur (8.1 px) leaves some markers unread, so that either reason is true."""
    photo = photograph(look(), PlacedBoard(BOARD), conditions=Conditions(blur_px=4.0))
    found = measure(photo, Quantity.REBAR_SPACING)
    assert found.measurements == ()
    assert found.cannot_tell[Quantity.REBAR_SPACING].reason in {Reason.TOO_BLURRED, Reason.HIDDEN}


def test_measure_photo__bare_ground__has_no_width() -> None:
    """There are no edges in it."""
    found = measure(photograph(look(), PlacedBoard(BOARD), paint=None), Quantity.WIDTH)
    assert found.cannot_tell[Quantity.WIDTH].reason is Reason.NO_EDGES


@pytest.mark.parametrize("scale", [1.0, 1.06, 0.94])
def test_measure_photo__a_second_board__must_agree_in_scale(scale: float) -> None:
    """A board that was printed 6 % too large or too small tells that one of the two is wrong."""
    second = PlacedBoard(SECOND, np.array([0.0, 210.0]), scale)
    photo = photograph(look(), PlacedBoard(BOARD), second)
    found = measure_photo(photo, [BOARD, SECOND], lens=LENS, quantities=[Quantity.REBAR_SPACING])
    refusal = found.cannot_tell.get(Quantity.REBAR_SPACING)
    assert (None if refusal is None else refusal.reason) == (None if scale == 1.0 else Reason.SCALES_DISAGREE)
