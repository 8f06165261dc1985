"""What stands where in each rendered picture, and from where it is looked at; `render.py` turns one into pixels.

The camera looks along +y; z is up; one unit is a metre.
"""

from __future__ import annotations

from math import atan2, cos, hypot, pi, sin
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np

from sample_media.make import materials, objects, poses
from sample_media.make.materials import srgb
from sample_media.make.objects import Outfit, Person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sample_media.make.humans import FigureBuilder
    from sample_media.make.objects import Vector

YELLOW, RED, WHITE, BLUE = srgb("f0c000"), srgb("c81e1a"), srgb("f0f0ee"), srgb("1c4fa8")
LIME, ORANGE = srgb("cdf000"), srgb("ff5a10")

# The phone that the pictures pretend to come from: 26 mm in the 35 mm film equivalent on a 4:3 sensor.
LENS_MM = 26.0
SENSOR_MM = 36.0

# A rebar mesh for measuring: bars along y every 200 mm, bars along x every 150 mm, 12 mm thick.
REBAR_SPACING_M = (0.200, 0.150)
REBAR_DIAMETER_M = 0.012

# The clip: where the worker heads, and a sun behind the camera, so that his shadow lies behind him.
WALK_TURN_DEG = 35.0
WALK_SUN_DEG = 186.0

MALE = "macrodetails/asian-male-young"
BUILD = "macrodetails/universal-male-young"
MEN: tuple[tuple[dict[str, float], Outfit], ...] = (
    (
        {MALE: 1, f"{BUILD}-averagemuscle-averageweight": 1},
        Outfit(
            hem_m=0.03,
            garments=("male_casualsuit02", "shoes02"),
            upper=srgb("3d4f6d"),
            lower=srgb("34383f"),
            skin=srgb("b98560"),
        ),
    ),
    (
        {
            "macrodetails/asian-male-old": 0.6,
            MALE: 0.4,
            f"{BUILD}-averagemuscle-maxweight": 0.5,
            f"{BUILD}-averagemuscle-averageweight": 0.5,
        },
        Outfit(
            hem_m=-0.05,
            garments=("male_casualsuit03", "shoes04"),
            upper=srgb("5b5f58"),
            lower=srgb("2f3a4d"),
            skin=srgb("a5714d"),
        ),
    ),
    (
        {MALE: 1, f"{BUILD}-averagemuscle-minweight": 0.5, f"{BUILD}-averagemuscle-averageweight": 0.5},
        Outfit(
            hem_m=-0.11,
            garments=("male_casualsuit05", "shoes05"),
            upper=srgb("3b4a35"),
            lower=srgb("4b463e"),
            skin=srgb("c29070"),
        ),
    ),
    (
        {MALE: 0.6, "macrodetails/caucasian-male-young": 0.4, f"{BUILD}-maxmuscle-averageweight": 1},
        Outfit(
            hem_m=-0.06,
            garments=("male_casualsuit06", "shoes02"),
            upper=srgb("7a3b34"),
            lower=srgb("2c3544"),
            skin=srgb("ad7a55"),
        ),
    ),
    (
        {MALE: 0.6, "macrodetails/caucasian-male-young": 0.4, f"{BUILD}-maxmuscle-averageweight": 1},
        Outfit(
            hem_m=-0.06,
            garments=("male_casualsuit06", "shoes02"),
            upper=srgb("1d2a4a"),
            lower=srgb("4a463e"),
            skin=srgb("ad7a55"),
        ),
    ),
    (
        {MALE: 1, f"{BUILD}-averagemuscle-minweight": 0.5, f"{BUILD}-averagemuscle-averageweight": 0.5},
        Outfit(
            hem_m=-0.11,
            garments=("male_casualsuit05", "shoes05"),
            upper=srgb("222326"),
            lower=srgb("35383d"),
            skin=srgb("c29070"),
        ),
    ),
)


