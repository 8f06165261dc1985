"""Blender objects of the rendered scenes: people, machines, cones, trees, formwork, rebar; a function for each.

Positions are metres, z up; angles are degrees about z, 0 facing -y. Where things stand in a picture is `scenes.py`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import pi
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from sample_media.make import materials
from sample_media.make.materials import srgb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sample_media.make.humans import Faces, Figure, FigureBuilder, Mesh, Points, Pose
    from sample_media.make.materials import Colour

Vector = tuple[float, float, float]

YELLOW = srgb("e3a406")
STEEL = srgb("9aa0a3")
RUBBER = srgb("1d1d1e")

# Outlines of the excavator's arm in y and z. [m]
BOOM = [
    (-0.75, 1.15),
    (-1.3, 1.25),
    (-3.2, 3.55),
    (-5.1, 3.75),
    (-5.15, 4.0),
    (-3.2, 4.15),
    (-2.6, 3.95),
    (-0.75, 1.75),
]
STICK = [(-4.62, 4.35), (-4.95, 4.42), (-5.30, 3.9), (-6.05, 1.75), (-5.88, 1.62), (-5.1, 3.5)]
BUCKET = [
    (-5.8, 1.85),
    (-6.15, 1.85),
    (-6.32, 1.2),
    (-6.15, 0.6),
    (-5.55, 0.25),
    (-5.2, 0.2),
    (-5.45, 0.6),
    (-5.6, 1.2),
]


def link(name: str, data: Any, parent: Any = None) -> Any:  # noqa: ANN401  (Blender's objects have no types)
    """An object of some data, in the scene, below a parent where one is given."""
    made = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(made)
    if parent is not None:
        made.parent = parent
    return made


def group(name: str, *, at: Vector, turn_deg: float) -> Any:  # noqa: ANN401
    """An empty object that carries others: they are built about the origin, facing -y, and placed with it."""
    made = link(name, None)
    made.location = at
    made.rotation_euler = (0, 0, turn_deg * pi / 180)
    return made


def surface(  # the one place where arrays become a mesh
    name: str,
    points: Points | Sequence[Vector],
    faces: Faces,
    material: Any,  # noqa: ANN401
    *,
    parent: Any = None,  # noqa: ANN401
    is_smooth: bool = False,
    bevel_m: float = 0.0,
) -> Any:  # noqa: ANN401
    """An object of points and faces, with its edges rounded where a bevel is given."""
    data = bpy.data.meshes.new(name)
    data.from_pydata([tuple(point) for point in points], [], faces)
    data.update()
    data.polygons.foreach_set("use_smooth", np.full(len(data.polygons), is_smooth))
    data.materials.append(material)
    made = link(name, data, parent)
    if bevel_m:
        modifier = made.modifiers.new("bevel", "BEVEL")
        modifier.width, modifier.segments = bevel_m, 2
    return made


def box(
    size: Vector,
    at: Vector,
    material: Any,  # noqa: ANN401
    *,
    parent: Any = None,  # noqa: ANN401
    turn_deg: float = 0.0,
    bevel_m: float = 0.02,
) -> Any:  # noqa: ANN401
    """A box about its middle."""
    x, y, z = (side / 2 for side in size)
    points = [(i * x, j * y, k * z) for k in (-1, 1) for j in (-1, 1) for i in (-1, 1)]
    faces: Faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    made = surface("box", points, faces, material, parent=parent, bevel_m=bevel_m)
    made.location = at
    made.rotation_euler = (0, 0, turn_deg * pi / 180)
    return made


def rod(start: Vector, end: Vector, radius_m: float, material: Any, *, parent: Any = None, sides: int = 16) -> Any:  # noqa: ANN401
    """A round bar from one point to another."""
    a, b = np.array(start), np.array(end)
    along = (b - a) / np.linalg.norm(b - a)
    across = np.cross(along, (0, 0, 1) if abs(along[2]) < 0.9 else (1, 0, 0))  # noqa: PLR2004
    across /= np.linalg.norm(across)
    third = np.cross(along, across)
    phi = np.linspace(0, 2 * pi, sides, endpoint=False)[:, None]
    ring = radius_m * (np.cos(phi) * across + np.sin(phi) * third)
    faces: Faces = [(i, (i + 1) % sides, sides + (i + 1) % sides, sides + i) for i in range(sides)]
    faces += [tuple(range(sides))[::-1], tuple(range(sides, 2 * sides))]
    return surface("rod", np.vstack([a + ring, b + ring]), faces, material, parent=parent)


def lathe(profile: Sequence[tuple[float, float]], material: Any, *, parent: Any = None, sides: int = 40) -> Any:  # noqa: ANN401
    """A body of revolution about z: rows of radius and height, from below."""
    phi = np.linspace(0, 2 * pi, sides, endpoint=False)
    points = np.vstack([np.column_stack([r * np.cos(phi), r * np.sin(phi), np.full(sides, z)]) for r, z in profile])
    faces: Faces = [
        (row * sides + i, row * sides + (i + 1) % sides, (row + 1) * sides + (i + 1) % sides, (row + 1) * sides + i)
        for row in range(len(profile) - 1)
        for i in range(sides)
    ]
    return surface("lathe", points, faces, material, parent=parent, is_smooth=True)


def plate(
    outline: Sequence[tuple[float, float]],
    width_m: float,
    material: Any,  # noqa: ANN401
    *,
    at_x: float = 0.0,
    parent: Any = None,  # noqa: ANN401
    bevel_m: float = 0.02,
) -> Any:  # noqa: ANN401
    """An outline in y and z, anticlockwise seen from +x, drawn out to a width in x."""
    n = len(outline)
    points = [(at_x + side * width_m / 2, y, z) for side in (-1, 1) for y, z in outline]
    faces: Faces = [tuple(range(n))[::-1], tuple(range(n, 2 * n))]
    faces += [(i, (i + 1) % n, n + (i + 1) % n, n + i) for i in range(n)]
    return surface("plate", points, faces, material, parent=parent, bevel_m=bevel_m)


def height_field(name: str, x: Points, y: Points, z: Points, material: Any) -> Any:  # noqa: ANN401
    """Ground over a grid: x (N,), y (M,), z (M, N) [m]."""
    grid_x, grid_y = np.meshgrid(x, y)
    points = np.column_stack([grid_x.ravel(), grid_y.ravel(), z.ravel()])
    n = len(x)
    faces: Faces = [
        (r * n + i, r * n + i + 1, (r + 1) * n + i + 1, (r + 1) * n + i)
        for r in range(len(y) - 1)
        for i in range(n - 1)
    ]
    return surface(name, points, faces, material, is_smooth=True)


def rough(shape: tuple[int, int], *, seed: int, octaves: int = 5) -> Points:
    """Fractal noise in about -1 to 1 over a grid, by adding smoothed random lattices."""
    rng = np.random.default_rng(seed)
    total = np.zeros(shape)
    for octave in range(octaves):
        cells = 3 * 2**octave
        lattice = rng.uniform(-1, 1, (cells + 2, cells + 2))
        v = np.linspace(0, cells - 1e-6, shape[0])
        u = np.linspace(0, cells - 1e-6, shape[1])
        i, j = v.astype(int)[:, None], u.astype(int)[None]
        fv, fu = (v % 1)[:, None], (u % 1)[None]
        fv, fu = fv * fv * (3 - 2 * fv), fu * fu * (3 - 2 * fu)
        top = lattice[i, j] * (1 - fu) + lattice[i, j + 1] * fu
        bottom = lattice[i + 1, j] * (1 - fu) + lattice[i + 1, j + 1] * fu
        total += (top * (1 - fv) + bottom * fv) * 0.55**octave
    return total


@dataclass(frozen=True, kw_only=True)
class Outfit:
    """What a person wears below a vest, and their skin.

    Attributes:
        garments: Names of MakeHuman's clothes.
        upper: Colour of the shirt or jacket, linear.
        lower: Colour of the trousers, linear.
        skin: Linear.
        hem_m: Where the upper colour ends, above the hips' joint. [m]
    """

    garments: tuple[str, ...]
    hem_m: float
    upper: Colour
    lower: Colour
    skin: Colour


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person of a picture.

    Attributes:
        mix: Shape targets with their weights.
        outfit: Clothes and skin.
        pose: How they stand.
        at: Of the feet; z is the ground. [m]
        turn_deg: 0 faces -y, positive turns to their left.
        helmet: Its colour, or none.
        vest: Its colour, or none.
        has_clipboard: Whether they hold one before them.
    """

    mix: dict[str, float]
    outfit: Outfit
    pose: Pose
    at: Vector
    turn_deg: float
    helmet: Colour | None
    vest: Colour | None
    has_clipboard: bool = False


