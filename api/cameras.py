"""`/v1/projects/{project_id}/cameras`: fixed cameras, the zones drawn on their picture, their tie to the ground."""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Response
from shapely import Polygon

from api.access import EVERYBODY, Allowed, Asker, see_project
from api.etag import make_etag, require_match
from api.paging import After, Limit, make_collection
from api.schemas import CameraBody, CameraStatusBody, CameraStatusView, CameraView, Collection
from api.strict_json import StrictRoute
from domain.access import Role
from domain.camera import ExclusionZone, GroundPoint, WorkingHours
from domain.errors import Invalid, NotFound
from domain.identifier import require_caller_id
from domain.project import Project
from storage.camera import find_camera, list_cameras, put_camera
from storage.camera_health import find_camera_health, put_camera_report
from storage.database import Connection
from storage.project import lock_project
from vision.ground_plane import fit_ground_plane

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["cameras"])
# An inspector draws the zones, who knows the site; never the contractor, who would draw them smaller.
WRITERS: Final = frozenset({Role.INSPECTOR, Role.SUPERVISOR, Role.CORE, Role.ADMIN})
READERS: Final = EVERYBODY - {Role.FIELD}
REPORTERS: Final = frozenset({Role.FIELD, Role.ADMIN})
_LEAST_AREA: Final = 1e-4  # of the picture: 6 by 6 of the network's pixels, smaller than a foot that can be seen


class NoCamera(NotFound):
    """The project has no such camera."""

    code = "camera.not_found"


class NeverHeard(NotFound):
    """Nothing of this camera ever came."""

    code = "camera.never_heard"


class InvalidZone(Invalid):
    """A zone that crosses itself, encloses nothing, or has another one's id."""

    code = "camera.invalid_zone"


@router.put("/projects/{project_id}/cameras/{camera_id}", responses={201: {"model": CameraView}})
def put_camera_route(
    camera_id: str,
    body: CameraBody,
    response: Response,
    asker: Annotated[Asker[Project], Depends(Allowed(WRITERS, see_project))],
    if_match: Annotated[str | None, Header()] = None,
) -> CameraView:
    """Register a fixed camera, or change it."""
    require_caller_id(camera_id)
    zones = tuple(ExclusionZone(zone.id, zone.name, tuple(zone.polygon)) for zone in body.zones)
    points = tuple(GroundPoint(point.image, point.ground_m) for point in body.ground_points)
    _require_zones(zones)
    if points:
        fit_ground_plane(points, width_px=1, height_px=1)
    project_id, hours = asker.thing.id, body.working_hours
    with asker.transaction() as connection:
        lock_project(connection, project_id=project_id)
        stored = find_camera(connection, project_id=project_id, camera_id=camera_id)
        require_match(if_match, None if stored is None else stored.version)
        camera, created = put_camera(
            connection,
            project_id=project_id,
            camera_id=camera_id,
            name=body.name,
            zones=zones,
            ground_points=points,
            clock_skew_s=body.clock_skew_s,
            working_hours=None if hours is None else WorkingHours(hours.start, hours.end),
            silent_after_s=body.silent_after_s,
        )
    response.status_code = 201 if created else 200
    response.headers["ETag"] = make_etag(camera.version)
    return CameraView.of(camera)


@router.get("/projects/{project_id}/cameras/{camera_id}")
def get_camera_route(
    camera_id: str,
    response: Response,
    asker: Annotated[Asker[Project], Depends(Allowed(READERS, see_project))],
) -> CameraView:
    """One camera."""
    with asker.transaction() as connection:
        camera = find_camera(connection, project_id=asker.thing.id, camera_id=camera_id)
    if camera is None:
        raise NoCamera("the project has no such camera")
    response.headers["ETag"] = make_etag(camera.version)
    return CameraView.of(camera)


@router.get("/projects/{project_id}/cameras")
def list_cameras_route(
    asker: Annotated[Asker[Project], Depends(Allowed(READERS, see_project))], limit: Limit, after: After = None
) -> Collection[CameraView]:
    """The project's cameras in the order of their registration."""
    with asker.transaction() as connection:
        page = list_cameras(connection, project_id=asker.thing.id, after=after, limit=limit)
    return make_collection(page, [CameraView.of(camera) for camera in page.items])


@router.put("/projects/{project_id}/cameras/{camera_id}/status")
def put_status_route(
    camera_id: str, body: CameraStatusBody, asker: Annotated[Asker[Project], Depends(Allowed(REPORTERS, see_project))]
) -> CameraStatusView:
    """Say that a camera sends, or does not answer, and by how much its clock was measured to be ahead.

    The camera need not be registered. Who has said so once must say it again within `next_within_s`.
    """
    require_caller_id(camera_id)
    project_id, now = asker.thing.id, asker.services.clock.now()
    with asker.transaction() as connection:
        put_camera_report(
            connection,
            project_id=project_id,
            camera_id=camera_id,
            at=now,
            due_at=now + timedelta(seconds=body.next_within_s),
            is_unreachable=body.state == "unreachable",
            clock_skew_s=body.clock_skew_s,
        )
        return _view_status(connection, project_id, camera_id)


@router.get("/projects/{project_id}/cameras/{camera_id}/status")
def get_status_route(
    camera_id: str, asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))]
) -> CameraStatusView:
    """Whether a camera sees and sends, and by how much its clock is off."""
    with asker.transaction() as connection:
        return _view_status(connection, asker.thing.id, camera_id)


def _view_status(connection: Connection, project_id: str, camera_id: str) -> CameraStatusView:
    row = find_camera_health(connection, project_id=project_id, camera_id=camera_id)
    if row is None:
        raise NeverHeard("nothing of this camera ever came")
    return CameraStatusView.of(row)


def _require_zones(zones: tuple[ExclusionZone, ...]) -> None:
    seen: set[str] = set()
    for zone in zones:
        if zone.id in seen:
            raise InvalidZone(f"two zones have the id {zone.id}", zone_id=zone.id)
        seen.add(zone.id)
        area = Polygon(zone.polygon)
        if not area.is_valid:
            raise InvalidZone(f"the zone {zone.id} crosses itself", zone_id=zone.id)
        if area.area < _LEAST_AREA:
            raise InvalidZone(f"the zone {zone.id} encloses nothing", zone_id=zone.id)
