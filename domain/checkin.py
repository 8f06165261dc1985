"""A check-in: somebody says that they stand at a place at a time, for a milestone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.place import Position


@dataclass(frozen=True, slots=True)
class Checkin:
    """A stored check-in; whether it lies inside is judged by the boundary of now.

    Attributes:
        token_id: who sent it.
        client_id: the check-in's UUID, the same on every attempt to send it.
        position: the phone's word.
        at: when they stood there, by the phone. UTC.
        received_at: UTC.
    """

    id: UUID
    project_id: str
    milestone_id: str
    token_id: UUID
    client_id: UUID | None
    position: Position
    at: datetime
    received_at: datetime
