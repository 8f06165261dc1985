"""Human bodies, clothes, vests and helmets as plain arrays: shape, garments and pose, all in numpy.

Reads the CC0 data of MakeHuman (base mesh, shape targets, clothes) and of MPFB (skeleton, weights) from a folder that
the caller names; knows nothing of Blender, of scenes or of files to be written.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

Points: TypeAlias = NDArray[np.float64]
Faces: TypeAlias = list[tuple[int, ...]]

BASE_OBJ = "makehuman/makehuman/data/3dobjs/base.obj"
TARGETS = "makehuman/makehuman/data/targets"
CLOTHES = "makehuman-assets/base/clothes"
GROUPS_JSON = "mpfb2/src/mpfb/data/mesh_metadata/basemesh_vertex_groups.json"
RIG_JSON = "mpfb2/src/mpfb/data/rigs/standard/rig.game_engine.json"
WEIGHTS_JSON = "mpfb2/src/mpfb/data/rigs/standard/weights.game_engine.json"

# One unit of MakeHuman's files is a decimetre.
UNIT_M = 0.1

# Chosen by eye on the base mesh, so that a vest's holes lie at the shoulders' seams and hair begins where it grows:
# how much of a point's movement may come from the arm, the forearm and the neck, and how much comes from the head.
MOST_UPPER_ARM = 0.42
MOST_FOREARM = 0.1
MOST_NECK = 0.6
LEAST_HEAD = 0.5
CROWN_HEAD = 0.9


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """A surface in metres, x to the figure's left, y to its back, z up.

    Attributes:
        points: (N, 3), as posed. [m]
        rest: (N, 3), the same points before posing; patterns are painted in these. [m]
        faces: Indices of each polygon's corners.
    """

    points: Points
    rest: Points
    faces: Faces


@dataclass(frozen=True, kw_only=True)
class BodyData:
    """What the files say, in MakeHuman's own axes (y up, z to the front) and decimetres."""

    points: Points
    faces: dict[str, Faces]
    ranges: dict[str, list[list[int]]]
    bones: dict[str, Bone]
    weights: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Bone:
    """One bone: its parent, and the small cubes of the base mesh whose middles are its ends."""

    parent: str
    head_cube: str
    tail_cube: str


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How a figure stands.

    Attributes:
        aims: Direction that a bone points to, in the figure's axes (x left, y back, z up).
        turns: Rotation vector that is laid on a bone after its parent's. [rad]
    """

    aims: Mapping[str, tuple[float, float, float]]
    turns: Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """Bones of one shaped body with their posed transforms.

    Attributes:
        names: Bones in the order of the weights' columns.
        transforms: (B, 4, 4), from rest to pose.
        heads: (B, 3), posed. [m]
        tails: (B, 3), posed. [m]
    """

    names: list[str]
    transforms: NDArray[np.float64]
    heads: Points
    tails: Points


def read_obj(path: Path) -> tuple[Points, dict[str, Faces]]:
    """Points and faces by group of a Wavefront file; texture coordinates are left out."""
    points: list[list[float]] = []
    faces: dict[str, Faces] = {}
    group = "all"
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            points.append([float(word) for word in rest.split()[:3]])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners = tuple(int(word.partition("/")[0]) - 1 for word in rest.split())
            faces.setdefault(group, []).append(tuple(dict.fromkeys(corners)))
    return np.array(points), faces


def load_body(data: Path) -> BodyData:
    """The base mesh with its skeleton.

    Args:
        data: A folder with checkouts named `makehuman`, `makehuman-assets` and `mpfb2`.
    """
    points, faces = read_obj(data / BASE_OBJ)
    ranges = json.loads((data / GROUPS_JSON).read_text(encoding="utf-8"))
    rig = json.loads((data / RIG_JSON).read_text(encoding="utf-8"))
    bones: dict[str, Bone] = {}
    waiting = dict(rig)
    while waiting:
        for name, entry in list(waiting.items()):
            if entry["parent"] in bones or not entry["parent"]:
                bones[name] = Bone(
                    parent=entry["parent"],
                    head_cube=entry["head"].get("cube_name", "joint-ground"),
                    tail_cube=entry["tail"].get("cube_name", ""),
                )
                del waiting[name]
    weights = np.zeros((len(points), len(bones)))
    table = json.loads((data / WEIGHTS_JSON).read_text(encoding="utf-8"))["weights"]
    for column, name in enumerate(bones):
        for index, weight in table.get(name, []):
            weights[index, column] = weight
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return BodyData(points=points, faces=faces, ranges=ranges, bones=bones, weights=weights)


def shape_body(body: BodyData, data: Path, mix: Mapping[str, float]) -> Points:
    """The base mesh with shape targets laid on it.

    Args:
        body: From `load_body`.
        data: The same folder.
        mix: Weight of each target, by its path below MakeHuman's `targets`, without the suffix.

    Returns:
        (N, 3) in MakeHuman's axes. [dm]
    """
    points = body.points.copy()
    for name, weight in mix.items():
        path = data / TARGETS / f"{name}.target"
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                index, *offset = line.split()
                points[int(index)] += weight * np.array([float(word) for word in offset])
    return points


def to_scene_axes(points: Points) -> Points:
    """From MakeHuman's axes and decimetres to x left, y back, z up in metres."""
    return np.column_stack([points[:, 0], -points[:, 2], points[:, 1]]) * UNIT_M