def body_part(name: str, mesh: Mesh, material: Any, parent: Any) -> Any:  # noqa: ANN401
    """A part of a figure, with its rest coordinates in two UV maps for the patterns."""
    made = surface(name, mesh.points, mesh.faces, material, parent=parent, is_smooth=True)
    corners = np.zeros(len(made.data.loops), dtype=np.int64)
    made.data.loops.foreach_get("vertex_index", corners)
    rest = mesh.rest[corners]
    for layer, values in (
        ("rest_xz", rest[:, [0, 2]]),
        ("rest_y", np.column_stack([rest[:, 1], np.zeros(len(rest))])),
    ):
        made.data.uv_layers.new(name=layer).data.foreach_set("uv", values.astype(np.float32).ravel())
    modifier = made.modifiers.new("subdivision", "SUBSURF")
    modifier.levels = modifier.render_levels = 1
    return made


def paint(made: Any, values: Points) -> None:  # noqa: ANN401
    """Stores (N, 3) per point as the attribute `paint`."""
    layer = made.data.color_attributes.new(name="paint", type="FLOAT_COLOR", domain="POINT")
    rgba = np.column_stack([values, np.ones(len(values))]).astype(np.float32)
    layer.data.foreach_set("color", rgba.ravel())


def paint_face(made: Any, figure: Figure) -> None:  # noqa: ANN401
    """Marks lips (red) and brows (green) of the skin."""
    rest = figure.meshes["skin"].rest
    marks = np.zeros((len(rest), 3))
    mouth = rest - figure.landmarks["mouth"]
    marks[:, 0] = np.exp(-((mouth[:, 0] / 0.022) ** 2) - (mouth[:, 2] / 0.008) ** 2) * (mouth[:, 1] < 0)
    for side in ("eye_l", "eye_r"):
        brow = rest - figure.landmarks[side] - np.array([0, 0, 0.021])
        marks[:, 1] += 0.9 * np.exp(-((brow[:, 0] / 0.021) ** 4) - (brow[:, 2] / 0.005) ** 2) * (brow[:, 1] < 0)
    paint(made, np.clip(marks, 0, 1))


