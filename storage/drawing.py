"""Design drawings as rows: what one was read as. Its boundary and alignment are zones, see `project`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("drawing")


@dataclass(frozen=True, slots=True)
class StoredDrawing:
    """A drawing that was brought in.

    Attributes:
        sha256: of its file, which the media store keeps.
        size_bytes: likewise. [B]
        format: `dxf`, `geojson` or `kml`.
        crs: the frame that it was read in.
        unit: of a DXF.
        choice: what the sender said of it, JSON-ready.
        layers: entities by layer.
        unread: by type, entities of chosen layers that are none that is read.
        width: JSON-ready; None where neither given nor measured.
        structures: Features in WGS 84.
        warnings: stable codes.
        set_at: UTC.
        set_by: who sent it.
        version: the ETag.
    """

    project_id: str
    sha256: str
    size_bytes: int
    format: str
    crs: str
    unit: str | None
    choice: dict[str, Any]
    layers: dict[str, int]
    unread: dict[str, int]
    width: dict[str, Any] | None
    structures: list[dict[str, Any]]
    warnings: list[str]
    set_at: datetime
    set_by: str
    version: int = 1


def find_drawing(connection: Connection, *, project_id: str) -> StoredDrawing | None:
    """The project's drawing; None where none was brought in."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_drawing"], {"project_id": project_id}).fetchone()
    return None if row is None else StoredDrawing(**row)


def put_drawing(connection: Connection, *, drawing: StoredDrawing) -> None:
    """Store a drawing in the place of the one before; its version grows.

    Raises:
        UnknownProject: there is no such project.
    """
    connection.execute(
        _QUERIES["put_drawing"],
        {
            "project_id": drawing.project_id,
            "sha256": drawing.sha256,
            "size_bytes": drawing.size_bytes,
            "format": drawing.format,
            "crs": drawing.crs,
            "unit": drawing.unit,
            "choice": Jsonb(drawing.choice),
            "layers": Jsonb(drawing.layers),
            "unread": Jsonb(drawing.unread),
            "width": None if drawing.width is None else Jsonb(drawing.width),
            "structures": Jsonb(drawing.structures),
            "warnings": drawing.warnings,
            "set_at": drawing.set_at,
            "set_by": drawing.set_by,
        },
    )
