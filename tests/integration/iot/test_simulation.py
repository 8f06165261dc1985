"""The simulated gauge on real brokers."""

import threading
from datetime import UTC, datetime, timedelta

from iot.simulation import SettlementLaw, publish_series, settlement_series
from storage.database import Database
from storage.reading import list_readings
from storage.sensor import find_sensor_entry
from tests.integration.iot.conftest import wait_until
from tests.integration.iot.test_collector import run_collector

LOADED = datetime(2026, 7, 1, tzinfo=UTC)


def test_publish_series__collected(registered: Database, broker_url: str) -> None:
    """The gauge's past is published at once and arrives whole, with its own times and numbers."""
    series = list(
        settlement_series(SettlementLaw(), loaded_at=LOADED, start=LOADED, every=timedelta(hours=1), seed=7, count=200)
    )
    with run_collector(registered, broker_url) as collector:
        published = publish_series(broker_url, project_id="b1", sensor_id="s1", readings=series, stop=threading.Event())
        wait_until(lambda: collector.counters.stored == 200, what="200 readings")
    assert published == 200
    with registered.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id="s1")
        assert entry is not None
        stored = list_readings(connection, sensor_key=entry.key, limit=999)
    assert [(each.t, each.v, each.seq) for each in stored] == [(each.t, each.v, each.seq) for each in series]


def test_publish_series__stopped(broker_url: str) -> None:
    """A gauge that waits for its next reading's time stops at once when it is told."""
    stop = threading.Event()
    start = datetime.now(UTC) - timedelta(seconds=3)
    series = settlement_series(SettlementLaw(), loaded_at=LOADED, start=start, every=timedelta(hours=1), seed=7)
    published: list[int] = []

    def run() -> None:
        published.append(publish_series(broker_url, project_id="b1", sensor_id="s1", readings=series, stop=stop))

    thread = threading.Thread(target=run)
    thread.start()
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert published in ([0], [1])
