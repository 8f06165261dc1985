"""What everybody may see of a project: gathered here, so that nothing else of it can reach the public page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from domain.progress import Progress, judge_progress
from domain.project import Project
from domain.report import Report
from findings.milestone import evaluate_gate
from storage.database import Connection
from storage.project import list_milestones
from storage.publication import (
    PublicIssue,
    PublicPicture,
    list_begun_milestone_ids,
    list_public_issues,
    list_public_pictures,
)
from storage.report import list_newest_reports

# Bounds that keep the page under 100 kB, also where every text is as long as it can be: a test fills them.
MAX_MILESTONES: Final = 40
MAX_ISSUES: Final = 30
MAX_REPORTS: Final = 10
_PICTURES_EACH: Final = 3
_MAX_PICTURES: Final = 36


@dataclass(frozen=True, slots=True)
class PublicMilestone:
    """A milestone of the page, with the newest pictures that were let onto it."""

    title: str
    planned_on: date | None
    progress: Progress
    pictures: Sequence[PublicPicture]


@dataclass(frozen=True, slots=True)
class PublicPage:
    """What the page shows; `has_more` where there are more milestones than it lists."""

    project: Project
    milestones: Sequence[PublicMilestone]
    has_more: bool
    issues: Sequence[PublicIssue]
    reports: Sequence[Report]


def gather_public_page(connection: Connection, project: Project, *, now: datetime) -> PublicPage:
    """What everybody may see of a project just now. UTC."""
    milestones = list_milestones(connection, project_id=project.id, after=None, limit=MAX_MILESTONES)
    begun = list_begun_milestone_ids(connection, project_id=project.id)
    pictures = list_public_pictures(connection, project_id=project.id, each=_PICTURES_EACH)[:_MAX_PICTURES]
    today = now.astimezone(ZoneInfo(project.time_zone)).date()
    return PublicPage(
        project=project,
        milestones=[
            PublicMilestone(
                title=each.title,
                planned_on=each.planned_on,
                progress=judge_progress(
                    # Only what was begun is asked: the gate of what was not cannot change the word for it.
                    passes=each.id in begun and not evaluate_gate(connection, each),
                    is_begun=each.id in begun,
                    planned_on=each.planned_on,
                    today=today,
                ),
                pictures=[picture for picture in pictures if picture.milestone_id == each.id],
            )
            for each in milestones.items
        ],
        has_more=milestones.next is not None,
        issues=list_public_issues(connection, project_id=project.id, limit=MAX_ISSUES),
        reports=list_newest_reports(connection, project_id=project.id, limit=MAX_REPORTS),
    )
