"""Blender materials of the rendered scenes, each from colours and procedural noise; no picture files but the board's.

What is seen on a surface belongs here; shapes do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Colour = tuple[float, float, float]


def srgb(text: str) -> Colour:
    """Linear colour of a hexadecimal one, by the sRGB transfer function (IEC 61966-2-1)."""
    values = [int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]  # noqa: PLR2004
    return red, green, blue


class Nodes:
    """A material's node tree, written from the surface upward.

    Args:
        name: The material's name in the scene.
        roughness: Of the principled shader.
        metallic: Of the same.
    """

    def __init__(self, name: str, *, roughness: float = 0.7, metallic: float = 0.0) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.shader = self.tree.nodes["Principled BSDF"]
        self.shader.inputs["Roughness"].default_value = roughness
        self.shader.inputs["Metallic"].default_value = metallic
        self.shader.inputs["Specular"].default_value = 0.3

    def node(self, kind: str, **values: Any) -> Any:  # noqa: ANN401  (Blender's nodes have no types)
        """A new node; values are its properties, or inputs where it has an input of that name."""
        made = self.tree.nodes.new(kind)
        for key, value in values.items():
            label = key.replace("_", " ").title()
            if label in made.inputs:
                made.inputs[label].default_value = value
            else:
                setattr(made, key, value)
        return made

    def link(self, source: Any, target: Any) -> None:  # noqa: ANN401
        """Joins an output to an input."""
        self.tree.links.new(source, target)

    def noise(self, *, scale: float, detail: float = 6.0) -> Any:  # noqa: ANN401
        """Factor output of a noise in object coordinates."""
        where = self.node("ShaderNodeTexCoord")
        texture = self.node("ShaderNodeTexNoise", scale=scale, detail=detail)
        self.link(where.outputs["Object"], texture.inputs["Vector"])
        return texture.outputs["Fac"]

    def ramp(self, factor: Any, stops: Sequence[tuple[float, Colour]]) -> Any:  # noqa: ANN401
        """Colour output of a ramp over a factor."""
        node = self.node("ShaderNodeValToRGB")
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position = position
            element.color = (*colour, 1)
        self.link(factor, node.inputs["Fac"])
        return node.outputs["Color"]

    def mix(self, factor: Any, first: Any, second: Any) -> Any:  # noqa: ANN401
        """Colour between two, each an output or a fixed colour."""
        node = self.node("ShaderNodeMixRGB")
        self.link(factor, node.inputs["Fac"])
        for slot, value in (("Color1", first), ("Color2", second)):
            if isinstance(value, tuple):
                node.inputs[slot].default_value = (*value, 1)
            else:
                self.link(value, node.inputs[slot])
        return node.outputs["Color"]

    def math(self, operation: str, first: Any, second: Any = 0.0) -> Any:  # noqa: ANN401
        """Result of one operation on two values, each an output or a number."""
        node = self.node("ShaderNodeMath", operation=operation)
        for slot, value in enumerate((first, second)):
            if isinstance(value, (int, float)):
                node.inputs[slot].default_value = value
            else:
                self.link(value, node.inputs[slot])
        return node.outputs["Value"]

    def colour(self, source: Any) -> None:  # noqa: ANN401
        """Base colour, from an output or a fixed colour."""
        if isinstance(source, tuple):
            self.shader.inputs["Base Color"].default_value = (*source, 1)
        else:
            self.link(source, self.shader.inputs["Base Color"])

    def bump(self, height: Any, *, strength: float, distance_m: float) -> None:  # noqa: ANN401
        """Roughens the surface by a height output."""
        node = self.node("ShaderNodeBump", strength=strength, distance=distance_m)
        self.link(height, node.inputs["Height"])
        self.link(node.outputs["Normal"], self.shader.inputs["Normal"])

    def rest(self) -> tuple[Any, Any, Any]:
        """x, y and z outputs of the figure before posing, which the mesh keeps in two UV maps [m]."""
        first = self.node("ShaderNodeUVMap", uv_map="rest_xz")
        second = self.node("ShaderNodeUVMap", uv_map="rest_y")
        split_1, split_2 = self.node("ShaderNodeSeparateXYZ"), self.node("ShaderNodeSeparateXYZ")
        self.link(first.outputs["UV"], split_1.inputs["Vector"])
        self.link(second.outputs["UV"], split_2.inputs["Vector"])
        return split_1.outputs["X"], split_2.outputs["X"], split_1.outputs["Y"]


def plain(name: str, colour: Colour, *, roughness: float = 0.6, metallic: float = 0.0, wear: float = 0.25) -> Any:  # noqa: ANN401
    """One colour with some dirt.

    Args:
        name: The material's name.
        colour: Linear.
        roughness: 0 mirror, 1 chalk.
        metallic: 0 or 1.
        wear: How much darker the dirtiest places are, 0 to 1.
    """
    nodes = Nodes(name, roughness=roughness, metallic=metallic)
    dark: Colour = (colour[0] * (1 - wear), colour[1] * (1 - wear), colour[2] * (1 - wear))
    nodes.colour(nodes.ramp(nodes.noise(scale=3.0), [(0.35, dark), (0.62, colour)]))
    return nodes.material


def skin(colour: Colour) -> Any:  # noqa: ANN401
    """Skin with a little mottling and darker lips and brows, which the mesh carries in the attribute `paint`."""
    nodes = Nodes("skin", roughness=0.5)
    dark: Colour = (colour[0] * 0.82, colour[1] * 0.76, colour[2] * 0.72)
    base = nodes.ramp(nodes.noise(scale=18.0), [(0.3, dark), (0.7, colour)])
    paint = nodes.node("ShaderNodeAttribute", attribute_name="paint")
    split = nodes.node("ShaderNodeSeparateRGB")
    nodes.link(paint.outputs["Color"], split.inputs["Image"])
    lips = nodes.mix(split.outputs["R"], base, (colour[0] * 0.75, colour[1] * 0.42, colour[2] * 0.42))
    nodes.colour(nodes.mix(split.outputs["G"], lips, srgb("1c1512")))
    return nodes.material


def eyes() -> Any:  # noqa: ANN401
    """White with a dark iris, which the mesh carries in the attribute `paint`."""
    nodes = Nodes("eyes", roughness=0.2)
    paint = nodes.node("ShaderNodeAttribute", attribute_name="paint")
    nodes.colour(nodes.mix(paint.outputs["Fac"], srgb("d8d2c8"), srgb("1a0f0a")))
    return nodes.material


def cloth(upper: Colour, lower: Colour, *, waist_m: float) -> Any:  # noqa: ANN401
    """Work clothes: one colour above the waist, another below, with folds and dust toward the feet.

    Args:
        upper: Linear.
        lower: Linear.
        waist_m: Height of the border in the rest pose. [m]
    """
    nodes = Nodes("cloth", roughness=0.9)
    _, _, z = nodes.rest()
    below = nodes.math("LESS_THAN", z, waist_m)
    base = nodes.mix(below, upper, lower)
    noise = nodes.noise(scale=9.0)
    dusty = nodes.math("MULTIPLY", nodes.math("SUBTRACT", noise, 0.35), 0.9)
    nodes.colour(nodes.mix(dusty, base, srgb("8d8271")))
    nodes.bump(nodes.noise(scale=14.0, detail=3.0), strength=0.5, distance_m=0.03)
    return nodes.material


def vest(colour: Colour, *, chest_m: float) -> Any:  # noqa: ANN401
    """High-visibility fabric with two silver bands round the body and one over each shoulder, and a zip.

    Args:
        colour: Of the fabric, linear.
        chest_m: Height of the upper band in the rest pose. [m]
    """
    nodes = Nodes("vest", roughness=0.75)
    x, y, z = nodes.rest()
    side = nodes.math("ABSOLUTE", x)

    def within(value: Any, middle: float, half: float) -> Any:  # noqa: ANN401
        return nodes.math("LESS_THAN", nodes.math("ABSOLUTE", nodes.math("SUBTRACT", value, middle)), half)

    bands = nodes.math("MAXIMUM", within(z, chest_m, 0.026), within(z, chest_m - 0.15, 0.026))
    above = nodes.math("GREATER_THAN", z, chest_m)
    straps = nodes.math("MULTIPLY", within(side, 0.105, 0.024), above)
    silver = nodes.math("MAXIMUM", bands, straps)
    zip_line = nodes.math("MULTIPLY", within(x, 0.0, 0.009), nodes.math("LESS_THAN", y, 0.0))
    fabric = nodes.mix(nodes.math("MULTIPLY", nodes.noise(scale=7.0), 0.22), colour, srgb("7a7252"))
    nodes.colour(nodes.mix(zip_line, nodes.mix(silver, fabric, srgb("d4d7d6")), srgb("3b3f22")))
    nodes.link(nodes.mix(silver, (0.0, 0.0, 0.0), (0.06, 0.06, 0.06)), nodes.shader.inputs["Emission"])
    nodes.bump(nodes.noise(scale=11.0, detail=3.0), strength=0.5, distance_m=0.03)
    return nodes.material


def helmet(colour: Colour) -> Any:  # noqa: ANN401
    """Glossy, slightly scuffed plastic."""
    nodes = Nodes("helmet", roughness=0.28)
    nodes.shader.inputs["Specular"].default_value = 0.5
    nodes.colour(nodes.mix(nodes.math("MULTIPLY", nodes.noise(scale=25.0), 0.12), colour, srgb("6d675c")))
    return nodes.material


def hair() -> Any:  # noqa: ANN401
    """Black hair."""
    nodes = Nodes("hair", roughness=0.55)
    nodes.colour(srgb("1b1613"))
    return nodes.material


def ground(stops: Sequence[tuple[float, Colour]], *, scale: float, grain_m: float) -> Any:  # noqa: ANN401
    """Soil, gravel, grass or concrete: a ramp over noise, finely roughened.

    Args:
        stops: Positions of the ramp with their linear colours.
        scale: Frequency of the patches. [1/m]
        grain_m: Height of the fine grain. [m]
    """
    nodes = Nodes("ground", roughness=0.95)
    patches = nodes.ramp(nodes.noise(scale=scale, detail=9.0), stops)
    grains = nodes.noise(scale=scale * 60, detail=4.0)
    nodes.colour(nodes.mix(nodes.math("MULTIPLY", grains, 0.45), patches, (0.02, 0.018, 0.015)))
    nodes.bump(grains, strength=0.8, distance_m=grain_m)
    return nodes.material


def wood() -> Any:  # noqa: ANN401
    """Formwork board: long grain, stained with cement."""
    nodes = Nodes("wood", roughness=0.85)
    where = nodes.node("ShaderNodeTexCoord")
    stretch = nodes.node("ShaderNodeMapping")
    stretch.inputs["Scale"].default_value = (0.6, 9.0, 9.0)
    grain = nodes.node("ShaderNodeTexNoise", scale=4.0, detail=7.0)
    nodes.link(where.outputs["Object"], stretch.inputs["Vector"])
    nodes.link(stretch.outputs["Vector"], grain.inputs["Vector"])
    nodes.colour(
        nodes.ramp(grain.outputs["Fac"], [(0.3, srgb("7a5a36")), (0.55, srgb("a98552")), (0.7, srgb("b9ad98"))])
    )
    return nodes.material


def glass() -> Any:  # noqa: ANN401
    """A cab's dark pane."""
    nodes = Nodes("glass", roughness=0.06)
    nodes.shader.inputs["Specular"].default_value = 0.8
    nodes.colour(srgb("1d262b"))
    return nodes.material


def picture(path: Path) -> Any:  # noqa: ANN401
    """A printed picture, unfiltered, on matt paper."""
    nodes = Nodes("picture", roughness=0.9)
    image = nodes.node("ShaderNodeTexImage", interpolation="Linear")
    image.image = bpy.data.images.load(str(path))
    nodes.colour(image.outputs["Color"])
    return nodes.material
