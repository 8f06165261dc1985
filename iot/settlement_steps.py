"""Level shifts and outliers of a record: a support lowered, a load put on, a gauge that was knocked.

A step is a shift between two readings that a line before and a line after it do not explain, and that lasts: a spike
that comes back is an outlier, a fast but steady settlement is neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from iot.settlement_statistics import NORMAL_MAD, Estimate, FloatArray, bin_means, fit_regression, noise_scale

MIN_SIDE: Final = 5  # readings that a shift must last; up to four that come back are outliers
WINDOWS: Final = (5, 8, 16, 32)  # readings on either side
# With 4 windows on 2000 readings, 8000 are tried; 5.5 of a normal distribution come up once in 3000 such records.
THRESHOLD: Final = 5.5
MIN_SIZE_IN_NOISE: Final = 3.0  # a shift below three standard deviations of one reading is left to the rate
MAX_POINTS: Final = 2000
OUTLIER_HALF_WINDOW: Final = 5
OUTLIER_LIMIT: Final = 6.0
MAX_STEPS: Final = 100
_NORMAL_LOWER_QUARTILE: Final = 0.3186  # of the absolute value of a standard normal number
_TRANSITION: Final = 2
_LINE_FROM: Final = 8  # readings on a side; fewer do not tell a slope


@dataclass(frozen=True, slots=True)
class Step:
    """A level shift.

    Attributes:
        after_days: the last reading before it. [d]
        at_days: the first reading after it. [d]
        size_mm: by how much, the trend of both sides carried on to the middle of the gap. [mm]
    """

    after_days: float
    at_days: float
    size_mm: Estimate


def find_outliers(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Readings that leave the course of their neighbours and come back (Hampel's filter, five readings on either side).

    Args:
        values: (N,), in the order of time.

    Returns:
        (N,): true where further from the running median than 6 times the neighbours' spread, or 6 times the noise.
    """
    if values.size < 2 * OUTLIER_HALF_WINDOW + 1:
        return np.zeros(values.shape, dtype=np.bool_)
    padded = np.pad(values, OUTLIER_HALF_WINDOW, mode="reflect", reflect_type="odd")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * OUTLIER_HALF_WINDOW + 1)
    middle = np.median(windows, axis=1)
    spread = NORMAL_MAD * np.median(np.abs(windows - middle[:, None]), axis=1)
    limit = OUTLIER_LIMIT * np.maximum(spread, noise_scale(values))
    return np.asarray(np.abs(values - middle) > np.maximum(limit, 1e-12), dtype=np.bool_)


def find_steps(times: FloatArray, values: FloatArray, *, known: Sequence[float] = ()) -> tuple[Step, ...]:
    """Level shifts in a record without outliers, the earliest first.

    The strongest shift is found, the record is split there, and both sides are searched again. Its strength is measured
    by the white noise of differences and, where the record as a whole wanders more, by that.

    Args:
        times: (N,), strictly rising. [d]
        values: (N,). [mm]
        known: of loads and moves that are on record: no line is carried across them, and no shift is looked for there.
            [d]
    """
    if times.size < 2 * MIN_SIDE:
        return ()
    seen_times, seen = _thin(times, values)
    noise = noise_scale(seen)
    if noise == 0:
        noise = 1e-9 * max(float(np.ptp(seen)), 1e-9)
    units = {window: noise * factor for window, factor in _wandering(seen_times, seen, noise).items()}
    breaks = sorted({int((seen_times < each).sum()) for each in known} - {0, seen.size})
    cuts = _split(seen_times, seen, units=units, smallest=MIN_SIZE_IN_NOISE * noise, breaks=breaks)
    steps = _measure(seen_times, seen, cuts, breaks)
    return steps if seen_times is times else tuple(_place(each, times, values) for each in steps)