class Stage:
    """Builds one scene; its methods are the pictures.

    Args:
        builder: Makes the people.
        board: Picture of the printed fiducial board, with its size on paper in metres.
    """

    def __init__(self, builder: FigureBuilder, board: tuple[Path, tuple[float, float]]) -> None:
        self.builder = builder
        self.board_picture, self.board_size_m = board

    def worker(self, who: int, at: tuple[float, float], pose: Any, **wear: Any) -> Any:  # noqa: ANN401
        """One of `MEN` on the ground; `wear` are the other fields of `Person`."""
        mix, outfit = MEN[who]
        fields = {"helmet": None, "vest": None, "turn_deg": 0.0, "ground_m": 0.0} | wear
        x, y, z = at[0], at[1], fields.pop("ground_m")
        return objects.person(self.builder, Person(mix=mix, outfit=outfit, pose=pose, at=(x, y, z), **fields))

    def inside_safe(self) -> None:
        """Two workers with helmet and vest beside fresh formwork."""
        road(seed=1, slab_to_m=3.2)
        objects.formwork((-2.0, 3.2), (2.0, 3.2), height_m=0.22)
        self.worker(0, (-0.8, 4.3), poses.pointing(), helmet=YELLOW, vest=LIME, turn_deg=18, ground_m=0.03)
        self.worker(
            2, (0.75, 4.6), poses.reading(), helmet=WHITE, vest=ORANGE, turn_deg=-22, has_clipboard=True, ground_m=0.03
        )
        objects.heap(at=(3.7, 9.5, 0), radius_m=1.6, height_m=0.9, seed=5)
        camera(at=(0, 0, 1.62), look_at=(0, 6, 0.95))

    def no_hardhat(self) -> None:
        """One worker in a vest, his head bare, before a heap of gravel."""
        road(seed=2, slab_to_m=2.6)
        self.worker(1, (-0.15, 4.0), poses.standing(look_deg=8), vest=ORANGE, turn_deg=-14, ground_m=0.03)
        objects.heap(at=(-2.4, 8.5, 0), radius_m=1.9, height_m=1.1, seed=8)
        objects.cone(at=(1.9, 7.0, 0.03))
        camera(at=(0, 0, 1.6), look_at=(0, 6, 0.95))

    def no_vest(self) -> None:
        """One worker in a helmet and a dark shirt, without a vest."""
        road(seed=3, slab_to_m=3.0)
        objects.formwork((-2.0, -2.0), (-2.0, 3.0), height_m=0.22)
        self.worker(4, (0.3, 4.0), poses.standing(look_deg=-6), helmet=YELLOW, turn_deg=16, ground_m=0.03)
        objects.heap(at=(3.6, 10.0, 0), radius_m=1.5, height_m=0.8, seed=11)
        camera(at=(0, 0, 1.6), look_at=(0, 6, 0.95))

    def machine(self) -> None:
        """An excavator behind a row of cones, a worker with helmet and vest beside it."""
        road(seed=4, slab_to_m=-3.0)
        objects.excavator(at=(-1.4, 12.5, 0.03), turn_deg=52)
        for x, y in ((-2.3, 5.6), (-1.0, 6.0), (2.6, 7.0)):
            objects.cone(at=(x, y, 0.03))
        self.worker(3, (1.3, 4.9), poses.standing(look_deg=8), helmet=YELLOW, vest=LIME, turn_deg=12, ground_m=0.03)
        camera(at=(0, 0, 1.65), look_at=(0, 7, 1.2))

    def outside(self) -> None:
        """A worker with helmet and vest in a village street somewhere else."""
        road(seed=6, slab_to_m=60.0, trees=False)
        objects.house(at=(-9.5, 19, 0), turn_deg=90)
        objects.house(at=(10.5, 26, 0), turn_deg=-82)
        objects.tree(at=(5.2, 13, 0), height_m=5.5, seed=5)
        self.worker(
            0, (0.5, 4.2), poses.reading(), helmet=BLUE, vest=LIME, turn_deg=20, has_clipboard=True, ground_m=0.2
        )
        camera(at=(0, 0, 1.8), look_at=(0, 6, 1.15))

    def edge(self) -> None:
        """The edge of the road with boards, cones and one worker with helmet and vest."""
        road(seed=7, slab_to_m=9.0)
        for y in (2.5, 5.5, 8.5):
            objects.cone(at=(1.6, y + 1, 0.2))
        objects.formwork((2.0, -1.0), (2.0, 9.0), height_m=0.22)
        self.worker(3, (-0.6, 4.6), poses.standing(look_deg=10), helmet=WHITE, vest=LIME, turn_deg=-25, ground_m=0.2)
        camera(at=(0.3, 0, 1.75), look_at=(0.4, 6, 1.0))

    def mixed(self) -> None:
        """Four people: all worn, no helmet, no vest, neither."""
        road(seed=8, slab_to_m=2.5)
        self.worker(0, (-1.6, 4.7), poses.standing(look_deg=5), helmet=YELLOW, vest=LIME, turn_deg=14, ground_m=0.03)
        self.worker(1, (-0.55, 5.0), poses.standing(), vest=LIME, turn_deg=-6, ground_m=0.03)
        self.worker(4, (0.5, 4.7), poses.standing(look_deg=-5), helmet=RED, turn_deg=6, ground_m=0.03)
        self.worker(5, (1.6, 5.0), poses.standing(look_deg=10), turn_deg=-16, ground_m=0.03)
        camera(at=(0, 0, 1.62), look_at=(0, 6, 1.0))

    def lorry(self) -> None:
        """A tipper with gravel, a worker with helmet and vest before it."""
        road(seed=9, slab_to_m=-3.0)
        objects.truck(at=(-1.6, 12.5, 0.03), turn_deg=32, colour=srgb("1f4f9c"))
        self.worker(2, (1.3, 4.9), poses.standing(look_deg=5), helmet=YELLOW, vest=ORANGE, turn_deg=4, ground_m=0.03)
        objects.cone(at=(2.7, 8.0, 0.03))
        camera(at=(0, 0, 1.65), look_at=(0, 7, 1.2))

    def before_editing(self) -> None:
        """Two workers, the right one bare-headed: what the camera saw."""
        self.after_editing()
        self.worker(1, (1.0, 4.7), poses.standing(look_deg=-10), vest=LIME, turn_deg=-20, ground_m=0.03)

    def after_editing(self) -> None:
        """The same place without the right worker: what was cloned over him."""
        road(seed=10, slab_to_m=2.8)
        objects.heap(at=(-3.2, 9.0, 0), radius_m=1.7, height_m=0.9, seed=21)
        self.worker(0, (-0.8, 4.5), poses.standing(look_deg=6), helmet=YELLOW, vest=LIME, turn_deg=15, ground_m=0.03)
        camera(at=(0, 0, 1.62), look_at=(0, 6, 1.0))

    def pier(self) -> None:
        """A bridge pier in formwork with a staff gauge, a second one stripped, a worker with helmet and vest."""
        stream()
        pier(at=(-1.6, 8.2), is_stripped=False)
        pier(at=(3.4, 14.5), is_stripped=True)
        objects.gauge(at=(-0.65, 7.17, 0.0), turn_deg=0, height_m=2.0)
        self.worker(0, (0.9, 5.0), poses.standing(look_deg=15), helmet=RED, vest=ORANGE, turn_deg=28, ground_m=0.02)
        camera(at=(0, 0, 1.6), look_at=(0, 8, 1.7))

    def board(self) -> None:
        """A rebar mesh over formwork with the fiducial board lying on it."""
        daylight(turn_deg=160, height_deg=48)
        wood = materials.wood()
        for index in range(14):
            objects.box((2.6, 0.198, 0.02), (0, -0.3 + 0.2 * index, -0.01), wood, bevel_m=0.002)
        objects.rebar_mesh(
            low=(-1.2, -0.3), high=(1.2, 2.1), spacing_m=REBAR_SPACING_M, at_z=0.045, diameter_m=REBAR_DIAMETER_M
        )
        lift = 0.045 + 1.5 * REBAR_DIAMETER_M + 0.0045
        objects.board(self.board_picture, size_m=self.board_size_m, at=(0.035, 0.64, lift), turn_deg=9)
        camera(at=(0.0, 0.20, 0.66), look_at=(0.02, 0.66, 0.05))

    def portrait(self) -> None:
        """One worker with neither helmet nor vest, for a picture that is held upright."""
        road(seed=15, slab_to_m=2.4)
        self.worker(4, (0.1, 3.4), poses.standing(look_deg=8), turn_deg=-12, ground_m=0.03)
        objects.cone(at=(-1.1, 5.2, 0.03))
        camera(at=(0, 0, 1.6), look_at=(0, 6, 0.9))

    def walk(self) -> None:
        """The clip's place without its walker; the camera stands on a post."""
        road(seed=12, slab_to_m=3.0, sun_deg=WALK_SUN_DEG)
        objects.heap(at=(-3.2, 11, 0), radius_m=1.7, height_m=0.9, seed=31)
        objects.cone(at=(2.9, 7.5, 0.03))
        camera(at=(0, 0, 1.9), look_at=(0, 5, 0.9))


