"""Events about projects and media, for who follows along."""

from datetime import datetime

from domain.media import Medium
from domain.project import Project
from findings.log_fact import record_medium
from storage.database import Connection
from storage.event import insert_event


def tell_project(connection: Connection, project: Project, *, event: str, now: datetime) -> None:
    """Write the event `siteproof.project.<event>`."""
    insert_event(
        connection,
        type_=f"siteproof.project.{event}",
        project_id=project.id,
        area=project.area,
        subject=f"projects/{project.id}",
        occurred_at=now,
        data={"project_id": project.id, "name": project.name, "kind": project.kind, "area": project.area},
    )


def tell_media(connection: Connection, project: Project, medium: Medium, *, event: str, now: datetime) -> None:
    """Write the event `siteproof.media.<event>`, and its entry for the evidence log."""
    record_medium(connection, medium, event=event, at=now)
    insert_event(
        connection,
        type_=f"siteproof.media.{event}",
        project_id=project.id,
        area=project.area,
        subject=f"media/{medium.id}",
        occurred_at=now,
        data={
            "media_id": str(medium.id),
            "project_id": medium.project_id,
            "milestone_id": medium.milestone_id,
            "sha256": medium.sha256,
            "status": medium.status,
            "grade": medium.grade,
        },
    )
