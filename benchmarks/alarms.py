"""Alarms on simulated sensor-years whose truth is known: what is found, what is missed, and what is false.

Each sensor-year settles by a law, moves with the temperature, has its own noise, cadence, resolution and faults, and
in part real movements through its levels: failures that stay and loads that go away again. Levels are 10, 15 and 20 mm
and 0.5, 1 and 2 mm/d, with nothing else given: the default settings.

A true crossing is a stretch in which the gauge works and what it would say without noise lies beyond the limit by
more than four sigma of its noise for at least as many readings as the confirmation needs (three; six of a gauge
that spikes), without a gap. By rate it is one of at least six hours and six readings, with a day and three hours of
a working gauge before them, in which the truth's change over a day exceeds the limit by four standard errors of the
rate, and eight in all. It is found when an alarm of that level stands within it. A false alarm is one from whose
first reading to whose confirmation the truth has not come nearer to the limit than three sigma; by rate, one where
the truth has not moved by as much as the limit, less three standard errors, within the day and three hours before
it. What lies between is told apart as near the limit. Drift of a gauge without a twin cannot be told from
settlement, so its alarms are false, and counted; a gauge that drifts is not asked for true crossings.

    python -m benchmarks.alarms [--sensors 200] [--seed 1000] [--speed] [--series FOLDER]

It guards: every true crossing found, at most one false alarm a sensor-year. Seeds 1 to 999 were for tuning; the figure
reported is of seed 1000. `--speed` measures judging against a bare loop over the same readings; `--series` judges the
labelled series of the Numenta Anomaly Benchmark for their gauges' faults.
"""

import argparse
import csv
import json
import random
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Final

from domain.alarm import EpisodeFound, GaugeFault
from domain.sensor import AlarmLevel, Sensor, SensorKind, SensorProfile
from iot.alarm_state import AlarmState, state_from_json, state_to_json
from iot.alarms import DEFAULT_FOR_N, SPIKING_FOR_N, JudgedReading, Watch, judge_readings, make_watch
from iot.episodes import fold_changes
from iot.gauge_drift import WINDOW, DriftVerdict, judge_drift
from iot.gauge_health import STUCK_MIN_READINGS
from iot.simulation import (
    Failure,
    Fault,
    FaultKind,
    Gauge,
    Load,
    SettlementLaw,
    SimulatedReading,
    Weather,
    simulate_gauge,
)
from storage.keyed_reading import GOOD, OUT_OF_RANGE

SPEED_READINGS: Final = 200_000
START: Final = datetime(2025, 1, 1, tzinfo=UTC)
YEAR: Final = timedelta(days=365)
DAY: Final = timedelta(days=1)
DAY_S: Final = 86_400.0
RANGE: Final = (-100.0, 300.0)
LEVELS: Final = tuple(
    AlarmLevel(level=name, action="look at it", above=above, rate_per_day=rate)
    for name, above, rate in (("yellow", 10.0, 0.5), ("orange", 15.0, 1.0), ("red", 20.0, 2.0))
)
CROSSING_SIGMAS: Final = 4.0
NEAR_SIGMAS: Final = 3.0
HALF: Final = 0.5  # of the sensor-years
MEDIAN_VARIANCE: Final = 1.5708  # of the median of many readings, as a multiple of their mean's: pi / 2
FEW: Final = 2
MANY_SPIKES: Final = 6  # make a fault that can be told
CADENCES: Final = ((timedelta(minutes=10), 6), (timedelta(hours=1), 3), (timedelta(days=1), 1))
FAULT_OF: Final = {
    FaultKind.STUCK: GaugeFault.STUCK,
    FaultKind.SPIKES: GaugeFault.SPIKING,
    FaultKind.OUT_OF_RANGE: GaugeFault.OUT_OF_RANGE,
    FaultKind.DRIFT: GaugeFault.DRIFTING,
}


