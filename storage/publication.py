"""What the public page reads beside the project: pictures that a person let onto it, and issues."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row, dict_row

from domain.access import Principal
from domain.issue import IssueStatus
from storage.database import Connection
from storage.query import load_queries

_QUERIES: Final = load_queries("publication")


@dataclass(frozen=True, slots=True)
class Publication:
    """A person's decision on whether a picture is shown to everybody."""

    media_id: UUID
    is_shown: bool
    decided_by: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class PublicPicture:
    """A picture of the public page; `at` is when it was taken, else when it came. UTC."""

    id: UUID
    milestone_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PublicIssue:
    """What everybody may know of an issue."""

    title: str
    status: IssueStatus
    creation_date: datetime
    due_date: date
    modified_date: datetime


def put_publication(
    connection: Connection, *, media_id: UUID, project_id: str, is_shown: bool, by: Principal, now: datetime
) -> None:
    """Let a picture onto the public page, or take it off; saying the same again changes nothing."""
    values = {"media_id": media_id, "project_id": project_id, "is_shown": is_shown, "now": now}
    values |= {"decided_by": by.label, "token_id": by.token_id}
    connection.execute(_QUERIES["put_publication"], values)


def find_publication(connection: Connection, *, media_id: UUID) -> Publication | None:
    """The decision on a picture; None where nobody made one."""
    with connection.cursor(row_factory=class_row(Publication)) as cursor:
        return cursor.execute(_QUERIES["find_publication"], {"media_id": media_id}).fetchone()


def list_public_pictures(connection: Connection, *, project_id: str, each: int) -> list[PublicPicture]:
    """The pictures of a project's public page, at most `each` for a milestone, newest first."""
    with connection.cursor(row_factory=class_row(PublicPicture)) as cursor:
        return cursor.execute(_QUERIES["list_public_pictures"], {"project_id": project_id, "each": each}).fetchall()


def is_public_picture(connection: Connection, *, project_id: str, media_id: UUID) -> bool:
    """Whether everybody may see this picture of this project."""
    values = {"project_id": project_id, "media_id": media_id}
    return connection.execute(_QUERIES["is_public_picture"], values).fetchone() is not None


def list_public_issues(connection: Connection, *, project_id: str, limit: int) -> list[PublicIssue]:
    """A project's issues, those that are not closed first, newest first."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERIES["list_public_issues"], {"project_id": project_id, "limit": limit}).fetchall()
    return [PublicIssue(**row | {"status": IssueStatus(row["status"])}) for row in rows]


def list_begun_milestone_ids(connection: Connection, *, project_id: str) -> set[str]:
    """Milestones for which something was sent."""
    return {row[0] for row in connection.execute(_QUERIES["list_begun_milestone_ids"], {"project_id": project_id})}
