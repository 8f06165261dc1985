"""Scenes with known truth: a board on a mesh, a slab or a course, as a phone would photograph it.

The camera, the print, the bend and the distance of the planes are drawn from the very distributions that the stated
uncertainty assumes, so that the share of intervals that hold the truth tests the arithmetic between them. Sampled twice
as finely as the picture, then distorted, averaged, blurred, made noisy and compressed. What is measured in it is in
`conformance_evaluation.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from shapely import Polygon

from vision.board import Board
from vision.board_markers import draw_cells
from vision.board_pose import Points
from vision.lens import CENTRE_SHARE, DISTORTION_SHARE

WIDTH_PX: Final = 2000
HEIGHT_PX: Final = 1500
_FINE: Final = 2
_TILE: Final = 1024
_COARSE: Final = 16
_HALF: Final = 0.5
_FILL_REACH: Final = 0.7

Texture = NDArray[np.uint8]
Painter = Callable[["Canvas", np.random.Generator], None]


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A painted plane.

    Attributes:
        tones: (H, W) uint8.
        low_mm: of the middle of its upper left texel, in the board's coordinates. [mm]
        mm_per_texel: [mm]
    """

    tones: Texture
    low_mm: Points
    mm_per_texel: float

    def fill(self, polygon_mm: Points, tone: float) -> None:
        """Paint a polygon, its rim smoothed [mm]."""
        at_texel = (polygon_mm - self.low_mm) / self.mm_per_texel
        # OpenCV's smoothed polygons reach 0.7 texels beyond their rim (a square of 10 covers 11.4).
        whole = Polygon(at_texel).buffer(-_FILL_REACH, join_style="mitre")
        if whole.is_empty or whole.geom_type != "Polygon":
            return
        at = np.round(np.array(whole.exterior.coords[:-1]) * 64).astype(np.int32)
        cv2.fillPoly(self.tones, [at], float(np.clip(tone, 0, 255)), lineType=cv2.LINE_AA, shift=6)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A camera before a board.

    Attributes:
        rotation: (3, 3) from the board's coordinates to the camera's.
        translation_mm: (3,) [mm]
        focal_px: [px]
        k1: radial distortion, as OpenCV's.
        offset_mm: of the plane that is measured, behind the board's. [mm]
        print_scale: of the board, 1 where it is printed as specified.
        bend_mm: (3,) along x^2, x y, y^2 at half a diagonal. [mm]
        centre_px: (2,) the optical centre, from the middle of the picture. [px]
    """

    rotation: NDArray[np.float64]
    translation_mm: Points
    focal_px: float
    k1: float
    offset_mm: float
    print_scale: float
    bend_mm: Points
    centre_px: Points = field(default_factory=lambda: np.zeros(2))

    def see(self, points_mm: Points, *, z_mm: float = 0.0) -> Points:
        """(N, 2) points of a parallel plane to the picture [px]."""
        deep = np.column_stack([points_mm, np.full(len(points_mm), z_mm)]) @ self.rotation.T + self.translation_mm
        ideal = deep[:, :2] / deep[:, 2:]
        squared = (ideal**2).sum(axis=1, keepdims=True)
        seen = ideal * (1 + self.k1 * squared) * self.focal_px + (WIDTH_PX / 2 - _HALF, HEIGHT_PX / 2 - _HALF)
        seen = seen + self.centre_px
        return np.asarray(seen, np.float64)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What light and camera do.

    Attributes:
        blur_px: standard deviation. [px]
        motion_px: length of a smear in a direction. [px]
        noise: standard deviation, in levels of 255.
        quality: JPEG's.
        shade: what is left of the light in the shaded part; None without.
    """

    blur_px: float = 0.6
    motion_px: float = 0.0
    noise: float = 2.0
    quality: int = 90
    shade: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PlacedBoard:
    """A board where it lies in its plane, seen from the first board's coordinates."""

    board: Board
    at_mm: Points = field(default_factory=lambda: np.zeros(2))
    scale: float = 1.0


