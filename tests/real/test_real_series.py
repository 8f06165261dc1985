"""The labelled series of the Numenta Anomaly Benchmark, as a gauge's: which faults are told of it."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iot.alarm_state import AlarmState
from iot.alarms import judge_readings
from storage.keyed_reading import GOOD
from tests.unit.iot.alarm_cases import tell, watch


@pytest.mark.parametrize("name", ["ambient_temperature_system_failure", "machine_temperature_system_failure"])
def test_series__of_real_thermometers__no_fault_is_made_up(real_data: Path, name: str) -> None:
    """Thermometers that worked, with gaps and real failures of what they measured: none is called broken."""
    with (real_data / "series" / f"{name}.csv").open(encoding="utf-8") as lines:
        rows = sorted(
            (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp(), float(row["value"]), GOOD)
            for row in csv.DictReader(lines)
        )
    _, changes = judge_readings(watch(), AlarmState(), rows)
    assert len(rows) > 7000
    assert [tell(each) for each in changes] == []


def test_series__of_a_real_thermometer__that_is_made_to_stick(real_data: Path) -> None:
    """The same thermometer, held at one value for two days in its last month, is called stuck, and once."""
    with (real_data / "series" / "machine_temperature_system_failure.csv").open(encoding="utf-8") as lines:
        rows = sorted(
            (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp(), float(row["value"]), GOOD)
            for row in csv.DictReader(lines)
        )
    begin = rows[-1][0] - 20 * 86_400
    stuck = next(value for at, value, _ in rows if at >= begin)
    held = [(at, stuck if begin <= at < begin + 2 * 86_400 else value, q) for at, value, q in rows]
    _, changes = judge_readings(watch(), AlarmState(), held)
    assert [tell(each)[:2] for each in changes] == [("raised", "sensor.stuck"), ("ended", "sensor.stuck")]
    assert changes[0].since.timestamp() - begin < 600
