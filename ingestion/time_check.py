"""When was it taken: camera, satellites, container and sender against each other, the arrival and the works' days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from domain.evidence import Check, CheckName, Verdict
from domain.finding import Severity
from ingestion.editing_check import find_editor
from ingestion.evidence_finding import EvidenceFinding
from ingestion.metadata import Metadata, format_offset
from ingestion.sentences import duration_words, tell

# Chosen: clocks of phones without a network drift by seconds a day, a fix in EXIF may be some minutes old, and a
# camera set by hand is within minutes. The nine photos of one honest camera in the ExifRead samples are 92 s off.
AGREEMENT: Final = timedelta(minutes=10)
# Closer than AGREEMENT, because a difference that falls near a whole hour by chance would pass as another zone.
_ZONE_AGREEMENT: Final = timedelta(minutes=3)
GROSS: Final = timedelta(
    hours=24
)  # beyond it no zone, day-light saving or mistaken half of the day explains a difference
STALE: Final = timedelta(days=30)
# Digital cameras that write EXIF are younger, except the first ones; 1970, 1980 and 1904 are where unset clocks begin.
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 9000  # so that no arithmetic on a claimed time overflows
# Receivers with an old week counter are a whole number of 1024 weeks off (IS-GPS-200, 20.3.3.3.1.1).
_GPS_ERA: Final = timedelta(weeks=1024)
_LEAST_OFFSET: Final = timedelta(hours=-12)
_GREATEST_OFFSET: Final = timedelta(hours=14)
# Offsets in civil use that are no whole hours, after the IANA time zone database. [min]
_BROKEN_OFFSETS: Final = (-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825)
_OFFSETS: Final = tuple(timedelta(minutes=minutes) for minutes in (*range(-12 * 60, 14 * 60 + 1, 60), *_BROKEN_OFFSETS))
_RANKS: Final = {Verdict.PASS: 0, Verdict.UNKNOWN: 1, Verdict.WARN: 2, Verdict.FAIL: 3}


@dataclass(frozen=True, slots=True)
class TimeJudgement:
    """The check, what it asks a person to look at, and the time that was settled on.

    Attributes:
        taken_at: UTC; None where nothing says.
    """

    check: Check
    findings: tuple[EvidenceFinding, ...]
    taken_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Claim:
    """What one source says.

    Attributes:
        at: UTC, in the project's zone where the source names none.
        local: the naive reading where the source names no zone; None where `at` is certain.
    """

    source: str
    at: datetime
    local: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Difference:
    """How two claims differ.

    Attributes:
        apart: as told, in the project's zone. [s]
        verdict: pass, or warn, or fail where no zone can explain it.
        zone: the camera's offset from UTC where another zone explains the whole of it.
    """

    one: _Claim
    other: _Claim
    apart: timedelta
    verdict: Verdict
    zone: timedelta | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One thing that can be said; the weightiest is."""

    verdict: Verdict
    code: str
    words: dict[str, object]


