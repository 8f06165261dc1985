"""Readings: one set of tests for the native table and for TimescaleDB (SITEPROOF_TEST_DATABASE_URL)."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from domain.project import ProjectClass, ProjectKind
from domain.sensor import Quality, SensorKind
from storage.database import Database
from storage.keyed_reading import BAD, KeyedReading, gather
from storage.project import put_project
from storage.reading import (
    InvalidEvery,
    InvalidRetention,
    UnknownTimeZone,
    bucket_readings,
    drop_expired_readings,
    find_retention,
    is_timescale,
    latest_readings,
    list_readings,
    parse_every,
    refresh_aggregates,
    set_retention,
    store_readings,
)
from storage.sensor import find_sensor_entry, put_sensor

START = datetime(2026, 6, 30, 16, 0, tzinfo=UTC)  # midnight in Asia/Shanghai, which is eight hours ahead
HOUR = timedelta(hours=1)


@pytest.fixture
def sensor_keys(database: Database) -> list[int]:
    """The keys of two sensors, s0 and s1, of one project."""
    keys = []
    with database.transaction() as connection:
        put_project(
            connection,
            project_id="b1",
            name="Stone bridge",
            kind=ProjectKind.BRIDGE,
            area="county/town",
            contractor=None,
            starts_on=None,
            ends_on=None,
            time_zone="Asia/Shanghai",
            position=None,
            project_class=ProjectClass.B,
            public_code="abc",
        )
        for name in ("s0", "s1"):
            put_sensor(connection, sensor_id=name, project_id="b1", kind=SensorKind.SETTLEMENT, unit="mm")
            entry = find_sensor_entry(connection, sensor_id=name)
            assert entry is not None
            keys.append(entry.key)
    return keys


def store(database: Database, readings: list[KeyedReading]) -> list[KeyedReading]:
    """Store in a transaction of its own."""
    with database.transaction() as connection:
        return store_readings(connection, readings=gather(readings)).list_rows()


def series(key: int, *, start: datetime, step: timedelta, count: int) -> list[KeyedReading]:
    """Readings of value 0, 1, 2, ... at a steady step."""
    return [KeyedReading(key, start + i * step, float(i)) for i in range(count)]


def compress_all(database: Database) -> int:
    """Move every chunk to the columnstore, as the policy does after a week, and say how many there are."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        chunks = connection.execute("SELECT show_chunks('reading')::text").fetchall()
        for (chunk,) in chunks:
            connection.execute("CALL convert_to_columnstore(%s::regclass)", [chunk])
    return len(chunks)


def test_store_readings__new_and_known(database: Database, sensor_keys: list[int]) -> None:
    """Only what was not there comes back, and the first value of a time stays."""
    a = KeyedReading(sensor_keys[0], START, 1.0, seq=7)
    b = KeyedReading(sensor_keys[0], START + HOUR, 2.0)
    assert store(database, [a]) == [a]
    assert store(database, [b, KeyedReading(sensor_keys[0], START, 99.0)]) == [b]
    with database.transaction() as connection:
        stored = list_readings(connection, sensor_key=sensor_keys[0], limit=10)
    assert [(each.sensor_id, each.t, each.v, each.seq) for each in stored] == [
        ("s0", START, 1.0, 7),
        ("s0", START + HOUR, 2.0, None),
    ]


def test_store_readings__same_time_twice_in_one_batch(database: Database, sensor_keys: list[int]) -> None:
    """Of two values for one time in one batch the first is stored; written in another zone it is the same time."""
    elsewhere = START.astimezone(ZoneInfo("Asia/Shanghai"))
    batch = [KeyedReading(sensor_keys[0], START, 1.0), KeyedReading(sensor_keys[0], elsewhere, 2.0)]
    assert store(database, batch) == batch[:1]


def test_store_readings__two_batches_in_one_transaction(database: Database, sensor_keys: list[int]) -> None:
    """The second batch knows what the first one stored."""
    with database.transaction() as connection:
        two, three = (series(sensor_keys[0], start=START, step=HOUR, count=count) for count in (2, 3))
        first = store_readings(connection, readings=gather(two))
        second = store_readings(connection, readings=gather(three)).list_rows()
    assert len(first) == 2
    assert [each.t for each in second] == [START + 2 * HOUR]


