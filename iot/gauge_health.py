"""Whether a gauge can be believed, told from its own readings: stuck, spiking, out of range, and gaps. Pure.

A broken gauge is not a settling pier. What needs more than the gauge's own readings is elsewhere: silence and drift
are `iot.gauge_sweep`'s.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from domain.alarm import GaugeFault
from iot.alarm_state import AlarmState

if TYPE_CHECKING:
    from iot.alarms import Change

# A gap is a silence of four times the usual time between readings: jitter and two lost messages are not one.
GAP_FACTOR: Final = 4.0
MIN_CADENCE_S: Final = 1.0

GROWTH: Final = 1.05  # of a running median, with each reading
_EARLY_GROWTH: Final = 1.3  # while there are few, so that it need not begin near the truth
_BEND_PER_SIGMA: Final = 1.652  # the median bend of normal noise: 0.6745 times the square root of 6
MIN_BEND: Final = 1 / 64  # of the step: a slope without any noise
# A spike leaves the last believed value by ten median steps, which for white noise is more than six sigma, and comes
# back within two readings. What stays away is no spike but a step, and maybe a collapse.
SPIKE_STEPS: Final = 10.0
MAX_SPIKE_READINGS: Final = 2
MIN_KNOWN: Final = 30  # good readings before a step is known
SPIKE_MEMORY: Final = 200.0  # readings after which a spike counts a third
SPIKING: Final = 2.5  # three within some seventy readings
NOT_SPIKING: Final = 0.5

# Stuck is a run of the very same value that this gauge has never shown before and that chance does not bring about.
STUCK_CHANCE: Final = 1e-9
STUCK_MIN_READINGS: Final = 12
STUCK_MIN_S: Final = 3600.0
STUCK_KNOWN: Final = 200  # new values before a gauge's habits are known
STUCK_LONGER: Final = 4  # times the longest run before
STUCK_MOVED: Final = 3  # new values in a row that end it
TIES_MEMORY: Final = 1 / 512

OUTSIDE_READINGS: Final = 3  # in a row, out of range, or back in it


@dataclass(frozen=True, slots=True)
class Gauge:
    """What is known of a gauge.

    Attributes:
        resolution: the smallest step that it can tell; 0 where unknown. [unit]
        can_stick: whether saying the same for long is a fault; a rain gauge says 0 for weeks.
    """

    resolution: float
    can_stick: bool


@dataclass(frozen=True, slots=True)
class FaultRaised:
    """Something is wrong with the gauge.

    Attributes:
        since: the first reading of it.
        at: the reading that made it certain.
        value: what the gauge says; None where it says nothing. [unit]
    """

    code: GaugeFault
    since: datetime
    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class FaultEnded:
    """It is over."""

    code: GaugeFault
    since: datetime
    at: datetime


def see_interval(state: AlarmState, at: float) -> None:
    """Note the time since the last good reading, and whether it was a gap.

    A cadence that changes is followed within a few readings.

    Args:
        state: changed in place.
        at: time of a good reading, newer than all before. [s since 1970]
    """
    before, state.at = state.at, at
    state.is_gap = False
    if state.count == 0:
        return
    elapsed, usual = at - before, state.cadence_s
    if usual == 0.0:
        state.cadence_s = max(elapsed, MIN_CADENCE_S)
        return
    if elapsed > GAP_FACTOR * usual:
        state.cadence_s = GAP_FACTOR * usual
        state.is_gap = True
        return
    usual += (elapsed - usual) / (4.0 if elapsed > usual else 8.0)
    state.cadence_s = max(usual, MIN_CADENCE_S)


def see_value(gauge: Gauge, state: AlarmState, at: float, value: float, changes: "list[Change]") -> None:
    """Judge by a good reading whether the gauge is stuck, spikes, or is back in its range.

    Args:
        gauge: what is known of it.
        state: changed in place; `see_interval` has seen the reading.
        at: time of the reading. [s since 1970]
        value: of the reading. [unit]
        changes: what begins or ends is added.
    """
    if state.outside:
        _see_inside(state, at, changes)
    if state.faults and GaugeFault.SILENT in state.faults:
        end_fault(state, GaugeFault.SILENT, at, changes)
    count = state.count
    state.count = count + 1
    if count == 0:
        state.last = state.accepted = value
        state.run, state.run_since = 1, at
        return
    rise = value - state.last
    state.last = value
    if rise == 0.0:
        _see_tie(gauge, state, at, value, changes)
    else:
        _see_new_value(gauge, state, at, rise, changes)
    if state.is_gap or count < MIN_KNOWN:
        state.accepted, state.held = value, 0
        return
    _see_spike(state, at, value, changes)


def tell_noise(state: AlarmState) -> float:
    """The standard deviation of the gauge's noise, from the bends of its readings. [unit]."""
    return state.bend / _BEND_PER_SIGMA


