"""How fast pictures are: a year of one reading a minute on a real PostgreSQL, beside bare matplotlib; and two samples.

Rows of the table: reading the year's buckets, the settlement analysis, drawing as SVG and PNG, all of it; and, as the
limit, matplotlib drawing as many points as ours shows, and all the 525,600 readings, in a bare figure. Rounds follow
each other; the table gives medians, of the clock and of this process's own processor time, which a busy machine
changes less.

Guards against: readings that are drawn one by one, work that grows with their number, and a slow sheet.

`--pictures FOLDER` draws the two samples of docs/pictures instead: a simulated bridge of four points over a year, with
a pier that settles into its alarms, gaps, a gauge that was hit, a thermometer and events.

Uses the PostgreSQL of SITEPROOF_TEST_DATABASE_URL, else an embedded one. Run it from the repository's root:
`python -m benchmarks.plots`.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.trial_database import open_trial_database
from domain.project import Project, ProjectClass, ProjectKind
from domain.sensor import AlarmLevel, Placement, SensorEvent, SensorKind, SensorProfile
from iot.batch import SensorDirectory, store_batch
from iot.decoding import read_message
from iot.plot import PictureFormat, PictureSize
from iot.plot_drawing import draw_sensor
from iot.plot_record import load_sensor_plot, load_structure_plot
from iot.plot_structure_drawing import draw_structure
from iot.plot_words import Language
from iot.settlement_record import analyse_sensor
from iot.simulation import (
    Fault,
    FaultKind,
    Gauge,
    SettlementLaw,
    SimulatedReading,
    Weather,
    simulate_gauge,
    simulate_thermometer,
)
from storage.database import Connection, Database
from storage.keyed_reading import KeyedReading, gather
from storage.project import find_project, put_project
from storage.reading import bucket_readings, refresh_aggregates, store_readings
from storage.sensor import SensorEntry, find_sensor_entry, put_sensor

PROJECT, STRUCTURE, THERMOMETER = "sample-bridge", "青溪桥 Qingxi bridge", "air"
END = datetime(2026, 11, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
START = END - YEAR
WEATHER = Weather()
SEED = 20261101
SIZE = PictureSize(1200, 800)
POINTS = (
    ("abutment-1", 0.0, 5.0, 40),
    ("pier-1", 12.5, 32.0, 400),
    ("pier-2", 25.0, 9.0, 60),
    ("abutment-2", 37.5, 4.0, 40),
)
FAILING = "pier-1"
ALARMS = (
    AlarmLevel("yellow", "the supervisor levels again today", above=8.0, for_s=7200, hysteresis=1.5),
    AlarmLevel("orange", "the town looks at the footing within two hours", above=12.0, for_s=7200, hysteresis=1.5),
    AlarmLevel("red", "stop work, close the bridge, call the town", above=16.0, for_s=7200, hysteresis=1.5),
)


def make_gauge(sensor_id: str, final_mm: float, constant_days: float) -> Gauge:
    """A gauge of the sample bridge, with what happened to it."""
    faults: dict[str, tuple[Fault, ...]] = {
        FAILING: (
            Fault(FaultKind.GAP, START + timedelta(days=70), START + timedelta(days=82)),
            Fault(FaultKind.GAP, START + timedelta(days=228), START + timedelta(days=250)),
            Fault(FaultKind.SPIKES, START + timedelta(days=100), START + timedelta(days=130), size_mm=6.0),
        ),
        "pier-2": (Fault(FaultKind.GAP, START + timedelta(days=180), START + timedelta(days=200)),),
    }
    law = SettlementLaw(final_mm, timedelta(days=constant_days))
    return Gauge(sensor_id, law, START, noise_mm=0.4, per_degree_mm=0.06, faults=faults.get(sensor_id, ()))


def put_bridge(connection: Connection) -> None:
    """The sample project, its four points and its thermometer."""
    put_project(
        connection,
        project_id=PROJECT,
        name="青溪桥 Qingxi bridge",
        kind=ProjectKind.BRIDGE,
        area="county/town",
        contractor=None,
        starts_on=None,
        ends_on=None,
        time_zone="Asia/Shanghai",
        position=None,
        project_class=ProjectClass.B,
        public_code="sample",
    )
    put_sensor(
        connection,
        sensor_id=THERMOMETER,
        project_id=PROJECT,
        kind=SensorKind.TEMPERATURE,
        unit="Cel",
        profile=SensorProfile(placement=Placement(STRUCTURE, 12.5)),
    )
    events = (
        SensorEvent(START, "桥面铺装 Deck paved", is_loading=True),
        SensorEvent(START + timedelta(days=200, hours=1), "河道清淤 River dredged"),
    )
    for sensor_id, along_m, _, _ in POINTS:
        put_sensor(
            connection,
            sensor_id=sensor_id,
            project_id=PROJECT,
            kind=SensorKind.SETTLEMENT,
            unit="mm",
            alarms=ALARMS,
            profile=SensorProfile(placement=Placement(STRUCTURE, along_m), events=events),
        )


def fill_bridge(database: Database) -> None:
    """A year of the sample bridge, six readings a day, stored and judged as the collector does."""
    every = timedelta(hours=4)
    with database.transaction() as connection:
        put_bridge(connection)
    series = [
        simulate_gauge(make_gauge(name, final, days), weather=WEATHER, start=START, every=every, seed=SEED, end=END)
        for name, _, final, days in POINTS
    ]
    series.append(simulate_thermometer(THERMOMETER, weather=WEATHER, start=START, every=every, seed=SEED, end=END))
    directory = SensorDirectory()
    for readings in series:
        for group in split(readings, 1000):
            items = [{"t": each.t.isoformat(), "v": each.v} for each in group]
            topic = f"siteproof/v1/{PROJECT}/{group[0].sensor_id}"
            message = read_message(topic, json.dumps(items).encode(), arrived_at=END)
            with database.transaction() as connection:
                store_batch(connection, messages=[message], directory=directory)


def fill_minutes(database: Database) -> int:
    """A year of minutes of one point, and of hours of the thermometer; how many minutes."""
    with database.transaction() as connection:
        put_bridge(connection)
    name, _, final, days = POINTS[1]
    minutes = simulate_gauge(
        make_gauge(name, final, days), weather=WEATHER, start=START, every=timedelta(minutes=1), seed=SEED, end=END
    )
    hours = simulate_thermometer(
        THERMOMETER, weather=WEATHER, start=START, every=timedelta(hours=1), seed=SEED, end=END
    )
    stored = [store_plainly(database, name, minutes), store_plainly(database, THERMOMETER, hours)]
    return stored[0]


def store_plainly(database: Database, sensor_id: str, readings: Iterable[SimulatedReading]) -> int:
    """Store without judging, fifty thousand at a time; how many."""
    key, total = find_entry(database, sensor_id).key, 0
    for group in split(readings, 50_000):
        with database.transaction() as connection:
            rows = gather(KeyedReading(key, each.t, each.v) for each in group)
            total += len(store_readings(connection, readings=rows))
    return total


def split(readings: Iterable[SimulatedReading], size: int) -> Iterator[list[SimulatedReading]]:
    """Lists of at most so many."""
    source = iter(readings)
    while group := list(islice(source, size)):
        yield group


def find_entry(database: Database, sensor_id: str) -> SensorEntry:
    """A sensor that is there."""
    with database.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id=sensor_id)
    if entry is None:
        raise LookupError(sensor_id)
    return entry


def find_sample(database: Database) -> Project:
    """The sample project."""
    with database.transaction() as connection:
        project = find_project(connection, project_id=PROJECT)
    if project is None:
        raise LookupError(PROJECT)
    return project


def draw_samples(database: Database, folder: Path, format_: PictureFormat, language: Language) -> None:
    """The two pictures of docs/pictures."""
    project = find_sample(database)
    with database.transaction() as connection:
        entry = find_entry(database, FAILING)
        sensor = load_sensor_plot(connection, entry=entry, project=project, now=END)
        structure = load_structure_plot(connection, project=project, structure=STRUCTURE, now=END)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "sensor": draw_sensor(sensor, size=SIZE, format_=format_, language=language),
        "structure": draw_structure(structure, size=PictureSize(1200, 960), format_=format_, language=language),
    }
    for name, picture in pictures.items():
        path = folder / f"{name}.{format_}"
        path.write_bytes(picture.content)
        print(f"{path}: {len(picture.content):,} bytes, {picture.language}")


def time_medians(rounds: int, work: Callable[[], object]) -> tuple[float, float]:
    """Median seconds by the clock and of this process's own processor time, after a round that warms up."""
    work()
    wall, cpu = [], []
    for _ in range(rounds):
        begin, begin_cpu = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - begin)
        cpu.append(time.process_time() - begin_cpu)
    return statistics.median(wall), statistics.median(cpu)


