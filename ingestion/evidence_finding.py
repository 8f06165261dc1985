"""What a check of evidence asks a person to look at. Project, medium and key are added where it is recorded."""

from dataclasses import dataclass, field

from domain.finding import Severity


@dataclass(frozen=True, slots=True)
class EvidenceFinding:
    """A finding of kind `evidence`, before it is attached to a medium.

    Attributes:
        code: `evidence.<noun>`.
        title: `{"zh": ..., "en": ...}`.
        details: JSON-ready, keys with units.
    """

    code: str
    severity: Severity
    title: dict[str, str]
    details: dict[str, object] = field(default_factory=dict)