def middle_of(body: BodyData, points: Points, group: str) -> Points:
    """Mean of the points of a group; of a joint's cube this is the joint."""
    indices = [i for first, last in body.ranges[group] for i in range(first, last + 1)]
    middle: Points = points[indices].mean(axis=0)
    return middle


@dataclass(frozen=True, kw_only=True)
class Garment:
    """Clothes fitted to one body: rest points, faces, weights by bone, and the skin that they hide."""

    points: Points
    faces: Faces
    weights: NDArray[np.float64]
    hidden: frozenset[int]


def fit_garment(body: BodyData, points: Points, data: Path, name: str) -> Garment:
    """A garment of MakeHuman's, bound to a shaped body as its `.mhclo` file says.

    Each line of `verts` binds a point to a triangle of the base mesh by three weights and an offset; the offset grows
    with the distance between the two points that `x_scale` and its siblings name.
    """
    path = data / CLOTHES / name / f"{name}.mhclo"
    _, faces = read_obj(path.with_suffix(".obj"))
    scale = np.ones(3)
    rows: list[list[float]] = []
    hidden: set[int] = set()
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if re.match(r"[xyz]_scale", words[0]):
            axis = "xyz".index(words[0][0])
            span = points[int(words[1])] - points[int(words[2])]
            scale[axis] = abs(span[axis]) / float(words[3])
        elif words[0] in {"verts", "delete_verts"}:
            section = words[0]
        elif re.match(r"[A-Za-z]", words[0]):
            continue
        elif section == "verts":
            rows.append([float(word) for word in words])
        elif section == "delete_verts":
            hidden |= parse_ranges(words)
    bound = [row if len(row) > 1 else [row[0], row[0], row[0], 1, 0, 0, 0, 0, 0] for row in rows]
    table = np.array(bound)
    corners = table[:, :3].astype(int)
    share = table[:, 3:6, None]
    fitted = (points[corners] * share).sum(axis=1) + table[:, 6:9] * scale
    weights = np.clip((body.weights[corners] * share).sum(axis=1), 0, None)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return Garment(
        points=fitted,
        faces=[face for group in faces.values() for face in group],
        weights=weights,
        hidden=frozenset(hidden),
    )


def parse_ranges(words: Sequence[str]) -> set[int]:
    """Numbers like `3 7 - 9 12` as a set: 3, 7, 8, 9, 12."""
    found: set[int] = set()
    last = 0
    through = False
    for word in words:
        if word == "-":
            through = True
            continue
        found |= set(range(last, int(word) + 1)) if through else {int(word)}
        last, through = int(word), False
    return found


def rotation(vector: Points) -> NDArray[np.float64]:
    """Matrix of a rotation vector, by Rodrigues' formula [rad]."""
    angle = float(np.linalg.norm(vector))
    cross = np.zeros((3, 3))
    if angle > 0:
        x, y, z = vector / angle
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    matrix: NDArray[np.float64] = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return matrix