def test_store_readings__nothing(database: Database) -> None:
    """An empty batch is no work."""
    assert store(database, []) == []


def test_store_readings__any_age(database: Database, sensor_keys: list[int]) -> None:
    """Readings from 2000 to 2026 in one batch are stored, without anyone having made room before."""
    moments = [datetime(year, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC) for year in range(2000, 2027)]
    batch = [KeyedReading(sensor_keys[0], moment, 1.0) for moment in moments]
    assert len(store(database, batch)) == 27
    assert store(database, batch) == []
    with database.transaction() as connection:
        assert [each.t for each in list_readings(connection, sensor_key=sensor_keys[0], limit=99)] == moments


def test_store_readings__at_once_from_two_sessions(database: Database, sensor_keys: list[int]) -> None:
    """Of the same readings stored by two sessions at once each is new to exactly one, and counted once."""
    batch = series(sensor_keys[0], start=START, step=timedelta(seconds=1), count=3000)
    found: list[list[KeyedReading]] = [[], []]
    gate = threading.Barrier(2)

    def run(number: int) -> None:
        gate.wait()
        for i in range(0, len(batch), 500):
            found[number] += store(database, batch[i : i + 500])

    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found[0]) + len(found[1]) == 3000
    assert {each.t for each in found[0] + found[1]} == {each.t for each in batch}
    refresh_aggregates(database.url)
    with database.transaction() as connection:
        buckets = bucket_readings(connection, sensor_key=sensor_keys[0], every="1h", limit=10)
    assert [(bucket.t, bucket.n) for bucket in buckets] == [(START, 3000)]


def test_store_readings__late_into_columnstore(database: Database, sensor_keys: list[int]) -> None:
    """Late readings and repeated ones meet a compressed chunk: the new are stored, the known are not."""
    # Five sensors' worth of history in one key: 20,000 rows, spread over three weeks.
    batch = series(sensor_keys[0], start=START, step=timedelta(seconds=90), count=20_000)
    assert len(store(database, batch)) == 20_000
    with database.transaction() as connection:
        timescale = is_timescale(connection)
    if timescale:
        assert compress_all(database) >= 3
    late = series(sensor_keys[0], start=START + timedelta(seconds=30), step=timedelta(seconds=90), count=20_000)
    new = store(database, [*batch, *late])
    assert len(new) == 20_000
    assert {each.t for each in new} == {each.t for each in late}
    assert store(database, [*batch, *late]) == []
    refresh_aggregates(database.url)
    with database.transaction() as connection:
        hours = bucket_readings(connection, sensor_key=sensor_keys[0], every="1h", limit=2)
        days = bucket_readings(connection, sensor_key=sensor_keys[0], every="1d", time_zone="Asia/Shanghai", limit=9)
    # 3,600 / 90 = 40 readings an hour of each of the two, 24 times that a day.
    assert [bucket.n for bucket in hours] == [80, 80]
    assert [bucket.n for bucket in days] == [1920] * 9


def test_list_readings__window_and_pages(database: Database, sensor_keys: list[int]) -> None:
    """`from` is included, `to` is not, a page goes on after the last time; the other sensor is not seen."""
    store(database, series(sensor_keys[0], start=START, step=HOUR, count=10))
    store(database, series(sensor_keys[1], start=START, step=HOUR, count=10))
    window = {"from_": START + 2 * HOUR, "to": START + 6 * HOUR}
    with database.transaction() as connection:
        first = list_readings(connection, sensor_key=sensor_keys[0], **window, limit=3)
        rest = list_readings(connection, sensor_key=sensor_keys[0], **window, after=first[-1].t, limit=3)
    assert [each.v for each in first] == [2.0, 3.0, 4.0]
    assert [each.v for each in rest] == [5.0]
    assert {each.sensor_id for each in first + rest} == {"s0"}


def test_list_readings__quality(database: Database, sensor_keys: list[int]) -> None:
    """A bad reading is kept and says so, and its raw value is kept too."""
    store(database, [KeyedReading(sensor_keys[0], START, 5.0, raw=2.5, q=BAD)])
    with database.transaction() as connection:
        (reading,) = list_readings(connection, sensor_key=sensor_keys[0], limit=9)
        raw = connection.execute("SELECT raw FROM reading").fetchone()
    assert (reading.q, reading.v, raw) == (Quality.BAD, 5.0, (2.5,))


