"""What measuring by a board is worth: rendered scenes with known truth, measured as photos are, and counted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from domain.measurement import Quantity
from vision.board import Board, parse_board
from vision.board_measurement import PLANE_U_MM, PRINT_U_SHARE, MeasuredPhoto, measure_photo
from vision.board_pose import BEND_SHARE, Points
from vision.lens import EXIF_FOCAL_SHARE, guess_lens
from vision.measurement import Measurement, Value
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
    draw_mesh,
    draw_slab,
    draw_view,
    paint_ground,
    render,
)

MESH_BOARD: Final = "aruco:DICT_6X6_1000:5x4:37.5mm:5mm"
SLAB_BOARD: Final = "aruco:DICT_4X4_50:5x3:60mm:10mm"
COURSE_BOARD: Final = "aruco:DICT_4X4_50:4x2:45mm:8mm"
SECOND_BOARD: Final = "aruco:DICT_6X6_1000:3x2:37.5mm:5mm:100"

_MARK_ERROR_MM: Final = 12.0
_RIM_PX: Final = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A rendered photo, what is asked of it, and what is true.

    Attributes:
        told_focal_px: what its camera says of its focal length, which errs. [px]
        layers: sets of parallel lines that may be measured; empty where nothing can.
    """

    name: str
    photo: NDArray[np.uint8]
    boards: tuple[Board, ...]
    quantity: Quantity
    told_focal_px: float
    layers: tuple[tuple[TrueLine, ...], ...]
    marks_px: Points | None = None
    missing: int = 0


@dataclass
class Tally:
    """Counts of one kind of scene.

    Attributes:
        errors: of single values, as shares of the truth.
        held: whether each value's interval holds the truth.
        reasons: how often each reason was given.
    """

    scenes: int = 0
    measured: int = 0
    errors: list[float] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, value: Value, true_mm: float) -> None:
        """Count a value."""
        low, high = value.interval_mm
        self.errors.append((value.value_mm - true_mm) / true_mm)
        self.held.append(low <= true_mm <= high)
        self.widths.append(value.u_mm / true_mm)

    def format(self, name: str, limit: str) -> str:
        """A row of the table."""
        errors = np.abs(self.errors) * 100
        if not errors.size:
            return f"{name:<24}{self.scenes:>7}{self.measured:>9}       0"
        share = 100 * self.measured / max(1, self.scenes)
        return (
            f"{name:<24}{self.scenes:>7}{share:>8.1f}%{errors.size:>8}{np.median(errors):>9.2f}%"
            f"{np.quantile(errors, 0.95):>9.2f}%{100 * np.mean(self.widths):>8.2f}%{100 * np.mean(self.held):>10.1f}%"
            f"   {limit}"
        )