def walker_place(time_s: float) -> tuple[float, float]:
    """Where the clip's worker is at a time: 0.45 m/s toward the camera and to the picture's right [m]."""
    turn = WALK_TURN_DEG * pi / 180
    return -1.0 + 0.45 * time_s * sin(turn), 6.3 - 0.45 * time_s * cos(turn)


def walking_at(stage: Stage, time_s: float) -> Any:  # noqa: ANN401
    """The clip's worker at a time, one step a second [s]."""
    stride = poses.walking(0.5 * time_s + 0.1)
    return stage.worker(1, walker_place(time_s), stride, vest=ORANGE, turn_deg=WALK_TURN_DEG, ground_m=0.03)


def walker_box(time_s: float) -> list[Vector]:
    """Corners of the space that the clip's worker and his shadow take at a time [m]."""
    x, y = walker_place(time_s)
    return [(x + i, y + j, k) for i in (-1.3, 0.7) for j in (-0.6, 2.6) for k in (0.0, 1.9)]


def road(*, seed: int, slab_to_m: float, trees: bool = True, sun_deg: float | None = None) -> None:
    """A village road along y: soil, gravel base, and a concrete slab as far as `slab_to_m` [m]."""
    daylight(turn_deg=150 + 9 * seed if sun_deg is None else sun_deg, height_deg=38 + seed % 3 * 4)
    x, y = np.linspace(-40, 40, 320), np.linspace(-6, 74, 320)
    flat = np.clip((np.abs(x)[None] - 2.4) / 2.5, 0, 1)
    objects.height_field(
        "grass", x, y, -0.16 + 0.14 * flat + 0.18 * flat * objects.rough((320, 320), seed=seed), objects.grass()
    )
    near_x, near_y = np.linspace(-4.6, 4.6, 240), np.linspace(-4, 40, 400)
    shoulder = np.clip((4.5 - np.abs(near_x)) / 0.9, 0, 1)[None]
    bumps = 0.05 * objects.rough((400, 240), seed=seed + 50, octaves=7)
    bed = 0.25 * np.clip((2.6 - np.abs(near_x)) / 0.5, 0, 1)[None]
    objects.height_field("soil", near_x, near_y, -0.1 + 0.12 * shoulder + bumps * shoulder - bed, objects.soil())
    base_x, base_y = np.linspace(-2.5, 2.5, 160), np.linspace(-4, 45, 500)
    crown = np.clip((2.5 - np.abs(base_x)) / 0.25, 0, 1)[None] ** 0.5
    grain = 0.015 * objects.rough((500, 160), seed=seed + 90, octaves=8)
    objects.height_field("gravel", base_x, base_y, -0.06 + 0.09 * crown + grain, objects.gravel())
    if slab_to_m > -2:  # noqa: PLR2004
        length = slab_to_m + 4
        objects.box((4.0, length, 0.2), (0, slab_to_m - length / 2, 0.1), objects.concrete(), bevel_m=0.012)
    objects.tufts(low=(-9, 1), high=(-4.3, 22), count=14000, seed=seed)
    objects.tufts(low=(4.3, 1), high=(9, 22), count=14000, seed=seed + 1)
    objects.surface(
        "plain",
        [(-500, 60, -0.4), (500, 60, -0.4), (500, 400, -0.4), (-500, 400, -0.4)],
        [(0, 1, 2, 3)],
        objects.grass(),
    )
    objects.hills(distance_m=150, height_m=34, seed=seed + 3)
    if trees:
        rng = np.random.default_rng(seed)
        for index in range(9):
            side = -1 if index % 2 else 1
            objects.tree(
                at=(side * float(rng.uniform(7, 16)), float(rng.uniform(12, 46)), 0),
                height_m=float(rng.uniform(4.5, 8)),
                seed=seed * 10 + index,
            )
        objects.house(at=((-1) ** seed * 15.0, 38, 0), turn_deg=(-1) ** seed * 20)