def paint_eyes(made: Any, figure: Figure) -> None:  # noqa: ANN401
    """Marks the irises."""
    rest = figure.meshes["eyes"].rest
    marks = np.zeros(len(rest))
    for side in ("eye_l", "eye_r"):
        off = rest - figure.landmarks[side]
        marks += (np.hypot(off[:, 0], off[:, 2]) < 0.0065) & (off[:, 1] < 0)  # noqa: PLR2004
    paint(made, np.repeat(np.clip(marks, 0, 1)[:, None], 3, axis=1))


def grow_hair(scalp: Any) -> None:  # noqa: ANN401
    """Short hair on a scalp."""
    modifier = scalp.modifiers.new("hair", "PARTICLE_SYSTEM")
    settings = modifier.particle_system.settings
    settings.type = "HAIR"
    settings.count, settings.hair_length, settings.hair_step = 2500, 0.022, 3
    settings.child_type = "INTERPOLATED"
    settings.rendered_child_count = 12
    settings.clump_factor = 0.3
    settings.roughness_2 = 0.01
    settings.root_radius, settings.tip_radius, settings.radius_scale = 0.5, 0.2, 0.0012
    settings.object_align_factor = (0.0, -0.006, -0.004)


def person(builder: FigureBuilder, who: Person) -> Any:  # noqa: ANN401
    """Places a person; the object given back carries all their parts."""
    figure = builder.build(
        mix=who.mix,
        garments=who.outfit.garments,
        pose=who.pose,
        helmet=who.helmet is not None,
        vest=who.vest is not None,
    )
    made = group("person", at=who.at, turn_deg=who.turn_deg)
    hem = float(figure.landmarks["pelvis"][2]) + who.outfit.hem_m
    clothes = materials.cloth(who.outfit.upper, who.outfit.lower, waist_m=hem)
    boots = materials.plain("boots", srgb("3a332b"), wear=0.5)
    for name, mesh in figure.meshes.items():
        if name == "skin":
            paint_face(body_part(name, mesh, materials.skin(who.outfit.skin), made), figure)
        elif name == "eyes":
            paint_eyes(body_part(name, mesh, materials.eyes(), made), figure)
        elif name == "scalp":
            if who.helmet is None:
                grow_hair(body_part(name, mesh, materials.hair(), made))
        elif name == "vest" and who.vest is not None:
            chest = float(figure.landmarks["neck"][2]) - 0.27
            part = body_part(name, mesh, materials.vest(who.vest, chest_m=chest), made)
            part.modifiers.new("thickness", "SOLIDIFY").thickness = 0.006
        elif name == "helmet" and who.helmet is not None:
            part = body_part(name, mesh, materials.helmet(who.helmet), made)
            part.modifiers.new("thickness", "SOLIDIFY").thickness = 0.004
        else:
            body_part(name, mesh, boots if name.startswith("shoes") else clothes, made)
    if who.has_clipboard:
        left, right = figure.joint("hand_l", tail=True), figure.joint("hand_r", tail=True)
        middle = (left + right) / 2 + np.array([0, -0.05, 0.085])
        sheet = box((0.23, 0.31, 0.008), tuple(middle), materials.plain("paper", srgb("e8e6df")), parent=made)
        sheet.rotation_euler = (0.5, 0, 0)
    return made


