"""What goes into the evidence log, written in the transaction of the fact itself.

A leaf holds no more than what happened to which thing and when, with the SHA-256 of the fact's content. The content is
kept beside it with a random salt, so that it can be deleted where a law asks for that: the leaf still verifies, and
what was said in it cannot be guessed from its digest.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from domain.finding import Finding
from domain.issue import Issue, Transition
from domain.media import Medium
from domain.place import position_to_json
from findings.canonical_json import encode_canonical
from storage.database import Connection
from storage.evidence_log import insert_pending

VERSION: Final = 1
_SALT_BYTES: Final = 16


def record_fact(
    connection: Connection,
    *,
    kind: str,
    project_id: str | None,
    subject: str,
    at: datetime,
    content: Mapping[str, Any],
) -> None:
    """Write a fact for the log; it gets its place after the commit.

    Args:
        connection: of the fact's transaction.
        kind: stable, `<thing>.<what happened>`.
        project_id: None for the log's own.
        subject: the thing's path, such as `media/<id>`.
        at: when it happened. UTC.
        content: everything that the entry is to prove, JSON-ready.
    """
    body = encode_canonical({**content, "salt": secrets.token_hex(_SALT_BYTES)})
    leaf = encode_canonical(
        {
            "at": at,
            "content_sha256": hashlib.sha256(body).hexdigest(),
            "kind": kind,
            "project_id": project_id,
            "subject": subject,
            "version": VERSION,
        }
    )
    insert_pending(connection, kind=kind, project_id=project_id, subject=subject, leaf=leaf, content=body)


def record_medium(connection: Connection, medium: Medium, *, event: str, at: datetime) -> None:
    """Write that a medium was received, analysed or failed, with what is known of it by that."""
    content = describe_received(medium) if event == "received" else describe_judged(medium)
    subject = f"media/{medium.id}"
    record_fact(
        connection, kind=f"media.{event}", project_id=medium.project_id, subject=subject, at=at, content=content
    )


def record_finding_event(connection: Connection, finding: Finding, *, event: str, at: datetime) -> None:
    """Write what happened to a finding, with the finding as it is now."""
    record_fact(
        connection,
        kind=f"finding.{event}",
        project_id=finding.project_id,
        subject=f"findings/{finding.id}",
        at=at,
        content=asdict(finding),
    )


def record_step(connection: Connection, issue: Issue, transition: Transition) -> None:
    """Write a step of an issue, with the issue as it is after it."""
    record_fact(
        connection,
        kind=f"issue.{transition.to}",
        project_id=issue.project_id,
        subject=f"issues/{issue.id}",
        at=transition.at,
        content={
            "issue_id": issue.id,
            "project_id": issue.project_id,
            "milestone_id": issue.milestone_id,
            "title": issue.title,
            "severity": issue.severity,
            "assigned_to": issue.assigned_to,
            "due_at": issue.due_at,
            "finding_ids": issue.finding_ids,
            "step": asdict(transition),
        },
    )


def describe_received(medium: Medium) -> dict[str, Any]:
    """The content of `media.received`: the original's hash, who says what of it, and the checks made at once."""
    return {
        "media_id": medium.id,
        "project_id": medium.project_id,
        "milestone_id": medium.milestone_id,
        "camera_id": medium.camera_id,
        "client_id": medium.client_id,
        "token_id": medium.token_id,
        "sha256": medium.sha256,
        "size_bytes": medium.size_bytes,
        "format": medium.format,
        "received_at": medium.received_at,
        "taken_at": medium.taken_at,
        "position": None if medium.position is None else position_to_json(medium.position),
        "capture": medium.capture,
        "metadata": medium.metadata,
        **_describe_judgement(medium),
    }


def describe_judged(medium: Medium) -> dict[str, Any]:
    """The content of `media.analysed` and `media.failed`: what was judged, seen, and by which weights."""
    return {
        "media_id": medium.id,
        "sha256": medium.sha256,
        "failure": medium.failure,
        "detections": [asdict(each) for each in medium.detections],
        "model": medium.model,
        "model_hashes": medium.model_hashes,
        **_describe_judgement(medium),
    }


def _describe_judgement(medium: Medium) -> dict[str, Any]:
    return {
        "status": medium.status,
        "width_px": medium.width_px,
        "height_px": medium.height_px,
        "checks": [asdict(each) for each in medium.checks],
        "grade": medium.grade,
        "grade_reasons": medium.grade_reasons,
    }