def rotation_between(start: Points, end: Points) -> NDArray[np.float64]:
    """The smallest rotation that takes one direction to another."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis = np.cross(a, b)
    size = float(np.linalg.norm(axis))
    angle = float(np.arctan2(size, float(a @ b)))
    return rotation(axis / size * angle) if size > 0 else np.eye(3)


def pose_skeleton(body: BodyData, points: Points, pose: Pose) -> Skeleton:
    """Posed transforms of all bones of a shaped body.

    Args:
        body: From `load_body`.
        points: The shaped base mesh, in MakeHuman's axes. [dm]
        pose: Aims and turns by bone.
    """
    names = list(body.bones)
    transforms = np.tile(np.eye(4), (len(names), 1, 1))
    heads, tails = np.zeros((len(names), 3)), np.zeros((len(names), 3))
    for row, name in enumerate(names):
        bone = body.bones[name]
        head = to_scene_axes(middle_of(body, points, bone.head_cube)[None])[0]
        tail = to_scene_axes(middle_of(body, points, bone.tail_cube)[None])[0] if bone.tail_cube else head
        above = transforms[names.index(bone.parent)] if bone.parent else np.eye(4)
        turn = np.eye(3)
        if name in pose.aims:
            turn = rotation_between(above[:3, :3] @ (tail - head), np.array(pose.aims[name]))
        if name in pose.turns:
            turn = rotation(np.array(pose.turns[name])) @ turn
        posed_head = above[:3, :3] @ head + above[:3, 3]
        transforms[row, :3, :3] = turn @ above[:3, :3]
        transforms[row, :3, 3] = posed_head - transforms[row, :3, :3] @ head
        heads[row] = posed_head
        tails[row] = transforms[row, :3, :3] @ tail + transforms[row, :3, 3]
    return Skeleton(names=names, transforms=transforms, heads=heads, tails=tails)


def skin(rest: Points, weights: NDArray[np.float64], skeleton: Skeleton) -> Points:
    """Linear blend skinning of rest points (scene axes) [m]."""
    mixed = np.einsum("nb,bij->nij", weights, skeleton.transforms)
    posed: Points = np.einsum("nij,nj->ni", mixed[:, :3, :3], rest) + mixed[:, :3, 3]
    return posed


def keep_faces(points: Points, faces: Faces, keep: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Faces]:
    """Faces whose corners are all kept, renumbered; with the indices of the points that remain."""
    inside = [face for face in faces if all(keep[i] for i in face)]
    used = np.array(sorted({i for face in inside for i in face}), dtype=np.int64)
    renumber = np.full(len(points), -1)
    renumber[used] = np.arange(len(used))
    return used, [tuple(int(renumber[i]) for i in face) for face in inside]


def normals_of(points: Points, faces: Faces) -> Points:
    """Unit normals of the points, weighted by the area of the faces around them."""
    total = np.zeros_like(points)
    for face in faces:
        a, b, c = points[face[0]], points[face[1]], points[face[2]]
        total[list(face)] += np.cross(b - a, c - a)
    unit: Points = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return unit


def smooth(points: Points, faces: Faces, *, rounds: int, strength: float = 0.5) -> Points:
    """Moves every point some way to the mean of its neighbours, several times."""
    edges = {(face[i - 1], face[i]) for face in faces for i in range(len(face))}
    pairs = np.array(sorted(edges | {(b, a) for a, b in edges}))
    count = np.bincount(pairs[:, 0], minlength=len(points))[:, None]
    for _ in range(rounds):
        total = np.zeros_like(points)
        np.add.at(total, pairs[:, 0], points[pairs[:, 1]])
        points = points + strength * (total / np.maximum(count, 1) - points)
    return points


@dataclass(frozen=True, kw_only=True)
class Figure:
    """All surfaces of one posed person, by what they are made of: skin, eyes, clothes, vest, helmet, scalp.

    Attributes:
        meshes: By part.
        skeleton: As posed.
        landmarks: `eye_l`, `eye_r`, `mouth`, `pelvis` and `neck` in the rest pose. [m]
    """

    meshes: dict[str, Mesh]
    skeleton: Skeleton
    landmarks: dict[str, Points]

    def joint(self, bone: str, *, tail: bool = False) -> Points:
        """Posed position of a bone's head, or of its tail [m]."""
        row = self.skeleton.names.index(bone)
        found: Points = (self.skeleton.tails if tail else self.skeleton.heads)[row]
        return found