def draw_view(
    rng: np.random.Generator,
    *,
    tilt_deg: float,
    distance_mm: float,
    roll_deg: float,
    shift_px: tuple[float, float],
    plane_u_mm: float,
    print_u_share: float,
    bend_u_mm: float,
) -> View:
    """A camera tilted in any direction, its nuisances drawn from normal distributions.

    Args:
        rng: the source of chance.
        tilt_deg: between the line of sight and the board's normal. [deg]
        distance_mm: to the board's centre along the optical axis. [mm]
        roll_deg: about the line of sight. [deg]
        shift_px: of the board's centre from the picture's. [px]
        plane_u_mm: standard deviation of the measured plane's offset. [mm]
        print_u_share: of the print's scale.
        bend_u_mm: of each of the bend's three. [mm]
    """
    towards = rng.uniform(0, 2 * np.pi)
    tilt = np.radians(tilt_deg) * np.array([np.cos(towards), np.sin(towards), 0.0])
    roll = cv2.Rodrigues(np.array([0.0, 0.0, np.radians(roll_deg)]))[0]
    focal_px = WIDTH_PX * rng.uniform(0.68, 0.8)
    sight = np.array([shift_px[0] / focal_px, shift_px[1] / focal_px, 1.0])
    return View(
        rotation=np.asarray(cv2.Rodrigues(tilt)[0] @ roll, np.float64),
        translation_mm=distance_mm * sight,
        focal_px=focal_px,
        k1=rng.normal(0, DISTORTION_SHARE),
        offset_mm=rng.normal(0, plane_u_mm),
        print_scale=1 + rng.normal(0, print_u_share),
        bend_mm=rng.normal(0, bend_u_mm, 3),
        centre_px=rng.normal(0, CENTRE_SHARE * WIDTH_PX, 2),
    )


