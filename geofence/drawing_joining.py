"""Joining the pieces of a line: what a draughtsman drew as single lines and arcs becomes one line or ring again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import shapely

from domain.errors import Invalid
from geofence.frame import Points

MAX_PIECES: Final = 5_000


class ForkedLine(Invalid):
    """Three or more ends of lines meet, so that nobody can tell which goes on in which."""

    code: ClassVar[str] = "drawing.forked_line"


class TooManyPieces(Invalid):
    """A boundary or alignment of more pieces than any drawing of one site has."""

    code: ClassVar[str] = "drawing.too_many_pieces"


@dataclass(frozen=True, slots=True)
class Chain:
    """Pieces joined end to end.

    Attributes:
        points: (N, 2), in the direction in which most of its length was drawn; a ring ends where it began.
        is_ring: whether it closes.
    """

    points: Points
    is_ring: bool


def join_lines(pieces: Sequence[Points], *, tolerance: float) -> list[Chain]:
    """Join pieces whose ends lie within the tolerance; each end joins one other at most.

    Args:
        pieces: each (N, 2), N at least 2; pieces drawn twice count once.
        tolerance: in the pieces' unit.

    Raises:
        ForkedLine: more than two ends meet; says where.
        TooManyPieces: more than `MAX_PIECES`.
    """
    if len(pieces) > MAX_PIECES:
        raise TooManyPieces(f"the layer has more than {MAX_PIECES} pieces of line", limit=MAX_PIECES)
    lines = _drop_repeated(pieces, tolerance)
    partner = _pair_ends(lines, tolerance)
    used: set[int] = set()
    # Ends without a partner first, so that every chain is begun at its end; what is left then are rings.
    ends = sorted(range(2 * len(lines)), key=lambda each: (each in partner, each))
    return [_follow(lines, partner, end, used) for end in ends if end // 2 not in used]


def _drop_repeated(lines: Sequence[Points], tolerance: float) -> list[Points]:
    kept: dict[bytes, Points] = {}
    for line in lines:
        # What is beyond the integers is beyond the earth too, which is told when it is converted.
        with np.errstate(invalid="ignore"):
            grid = np.round(line / tolerance).astype(np.int64)
        both = sorted((grid.tobytes(), grid[::-1].tobytes()))
        kept.setdefault(both[0], line)
    return list(kept.values())


def _pair_ends(lines: Sequence[Points], tolerance: float) -> dict[int, int]:
    """The end that meets each end; end 2i is the first point of line i, 2i + 1 its last."""
    if not lines:
        return {}
    places = np.array([point for line in lines for point in (line[0], line[-1])])
    ends = [shapely.Point(place) for place in places]
    left, right = shapely.STRtree(ends).query(ends, predicate="dwithin", distance=tolerance)
    partner: dict[int, int] = {}
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        if a == b:
            continue
        if a in partner:
            x, y = places[a].tolist()
            raise ForkedLine(f"more than two lines meet at {x:.3f}, {y:.3f}: keep one line on the layer", x=x, y=y)
        partner[a] = b
    return partner


def _follow(lines: Sequence[Points], partner: dict[int, int], begin: int, used: set[int]) -> Chain:
    parts: list[Points] = []
    forward_m = backward_m = 0.0
    end = begin
    while True:
        line = lines[end // 2]
        used.add(end // 2)
        length = float(np.hypot(*np.diff(line, axis=0).T).sum())
        is_forward = end % 2 == 0
        forward_m, backward_m = (forward_m + length, backward_m) if is_forward else (forward_m, backward_m + length)
        parts.append(line if is_forward else line[::-1])
        following = partner.get(end ^ 1)
        if following is None or following // 2 in used:
            break
        end = following
    is_ring = following == begin
    # The end of one piece and the beginning of the next are one point.
    points = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
    if is_ring:
        points[-1] = points[0]
    return Chain(points if forward_m >= backward_m else points[::-1].copy(), is_ring)