def _thin(times: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    if times.size <= MAX_POINTS:
        return times, values
    width = float(times[-1] - times[0]) / MAX_POINTS * (1 + 1e-12)
    means, columns = bin_means(times, values[:, None], width=width)
    return means, columns[:, 0]


def _place(step: Step, times: FloatArray, values: FloatArray) -> Step:
    """A step between two means, put between the two readings that part their neighbourhood best."""
    reach = step.at_days - step.after_days
    near = np.flatnonzero((times >= step.after_days - reach) & (times <= step.at_days + reach))
    rests = [
        float(np.var(values[near[:cut]]) * cut + np.var(values[near[cut:]]) * (near.size - cut))
        for cut in range(1, near.size)
    ]
    if not rests:
        return step
    cut = int(np.argmin(rests)) + 1
    return Step(float(times[near[cut - 1]]), float(times[near[cut]]), step.size_mm)


def _wandering(times: FloatArray, values: FloatArray, noise: float) -> dict[int, float]:
    """By how much the shifts of the whole record are wider than white noise makes them, by window; at least 1, rising.

    From the lower quartile, so that a record full of shifts does not hide them.
    """
    factors, factor = {}, 1.0
    for window in WINDOWS:
        if values.size >= 4 * window:
            strengths = np.abs(_strengths(times, values, window)[1][window:-window]) / noise
            factor = max(factor, float(np.quantile(strengths, 0.25)) / _NORMAL_LOWER_QUARTILE)
        factors[window] = factor
    return factors


def _strengths(times: FloatArray, values: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    """(N,) shift between reading k - 1 and k, and it over its standard deviation under unit noise; 0 at the ends."""
    count = values.size
    size, strength = np.zeros(count), np.zeros(count)
    if count < 2 * window:
        return size, strength
    middle = (times[window - 1 : count - window] + times[window : count - window + 1]) / 2
    windows_t = np.lib.stride_tricks.sliding_window_view(times, window)
    windows_y = np.lib.stride_tricks.sliding_window_view(values, window)
    before, before_var = _carry(windows_t[: middle.size], windows_y[: middle.size], middle)
    after, after_var = _carry(windows_t[window:], windows_y[window:], middle)
    inner = slice(window, count - window + 1)
    size[inner] = after - before
    strength[inner] = size[inner] / np.sqrt(before_var + after_var)
    return size, strength


def _carry(t: FloatArray, y: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The line through each row, or its median for a short one, carried to `at`; and its variance under unit noise."""
    window = t.shape[1]
    if window < _LINE_FROM:
        return np.median(y, axis=1), np.full(at.shape, np.pi / 2 / window)
    mean_t = t.mean(axis=1)
    centred = t - mean_t[:, None]
    squares = (centred**2).sum(axis=1)
    slope = (centred * y).sum(axis=1) / squares
    ahead = at - mean_t
    return y.mean(axis=1) + slope * ahead, 1 / window + ahead**2 / squares


def _split(
    times: FloatArray, values: FloatArray, *, units: dict[int, float], smallest: float, breaks: list[int]
) -> list[int]:
    cuts: list[int] = []
    waiting = list(pairwise([0, *breaks, values.size]))
    while waiting and len(cuts) < MAX_STEPS:
        start, stop = waiting.pop()
        cut = _strongest(times[start:stop], values[start:stop], units=units, smallest=smallest)
        if cut is not None:
            cuts.append(start + cut)
            waiting += [(start, start + cut), (start + cut, stop)]
    return sorted(cuts)


def _strongest(times: FloatArray, values: FloatArray, *, units: dict[int, float], smallest: float) -> int | None:
    best, found = THRESHOLD, None
    near_size, near_strength = _strengths(times, values, _LINE_FROM)
    for window in WINDOWS:
        size, strength = _strengths(times, values, window)
        ratio = np.where(np.abs(size) >= smallest, np.abs(strength) / units[window], 0.0)
        # Where the rate changes, long lines miss each other at both sides of the bend; short ones do not.
        if window > _LINE_FROM:
            away = np.sign(size)
            ratio[away * near_size < np.abs(size) / 2 - 2 * _deviation(near_size, near_strength, smallest)] = 0.0
        # Medians of five are blind to a slope: such a shift has to exceed what the neighbours move by themselves.
        if window < _LINE_FROM:
            ratio[np.abs(size) < 3 * _running_move(values, window)] = 0.0
        place = int(np.argmax(ratio)) if ratio.size else 0
        if ratio.size and ratio[place] > best:
            best, found = float(ratio[place]), place
    return found


def _deviation(size: FloatArray, strength: FloatArray, smallest: float) -> FloatArray:
    """(N,): the standard deviation of shifts of that strength under unit noise, the smallest step being three of it."""
    noise = smallest / MIN_SIZE_IN_NOISE
    return noise * np.divide(size, strength, out=np.ones_like(size), where=strength != 0)


def _running_move(values: FloatArray, window: int) -> FloatArray:
    """(N,): how far the readings within the windows before and after k move by themselves, the larger of the two."""
    move = np.full(values.size, np.inf)
    if values.size >= 2 * window:
        ranges = np.ptp(np.lib.stride_tricks.sliding_window_view(values, window), axis=1)
        inner = slice(window, values.size - window + 1)
        move[inner] = np.maximum(ranges[: values.size - 2 * window + 1], ranges[window:])
    return move


def _measure(times: FloatArray, values: FloatArray, cuts: list[int], breaks: list[int]) -> tuple[Step, ...]:
    """Every shift between its neighbours; the faintest of those that are not told from 0 is taken away, one by one."""
    known: dict[tuple[int, int, int], Estimate] = {}
    while True:
        edges = sorted([0, *cuts, *breaks, values.size])
        sizes = {}
        for before, cut, after in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
            if cut in cuts:
                place = before, cut, after
                if place not in known:
                    known[place] = _measure_one(times, values, slice(before, after), cut)
                sizes[cut] = known[place]
        faint = {cut: abs(size.value) / (size.high - size.low) for cut, size in sizes.items() if _spans_zero(size)}
        if not faint:
            return tuple(Step(float(times[cut - 1]), float(times[cut]), size) for cut, size in sizes.items())
        cuts = [each for each in cuts if each != min(faint, key=lambda cut: faint[cut])]


def _spans_zero(size: Estimate) -> bool:
    return size.low <= 0 <= size.high


def _measure_one(times: FloatArray, values: FloatArray, piece: slice, cut: int) -> Estimate:
    """The shift at `cut` under noise with memory, by a line on either side, or a common one where a side is short."""
    start, stop = max(piece.start, cut - WINDOWS[-1]), min(piece.stop, cut + WINDOWS[-1])
    away = times[start:stop] - (times[cut - 1] + times[cut]) / 2
    if min(cut - start, stop - cut) >= _LINE_FROM + _TRANSITION:
        return _measure_between_lines(away, values[start:stop], cut - start)
    design = np.stack([np.ones_like(away), away, away > 0], axis=1).astype(np.float64)
    return fit_regression(away, values[start:stop], design).estimate(np.eye(3)[2])


def _measure_between_lines(away: FloatArray, values: FloatArray, cut: int) -> Estimate:
    """A lorry takes seconds to drive on: the readings next to the shift may lie on its way, and are left out."""
    settled = np.ones(away.size, dtype=np.bool_)
    settled[cut - _TRANSITION : cut + _TRANSITION] = False
    kept = away[settled]
    later = (kept > 0).astype(np.float64)
    design = np.stack([np.ones_like(kept), kept, later, kept * later], axis=1)
    return fit_regression(kept, values[settled], design).estimate(np.eye(4)[2])
