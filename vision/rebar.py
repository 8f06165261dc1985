"""A mesh of bars in the rectified plane: its two directions, each bar's axis, and where bars seem to be missing."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from vision.board_pose import Points
from vision.cannot_tell import CannotTell, Reason
from vision.plane_line import LineFit, PlaneLine, fit_line
from vision.rectification import Rectified

MIN_BARS: Final = 3
"""In a direction: two gaps are the least of which a period can be told."""

BAR_WIDTHS_MM: Final = (6.0, 9.0, 13.0, 19.0, 28.0)
"""Of the filter; reinforcing bars of small works are 6 to 32 mm thick (GB/T 1499.2). [mm]"""

GAP_RANGE_MM: Final = (40.0, 600.0)
"""Between bars of one direction; a mesh of slabs and walls has 50 to 400. [mm]"""

REACH_DIAGONALS: Final = 2.25
"""So far around the board's centre bars are measured, in diagonals of the board: farther distortion and tilt
make single gaps less certain than a tape's. For one on A4 it is 0.6 m."""

_MIN_ANGLE_DEG: Final = 60.0
_NOISE_TIMES: Final = 6.0
_PEAK_SHARE: Final = 0.4
_MIN_CONTRAST: Final = 0.05
_STRIP_MM: Final = 30.0
_MIN_STRIPS: Final = 6
_STRIP_COVER: Final = 0.6
_SEEN_SHARE: Final = 0.55
_WHOLE_GAP: Final = 0.25
_PLACEMENT_PX: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Parallel bars, in order across.

    Attributes:
        lines: their axes.
        missing: after each bar but the last, how many seem to be missing before the next.
    """

    lines: tuple[PlaneLine, ...]
    missing: tuple[int, ...]


def find_mesh(rectified: Rectified) -> tuple[Bars, ...] | CannotTell:
    """The bars of one or two directions, those nearer to the board's columns first.

    Args:
        rectified: the plane of the bars, as far as `REACH_DIAGONALS`.
    """
    found = []
    for angle in _find_directions(rectified):
        bars = _find_bars(rectified, angle)
        if bars is not None:
            found.append((abs(np.cos(angle)), bars))
    if not found:
        return CannotTell(Reason.NO_MESH)
    # `angle` is that of the way across the bars: across the board's columns comes first.
    return tuple(bars for _, bars in sorted(found, key=lambda each: -each[0]))


def _find_directions(rectified: Rectified) -> list[float]:
    """The ways across the bars, as angles from the board's x axis: where the brightness' slopes point [rad]."""
    smooth = cv2.GaussianBlur(rectified.log_grey, (0, 0), 1.5)
    x, y = (cv2.Sobel(smooth, cv2.CV_32F, *order, ksize=3) for order in ((1, 0), (0, 1)))
    inside = cv2.erode(rectified.usable, np.ones((9, 9), np.uint8)) > 0
    slope = np.hypot(x, y)[inside]
    if slope.size == 0:
        return []
    # The steepest tenth belongs to bars more than to grain, and a shade's rim weighs no more than they.
    weight = np.where(slope > np.quantile(slope, 0.9), np.minimum(slope, np.quantile(slope, 0.98)), 0.0)
    angles = np.degrees(np.arctan2(y[inside], x[inside])) % 180
    votes, _ = np.histogram(angles, bins=180, range=(0, 180), weights=weight)
    ring = np.convolve(np.concatenate([votes[-4:], votes, votes[:4]]), np.ones(5) / 5, mode="same")[4:-4]
    first = int(ring.argmax())
    apart = np.abs((np.arange(180) - first + 90) % 180 - 90)
    second = int(np.where(apart >= _MIN_ANGLE_DEG, ring, 0.0).argmax())
    return [np.radians(_refine_direction(rectified, each + 0.5)) for each in (first, second)]


def _refine_direction(rectified: Rectified, angle_deg: float) -> float:
    """The angle at which the plane, summed along the bars, shows them most sharply [deg]."""
    step = max(1, round(2.0 / rectified.mm_per_px))
    small = Rectified(
        _shrink(rectified.log_grey, step),
        _shrink(rectified.usable, step),
        rectified.origin_mm,
        rectified.mm_per_px * step,
    )
    best, sharpest = angle_deg, -1.0
    for tried in np.arange(angle_deg - 3.0, angle_deg + 3.01, 0.5):
        turned = _turn(small, np.radians(tried))
        profile, cover = _average(turned.grey, turned.usable)
        slopes = np.diff(profile)[(cover[1:] > 0) & (cover[:-1] > 0)]
        sharpness = float((slopes**2).mean()) if slopes.size else 0.0
        if sharpness > sharpest:
            best, sharpest = float(tried), sharpness
    return best


def _shrink(values: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(values, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    """The plane with its columns along an axis; the middle of its upper left pixel at `along_mm`, `across_mm`."""

    grey: NDArray[np.float32]
    usable: NDArray[np.float32]
    axis: Points
    along_mm: float
    across_mm: float
    mm_per_px: float

    def to_plane(self, column: float, row: float) -> Points:
        across = np.array([-self.axis[1], self.axis[0]])
        along_mm, across_mm = self.along_mm + column * self.mm_per_px, self.across_mm + row * self.mm_per_px
        return np.asarray(along_mm * self.axis + across_mm * across)


def _turn(rectified: Rectified, angle: float) -> _Turned:
    height, width = rectified.usable.shape
    axis = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-axis[1], axis[0]])
    corners = rectified.origin_mm + rectified.mm_per_px * np.array([[0, 0], [width, 0], [0, height], [width, height]])
    along, aside = corners @ axis, corners @ across
    grey, usable = rectified.sample(
        origin_mm=np.zeros(2),
        axis=axis,
        along_mm=(float(along.min()), float(along.max())),
        across_mm=(float(aside.min()), float(aside.max())),
    )
    return _Turned(grey, usable, axis, float(along.min()), float(aside.min()), rectified.mm_per_px)


def _average(grey: NDArray[np.float32], usable: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each column's mean over its usable pixels, and how many they are."""
    cover = usable.sum(axis=0, dtype=np.float64)
    return (grey * usable).sum(axis=0, dtype=np.float64) / np.maximum(cover, 1.0), cover