def draw_bare(points: int) -> None:
    """A line of so many points by matplotlib alone, with its own defaults, as SVG."""
    figure = Figure(figsize=(12, 8))
    days = np.linspace(20_000, 20_365, points)
    figure.add_subplot().plot(days, np.sin(days / 20) + 0.1 * np.sin(1e6 * days))
    figure.savefig(io.BytesIO(), format="svg")


def measure(database: Database, rounds: int) -> None:
    """Print the table."""
    readings = fill_minutes(database)
    refresh_aggregates(database.url)
    project, entry = find_sample(database), find_entry(database, FAILING)

    def load() -> object:
        with database.transaction() as connection:
            return load_sensor_plot(connection, entry=entry, project=project, now=END)

    def analyse() -> object:
        with database.transaction() as connection:
            return analyse_sensor(connection, entry=entry, until=END)

    def read() -> object:
        with database.transaction() as connection:
            bucket_readings(connection, sensor_key=entry.key, to=END, every="1h", limit=1)
            return bucket_readings(connection, sensor_key=entry.key, from_=START, to=END, every=plot.every, limit=5000)

    with database.transaction() as connection:
        plot = load_sensor_plot(connection, entry=entry, project=project, now=END)
    points = plot.course.times.size
    zh = Language.ZH
    rows: list[tuple[str, Callable[[], object]]] = [
        ("read, analyse and prepare", load),
        ("  of it the year's buckets", read),
        ("  of it the settlement analysis", analyse),
        ("draw as SVG", lambda: draw_sensor(plot, size=SIZE, format_=PictureFormat.SVG, language=zh)),
        ("draw as PNG", lambda: draw_sensor(plot, size=SIZE, format_=PictureFormat.PNG, language=zh)),
        (f"bare matplotlib, {points:,} points, SVG", lambda: draw_bare(points)),
        (f"bare matplotlib, {readings:,} points, SVG", lambda: draw_bare(readings)),
    ]
    print(f"{readings:,} readings of one sensor, {points:,} points drawn, {rounds} rounds")
    print(f"{'':44}{'clock ms':>10}{'cpu ms':>10}")
    for name, work in rows:
        wall_s, cpu_s = time_medians(rounds, work)
        print(f"{name:44}{1000 * wall_s:10,.0f}{1000 * cpu_s:10,.0f}")


def main() -> None:
    """Measure, or draw the samples."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="draw the samples there, and measure nothing")
    parser.add_argument("--format", choices=[each.value for each in PictureFormat], default="svg")
    parser.add_argument("--lang", choices=[each.value for each in Language], default="zh")
    arguments = parser.parse_args()
    with open_trial_database() as database:
        if arguments.pictures is None:
            measure(database, arguments.rounds)
            return
        fill_bridge(database)
        refresh_aggregates(database.url)
        draw_samples(database, arguments.pictures, PictureFormat(arguments.format), Language(arguments.lang))


if __name__ == "__main__":
    main()
