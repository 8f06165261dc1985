"""How fast a logger's file is imported, beside a bare staged COPY of the same rows, in one run.

Data: `--rows` rows of one reading a second with three decimals, one sensor with one alarm level unless `--no-alarms`.
The import is the command's own two passages: the file is looked through, then read, calibrated, judged and stored
in chunks of a transaction each. The COPY has its rows ready in memory and stores them in batches of the same size.
Rounds alternate between the two; the table gives medians, and the greatest memory of this process.

Guards against: work per row that creeps into reading, and memory that grows with the file.
Uses the PostgreSQL of SITEPROOF_TEST_DATABASE_URL, else an embedded one. Run it from the repository's root:
`python -m benchmarks.import_readings`; `--profile` shows where the time of one import goes.
"""

import argparse
import cProfile
import pstats
import resource
import statistics
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from benchmarks.collector_stage import START, Row, Stopwatch, Took, empty, make_database
from iot.batch import SensorDirectory
from iot.logger_file import TableFile, list_table_files
from iot.logger_import import CHUNK_READINGS, ImportResult, import_file
from iot.logger_plan import ImportOptions, plan_import
from storage.database import Database


def make_value(number: int) -> float:
    """The value of a row. [mm]."""
    return number % 997 / 100 + 0.001


def write_file(path: Path, rows: int) -> None:
    """A logger's CSV."""
    with path.open("w", encoding="utf-8") as file:
        file.write("Time (UTC),Settlement (mm)\n")
        for number in range(rows):
            t = (START + timedelta(seconds=number)).replace(tzinfo=None)
            file.write(f"{t.isoformat(sep=' ', timespec='milliseconds')},{make_value(number):.3f}\n")


def time_import(path: Path, database: Database) -> tuple[Took, Took]:
    """What looking through the file takes, and what storing it takes after that."""
    empty(database)
    [file] = list_table_files(path)
    assert isinstance(file, TableFile)
    directory, result, now = SensorDirectory(), ImportResult(), datetime.now(UTC)
    watch = Stopwatch()
    with database.transaction() as connection:
        options = ImportOptions(sensor="s0")
        plan = plan_import(connection, file=file, options=options, directory=directory, now=now)
    planned = watch.read()
    watch = Stopwatch()
    import_file(database.transaction, plan, directory=directory, now=now, result=result)
    stored = watch.read()
    assert result.stored == plan.rows
    return planned, stored


def time_copy(rows: int, database: Database, key: int) -> Took:
    """What staged COPYs of the same rows take, in batches as large as the import's, each committed."""
    empty(database)
    listed: list[Row] = [(key, START + timedelta(seconds=each), make_value(each), None, 0, 0) for each in range(rows)]
    months = sorted({row[1].date().replace(day=1) for row in listed})
    with database.transaction() as connection:
        if connection.execute("SELECT flavour = 'native' FROM storage_flavour").fetchone() == (True,):
            connection.execute("SELECT ensure_reading_partitions(%s::date[])", [months])
    with psycopg.connect(database.url) as connection:
        connection.execute("CREATE TEMPORARY TABLE bare_staging (LIKE reading) ON COMMIT DELETE ROWS")
        connection.commit()
        watch = Stopwatch()
        for first in range(0, rows, CHUNK_READINGS):
            with connection.cursor().copy("COPY bare_staging FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["int4", "timestamptz", "float8", "float8", "int2", "int8"])
                for row in listed[first : first + CHUNK_READINGS]:
                    copy.write_row(row)
            connection.execute("INSERT INTO reading SELECT * FROM bare_staging ON CONFLICT DO NOTHING")
            connection.commit()
        return watch.read()


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-alarms", action="store_true", help="a sensor without an alarm level")
    parser.add_argument("--no-copy", action="store_true", help="the import alone, so that the memory is its own")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    plans: list[Took] = []
    imports: list[Took] = []
    copies: list[Took] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        make_database(sensors=1, alarms=not arguments.no_alarms) as (database, keys),
    ):
        path = Path(folder) / "logger.csv"
        write_file(path, arguments.rows)
        memory = []
        for _ in range(arguments.rounds):
            planned, stored = time_import(path, database)
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
            plans.append(planned)
            imports.append(stored)
            if not arguments.no_copy:
                copies.append(time_copy(arguments.rows, database, keys[0]))
        if arguments.profile:
            profile = cProfile.Profile()
            profile.runcall(time_import, path, database)
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    print(f"{arguments.rows:,} rows, {arguments.rounds} rounds, alarms {'off' if arguments.no_alarms else 'on'}")
    print(f"{'':44}{'rows/s':>12}{'cpu us':>8}  all rounds")
    totals = [Took(p.wall_s + i.wall_s, p.cpu_s + i.cpu_s) for p, i in zip(plans, imports, strict=True)]
    for name, tooks in (
        ("looking through", plans),
        ("reading and storing", imports),
        ("import, both", totals),
        ("bare staged COPY", copies),
    ):
        if tooks:
            rates = [arguments.rows / took.wall_s for took in tooks]
            cpu_us = statistics.median(took.cpu_s for took in tooks) / arguments.rows * 1e6
            shown = " ".join(f"{rate:,.0f}" for rate in rates)
            print(f"{name:44}{statistics.median(rates):12,.0f}{cpu_us:8.1f}  {shown}")
    if copies:
        ratio = statistics.median(t.wall_s for t in copies) / statistics.median(t.wall_s for t in totals)
        print(f"ratio, import to COPY: {ratio:.2f}")
    print(f"greatest memory after the first import: {memory[0]:.0f} MiB")


if __name__ == "__main__":
    main()
