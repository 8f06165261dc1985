"""Whether two gauges that measure the same thing part from each other. Pure.

From one gauge alone drift cannot be told from settlement, and nothing here tries. Two that are said to measure the same
thing move together when the structure moves; when their difference goes away from where it was, one of them drifts,
and which one cannot be told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, pairwise
from statistics import median
from typing import Final

WINDOW: Final = timedelta(days=28)
MIN_DAYS: Final = 10  # on which both have said something
BASE_DAYS: Final = 7  # the oldest, that tell where the difference was
RECENT_DAYS: Final = 3
# Of the difference's own noise from day to day, to part and to be together again.
PARTED_SIGMAS: Final = 6.0
TOGETHER_SIGMAS: Final = 3.0
_MAD_PER_SIGMA: Final = 0.6745


class DriftVerdict(StrEnum):
    """What two gauges say of each other."""

    TOGETHER = "together"
    PARTED = "parted"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Drift:
    """How two gauges stand to each other.

    Attributes:
        base: the difference before; None where it cannot be told. [unit]
        parting: how far the difference is from there now; None likewise. [unit]
        noise: of the difference of one day; None likewise. [unit]
    """

    verdict: DriftVerdict
    base: float | None = None
    parting: float | None = None
    noise: float | None = None


def judge_drift(
    own: Mapping[datetime, float],
    other: Mapping[datetime, float],
    *,
    resolution: float,
    parted_from: float | None = None,
) -> Drift:
    """Whether two gauges have parted within the window.

    Args:
        own: means by hour, of the last WINDOW as far as both gauges were in order. Hours, because the half of a day on
            which one was silent has another temperature than the other half. [unit]
        other: the same of the gauge that measures the same thing. [unit]
        resolution: the smallest step that both can tell; parting by less than four of it is none. [unit]
        parted_from: of gauges that have parted, their difference before; they are together again only when they have
            come closer to it than it takes to part. None where they are together. [unit]
    """
    hours = sorted(set(own) & set(other))
    differences = [
        median(own[hour] - other[hour] for hour in day) for _, day in groupby(hours, key=lambda hour: hour.date())
    ]
    if len(differences) < MIN_DAYS:
        return Drift(DriftVerdict.CANNOT_TELL)
    steps = [abs(after - before) for before, after in pairwise(differences)]
    noise = median(steps) / _MAD_PER_SIGMA / 2**0.5
    base = median(differences[:BASE_DAYS]) if parted_from is None else parted_from
    parting = median(differences[-RECENT_DAYS:]) - base
    sigmas = PARTED_SIGMAS if parted_from is None else TOGETHER_SIGMAS
    is_parted = abs(parting) > max(sigmas * noise, 4 * resolution)
    return Drift(DriftVerdict.PARTED if is_parted else DriftVerdict.TOGETHER, base, parting, noise)
