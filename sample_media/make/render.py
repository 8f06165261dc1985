"""Renders the sample pictures and the clip's frames in Blender, as PNG files; `finish.py` makes media of them.

Run by Blender, with the repository's root on PYTHONPATH:
`blender -b --factory-startup --python-use-system-env -P sample_media/make/render.py -- --help`
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import bpy
from mathutils import Vector

from sample_media.make import scenes
from sample_media.make.board import BOARD_SIZE_M
from sample_media.make.clip_timing import CLIP_SECONDS, FRAMES_PER_SECOND
from sample_media.make.humans import FigureBuilder


def parse_arguments() -> argparse.Namespace:
    """What follows `--` on Blender's command line."""
    parser = argparse.ArgumentParser(prog="render.py", description=__doc__)
    parser.add_argument("--human-data", type=Path, required=True, help="folder with makehuman, makehuman-assets, mpfb2")
    parser.add_argument("--board", type=Path, required=True, help="picture of the fiducial board, from board.py")
    parser.add_argument("--out", type=Path, required=True, help="folder for the PNG files")
    parser.add_argument("--picture", action="append", choices=[*scenes.PICTURES, "clip"], help="default: all")
    parser.add_argument("--width", type=int, default=1280, help="of the pictures; they are 4:3 [px]")
    parser.add_argument("--samples", type=int, default=16, help="per pixel")
    words = sys.argv
    return parser.parse_args(words[words.index("--") + 1 :] if "--" in words else [])


def prepare(*, size_px: tuple[int, int], samples: int) -> None:
    """An empty scene for Cycles on the CPU."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold = 0.03
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces, scene.cycles.diffuse_bounces = 5, 2
    scene.cycles.sample_clamp_indirect = 3.0
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.render.resolution_x, scene.render.resolution_y = size_px
    scene.render.resolution_percentage = 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.view_settings.view_transform = "Filmic"
    scene.view_settings.look = "Medium High Contrast"


def render_to(path: Path) -> None:
    """Renders the scene into a PNG file and says how long it took."""
    start = time.monotonic()
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    print(f"{path.name}: {time.monotonic() - start:.0f} s", flush=True)


def remove(parent: object) -> None:
    """Takes an object with all that it carries out of the scene."""
    for child in list(parent.children):  # type: ignore[attr-defined]
        remove(child)
    bpy.data.objects.remove(parent, do_unlink=True)


def in_picture(corner: tuple[float, float, float]) -> tuple[float, float]:
    """Where the camera sees a point, as shares of width and height from the lower left."""
    scene = bpy.context.scene
    seen = scene.camera.matrix_world.inverted() @ Vector(corner)
    zoom = scene.camera.data.lens / scene.camera.data.sensor_width / -seen.z
    return 0.5 + zoom * seen.x, 0.5 + zoom * seen.y * scene.render.resolution_x / scene.render.resolution_y


def render_clip(stage: scenes.Stage, out: Path) -> None:
    """Renders the empty place once, then of every frame only the part around the walker; the rest stays black."""
    folder = out / "clip"
    folder.mkdir(parents=True, exist_ok=True)
    scene = bpy.context.scene
    # Most of the scene stands still: kept between frames, and only the walker's part of the search tree is built anew.
    scene.render.use_persistent_data = True
    scene.cycles.debug_bvh_type = "DYNAMIC_BVH"
    stage.walk()
    render_to(folder / "background.png")
    scene.render.use_border = True
    for index in range(CLIP_SECONDS * FRAMES_PER_SECOND):
        time_s = index / FRAMES_PER_SECOND
        walker = scenes.walking_at(stage, time_s)
        x, y = zip(*(in_picture(corner) for corner in scenes.walker_box(time_s)), strict=True)
        scene.render.border_min_x, scene.render.border_max_x = min(x), max(x)
        scene.render.border_min_y, scene.render.border_max_y = min(y), max(y)
        render_to(folder / f"{index:03d}.png")
        remove(walker)


def main() -> None:
    """Renders what the arguments name, one picture after another."""
    arguments = parse_arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    builder = FigureBuilder(arguments.human_data)
    stage = scenes.Stage(builder, (arguments.board, BOARD_SIZE_M))
    size_px = (arguments.width, arguments.width * 3 // 4)
    for name in arguments.picture or [*scenes.PICTURES, "clip"]:
        if name == "clip":
            prepare(size_px=(640, 360), samples=arguments.samples)
            render_clip(stage, arguments.out)
        else:
            prepare(size_px=size_px[::-1] if name in scenes.PORTRAITS else size_px, samples=arguments.samples)
            scenes.PICTURES[name](stage)
            render_to(arguments.out / f"{name}.png")


if __name__ == "__main__":
    main()