def cone(*, at: Vector, height_m: float = 0.72) -> None:
    """A traffic cone: orange with two white bands, on a square foot."""
    made = group("cone", at=at, turn_deg=12)
    orange = materials.plain("cone", srgb("e84a10"), roughness=0.45, wear=0.15)
    white = materials.plain("band", srgb("e9e9e4"), roughness=0.5, wear=0.1)
    box((0.40, 0.40, 0.035), (0, 0, 0.0175), orange, parent=made)
    cuts = [0.0, 0.30, 0.50, 0.62, 0.78, 1.0]
    for index, (low, high) in enumerate(pairwise(cuts)):
        rows = [(0.15 - 0.125 * t, 0.035 + t * (height_m - 0.035)) for t in (low, high)]
        lathe(rows, white if index % 2 else orange, parent=made)
    lathe([(0.025, height_m), (0.0, height_m)], orange, parent=made)


def stadium(length_m: float, height_m: float, *, lift_m: float, steps: int = 10) -> list[tuple[float, float]]:
    """Outline of a crawler track in y and z, anticlockwise seen from +x."""
    r = height_m / 2
    half = length_m / 2 - r
    right = [(half + r * np.cos(t), lift_m + r + r * np.sin(t)) for t in np.linspace(-pi / 2, pi / 2, steps)]
    left = [(-half + r * np.cos(t), lift_m + r + r * np.sin(t)) for t in np.linspace(pi / 2, 1.5 * pi, steps)]
    return [(float(y), float(z)) for y, z in right + left]


def crawler(parent: Any, *, at_x: float) -> None:  # noqa: ANN401
    """One track with its shoes and wheels."""
    dark = materials.plain("track", srgb("2f2c29"), roughness=0.8, wear=0.6)
    plate(stadium(3.7, 0.86, lift_m=0.03), 0.40, dark, at_x=at_x, parent=parent)
    outline = np.array([*stadium(3.7, 0.86, lift_m=0.03, steps=24), stadium(3.7, 0.86, lift_m=0.03)[0]])
    run = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(outline, axis=0).T))])
    for s in np.arange(0, run[-1], 0.175):
        y, z = np.interp(s, run, outline[:, 0]), np.interp(s, run, outline[:, 1])
        ahead = np.interp(s + 0.02, run, outline[:, 0]) - y, np.interp(s + 0.02, run, outline[:, 1]) - z
        shoe = box((0.56, 0.15, 0.05), (at_x, float(y), float(z)), dark, parent=parent, bevel_m=0.008)
        shoe.rotation_euler = (float(np.arctan2(ahead[1], ahead[0])), 0, 0)
    wheel = materials.plain("wheel", srgb("4a4640"), wear=0.4)
    for y in np.linspace(-1.35, 1.35, 7):
        reach = 0.26 if abs(y) > 1 else 0.15
        rod(
            (at_x - 0.26, y, 0.46 if abs(y) > 1 else 0.28),
            (at_x + 0.26, y, 0.46 if abs(y) > 1 else 0.28),
            reach,
            wheel,
            parent=parent,
        )


