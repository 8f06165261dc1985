"""`/v1/milestone-templates`: the usual stages of small works, to begin a project's milestones from."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.access import EVERYBODY, Allowed, Asker, see_nothing
from api.paging import After, Limit, make_collection
from api.schemas import Collection
from domain.access import Role
from domain.project import ProjectKind
from findings.milestone_template import MilestoneTemplate, load_templates
from storage.page import cut_page, decode_cursor

router = APIRouter(prefix="/v1", tags=["milestones"])


@router.get("/milestone-templates")
def list_milestone_templates_route(
    asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY - {Role.FIELD}, see_nothing))],
    limit: Limit,
    after: After = None,
    kind: Annotated[ProjectKind | None, Query(description="of the project")] = None,
) -> Collection[MilestoneTemplate]:
    """Templates, with concealed works marked; whoever uses one sets the dimensions that it names."""
    del asker
    (first,) = decode_cursor(after)
    numbered = enumerate(load_templates(), start=1)
    rows = [(number, each) for number, each in numbered if number > first and kind in {None, each.kind}]
    page = cut_page(rows[: limit + 1], limit=limit)
    return make_collection(page, list(page.items))
