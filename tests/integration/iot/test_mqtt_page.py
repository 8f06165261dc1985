"""The examples of docs/mqtt.md, run as they stand there."""

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.sensor import SensorKind
from storage.database import Database
from storage.dead_letter import count_dead_letters
from storage.reading import list_readings
from storage.sensor import find_sensor_entry, put_sensor
from tests.integration.iot.conftest import DEADLINE_S, Mosquitto, wait_until
from tests.integration.iot.test_collector import run_collector

START = datetime(2026, 11, 20, 2, tzinfo=UTC)


def test_mqtt_page__examples(registered: Database, mosquitto: Mosquitto, repository: Path) -> None:
    """Each standard's example is stored, with its unit converted, its alias resolved and its tag followed."""
    sensor = "pier-1.settlement"
    with registered.transaction() as connection:
        put_sensor(connection, sensor_id=sensor, project_id="b1", kind=SensorKind.SETTLEMENT, unit="mm")
    examples = re.findall(r"```sh\n(.*?)```", (repository / "docs/mqtt.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 5
    port = f'mosquitto_pub() {{ command mosquitto_pub -p {mosquitto.port} "$@"; }}\n'
    with run_collector(registered, mosquitto.url) as collector:
        for example in examples:
            subprocess.run(["bash", "-ec", port + example], timeout=DEADLINE_S, check=True)
        wait_until(lambda: collector.counters.received == 6, what="6 messages")
        wait_until(lambda: collector.counters.dead == 1, what="the dead letter")
    with registered.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id=sensor)
        assert entry is not None
        readings = list_readings(connection, sensor_key=entry.key, limit=9)
        assert count_dead_letters(connection) == {"reading.bad_time": 1}
    # The birth says again what the first example said; 1795140300 is 02:05 (`date -u -d @1795140300`).
    expected = [(0, 3.2), (1, 3.3), (5, 3.3), (6, 3.4), (10, 3.5)]
    assert [((each.t - START) / timedelta(minutes=1), round(each.v, 9)) for each in readings] == expected
