"""The settlement analysis over HTTP, on the record of a simulated bridge."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import pytest

from domain.access import Role
from iot.settlement_record import load_record
from iot.simulation import (
    Gauge,
    SettlementLaw,
    SimulatedReading,
    Weather,
    simulate_gauge,
    simulate_thermometer,
)
from storage.keyed_reading import KeyedReading, gather
from storage.reading import refresh_aggregates, store_readings
from storage.sensor import find_sensor_entry
from tests.integration.api.conftest import Api

END = datetime(2026, 11, 1, tzinfo=UTC)
LOADED = END - timedelta(days=200)
WEATHER = Weather()
EVERY = timedelta(hours=2)


def store(api: Api, sensor_id: str, readings: list[SimulatedReading]) -> None:
    """Store what a simulated sensor said."""
    with api.database.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id=sensor_id)
        assert entry is not None
        store_readings(connection, readings=gather(KeyedReading(entry.key, each.t, each.v) for each in readings))


@pytest.fixture
def bridge(api: Api, database_url: str) -> Api:
    """Two piers 20 m apart at rest 6 mm and 2 mm deeper, a thermometer, and a gauge that said nothing."""
    api.put_project("b1", kind="bridge")
    headers = api.make_token(Role.CORE)

    def put(sensor_id: str, along_m: float, kind: str = "settlement", unit: str = "mm") -> None:
        placement = {"structure": "bridge", "along_m": along_m}
        events = [{"at": LOADED.isoformat(), "text": "loaded", "is_loading": True}]
        body = {"project_id": "b1", "kind": kind, "unit": unit, "placement": placement, "events": events}
        assert api.client.put(f"/v1/sensors/{sensor_id}", json=body, headers=headers).is_success

    for sensor_id, along_m, final_mm in (("p1", 0.0, 6.0), ("p2", 20.0, 2.0)):
        put(sensor_id, along_m)
        gauge = Gauge(sensor_id, SettlementLaw(final_mm, timedelta(days=15)), LOADED)
        store(api, sensor_id, list(simulate_gauge(gauge, weather=WEATHER, start=LOADED, every=EVERY, seed=1, end=END)))
    put("air", 10.0, kind="temperature", unit="Cel")
    store(api, "air", list(simulate_thermometer("air", weather=WEATHER, start=LOADED, every=EVERY, seed=1, end=END)))
    put("p3", 40.0)
    refresh_aggregates(database_url)
    return api


def test_settlement__of_a_sensor(bridge: Api) -> None:
    """The movement is the law's, the thermal part the gauge's own coefficient, and the pier is at rest."""
    headers = bridge.make_token(Role.INSPECTOR)
    analysis = bridge.client.get("/v1/sensors/p1/settlement?until=2026-11-01T00:00:00Z", headers=headers).json()
    # 6 * (1 - exp(-200 / 15)) is 6.0000; the baseline is the mean of the first day, 6 * (1 - exp(-0.5 / 15)) = 0.2.
    assert analysis["movement_mm"]["value"] == pytest.approx(5.8, abs=0.15)
    assert analysis["thermal"]["method"] == "temperature"
    assert analysis["thermal"]["coefficient_mm_per_k"]["value"] == pytest.approx(0.02, abs=0.003)
    assert analysis["stability"]["verdict"] == "stable"
    assert analysis["forecast"]["final_movement_mm"]["value"] == pytest.approx(5.8, abs=0.1)
    strict = bridge.client.get(
        "/v1/sensors/p1/settlement?limit_mm_per_day=0.0000001&until=2026-11-01T00:00:00Z", headers=headers
    ).json()
    assert strict["stability"]["verdict"] in {"cannot_tell", "settling"}


def test_settlement__silent_since(bridge: Api) -> None:
    """Asked two months after the last reading, the pier at rest is not called stable: nobody looked."""
    headers = bridge.make_token(Role.INSPECTOR)
    analysis = bridge.client.get("/v1/sensors/p1/settlement?until=2027-01-01T00:00:00Z", headers=headers).json()
    assert analysis["stability"]["verdict"] == "cannot_tell"
    assert analysis["stability"]["parameters"]["why"] == "rate.gap"
    structure = bridge.client.get(
        "/v1/projects/b1/structures/bridge/settlement?until=2027-01-01T00:00:00Z", headers=headers
    ).json()
    verdicts = {point["name"]: point["stability"]["verdict"] for point in structure["points"]}
    assert verdicts == {"p1": "cannot_tell", "p2": "cannot_tell"}


def test_settlement__is_read_in_hours(bridge: Api) -> None:
    """A day of a reading a minute is read as 24 means and the started hour's; that stands at what it holds."""
    start = END + timedelta(days=1)
    with bridge.database.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id="p3")
        assert entry is not None
        minutes = [(start + timedelta(minutes=each), float(each % 60)) for each in range(24 * 60 + 10)]
        store_readings(connection, readings=gather(KeyedReading(entry.key, t, v) for t, v in minutes))
        times, values = load_record(connection, entry=entry, until=start + timedelta(days=1, minutes=10))
    since = times * 86_400 - start.timestamp()
    # Means of 0 to 59, at half past each hour; of 0 to 9, five minutes into the last one.
    assert values == pytest.approx([29.5] * 24 + [4.5])
    assert since == pytest.approx([each * 3600 + 1800 for each in range(24)] + [24 * 3600 + 300], abs=1e-3)


def test_settlement__of_a_structure(bridge: Api) -> None:
    """The piers differ by 4 mm on 20 m, 0.2 mm/m less what was there at the baseline; the silent gauge is named."""
    headers = bridge.make_token(Role.INSPECTOR)
    listed = bridge.client.get("/v1/projects/b1/structures", headers=headers).json()["items"]
    assert listed == [{"name": "bridge", "sensor_ids": ["p1", "air", "p2", "p3"]}]
    analysis = bridge.client.get(
        "/v1/projects/b1/structures/bridge/settlement?until=2026-11-01T00:00:00Z", headers=headers
    ).json()
    assert analysis["silent"] == ["p3"]
    (pair,) = analysis["differentials"]
    assert (pair["first"], pair["second"], pair["distance_m"]) == ("p1", "p2", 20.0)
    assert pair["slope_mm_per_m"]["value"] == pytest.approx(-0.193, abs=0.01)


def test_settlement__nothing_to_analyse(bridge: Api) -> None:
    """A sensor without readings, one in degrees and a structure that is not there are told apart from a mistake."""
    headers = bridge.make_token(Role.INSPECTOR)
    for path, status, code in (
        ("/v1/sensors/p3/settlement", HTTPStatus.CONFLICT, "sensor.no_settlement"),
        ("/v1/sensors/air/settlement", HTTPStatus.CONFLICT, "sensor.no_settlement"),
        ("/v1/projects/b1/structures/none/settlement", HTTPStatus.NOT_FOUND, "structure.not_found"),
        ("/v1/sensors/p1/settlement?temperature_sensor_id=none", HTTPStatus.NOT_FOUND, "sensor.not_found"),
    ):
        response = bridge.client.get(path, headers=headers)
        assert (response.status_code, response.json()["code"]) == (status, code)