@dataclass
class Point:
    """One reading with its truth: time, what was said, what would have been said without noise and fault."""

    at: float
    said: float
    truth: float
    q: int
    fault: FaultKind | None
    rate: float | None = None  # the change of the truth over the last day, where the gauge worked all that time
    rate_error: float = 0.0


@dataclass
class SensorYear:
    """A simulated sensor-year."""

    gauge: Gauge
    every: timedelta
    seed: int
    has_twin: bool


@dataclass
class Tally:
    """What came of it."""

    years: int = 0
    readings: int = 0
    true: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    near: int = 0
    right: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    faults_found: Counter[str] = field(default_factory=Counter)
    faults_false: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)


def make_sensor_year(seed: int) -> SensorYear:
    """A sensor-year, the same for the same seed."""
    draw = random.Random(f"year {seed}")  # noqa: S311 - repeatable, not secret
    every = draw.choices([each for each, _ in CADENCES], [weight for _, weight in CADENCES])[0]
    faults: list[Fault] = []

    def add(kind: FaultKind, times: float, days: tuple[float, float], size_mm: float = 0.0) -> None:
        for _ in range(int(times) + (draw.random() < times % 1)):
            begin = START + draw.uniform(15, 340) * DAY
            end = begin + draw.uniform(*days) * DAY
            if not any(each.begins_at < end + 3 * DAY and begin < each.ends_at + 3 * DAY for each in faults):
                faults.append(Fault(kind, begin, end, size_mm))

    add(FaultKind.DRIFT, 0.3, (20, 60), draw.choice((-1, 1)) * draw.uniform(3, 15))
    add(FaultKind.GAP, 3, (0.04, 10))
    add(FaultKind.STUCK, 1, (0.2, 10))
    add(FaultKind.SPIKES, 1, (1, 6), draw.choice((-1, 1)) * draw.uniform(3, 60))
    add(FaultKind.OUT_OF_RANGE, 0.5, (0.1, 3), 9999.0)
    failure = None
    if draw.random() < HALF:
        begin = START + draw.uniform(30, 330) * DAY
        failure = Failure(begin, draw.uniform(0.05, 20) * DAY, draw.uniform(6, 40))
    loads = []
    if draw.random() < HALF:
        begin = START + draw.uniform(30, 330) * DAY
        loads.append(Load(begin, begin + draw.uniform(0.1, 6) * DAY, draw.uniform(3, 25)))
    gauge = Gauge(
        sensor_id=f"g{seed}",
        law=SettlementLaw(draw.uniform(1, 9), timedelta(days=draw.uniform(20, 90))),
        loaded_at=START - timedelta(days=draw.uniform(0, 60)),
        noise_mm=draw.choice((0.02, 0.05, 0.1, 0.2)),
        per_degree_mm=draw.uniform(0, 0.03),
        failure=failure,
        faults=tuple(faults),
        loads=tuple(loads),
        resolution_mm=draw.choice((0.0001, 0.01, 0.01, 0.1)),
    )
    return SensorYear(gauge, every, seed, has_twin=draw.random() < HALF)


def make_points(year: SensorYear, weather: Weather) -> list[Point]:
    """Its readings with their truth."""
    gauge = year.gauge
    faults = sorted(gauge.faults, key=lambda each: each.begins_at)
    points = []
    for reading in simulate_gauge(
        gauge, weather=weather, start=START, every=year.every, seed=year.seed, end=START + YEAR
    ):
        fault = next((each.kind for each in faults if each.begins_at <= reading.t < each.ends_at), None)
        points.append(_make_point(reading, gauge, weather, fault))
    _add_rates(points, gauge, year.every)
    return points


def _make_point(reading: SimulatedReading, gauge: Gauge, weather: Weather, fault: FaultKind | None) -> Point:
    truth = reading.true_mm + gauge.per_degree_mm * (weather.celsius(reading.t) - weather.mean)
    q = GOOD if RANGE[0] <= reading.v <= RANGE[1] else OUT_OF_RANGE
    return Point(reading.t.timestamp(), reading.v, truth, q, fault)


