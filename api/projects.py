"""`/v1/projects`: projects, their boundary and alignment."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Response

from api.access import (
    EVERYBODY,
    Allowed,
    AreaForbidden,
    Asker,
    get_visible_project,
    see_new_project,
    see_nothing,
    see_project,
)
from api.etag import make_etag, require_match
from api.paging import After, Limit, make_collection
from api.schemas import Collection, ProjectBody, ProjectView, ZoneView
from api.strict_json import StrictRoute
from domain.access import Principal, Role
from domain.errors import NotFound
from domain.identifier import covers_area, make_public_code, require_area, require_caller_id
from domain.project import Project
from findings.conformance import update_project_conformance
from findings.project_event import tell_project
from geofence.alignment import parse_alignment
from geofence.boundary import parse_boundary
from geofence.position import parse_position
from storage.database import Connection
from storage.project import Zone, find_project, find_zone, list_projects, lock_project, put_project, put_zone

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["projects"])
WRITERS = frozenset({Role.CORE, Role.ADMIN})


class NoZone(NotFound):
    """The project has no boundary, or no alignment, yet."""

    code = "zone.not_found"


@router.put("/projects/{project_id}", responses={201: {"model": ProjectView}})
def put_project_route(
    project_id: str,
    body: ProjectBody,
    response: Response,
    asker: Annotated[Asker[Project | None], Depends(Allowed(WRITERS, see_new_project))],
    if_match: Annotated[str | None, Header()] = None,
) -> ProjectView:
    """Create a project, or change it."""
    with asker.transaction() as connection:
        project, created, _ = write_project(
            connection, asker.principal, project_id, body, if_match=if_match, now=asker.services.clock.now()
        )
    response.status_code = 201 if created else 200
    response.headers["ETag"] = make_etag(project.version)
    return ProjectView.of(project)


def write_project(
    connection: Connection,
    principal: Principal,
    project_id: str,
    body: ProjectBody,
    *,
    if_match: str | None = None,
    now: datetime,
) -> tuple[Project, bool, bool]:
    """Create or change a project; gives back it, whether it is new, and whether anything changed.

    Raises:
        InvalidIdentifier: `project_id` is none.
        InvalidArea: the area is no path.
        AreaForbidden: it is not the principal's.
        UnknownProject: it is there, but out of sight.
        PreconditionFailed: somebody changed it in between.
    """
    require_caller_id(project_id)
    require_area(body.area)
    if not covers_area(principal.area, body.area) or principal.project_id not in {None, project_id}:
        raise AreaForbidden(f"the token's area is {principal.area}")
    position = None
    if body.position is not None:
        position = parse_position(body.position.model_dump(exclude_none=True) | {"source": "project"})
    lock_project(connection, project_id=project_id)
    # Read again behind the lock: somebody may have changed it since the request was let in.
    stored = find_project(connection, project_id=project_id)
    if stored is not None:
        get_visible_project(connection, principal, project_id)
    require_match(if_match, None if stored is None else stored.version)
    project, created, changed = put_project(
        connection,
        project_id=project_id,
        name=body.name,
        kind=body.kind,
        area=body.area,
        contractor=body.contractor,
        starts_on=body.starts_on,
        ends_on=body.ends_on,
        time_zone=body.time_zone,
        position=position,
        project_class=body.class_,
        public_code=make_public_code(),
    )
    if changed:
        tell_project(connection, project, event="created" if created else "changed", now=now)
    return project, created, changed


@router.get("/projects/{project_id}")
def get_project_route(
    response: Response, asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))]
) -> ProjectView:
    """One project."""
    response.headers["ETag"] = make_etag(asker.thing.version)
    return ProjectView.of(asker.thing)


@router.get("/projects")
def list_projects_route(
    asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY, see_nothing))], limit: Limit, after: After = None
) -> Collection[ProjectView]:
    """The projects within sight, in the order of their making."""
    principal = asker.principal
    with asker.transaction() as connection:
        page = list_projects(connection, area=principal.area, project_id=principal.project_id, after=after, limit=limit)
    return make_collection(page, [ProjectView.of(project) for project in page.items])


@router.put("/projects/{project_id}/boundary")
def put_boundary_route(
    response: Response,
    asker: Annotated[Asker[Project], Depends(Allowed(WRITERS, see_project))],
    feature: Annotated[dict[str, Any], Body()],
    if_match: Annotated[str | None, Header()] = None,
) -> ZoneView:
    """Set the area that the project's photos must come from: a Feature with a polygon or multipolygon."""
    boundary = parse_boundary(feature, near=asker.thing.position)
    return _put_zone(
        asker,
        response,
        role="boundary",
        geometry=boundary.geometry_geojson(),
        given=feature,
        crs=boundary.crs,
        if_match=if_match,
    )


@router.put("/projects/{project_id}/alignment")
def put_alignment_route(
    response: Response,
    asker: Annotated[Asker[Project], Depends(Allowed(WRITERS, see_project))],
    feature: Annotated[dict[str, Any], Body()],
    if_match: Annotated[str | None, Header()] = None,
) -> ZoneView:
    """Set the line that chainage is measured along: a Feature with a line string."""
    alignment = parse_alignment(feature, near=asker.thing.position)
    return _put_zone(
        asker,
        response,
        role="alignment",
        geometry=alignment.geometry_geojson(),
        given=feature,
        crs=alignment.crs,
        if_match=if_match,
        start_chainage_m=alignment.start_chainage_m,
    )


@router.get("/projects/{project_id}/boundary")
def get_boundary_route(
    response: Response, asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))]
) -> ZoneView:
    """The project's boundary."""
    return _get_zone(asker, response, role="boundary")


@router.get("/projects/{project_id}/alignment")
def get_alignment_route(
    response: Response, asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY, see_project))]
) -> ZoneView:
    """The project's alignment."""
    return _get_zone(asker, response, role="alignment")


def _put_zone(
    asker: Asker[Project],
    response: Response,
    *,
    role: str,
    geometry: dict[str, Any],
    given: dict[str, Any],
    crs: str,
    if_match: str | None,
    start_chainage_m: float | None = None,
) -> ZoneView:
    with asker.transaction() as connection:
        lock_project(connection, project_id=asker.thing.id)
        stored = find_zone(connection, project_id=asker.thing.id, role=role)
        require_match(if_match, None if stored is None else stored.version)
        zone = put_zone(
            connection,
            project_id=asker.thing.id,
            role=role,
            geometry=geometry,
            given=given,
            crs=crs,
            start_chainage_m=start_chainage_m,
        )
        if role == "alignment":
            update_project_conformance(connection, project=asker.thing, now=asker.services.clock.now())
    response.status_code = 201 if stored is None else 200
    response.headers["ETag"] = make_etag(zone.version)
    return _view_zone(zone)


def _get_zone(asker: Asker[Project], response: Response, *, role: str) -> ZoneView:
    with asker.transaction() as connection:
        zone = find_zone(connection, project_id=asker.thing.id, role=role)
    if zone is None:
        raise NoZone(f"the project has no {role} yet")
    response.headers["ETag"] = make_etag(zone.version)
    return _view_zone(zone)


def _view_zone(zone: Zone) -> ZoneView:
    properties: dict[str, Any] = {"crs": "wgs84"}
    if zone.start_chainage_m is not None:
        properties["start_chainage_m"] = zone.start_chainage_m
    return ZoneView(geometry=zone.geometry, properties=properties, given=zone.given)
