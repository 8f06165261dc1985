from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from domain.access import Role
from domain.errors import Invalid
from domain.progress import Progress, judge_progress
from domain.report import (
    Report,
    ReportStatus,
    ReportTextMissing,
    ReportTooFast,
    ReportTooLong,
    clean_text,
    may_know_reporter,
    read_report,
    require_written,
)

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)


def make_report(status: ReportStatus, *, published_text: str | None = None) -> Report:
    """A report in this state."""
    return Report(
        id=uuid4(),
        project_id="p1",
        text="王五家门口的路裂了",
        place=None,
        contact="13800000000",
        media_id=None,
        status=status,
        received_at=NOW,
        due_at=NOW + timedelta(days=7),
        answer=None if status is ReportStatus.RECEIVED else "已派人查看",
        published_text=published_text,
        answered_at=None if status is ReportStatus.RECEIVED else NOW,
        answered_by=None,
        issue_id=None,
    )


def test_read_report__blanks_and_unseen_characters__are_left_out() -> None:
    """A direction mark (U+202E), a NUL and half of a surrogate pair go, a line break stays, an empty part is none."""
    form = read_report(text=" 路\u202e面\x00裂\r\n了\ud800 ", place=" \u200b ", contact="")
    assert (form.text, form.place, form.contact) == ("路面裂\n了", None, None)


@pytest.mark.parametrize(
    ("text", "place", "contact", "error"),
    [
        (" \u200b\n", "", "", ReportTextMissing),
        ("字" * 2001, "", "", ReportTooLong),
        ("字", "字" * 201, "", ReportTooLong),
        ("字", "", "字" * 201, ReportTooLong),
    ],
)
def test_read_report__nothing_or_too_much__is_refused(
    text: str, place: str, contact: str, error: type[Invalid]
) -> None:
    """One character beyond each limit."""
    with pytest.raises(error):
        read_report(text=text, place=place, contact=contact)


def test_read_report__as_long_as_it_may_be__is_kept() -> None:
    """2,000 characters count after cleaning."""
    assert len(read_report(text="字" * 2000 + "\r\n", place="字" * 200, contact="字" * 200).text) == 2000


def test_require_written__within_three_seconds_or_unsaid__is_refused() -> None:
    """Three seconds are enough, a moment less is not; a form from the future was made by nobody here."""
    require_written(opened_at=NOW - timedelta(seconds=3), now=NOW)
    for opened_at in (NOW - timedelta(seconds=2.9), NOW + timedelta(days=1), None):
        with pytest.raises(ReportTooFast):
            require_written(opened_at=opened_at, now=NOW)


def test_report__public_text__is_there_once_it_is_answered_and_not_dismissed() -> None:
    """What the desk wrote in its place goes before it, also where that is nothing."""
    assert make_report(ReportStatus.RECEIVED).public_text is None
    assert make_report(ReportStatus.DISMISSED).public_text is None
    assert make_report(ReportStatus.ANSWERED).public_text == "王五家门口的路裂了"
    assert make_report(ReportStatus.ANSWERED, published_text="村口的路裂了").public_text == "村口的路裂了"
    assert make_report(ReportStatus.ANSWERED, published_text="").public_text == ""


def test_report__overdue__at_its_due_time_and_until_it_is_answered() -> None:
    """Seven days, to the second."""
    week = NOW + timedelta(days=7)
    assert not make_report(ReportStatus.RECEIVED).is_overdue(week - timedelta(seconds=1))
    assert make_report(ReportStatus.RECEIVED).is_overdue(week)
    assert not make_report(ReportStatus.ANSWERED).is_overdue(week)


def test_may_know_reporter__by_role__is_the_desk_alone() -> None:
    """Neither the operator nor the core system learns who wrote a report."""
    assert {role for role in Role if may_know_reporter(role)} == {Role.INSPECTOR, Role.SUPERVISOR}


def test_clean_text__plain__is_left_as_it_is() -> None:
    """Chinese, tabs, and what looks like markup, which is text here."""
    assert clean_text("<b>路\t面</b>") == "<b>路\t面</b>"


@pytest.mark.parametrize(
    ("passes", "is_begun", "planned", "expected"),
    [
        (True, True, 24, Progress.MET),
        (True, False, None, Progress.PLANNED),
        (True, False, 24, Progress.LATE),
        (False, True, 24, Progress.LATE),
        (False, True, 25, Progress.UNDER_WAY),
        (False, True, None, Progress.UNDER_WAY),
        (False, False, 26, Progress.PLANNED),
    ],
)
def test_judge_progress__on_the_25th__is_one_of_four(
    passes: bool,  # noqa: FBT001 - a table of cases
    is_begun: bool,  # noqa: FBT001 - the same
    planned: int | None,
    expected: Progress,
) -> None:
    """The planned day itself is not late; an empty gate that passes shows nothing."""
    planned_on = None if planned is None else date(2026, 11, planned)
    today = date(2026, 11, 25)
    assert judge_progress(passes=passes, is_begun=is_begun, planned_on=planned_on, today=today) is expected
