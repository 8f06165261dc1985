"""Coverage as it goes over the wire."""

from collections.abc import Sequence
from typing import Final

from api.schemas import CoverageView, GapView, NotPlacedView
from findings.coverage import Coverage, Interval, StationSide, subtract
from geofence.alignment import format_chainage

_MAX_NOT_PLACED: Final = 200


def view_coverage(coverage: Coverage, gaps: Sequence[Interval], *, side: StationSide | None) -> CoverageView:
    """The view of a milestone's coverage.

    Args:
        coverage: as judged.
        gaps: those that no inspector has settled. [m]
        side: that the milestone requires.
    """
    not_placed = [each for each in coverage.photos if each.problem is not None]
    return CoverageView(
        every_m=coverage.every_m,
        side=side,
        chainage_m=(round(coverage.start_m, 3), round(coverage.end_m, 3)),
        length_m=round(coverage.end_m - coverage.start_m, 3),
        stations=coverage.stations,
        covered_stations=len(coverage.covered),
        built_m=round(coverage.covered_m, 3),
        gaps=[_view_gap(each) for each in gaps],
        settled=[_view_gap(each) for each in subtract(coverage.list_gaps(), gaps)],
        accepted_photos=len(coverage.photos),
        not_placed_photos=len(not_placed),
        not_placed=[NotPlacedView.model_validate(each) for each in not_placed[:_MAX_NOT_PLACED]],
    )


def _view_gap(gap: Interval) -> GapView:
    begin, end = gap
    return GapView(chainage_m=(round(begin, 3), round(end, 3)), chainage=(format_chainage(begin), format_chainage(end)))