def judge_time(
    metadata: Metadata,
    *,
    said_at: datetime | None,
    received_at: datetime,
    zone: ZoneInfo,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> TimeJudgement:
    """Judge the times of a medium and settle on one.

    Args:
        metadata: what the file says.
        said_at: the sender's word. UTC.
        received_at: when the last byte had come. UTC.
        zone: the project's: EXIF without an offset is read in it, and its days are the project's.
        starts_on: first day of the works, in `zone`.
        ends_on: planned last day, in `zone`.
    """
    camera = _read_camera(metadata, zone)
    gps = _Claim("gps", metadata.gps_time) if metadata.gps_time is not None else None
    container = _read_container(metadata, received_at=received_at, zone=zone)
    said = _Claim("capture", said_at) if said_at is not None else None
    given = [claim for claim in (camera, gps, container, said) if claim is not None]
    unset = [claim for claim in given if not _is_plausible(claim)]
    camera, gps, container, said = (
        claim if claim is not None and _is_plausible(claim) else None for claim in (camera, gps, container, said)
    )
    if camera and gps and _is_era_off(camera, gps):
        gps = None
    differences = []
    if camera and gps:
        differences.append(_compare(camera, gps, zone))
    file_claim = _settle_file(camera, gps, differences, received_at=received_at) or container
    if file_claim and said:
        differences.append(_compare(file_claim, said, zone))
    settled = file_claim or said
    if settled and file_claim and said and differences[-1].other is said and differences[-1].zone is not None:
        settled = said  # the camera's zone is known from the sender's word alone
    outcomes = [
        *_judge_arrival(settled, received_at),
        *_judge_differences(differences, zone),
        *_judge_days(settled, zone=zone, starts_on=starts_on, ends_on=ends_on),
        *_judge_sources(file_claim, said, unset),
    ]
    told = max(outcomes, key=lambda outcome: _RANKS[outcome.verdict])
    facts = _list_facts(given, settled, received_at, differences)
    check = Check(CheckName.TIME, told.verdict, told.code, tell(told.code, **told.words), facts)
    findings = _list_findings(outcomes, differences, facts)
    return TimeJudgement(check=check, findings=findings, taken_at=settled.at if settled else None)


def _read_camera(metadata: Metadata, zone: ZoneInfo) -> _Claim | None:
    """The camera's clock. DateTime is when the file changed, so behind an editor it does not count."""
    local = metadata.taken_local
    if local is None or (metadata.time_tag == "DateTime" and find_editor(metadata.software)):
        return None
    if not _FIRST_YEAR <= local.year < _LAST_YEAR:
        return _Claim("exif", local.replace(tzinfo=UTC), local)
    if metadata.offset is not None:
        return _Claim("exif", (local - metadata.offset).replace(tzinfo=UTC))
    return _Claim("exif", local.replace(tzinfo=zone).astimezone(UTC), local)


def _read_container(metadata: Metadata, *, received_at: datetime, zone: ZoneInfo) -> _Claim | None:
    """A clip's time, UTC by its standard; cameras that write local time there are known by a time after arrival."""
    created_at = metadata.container_time
    if created_at is None or not _FIRST_YEAR <= created_at.year < _LAST_YEAR:
        return None if created_at is None else _Claim("container", created_at)
    local = created_at.replace(tzinfo=None)
    as_local = local.replace(tzinfo=zone).astimezone(UTC)
    if as_local <= received_at + AGREEMENT < created_at:
        return _Claim("container", as_local, local)
    return _Claim("container", created_at, local)


def _is_plausible(claim: _Claim) -> bool:
    """Whether the clock had been set when it said so."""
    return _FIRST_YEAR <= claim.at.year < _LAST_YEAR


def _is_era_off(camera: _Claim, gps: _Claim) -> bool:
    """Whether a receiver counts the weeks of another era, which is its own fault and nobody's deceit."""
    apart = abs(camera.at - gps.at)
    eras = round(apart / _GPS_ERA)
    return eras > 0 and abs(apart - eras * _GPS_ERA) <= timedelta(days=1)


def _compare(one: _Claim, other: _Claim, zone: ZoneInfo) -> _Difference:
    """Compare a claim of the file with another whose zone is certain."""
    apart = abs(one.at - other.at)
    if apart <= AGREEMENT:
        return _Difference(one, other, apart, Verdict.PASS)
    least = apart
    if one.local is not None:
        implied = one.local - other.at.replace(tzinfo=None)
        nearest = min(_OFFSETS, key=lambda offset: abs(implied - offset))
        if abs(implied - nearest) <= _ZONE_AGREEMENT:
            own = other.at.astimezone(zone).utcoffset()
            is_own = own is not None and nearest == own
            return _Difference(one, other, apart, Verdict.PASS, None if is_own else nearest)
        least = max(_LEAST_OFFSET - implied, implied - _GREATEST_OFFSET, timedelta(0))
    return _Difference(one, other, apart, Verdict.FAIL if least > GROSS else Verdict.WARN)


def _settle_file(
    camera: _Claim | None, gps: _Claim | None, differences: Sequence[_Difference], *, received_at: datetime
) -> _Claim | None:
    """The photo's own time: the satellites' where it agrees, or where the camera's clock cannot be right.

    A fix is never younger than its photo, but it may be an old one.
    """
    if camera is None or gps is None:
        return gps or camera
    is_camera_wrong = gps.at > camera.at or camera.at > received_at + AGREEMENT
    return gps if differences[0].verdict is Verdict.PASS or is_camera_wrong else camera


def _judge_arrival(settled: _Claim | None, received_at: datetime) -> list[_Outcome]:
    """Nothing is taken after it arrived; a clock in an unknown zone may merely seem so."""
    if settled is None:
        return []
    ahead = settled.at - received_at
    if ahead > AGREEMENT:
        at_least = ahead
        if settled.local is not None:
            at_least = settled.local.replace(tzinfo=UTC) - _GREATEST_OFFSET - received_at
        verdict = Verdict.FAIL if at_least > AGREEMENT else Verdict.WARN
        return [_Outcome(verdict, "time.future", {"difference": duration_words(ahead)})]
    if -ahead > STALE:
        return [_Outcome(Verdict.WARN, "time.stale", {"difference": duration_words(ahead)})]
    return []


def _judge_differences(differences: Sequence[_Difference], zone: ZoneInfo) -> list[_Outcome]:
    """What contradictions say, and zones that explain them."""
    outcomes = []
    for difference in sorted(differences, key=lambda difference: difference.apart, reverse=True):
        if difference.verdict is not Verdict.PASS:
            words: dict[str, object] = {"difference": duration_words(difference.apart)}
            outcomes.append(_Outcome(difference.verdict, "time.disagreement", words))
        elif difference.zone is not None:
            own = difference.other.at.astimezone(zone).utcoffset() or timedelta(0)
            words = {"difference": duration_words(difference.zone - own)}
            outcomes.append(_Outcome(Verdict.PASS, "time.zone_unclear", words))
    return outcomes


def _judge_days(
    settled: _Claim | None, *, zone: ZoneInfo, starts_on: date | None, ends_on: date | None
) -> list[_Outcome]:
    """The day against the project's. Works that overrun their plan are ordinary, so that alone does not warn."""
    if settled is None:
        return []
    day = settled.at.astimezone(zone).date()
    if starts_on is not None and day < starts_on:
        return [_Outcome(Verdict.WARN, "time.before_start", {"day": day, "starts_on": starts_on})]
    if ends_on is not None and day > ends_on:
        return [_Outcome(Verdict.PASS, "time.after_end", {"day": day, "ends_on": ends_on})]
    return []


def _judge_sources(file_claim: _Claim | None, said: _Claim | None, unset: Sequence[_Claim]) -> list[_Outcome]:
    """What remains to be said when nothing is wrong: who says it at all."""
    if file_claim is not None:
        return [_Outcome(Verdict.PASS, "time.consistent", {})]
    if unset:
        return [_Outcome(Verdict.UNKNOWN, "time.clock_unset", {"year": unset[0].at.year})]
    code = "time.no_time" if said is None else "time.sender_only"
    return [_Outcome(Verdict.UNKNOWN, code, {})]


def _list_facts(
    given: Sequence[_Claim],
    settled: _Claim | None,
    received_at: datetime,
    differences: Sequence[_Difference],
) -> dict[str, object]:
    """What each source says and how far they differ, JSON-ready."""
    facts: dict[str, object] = {
        "sources": {claim.source: claim.at.isoformat() for claim in given},
        "received_at": received_at.isoformat(),
    }
    assumed = [claim.source for claim in given if claim.local is not None]
    if assumed:
        facts["zone_assumed_for"] = assumed
    if settled is not None:
        facts |= {"taken_at": settled.at.isoformat(), "taken_from": settled.source}
    if differences:
        facts["differences"] = [
            {
                "between": [difference.one.source, difference.other.source],
                "difference_s": round(difference.apart.total_seconds(), 3),
                "verdict": difference.verdict.value,
                **({"camera_offset": format_offset(difference.zone)} if difference.zone is not None else {}),
            }
            for difference in differences
        ]
    return facts


def _list_findings(
    outcomes: Sequence[_Outcome], differences: Sequence[_Difference], facts: dict[str, object]
) -> tuple[EvidenceFinding, ...]:
    """What a person should look at: impossible times, contradictions, photos from before the works.

    A late upload and a clock that may only be in another zone cost the grade, and are no finding.
    """
    findings = []
    by_code = {outcome.code: outcome for outcome in reversed(outcomes)}
    future = by_code.get("time.future")
    if future is not None and future.verdict is Verdict.FAIL:
        findings.append(_make_finding("evidence.time_future", Severity.MAJOR, {}, facts))
    disagreeing = [difference for difference in differences if difference.verdict is not Verdict.PASS]
    if disagreeing:
        is_gross = any(difference.verdict is Verdict.FAIL for difference in disagreeing)
        words: dict[str, object] = {"difference": duration_words(max(difference.apart for difference in disagreeing))}
        severity = Severity.MAJOR if is_gross else Severity.MINOR
        findings.append(_make_finding("evidence.time_disagreement", severity, words, facts))
    early = by_code.get("time.before_start")
    if early is not None:
        findings.append(_make_finding("evidence.time_before_start", Severity.MINOR, early.words, facts))
    return tuple(findings)


def _make_finding(code: str, severity: Severity, words: dict[str, object], facts: dict[str, object]) -> EvidenceFinding:
    """A finding with its title and the check's facts."""
    return EvidenceFinding(code, severity, tell(code, **words), dict(facts))
