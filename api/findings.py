"""`/v1/findings`: what was seen, and what an inspector says to it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.access import EVERYBODY, Allowed, Asker, get_visible_project, see_finding, see_nothing
from api.idempotency import IdempotentRoute
from api.paging import After, Limit, make_collection
from api.schemas import Collection, FindingView, ReviewBody, ReviewIssueBody
from domain.access import Role
from domain.errors import Invalid
from domain.finding import Finding, FindingStatus, Kind, Severity
from findings.conformance import update_conformance
from findings.issue import NewIssue, raise_issue
from findings.recording import decide_finding, get_finding
from storage.database import Connection
from storage.finding import list_findings, lock_finding

router = APIRouter(prefix="/v1", route_class=IdempotentRoute, tags=["findings"])
REVIEWERS = frozenset({Role.INSPECTOR})


class OtherProject(Invalid):
    """An issue of another project than its finding's."""

    code = "issue.other_project"


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
    """Confirm or dismiss a finding, and raise an issue from it; saying the same twice is saying it once."""
    with asker.transaction() as connection:
        lock_finding(connection, finding_id=asker.thing.id)
        # Read again behind the lock: somebody may have raised an issue from it since the request was let in.
        finding = get_finding(connection, asker.thing.id)
        if body.issue is not None and finding.issue_id is None:
            _raise_issue(asker, connection, body.issue, reason=body.reason)
        finding = decide_finding(
            connection,
            finding_id=finding.id,
            decision=body.decision,
            reviewed_by=asker.principal.label,
            reason=body.reason,
        )
        if finding.kind is Kind.EVIDENCE and finding.milestone_id is not None:
            # Dismissing what was found against a photo accepts it, and it may fill a gap.
            update_conformance(
                connection,
                project=get_visible_project(connection, asker.principal, finding.project_id),
                milestone_id=finding.milestone_id,
                now=asker.services.clock.now(),
                media_id=finding.media_id,
            )
    return FindingView.of(finding)


def _raise_issue(asker: Asker[Finding], connection: Connection, issue: ReviewIssueBody, *, reason: str) -> None:
    project_id = asker.thing.project_id
    if issue.project_id not in {None, project_id}:
        raise OtherProject(f"the finding is of project {project_id}")
    raise_issue(
        connection,
        project=get_visible_project(connection, asker.principal, project_id),
        new=NewIssue(
            title=issue.title,
            severity=issue.severity,
            milestone_id=issue.milestone_id,
            finding_ids=(asker.thing.id, *issue.finding_ids),
            due_date=issue.due_date,
            assigned_to=issue.assigned_to,
        ),
        principal=asker.principal,
        now=asker.services.clock.now(),
        reason=reason,
    )