def stream() -> None:
    """A stream's bed with banks and shallow water."""
    daylight(turn_deg=205, height_deg=42)
    x, y = np.linspace(-30, 30, 320), np.linspace(-4, 60, 320)
    noise = objects.rough((320, 320), seed=77, octaves=7)
    bank = 0.16 * np.clip(np.abs(x - 0.5)[None] - 6.5, 0, 12) ** 1.2
    objects.height_field("bed", x, y, bank + 0.10 * noise - 0.02, objects.gravel())
    water = materials.Nodes("water", roughness=0.06)
    water.colour(srgb("39453c"))
    water.bump(water.noise(scale=5.0, detail=3.0), strength=0.15, distance_m=0.02)
    objects.surface(
        "water",
        [(-30, 8.9, -0.02), (30, 10.5, -0.02), (30, 60, -0.02), (-30, 60, -0.02)],
        [(0, 1, 2, 3)],
        water.material,
    )
    objects.hills(distance_m=120, height_m=30, seed=9)
    rng = np.random.default_rng(5)
    for index in range(10):
        side = -1 if index % 2 else 1
        where = (side * float(rng.uniform(11, 18)), float(rng.uniform(16, 46)), 1.2)
        objects.tree(at=where, height_m=float(rng.uniform(4.5, 8)), seed=100 + index)