def test_latest_readings__by_own_time(database: Database, sensor_keys: list[int]) -> None:
    """The newest is the one with the latest time, not the one that came last; a silent sensor is missing."""
    newest = KeyedReading(sensor_keys[0], START + 40 * 24 * HOUR, 8.0, q=BAD)
    store(database, [newest])
    store(database, [KeyedReading(sensor_keys[0], START, 1.0)])
    with database.transaction() as connection:
        found = latest_readings(connection, sensor_ids=["s0", "s1", "nobody"])
    assert set(found) == {"s0"}
    assert (found["s0"].t, found["s0"].v, found["s0"].q) == (newest.t, 8.0, Quality.BAD)


def test_bucket_readings__gaps_and_bad_values(database: Database, sensor_keys: list[int]) -> None:
    """Hours without good readings do not exist; bad readings count nowhere."""
    store(
        database,
        [
            KeyedReading(sensor_keys[0], START, 1.0),
            KeyedReading(sensor_keys[0], START + timedelta(minutes=59), 4.0),
            KeyedReading(sensor_keys[0], START + timedelta(minutes=30), 1e9, q=BAD),
            KeyedReading(sensor_keys[0], START + HOUR, 7.0, q=BAD),
            KeyedReading(sensor_keys[0], START + 3 * HOUR, -2.0),
        ],
    )
    with database.transaction() as connection:
        buckets = bucket_readings(connection, sensor_key=sensor_keys[0], every="1h", limit=10)
    # (1 + 4) / 2 = 2.5
    assert [(b.t, b.mean, b.min, b.max, b.n) for b in buckets] == [
        (START, 2.5, 1.0, 4.0, 2),
        (START + 3 * HOUR, -2.0, -2.0, -2.0, 1),
    ]


