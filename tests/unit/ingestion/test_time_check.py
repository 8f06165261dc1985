from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.evidence import Verdict
from domain.finding import Severity
from ingestion.metadata import Metadata
from ingestion.time_check import TimeJudgement, judge_time

SHANGHAI = ZoneInfo("Asia/Shanghai")  # UTC+8 all year since 1991
NOON_UTC = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)  # noon of 4 May in Shanghai
ARRIVAL = NOON_UTC + timedelta(hours=1)


def local(when: datetime = NOON_UTC, hours: float = 8) -> datetime:
    """What a camera's clock in a zone of so many hours shows at this moment."""
    return (when + timedelta(hours=hours)).replace(tzinfo=None)


def judge(
    metadata: Metadata,
    *,
    said_at: datetime | None = None,
    received_at: datetime = ARRIVAL,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> TimeJudgement:
    """Judge in Shanghai."""
    return judge_time(
        metadata, said_at=said_at, received_at=received_at, zone=SHANGHAI, starts_on=starts_on, ends_on=ends_on
    )


def told(judgement: TimeJudgement) -> tuple[Verdict, str, list[str]]:
    """Verdict, code and the codes of the findings."""
    check = judgement.check
    return check.verdict, check.code, [finding.code for finding in judgement.findings]


def exif(
    taken: datetime | None, *, offset_h: float | None = None, gps: datetime | None = None, tag: str = "DateTimeOriginal"
) -> Metadata:
    """The metadata of a photo."""
    offset = None if offset_h is None else timedelta(hours=offset_h)
    return Metadata(taken_local=taken, time_tag=tag if taken else None, offset=offset, gps_time=gps)


@pytest.mark.parametrize(
    ("metadata", "source"),
    [
        (exif(local(), offset_h=8), "exif"),
        (exif(local(hours=2), offset_h=2), "exif"),
        (exif(local()), "exif"),
        (exif(local(), gps=NOON_UTC - timedelta(seconds=90)), "gps"),
        (exif(None, gps=NOON_UTC), "gps"),
        (Metadata(container_time=NOON_UTC), "container"),
    ],
)
def test_judge_time__consistent(metadata: Metadata, source: str) -> None:
    """One or more records that agree pass, and the most trustworthy of them is settled on."""
    judgement = judge(metadata)
    assert told(judgement) == (Verdict.PASS, "time.consistent", [])
    assert judgement.check.facts["taken_from"] == source
    assert judgement.taken_at is not None
    assert abs(judgement.taken_at - NOON_UTC) <= timedelta(seconds=90)


def test_judge_time__nothing_says() -> None:
    """Arrival alone is unknown."""
    judgement = judge(Metadata())
    assert told(judgement) == (Verdict.UNKNOWN, "time.no_time", [])
    assert judgement.taken_at is None


def test_judge_time__sender_alone() -> None:
    """The sender's word alone is unknown, though it is settled on."""
    judgement = judge(Metadata(), said_at=NOON_UTC)
    assert told(judgement) == (Verdict.UNKNOWN, "time.sender_only", [])
    assert judgement.taken_at == NOON_UTC


@pytest.mark.parametrize(
    ("apart", "verdict"),
    [
        (timedelta(minutes=10), Verdict.PASS),
        (timedelta(minutes=10, seconds=1), Verdict.WARN),
        (timedelta(hours=24), Verdict.WARN),
        (timedelta(hours=24, seconds=1), Verdict.FAIL),
    ],
)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("against", ["gps", "capture"])
def test_judge_time__disagreement_limits(apart: timedelta, verdict: Verdict, sign: int, against: str) -> None:
    """With a known offset: agreement to 10 minutes, a warning to 24 hours, failure beyond, for GPS and sender alike."""
    other = NOON_UTC + sign * apart
    arrival = ARRIVAL + timedelta(days=2)
    if against == "gps":
        judgement = judge(exif(local(), offset_h=8, gps=other), received_at=arrival)
    else:
        judgement = judge(exif(local(), offset_h=8), said_at=other, received_at=arrival)
    assert judgement.check.verdict is verdict
    if verdict is Verdict.PASS:
        assert judgement.findings == ()
    else:
        severity = Severity.MAJOR if verdict is Verdict.FAIL else Severity.MINOR
        assert judgement.check.code == "time.disagreement"
        assert [(finding.code, finding.severity) for finding in judgement.findings] == [
            ("evidence.time_disagreement", severity)
        ]


@pytest.mark.parametrize("zone_h", [-9.5, 0, 1, 5.75, 7, 9, 14])
def test_judge_time__camera_in_another_zone(zone_h: float) -> None:
    """Without an offset, a difference by whole zones is a question of zones: the satellites' time is taken."""
    judgement = judge(exif(local(hours=zone_h), gps=NOON_UTC))
    assert told(judgement) == (Verdict.PASS, "time.zone_unclear", [])
    assert judgement.taken_at == NOON_UTC


def test_judge_time__camera_in_another_zone_by_the_sender() -> None:
    """The same against the sender's word, which then is settled on: 3 hours are between UTC+8 and UTC+5."""
    judgement = judge(exif(local(hours=5)), said_at=NOON_UTC)
    assert told(judgement) == (Verdict.PASS, "time.zone_unclear", [])
    assert "3 hours" in judgement.check.detail["en"]
    assert judgement.taken_at == NOON_UTC


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [
        (local() - timedelta(minutes=20), Verdict.WARN),  # no zone is 20 minutes off
        (local(hours=-12) - timedelta(hours=24), Verdict.WARN),  # 24 hours beyond the last zone
        (local(hours=-12) - timedelta(hours=24, minutes=1), Verdict.FAIL),
        (local(hours=14) + timedelta(hours=24), Verdict.WARN),
        (local(hours=14) + timedelta(hours=24, minutes=1), Verdict.FAIL),
    ],
)
def test_judge_time__no_zone_explains(shown: datetime, verdict: Verdict) -> None:
    """Without an offset it fails only where it is 24 hours off in every zone from UTC-12 to UTC+14."""
    judgement = judge(exif(shown, gps=NOON_UTC))
    assert (judgement.check.verdict, judgement.check.code) == (verdict, "time.disagreement")


