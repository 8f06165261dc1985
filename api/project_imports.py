"""`/v1/project-imports`: many projects at once, each row judged for itself."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.access import Allowed, Asker, see_nothing
from api.project_table import COLUMNS, CSV_TYPE, GEOJSON_TYPE, ImportRow, read_rows
from api.projects import WRITERS, write_project
from api.schemas import ProjectBody, Shape
from api.strict_json import read_body
from domain.errors import SiteproofError, Unavailable
from domain.project import Project
from geofence.alignment import parse_alignment
from geofence.boundary import parse_boundary
from storage.database import Connection
from storage.project import find_zone, put_zone

router = APIRouter(prefix="/v1", tags=["projects"])
_LINES = frozenset({"LineString", "MultiLineString"})


class Outcome(StrEnum):
    """What became of a row."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


class RowView(Shape):
    """One row; `code` and `detail` say why it was rejected."""

    row: int
    id: str
    outcome: Outcome
    code: str | None = None
    detail: str | None = None


class ImportView(Shape):
    """What became of a file: how many of each, and every row."""

    created: int
    changed: int
    unchanged: int
    rejected: int
    items: list[RowView]


@router.post(
    "/project-imports",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                CSV_TYPE: {"schema": {"type": "string", "description": f"headings: {', '.join(COLUMNS)}"}},
                GEOJSON_TYPE: {"schema": {"type": "object", "description": "a FeatureCollection"}},
            },
        }
    },
)
async def import_projects_route(
    request: Request,
    asker: Annotated[Asker[None], Depends(Allowed(WRITERS, see_nothing))],
    content_type: Annotated[str, Header()] = "",
) -> ImportView:
    """Create or change up to 500 projects; a row that is wrong is told and the others are kept.

    CSV in UTF-8 or GB 18030, or a GeoJSON FeatureCollection: a polygon is the boundary, a line the alignment, a point
    the position. The same file again changes nothing.
    """
    content = await read_body(request)
    return await run_in_threadpool(_import_rows, asker, read_rows(content, media_type=content_type))


def _import_rows(asker: Asker[None], rows: list[ImportRow]) -> ImportView:
    items = [_import_row(asker, row) for row in rows]
    counts: dict[str, Any] = {outcome.value: sum(each.outcome is outcome for each in items) for outcome in Outcome}
    return ImportView(items=items, **counts)


def _import_row(asker: Asker[None], row: ImportRow) -> RowView:
    try:
        body = ProjectBody.model_validate(row.body)
        # A transaction for each row: what is wrong with one undoes nothing of another.
        with asker.transaction() as connection:
            outcome = _write_row(connection, asker, row, body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return RowView(
            row=row.number,
            id=row.id[:80],
            outcome=Outcome.REJECTED,
            code="request.invalid",
            detail=f"{place}: {first['msg']}",
        )
    except Unavailable:
        raise
    except SiteproofError as error:
        return RowView(row=row.number, id=row.id[:80], outcome=Outcome.REJECTED, code=error.code, detail=error.detail)
    return RowView(row=row.number, id=row.id, outcome=outcome)


def _write_row(connection: Connection, asker: Asker[None], row: ImportRow, body: ProjectBody) -> Outcome:
    project, created, changed = write_project(connection, asker.principal, row.id, body, now=asker.services.clock.now())
    if row.feature is not None:
        changed |= _write_zone(connection, project, row.feature)
    if created:
        return Outcome.CREATED
    return Outcome.CHANGED if changed else Outcome.UNCHANGED


def _write_zone(connection: Connection, project: Project, feature: dict[str, Any]) -> bool:
    geometry = feature["geometry"]
    is_line = isinstance(geometry, dict) and geometry.get("type") in _LINES
    shape: dict[str, Any]
    if is_line:
        alignment = parse_alignment(feature, near=project.position)
        shape = {"geometry": alignment.geometry_geojson(), "crs": alignment.crs}
        shape["start_chainage_m"] = alignment.start_chainage_m
    else:
        boundary = parse_boundary(feature, near=project.position)
        shape = {"geometry": boundary.geometry_geojson(), "crs": boundary.crs, "start_chainage_m": None}
    role = "alignment" if is_line else "boundary"
    stored = find_zone(connection, project_id=project.id, role=role)
    zone = put_zone(connection, project_id=project.id, role=role, given=feature, **shape)
    return stored is None or zone.version != stored.version