def excavator(*, at: Vector, turn_deg: float, swing_deg: float = 0.0) -> None:
    """A yellow crawler excavator of some 14 t, its bucket at the ground."""
    made = group("excavator", at=at, turn_deg=turn_deg)
    yellow = materials.plain("machine", YELLOW, roughness=0.4, wear=0.3)
    dark = materials.plain("dark", srgb("26282a"), roughness=0.5)
    steel = materials.plain("rod", STEEL, metallic=0.9, roughness=0.25)
    pane = materials.glass()
    for side in (-1, 1):
        crawler(made, at_x=side * 1.05)
    box((1.7, 2.2, 0.4), (0, 0, 0.62), dark, parent=made)
    lathe([(0.75, 0.8), (0.75, 1.02)], dark, parent=made)
    upper = group("upper", at=(0, 0, 0), turn_deg=swing_deg)
    upper.parent = made
    box((2.45, 3.0, 0.22), (0, 0.35, 1.12), yellow, parent=upper, bevel_m=0.04)
    box((1.25, 2.3, 0.95), (-0.58, 0.55, 1.68), yellow, parent=upper, bevel_m=0.09)
    box((1.15, 1.4, 0.9), (0.6, 1.0, 1.66), yellow, parent=upper, bevel_m=0.09)
    box((2.5, 0.62, 1.05), (0, 1.92, 1.62), yellow, parent=upper, bevel_m=0.16)
    box((1.262, 1.1, 0.42), (-0.58, 0.3, 1.72), dark, parent=upper, bevel_m=0.02)
    rod((-0.7, 1.0, 2.1), (-0.7, 1.0, 2.55), 0.06, dark, parent=upper)
    cab(upper, yellow, pane)
    plate(BOOM[::-1], 0.36, yellow, at_x=-0.05, parent=upper, bevel_m=0.03)
    plate(STICK, 0.28, yellow, at_x=-0.05, parent=upper)
    worn = materials.plain("bucket", srgb("5b544a"), wear=0.5)
    plate(BUCKET, 0.95, worn, at_x=-0.05, parent=upper)
    for x in (-0.42, 0.32):
        rod((x, -1.25, 1.35), (x, -2.0, 2.25), 0.09, dark, parent=upper)
        rod((x, -1.9, 2.1), (x, -2.75, 3.2), 0.05, steel, parent=upper)
    rod((-0.05, -3.0, 4.2), (-0.05, -3.9, 4.36), 0.09, dark, parent=upper)
    rod((-0.05, -3.8, 4.34), (-0.05, -4.8, 4.42), 0.05, steel, parent=upper)
    rod((-0.05, -5.36, 3.85), (-0.05, -5.82, 2.55), 0.07, dark, parent=upper)
    rod((-0.05, -5.78, 2.65), (-0.05, -6.2, 1.7), 0.04, steel, parent=upper)


def cab(parent: Any, paint_: Any, pane: Any) -> None:  # noqa: ANN401
    """The excavator's cab, with dark panes on all sides."""
    outline = [(-1.15, 1.2), (-1.25, 2.2), (-0.85, 2.95), (0.45, 2.95), (0.45, 1.2)]
    plate(outline[::-1], 1.0, paint_, at_x=0.68, parent=parent, bevel_m=0.05)
    window = [(-1.08, 1.75), (-1.16, 2.2), (-0.8, 2.82), (-0.32, 2.82), (-0.32, 1.75)]
    rear = [(-0.22, 1.95), (-0.22, 2.82), (0.36, 2.82), (0.36, 1.95)]
    for glass in (window, rear):
        plate(glass[::-1], 1.02, pane, at_x=0.68, parent=parent, bevel_m=0.004)
    front = [(-1.172, 1.35), (-1.265, 2.19), (-0.868, 2.9), (-0.84, 2.88), (-1.22, 2.17), (-1.13, 1.35)]
    plate(front, 0.86, pane, at_x=0.68, parent=parent, bevel_m=0.004)