def evaluate_conformance(*, scenes: int, seed: int, tell: Callable[[str], None]) -> None:
    """Render and measure, and tell the tables.

    Args:
        scenes: measurable ones of each of three kinds; half as many that cannot be measured in all.
        seed: of everything drawn.
        tell: takes each line.
    """
    tallies = {name: Tally() for name in ("mesh: mean spacing", "mesh: single gaps", "width", "thickness")}
    missing = [0, 0, 0]
    for scene in _draw_measurable(scenes, seed):
        _count(scene, _measure(scene), tallies, missing)
    unmeasurable: dict[str, Tally] = {}
    for scene in _draw_unmeasurable(scenes // 2, seed + 1):
        tally = unmeasurable.setdefault(scene.name, Tally())
        _count_unmeasurable(tally, _measure(scene), scene.quantity)
    _tell_tables(tallies, unmeasurable, missing, tell)


def _tell_tables(
    tallies: dict[str, Tally], unmeasurable: dict[str, Tally], missing: list[int], tell: Callable[[str], None]
) -> None:
    tell("measurable scenes        scenes measured  values   median   95 % in   mean u  interval   wanted")
    limits = ("3 %", "3 %", "2 %", "2 %")
    for (name, tally), limit in zip(tallies.items(), limits, strict=True):
        tell(tally.format(name, limit))
        if tally.reasons:
            tell("    not measured: " + _format_reasons(tally))
    values = sum(len(each.held) for each in tallies.values())
    held = sum(sum(each.held) for each in tallies.values())
    kinds = [each for name, each in tallies.items() if name != "mesh: single gaps"]
    measured, asked = sum(each.measured for each in kinds), sum(each.scenes for each in kinds)
    tell(f"intervals that hold the truth: {held} of {values}, {100 * held / max(1, values):.1f} % (wanted: 93 to 97 %)")
    tell(f"measurable scenes measured: {measured} of {asked}, {100 * measured / max(1, asked):.1f} % (wanted: 95 %)")
    tell(f"missing bars told: {missing[1]} of {missing[0]}; told and not missing: {missing[2]}")
    tell("")
    tell("scenes that cannot be measured: how many were called so, and by which reason")
    for name, tally in unmeasurable.items():
        tell(f"{name:<24}{tally.scenes - tally.measured:>4} of {tally.scenes:<4} {_format_reasons(tally)}")
    called = sum(each.scenes - each.measured for each in unmeasurable.values())
    of = sum(each.scenes for each in unmeasurable.values())
    tell(f"called so: {called} of {of}, {100 * called / max(1, of):.1f} % (wanted: 99 %)")


def _format_reasons(tally: Tally) -> str:
    return ", ".join(f"{code} {count}" for code, count in sorted(tally.reasons.items()))


def _measure(scene: Scene) -> MeasuredPhoto:
    # What EXIF says of the focal length errs as is assumed of it.
    lens = guess_lens(WIDTH_PX, HEIGHT_PX, tags={"EXIF FocalLengthIn35mmFilm": "26"})
    lens.values[0] = np.log(scene.told_focal_px)
    return measure_photo(scene.photo, scene.boards, lens=lens, quantities=[scene.quantity], marks_px=scene.marks_px)


def _count(scene: Scene, photo: MeasuredPhoto, tallies: dict[str, Tally], missing: list[int]) -> None:
    is_mesh = scene.quantity is Quantity.REBAR_SPACING
    tally = tallies["mesh: mean spacing" if is_mesh else scene.quantity.value]
    # Both directions of a mesh are wanted, so that each counts as half a scene.
    expected = 2 if is_mesh else 1
    tally.scenes += expected
    tally.measured += min(expected, len(photo.measurements))
    for refusal in photo.cannot_tell.values():
        tally.reasons[refusal.reason] = tally.reasons.get(refusal.reason, 0) + 1
    missing[0] += scene.missing
    for measured in photo.measurements:
        layer = _find_layer(scene, measured)
        true_gaps = _list_true_gaps(layer, measured)
        if not is_mesh:
            tally.add(measured.value, true_gaps[0])
            continue
        whole = [index for index, gone in enumerate(measured.missing) if gone == 0]
        tally.add(measured.value, float(np.mean([true_gaps[index] for index in whole])))
        for value, true_mm in zip(measured.gaps, true_gaps, strict=True):
            tallies["mesh: single gaps"].add(value, true_mm)
        told = sum(measured.missing)
        has_gap = layer is scene.layers[0] and scene.missing > 0
        missing[1] += min(told, scene.missing) if has_gap else 0
        missing[2] += max(0, told - scene.missing) if has_gap else told


def _find_layer(scene: Scene, measured: Measurement) -> tuple[TrueLine, ...]:
    along = measured.lines_mm[1] - measured.lines_mm[0]
    return max(scene.layers, key=lambda layer: abs(float(layer[0].along @ along)))


def _list_true_gaps(layer: Sequence[TrueLine], measured: Measurement) -> list[float]:
    """Between the two true lines on both sides of the middle of each pair that was found [mm]."""
    gaps = []
    for index in range(0, len(measured.lines_mm) - 2, 2):
        middle = measured.lines_mm[index : index + 4].mean(axis=0)
        away = np.array([line.away_mm(middle) for line in layer])
        gaps.append(float(away[away > 0].min() - away[away <= 0].max()))
    return gaps


def _count_unmeasurable(tally: Tally, photo: MeasuredPhoto, quantity: Quantity) -> None:
    tally.scenes += 1
    refusal = photo.cannot_tell.get(quantity)
    if refusal is None:
        tally.measured += 1
    else:
        tally.reasons[refusal.reason] = tally.reasons.get(refusal.reason, 0) + 1


def _draw_conditions(rng: np.random.Generator) -> Conditions:
    return Conditions(
        blur_px=rng.uniform(0.5, 1.6),
        motion_px=rng.uniform(0, 4) if rng.random() < 0.3 else 0.0,  # noqa: PLR2004 - three in ten
        noise=rng.uniform(1, 5),
        quality=int(rng.integers(65, 96)),
        shade=rng.uniform(0.35, 0.7) if rng.random() < 0.5 else None,  # noqa: PLR2004 - half of them
    )


def _draw_view(
    rng: np.random.Generator, quantity: Quantity, board: Board, distance_mm: float, *, roll_deg: float, tilt_deg: float
) -> View:
    return draw_view(
        rng,
        tilt_deg=tilt_deg,
        distance_mm=distance_mm,
        roll_deg=roll_deg,
        shift_px=(rng.uniform(-120, 120), rng.uniform(-90, 90)),
        plane_u_mm=PLANE_U_MM[quantity],
        print_u_share=PRINT_U_SHARE,
        bend_u_mm=BEND_SHARE * board.diagonal_mm / 2,
    )


def _tell_focal(view: View, rng: np.random.Generator) -> float:
    return view.focal_px * float(np.exp(rng.normal(0, EXIF_FOCAL_SHARE)))


def _draw_measurable(scenes: int, seed: int) -> Iterator[Scene]:
    for index in range(scenes):
        for kind, draw in enumerate((draw_mesh_scene, draw_width_scene, draw_thickness_scene)):
            yield draw(np.random.default_rng([seed, kind, index]))


def draw_mesh_scene(rng: np.random.Generator) -> Scene:
    """A mesh from 0.6 to 1.1 m, 0 to 45 degrees from above, in every second one a bar missing."""
    board = parse_board(MESH_BOARD)
    view = _draw_view(
        rng,
        Quantity.REBAR_SPACING,
        board,
        rng.uniform(600, 1100),
        roll_deg=rng.uniform(-180, 180),
        tilt_deg=rng.uniform(0, 45),
    )
    missing = int(rng.integers(0, 2))
    spacing = (rng.uniform(100, 220), rng.uniform(100, 220))
    mesh = draw_mesh(
        rng, spacing_mm=spacing, turn_deg=rng.uniform(-20, 20), missing=missing, jitter_mm=rng.uniform(1, 6)
    )
    photo = render(view, (PlacedBoard(board),), paint=mesh.paint, conditions=_draw_conditions(rng), rng=rng)
    return Scene("mesh", photo, (board,), Quantity.REBAR_SPACING, _tell_focal(view, rng), mesh.layers, missing=missing)


def draw_width_scene(rng: np.random.Generator) -> Scene:
    """A course 0.6 to 1.4 m wide from 1.5 to 2.2 m; in every second one its edges are marked by hand."""
    return _draw_slab_scene(
        rng,
        Quantity.WIDTH,
        SLAB_BOARD,
        size_mm=(600, 1400),
        distance_mm=(1500, 2200),
        turn_deg=90,
        is_marked=rng.random() < 0.5,  # noqa: PLR2004 - half
    )


def draw_thickness_scene(rng: np.random.Generator) -> Scene:
    """A course 180 to 450 mm thick at a formed edge, from 0.6 to 2.1 m; half of them marked."""
    return _draw_slab_scene(
        rng,
        Quantity.THICKNESS,
        COURSE_BOARD,
        size_mm=(180, 450),
        distance_mm=(600, 2100),
        turn_deg=0,
        is_marked=rng.random() < 0.5,  # noqa: PLR2004 - half
    )


def _draw_slab_scene(
    rng: np.random.Generator,
    quantity: Quantity,
    spec: str,
    *,
    size_mm: tuple[float, float],
    distance_mm: tuple[float, float],
    turn_deg: float,
    is_marked: bool,
) -> Scene:
    board = parse_board(spec)
    while True:
        view = _draw_view(
            rng, quantity, board, rng.uniform(*distance_mm), roll_deg=rng.uniform(-12, 12), tilt_deg=rng.uniform(0, 45)
        )
        size = rng.uniform(*size_mm)
        # Off the middle by what leaves the board on the course.
        slack = max(0.0, size / 2 - max(board.size_mm) / 2 - 60) if turn_deg else 0.0
        slab = draw_slab(
            rng, size_mm=size, turn_deg=turn_deg + rng.uniform(-6, 6), off_mm=rng.uniform(-0.5, 0.5) * slack
        )
        if _shows_edges(view, slab, board):
            break
    marks = None
    if is_marked:
        middles = np.array([each.point_mm for each in slab.edges])
        marks = view.see(middles + rng.normal(0, _MARK_ERROR_MM, (2, 2)))
    photo = render(view, (PlacedBoard(board),), paint=slab.paint, conditions=_draw_conditions(rng), rng=rng)
    return Scene(quantity.value, photo, (board,), quantity, _tell_focal(view, rng), (slab.edges,), marks_px=marks)


def _shows_edges(view: View, slab: Slab, board: Board) -> bool:
    """Whether the picture shows both edges beside the board, and a rim beyond them."""
    points = np.array(
        [
            each.point_mm * 1.08 + place * board.diagonal_mm * 0.6 * each.along
            for each in slab.edges
            for place in (-1, 0, 1)
        ]
    )
    seen = view.see(points)
    return bool(((seen > _RIM_PX) & (seen < np.array([WIDTH_PX, HEIGHT_PX]) - _RIM_PX)).all())


def _draw_unmeasurable(scenes: int, seed: int) -> Iterator[Scene]:
    kinds = tuple(_UNMEASURABLE)
    for index in range(scenes):
        kind = index % len(kinds)
        yield _draw_unmeasurable_scene(kinds[kind], np.random.default_rng([seed, kind, index]))


_UNMEASURABLE: Final = (
    "no board",
    "half outside",
    "covered",
    "bent",
    "another dictionary",
    "another layout",
    "mirrored",
    "too oblique",
    "too blurred",
    "too far",
    "two scales",
    "no mesh",
    "no edges",
    "one edge",
)


def _draw_unmeasurable_scene(name: str, rng: np.random.Generator) -> Scene:
    board = parse_board(MESH_BOARD)
    tilt, distance = rng.uniform(0, 40), rng.uniform(600, 1100)
    quantity = Quantity.WIDTH if "edge" in name else Quantity.REBAR_SPACING
    conditions = _draw_conditions(rng)
    if name == "too oblique":
        tilt = rng.uniform(68, 78)
    if name == "too far":
        distance = rng.uniform(3600, 6000)
    view = _draw_view(rng, quantity, board, distance, roll_deg=rng.uniform(-20, 20), tilt_deg=tilt)
    view, conditions = _spoil(name, view, conditions, rng)
    boards, placed = _place_boards(name, board, rng)
    layers: tuple[tuple[TrueLine, ...], ...] = ()
    if quantity is Quantity.REBAR_SPACING and name != "no mesh":
        mesh: Mesh = draw_mesh(rng, spacing_mm=(150, 180), turn_deg=rng.uniform(-20, 20), missing=0, jitter_mm=4)
        paint: Callable[[Canvas, np.random.Generator], None] = mesh.paint
    elif name == "one edge":
        paint = draw_slab(rng, size_mm=9000, turn_deg=90, off_mm=4500 + rng.uniform(-400, -200)).paint
    else:
        paint = _paint_bare
    photo = render(view, placed, paint=paint, conditions=conditions, rng=rng)
    if name == "covered":
        _cover_half(photo, view, board, rng)
    if name == "mirrored":
        photo = np.ascontiguousarray(photo[:, ::-1])
    return Scene(name, photo, boards, quantity, _tell_focal(view, rng), layers)


def _cover_half(photo: NDArray[np.uint8], view: View, board: Board, rng: np.random.Generator) -> None:
    """A hand or a bag over a good half of the board."""
    outline = board.outline_mm(20.0)
    outline[:, 0] = np.clip(outline[:, 0], -200, board.size_mm[0] * rng.uniform(0.05, 0.2))
    covered = np.round(view.see(outline)).astype(np.int32)
    cv2.fillConvexPoly(photo, covered, float(rng.uniform(40, 120)))


def _paint_bare(canvas: Canvas, rng: np.random.Generator) -> None:
    paint_ground(canvas, rng, tone=rng.uniform(90, 180), roughness=rng.uniform(4, 14))


def _spoil(name: str, view: View, conditions: Conditions, rng: np.random.Generator) -> tuple[View, Conditions]:
    cell_px = 37.5 / 8 * view.focal_px / float(np.linalg.norm(view.translation_mm))
    if name == "half outside":
        side = rng.choice([-1.0, 1.0])
        edge = side * WIDTH_PX / 2 + rng.uniform(-0.15, 0.15) * 165 * view.focal_px / view.translation_mm[2]
        view = replace(
            view, translation_mm=np.array([edge / view.focal_px * view.translation_mm[2], *view.translation_mm[1:]])
        )
    if name == "bent":
        view = replace(view, bend_mm=np.array([rng.choice([-1, 1]) * rng.uniform(9, 18), 0.0, 0.0]))
    if name == "too blurred":
        conditions = replace(conditions, blur_px=cell_px * rng.uniform(0.6, 1.2))
    return view, conditions


def _place_boards(
    name: str, board: Board, rng: np.random.Generator
) -> tuple[tuple[Board, ...], tuple[PlacedBoard, ...]]:
    if name == "no board":
        return (board,), ()
    if name == "another dictionary":
        other = rng.choice(
            ["aruco:DICT_4X4_100:5x4:37.5mm:5mm", "apriltag:36h11:5x4:37.5mm:5mm", "aruco:DICT_5X5_250:5x4:37.5mm:5mm"]
        )
        return (board,), (PlacedBoard(parse_board(str(other))),)
    if name == "another layout":
        return (board,), (PlacedBoard(parse_board("aruco:DICT_6X6_1000:4x5:37.5mm:5mm")),)
    if name == "two scales":
        second = parse_board(SECOND_BOARD)
        at = np.array([0.0, 165 / 2 + 120])
        scale = 1 + float(rng.choice([-1, 1])) * rng.uniform(0.05, 0.09)
        return (board, second), (PlacedBoard(board), PlacedBoard(second, at, scale))
    return (board,), (PlacedBoard(board),)
