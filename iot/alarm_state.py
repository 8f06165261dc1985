"""Where a sensor's alarm stands between two batches, and how that is written down."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Final

_EVER: Final = -1e300  # before every reading, and JSON can say it


@dataclass(slots=True)
class LevelState:
    """Where one level stands that is beyond its limit, or not yet back from it. Times in seconds since 1970.

    Attributes:
        since: the first reading beyond the limit.
        is_raised: whether it was confirmed.
        n: readings that say so: beyond while it waits for confirmation, back while it is raised.
        contrary: readings in a row that say otherwise.
        back_since: the first of the readings that are back.
        is_suppressed: whether it is confirmed, and waits for the end of a suppression.
        is_held: whether it is confirmed, and held back because the gauge drifts and that explains it.
    """

    since: float
    is_raised: bool = False
    n: int = 0
    contrary: int = 0
    back_since: float = _EVER
    is_suppressed: bool = False
    is_held: bool = False


@dataclass(slots=True)
class AlarmState:
    """Where a sensor's alarm stands, and what is known of its gauge; plain numbers, because it is kept for each sensor.

    Times in seconds since 1970, values in the sensor's unit.

    Attributes:
        newest: the newest reading judged, good or out of range; None before the first.
        at: the newest good reading.
        levels: those under way, by name.
        faults: what is wrong with the gauge, by code, and since when.
        can_compare: whether the last sweep could compare the gauge with its twin.
        parting: how far a drifting gauge has parted from its twin. [unit]
        trusted_from: when the last fault of the gauge ended; what it said before is not compared with its twin.
        quiet_since: when the last of them ended.
        last: the newest good value.
        accepted: the newest good value that was no spike.
        step: the median step between neighbouring readings, ties apart; grows and shrinks by a twentieth.
        rise: the newest step, signed.
        bend: the median difference between neighbouring steps, which a steady movement leaves out.
        count: good readings so far.
        cadence_s: the usual time between two readings. [s]
        is_gap: whether the newest good reading came after a gap.
        held: readings in a row that may be a spike.
        spikes: how many spikes there were, older ones forgotten bit by bit.
        news: good readings so far that did not repeat the one before.
        run: readings in a row that say the very same.
        run_since: when that began.
        longest: the longest such run of a gauge that was alive.
        ties: how often a reading repeats the one before it, from 0 to 1.
        moved: readings in a row that said something new.
        outside: readings in a row that were out of range.
        outside_since: the first of them.
        inside: good readings in a row since then.
        window: thinned (time, value) of the last day, for levels by rate; empty without them.
        rate: the change over the last day; None where it cannot be told. [unit/d]
        rate_noise: what a rate must exceed to be more than noise. [unit/d]
        rules: a digest of the levels that it was judged by.
        rules_from: when the levels were changed, as the newest reading then; None where they never were.
        checkpoint_at: the newest reading of the last checkpoint that was kept.
    """

    newest: float | None = None
    at: float = 0.0
    levels: dict[str, LevelState] = field(default_factory=dict)
    faults: dict[str, float] = field(default_factory=dict)
    can_compare: bool = False
    parting: float = 0.0
    trusted_from: float = _EVER
    quiet_since: float = _EVER
    last: float = 0.0
    accepted: float = 0.0
    step: float = 0.0
    rise: float = 0.0
    bend: float = 0.0
    count: int = 0
    cadence_s: float = 0.0
    is_gap: bool = False
    held: int = 0
    spikes: float = 0.0
    news: int = 0
    run: int = 0
    run_since: float = 0.0
    longest: int = 1
    ties: float = 0.0
    moved: int = 0
    outside: int = 0
    outside_since: float = 0.0
    inside: int = 0
    window: list[tuple[float, float]] = field(default_factory=list)
    rate: float | None = None
    rate_noise: float = 0.0
    rules: int | None = None
    rules_from: float | None = None
    checkpoint_at: float | None = None

    @property
    def is_lively(self) -> bool:
        """Whether the gauge seldom says the same twice, so that one that does is stuck."""
        return self.ties < MAX_TIES

    def copy(self) -> "AlarmState":
        """Another state that says the same."""
        new = AlarmState(*_read(self))
        new.levels = {name: LevelState(*_read_level(each)) for name, each in self.levels.items()}
        new.faults, new.window = dict(self.faults), list(self.window)
        return new


MAX_TIES: Final = 0.5
_NAMES: Final = tuple(each.name for each in fields(AlarmState))
_LEVEL_NAMES: Final = tuple(each.name for each in fields(LevelState))
_read: Final = attrgetter(*_NAMES)
_read_level: Final = attrgetter(*_LEVEL_NAMES)
_EMPTY: Final = _read(AlarmState())
_EMPTY_LEVEL: Final = _read_level(LevelState(since=_EVER))


def state_to_json(state: AlarmState) -> dict[str, Any]:
    """The state, JSON-ready; what is as in an empty state is left out."""
    given = {name: value for name, value, usual in zip(_NAMES, _read(state), _EMPTY, strict=True) if value != usual}
    if state.levels:
        given["levels"] = {name: _level_to_json(each) for name, each in state.levels.items()}
    return given


def _level_to_json(level: LevelState) -> dict[str, Any]:
    values = zip(_LEVEL_NAMES, _read_level(level), _EMPTY_LEVEL, strict=True)
    return {name: value for name, value, usual in values if value != usual}


def state_from_json(given: Mapping[str, Any]) -> AlarmState:
    """The inverse of `state_to_json`; an empty object is a sensor that was never judged."""
    state = AlarmState(**given)
    if state.levels:
        written: Mapping[str, Mapping[str, Any]] = given["levels"]
        state.levels = {name: LevelState(**each) for name, each in written.items()}
    # What was given stays as it is.
    state.faults = dict(state.faults)
    state.window = [(at, value) for at, value in state.window]
    return state