def _add_rates(points: list[Point], gauge: Gauge, every: timedelta) -> None:
    """The truth's change over the last day, where the gauge worked throughout."""
    step = every.total_seconds()
    back = max(1, round(DAY_S / step))
    n = max(1.0, 3 * 3600 / max(step, 900.0))
    error = gauge.noise_mm * (2 * (MEDIAN_VARIANCE / n if n > FEW else 1 / n)) ** 0.5
    margin = max(1, round(3 * 3600 / step))
    bad_since = -1
    for place, point in enumerate(points):
        if point.fault not in {None, FaultKind.SPIKES} or (place and point.at - points[place - 1].at > 1.5 * step):
            bad_since = place
        first = place - back
        if first - margin > bad_since and first >= 0:
            point.rate = point.truth - points[first].truth
            point.rate_error = error


def judge(points: Sequence[Point], sensor: Sensor, drift: Sequence[tuple[float, float, float]]) -> list[EpisodeFound]:
    """The episodes that the engine finds; drift as the daily sweep tells it: (since, until, parting)."""
    watch = make_watch(sensor)
    state, episodes = AlarmState(), list[EpisodeFound]()
    for day, group in groupby(points, key=lambda each: int(each.at // DAY_S)):
        state.faults.pop(GaugeFault.DRIFTING.value, None)
        for first, last, parting in drift:
            if first <= day * DAY_S < last:
                state.faults[GaugeFault.DRIFTING.value], state.parting = first, parting
        state, changes = judge_readings(watch, state, [(each.at, each.said, each.q) for each in group])
        episodes = fold_changes(episodes, changes)
    return episodes


def find_drift(
    year: SensorYear, points: Sequence[Point], weather: Weather, broken: Sequence[EpisodeFound]
) -> list[tuple[float, float, float]]:
    """When the sweep, once a day, says that the gauge has parted from a twin of its own noise.

    As the sweep does, it says nothing while the gauge has another fault, which are given as `broken`.
    """
    if not year.has_twin:
        return []
    twin = SensorYear(
        Gauge(
            sensor_id=f"{year.gauge.sensor_id}-twin",
            law=year.gauge.law,
            loaded_at=year.gauge.loaded_at,
            noise_mm=year.gauge.noise_mm,
            per_degree_mm=year.gauge.per_degree_mm,
            failure=year.gauge.failure,
            loads=year.gauge.loads,
            resolution_mm=year.gauge.resolution_mm,
        ),
        timedelta(hours=6),
        year.seed,
        has_twin=False,
    )
    found: list[tuple[float, float, float]] = []
    own, other = _hourly(points), _hourly(make_points(twin, weather))
    base: float | None = None
    together_since = START
    for number in range(WINDOW.days, YEAR.days):
        now = START + number * DAY
        if any(each.since <= now and (each.ended_at is None or now < each.ended_at) for each in broken):
            continue
        ends = [each.ended_at for each in broken if each.ended_at is not None and each.ended_at <= now]
        window = (max([now - WINDOW, together_since, *ends]), now)
        drift = judge_drift(
            _cut(own, *window), _cut(other, *window), resolution=year.gauge.resolution_mm, parted_from=base
        )
        if drift.verdict is DriftVerdict.PARTED and drift.parting is not None:
            base = drift.base
            found.append((now.timestamp(), (now + DAY).timestamp(), drift.parting))
        elif drift.verdict is DriftVerdict.TOGETHER and base is not None:
            base, together_since = None, now
    return found


def _hourly(points: Sequence[Point]) -> list[tuple[datetime, float]]:
    good = (each for each in points if each.q == GOOD)
    return [
        (datetime.fromtimestamp(hour * 3600, UTC), fmean(each.said for each in group))
        for hour, group in groupby(good, key=lambda each: int(each.at // 3600))
    ]


def _cut(series: Sequence[tuple[datetime, float]], first: datetime, last: datetime) -> dict[datetime, float]:
    return dict(series[bisect_left(series, (first,)) : bisect_left(series, (last,))])


def list_crossings(points: Sequence[Point], level: AlarmLevel, year: SensorYear) -> Iterator[tuple[str, float, float]]:
    """(kind, first, last) of the true crossings of a level."""
    step = year.every.total_seconds()
    limit = (level.above or 0.0) + CROSSING_SIGMAS * year.gauge.noise_mm
    run: list[Point] = []
    for point in [*points, None]:
        works = point is not None and point.fault in {None, FaultKind.SPIKES}
        if point is not None and works and point.truth > limit and not (run and point.at - run[-1].at > 1.5 * step):
            run.append(point)
            continue
        needed = SPIKING_FOR_N if any(each.fault is FaultKind.SPIKES for each in run) else DEFAULT_FOR_N
        if len(run) >= needed:
            yield "value", run[0].at, run[-1].at
        run = [point] if point is not None and works and point.truth > limit else []
    for point in [*points, None]:
        if (
            point is not None
            and point.rate is not None
            and abs(point.rate)
            > max((level.rate_per_day or 0.0) + CROSSING_SIGMAS * point.rate_error, 8 * point.rate_error)
        ):
            run.append(point)
            continue
        if len(run) >= SPIKING_FOR_N and run[-1].at - run[0].at >= 6 * 3600 and run[-1].at - run[0].at >= 3 * step:
            yield "rate", run[0].at, run[-1].at
        run = []


def is_false(episode: EpisodeFound, points: Sequence[Point], level: AlarmLevel, year: SensorYear) -> str:
    """`false`, `near` or `right`."""
    first, last = episode.since.timestamp(), episode.raised_at.timestamp()
    noise = year.gauge.noise_mm
    if episode.code == "sensor.rate":
        # A rate is of the day before, which may lie behind a fault or a gap: the truth itself is asked.
        span = DAY_S + 3 * 3600
        within = [each.truth for each in points if first - span - year.every.total_seconds() <= each.at <= last]
        movement = max(within) - min(within)
        error = noise * (2 * MEDIAN_VARIANCE / max(1.0, 3 * 3600 / max(year.every.total_seconds(), 900.0))) ** 0.5
        if movement >= (level.rate_per_day or 0.0):
            return "right"
        return "near" if movement >= (level.rate_per_day or 0.0) - NEAR_SIGMAS * error else "false"
    reached = max(each.truth for each in points if first <= each.at <= last)
    if reached > (level.above or 0.0):
        return "right"
    return "near" if reached > (level.above or 0.0) - NEAR_SIGMAS * noise else "false"


def _sensor(levels: tuple[AlarmLevel, ...], *, name: str = "g", resolution: float | None = None) -> Sensor:
    return Sensor(
        id=name,
        project_id="bench",
        kind=SensorKind.SETTLEMENT,
        unit="mm",
        position=None,
        calibration={},
        range_min=RANGE[0],
        range_max=RANGE[1],
        alarms=levels,
        stale_after_s=None,
        created_at=START,
        version=1,
        profile=SensorProfile(resolution=resolution),
    )


def run_year(seed: int, tally: Tally, weather: Weather) -> None:
    """Simulate, judge and count one sensor-year."""
    year = make_sensor_year(seed)
    points = make_points(year, weather)
    sensor = _sensor(LEVELS, name=year.gauge.sensor_id, resolution=year.gauge.resolution_mm)
    broken = [each for each in judge(points, sensor, []) if each.level is None] if year.has_twin else []
    drift = find_drift(year, points, weather, broken)
    episodes = judge(points, sensor, drift)
    tally.years += 1
    tally.readings += len(points)
    for level in LEVELS:
        own = [each for each in episodes if each.level == level.level]
        for kind, first, last in list_crossings(points, level, year):
            tally.true[kind] += 1
            if any(
                each.raised_at.timestamp() <= last + 3 * year.every.total_seconds()
                and (each.ended_at is None or each.ended_at.timestamp() >= first)
                for each in own
            ):
                tally.found[kind] += 1
            else:
                at = datetime.fromtimestamp(first, UTC)
                tally.missed.append(f"{seed} {level.level} {kind} {at} {(last - first) / 3600:.1f} h {year.every}")
        for each in own:
            verdict = is_false(each, points, level, year)
            if verdict == "false":
                fault = _fault_at(year.gauge, each)
                tally.false[fault] += 1
                tally.missed.append(
                    f"{seed} {level.level} FALSE {each.code} {each.since} {fault} {each.details['value']:.2f}"
                )
            elif verdict == "near":
                tally.near += 1
            else:
                tally.right += 1
    count_faults(year, points, episodes, drift, tally)


def _fault_at(gauge: Gauge, episode: EpisodeFound) -> str:
    """The fault within a day and three hours of an alarm, which is how far a rate looks back."""
    first, last = episode.since - 1.2 * DAY, episode.raised_at
    kinds = [each.kind.value for each in gauge.faults if each.begins_at <= last and first <= each.ends_at]
    return kinds[0] if kinds else "none"


def count_faults(
    year: SensorYear,
    points: Sequence[Point],
    episodes: Sequence[EpisodeFound],
    drift: Sequence[tuple[float, float, float]],
    tally: Tally,
) -> None:
    """Which of the gauge's faults were told, and which that were none."""
    spans = [
        (each.code, each.since.timestamp(), (each.ended_at or START + YEAR).timestamp())
        for each in episodes
        if each.level is None
    ] + [(GaugeFault.DRIFTING.value, first, last) for first, last in _join(drift)]
    used = set()
    for fault in year.gauge.faults:
        if fault.kind is FaultKind.GAP or (fault.kind is FaultKind.DRIFT and not year.has_twin):
            continue
        code = FAULT_OF[fault.kind].value
        within = [each for each in points if fault.begins_at.timestamp() <= each.at < fault.ends_at.timestamp()]
        spikes = sum(abs(each.said - each.truth) > abs(fault.size_mm) / 2 for each in within)
        if len(within) < STUCK_MIN_READINGS or (fault.kind is FaultKind.SPIKES and spikes < MANY_SPIKES):
            continue
        tally.faults[code] += 1
        hits = [
            each
            for each in spans
            if each[0] == code and each[1] <= fault.ends_at.timestamp() and each[2] >= fault.begins_at.timestamp()
        ]
        tally.faults_found[code] += bool(hits)
        used |= set(hits)
    for each in spans:
        if each in used:
            continue
        same = [f for f in year.gauge.faults if f.kind is not FaultKind.GAP and FAULT_OF[f.kind] == each[0]]
        if not any(f.begins_at.timestamp() <= each[2] and each[1] <= f.ends_at.timestamp() for f in same):
            tally.faults_false[each[0]] += 1


def _join(days: Sequence[tuple[float, float, float]]) -> list[tuple[float, float]]:
    """Days that follow each other as one span."""
    spans: list[tuple[float, float]] = []
    for first, last, _ in days:
        if spans and spans[-1][1] == first:
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    return spans


def measure(sensors: int, seed: int, *, is_verbose: bool) -> None:
    """Simulate, judge and print."""
    tally, weather = Tally(), Weather()
    began = time.perf_counter()
    for number in range(sensors):
        run_year(seed + number, tally, weather)
    print(f"{tally.years} sensor-years, {tally.readings} readings, {time.perf_counter() - began:.0f} s; seed {seed}")
    for kind in ("value", "rate"):
        print(f"true crossings by {kind}: {tally.found[kind]} of {tally.true[kind]} found")
    total = sum(tally.false.values())
    print(f"alarms: {tally.right} right, {tally.near} near the limit, {total} false")
    print(f"false alarms a sensor-year: {total / tally.years:.3f}")
    for fault, count in sorted(tally.false.items()):
        print(f"  with {fault}: {count / tally.years:.3f}")
    print("faults of gauges: found of told ones, false a sensor-year")
    for code in sorted(set(tally.faults) | set(tally.faults_false)):
        rate = tally.faults_false[code] / tally.years
        print(f"  {code}: {tally.faults_found[code]} of {tally.faults[code]}, {rate:.3f}")
    if is_verbose:
        print("\n".join(tally.missed))


def measure_speed() -> None:
    """Judge a quiet gauge's readings, in one batch and in batches of ten, beside a bare loop over them."""
    draw = random.Random(1)  # noqa: S311 - repeatable, not secret
    readings = [(600.0 * n, round(5 + draw.gauss(0, 0.05), 4), GOOD) for n in range(SPEED_READINGS)]
    by_value = tuple(replace(level, rate_per_day=None) for level in LEVELS)
    rows = {
        "bare loop, one comparison": _loop,
        "judged at once, three levels by value": lambda each: judge_readings(
            make_watch(_sensor(by_value)), AlarmState(), each
        ),
        "judged by ten, the state written and read": lambda each: _judge_by_ten(make_watch(_sensor(by_value)), each),
        "judged at once, by value and rate": lambda each: judge_readings(
            make_watch(_sensor(LEVELS)), AlarmState(), each
        ),
    }
    for name, run in rows.items():
        best = min(_time(run, readings) for _ in range(3))
        print(f"{name}: {best / SPEED_READINGS * 1e6:.2f} us a reading, {SPEED_READINGS / best:,.0f} a second")


def _time(run: Callable[[Sequence[JudgedReading]], object], readings: Sequence[JudgedReading]) -> float:
    began = time.perf_counter()
    run(readings)
    return time.perf_counter() - began


def _loop(readings: Sequence[JudgedReading]) -> float:
    newest = float("-inf")
    for at, value, q in readings:
        if at > newest and q == GOOD and value < RANGE[1]:
            newest = at
    return newest


def _judge_by_ten(watch: Watch, readings: Sequence[JudgedReading]) -> None:
    stored = "{}"
    for first in range(0, len(readings), 10):
        state, _ = judge_readings(watch, state_from_json(json.loads(stored)), readings[first : first + 10])
        stored = json.dumps(state_to_json(state))


def measure_series(folder: Path) -> None:
    """Judge the labelled series of the Numenta Anomaly Benchmark for faults of the gauge, and print what overlaps."""
    windows = json.loads((folder / "windows.json").read_text(encoding="utf-8"))
    for name, labelled in sorted(windows.items()):
        with (folder / name).open(encoding="utf-8") as lines:
            rows = [(_seconds(row["timestamp"]), float(row["value"]), GOOD) for row in csv.DictReader(lines)]
        rows.sort()
        _, changes = judge_readings(make_watch(_sensor(())), AlarmState(), rows)
        spans = [(_seconds(first), _seconds(last)) for first, last in labelled]
        years = (rows[-1][0] - rows[0][0]) / YEAR.total_seconds()
        print(f"{name}: {len(rows)} readings, {years:.2f} years, {len(spans)} labelled windows")
        for episode in fold_changes([], changes):
            within = any(
                first <= episode.raised_at.timestamp() and episode.since.timestamp() <= last for first, last in spans
            )
            ended = "goes on" if episode.ended_at is None else f"{episode.ended_at:%Y-%m-%d %H:%M}"
            place = "in a labelled window" if within else "outside of them"
            print(f"  {episode.code} {episode.since:%Y-%m-%d %H:%M} to {ended}: {place}")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sensors", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--verbose", action="store_true", help="name each crossing missed and each false alarm")
    parser.add_argument("--speed", action="store_true", help="judging beside a bare loop")
    parser.add_argument("--series", type=Path, help="the folder of the labelled series")
    arguments = parser.parse_args()
    if arguments.speed:
        measure_speed()
        return
    if arguments.series:
        measure_series(arguments.series)
        return
    measure(arguments.sensors, arguments.seed, is_verbose=arguments.verbose)


if __name__ == "__main__":
    main()