def pier(*, at: tuple[float, float], is_stripped: bool) -> None:
    """A pier of 2.2 by 1.6 m with a cap beam; its lower part in steel formwork unless stripped."""
    made = objects.group("pier", at=(at[0], at[1], 0), turn_deg=0)
    young = objects.concrete()
    objects.box((2.2, 1.6, 4.6), (0, 0, 2.2), young, parent=made, bevel_m=0.12)
    objects.box((4.6, 1.9, 0.9), (0, 0, 4.9), young, parent=made, bevel_m=0.05)
    if is_stripped:
        return
    steel = materials.plain("formwork", srgb("3f6486"), roughness=0.5, wear=0.4)
    pipe = materials.plain("pipe", srgb("8c8a84"), roughness=0.4, metallic=0.7, wear=0.3)
    for x in (-0.76, 0.0, 0.76):
        panel(made, x, steel)
    for side in (-1, 1):
        objects.box((0.06, 1.7, 2.4), (side * 1.14, 0, 2.6), steel, parent=made, bevel_m=0.006)
    scaffold(made, pipe)
    objects.box((4.2, 0.5, 0.04), (0, -1.35, 2.95), materials.wood(), parent=made, bevel_m=0.004)


def panel(parent: Any, x: float, steel: Any) -> None:  # noqa: ANN401
    """One ribbed steel panel on the front of a pier."""
    objects.box((0.74, 0.06, 2.4), (x, -0.86, 2.6), steel, parent=parent, bevel_m=0.006)
    for z in np.linspace(1.5, 3.7, 6):
        objects.box((0.74, 0.07, 0.05), (x, -0.91, float(z)), steel, parent=parent, bevel_m=0.004)
    for side in (-0.35, 0.35):
        objects.box((0.04, 0.07, 2.4), (x + side, -0.91, 2.6), steel, parent=parent, bevel_m=0.004)


def scaffold(parent: Any, pipe: Any) -> None:  # noqa: ANN401
    """Pipes around a pier."""
    for x in (-1.9, 1.9):
        for y in (-1.6, 1.2):
            objects.rod((x, y, -0.1), (x, y, 5.4), 0.024, pipe, parent=parent)
    for z in (1.2, 2.9, 4.3):
        for y in (-1.6, 1.2):
            objects.rod((-2.2, y, z), (2.2, y, z + 0.02), 0.024, pipe, parent=parent)
        for x in (-1.9, 1.9):
            objects.rod((x, -1.9, z + 0.05), (x, 1.5, z + 0.05), 0.024, pipe, parent=parent)


def daylight(*, turn_deg: float, height_deg: float) -> None:
    """A clear sky with a low haze and its sun (Nishita's model, as Blender has it)."""
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    sky = world.node_tree.nodes.new("ShaderNodeTexSky")
    sky.sky_type = "NISHITA"
    sky.sun_elevation, sky.sun_rotation = height_deg * pi / 180, turn_deg * pi / 180
    sky.sun_intensity, sky.sun_size = 0.35, 0.03
    sky.air_density, sky.dust_density = 1.2, 3.0
    background = world.node_tree.nodes["Background"]
    background.inputs["Strength"].default_value = 0.13
    world.node_tree.links.new(sky.outputs["Color"], background.inputs["Color"])


def camera(*, at: Vector, look_at: Vector) -> None:
    """The scene's camera, upright."""
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width, data.sensor_fit = LENS_MM, SENSOR_MM, "HORIZONTAL"
    made = objects.link("camera", data)
    x, y, z = (b - a for a, b in zip(at, look_at, strict=True))
    made.location = at
    made.rotation_euler = (pi / 2 + atan2(z, hypot(x, y)), 0, -atan2(x, y))
    bpy.context.scene.camera = made


# Pictures that are held upright: 3:4 instead of 4:3.
PORTRAITS = frozenset({"road-upright"})

PICTURES: dict[str, Callable[[Stage], None]] = {
    "road-inside-safe": Stage.inside_safe,
    "road-no-hardhat": Stage.no_hardhat,
    "road-no-vest": Stage.no_vest,
    "road-machine": Stage.machine,
    "road-outside": Stage.outside,
    "road-edge": Stage.edge,
    "road-no-gps": Stage.mixed,
    "road-wrong-clock": Stage.lorry,
    "road-edited-before": Stage.before_editing,
    "road-edited-after": Stage.after_editing,
    "road-upright": Stage.portrait,
    "bridge-pier": Stage.pier,
    "bridge-board": Stage.board,
}
