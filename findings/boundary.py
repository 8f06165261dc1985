"""The project's boundary as geometry."""

from geofence.boundary import Boundary, parse_boundary
from storage.database import Connection
from storage.project import find_zone


def find_boundary(connection: Connection, *, project_id: str) -> Boundary | None:
    """The project's boundary, parsed; None where none was given."""
    zone = find_zone(connection, project_id=project_id, role="boundary")
    if zone is None:
        return None
    return parse_boundary({"type": "Feature", "properties": {"crs": "wgs84"}, "geometry": zone.geometry})
