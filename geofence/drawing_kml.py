"""KML files as shapes: a placemark belongs to its own name and to the folders and documents that hold it.

Parsed with entities and document types refused, so that a file of one kilobyte cannot unfold to gigabytes or read
another file. Links to the network are not followed.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

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

MAX_PLACEMARKS: Final = 20_000
_MAX_DEPTH: Final = 40
_MAX_NAME: Final = 200
_FOLDERS: Final = frozenset({"kml", "Document", "Folder"})
_UNREAD: Final = frozenset({"NetworkLink", "GroundOverlay", "Model", "Track", "MultiTrack"})
_KIND_OF: Final = {"Point": ShapeKind.POINT, "LineString": ShapeKind.LINE, "LinearRing": ShapeKind.RING}


def read_kml(data: bytes) -> ReadFile:
    """Read every shape of a KML file; its positions are lon, lat in WGS 84 where nobody says otherwise.

    Raises:
        UnreadableDrawing: it is no XML, has a document type or entities, or a position is no pair of numbers.
        EmptyDrawing: it holds no geometry that is read.
        DrawingTooLarge: more placemarks or points than the limits.
    """
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnreadableDrawing(f"the KML cannot be read: {type(error).__name__}") from error
    layers: Counter[str] = Counter()
    unread: Counter[str] = Counter()
    shapes: list[Shape] = []
    points = 0
    for placemark, named in _list_placemarks(root, (), unread, depth=0):
        name = _find_name(placemark)
        chosen = tuple(dict.fromkeys((*named, *(() if name is None else (name,))))) or ("0",)
        layers.update(dict.fromkeys(chosen, 1))
        for shape in _list_shapes(placemark, chosen, name, unread):
            shapes.append(shape)
            points += len(shape.points)
            if points > MAX_POINTS or len(shapes) > MAX_PLACEMARKS:
                raise DrawingTooLarge(f"the file holds more than {MAX_POINTS} points or {MAX_PLACEMARKS} placemarks")
    if not shapes:
        raise EmptyDrawing("the KML has no geometry")
    return ReadFile(DrawingFormat.KML, tuple(shapes), dict(layers), dict(unread))


def _list_placemarks(
    element: Element, named: tuple[str, ...], unread: Counter[str], *, depth: int
) -> Iterator[tuple[Element, tuple[str, ...]]]:
    if depth > _MAX_DEPTH:
        raise DrawingTooLarge(f"folders are nested deeper than {_MAX_DEPTH}")
    for child in element:
        tag = _tag(child)
        if tag in _FOLDERS:
            name = _find_name(child)
            inner = named if name is None else (*named, name)
            yield from _list_placemarks(child, inner, unread, depth=depth + 1)
        elif tag == "Placemark":
            yield child, named
        elif tag in _UNREAD:
            unread[tag] += 1


def _list_shapes(
    placemark: Element, layers: tuple[str, ...], name: str | None, unread: Counter[str]
) -> Iterator[Shape]:
    for element in placemark.iter():
        tag = _tag(element)
        if tag in _UNREAD:
            unread[tag] += 1
        kind = _KIND_OF.get(tag)
        if kind is None:
            continue
        text = next((child.text or "" for child in element if _tag(child) == "coordinates"), "")
        points = _read_coordinates(text)
        if len(points):
            yield Shape(layers, kind, points, name)


def _read_coordinates(text: str) -> Points:
    """Tuples `lon,lat[,height]` between white space."""
    tuples = text.split()
    if len(tuples) > MAX_POINTS:
        raise DrawingTooLarge(f"the file holds more than {MAX_POINTS} points", limit=MAX_POINTS)
    try:
        points = np.array([[float(value) for value in each.split(",")[:2]] for each in tuples], dtype=np.float64)
        points = points.reshape(-1, 2)
    except ValueError as error:
        raise UnreadableDrawing("the KML has a coordinate that is not lon,lat") from error
    if not np.isfinite(points).all():
        raise UnreadableDrawing("the KML has a coordinate that is no finite number")
    return points


def _find_name(element: Element) -> str | None:
    text = next((child.text or "" for child in element if _tag(child) == "name"), "").strip()
    return text[:_MAX_NAME] or None


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