def _find_bars(rectified: Rectified, angle: float) -> Bars | None:
    turned = _turn(rectified, angle)
    rows_a_strip = max(4, round(_STRIP_MM / turned.mm_per_px))
    count = turned.grey.shape[0] // rows_a_strip
    if count < _MIN_STRIPS:
        return None
    strips = []
    for index in range(count):
        rows = slice(index * rows_a_strip, (index + 1) * rows_a_strip)
        mean, cover = _average(turned.grey[rows], turned.usable[rows])
        strips.append(np.where(cover >= _STRIP_COVER * rows_a_strip, mean, np.nan))
    profiles = np.array(strips)
    middles = (np.arange(count) + 0.5) * rows_a_strip - 0.5
    best: tuple[float, NDArray[np.float64], int] | None = None
    for width_mm in BAR_WIDTHS_MM:
        width = max(2, round(width_mm / turned.mm_per_px))
        responses = _respond(profiles, width)
        for sign in (1, -1):
            score = _score(sign * responses)
            if best is None or score > best[0]:
                best = (score, sign * responses, width)
    assert best is not None
    return _assemble(turned, best[1], best[2], middles)


def _respond(profiles: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """How much a stretch of a bar's width is brighter than its flanks, for each strip; NaN where they are not seen."""
    kernel = np.concatenate(
        [np.full(width, -0.5 / width), np.full(width | 1, 1 / (width | 1)), np.full(width, -0.5 / width)]
    )
    filled = np.where(np.isnan(profiles), 0.0, profiles)
    response = cv2.filter2D(filled, cv2.CV_64F, kernel[None], borderType=cv2.BORDER_CONSTANT)
    unseen = cv2.dilate(np.isnan(profiles).astype(np.uint8), np.ones((1, len(kernel)), np.uint8), borderValue=1) > 0
    return np.where(unseen, np.nan, response)


def _combine(responses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The median over the strips that see a column, so that a shade's rim does not count; 0 where few see it."""
    seen = np.isfinite(responses).sum(axis=0)
    filled = np.where(seen >= _MIN_STRIPS, responses, 0.0)
    return np.asarray(np.nanmedian(filled, axis=0))


def _score(responses: NDArray[np.float64]) -> float:
    """How far the bars stand out: the mean of the highest responses over the spread of all."""
    combined = _combine(responses)
    used = combined[combined != 0]
    if used.size < 3 * _MIN_STRIPS:
        return 0.0
    return float(np.quantile(used, 0.98) + min(0.0, float(np.quantile(used, 0.02))))


def _assemble(turned: _Turned, responses: NDArray[np.float64], width: int, middles: NDArray[np.float64]) -> Bars | None:
    fits = _trace(responses, width, middles)
    lines, places = [], []
    for fit, kept in fits:
        first, last = float(kept.min()), float(kept.max())
        ends = [turned.to_plane(fit.offset + fit.slope * row, row) for row in (first, last)]
        u_px = float(np.hypot(fit.deviation_at((first + last) / 2), _PLACEMENT_PX))
        lines.append(PlaneLine(ends[0], ends[1], u_px * turned.mm_per_px))
        places.append((fit.offset + fit.slope * float(middles.mean())) * turned.mm_per_px)
    if len(lines) < MIN_BARS:
        return None
    gaps = np.diff(places)
    if gaps.min() < GAP_RANGE_MM[0] or np.median(gaps) > GAP_RANGE_MM[1]:
        return None
    missing = _count_missing(gaps)
    return None if missing is None else Bars(tuple(lines), missing)


def _trace(
    responses: NDArray[np.float64], width: int, middles: NDArray[np.float64]
) -> list[tuple[LineFit, NDArray[np.float64]]]:
    """A line through the strips' own peaks for each peak of the whole, with the rows that bear it."""
    combined = _combine(responses)
    noise = 1.4826 * float(np.median(np.abs(combined[combined != 0]))) if (combined != 0).any() else np.inf
    is_peak = combined >= cv2.dilate(combined[None], np.ones((1, 2 * width + 1)))[0]
    highest = float(combined.max(initial=0.0))
    limit = max(_PEAK_SHARE * highest, _MIN_CONTRAST, _NOISE_TIMES * noise / 2)
    found: list[tuple[LineFit, NDArray[np.float64]]] = []
    for column in np.flatnonzero(is_peak & (combined > limit)).tolist():
        traced = _trace_bar(responses, column, width, middles, least=0.4 * float(combined[column]))
        if traced is not None and (not found or traced[0].offset - found[-1][0].offset > width):
            found.append(traced)
    return found


def _trace_bar(
    responses: NDArray[np.float64], column: int, width: int, middles: NDArray[np.float64], *, least: float
) -> tuple[LineFit, NDArray[np.float64]] | None:
    centre, slope = float(column), 0.0
    fit: LineFit | None = None
    middle = float(middles.mean())
    for reach in (1.5 * width, 0.75 * width):
        places = np.full(len(middles), np.nan)
        seen = 0
        for row, profile in enumerate(responses):
            at = round(centre + slope * (middles[row] - middle))
            low, high = max(1, at - round(reach)), min(len(profile) - 1, at + round(reach) + 1)
            window = profile[low:high]
            if high - low < 3 or np.isnan(window).any():  # noqa: PLR2004 - a peak has two neighbours
                continue
            seen += 1
            top = low + int(window.argmax())
            if profile[top] >= least and low < top < high - 1:
                places[row] = _top_of_parabola(profile, top)
        fit = fit_line(middles - middle, places, least_spread=_PLACEMENT_PX)
        if fit is None or fit.kept.sum() < max(_MIN_STRIPS - 1, _SEEN_SHARE * seen):
            return None
        centre, slope = fit.offset, fit.slope
    assert fit is not None
    shifted = LineFit(fit.offset - fit.slope * middle, fit.slope, _shift(fit.covariance, middle), fit.kept)
    return shifted, middles[fit.kept]


def _shift(covariance: NDArray[np.float64], middle: float) -> NDArray[np.float64]:
    """Of offset and slope, when the offset counts from row 0 instead of the middle."""
    turn = np.array([[1.0, -middle], [0.0, 1.0]])
    return np.asarray(turn @ covariance @ turn.T)


def _top_of_parabola(profile: NDArray[np.float64], top: int) -> float:
    before, at, after = profile[top - 1 : top + 2].tolist()
    bend = before - 2 * at + after
    return top + 0.5 * (before - after) / bend if bend < 0 else float(top)


def _count_missing(gaps: NDArray[np.float64]) -> tuple[int, ...] | None:
    """Bars missing in each gap: how many whole spacings it holds, less one; None where the gaps have no period."""
    period = float(np.median(gaps[gaps < 1.5 * np.quantile(gaps, 0.25)]))
    steps = np.maximum(1, np.round(gaps / period))
    if np.mean(np.abs(gaps / period - steps) > _WHOLE_GAP) > 0.34:  # noqa: PLR2004 - a third of them may be laid badly
        return None
    return tuple(int(each) - 1 for each in steps)