def truck(*, at: Vector, turn_deg: float, colour: Colour) -> None:
    """A three-axle tipper with a load of gravel."""
    made = group("truck", at=at, turn_deg=turn_deg)
    body = materials.plain("cab", colour, roughness=0.35, wear=0.15)
    bed = materials.plain("bed", srgb("8d2f22"), roughness=0.55, wear=0.35)
    dark = materials.plain("dark", srgb("232426"), roughness=0.6)
    light = materials.plain("lamp", srgb("f2f0e2"), roughness=0.2)
    pane = materials.glass()
    rubber = materials.plain("tyre", RUBBER, roughness=0.9, wear=0.4)
    rim = materials.plain("rim", STEEL, roughness=0.4, metallic=0.5)
    box((0.85, 7.6, 0.28), (0, 0.3, 0.95), dark, parent=made)
    cab_outline = [(-3.75, 0.65), (-3.85, 1.75), (-3.6, 2.95), (-1.85, 3.0), (-1.85, 0.85)]
    plate(cab_outline[::-1], 2.4, body, parent=made, bevel_m=0.07)
    plate([(-3.86, 1.85), (-3.63, 2.8), (-3.58, 2.8), (-3.80, 1.85)][::-1], 2.1, pane, parent=made, bevel_m=0.01)
    plate([(-3.45, 1.85), (-3.3, 2.7), (-2.3, 2.7), (-2.3, 1.85)][::-1], 2.43, pane, parent=made, bevel_m=0.01)
    box((2.44, 0.25, 0.42), (0, -3.82, 0.72), dark, parent=made, bevel_m=0.05)
    box((1.7, 0.08, 0.36), (0, -3.86, 1.3), dark, parent=made)
    for side in (-1, 1):
        box((0.34, 0.1, 0.18), (side * 0.95, -3.9, 0.82), light, parent=made, bevel_m=0.03)
        box((0.12, 0.22, 0.5), (side * 1.36, -3.75, 2.2), dark, parent=made, bevel_m=0.04)
        for y in (-2.9, 1.7, 3.0):
            rod((side * 0.88, y, 0.52), (side * 1.22, y, 0.52), 0.52, rubber, parent=made, sides=36)
            rod((side * 1.20, y, 0.52), (side * 1.235, y, 0.52), 0.29, rim, parent=made, sides=24)
        box((0.06, 5.5, 1.25), (side * 1.2, 1.35, 2.0), bed, parent=made)
        for y in np.linspace(-1.2, 3.9, 8):
            box((0.1, 0.1, 1.25), (side * 1.26, float(y), 2.0), bed, parent=made)
    box((2.46, 0.08, 1.6), (0, -1.4, 2.2), bed, parent=made)
    box((2.46, 0.08, 1.25), (0, 4.1, 2.0), bed, parent=made)
    box((2.4, 5.5, 0.12), (0, 1.35, 1.4), bed, parent=made)
    load = heap(at=(0, 1.35, 2.15), radius_m=2.3, height_m=0.75, seed=3)
    load.scale = (0.5, 1.1, 1)
    load.parent = made


def heap(*, at: Vector, radius_m: float, height_m: float, seed: int) -> Any:  # noqa: ANN401
    """A heap of gravel."""
    x = np.linspace(-radius_m, radius_m, 90)
    distance = np.hypot(*np.meshgrid(x, x)) / radius_m
    noise = rough((90, 90), seed=seed, octaves=6)
    z = height_m * np.clip(1.0 - 1.2 * distance**1.15 + 0.08 * noise, -0.3, None)
    made = height_field("heap", x, x, z, gravel())
    made.location = at
    return made


def gravel() -> Any:  # noqa: ANN401
    """Grey-brown gravel."""
    stops = [(0.25, srgb("55503f")), (0.5, srgb("8a8375")), (0.75, srgb("b0a898"))]
    return materials.ground(stops, scale=6.0, grain_m=0.03)


def concrete() -> Any:  # noqa: ANN401
    """Young concrete."""
    stops = [(0.3, srgb("8e8b83")), (0.5, srgb("a8a59b")), (0.7, srgb("bcb9af"))]
    return materials.ground(stops, scale=0.9, grain_m=0.004)


def soil() -> Any:  # noqa: ANN401
    """Brown soil."""
    stops = [(0.25, srgb("4a3a28")), (0.5, srgb("7a6145")), (0.75, srgb("97805f"))]
    return materials.ground(stops, scale=0.8, grain_m=0.03)


def grass() -> Any:  # noqa: ANN401
    """A meadow in autumn."""
    stops = [(0.3, srgb("46512a")), (0.5, srgb("6b7236")), (0.7, srgb("8b8350"))]
    return materials.ground(stops, scale=0.5, grain_m=0.05)