class FigureBuilder:
    """Makes figures from one set of data; keeps the base mesh between them.

    Args:
        data: A folder with checkouts named `makehuman`, `makehuman-assets` and `mpfb2`.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.body = load_body(data)
        self.shaped: dict[frozenset[tuple[str, float]], Points] = {}

    def build(
        self, *, mix: Mapping[str, float], garments: Sequence[str], pose: Pose, helmet: bool, vest: bool
    ) -> Figure:
        """One person with feet at z = 0, the pelvis above the origin, facing -y."""
        points = self.body_points(mix)
        rest = to_scene_axes(points)
        skeleton = pose_skeleton(self.body, points, pose)
        meshes: dict[str, Mesh] = {}
        fitted = {name: fit_garment(self.body, points, self.data, name) for name in garments}
        hidden = frozenset().union(*(garment.hidden for garment in fitted.values()))
        meshes["skin"] = self.part(rest, skeleton, "body", hidden)
        meshes["eyes"] = self.join(
            self.part(rest, skeleton, "helper-l-eye", frozenset()),
            self.part(rest, skeleton, "helper-r-eye", frozenset()),
        )
        for name, garment in fitted.items():
            cloth = to_scene_axes(garment.points)
            meshes[name] = Mesh(points=skin(cloth, garment.weights, skeleton), rest=cloth, faces=garment.faces)
        meshes["scalp"] = self.scalp(rest, skeleton)
        if vest:
            meshes["vest"] = self.vest(rest, skeleton)
        if helmet:
            meshes["helmet"] = self.helmet(rest, skeleton)
        floor = min(float(mesh.points[:, 2].min()) for mesh in meshes.values())
        pelvis = skeleton.heads[skeleton.names.index("pelvis")]
        shift = np.array([-pelvis[0], -pelvis[1], -floor])
        moved = {
            name: Mesh(points=mesh.points + shift, rest=mesh.rest, faces=mesh.faces) for name, mesh in meshes.items()
        }
        bones = Skeleton(
            names=skeleton.names,
            transforms=skeleton.transforms,
            heads=skeleton.heads + shift,
            tails=skeleton.tails + shift,
        )
        return Figure(meshes=moved, skeleton=bones, landmarks=self.landmarks(rest))

    def body_points(self, mix: Mapping[str, float]) -> Points:
        """The shaped base mesh, in MakeHuman's axes; kept, because a clip asks for the same one in every frame [dm]."""
        key = frozenset(mix.items())
        if key not in self.shaped:
            self.shaped[key] = shape_body(self.body, self.data, mix)
        return self.shaped[key]

    def landmarks(self, rest: Points) -> dict[str, Points]:
        """Points of the rest pose that patterns are painted around [m]."""
        joints = {"eye_l": "l-eye", "eye_r": "r-eye", "mouth": "mouth", "pelvis": "pelvis", "neck": "neck"}
        return {name: middle_of(self.body, rest, f"joint-{joint}") for name, joint in joints.items()}

    def part(self, rest: Points, skeleton: Skeleton, group: str, hidden: frozenset[int]) -> Mesh:
        """One group of the base mesh, posed, without the hidden points."""
        keep = np.ones(len(rest), dtype=bool)
        keep[list(hidden)] = False
        used, faces = keep_faces(rest, self.body.faces[group], keep)
        return Mesh(points=skin(rest[used], self.body.weights[used], skeleton), rest=rest[used], faces=faces)

    @staticmethod
    def join(first: Mesh, second: Mesh) -> Mesh:
        """Two surfaces as one."""
        step = len(first.points)
        return Mesh(
            points=np.vstack([first.points, second.points]),
            rest=np.vstack([first.rest, second.rest]),
            faces=first.faces + [tuple(i + step for i in face) for face in second.faces],
        )

    def weight_of(self, prefix: str) -> NDArray[np.float64]:
        """Each point's weight on all bones whose name begins so."""
        columns = [i for i, name in enumerate(self.body.bones) if name.startswith(prefix)]
        total: NDArray[np.float64] = self.body.weights[:, columns].sum(axis=1)
        return total

    def scalp(self, rest: Points, skeleton: Skeleton) -> Mesh:
        """The skin that bears hair: above a line from the forehead, over the ears, to the nape."""
        eye = middle_of(self.body, rest, "joint-l-eye")
        depth = rest[:, 1] - eye[1]
        hairline = np.interp(depth, [-0.05, 0.03, 0.06, 0.10, 0.125, 0.17], [0.085, 0.07, 0.03, 0.035, -0.02, -0.06])
        keep = (self.weight_of("head") > LEAST_HEAD) & (rest[:, 2] - eye[2] > hairline)
        used, faces = keep_faces(rest, self.body.faces["body"], keep)
        points = rest[used] + 0.002 * normals_of(rest[used], faces)
        return Mesh(points=skin(points, self.body.weights[used], skeleton), rest=points, faces=faces)

    def vest(self, rest: Points, skeleton: Skeleton) -> Mesh:
        """A loose sleeveless vest with a V at the neck, from the helper surface that goes round the body."""
        pelvis = middle_of(self.body, rest, "joint-pelvis")[2]
        neck = middle_of(self.body, rest, "joint-neck")[2]
        shoulder = middle_of(self.body, rest, "joint-l-shoulder")
        x, y, z = np.abs(rest[:, 0]), rest[:, 1], rest[:, 2]
        front = y < shoulder[1]
        opening = np.where(front, np.clip((z - (neck - 0.20)) * 0.30, 0, 1), np.where(z > neck - 0.01, 0.06, 0.0))
        keep = (
            (z > pelvis - 0.06)
            & (self.weight_of("upperarm") < MOST_UPPER_ARM)
            & (self.weight_of("lowerarm") < MOST_FOREARM)
            & (self.weight_of("neck") + self.weight_of("head") < MOST_NECK)
            & (x < shoulder[0] + 0.03)
            & (x >= opening)
        )
        used, faces = keep_faces(rest, self.body.faces["helper-tights"], keep)
        points = rest[used]
        points = smooth(points + 0.028 * normals_of(points, faces), faces, rounds=3)
        points = points + 0.012 * normals_of(points, faces)
        flare = np.clip((pelvis + 0.12 - points[:, 2]) / 0.18, 0, 1)[:, None]
        points[:, :2] *= 1 + 0.05 * flare
        weights = self.body.weights[used]
        return Mesh(points=skin(points, weights, skeleton), rest=points, faces=faces)

    def helmet(self, rest: Points, skeleton: Skeleton) -> Mesh:
        """A safety helmet that fits the head: a ridged dome, a rim all round and a peak at the front."""
        head = rest[(self.weight_of("head") > CROWN_HEAD) & (np.arange(len(rest)) < self.body.ranges["body"][0][1])]
        eye = middle_of(self.body, rest, "joint-l-eye")
        crown = head[head[:, 2] > eye[2] + 0.055]
        low, high = crown.min(axis=0), crown.max(axis=0)
        middle = (low + high) / 2
        radius_x, radius_y = (high[0] - low[0]) / 2 + 0.018, (high[1] - low[1]) / 2 + 0.018
        base_z, height = eye[2] + 0.048, high[2] - eye[2] - 0.048 + 0.028
        around, rings = 64, 18
        phi = np.linspace(0, 2 * np.pi, around, endpoint=False)
        peak = np.clip(-np.sin(phi), 0, 1) ** 1.6
        rows: list[Points] = []
        for out, drop in ((0.011, -0.006), (0.009, -0.001), (0.0, 0.003)):
            grow = out * (1 + 0.2 * np.abs(np.cos(phi))) + peak * 0.052 * (out / 0.011)
            rows.append(
                np.column_stack(
                    [
                        (radius_x + grow) * np.cos(phi),
                        (radius_y + grow) * np.sin(phi),
                        np.full(around, drop) - peak * 0.014 * (out / 0.011),
                    ]
                )
            )
        for step in range(1, rings + 1):
            t = step / (rings + 0.4) * np.pi / 2
            wide, tall = np.cos(t) ** 0.80, np.sin(t) ** 0.92
            ring = np.column_stack(
                [radius_x * wide * np.cos(phi), radius_y * wide * np.sin(phi), np.full(around, tall)]
            )
            ridge = sum(np.exp(-(((ring[:, 0] - at) / 0.008) ** 2)) for at in (-0.03, 0.0, 0.03))
            ring[:, 2] = ring[:, 2] * height + 0.005 * ridge * np.sin(t) ** 0.5
            rows.append(ring)
        points = np.vstack([*rows, [[0, 0, height + 0.005]]]) + np.array([0, middle[1], base_z])
        faces: Faces = [
            (r * around + i, r * around + (i + 1) % around, (r + 1) * around + (i + 1) % around, (r + 1) * around + i)
            for r in range(len(rows) - 1)
            for i in range(around)
        ]
        last = (len(rows) - 1) * around
        faces += [(last + i, last + (i + 1) % around, len(points) - 1) for i in range(around)]
        weights = np.zeros((len(points), len(skeleton.names)))
        weights[:, skeleton.names.index("head")] = 1
        return Mesh(points=skin(points, weights, skeleton), rest=points, faces=faces)
