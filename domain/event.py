"""Events: what the core project system follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded event, on its way to a CloudEvents envelope.

    Attributes:
        cursor: opaque; asking for what comes after it skips nothing and repeats nothing.
        type: such as `siteproof.finding.recorded`.
        project_id: None for what belongs to an area and to no single project, such as a webhook.
        subject: the thing's path, such as `findings/<id>`.
        area: of its project, to decide who sees it.
    """

    cursor: str
    id: UUID
    type: str
    project_id: str | None
    area: str
    subject: str
    occurred_at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events in their order.

    Attributes:
        events: those that were asked for.
        next: the cursor to go on from, also where no event is.
        is_last: whether every event that can be read just now was looked at.
    """

    events: Sequence[Event]
    next: str
    is_last: bool


def make_envelope(event: Event) -> dict[str, Any]:
    """The CloudEvents 1.0 envelope of an event, in the members of its JSON format."""
    return {
        "specversion": "1.0",
        "id": str(event.id),
        "source": "/v1" if event.project_id is None else f"/v1/projects/{event.project_id}",
        "type": event.type,
        "subject": event.subject,
        "time": event.occurred_at.isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": event.data,
    }