@pytest.mark.parametrize(
    ("every", "zone", "width"),
    [
        ("30s", "UTC", timedelta(seconds=30)),
        ("5m", "UTC", timedelta(minutes=5)),
        ("90m", "UTC", timedelta(minutes=90)),
        ("1h", "Asia/Shanghai", HOUR),
        ("6h", "UTC", 6 * HOUR),
        ("1d", "UTC", 24 * HOUR),
        ("1d", "Asia/Shanghai", 24 * HOUR),
        ("7d", "Asia/Shanghai", 7 * 24 * HOUR),
        ("1d", "Asia/Kolkata", 24 * HOUR),
    ],
)
def test_bucket_readings__ragged_window(
    database: Database, sensor_keys: list[int], every: str, zone: str, width: timedelta
) -> None:
    """Whatever a bucket is made from, it holds the readings of the window, `from` included and `to` not."""
    batch = series(sensor_keys[0], start=START, step=timedelta(seconds=601), count=2000)
    store(database, batch)
    refresh_aggregates(database.url)
    from_, to = START + timedelta(hours=5, minutes=17), START + timedelta(days=12, minutes=3)
    # The offset of UTC days is 0, of Shanghai's 8 h, of Kolkata's 5 h 30; only days follow the zone. The first of
    # January 2001 was a Monday, at which buckets begin to be counted.
    offset = (
        {"Asia/Shanghai": 8 * HOUR, "Asia/Kolkata": 5.5 * HOUR}.get(zone, 0 * HOUR) if every[-1] == "d" else 0 * HOUR
    )
    origin = datetime(2001, 1, 1, tzinfo=UTC) - offset
    expected: dict[datetime, list[float]] = {}
    for each in batch:
        if from_ <= each.t < to:
            expected.setdefault(origin + (each.t - origin) // width * width, []).append(each.v)
    with database.transaction() as connection:
        buckets = bucket_readings(
            connection, sensor_key=sensor_keys[0], from_=from_, to=to, every=every, time_zone=zone, limit=100_000
        )
    assert [(b.t, b.n, b.min, b.max) for b in buckets] == [
        (t, len(values), min(values), max(values)) for t, values in expected.items()
    ]
    assert [b.mean for b in buckets] == pytest.approx([sum(values) / len(values) for values in expected.values()])


def test_bucket_readings__window_within_one_hour(database: Database, sensor_keys: list[int]) -> None:
    """A window that no whole hour fits in is answered from the readings."""
    store(database, series(sensor_keys[0], start=START, step=timedelta(minutes=1), count=60))
    from_, to = START + timedelta(minutes=10), START + timedelta(minutes=20)
    with database.transaction() as connection:
        (bucket,) = bucket_readings(connection, sensor_key=sensor_keys[0], from_=from_, to=to, every="1h", limit=9)
    # Values 10 to 19: mean 14.5.
    assert (bucket.t, bucket.n, bucket.min, bucket.max, bucket.mean) == (START, 10, 10.0, 19.0, 14.5)


def test_bucket_readings__limit(database: Database, sensor_keys: list[int]) -> None:
    """A page goes on with `from_` at the start of the bucket that was not given out."""
    store(database, series(sensor_keys[0], start=START, step=HOUR, count=5))
    with database.transaction() as connection:
        three = bucket_readings(connection, sensor_key=sensor_keys[0], every="1h", limit=3)
        rest = bucket_readings(connection, sensor_key=sensor_keys[0], from_=START + 3 * HOUR, every="1h", limit=3)
    assert [b.t for b in three + rest] == [START + i * HOUR for i in range(5)]


def test_bucket_readings__day_of_25_hours(database: Database, sensor_keys: list[int]) -> None:
    """The day on which Berlin's clocks go back, 25 October 2026, has 25 hours."""
    store(database, series(sensor_keys[0], start=datetime(2026, 10, 24, 0, 30, tzinfo=UTC), step=HOUR, count=72))
    refresh_aggregates(database.url)
    with database.transaction() as connection:
        buckets = bucket_readings(connection, sensor_key=sensor_keys[0], every="1d", time_zone="Europe/Berlin", limit=9)
    # Berlin is at +2 before and +1 after: days begin at 22:00 and then 23:00 UTC. The first hours from 00:30Z to
    # 21:30Z are 22; then 25; 72 - 22 - 25 = 25 remain, of which 24 are of the 26th and 1 of the 27th.
    assert [b.n for b in buckets] == [22, 25, 24, 1]


def test_bucket_readings__late_data(database: Database, sensor_keys: list[int]) -> None:
    """Data for hours that are long aggregated change them."""
    start = START - timedelta(days=400)
    store(database, series(sensor_keys[0], start=start, step=HOUR, count=48))
    refresh_aggregates(database.url)
    store(database, [KeyedReading(sensor_keys[0], start + timedelta(minutes=20), 100.0)])
    refresh_aggregates(database.url)
    with database.transaction() as connection:
        hours = bucket_readings(connection, sensor_key=sensor_keys[0], every="1h", limit=1)
        days = bucket_readings(connection, sensor_key=sensor_keys[0], every="1d", time_zone="Asia/Shanghai", limit=1)
    assert [(b.n, b.mean, b.max) for b in hours] == [(2, 50.0, 100.0)]
    assert [(b.n, b.max) for b in days] == [(25, 100.0)]


@pytest.mark.parametrize("every", ["", "1", "h", "0h", "-1h", "1.5h", "1w", "400d", "1h ", "９h", "9999999s"])
def test_parse_every__refused(every: str) -> None:
    """Only a number and s, m, h or d, up to a year, is a width."""
    with pytest.raises(InvalidEvery):
        parse_every(every)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Asia"])
def test_bucket_readings__unknown_time_zone(database: Database, sensor_keys: list[int], zone: str) -> None:
    """Days of a zone that does not exist are refused."""
    with database.transaction() as connection, pytest.raises(UnknownTimeZone):
        bucket_readings(connection, sensor_key=sensor_keys[0], every="1d", time_zone=zone, limit=1)


def test_set_retention__there_and_back(database: Database) -> None:
    """It is kept for ever, until it is set, and again when it is unset."""
    with database.transaction() as connection:
        assert find_retention(connection) is None
        set_retention(connection, keep_raw_days=90)
        set_retention(connection, keep_raw_days=90)
        assert find_retention(connection) == 90
        set_retention(connection, keep_raw_days=None)
        assert find_retention(connection) is None


def test_set_retention__too_short(database: Database) -> None:
    """Less than a month is refused."""
    with database.transaction() as connection, pytest.raises(InvalidRetention):
        set_retention(connection, keep_raw_days=29)


def run_retention(database: Database) -> None:
    """Drop what retention no longer keeps, by our own sweep or by TimescaleDB's job."""
    with database.transaction() as connection:
        timescale = is_timescale(connection)
        drop_expired_readings(connection)
    if timescale:
        with psycopg.connect(database.url, autocommit=True) as connection:
            row = connection.execute(
                "SELECT job_id FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'"
            ).fetchone()
            assert row is not None
            connection.execute("CALL run_job(%s)", [row[0]])


def test_drop_expired_readings__aggregates_stay(database: Database, sensor_keys: list[int]) -> None:
    """Raw readings behind the retention go, newer ones and the hourly aggregate of the old ones stay."""
    now = datetime.now(UTC)
    old = (now - timedelta(days=200)).replace(minute=0, second=0, microsecond=0)
    store(database, series(sensor_keys[0], start=old, step=timedelta(minutes=1), count=60))
    store(database, [KeyedReading(sensor_keys[0], now, 5.0)])
    refresh_aggregates(database.url)
    with database.transaction() as connection:
        set_retention(connection, keep_raw_days=90)
    run_retention(database)
    with database.transaction() as connection:
        kept = list_readings(connection, sensor_key=sensor_keys[0], limit=99)
        (bucket,) = bucket_readings(
            connection, sensor_key=sensor_keys[0], from_=old - HOUR, to=old + 2 * HOUR, every="1h", limit=9
        )
    assert [each.v for each in kept] == [5.0]
    assert (bucket.n, bucket.min, bucket.max) == (60, 0.0, 59.0)


def run_refresh_policies(database: Database) -> None:
    """Run TimescaleDB's own refresh jobs now, where it is there."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        if not is_timescale(connection):
            return
        rows = connection.execute(
            "SELECT job_id FROM timescaledb_information.jobs"
            " WHERE proc_name = 'policy_refresh_continuous_aggregate' ORDER BY job_id"
        ).fetchall()
        assert len(rows) == 2
        for row in rows:
            run_job(connection, row[0])


def run_job(connection: psycopg.Connection[tuple[object, ...]], job_id: object) -> None:
    """Run a job of TimescaleDB, once its own scheduler does not run the same one."""
    deadline = time.monotonic() + 60
    pause = threading.Event()
    while True:
        try:
            connection.execute("CALL run_job(%s)", [job_id])
        except psycopg.errors.LockNotAvailable:
            assert time.monotonic() < deadline, "the scheduler's own run does not end"
            pause.wait(0.1)
        else:
            return


@pytest.fixture
def aggregated_before(database: Database, sensor_keys: list[int]) -> Callable[[], int]:
    """An hour of 60 readings, 200 days ago, aggregated; the callable says what the aggregate counts in it now."""
    old = (datetime.now(UTC) - timedelta(days=200)).replace(minute=0, second=0, microsecond=0)
    store(database, series(sensor_keys[0], start=old, step=timedelta(minutes=1), count=60))
    run_refresh_policies(database)

    def count() -> int:
        with database.transaction() as connection:
            (bucket,) = bucket_readings(
                connection, sensor_key=sensor_keys[0], from_=old, to=old + HOUR, every="1h", limit=9
            )
        return bucket.n

    return count


def test_refresh_policies__reach_late_data(
    database: Database, sensor_keys: list[int], aggregated_before: Callable[[], int]
) -> None:
    """Without retention the policies carry late data of any age into the aggregate."""
    old = (datetime.now(UTC) - timedelta(days=200)).replace(minute=0, second=0, microsecond=0)
    store(database, [KeyedReading(sensor_keys[0], old + timedelta(seconds=30), 1.0)])
    run_refresh_policies(database)
    assert aggregated_before() == 61


def test_refresh_policies__not_behind_retention(
    database: Database, sensor_keys: list[int], aggregated_before: Callable[[], int]
) -> None:
    """A reading that comes after its neighbours were dropped does not replace what was counted of them."""
    with database.transaction() as connection:
        set_retention(connection, keep_raw_days=90)
    run_retention(database)
    old = (datetime.now(UTC) - timedelta(days=200)).replace(minute=0, second=0, microsecond=0)
    store(database, [KeyedReading(sensor_keys[0], old + timedelta(seconds=30), 1.0)])
    run_refresh_policies(database)
    assert aggregated_before() == 60
