"""Whether a photo may count as showing mended work, from what its checks say. Each refusal has a code of its own.

What has to compare the pixels with the picture of the fault is not judged here.
"""

from datetime import datetime
from typing import ClassVar, Final

from domain.errors import Conflict, Invalid
from domain.evidence import CheckName, Verdict
from domain.issue import AfterPhoto
from domain.media import MediaStatus, Medium

_ASKED: Final = (CheckName.LOCATION, CheckName.TIME, CheckName.REUSE)


class AfterPhotoMissing(Invalid):
    """Mended work is shown, not said."""

    code: ClassVar[str] = "issue.after_photo_missing"


class AfterPhotoNotAnalysed(Conflict):
    """The photo is still being analysed, or could not be."""

    code: ClassVar[str] = "issue.after_photo_not_analysed"


class AfterPhotoOlder(Invalid):
    """The photo was taken or sent before the fault was last seen."""

    code: ClassVar[str] = "issue.after_photo_older"


class AfterPhotoTimeFailed(Invalid):
    """The photo's own times contradict each other, so that it cannot show when it was taken."""

    code: ClassVar[str] = "issue.after_photo_time_failed"


class AfterPhotoReused(Invalid):
    """The photo was sent before."""

    code: ClassVar[str] = "issue.after_photo_reused"


class AfterPhotoElsewhere(Invalid):
    """The photo was taken outside of the site."""

    code: ClassVar[str] = "issue.after_photo_elsewhere"


def judge_after_photo(medium: Medium, *, since: datetime) -> AfterPhoto:
    """Accept a photo or clip of the issue's project as showing mended work; what cannot be told is written down.

    Args:
        medium: with its checks.
        since: when the fault was last seen. UTC.

    Raises:
        AfterPhotoNotAnalysed: its analysis is not done, or failed.
        AfterPhotoReused: its reuse check failed.
        AfterPhotoElsewhere: its location check failed.
        AfterPhotoTimeFailed: its time check failed.
        AfterPhotoOlder: it was taken or sent before `since`.
    """
    facts = {"media_id": str(medium.id)}
    verdicts = {each.check: each.verdict for each in medium.checks}
    if medium.status is not MediaStatus.ANALYSED:
        raise AfterPhotoNotAnalysed(f"the photo is {medium.status}", **facts, status=medium.status.value)
    if verdicts.get(CheckName.REUSE) is Verdict.FAIL:
        raise AfterPhotoReused("the photo was sent before", **facts)
    if verdicts.get(CheckName.LOCATION) is Verdict.FAIL:
        raise AfterPhotoElsewhere("the photo was taken outside of the site", **facts)
    if verdicts.get(CheckName.TIME) is Verdict.FAIL:
        raise AfterPhotoTimeFailed("the photo's times contradict each other", **facts)
    if medium.received_at <= since or _is_taken_before(medium, since):
        times = {"taken_at": medium.taken_at, "received_at": medium.received_at, "since": since}
        told = {name: None if at is None else at.isoformat() for name, at in times.items()}
        raise AfterPhotoOlder("the photo is older than the fault that it should show mended", **facts, **told)
    unknown = tuple(each.value for each in _ASKED if verdicts.get(each, Verdict.UNKNOWN) is Verdict.UNKNOWN)
    return AfterPhoto(medium.id, unknown)


def _is_taken_before(medium: Medium, since: datetime) -> bool:
    # EXIF counts whole seconds, so within one second nothing is older.
    return medium.taken_at is not None and medium.taken_at < since.replace(microsecond=0)
