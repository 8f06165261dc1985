"""Readings published on real brokers."""

import threading
from datetime import UTC, datetime, timedelta

from iot.publication import publish_readings
from iot.simulation import Gauge, SettlementLaw, SimulatedReading, Weather, simulate_gauge
from storage.database import Database
from storage.reading import list_readings
from storage.sensor import find_sensor_entry
from tests.integration.iot.conftest import wait_until
from tests.integration.iot.test_collector import run_collector

LOADED = datetime(2026, 7, 1, tzinfo=UTC)


def simulate(start: datetime, *, end: datetime | None, every: timedelta) -> list[SimulatedReading]:
    """What gauge s1 says."""
    gauge = Gauge("s1", SettlementLaw(final_mm=5.0), start)
    return list(simulate_gauge(gauge, weather=Weather(), start=start, every=every, seed=7, end=end))


def test_publish_readings__at_once(registered: Database, broker_url: str) -> None:
    """The past is published in lists and arrives whole, with its own times and numbers."""
    series = simulate(LOADED, end=LOADED + timedelta(hours=901), every=timedelta(hours=1))
    with run_collector(registered, broker_url) as collector:
        published = publish_readings(
            broker_url, project_id="b1", readings=series, stop=threading.Event(), client_id="gauge", speed_up=None
        )
        wait_until(lambda: collector.counters.stored == 901, what="901 readings")
        # 901 readings are four lists of 200 and one of 101.
        assert collector.counters.received == 5
    assert published == 901
    with registered.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id="s1")
        assert entry is not None
        stored = list_readings(connection, sensor_key=entry.key, limit=999)
    assert [(each.t, each.v, each.seq) for each in stored] == [(each.t, each.v, each.seq) for each in series]


def test_publish_readings__sped_up(registered: Database, broker_url: str) -> None:
    """Two days pass in a moment at a hundred thousand times the speed, reading by reading, in order."""
    series = simulate(LOADED, end=LOADED + timedelta(days=2), every=timedelta(hours=1))
    with run_collector(registered, broker_url) as collector:
        publish_readings(
            broker_url, project_id="b1", readings=series, stop=threading.Event(), client_id="gauge", speed_up=1e5
        )
        wait_until(lambda: collector.counters.stored == 48, what="48 readings")
        assert collector.counters.received == 48


def test_publish_readings__stopped(broker_url: str) -> None:
    """A gauge that waits for its next reading's time stops at once when it is told."""
    stop = threading.Event()
    now = datetime.now(UTC)
    series = simulate(now - timedelta(seconds=3), end=now + timedelta(hours=9), every=timedelta(hours=1))
    published: list[int] = []

    def run() -> None:
        published.append(publish_readings(broker_url, project_id="b1", readings=series, stop=stop, client_id="gauge"))

    thread = threading.Thread(target=run)
    thread.start()
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert published in ([0], [1])
