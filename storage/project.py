"""Projects, their boundary and alignment, and their milestones, as rows."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from domain.place import Position, position_from_json, position_to_json
from domain.project import Milestone, Project, ProjectClass, ProjectKind
from storage.database import Connection
from storage.errors import UnknownProject
from storage.page import Page, cut_page, decode_cursor
from storage.query import load_queries

_QUERIES: Final = load_queries("project")


@dataclass(frozen=True, slots=True)
class Zone:
    """A stored boundary or alignment.

    Attributes:
        geometry: GeoJSON geometry in WGS 84.
        given: the Feature as it came, in `crs`.
        start_chainage_m: of an alignment. [m]
        version: the ETag.
    """

    geometry: dict[str, Any]
    given: dict[str, Any]
    crs: str
    start_chainage_m: float | None
    version: int


def find_project(connection: Connection, *, project_id: str) -> Project | None:
    """The project of this id."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_project"], {"id": project_id}).fetchone()
    return None if row is None else _project(row)


def get_project(connection: Connection, *, project_id: str) -> Project:
    """The project of this id.

    Raises:
        UnknownProject: there is no such project.
    """
    project = find_project(connection, project_id=project_id)
    if project is None:
        raise UnknownProject("there is no such project")
    return project


def find_project_by_code(connection: Connection, *, public_code: str) -> Project | None:
    """The project whose public page has this code."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_project_by_code"], {"public_code": public_code}).fetchone()
    return None if row is None else _project(row)


def lock_project(connection: Connection, *, project_id: str) -> None:
    """Hold the project's row until the transaction ends, so that its parts change one after the other."""
    connection.execute(_QUERIES["lock_project"], {"id": project_id})


def put_project(
    connection: Connection,
    *,
    project_id: str,
    name: str,
    kind: ProjectKind,
    area: str,
    contractor: str | None,
    starts_on: date | None,
    ends_on: date | None,
    time_zone: str,
    position: Position | None,
    project_class: ProjectClass,
    public_code: str,
) -> tuple[Project, bool, bool]:
    """Create or change a project; giving the same again changes nothing.

    Returns:
        The project, whether it is new, and whether anything changed.

    Raises:
        ProjectDaysOutOfOrder: it would end before it starts.
    """
    values = {
        "id": project_id,
        "name": name,
        "kind": kind,
        "area": area,
        "contractor": contractor,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "time_zone": time_zone,
        "position": None if position is None else Jsonb(position_to_json(position)),
        "project_class": project_class,
    }
    created = connection.execute(_QUERIES["insert_project"], {**values, "public_code": public_code}).fetchone()
    changed = created or connection.execute(_QUERIES["update_project"], values).fetchone()
    project = find_project(connection, project_id=project_id)
    if project is None:
        raise RuntimeError("the project that was just written is not there")
    return project, created is not None, changed is not None


def list_projects(
    connection: Connection, *, area: str, project_id: str | None, after: str | None, limit: int
) -> Page[Project]:
    """The projects of an area and below, in the order of their making."""
    values = {"area": area, "project_id": project_id, "after": decode_cursor(after)[0], "limit": limit + 1}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_projects"], values).fetchall()
    return cut_page([(row.pop("seq"), _project(row)) for row in rows], limit=limit)


def put_zone(
    connection: Connection,
    *,
    project_id: str,
    role: str,
    geometry: dict[str, Any],
    given: dict[str, Any],
    crs: str,
    start_chainage_m: float | None = None,
) -> Zone:
    """Set a project's `boundary` or `alignment`.

    Raises:
        UnknownProject: there is no such project.
    """
    values = {
        "project_id": project_id,
        "role": role,
        "geometry": Jsonb(geometry),
        "given": Jsonb(given),
        "crs": crs,
        "start_chainage_m": start_chainage_m,
    }
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["put_zone"], values).fetchone()
    if row is None:
        raise RuntimeError("INSERT ... RETURNING gave no row")
    return Zone(**row)


def find_zone(connection: Connection, *, project_id: str, role: str) -> Zone | None:
    """The project's `boundary` or `alignment`; None where none was given."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_zone"], {"project_id": project_id, "role": role}).fetchone()
    return None if row is None else Zone(**row)


def find_milestone(connection: Connection, *, project_id: str, milestone_id: str) -> Milestone | None:
    """The milestone of this id in this project."""
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(_QUERIES["find_milestone"], {"project_id": project_id, "id": milestone_id}).fetchone()
    return None if row is None else _milestone(row)


def put_milestone(
    connection: Connection,
    *,
    project_id: str,
    milestone_id: str,
    title: str,
    planned_on: date | None,
    after: tuple[str, ...],
    requires: dict[str, Any],
) -> tuple[Milestone, bool]:
    """Create or change a milestone; giving the same again changes nothing. Returns it and whether it is new.

    Raises:
        UnknownProject: there is no such project.
    """
    values = {
        "project_id": project_id,
        "id": milestone_id,
        "title": title,
        "planned_on": planned_on,
        "after": list(after),
        "requires": Jsonb(requires),
    }
    created = connection.execute(_QUERIES["insert_milestone"], values).fetchone()
    if created is None:
        connection.execute(_QUERIES["update_milestone"], values)
    milestone = find_milestone(connection, project_id=project_id, milestone_id=milestone_id)
    if milestone is None:
        raise RuntimeError("the milestone that was just written is not there")
    return milestone, created is not None


def list_milestones(connection: Connection, *, project_id: str, after: str | None, limit: int) -> Page[Milestone]:
    """The project's milestones in the order of their making."""
    values = {"project_id": project_id, "after": decode_cursor(after)[0], "limit": limit + 1}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_milestones"], values).fetchall()
    return cut_page([(row.pop("seq"), _milestone(row)) for row in rows], limit=limit)


def _project(row: dict[str, Any]) -> Project:
    position = row.pop("position")
    row["kind"] = ProjectKind(row["kind"])
    row["project_class"] = ProjectClass(row["project_class"])
    return Project(**row, position=None if position is None else position_from_json(position))


def _milestone(row: dict[str, Any]) -> Milestone:
    row["after"] = tuple(row["after"])
    return Milestone(**row)
