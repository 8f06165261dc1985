"""How far a milestone is, in the four words that the public page has for it."""

from datetime import date
from enum import StrEnum


class Progress(StrEnum):
    """Met: its requirements are shown; late: they are not, and its planned day is over."""

    MET = "met"
    LATE = "late"
    UNDER_WAY = "under_way"
    PLANNED = "planned"


def judge_progress(*, passes: bool, is_begun: bool, planned_on: date | None, today: date) -> Progress:
    """How far a milestone is.

    Args:
        passes: its gate's verdict.
        is_begun: whether something was sent for it; a gate that asks for nothing passes before, which shows nothing.
        planned_on: the day by which it is to be reached; None where nobody said.
        today: in the project's time zone.
    """
    if passes and is_begun:
        return Progress.MET
    if planned_on is not None and planned_on < today:
        return Progress.LATE
    return Progress.UNDER_WAY if is_begun else Progress.PLANNED
