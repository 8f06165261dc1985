"""Coverage: which stations of an alignment are evidenced by photos, and which lack evidence. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final, TypeAlias
from uuid import UUID

from domain.place import Position
from geofence.alignment import Alignment

Interval: TypeAlias = tuple[float, float]

# Photos of a road are taken from it or its verge; from further away nobody can say of which station they are. Where a
# boundary was given it is narrower than this, so that the location check has spoken before. [m]
REACH_M: Final = 50.0
# A remainder that is shorter belongs to the last station: lengths that were meant to be whole are not, by the
# ellipsoid and a drawing's rounding. [m]
MIN_STATION_M: Final = 1.0


class StationSide(StrEnum):
    """From which side a station's photos must be taken, looking along rising chainage."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


class NotPlaced(StrEnum):
    """Why an accepted photo is no evidence for any station."""

    NO_POSITION = "no_position"
    OFF_THE_LINE = "off_the_line"
    TOO_COARSE = "too_coarse"
    SIDE_UNKNOWN = "side_unknown"


@dataclass(frozen=True, slots=True)
class PlacedPhoto:
    """An accepted photo along the alignment.

    Attributes:
        chainage_m: of the nearest point; None without a position. [m]
        offset_m: negative on the left. [m]
        accuracy_m: radius that holds the true place with 68 %. [m]
        problem: why it is no evidence for its station; None where it is.
    """

    media_id: UUID
    chainage_m: float | None = None
    offset_m: float | None = None
    accuracy_m: float | None = None
    problem: NotPlaced | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of an alignment is evidenced.

    Attributes:
        every_m: length of a station. [m]
        start_m: chainage of the first station's beginning. [m]
        end_m: of the last one's end. [m]
        stations: how many there are.
        covered: the indices of those with evidence, from 0.
        photos: every accepted photo.
    """

    every_m: float
    start_m: float
    end_m: float
    stations: int
    covered: frozenset[int]
    photos: tuple[PlacedPhoto, ...]

    def bounds_m(self, index: int) -> Interval:
        """Chainage from (included) and to (not) of a station [m]."""
        begin = self.start_m + index * self.every_m
        return begin, self.end_m if index == self.stations - 1 else begin + self.every_m

    def list_gaps(self) -> list[Interval]:
        """The stretches without evidence, neighbouring stations as one [m]."""
        edges = [-1, *sorted(self.covered), self.stations]
        return [
            (self.bounds_m(before + 1)[0], self.bounds_m(after - 1)[1])
            for before, after in pairwise(edges)
            if after - before > 1
        ]

    @property
    def covered_m(self) -> float:
        """Length of the stations with evidence, along the alignment [m]."""
        return math.fsum(end - begin for begin, end in map(self.bounds_m, self.covered))


def count_stations(length_m: float, every_m: float) -> int:
    """How many stations a length has; a remainder under `MIN_STATION_M` belongs to the last one."""
    return max(1, math.ceil((length_m - MIN_STATION_M) / every_m))


def judge_coverage(
    alignment: Alignment,
    photos: Iterable[tuple[UUID, Position | None]],
    *,
    every_m: float,
    side: StationSide | None = None,
) -> Coverage:
    """Which stations `[k n, (k+1) n)` from the start chainage the photos are evidence for.

    A photo is evidence for the one station that its nearest point of the alignment lies in, if its accuracy is not
    worse than half a station and it is not further off than `REACH_M` and its accuracy. Where a side is required, it
    must stand off the line by its accuracy at least, or nobody can tell the side.

    Args:
        alignment: the line.
        photos: accepted ones, with where they were taken from.
        every_m: positive. [m]
        side: from which side; None: from anywhere.
    """
    stations = count_stations(alignment.length_m, every_m)
    placed = tuple(_place(alignment, media_id, position, every_m, side) for media_id, position in photos)
    seen: dict[int, set[StationSide]] = {}
    for photo in placed:
        if photo.problem is None and photo.chainage_m is not None and photo.offset_m is not None:
            index = min(int((photo.chainage_m - alignment.start_chainage_m) / every_m), stations - 1)
            seen.setdefault(index, set()).add(StationSide.LEFT if photo.offset_m < 0 else StationSide.RIGHT)
    wanted = {None: set(), StationSide.BOTH: {StationSide.LEFT, StationSide.RIGHT}}.get(side, {side})
    covered = frozenset(index for index, sides in seen.items() if wanted <= sides)
    return Coverage(every_m, alignment.start_chainage_m, alignment.end_chainage_m, stations, covered, placed)


def subtract(gaps: Sequence[Interval], settled: Sequence[Interval]) -> list[Interval]:
    """The gaps without what a person has settled; leftovers under `MIN_STATION_M` are left out.

    Args:
        gaps: by rising chainage, apart from each other. [m]
        settled: in any order, they may overlap. [m]
    """
    left = list(gaps)
    for begin, end in settled:
        pieces = [piece for a, b in left for piece in ((a, min(b, begin)), (max(a, end), b))]
        left = [(a, b) for a, b in pieces if b - a >= MIN_STATION_M]
    return sorted(set(left))


def _place(
    alignment: Alignment, media_id: UUID, position: Position | None, every_m: float, side: StationSide | None
) -> PlacedPhoto:
    if position is None or position.is_null_island:
        return PlacedPhoto(media_id, problem=NotPlaced.NO_POSITION)
    found = alignment.project(position)
    problem = None
    if abs(found.offset_m) > REACH_M + found.uncertainty_m:
        problem = NotPlaced.OFF_THE_LINE
    elif found.uncertainty_m > every_m / 2:
        problem = NotPlaced.TOO_COARSE
    elif side is not None and not _is_side_told(found.offset_m, found.uncertainty_m):
        problem = NotPlaced.SIDE_UNKNOWN
    return PlacedPhoto(media_id, found.chainage_m, found.offset_m, found.uncertainty_m, problem)


def _is_side_told(offset_m: float, accuracy_m: float) -> bool:
    return abs(offset_m) >= accuracy_m
