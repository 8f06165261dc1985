"""`/v1/issues`: faults that somebody must mend, and the steps of their life."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from api.access import EVERYBODY, Allowed, Asker, get_visible_project, see_issue, see_nothing
from api.etag import make_etag, require_match
from api.idempotency import IdempotentRoute
from api.paging import After, Limit, make_collection
from api.schemas import Collection, IssueBody, IssueDetailView, IssueView, TransitionBody
from domain.access import Role
from domain.finding import Severity
from domain.issue import MAKERS, RAISERS, Issue, IssueStatus, list_steps
from findings.issue import NewIssue, Step, get_issue, make_step, raise_issue
from storage.database import Connection
from storage.issue import list_issues, list_transitions, lock_issue

router = APIRouter(prefix="/v1", route_class=IdempotentRoute, tags=["issues"])
READERS = EVERYBODY - {Role.FIELD}
STEP_MAKERS = frozenset[Role]().union(*MAKERS.values())


@router.post("/issues", status_code=201)
def raise_issue_route(
    body: IssueBody, response: Response, asker: Annotated[Asker[None], Depends(Allowed(RAISERS, see_nothing))]
) -> IssueDetailView:
    """Raise an issue; an inspector who names open findings confirms them by that."""
    with asker.transaction() as connection:
        project = get_visible_project(connection, asker.principal, body.project_id)
        issue = raise_issue(
            connection,
            project=project,
            new=NewIssue(
                title=body.title,
                severity=body.severity,
                milestone_id=body.milestone_id,
                finding_ids=tuple(body.finding_ids),
                due_date=body.due_date,
                assigned_to=body.assigned_to,
            ),
            principal=asker.principal,
            now=asker.services.clock.now(),
        )
        return _answer(asker, connection, response, issue)


@router.get("/issues")
def list_issues_route(
    asker: Annotated[Asker[None], Depends(Allowed(READERS, see_nothing))],
    limit: Limit,
    after: After = None,
    project_id: Annotated[str | None, Query(max_length=64)] = None,
    milestone_id: Annotated[str | None, Query(max_length=64)] = None,
    status: IssueStatus | None = None,
    severity: Severity | None = None,
    assigned_to: Annotated[str | None, Query(max_length=500)] = None,
    *,
    overdue: bool | None = None,
) -> Collection[IssueView]:
    """The issues within sight, oldest first."""
    now = asker.services.clock.now()
    with asker.transaction() as connection:
        page = list_issues(
            connection,
            principal=asker.principal,
            now=now,
            after=after,
            limit=limit,
            project_id=project_id,
            milestone_id=milestone_id,
            status=status,
            severity=severity,
            assigned_to=assigned_to,
            overdue=overdue,
        )
    return make_collection(page, [IssueView.of(issue, now=now) for issue in page.items])


@router.get("/issues/{issue_id}")
def get_issue_route(
    response: Response, asker: Annotated[Asker[Issue], Depends(Allowed(READERS, see_issue))]
) -> IssueDetailView:
    """One issue, with all that happened to it."""
    with asker.transaction() as connection:
        return _answer(asker, connection, response, get_issue(connection, asker.thing.id))


@router.post("/issues/{issue_id}/transitions")
def make_step_route(
    body: TransitionBody,
    response: Response,
    asker: Annotated[Asker[Issue], Depends(Allowed(STEP_MAKERS, see_issue))],
    if_match: Annotated[str | None, Header()] = None,
) -> IssueDetailView:
    """Lead an issue one step on."""
    with asker.transaction() as connection:
        lock_issue(connection, issue_id=asker.thing.id)
        # Read again behind the lock: somebody may have made a step since the request was let in.
        require_match(if_match, get_issue(connection, asker.thing.id).version)
        issue = make_step(
            connection,
            issue_id=asker.thing.id,
            step=Step(
                to=body.to,
                note=body.note,
                media_ids=tuple(body.media_ids),
                assigned_to=body.assigned_to,
                due_date=body.due_date,
            ),
            principal=asker.principal,
            now=asker.services.clock.now(),
        )
        return _answer(asker, connection, response, issue)


def _answer(
    asker: Asker[Issue] | Asker[None], connection: Connection, response: Response, issue: Issue
) -> IssueDetailView:
    principal = asker.principal
    history = list_transitions(connection, issue_id=issue.id)
    steps = list_steps(status=issue.status, role=principal.role, person=principal.person, history=history)
    response.headers["ETag"] = make_etag(issue.version)
    return IssueDetailView.with_history(issue, history=history, steps=steps, now=asker.services.clock.now())
