"""Where was it taken: the file's position and the sender's, against the boundary and against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.evidence import Check, CheckName, Verdict
from domain.finding import Severity
from domain.place import Placement, Position, Side
from geofence.boundary import Boundary, place
from geofence.position import believed_accuracy_m
from geofence.position import distance_m as measure_distance_m
from ingestion.evidence_finding import EvidenceFinding
from ingestion.sentences import distance_words, tell

# Chosen: two receivers side by side differ by tens of metres among houses and trees, without anybody lying. [m]
MIN_DISAGREEMENT_M: Final = 50.0
_CODES: Final = {
    Side.INSIDE: "location.inside",
    Side.OUTSIDE: "location.outside",
    Side.CANNOT_TELL: "location.cannot_tell",
}


@dataclass(frozen=True, slots=True)
class LocationJudgement:
    """The check, what it asks a person to look at, and the position that the medium is filed under."""

    check: Check
    findings: tuple[EvidenceFinding, ...]
    position: Position | None


def judge_location(
    *,
    from_file: Position | None,
    from_sender: Position | None,
    boundary: Boundary | None,
    project_position: Position | None = None,
) -> LocationJudgement:
    """Judge the positions of a medium. The worst says the verdict: outside, then cannot tell, then inside.

    A position of 0, 0 is a receiver without a fix and counts as none. A missing one is unknown, never an accusation.

    Args:
        from_file: EXIF's or the container's.
        from_sender: the capture's.
        boundary: None where the project has none yet.
        project_position: roughly where the project is; told as a distance where there is no boundary.
    """
    given = [position for position in (from_file, from_sender) if position is not None]
    fixes = [position for position in given if not position.is_null_island]
    settled = fixes[0] if fixes else None
    apart_m = _measure_disagreement(fixes)
    placements = [(fix, place(fix, boundary=boundary)) for fix in fixes] if boundary is not None else []
    facts = _list_facts(given, placements, apart_m)
    findings: list[EvidenceFinding] = []
    if not fixes:
        code = "location.null_island" if given else "location.no_position"
        check = _make_check(Verdict.UNKNOWN, code, facts)
    else:
        if boundary is None and project_position is not None:
            facts["project_distance_m"] = round(measure_distance_m(fixes[0], project_position), 1)
        check = _judge_fixes(placements, facts)
    if check.verdict is Verdict.FAIL:
        findings.append(_find_outside(check))
    if apart_m is not None:
        words = distance_words(apart_m)
        details = {"distance_m": round(apart_m, 1), "judged": facts["judged"]}
        title = tell("evidence.location_disagreement", distance=words)
        findings.append(EvidenceFinding("evidence.location_disagreement", Severity.MAJOR, title, details))
        if check.verdict is not Verdict.FAIL:
            detail = tell("location.disagreement", distance=words)
            check = Check(CheckName.LOCATION, Verdict.WARN, "location.disagreement", detail, facts)
    return LocationJudgement(check=check, findings=tuple(findings), position=settled)


def _judge_fixes(placements: Sequence[tuple[Position, Placement]], facts: dict[str, object]) -> Check:
    """The check of real fixes against a boundary; none placed means that there is no boundary."""
    if not placements:
        return _make_check(Verdict.UNKNOWN, "location.no_boundary", facts)
    outside = [placement for _, placement in placements if placement.side is Side.OUTSIDE]
    unclear = [placement for _, placement in placements if placement.side is Side.CANNOT_TELL]
    if outside:
        worst = max(outside, key=lambda placement: placement.distance_m)
        verdict = Verdict.FAIL
    elif unclear:
        worst = max(unclear, key=lambda placement: placement.accuracy_m)
        verdict = Verdict.UNKNOWN
    else:
        worst = max((placement for _, placement in placements), key=lambda placement: placement.distance_m)
        verdict = Verdict.PASS
    facts["distance_m"] = round(worst.distance_m, 1)
    facts["accuracy_m"] = round(worst.accuracy_m, 1)
    return _make_check(verdict, _CODES[worst.side], facts, worst)


def _make_check(verdict: Verdict, code: str, facts: dict[str, object], worst: Placement | None = None) -> Check:
    """A location check with its sentence."""
    words = (
        {"distance": distance_words(worst.distance_m), "accuracy": distance_words(worst.accuracy_m)}
        if worst is not None
        else {}
    )
    return Check(CheckName.LOCATION, verdict, code, tell(code, **words), facts)


def _find_outside(check: Check) -> EvidenceFinding:
    """The finding of a failed location check."""
    distance_m = check.facts["distance_m"]
    assert isinstance(distance_m, float)
    title = tell("evidence.location_outside", distance=distance_words(distance_m))
    details = {name: check.facts[name] for name in ("distance_m", "accuracy_m", "judged")}
    return EvidenceFinding("evidence.location_outside", Severity.MAJOR, title, details)


def _measure_disagreement(fixes: Sequence[Position]) -> float | None:
    """How far apart two fixes are, where their accuracies do not explain it; None where they do [m]."""
    if len(fixes) < 2:  # noqa: PLR2004
        return None
    apart_m = measure_distance_m(fixes[0], fixes[1])
    explained_m = sum(2 * believed_accuracy_m(fix) for fix in fixes)
    return apart_m if apart_m > max(explained_m, MIN_DISAGREEMENT_M) else None


def _list_facts(
    given: Sequence[Position], placements: Sequence[tuple[Position, Placement]], apart_m: float | None
) -> dict[str, object]:
    """What was judged, source by source, JSON-ready."""
    placed = {id(fix): placement for fix, placement in placements}
    judged: list[dict[str, object]] = []
    for position in given:
        one: dict[str, object] = {"source": position.source}
        placement = placed.get(id(position))
        if placement is not None:
            one |= {
                "code": _CODES[placement.side],
                "distance_m": round(placement.distance_m, 1),
                "accuracy_m": round(placement.accuracy_m, 1),
            }
        else:
            one["code"] = "location.null_island" if position.is_null_island else "location.no_boundary"
        judged.append(one)
    facts: dict[str, object] = {"judged": judged}
    if apart_m is not None:
        facts["disagreement_m"] = round(apart_m, 1)
    return facts
