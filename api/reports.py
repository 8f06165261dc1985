"""`/v1/reports`: what villagers reported by the public page, and the desk's answers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.access import Allowed, Asker, see_nothing, see_report
from api.idempotency import IdempotentRoute
from api.paging import After, Limit, make_collection
from api.schemas import AnswerBody, Collection, ReportView
from domain.access import Role
from domain.report import DESK, Report, ReportStatus
from findings.issue import NewIssue
from findings.report import Answer, give_answer
from storage.report import list_reports

router = APIRouter(prefix="/v1", route_class=IdempotentRoute, tags=["reports"])
READERS = DESK | {Role.CORE, Role.ADMIN}


@router.get("/reports")
def list_reports_route(
    asker: Annotated[Asker[None], Depends(Allowed(READERS, see_nothing))],
    limit: Limit,
    after: After = None,
    project_id: Annotated[str | None, Query(max_length=64)] = None,
    status: ReportStatus | None = None,
) -> Collection[ReportView]:
    """The reports within sight, oldest first; who wrote one is told to inspectors and supervisors only."""
    principal, now = asker.principal, asker.services.clock.now()
    with asker.transaction() as connection:
        page = list_reports(
            connection, principal=principal, after=after, limit=limit, project_id=project_id, status=status
        )
    return make_collection(page, [ReportView.of(each, role=principal.role, now=now) for each in page.items])


@router.get("/reports/{report_id}")
def get_report_route(asker: Annotated[Asker[Report], Depends(Allowed(READERS, see_report))]) -> ReportView:
    """One report."""
    return ReportView.of(asker.thing, role=asker.principal.role, now=asker.services.clock.now())


@router.post("/reports/{report_id}/answer")
def answer_report_route(
    body: AnswerBody, asker: Annotated[Asker[Report], Depends(Allowed(DESK, see_report))]
) -> ReportView:
    """Answer a report, once, for everybody to read, and raise an issue from it (an inspector)."""
    principal, now = asker.principal, asker.services.clock.now()
    issue = body.issue
    with asker.transaction() as connection:
        report = give_answer(
            connection,
            report_id=asker.thing.id,
            answer=Answer(
                status=ReportStatus(body.status),
                text=body.answer,
                published_text=body.published_text,
                issue=None
                if issue is None
                else NewIssue(
                    title=issue.title,
                    severity=issue.severity,
                    milestone_id=issue.milestone_id,
                    due_date=issue.due_date,
                    assigned_to=issue.assigned_to,
                ),
            ),
            principal=principal,
            now=now,
        )
    return ReportView.of(report, role=principal.role, now=now)
