"""What the checks of one medium say: verdicts with a code and a sentence in two languages, and the grade of them."""

from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What a check concluded; `unknown` is an honest answer and never an accusation."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class CheckName(StrEnum):
    """The checks that a medium can go through."""

    LOCATION = "location"
    TIME = "time"
    REUSE = "reuse"
    EDITING = "editing"
    PROVENANCE = "provenance"


class Grade(StrEnum):
    """How far a medium can be relied upon; A is best."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check.

    Attributes:
        check: which one.
        verdict: pass, warn, fail or unknown.
        code: stable, `<check>.<noun>`, such as `location.outside`.
        detail: `{"zh": ..., "en": ...}`, each a sentence that a village clerk understands.
        facts: numbers and values behind the sentence, JSON-ready, keys with units (`distance_m`).
    """

    check: CheckName
    verdict: Verdict
    code: str
    detail: dict[str, str]
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The grade of one medium with the codes that led to it, the weightiest first."""

    grade: Grade
    reasons: tuple[str, ...]


def grade_checks(checks: list[Check]) -> Evidence:
    """Grade a medium: D if a check failed, C if one warned, B if location or time is unknown, else A.

    A missing position is unknown, never fraud, so it costs one step at most.
    """
    failed = [check.code for check in checks if check.verdict is Verdict.FAIL]
    warned = [check.code for check in checks if check.verdict is Verdict.WARN]
    unknown = [
        check.code
        for check in checks
        if check.verdict is Verdict.UNKNOWN and check.check in {CheckName.LOCATION, CheckName.TIME}
    ]
    if failed:
        grade = Grade.D
    elif warned:
        grade = Grade.C
    elif unknown:
        grade = Grade.B
    else:
        grade = Grade.A
    return Evidence(grade=grade, reasons=tuple(failed + warned + unknown))
