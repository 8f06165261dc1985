"""`/v1/projects/{project_id}/plan`: the site as a picture, with what of a milestone is evidenced."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Response

from api.access import EVERYBODY, Allowed, Asker, see_project
from api.drawings import NoDrawing
from api.milestones import NoMilestone
from domain.access import Role
from domain.project import Project
from findings.conformance import find_alignment, find_coverage, list_unsettled_gaps
from findings.gate import counts_as_evidence
from geofence.boundary import parse_boundary
from geofence.plan_drawing import Plan, draw_plan
from storage.database import Connection
from storage.drawing import find_drawing
from storage.evidence import SentMedium, list_milestone_evidence
from storage.project import find_milestone, find_zone

router = APIRouter(prefix="/v1", tags=["drawings"])
_PICTURE: Final[dict[int | str, dict[str, Any]]] = {200: {"description": "The plan.", "content": {"image/svg+xml": {}}}}


@router.get("/projects/{project_id}/plan", responses=_PICTURE, response_class=Response)
def get_plan_route(
    asker: Annotated[Asker[Project], Depends(Allowed(EVERYBODY - {Role.FIELD}, see_project))],
    milestone_id: Annotated[str | None, Query(max_length=64, description="with its photos and gaps")] = None,
    lang: Literal["zh", "en"] = "zh",
) -> Response:
    """The plan as an SVG: boundary, alignment with its stations, structures; of a milestone, photos and gaps too."""
    with asker.transaction() as connection:
        plan = _load_plan(connection, asker.thing, milestone_id, lang)
    headers = {
        "Content-Language": lang,
        "Cache-Control": "private, no-cache",
        # As a page of its own it may load and run nothing.
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(draw_plan(plan), media_type="image/svg+xml", headers=headers)


def _load_plan(connection: Connection, project: Project, milestone_id: str | None, language: str) -> Plan:
    zone = find_zone(connection, project_id=project.id, role="boundary")
    boundary = None if zone is None else parse_boundary({"type": "Feature", "geometry": zone.geometry})
    alignment = find_alignment(connection, project_id=project.id)
    if boundary is None and alignment is None:
        raise NoDrawing("the project has no boundary or alignment yet")
    drawing = find_drawing(connection, project_id=project.id)
    shown: dict[str, Any] = {
        "title": project.name,
        "boundary": boundary,
        "alignment": alignment,
        "structures": [] if drawing is None else drawing.structures,
        "language": language,
    }
    if milestone_id is not None:
        shown |= _load_milestone(connection, project, milestone_id)
    return Plan(**shown)


def _load_milestone(connection: Connection, project: Project, milestone_id: str) -> dict[str, Any]:
    milestone = find_milestone(connection, project_id=project.id, milestone_id=milestone_id)
    if milestone is None:
        raise NoMilestone("the project has no such milestone")
    sent = list_milestone_evidence(connection, project_id=project.id, milestone_id=milestone_id)
    counting = [medium for medium in sent if counts_as_evidence(medium)]
    coverage = find_coverage(connection, milestone, counting)
    title = f"{project.name} · {milestone.title}"
    if coverage is None:
        return {"title": title, "photos": _list_photos(counting, frozenset())}
    unplaced = frozenset(photo.media_id for photo in coverage.photos if photo.problem is not None)
    return {
        "title": title,
        "every_m": coverage.every_m,
        "gaps": list_unsettled_gaps(connection, milestone, coverage),
        "photos": _list_photos(counting, unplaced),
    }


def _list_photos(counting: list[SentMedium], unplaced: frozenset[Any]) -> list[tuple[float, float, bool]]:
    return [
        (medium.position.lon, medium.position.lat, medium.id not in unplaced)
        for medium in counting
        if medium.position is not None
    ]