def test_judge_time__clock_a_day_slow() -> None:
    """The honest camera of DSCN0010.jpg: its clock, without an offset, is a day behind the satellites and warns.

    EXIF 2008:10:22 16:28:39, GPS 2008:10:23 14:27:07.24Z. A fix cannot be younger than its photo, so GPS is taken.
    """
    gps = datetime(2008, 10, 23, 14, 27, 7, 240_000, tzinfo=UTC)
    shown = datetime(2008, 10, 22, 16, 28, 39)  # noqa: DTZ001 - a camera's clock
    judgement = judge(exif(shown, gps=gps), received_at=gps + timedelta(hours=1))
    assert told(judgement) == (Verdict.WARN, "time.disagreement", ["evidence.time_disagreement"])
    assert judgement.taken_at == gps


def test_judge_time__old_fix() -> None:
    """A fix older than its photo may be a stale one, so the camera's clock is taken."""
    judgement = judge(exif(local(), offset_h=8, gps=NOON_UTC - timedelta(minutes=40)))
    assert judgement.check.code == "time.disagreement"
    assert judgement.taken_at == NOON_UTC


def test_judge_time__receiver_of_another_era() -> None:
    """A receiver that is 1024 weeks behind is broken, not lying: its time is left out."""
    judgement = judge(exif(local(), gps=NOON_UTC - timedelta(weeks=1024)))
    assert told(judgement) == (Verdict.PASS, "time.consistent", [])
    assert judgement.taken_at == NOON_UTC


@pytest.mark.parametrize(
    ("ahead", "verdict"), [(timedelta(minutes=10), Verdict.PASS), (timedelta(minutes=10, seconds=1), Verdict.FAIL)]
)
def test_judge_time__future(ahead: timedelta, verdict: Verdict) -> None:
    """More than 10 minutes after arrival cannot be, where the zone is known."""
    judgement = judge(exif(local(ARRIVAL + ahead), offset_h=8))
    assert judgement.check.verdict is verdict
    assert (judgement.check.code == "time.future") is (verdict is Verdict.FAIL)


def test_judge_time__future_in_the_projects_zone_only() -> None:
    """A clock of Auckland (UTC+12) is 4 hours ahead in Shanghai: a warning and no finding, for a zone explains it."""
    judgement = judge(exif(local(ARRIVAL, hours=12)))
    assert told(judgement) == (Verdict.WARN, "time.future", [])


@pytest.mark.parametrize("offset_h", [None, 8])
def test_judge_time__year_2099(offset_h: float | None) -> None:
    """A photo from 2099 fails and is a major finding."""
    judgement = judge(exif(local(NOON_UTC.replace(year=2099)), offset_h=offset_h))
    assert told(judgement) == (Verdict.FAIL, "time.future", ["evidence.time_future"])


def test_judge_time__sender_in_the_future() -> None:
    """The sender's word is held to the same."""
    judgement = judge(Metadata(), said_at=ARRIVAL + timedelta(days=1))
    assert told(judgement) == (Verdict.FAIL, "time.future", ["evidence.time_future"])


