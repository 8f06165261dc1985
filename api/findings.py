"""`/v1/findings`: what was seen, and what an inspector says to it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.access import EVERYBODY, Allowed, Asker, see_finding, see_nothing
from api.paging import After, Limit, make_collection
from api.schemas import Collection, FindingView, ReviewBody
from api.strict_json import StrictRoute
from domain.access import Role
from domain.finding import Finding, FindingStatus, Kind, Severity
from findings.recording import decide_finding
from storage.finding import list_findings

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["findings"])
REVIEWERS = frozenset({Role.INSPECTOR})


@router.get("/findings")
def list_findings_route(
    asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY, see_nothing))],
    limit: Limit,
    after: After = None,
    project_id: Annotated[str | None, Query(max_length=64)] = None,
    milestone_id: Annotated[str | None, Query(max_length=64)] = None,
    media_id: UUID | None = None,
    kind: Kind | None = None,
    status: FindingStatus | None = None,
    severity: Severity | None = None,
) -> Collection[FindingView]:
    """The findings within sight, oldest first."""
    with asker.transaction() as connection:
        page = list_findings(
            connection,
            principal=asker.principal,
            after=after,
            limit=limit,
            project_id=project_id,
            milestone_id=milestone_id,
            media_id=media_id,
            kind=kind,
            status=status,
            severity=severity,
        )
    return make_collection(page, [FindingView.of(finding) for finding in page.items])


@router.get("/findings/{finding_id}")
def get_finding_route(asker: Annotated[Asker[Finding], Depends(Allowed(EVERYBODY, see_finding))]) -> FindingView:
    """One finding."""
    return FindingView.of(asker.thing)


@router.post("/findings/{finding_id}/review")
def review_finding_route(
    body: ReviewBody, asker: Annotated[Asker[Finding], Depends(Allowed(REVIEWERS, see_finding))]
) -> FindingView:
    """Confirm or dismiss a finding; saying the same twice is saying it once."""
    with asker.transaction() as connection:
        finding = decide_finding(
            connection,
            finding_id=asker.thing.id,
            decision=body.decision,
            reviewed_by=asker.principal.label,
            reason=body.reason,
        )
    return FindingView.of(finding)
