from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.after_photo import (
    AfterPhotoElsewhere,
    AfterPhotoNotAnalysed,
    AfterPhotoOlder,
    AfterPhotoReused,
    AfterPhotoTimeFailed,
    judge_after_photo,
)
from domain.errors import SiteproofError
from domain.evidence import Check, CheckName, Verdict
from domain.media import MediaFormat, MediaStatus, Medium

SEEN = datetime(2026, 11, 20, 4, 0, 0, 700_000, tzinfo=UTC)
LATER = SEEN + timedelta(hours=2)


def make_medium(verdicts: dict[str, str] | None = None, **changes: object) -> Medium:
    """An honest after-photo, taken and sent two hours after the fault was seen, with what a test changes."""
    passed = {"location": "pass", "time": "pass", "reuse": "pass", "editing": "pass"}
    fields: dict[str, Any] = {
        "id": UUID(int=5),
        "project_id": "p1",
        "milestone_id": None,
        "camera_id": None,
        "client_id": None,
        "token_id": UUID(int=6),
        "sha256": "0" * 64,
        "size_bytes": 1,
        "format": MediaFormat.JPEG,
        "status": MediaStatus.ANALYSED,
        "received_at": LATER,
        "taken_at": LATER,
        "position": None,
        "width_px": 1,
        "height_px": 1,
        "capture": {},
        "metadata": {},
        "checks": tuple(
            Check(CheckName(name), Verdict(verdict), f"{name}.x", {})
            for name, verdict in (passed | (verdicts or {})).items()
        ),
        "grade": "A",
        "grade_reasons": (),
        "detections": (),
        "model": None,
        "attempts": 1,
        "failure": None,
        "model_hashes": {},
    }
    return Medium(**(fields | changes))


def test_judge_after_photo__honest__is_accepted_with_nothing_unknown() -> None:
    """Taken, sent and judged after the fault was seen, on site, never sent before."""
    assert judge_after_photo(make_medium(), since=SEEN).unknown == ()


@pytest.mark.parametrize("status", [MediaStatus.RECEIVED, MediaStatus.ANALYSING, MediaStatus.FAILED])
def test_judge_after_photo__not_analysed__is_refused(status: MediaStatus) -> None:
    """What nobody has looked at shows nothing yet."""
    with pytest.raises(AfterPhotoNotAnalysed):
        judge_after_photo(make_medium(status=status), since=SEEN)


@pytest.mark.parametrize(
    ("check", "error"),
    [("reuse", AfterPhotoReused), ("location", AfterPhotoElsewhere), ("time", AfterPhotoTimeFailed)],
)
def test_judge_after_photo__failed_check__is_refused_with_a_code_of_its_own(
    check: str, error: type[SiteproofError]
) -> None:
    """Reused, elsewhere, or of a time that contradicts itself."""
    with pytest.raises(error) as refused:
        judge_after_photo(make_medium({check: "fail"}), since=SEEN)
    assert refused.value.facts["media_id"] == str(UUID(int=5))


@pytest.mark.parametrize(
    "changes",
    [
        {"taken_at": SEEN - timedelta(seconds=2)},
        {"received_at": SEEN, "taken_at": None},
        {"received_at": SEEN - timedelta(days=1), "taken_at": SEEN - timedelta(days=1)},
    ],
)
def test_judge_after_photo__taken_or_sent_before__is_older(changes: dict[str, Any]) -> None:
    """Either time alone makes it older; without a capture time the upload still counts."""
    with pytest.raises(AfterPhotoOlder) as refused:
        judge_after_photo(make_medium(**changes), since=SEEN)
    assert refused.value.code == "issue.after_photo_older"


def test_judge_after_photo__within_the_second_of_the_fault__is_not_older() -> None:
    """EXIF has whole seconds: 04:00:00 may be 04:00:00.9, after the fault's 04:00:00.7."""
    judge_after_photo(make_medium(taken_at=SEEN.replace(microsecond=0)), since=SEEN)


def test_judge_after_photo__no_position_and_no_time__is_accepted_and_marked() -> None:
    """A phone's browser strips both: that is unknown, never fraud, and who re-inspects is told."""
    medium = make_medium({"location": "unknown", "time": "unknown"}, taken_at=None)
    assert judge_after_photo(medium, since=SEEN).unknown == ("location", "time")


def test_judge_after_photo__a_check_that_was_never_made__is_unknown() -> None:
    """What is not there did not pass."""
    assert judge_after_photo(make_medium(checks=()), since=SEEN).unknown == ("location", "time", "reuse")


@pytest.mark.parametrize("check", ["location", "time", "reuse", "editing"])
def test_judge_after_photo__a_warning__does_not_refuse(check: str) -> None:
    """A warning is the inspector's to weigh."""
    assert judge_after_photo(make_medium({check: "warn"}), since=SEEN).unknown == ()