def see_outside(state: AlarmState, at: float, value: float, changes: "list[Change]") -> None:
    """Note a reading that is out of the sensor's range; three in a row are a fault."""
    state.inside = 0
    if state.outside == 0:
        state.outside_since = at
    state.outside += 1
    if GaugeFault.SILENT in state.faults:
        end_fault(state, GaugeFault.SILENT, at, changes)
    if state.outside >= OUTSIDE_READINGS and GaugeFault.OUT_OF_RANGE not in state.faults:
        raise_fault(state, GaugeFault.OUT_OF_RANGE, state.outside_since, at, value, changes)


def raise_fault(
    state: AlarmState, code: GaugeFault, since: float, at: float, value: float | None, changes: "list[Change]"
) -> None:
    """Note a fault that begins. Times in seconds since 1970."""
    state.faults[code.value] = since
    changes.append(FaultRaised(code, datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(at, UTC), value))


def end_fault(state: AlarmState, code: GaugeFault, at: float, changes: "list[Change]") -> None:
    """Note a fault that ends. [s since 1970]."""
    since = state.faults.pop(code.value)
    state.quiet_since = at
    if code is not GaugeFault.SILENT:
        state.trusted_from = at
    changes.append(FaultEnded(code, datetime.fromtimestamp(since, UTC), datetime.fromtimestamp(at, UTC)))


def _see_inside(state: AlarmState, at: float, changes: "list[Change]") -> None:
    state.inside += 1
    if GaugeFault.OUT_OF_RANGE not in state.faults:
        state.outside = 0
    elif state.inside >= OUTSIDE_READINGS:
        state.outside = 0
        end_fault(state, GaugeFault.OUT_OF_RANGE, at, changes)


def _see_tie(gauge: Gauge, state: AlarmState, at: float, value: float, changes: "list[Change]") -> None:
    state.run += 1
    state.moved = 0
    run = state.run
    if run <= STUCK_MIN_READINGS:
        # A long run says no more of a gauge's habits than a short one: else one that sticks would become its habit.
        state.ties += (1.0 - state.ties) * TIES_MEMORY
        return
    if (
        gauge.can_stick
        and state.news >= STUCK_KNOWN
        and state.is_lively
        and run > STUCK_LONGER * state.longest
        and at - state.run_since >= STUCK_MIN_S
        and GaugeFault.STUCK not in state.faults
        and run * math.log(max(state.ties, 0.02)) < math.log(STUCK_CHANCE)
    ):
        raise_fault(state, GaugeFault.STUCK, state.run_since, at, value, changes)


def _see_new_value(gauge: Gauge, state: AlarmState, at: float, rise: float, changes: "list[Change]") -> None:
    if state.faults and GaugeFault.STUCK in state.faults:
        state.moved += 1
        if state.moved >= STUCK_MOVED:
            end_fault(state, GaugeFault.STUCK, at, changes)
    else:
        state.ties -= state.ties * TIES_MEMORY
        state.longest = max(state.longest, state.run)
    state.run, state.run_since = 1, at
    growth = GROWTH if state.count > MIN_KNOWN else _EARLY_GROWTH
    step, usual = abs(rise), state.step
    usual = (usual * growth if step > usual else usual / growth) if usual > 0.0 else step
    state.step = usual = max(usual, gauge.resolution)
    bend, common = abs(rise - state.rise), state.bend
    state.bend = max(common * growth if bend > common else common / growth, usual * MIN_BEND)
    state.rise = rise
    state.news += 1


def _see_spike(state: AlarmState, at: float, value: float, changes: "list[Change]") -> None:
    if state.spikes:
        state.spikes -= state.spikes / SPIKE_MEMORY
    if abs(value - state.accepted) > SPIKE_STEPS * state.step > 0.0:
        state.held += 1
        if state.held <= MAX_SPIKE_READINGS:
            return
    elif state.held:
        state.spikes += 1.0
        if state.spikes >= SPIKING and GaugeFault.SPIKING not in state.faults:
            raise_fault(state, GaugeFault.SPIKING, at, at, value, changes)
    state.held = 0
    state.accepted = value
    if state.faults and state.spikes < NOT_SPIKING and GaugeFault.SPIKING in state.faults:
        end_fault(state, GaugeFault.SPIKING, at, changes)
