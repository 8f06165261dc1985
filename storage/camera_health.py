"""Whether fixed cameras see and send, as rows; what is judged from it is in `domain.camera_health`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("camera_health")


@dataclass(frozen=True, slots=True)
class CameraHealthRow:
    """What is known of a camera.

    Attributes:
        heard_at: when something of it last came. UTC.
        due_at: until when its sender promised to be heard of again; None where nobody promised. UTC.
        is_unreachable: its sender says that the camera does not answer.
        clock_skew_s: by how much its clock was measured to be ahead; None where nobody measured. [s]
        skew_measured_at: when. UTC.
        state: of the judgement, see `domain.camera_health.state_to_json`.
    """

    project_id: str
    camera_id: str
    heard_at: datetime
    due_at: datetime | None
    is_unreachable: bool
    clock_skew_s: float | None
    skew_measured_at: datetime | None
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Silence:
    """A camera that fell silent, or speaks again.

    Attributes:
        heard_at: when something of it last came. UTC.
        is_silent: which of the two.
    """

    project_id: str
    camera_id: str
    heard_at: datetime
    is_silent: bool


def hear_camera(connection: Connection, *, project_id: str, camera_id: str, at: datetime) -> None:
    """Write down that a medium of the camera came."""
    connection.execute(_QUERIES["hear_camera"], {"project_id": project_id, "camera_id": camera_id, "at": at})


def put_camera_report(
    connection: Connection,
    *,
    project_id: str,
    camera_id: str,
    at: datetime,
    due_at: datetime,
    is_unreachable: bool,
    clock_skew_s: float | None,
) -> None:
    """Write down what the sender says of its camera; a skew that is None leaves the one measured before."""
    connection.execute(
        _QUERIES["put_camera_report"],
        {
            "project_id": project_id,
            "camera_id": camera_id,
            "at": at,
            "due_at": due_at,
            "is_unreachable": is_unreachable,
            "clock_skew_s": clock_skew_s,
        },
    )


def find_camera_health(connection: Connection, *, project_id: str, camera_id: str) -> CameraHealthRow | None:
    """What is known of a camera; None where it never sent anything."""
    return _find(connection, "find_camera_health", project_id, camera_id)


def lock_camera_health(connection: Connection, *, project_id: str, camera_id: str) -> CameraHealthRow | None:
    """The same, held until the transaction ends."""
    return _find(connection, "lock_camera_health", project_id, camera_id)


def put_camera_state(connection: Connection, *, project_id: str, camera_id: str, state: dict[str, Any]) -> None:
    """Write the judgement's state; the caller holds the row."""
    values = {"project_id": project_id, "camera_id": camera_id, "state": Jsonb(state)}
    connection.execute(_QUERIES["put_camera_state"], values)


def list_silent_cameras(connection: Connection, *, now: datetime) -> list[Silence]:
    """Cameras whose silence, or its end, is not told yet."""
    with connection.cursor(row_factory=class_row(Silence)) as cursor:
        return cursor.execute(_QUERIES["list_silent_cameras"], {"now": now}).fetchall()


def _find(connection: Connection, query: str, project_id: str, camera_id: str) -> CameraHealthRow | None:
    with connection.cursor(row_factory=class_row(CameraHealthRow)) as cursor:
        return cursor.execute(_QUERIES[query], {"project_id": project_id, "camera_id": camera_id}).fetchone()
