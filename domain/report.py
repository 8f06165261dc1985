"""Villagers' reports: what one is, until when it is answered, and what of it the public and each role sees."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID

from domain.access import Role
from domain.errors import Conflict, Invalid

# No standard sets it. Chosen so that a report of a weekend is answered within the working week after it.
ANSWER_WITHIN: Final = timedelta(days=7)
MAX_TEXT: Final = 2000  # characters
MAX_PLACE: Final = 200  # characters
MAX_CONTACT: Final = 200  # characters
# Nobody reads the form and writes a sentence in less; a program that fills in forms does.
MIN_WRITING: Final = timedelta(seconds=3)
MAX_PHOTO_BYTES: Final = 20 * 1024 * 1024  # a phone's JPEG has up to 12 MB

DESK: Final = frozenset({Role.INSPECTOR, Role.SUPERVISOR})
"""Who reads reports and answers them; nobody else learns who wrote one."""

VILLAGER_TOKEN_ID: Final = UUID("00000000-0000-4000-8000-000000000016")
"""The sender of photos that come with reports: a row of migration 0016 that lets nobody in."""

# Control, direction and format marks, halves of surrogate pairs.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs"})


class ReportStatus(StrEnum):
    """The life of a report. A dismissed one is answered too; its text stays with the desk."""

    RECEIVED = "received"
    ANSWERED = "answered"
    DISMISSED = "dismissed"


class ReportTextMissing(Invalid):
    """A report without a word."""

    code: ClassVar[str] = "report.text_missing"


class ReportTooLong(Invalid):
    """A text, a place or a contact is longer than it can be."""

    code: ClassVar[str] = "report.too_long"


class ReportTooFast(Invalid):
    """The form came back sooner than a person can write, or does not say when it was opened."""

    code: ClassVar[str] = "report.too_fast"


class ReportPhotoOnly(Invalid):
    """A clip was sent with a report, which takes a photo."""

    code: ClassVar[str] = "report.photo_only"


class TooManyReports(Conflict):
    """More reports from one address, or about one project, than people write."""

    code: ClassVar[str] = "report.too_many"


class ReportAnswered(Conflict):
    """The report was answered before."""

    code: ClassVar[str] = "report.already_answered"


@dataclass(frozen=True, slots=True)
class ReportForm:
    """What a villager wrote, cleaned; see `read_report`."""

    text: str
    place: str | None
    contact: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """A villager's report.

    Attributes:
        place: where, in the villager's words.
        contact: how to reach who wrote it, for the desk alone.
        media_id: the photo that came with it.
        due_at: by when the desk answers. UTC.
        answer: what the desk says; public.
        published_text: what is shown of the text in its place, where it names somebody; None: the text as it came.
        issue_id: the issue that was raised from it.
    """

    id: UUID
    project_id: str
    text: str
    place: str | None
    contact: str | None
    media_id: UUID | None
    status: ReportStatus
    received_at: datetime
    due_at: datetime
    answer: str | None
    published_text: str | None
    answered_at: datetime | None
    answered_by: str | None
    issue_id: UUID | None

    @property
    def public_text(self) -> str | None:
        """What the public reads of the report: nothing before it is answered, and nothing of a dismissed one."""
        if self.status is not ReportStatus.ANSWERED:
            return None
        return self.text if self.published_text is None else self.published_text

    def is_overdue(self, now: datetime) -> bool:
        """Whether it waits for its answer after its time."""
        return self.status is ReportStatus.RECEIVED and now >= self.due_at


def read_report(*, text: str, place: str, contact: str) -> ReportForm:
    """What a villager wrote, without blanks around it and without characters that are not seen.

    Raises:
        ReportTextMissing: nothing is left of the text.
        ReportTooLong: a part is longer than MAX_TEXT, MAX_PLACE or MAX_CONTACT.
    """
    cleaned = clean_text(text)
    if not cleaned:
        raise ReportTextMissing("say in a sentence what you saw")
    return ReportForm(
        text=_require_length(cleaned, "text", MAX_TEXT),
        place=_require_length(clean_text(place), "place", MAX_PLACE) or None,
        contact=_require_length(clean_text(contact), "contact", MAX_CONTACT) or None,
    )


def require_written(*, opened_at: datetime | None, now: datetime) -> None:
    """Accept a form that was open for as long as a person needs.

    Args:
        opened_at: when the form was made, by its own word; None where it says nothing.
        now: when it came back.

    Raises:
        ReportTooFast: it was not.
    """
    if opened_at is None or now - opened_at < MIN_WRITING:
        raise ReportTooFast("the form came back sooner than a person writes")


def clean_text(text: str) -> str:
    """The text with plain line ends, without control characters and marks that turn the reading direction."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(each for each in lines if each in "\n\t" or unicodedata.category(each) not in _UNSEEN).strip()


def _require_length(value: str, name: str, limit: int) -> str:
    if len(value) > limit:
        raise ReportTooLong(f"`{name}` is longer than {limit} characters", part=name, limit=limit)
    return value


def may_know_reporter(role: Role) -> bool:
    """Whether a role sees contacts and the photos of reports, which may tell who took them."""
    return role in DESK
