"""Fixed cameras as rows, and what they showed before."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.camera import Camera, ExclusionZone, GroundPoint, WorkingHours
from domain.media import Detection
from storage.database import Connection
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("camera")


@dataclass(frozen=True, slots=True)
class CameraView:
    """What an analysed photo of a fixed camera showed.

    Attributes:
        taken_at: as the photo's time check settled. UTC.
        width_px: of the original, upright. [px]
        height_px: likewise. [px]
        detections: in its pixels.
    """

    taken_at: datetime
    width_px: int
    height_px: int
    detections: tuple[Detection, ...]


def find_camera(connection: Connection, *, project_id: str, camera_id: str) -> Camera | None:
    """The camera of this id in this project."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_camera"], {"project_id": project_id, "id": camera_id}).fetchone()
    return None if row is None else _camera(row)


def put_camera(
    connection: Connection,
    *,
    project_id: str,
    camera_id: str,
    name: str,
    zones: tuple[ExclusionZone, ...],
    ground_points: tuple[GroundPoint, ...],
    clock_skew_s: float,
    working_hours: WorkingHours | None = None,
    silent_after_s: float | None = None,
) -> tuple[Camera, bool]:
    """Register or change a camera; giving the same again changes nothing. Returns it and whether it is new.

    Raises:
        UnknownProject: there is no such project.
    """
    values = {
        "project_id": project_id,
        "id": camera_id,
        "name": name,
        "zones": Jsonb([{"id": zone.id, "name": zone.name, "polygon": zone.polygon} for zone in zones]),
        "ground_points": Jsonb([{"image": point.image, "ground_m": point.ground_m} for point in ground_points]),
        "clock_skew_s": clock_skew_s,
        "working_hours": None if working_hours is None else Jsonb(asdict(working_hours)),
        "silent_after_s": silent_after_s,
    }
    created = connection.execute(_QUERIES["insert_camera"], values).fetchone()
    if created is None:
        connection.execute(_QUERIES["update_camera"], values)
    camera = find_camera(connection, project_id=project_id, camera_id=camera_id)
    if camera is None:
        raise RuntimeError("the camera that was just written is not there")
    return camera, created is not None


def list_cameras(connection: Connection, *, project_id: str, after: str | None, limit: int) -> Page[Camera]:
    """The project's cameras in the order of their registration."""
    values = {"project_id": project_id, "after": decode_cursor(after)[0], "limit": limit + 1}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_cameras"], values).fetchall()
    return cut_page([(row.pop("seq"), _camera(row)) for row in rows], limit=limit)


def list_camera_views(
    connection: Connection, *, project_id: str, camera_id: str, since: datetime, before: datetime, limit: int
) -> list[CameraView]:
    """The camera's analysed photos (no clips) taken in [since, before), oldest first, at most the newest `limit`."""
    values = {
        "project_id": project_id,
        "camera_id": camera_id,
        "since": since,
        "before": before,
        "limit": limit,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_camera_views"], values).fetchall()
    return [_view(row) for row in rows]


def _camera(row: dict[str, Any]) -> Camera:
    row["zones"] = tuple(
        ExclusionZone(zone["id"], zone["name"], tuple((x, y) for x, y in zone["polygon"])) for zone in row["zones"]
    )
    row["ground_points"] = tuple(
        GroundPoint(tuple(point["image"]), tuple(point["ground_m"])) for point in row["ground_points"]
    )
    row["working_hours"] = None if row["working_hours"] is None else WorkingHours(**row["working_hours"])
    return Camera(**row)


def _view(row: dict[str, Any]) -> CameraView:
    detections = tuple(
        Detection(each["label"], each["score"], tuple(each["box_xyxy_px"]), each.get("at_s"))
        for each in row["detections"]
    )
    return CameraView(row["taken_at"], row["width_px"], row["height_px"], detections)