def render(
    view: View, boards: tuple[PlacedBoard, ...], *, paint: Painter, conditions: Conditions, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The photo, (1500, 2000) grey.

    Args:
        view: the camera.
        boards: in the board's plane; none gives a photo without a board.
        paint: what lies in the plane that is measured.
        conditions: light and camera.
        rng: the source of chance.
    """
    ideal = _see_plane(view, paint, rng)
    for placed in boards:
        _lay_board(ideal, view, placed)
    if conditions.shade is not None:
        _shade(ideal, conditions.shade, rng)
    sharp = cv2.resize(_distort(ideal, view), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    photo = np.asarray(cv2.GaussianBlur(sharp, (0, 0), conditions.blur_px), np.float32)
    if conditions.motion_px > 1:
        photo = _smear(photo, conditions.motion_px, rng)
    noise = rng.standard_normal(photo.shape, np.float32)
    # Shot noise grows with the root of the light, as in any sensor.
    photo += noise * conditions.noise * np.sqrt(0.3 + photo / 128)
    encoded = cv2.imencode(
        ".jpg", np.clip(photo, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, conditions.quality]
    )[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _matrix(view: View) -> NDArray[np.float64]:
    """The camera matrix of the finer picture: pixel centres of both stay at whole numbers."""
    focal = view.focal_px * _FINE
    centre = np.array([WIDTH_PX / 2 * _FINE - _HALF, HEIGHT_PX / 2 * _FINE - _HALF]) + _FINE * view.centre_px
    return np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])


def _plane_matrix(view: View, z_mm: float) -> NDArray[np.float64]:
    columns = [view.rotation[:, 0], view.rotation[:, 1], view.rotation[:, 2] * z_mm + view.translation_mm]
    return _matrix(view) @ np.column_stack(columns)


def _see_plane(view: View, paint: Painter, rng: np.random.Generator) -> NDArray[np.uint8]:
    size = (WIDTH_PX * _FINE, HEIGHT_PX * _FINE)
    matrix = _plane_matrix(view, view.offset_mm)
    rim = np.array([(x * size[0] / 8, y * size[1] / 8) for x in range(9) for y in range(9)], np.float64)
    plane = np.column_stack([rim, np.ones(len(rim))]) @ np.linalg.inv(matrix).T
    before = plane[:, 2] * np.sign(np.linalg.inv(matrix)[2] @ (size[0] / 2, size[1] / 2, 1)) > 0
    near = np.clip(plane[before, :2] / plane[before, 2:], -4000, 4000)
    low, high = near.min(axis=0) - 20, near.max(axis=0) + 20
    mm_per_texel = max(view.translation_mm[2] / view.focal_px / _FINE, float(np.sqrt(np.prod(high - low) / 1e7)))
    columns, rows = np.ceil((high - low) / mm_per_texel).astype(int).tolist()
    canvas = Canvas(np.empty((rows, columns), np.uint8), low, mm_per_texel)
    paint(canvas, rng)
    scale = np.array([[mm_per_texel, 0, low[0]], [0, mm_per_texel, low[1]], [0, 0, 1.0]])
    return np.asarray(cv2.warpPerspective(canvas.tones, matrix @ scale, size, flags=cv2.INTER_LINEAR), np.uint8)


def _lay_board(ideal: NDArray[np.uint8], view: View, placed: PlacedBoard) -> None:
    board = placed.board
    margin = 2 * board.quiet_mm
    outline = (board.outline_mm(margin) * placed.scale * view.print_scale + placed.at_mm) * 1.05
    corners = np.column_stack([outline, np.ones(4)]) @ _plane_matrix(view, 0.0).T
    if (corners[:, 2] <= 0).any():
        return
    corners = corners[:, :2] / corners[:, 2:]
    low = np.clip(np.floor(corners.min(axis=0)) - 8, 0, None).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)) + 8, None, (ideal.shape[1], ideal.shape[0])).astype(int)
    if (high <= low).any():
        return
    x, y = np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1]))
    at_mm = _meet_bent_board(view, placed, x, y)
    texels_per_mm = float(np.clip(1.5 * view.focal_px * _FINE / np.linalg.norm(view.translation_mm), 1, 12))
    picture = _picture_board(board, margin, texels_per_mm)
    half = (np.array(board.size_mm) / 2 + margin) * texels_per_mm - _HALF
    at = (at_mm * texels_per_mm + half).astype(np.float32)
    seen = cv2.remap(picture, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    is_board = (np.abs(at_mm) < np.array(board.size_mm) / 2 + margin).all(axis=-1)
    window = ideal[low[1] : high[1], low[0] : high[0]]
    window[is_board] = seen[is_board]


def _meet_bent_board(
    view: View, placed: PlacedBoard, x: NDArray[np.int64], y: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Where each line of sight meets the board, in the board's own millimetres: three steps from plane to surface."""
    rays = np.linalg.inv(_matrix(view)) @ np.array([x.ravel(), y.ravel(), np.ones(x.size)])
    rays = view.rotation.T @ rays
    camera = -view.rotation.T @ view.translation_mm
    half = placed.board.diagonal_mm / 2
    z = np.zeros(x.size)
    scale = placed.scale * view.print_scale
    own = np.zeros((2, x.size))
    for _ in range(4):
        length = (z - camera[2]) / rays[2]
        own = (camera[:2, None] + length * rays[:2] - placed.at_mm[:, None]) / scale
        # Beyond the markers the paper goes on straight enough: the bend there is that at one half diagonal and a half.
        a, b = np.clip(own / half, -1.5, 1.5)
        z = view.bend_mm @ np.array([a * a, a * b, b * b])
    return own.T.reshape(*x.shape, 2)


def _picture_board(board: Board, margin_mm: float, texels_per_mm: float) -> Texture:
    size = np.round((np.array(board.size_mm) + 2 * margin_mm) * texels_per_mm).astype(int)
    canvas = Canvas(
        np.full((size[1], size[0]), 225, np.uint8),
        -np.array(board.size_mm) / 2 - margin_mm + _HALF / texels_per_mm,
        1 / texels_per_mm,
    )
    cell = board.side_mm / board.cells
    for marker in board.marker_ids:
        corner = board.corners_mm(marker)[0]
        canvas.fill(board.corners_mm(marker), 28)
        for row, column in np.argwhere(draw_cells(board, marker)).tolist():
            square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * cell + corner + (column * cell, row * cell)
            canvas.fill(square, 225)
    return canvas.tones


def _shade(ideal: NDArray[np.uint8], left: float, rng: np.random.Generator) -> None:
    """Half of the picture in shade, with a soft rim."""
    height, width = ideal.shape
    angle = rng.uniform(0, 2 * np.pi)
    at = rng.uniform(0.25, 0.75, 2) * (width, height)
    softness = rng.uniform(8, 120)
    x, y = np.meshgrid(np.arange(0, width, _COARSE), np.arange(0, height, _COARSE))
    away = (x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle)
    light = left + (1 - left) / (1 + np.exp(-np.clip(away / softness, -30, 30)))
    ideal[:] = np.clip(ideal * cv2.resize(light.astype(np.float32), (width, height)), 0, 255).astype(np.uint8)


def _distort(ideal: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """For each pixel of the distorted picture, where the pinhole's picture shows it (Newton's steps)."""
    height, width = ideal.shape
    matrix = _matrix(view)
    x, y = np.meshgrid(np.arange(0, width + _COARSE, _COARSE), np.arange(0, height + _COARSE, _COARSE))
    seen = np.stack([(x - matrix[0, 2]) / matrix[0, 0], (y - matrix[1, 2]) / matrix[1, 1]])
    plain = seen.copy()
    for _ in range(10):
        plain = seen / (1 + view.k1 * (plain**2).sum(axis=0))
    # The coarse nodes lie on every sixteenth pixel; between them the distortion is straight to a thousandth of a pixel.
    nodes = (plain * matrix[0, 0] + matrix[:2, 2, None, None]).astype(np.float32)
    finer = np.array([[1 / _COARSE, 0, 0], [0, 1 / _COARSE, 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    maps = [
        cv2.warpAffine(each, finer, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE) for each in nodes
    ]
    return np.asarray(cv2.remap(ideal, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.uint8)


def _smear(photo: NDArray[np.float32], length_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    side = int(np.ceil(length_px)) | 1
    kernel = np.zeros((side, side), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = (side - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
    middle = (side - 1) / 2
    ends = [np.round((middle + sign * reach) * 16).astype(int).tolist() for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, shift=4)
    return np.asarray(cv2.filter2D(photo, -1, kernel / kernel.sum()), np.float32)


_TILES: dict[int, NDArray[np.float32]] = {}


def paint_ground(canvas: Canvas, rng: np.random.Generator, *, tone: float, roughness: float) -> None:
    """Concrete or soil: grain of several sizes about a tone."""
    if not _TILES:
        fixed = np.random.default_rng(7)
        grain = sum(
            cv2.resize(fixed.normal(0, 1, (_TILE // size, _TILE // size)).astype(np.float32), (_TILE, _TILE))
            for size in (1, 4, 16, 64)
        )
        _TILES[0] = np.asarray(grain / np.std(grain), np.float32)
    rows, columns = canvas.tones.shape
    shifted = np.roll(_TILES[0], rng.integers(0, _TILE, 2).tolist(), axis=(0, 1))
    whole = np.tile(
        np.clip(tone + roughness * shifted, 5, 250).astype(np.uint8), (rows // _TILE + 1, columns // _TILE + 1)
    )
    canvas.tones[:] = whole[:rows, :columns]


@dataclass(frozen=True, slots=True, eq=False)
class TrueLine:
    """A bar's axis or an edge: a point [mm] and a unit vector, in the board's coordinates."""

    point_mm: Points
    along: Points

    def away_mm(self, point_mm: Points) -> float:
        """Signed distance of a point [mm]."""
        across = np.array([-self.along[1], self.along[0]])
        return float((point_mm - self.point_mm) @ across)

    def strip(self, from_mm: float, to_mm: float, *, reach_mm: float = 6000.0) -> Points:
        """(4, 2) the polygon between two parallels [mm]."""
        across = np.array([-self.along[1], self.along[0]])
        return np.array(
            [
                self.point_mm + sign * reach_mm * self.along + place * across
                for sign, place in ((-1, from_mm), (1, from_mm), (1, to_mm), (-1, to_mm))
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Two layers of bars, the first on top.

    Attributes:
        layers: two tuples of lines, in order across.
        diameter_mm: of the bars. [mm]
        tones: of the ground and of the bars.
    """

    layers: tuple[tuple[TrueLine, ...], tuple[TrueLine, ...]]
    diameter_mm: float
    tones: tuple[float, float]

    def paint(self, canvas: Canvas, rng: np.random.Generator) -> None:
        """Ground, shadows beside the bars, then the bars, lighter along a stripe."""
        ground, bar = self.tones
        paint_ground(canvas, rng, tone=ground, roughness=6)
        aside = rng.uniform(-0.4, 0.4) * self.diameter_mm
        stripe = rng.uniform(-0.2, 0.2) * self.diameter_mm
        radius = self.diameter_mm / 2
        for layer in reversed(self.layers):
            for line in layer:
                canvas.fill(line.strip(aside - radius, aside + radius), 0.6 * ground)
            for line in layer:
                for share, tone in ((1.0, 0.8), (0.8, 1.0), (0.35, 1.25)):
                    middle = stripe * (1 - share)
                    canvas.fill(line.strip(middle - share * radius, middle + share * radius), tone * bar)


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """A course between two edges, rough by some tenths of a millimetre.

    Attributes:
        edges: two lines.
        tones: of what is beyond the first edge, of the slab, and of what is beyond the second.
    """

    edges: tuple[TrueLine, TrueLine]
    tones: tuple[float, float, float]
    roughness_mm: float

    def paint(self, canvas: Canvas, rng: np.random.Generator) -> None:
        """The slab's ground, then what lies beyond its edges."""
        paint_ground(canvas, rng, tone=self.tones[1], roughness=5)
        inside = np.mean([each.point_mm for each in self.edges], axis=0)
        for edge, tone in zip(self.edges, (self.tones[0], self.tones[2]), strict=True):
            away = -np.sign(edge.away_mm(inside))
            places = np.arange(-6000, 6001, 10.0)
            across = np.array([-edge.along[1], edge.along[0]])
            rim = (
                edge.point_mm
                + places[:, None] * edge.along
                + rng.normal(0, self.roughness_mm, len(places))[:, None] * across
            )
            beyond = edge.point_mm + np.array([[6000.0], [-6000.0]]) * edge.along + away * 6000 * across
            mask = replace(canvas, tones=np.zeros_like(canvas.tones))
            mask.fill(np.concatenate([rim, beyond]), 255)
            other = replace(canvas, tones=np.empty_like(canvas.tones))
            paint_ground(other, rng, tone=tone, roughness=7)
            cv2.copyTo(other.tones, (mask.tones == 255).astype(np.uint8), canvas.tones)  # noqa: PLR2004 - wholly beyond
            rim_at = np.nonzero((mask.tones > 0) & (mask.tones < 255))  # noqa: PLR2004 - partly
            share = mask.tones[rim_at] / 255
            canvas.tones[rim_at] = canvas.tones[rim_at] * (1 - share) + other.tones[rim_at] * share


def draw_mesh(
    rng: np.random.Generator, *, spacing_mm: tuple[float, float], turn_deg: float, missing: int, jitter_mm: float
) -> Mesh:
    """Bars about a board in their middle, some of the upper layer missing.

    Args:
        rng: the source of chance.
        spacing_mm: of the upper and the lower layer. [mm]
        turn_deg: of the upper bars from the board's rows. [deg]
        missing: bars to leave out.
        jitter_mm: standard deviation of each bar's place. [mm]
    """
    layers = []
    for index, spacing in enumerate(spacing_mm):
        turn = np.radians(turn_deg + 90 * index + rng.normal(0, 0.5))
        count = int(3000 / spacing)
        start = rng.uniform(0, spacing)
        places = start + spacing * np.arange(-count // 2, count // 2) + rng.normal(0, jitter_mm, count)
        lines = []
        for place in places.tolist():
            own = turn + np.radians(rng.normal(0, 0.2))
            across = np.array([-np.sin(turn), np.cos(turn)])
            lines.append(TrueLine(place * across, np.array([np.cos(own), np.sin(own)])))
        if index == 0 and missing:
            near = [n for n, place in enumerate(places) if 0.8 * spacing < abs(place) < 2.5 * spacing]
            for gone in sorted(rng.choice(near, min(missing, len(near)), replace=False), reverse=True):
                del lines[gone]
        layers.append(tuple(lines))
    ground, bar = (
        (rng.uniform(120, 180), rng.uniform(40, 80))
        if rng.random() < _HALF
        else (rng.uniform(50, 85), rng.uniform(125, 170))
    )
    return Mesh((layers[0], layers[1]), rng.uniform(8, 20), (ground, bar))


def draw_slab(rng: np.random.Generator, *, size_mm: float, turn_deg: float, off_mm: float) -> Slab:
    """A course whose edges run about down (turn 90: across a width) or along the board's rows (turn 0: a thickness)."""
    turn = np.radians(turn_deg)
    across = np.array([-np.sin(turn), np.cos(turn)])
    edges = []
    for sign in (-1, 1):
        own = turn + np.radians(rng.normal(0, 0.3))
        edges.append(TrueLine((off_mm + sign * size_mm / 2) * across, np.array([np.cos(own), np.sin(own)])))
    inside = rng.uniform(120, 190)
    beyond = [inside * rng.uniform(0.4, 0.75) for _ in range(2)]
    return Slab((edges[0], edges[1]), (beyond[0], inside, beyond[1]), rng.uniform(0.1, 0.6))