@pytest.mark.parametrize("year", [1, 1970, 1980, 1999, 9999])
def test_judge_time__clock_never_set(year: int) -> None:
    """A clock before 2000, or at the end of the calendar, was never set: unknown, no accusation, no overflow."""
    shown = datetime(year, 12, 31, 23, 59, 59)  # noqa: DTZ001 - a camera's clock
    judgement = judge(exif(shown))
    assert told(judgement) == (Verdict.UNKNOWN, "time.clock_unset", [])
    assert judgement.taken_at is None
    with_sender = judge(exif(shown, offset_h=-12), said_at=NOON_UTC)
    assert told(with_sender) == (Verdict.UNKNOWN, "time.clock_unset", [])
    assert with_sender.taken_at == NOON_UTC
    assert told(judge(exif(shown, gps=NOON_UTC))) == (Verdict.PASS, "time.consistent", [])


def test_judge_time__before_the_start() -> None:
    """A photo of the evening before the first day warns; days are the project's: 16:00 UTC is midnight in Shanghai."""
    evening, midnight = datetime(2026, 5, 3, 15, 59, tzinfo=UTC), datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
    early = judge(exif(None, gps=evening), starts_on=date(2026, 5, 4))
    assert told(early) == (Verdict.WARN, "time.before_start", ["evidence.time_before_start"])
    assert "2026-05-03" in early.check.detail["zh"]
    assert judge(exif(None, gps=midnight), starts_on=date(2026, 5, 4)).check.code == "time.consistent"


def test_judge_time__after_the_end() -> None:
    """Works overrun their plans: a photo after the planned end is told and passes."""
    judgement = judge(exif(None, gps=NOON_UTC), ends_on=date(2026, 5, 3))
    assert told(judgement) == (Verdict.PASS, "time.after_end", [])
    assert judge(exif(None, gps=NOON_UTC), ends_on=date(2026, 5, 4)).check.code == "time.consistent"


@pytest.mark.parametrize(
    ("age", "code"),
    [(timedelta(days=30), "time.consistent"), (timedelta(days=30, seconds=1), "time.stale")],
)
def test_judge_time__late_upload(age: timedelta, code: str) -> None:
    """Beyond 30 days an upload is late: a warning, and no finding."""
    judgement = judge(exif(None, gps=ARRIVAL - age))
    assert judgement.check.code == code
    assert judgement.findings == ()


def test_judge_time__clip_with_local_time_as_utc() -> None:
    """A camera that writes its local time as UTC is 8 hours ahead of arrival in Shanghai; read as local it is right."""
    judgement = judge(Metadata(container_time=NOON_UTC + timedelta(hours=8)))
    assert told(judgement) == (Verdict.PASS, "time.consistent", [])
    assert judgement.taken_at == NOON_UTC


def test_judge_time__date_of_change_behind_an_editor() -> None:
    """DateTime is when the file changed; where an editor changed it, it says nothing of the shot."""
    edited = Metadata(taken_local=local(), time_tag="DateTime", software="GIMP 2.10")
    assert judge(edited).check.code == "time.no_time"
    plain = Metadata(taken_local=local(), time_tag="DateTime", software="00WW_2_270_SP04")
    assert judge(plain).check.code == "time.consistent"


def test_judge_time__facts_name_every_source() -> None:
    """What each source says stands in the facts."""
    sources = judge(exif(local(), gps=NOON_UTC), said_at=NOON_UTC).check.facts["sources"]
    noon = "2026-05-04T04:00:00+00:00"
    assert sources == {"exif": noon, "gps": noon, "capture": noon}


moments = st.none() | st.datetimes(timezones=st.just(UTC))
naive = st.none() | st.datetimes()
days = st.none() | st.dates()


@given(
    taken=naive,
    offset_h=st.none() | st.integers(-12, 14),
    moments=st.tuples(moments, moments, moments),
    span=st.tuples(days, days),
)
def test_judge_time__any_times(
    taken: datetime | None,
    offset_h: int | None,
    moments: Sequence[datetime | None],
    span: tuple[date | None, date | None],
) -> None:
    """Whatever the sources say, there is one check, a failure is a finding, and a pass or unknown is none."""
    gps, container, said = moments
    metadata = Metadata(
        taken_local=taken,
        time_tag="DateTimeOriginal",
        offset=None if offset_h is None else timedelta(hours=offset_h),
        gps_time=gps,
        container_time=container,
    )
    judgement = judge(metadata, said_at=said, starts_on=span[0], ends_on=span[1])
    if judgement.check.verdict is Verdict.FAIL:
        assert judgement.findings
    if judgement.check.verdict in {Verdict.PASS, Verdict.UNKNOWN}:
        assert not judgement.findings
