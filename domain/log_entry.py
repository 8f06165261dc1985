"""An entry of the evidence log."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A fact in its place.

    Attributes:
        index: 0 for the first.
        kind: what happened, such as `media.received` or `finding.reviewed`.
        project_id: None for an entry of the log about itself.
        subject: the thing's path, such as `media/<id>`.
        leaf: the bytes that are hashed: canonical JSON with the SHA-256 of the content.
        content: canonical JSON of the fact; None where a law asked for its deletion.
    """

    index: int
    kind: str
    project_id: str | None
    subject: str
    leaf: bytes
    content: bytes | None
