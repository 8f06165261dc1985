"""Events: what the core project system follows."""

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
        subject: the thing's path, such as `findings/<id>`.
        area: of its project, to decide who sees it.
    """

    cursor: str
    id: UUID
    type: str
    project_id: str
    area: str
    subject: str
    occurred_at: datetime
    data: dict[str, Any]
