import pytest

from domain.evidence import Check, CheckName, Grade, Verdict, grade_checks


def make(check: CheckName, verdict: Verdict) -> Check:
    """A check with a code made of its name and verdict."""
    return Check(check, verdict, f"{check}.{verdict}", {"zh": "", "en": ""})


@pytest.mark.parametrize(
    ("location", "time", "grade", "reasons"),
    [
        (Verdict.PASS, Verdict.PASS, Grade.A, ()),
        (Verdict.UNKNOWN, Verdict.PASS, Grade.B, ("location.unknown",)),
        (Verdict.PASS, Verdict.WARN, Grade.C, ("time.warn",)),
        (Verdict.UNKNOWN, Verdict.WARN, Grade.C, ("time.warn", "location.unknown")),
        (Verdict.FAIL, Verdict.WARN, Grade.D, ("location.fail", "time.warn")),
    ],
)
def test_grade_checks__worst_verdict__decides(
    location: Verdict, time: Verdict, grade: Grade, reasons: tuple[str, ...]
) -> None:
    """A failure makes D, a warning C, an unknown place or time B; the weightiest reason stands first."""
    evidence = grade_checks([make(CheckName.LOCATION, location), make(CheckName.TIME, time)])
    assert (evidence.grade, evidence.reasons) == (grade, reasons)


def test_grade_checks__editing_unknown__costs_nothing() -> None:
    """That a browser stripped the tags says nothing against a photo."""
    checks = [make(CheckName.LOCATION, Verdict.PASS), make(CheckName.EDITING, Verdict.UNKNOWN)]
    assert grade_checks(checks).grade is Grade.A
