"""The change per day, as levels by rate judge it: the change over the last day, which a daily cycle does not touch."""

import math
from bisect import bisect_right
from statistics import median
from typing import Final

from iot.alarm_state import AlarmState
from iot.gauge_health import tell_noise

DAY_S: Final = 86_400.0
RATE_STEP_S: Final = 900.0  # readings closer than this are thinned, so that a window has about 110 points at most [s]
# Today and yesterday are each the median of so long, which bears spikes in less than half of it. [s]
SMOOTHING_S: Final = 3 * 3600.0
SLACK_S: Final = 3600.0  # readings once a day do not come to the second [s]
# How far from a day apart the medians may be where readings are missing; of a daily cycle of 1 it lets through 0.13/d.
MAX_SKEW_S: Final = 1800.0
MAX_SPAN_S: Final = 7 * DAY_S  # a reading before a longer time says nothing of today's rate [s]
NOISE_SIGMAS: Final = 4.0  # of its error that a rate must exceed: rarer than once in a sensor-year by chance
_EXACT: Final = 2
MAX_GAP_S: Final = DAY_S / 2  # after a longer gap of a gauge that reads more often, the rate is unknown for a day [s]


def see_rate(state: AlarmState, at: float, value: float) -> None:
    """Take a good reading into the window, and tell the rate where the reading is far enough from the last one.

    Args:
        state: changed in place; it knows whether a gap lies before the reading.
        at: time of the reading. [s since 1970]
        value: of the reading. [unit]
    """
    window = state.window
    if state.is_gap and window and at - window[-1][0] > MAX_GAP_S:
        window.clear()
        state.rate = None
    if window and at - window[-1][0] < RATE_STEP_S:
        return
    window.append((at, value))
    # What is older than yesterday's stretch is dropped, but the youngest of it, for gauges that read once a day.
    oldest = bisect_right(window, (at - DAY_S - SMOOTHING_S,)) - 1
    if oldest > 0:
        del window[:oldest]
    while window and at - window[0][0] > MAX_SPAN_S:
        del window[0]
    told = tell_rate(window)
    state.rate = None if told is None else told[0]
    if told is not None:
        state.rate_noise = NOISE_SIGMAS * told[1] * tell_noise(state)


def tell_rate(window: list[tuple[float, float]]) -> tuple[float, float] | None:
    """The change per day at the newest point, and its error for readings of unit noise; None without one a day ago.

    Args:
        window: (time, value), oldest first, with the point that is asked for last. [s since 1970, unit]

    Returns:
        The median of the last three hours against that of the three hours a day before; of a gauge that reads less
        often than that, the newest point against the one before it that is a day old [unit/d]. And the standard error
        that noise of 1 would give it [1/d].
    """
    now = window[-1][0]
    today = window[bisect_right(window, (now - SMOOTHING_S,)) :]
    if len(today) > 1:
        before = window[
            bisect_right(window, (now - DAY_S - SMOOTHING_S,)) : bisect_right(window, (now - DAY_S, math.inf))
        ]
    else:
        before = window[: bisect_right(window, (now - DAY_S + SLACK_S, math.inf))][-1:]
    if not before:
        return None
    span_d = (median(at for at, _ in today) - median(at for at, _ in before)) / DAY_S
    if len(today) > 1 and abs(span_d - 1.0) > MAX_SKEW_S / DAY_S:
        return None
    change = median(v for _, v in today) - median(v for _, v in before)
    error = math.sqrt(_median_variance(len(today)) + _median_variance(len(before)))
    return change / span_d, error / span_d


def _median_variance(n: int) -> float:
    """The variance of the median of n readings of unit noise: pi / 2n for many, exact for one and two."""
    return 1.0 / n if n <= _EXACT else math.pi / (2 * n)