def tufts(*, low: tuple[float, float], high: tuple[float, float], count: int, seed: int) -> None:
    """Blades of grass over a rectangle of flat ground."""
    rng = np.random.default_rng(seed)
    roots = np.repeat(rng.uniform(low, high, (count // 12, 2)), 12, axis=0)
    roots += rng.normal(0, 0.07, roots.shape)
    n = len(roots)
    turn, lean = rng.uniform(0, 2 * pi, n), rng.normal(0, 0.12, (n, 2))
    tall = rng.uniform(0.10, 0.32, n)
    side = np.column_stack([np.cos(turn), np.sin(turn)]) * 0.009
    base = np.column_stack([roots, np.zeros(n)])
    tip = np.column_stack([roots + lean, tall])
    points = np.stack([base + np.pad(side, ((0, 0), (0, 1))), base - np.pad(side, ((0, 0), (0, 1))), tip], axis=1)
    faces: Faces = [(3 * i, 3 * i + 1, 3 * i + 2) for i in range(n)]
    surface("tufts", points.reshape(-1, 3), faces, materials.plain("blade", srgb("7d8a3e"), wear=0.5))


def tree(*, at: Vector, height_m: float, seed: int) -> None:
    """A broad-leaved tree: a trunk, and leaves in a few overlapping clouds."""
    made = group("tree", at=at, turn_deg=seed * 40)
    rng = np.random.default_rng(seed)
    rod(
        (0, 0, -0.2),
        (0.1, 0.05, height_m * 0.62),
        0.035 * height_m,
        materials.plain("bark", srgb("54463a"), wear=0.5),
        parent=made,
    )
    clouds = rng.normal(0, 1, (9, 3)) * np.array([0.17, 0.17, 0.13]) * height_m + np.array([0, 0, 0.66 * height_m])
    n = 7000
    centre = clouds[rng.integers(0, len(clouds), n)]
    direction = rng.normal(0, 1, (n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    leaf = centre + direction * (rng.uniform(0.5, 1.0, (n, 1)) ** 0.5) * 0.17 * height_m
    a, b = rng.normal(0, 1, (n, 3)), rng.normal(0, 1, (n, 3))
    a, b = (0.016 * height_m * v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    points = np.stack([leaf + a, leaf + b, leaf - a, leaf - b], axis=1).reshape(-1, 3)
    faces: Faces = [(4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3) for i in range(n)]
    green = srgb(("46602a", "5a6b2c", "6f7330", "3f5a30")[seed % 4])
    surface("leaves", points, faces, materials.plain("leaf", green, wear=0.6), parent=made)


def house(*, at: Vector, turn_deg: float, floors: int = 2) -> None:
    """A village house: white walls, dark windows, a grey tiled roof."""
    made = group("house", at=at, turn_deg=turn_deg)
    wall = materials.plain("wall", srgb("d9d5ca"), roughness=0.9, wear=0.15)
    dark = materials.glass()
    high = 3.1 * floors
    box((11, 8, high), (0, 0, high / 2), wall, parent=made)
    for floor in range(floors):
        for x in (-3.6, 0.0, 3.6):
            box((1.5, 0.12, 1.5), (x, -4.0, 1.7 + 3.1 * floor), dark, parent=made)
    roof = [(-4.7, high), (0, high + 2.2), (4.7, high), (4.7, high + 0.15), (0, high + 2.4), (-4.7, high + 0.15)]
    plate(roof, 12.2, materials.plain("tiles", srgb("4c4f52"), wear=0.4), parent=made)
    plate([(-4.0, high), (4.0, high), (0, high + 2.1)], 10.9, wall, parent=made)


def hills(*, distance_m: float, height_m: float, seed: int) -> None:
    """A wooded ridge behind the scene, blue with distance."""
    x = np.linspace(-2.2 * distance_m, 2.2 * distance_m, 260)
    y = np.linspace(distance_m, 1.9 * distance_m, 70)
    rise = np.sin(np.linspace(0, pi, 70))[:, None] ** 1.2
    z = rise * height_m * (0.7 + 0.35 * rough((70, 260), seed=seed, octaves=7)) - 1
    nodes = materials.Nodes("hills", roughness=1.0)
    nodes.colour(nodes.ramp(nodes.noise(scale=0.25, detail=9), [(0.35, srgb("3e5248")), (0.65, srgb("5c6f62"))]))
    height_field("hills", x, y, z, nodes.material)


def formwork(start: tuple[float, float], end: tuple[float, float], *, height_m: float) -> None:
    """Boards on edge along a line, held by stakes."""
    a, b = np.array(start), np.array(end)
    length = float(np.linalg.norm(b - a))
    turn = float(np.degrees(np.arctan2(b[1] - a[1], b[0] - a[0])))
    made = group("formwork", at=(a[0], a[1], 0), turn_deg=turn)
    board = materials.wood()
    for index in range(max(1, round(length / 3))):
        size = length / max(1, round(length / 3))
        box((size - 0.01, 0.035, height_m), ((index + 0.5) * size, 0, height_m / 2), board, parent=made, bevel_m=0.004)
    for s in np.arange(0.3, length, 0.9):
        rod(
            (float(s), 0.05, -0.1),
            (float(s), 0.05, height_m + 0.12),
            0.016,
            materials.plain("stake", srgb("6b4a35"), metallic=0.4),
            parent=made,
        )


def rebar_mesh(
    *,
    low: tuple[float, float],
    high: tuple[float, float],
    spacing_m: tuple[float, float],
    at_z: float,
    diameter_m: float,
) -> None:
    """Two layers of bars; the spacing is exact, in x between bars along y and the other way round.

    Args:
        low: Corner with the least x and y, where the first bars lie. [m]
        high: The opposite corner. [m]
        spacing_m: Between the axes of bars along y, and of bars along x. [m]
        at_z: Axis of the lower layer. [m]
        diameter_m: Of a bar. [m]
    """
    rust = materials.plain("rebar", srgb("6a4630"), roughness=0.75, metallic=0.35, wear=0.4)
    for x in np.arange(low[0], high[0] + 1e-9, spacing_m[0]):
        ribbed_bar((float(x), low[1] - 0.05, at_z), (float(x), high[1] + 0.05, at_z), diameter_m, rust)
    upper = at_z + diameter_m
    for y in np.arange(low[1], high[1] + 1e-9, spacing_m[1]):
        ribbed_bar((low[0] - 0.05, float(y), upper), (high[0] + 0.05, float(y), upper), diameter_m, rust)


def ribbed_bar(start: Vector, end: Vector, diameter_m: float, material: Any) -> None:  # noqa: ANN401
    """A bar along x or y with a rib every 8 mm."""
    a, b = np.array(start), np.array(end)
    length = float(np.linalg.norm(b - a))
    count, sides = int(length / 0.004), 10
    t = np.arange(count) * 0.004
    radius = diameter_m / 2 * np.where(np.arange(count) % 2, 1.0, 0.88)
    phi = np.linspace(0, 2 * pi, sides, endpoint=False)
    along = (b - a) / length
    across = np.cross(along, (0, 0, 1))
    ring = np.cos(phi)[:, None] * across + np.sin(phi)[:, None] * np.array([0, 0, 1])
    points = (a + t[:, None] * along)[:, None] + radius[:, None, None] * ring[None]
    faces: Faces = [
        (r * sides + i, r * sides + (i + 1) % sides, (r + 1) * sides + (i + 1) % sides, (r + 1) * sides + i)
        for r in range(count - 1)
        for i in range(sides)
    ]
    surface("bar", points.reshape(-1, 3), faces, material, is_smooth=True)


def board(path: Path, *, size_m: tuple[float, float], at: Vector, turn_deg: float) -> None:
    """A printed board on a plate, lying; its picture's top points to +y before it is turned."""
    made = group("board", at=at, turn_deg=turn_deg)
    x, y = size_m[0] / 2, size_m[1] / 2
    box(
        (size_m[0], size_m[1], 0.004),
        (0, 0, -0.0025),
        materials.plain("plate", srgb("d8d8d8")),
        parent=made,
        bevel_m=0.0005,
    )
    sheet = surface(
        "sheet", [(-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0)], [(0, 1, 2, 3)], materials.picture(path), parent=made
    )
    sheet.data.uv_layers.new(name="uv").data.foreach_set("uv", [0, 0, 1, 0, 1, 1, 0, 1])


def gauge(*, at: Vector, turn_deg: float, height_m: float) -> None:
    """A staff gauge: white, with a black or red block every 50 mm and a number every 100 mm, from 0 below."""
    made = group("gauge", at=at, turn_deg=turn_deg)
    inks = [materials.plain("ink", srgb(text), wear=0.05) for text in ("15161a", "b5161a")]
    box(
        (0.16, 0.012, height_m),
        (0, 0, height_m / 2),
        materials.plain("enamel", srgb("f0f0ec"), wear=0.05),
        parent=made,
        bevel_m=0.002,
    )
    for step in range(round(height_m / 0.1)):
        ink = inks[step % 2]
        low = step * 0.1
        box((0.016, 0.004, 0.05), (-0.066, -0.008, low + 0.025), ink, parent=made, bevel_m=0)
        for k in range(3):
            box((0.06, 0.004, 0.01), (-0.045, -0.008, low + 0.005 + 0.02 * k), ink, parent=made, bevel_m=0)
        text = bpy.data.curves.new("number", "FONT")
        text.body, text.size, text.extrude = f"{step}", 0.062, 0.001
        text.materials.append(ink)
        number = link("number", text, made)
        number.location, number.rotation_euler = (0.012, -0.008, low + 0.03), (pi / 2, 0, 0)
