"""A stretch of readings in which nothing begins, ends or waits, judged in one pass. Pure.

Most readings are such: good, in order, without a gap, within every limit, and no spike. Of these `pass_calm` does
exactly what `iot.gauge_health` and `iot.alarms` do reading by reading, at a sixth of the cost, because only the gauge's
habits move: what it knows of them it holds in local variables until the stretch ends. A property test holds the two
against each other.
"""

from collections.abc import Iterator
from math import inf
from typing import TYPE_CHECKING

from domain.sensor import AlarmLevel
from iot.alarm_state import AlarmState
from iot.change_rate import RATE_STEP_S
from iot.gauge_health import (
    GAP_FACTOR,
    GROWTH,
    MIN_BEND,
    MIN_CADENCE_S,
    MIN_KNOWN,
    SPIKE_MEMORY,
    SPIKE_STEPS,
    STUCK_MIN_READINGS,
    TIES_MEMORY,
)
from storage.keyed_reading import GOOD

if TYPE_CHECKING:
    from iot.alarms import JudgedReading, Watch


# One loop of local variables, because calls and attributes cost more than all that it computes; `max` is a call, too.
# ruff: noqa: PLR1730
def pass_calm(  # noqa: C901, PLR0912, PLR0915 - see above
    watch: "Watch", state: AlarmState, readings: "Iterator[JudgedReading]"
) -> "JudgedReading | None":
    """Take in readings as long as they are calm.

    Args:
        watch: of the sensor.
        state: changed in place.
        readings: by time; those that were taken in are gone from it.

    Returns:
        The first reading that is not calm, which is gone from `readings` and not taken in; None where none is left.
    """
    if not _may_be_calm(watch, state):
        return next(readings, None)
    low, high, ties_until = watch.low, watch.high, STUCK_MIN_READINGS if watch.gauge.can_stick else inf
    window_at, thinned_s = (state.window[-1][0], RATE_STEP_S) if watch.needs_rate else (0.0, inf)
    resolution = watch.gauge.resolution
    before, last, cadence, step, rise_before, bend = (
        state.at,
        state.last,
        state.cadence_s,
        state.step,
        state.rise,
        state.bend,
    )
    spikes, run, run_since, longest, ties = state.spikes, state.run, state.run_since, state.longest, state.ties
    newest, moved = state.newest or 0.0, state.moved
    count = news = 0
    first_other = None
    for reading in readings:
        at, value, q = reading
        elapsed = at - before
        if (
            at <= newest
            or q != GOOD
            or not low < value < high
            or elapsed > GAP_FACTOR * cadence
            or at - window_at >= thinned_s
        ):
            first_other = reading
            break
        rise = value - last
        if rise == 0.0:
            if run >= ties_until:
                first_other = reading
                break
            run += 1
            moved = 0
            if run <= STUCK_MIN_READINGS:
                ties += (1.0 - ties) * TIES_MEMORY
        else:
            move = abs(rise)
            usual = (step * GROWTH if move > step else step / GROWTH) if step > 0.0 else move
            if resolution > usual:
                usual = resolution
            if move > SPIKE_STEPS * usual > 0.0:
                first_other = reading
                break
            step = usual
            bend = bend * GROWTH if abs(rise - rise_before) > bend else bend / GROWTH
            if usual * MIN_BEND > bend:
                bend = usual * MIN_BEND
            ties -= ties * TIES_MEMORY
            if run > longest:
                longest = run
            run, run_since = 1, at
            rise_before = rise
            news += 1
        cadence += (elapsed - cadence) / (4.0 if elapsed > cadence else 8.0)
        if cadence < MIN_CADENCE_S:
            cadence = MIN_CADENCE_S
        if spikes:
            spikes -= spikes / SPIKE_MEMORY
        before, newest, last = at, at, value
        count += 1
    if count:
        state.newest = state.at = before
        state.is_gap = False
        state.last = state.accepted = last
        state.cadence_s, state.step, state.rise, state.bend = cadence, step, rise_before, bend
        state.spikes, state.run, state.run_since, state.longest, state.ties = spikes, run, run_since, longest, ties
        state.moved = moved
        state.count += count
        state.news += news
    return first_other


def _may_be_calm(watch: "Watch", state: AlarmState) -> bool:
    """Whether the sensor is at rest: no alarm, no fault, no doubt, and its habits known."""
    return (
        state.count >= MIN_KNOWN
        and not (state.levels or state.faults or state.outside or state.held)
        and state.accepted == state.last
        and state.cadence_s > 0.0
        and (not watch.needs_rate or (bool(state.window) and not _is_rate_beyond(watch.levels, state)))
    )


def _is_rate_beyond(levels: tuple[AlarmLevel, ...], state: AlarmState) -> bool:
    rate = state.rate
    return rate is not None and any(
        level.rate_per_day is not None and abs(rate) > max(level.rate_per_day, state.rate_noise) for level in levels
    )
