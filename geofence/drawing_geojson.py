"""GeoJSON files as shapes: a Feature belongs to the layers that its properties `layer`, `role` and `name` say."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from geofence.drawing_shape import (
    MAX_POINTS,
    DrawingFormat,
    DrawingTooLarge,
    EmptyDrawing,
    ReadFile,
    Shape,
    ShapeKind,
    UnreadableDrawing,
)
from geofence.frame import Points

_LAYER_PROPERTIES: Final = ("layer", "role", "name")
_UNNAMED: Final = "0"
# How deep a geometry's lists of positions are nested around one shape's positions.
_DEPTH_OF: Final = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 0,
    "MultiLineString": 1,
    "Polygon": 1,
    "MultiPolygon": 2,
}
_MAX_LABEL: Final = 200


def read_geojson(data: bytes) -> ReadFile:
    """Read every shape of a GeoJSON file.

    Raises:
        UnreadableDrawing: it is no GeoJSON, a position is no pair of numbers, or its Features name several frames.
        EmptyDrawing: it holds no geometry that is read.
        DrawingTooLarge: more than `MAX_POINTS`.
    """
    content = _parse(data)
    features = content.get("features") if content.get("type") == "FeatureCollection" else [content]
    if not isinstance(features, list):
        raise UnreadableDrawing("the FeatureCollection has no list of features")
    layers: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    shapes: list[Shape] = []
    frames = {_read_crs(content)}
    for feature in features:
        properties, geometry = _open(feature)
        frames.add(properties.get("crs"))
        named = tuple(str(properties[key])[:_MAX_LABEL] for key in _LAYER_PROPERTIES if properties.get(key))
        layers.update(dict.fromkeys(named or (_UNNAMED,), 1))
        kind = geometry.get("type")
        if kind not in _DEPTH_OF:
            unread[str(kind)[:40]] += 1
            continue
        name = None if properties.get("name") is None else str(properties["name"])[:_MAX_LABEL]
        shapes += _list_shapes(geometry, str(kind), named or (_UNNAMED,), name)
    if sum(len(each.points) for each in shapes) > MAX_POINTS:
        raise DrawingTooLarge(f"the file holds more than {MAX_POINTS} points", limit=MAX_POINTS)
    if not shapes:
        raise EmptyDrawing("the file has no geometry")
    return ReadFile(DrawingFormat.GEOJSON, tuple(shapes), dict(layers), dict(unread), crs=_only(frames))


def _parse(data: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UnreadableDrawing(f"the file is not JSON: {str(error)[:120]}") from error
    if not isinstance(content, dict):
        raise UnreadableDrawing("the file is JSON, but no GeoJSON object")
    return content


def _read_crs(content: Mapping[str, Any]) -> object:
    """The frame of GeoJSON 2008's `crs`, which older tools still write."""
    crs = content.get("crs")
    if isinstance(crs, dict):
        named = crs.get("properties")
        return named.get("name") if isinstance(named, dict) else None
    return crs


def _only(frames: set[Any]) -> str | None:
    named = {each for each in frames if each is not None}
    if len(named) > 1 or any(not isinstance(each, str) for each in named):
        raise UnreadableDrawing("the file's Features name several frames, or one that is no text")
    return next(iter(named), None)


def _open(feature: object) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    if not isinstance(feature, dict):
        raise UnreadableDrawing("a feature of the file is no object")
    if feature.get("type") != "Feature":
        return {}, feature
    properties, geometry = feature.get("properties") or {}, feature.get("geometry") or {}
    if not isinstance(properties, dict) or not isinstance(geometry, dict):
        raise UnreadableDrawing("a Feature's properties or geometry are no object")
    return properties, geometry


def _list_shapes(geometry: Mapping[str, Any], type_: str, layers: tuple[str, ...], name: str | None) -> Iterator[Shape]:
    kind = {"Po": ShapeKind.RING, "Li": ShapeKind.LINE}[type_.removeprefix("Multi")[:2]]
    if type_.endswith("Point"):
        kind = ShapeKind.POINT
    coordinates = geometry.get("coordinates")
    parts: list[object] = [coordinates]
    for _ in range(_DEPTH_OF[type_]):
        parts = [each for part in parts for each in _list(part)]
    for part in parts:
        points = _read_points([part] if kind is ShapeKind.POINT else _list(part))
        if len(points):
            yield Shape(layers, kind, points, name)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise UnreadableDrawing("a geometry's coordinates are no list where one is needed")
    return value


def _read_points(positions: list[object]) -> Points:
    if len(positions) > MAX_POINTS:
        raise DrawingTooLarge(f"the file holds more than {MAX_POINTS} points", limit=MAX_POINTS)
    return np.array([_read_position(each) for each in positions], dtype=np.float64).reshape(-1, 2)


def _read_position(position: object) -> tuple[float, float]:
    match position:
        case [int() | float() as x, int() | float() as y, *_] if not isinstance(x, bool) and not isinstance(y, bool):
            try:
                point = float(x), float(y)
            except OverflowError as error:
                raise UnreadableDrawing("a position holds a number that is too large") from error
            if math.isfinite(point[0]) and math.isfinite(point[1]):
                return point
    raise UnreadableDrawing("a position is not two finite numbers")
