"""Values that need more than their own gauge, and values made anew, in the real database."""

import json
import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.sensor import Quality, SensorKind, SensorProfile
from iot.batch import SensorDirectory, store_batch
from iot.calibration import InvalidCalibration
from iot.decoding import read_message
from iot.recomputation import recompute_waiting
from iot.registration import InstrumentOutOfOrder, ReferenceChain, register, replace_instrument
from iot.settlement_record import TemperatureNotFitted
from iot.units import InvalidUnit
from storage.database import Database
from storage.errors import UnknownSensorReference
from storage.reading import bucket_readings, list_readings, refresh_aggregates
from storage.sensor import find_sensor_entry, list_calibration_versions

START = datetime(2026, 7, 1, tzinfo=UTC)
NOW = START + timedelta(days=1)
ARRIVED = START + timedelta(days=11)  # after all that is published: what lies more than a day ahead is no reading
HOUR = timedelta(hours=1)


def put(database: Database, sensor_id: str, *, project: str = "b1", kind: str = "settlement", **changes: Any) -> None:  # noqa: ANN401
    """Register a sensor in millimetres, or what `changes` say."""
    values: dict[str, Any] = {
        "unit": "mm",
        "position": None,
        "calibration": {},
        "range_min": None,
        "range_max": None,
        "alarms": (),
        "stale_after_s": None,
        "profile": SensorProfile(),
    } | changes
    with database.transaction() as connection:
        register(connection, sensor_id=sensor_id, project_id=project, kind=SensorKind(kind), **values)


def publish(database: Database, sensor_id: str, *readings: tuple[float, float]) -> None:
    """Store (hours since START, raw value) readings as the collector would."""
    items = [{"t": (START + hours * HOUR).isoformat(), "v": v} for hours, v in readings]
    message = read_message(f"siteproof/v1/b1/{sensor_id}", json.dumps(items).encode(), arrived_at=ARRIVED)
    with database.transaction() as connection:
        store_batch(connection, messages=[message], directory=SensorDirectory())


def replace(database: Database, sensor_id: str, *, hours: float, **changes: Any) -> None:  # noqa: ANN401
    """Let another instrument take over so many hours after START."""
    values: dict[str, Any] = {"serial": None, "calibration": {}, "level": None, "now": NOW} | changes
    with database.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id=sensor_id)
        assert entry is not None
        replace_instrument(connection, entry=entry, since=START + hours * HOUR, **values)


def read(database: Database, sensor_id: str) -> list[tuple[float, float, bool]]:
    """(hours since START, value, whether it is good) of every reading."""
    with database.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id=sensor_id)
        assert entry is not None
        readings = list_readings(connection, sensor_key=entry.key, limit=1000)
    return [((each.t - START) / HOUR, round(each.v, 9), each.q is Quality.GOOD) for each in readings]


def test_register__gauge_in_another_unit(registered: Database) -> None:
    """A gauge that says metres is stored in millimetres: 0.0125 m are 12.5 mm."""
    put(registered, "lvl", calibration={"unit": "m"})
    publish(registered, "lvl", (0, 0.0125))
    assert read(registered, "lvl") == [(0, 12.5, True)]


def test_store_batch__reference_gauge_is_subtracted(registered: Database) -> None:
    """A reading is good with the newest reference of at most an hour before it, and bad, not wrong, without one."""
    put(registered, "pot")
    put(registered, "p1", calibration={"reference": {"sensor_id": "pot", "max_age_s": 3600}})
    publish(registered, "pot", (1, 2.0), (2, 3.0))
    publish(registered, "p1", (0.5, 10.0), (1, 10.0), (1.5, 10.0), (2, 10.0), (3.5, 10.0))
    assert read(registered, "p1") == [
        (0.5, 10.0, False),
        (1, 8.0, True),
        (1.5, 8.0, True),
        (2, 7.0, True),
        (3.5, 10.0, False),
    ]


def test_recompute__late_reference(registered: Database) -> None:
    """A reference that comes after the readings that need it makes them good; nobody else's value moves."""
    put(registered, "pot", unit="m")
    put(registered, "p1", calibration={"reference": {"sensor_id": "pot", "max_age_s": 3600}})
    publish(registered, "p1", (1, 10.0), (5, 20.0))
    publish(registered, "pot", (1, 0.002))
    assert recompute_waiting(registered, max_pages=10) == 1
    # 0.002 m are 2 mm.
    assert read(registered, "p1") == [(1, 8.0, True), (5, 20.0, False)]
    assert recompute_waiting(registered, max_pages=10) == 0


def test_store_batch__temperature_is_compensated(registered: Database) -> None:
    """0.1 mm for each degree above 20: 5 mm at 25 degrees are 4.5 mm; the thermometer speaks Fahrenheit, 77 is 25."""
    put(registered, "t1", kind="temperature", unit="[degF]")
    put(
        registered, "p1", calibration={"scale": 2, "temperature": {"sensor_id": "t1", "coefficient": 0.1, "zero": 20.0}}
    )
    publish(registered, "t1", (0, 77.0))
    publish(registered, "p1", (0.25, 2.5))
    assert read(registered, "p1") == [(0.25, 4.5, True)]


def test_register__new_calibration_makes_the_record_anew(registered: Database) -> None:
    """Values, their range and the hourly means follow from the raw values by the new calibration; versions are kept."""
    put(registered, "c1", range_max=100.0)
    publish(registered, "c1", (0, 10.0), (0.5, 20.0), (1, 200.0))
    assert read(registered, "c1") == [(0, 10.0, True), (0.5, 20.0, True), (1, 200.0, False)]
    put(registered, "c1", range_max=100.0, calibration={"scale": 0.25, "offset": 1})
    assert recompute_waiting(registered, max_pages=10, page=2) == 3
    # 0.25 * 10 + 1, 0.25 * 20 + 1, 0.25 * 200 + 1
    assert read(registered, "c1") == [(0, 3.5, True), (0.5, 6.0, True), (1, 51.0, True)]
    put(registered, "c1", range_max=100.0)
    assert recompute_waiting(registered, max_pages=10) == 3
    assert read(registered, "c1") == [(0, 10.0, True), (0.5, 20.0, True), (1, 200.0, False)]
    with registered.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id="c1")
        assert entry is not None
        assert not entry.sensor.is_recomputing
        buckets = bucket_readings(connection, sensor_key=entry.key, every="1h", limit=10)
        versions = list_calibration_versions(connection, sensor_id="c1", after=None, limit=10).items
    assert [(each.mean, each.n) for each in buckets] == [(15.0, 2)]
    assert [each.calibration for each in versions] == [{}, {"scale": 0.25, "offset": 1}, {}]


def test_register__the_same_again_makes_nothing_anew(registered: Database) -> None:
    """A repeated PUT is no work."""
    put(registered, "c1", calibration={"scale": 2})
    publish(registered, "c1", (0, 10.0))
    put(registered, "c1", calibration={"scale": 2})
    assert recompute_waiting(registered, max_pages=10) == 0
    with registered.transaction() as connection:
        assert len(list_calibration_versions(connection, sensor_id="c1", after=None, limit=10).items) == 1


def test_replace_instrument__before_its_first_reading(registered: Database) -> None:
    """The new instrument begins at 500 of its own; the record goes on at the old one's 5.0, and moves on by 0.2."""
    put(registered, "p1")
    publish(registered, "p1", (0, 4.9), (1, 5.0), (2, 5.1))
    replace(registered, "p1", hours=3, serial="B-7")
    publish(registered, "p1", (3, 500.0))
    publish(registered, "p1", (4, 500.2))
    assert recompute_waiting(registered, max_pages=10) == 0
    assert read(registered, "p1") == [(0, 4.9, True), (1, 5.0, True), (2, 5.1, True), (3, 5.0, True), (4, 5.2, True)]
    publish(registered, "p1", (2.5, 5.1), (5, 500.3))  # a late one of the old instrument
    assert read(registered, "p1")[3] == (2.5, 5.1, True)
    assert read(registered, "p1")[-1] == (5, 5.3, True)


def test_replace_instrument__after_its_readings_came(registered: Database) -> None:
    """Readings that were stored by the old calibration are made anew: 2 * 10 joins at 5.0, 2 * 11 is 2 mm more."""
    put(registered, "p1")
    publish(registered, "p1", (0, 5.0), (3, 10.0), (4, 11.0))
    # Of the first readings the median settles it: (20 + 22) / 2 stands for 5.0.
    replace(registered, "p1", hours=2, calibration={"scale": 2})
    assert recompute_waiting(registered, max_pages=10) == 2
    assert read(registered, "p1") == [(0, 5.0, True), (3, 4.0, True), (4, 6.0, True)]


def test_replace_instrument__surveyed_level(registered: Database) -> None:
    """Where the level was surveyed, the record goes on from there."""
    put(registered, "p1")
    publish(registered, "p1", (0, 5.0))
    replace(registered, "p1", hours=2, level=7.5)
    publish(registered, "p1", (3, 1.0), (4, 1.5))
    assert read(registered, "p1")[1:] == [(3, 7.25, True), (4, 7.75, True)]


def test_replace_instrument__out_of_order(registered: Database) -> None:
    """One takes over after the other, and not next week."""
    put(registered, "p1")
    replace(registered, "p1", hours=2)
    for hours in (1, 2, 24 * 7):
        with pytest.raises(InstrumentOutOfOrder):
            replace(registered, "p1", hours=hours)


def test_register__references_that_cannot_be(registered: Database) -> None:
    """No chains and no circles, nobody who is not there, nobody of another project, nothing of another quantity."""
    put(registered, "pot")
    put(registered, "p1", calibration={"reference": {"sensor_id": "pot"}})
    with pytest.raises(ReferenceChain):
        put(registered, "p2", calibration={"reference": {"sensor_id": "p1"}})
    with pytest.raises(ReferenceChain):
        put(registered, "p2", calibration={"reference": {"sensor_id": "p2"}})
    put(registered, "p3")
    with pytest.raises(ReferenceChain):
        put(registered, "pot", calibration={"reference": {"sensor_id": "p3"}})
    with pytest.raises(UnknownSensorReference):
        put(registered, "p2", calibration={"reference": {"sensor_id": "nobody"}})
    put(registered, "other", project="b2")
    with pytest.raises(InvalidCalibration, match="another project"):
        put(registered, "p2", calibration={"reference": {"sensor_id": "other"}})
    put(registered, "kpa", unit="kPa")
    with pytest.raises(InvalidCalibration, match="kPa"):
        put(registered, "p2", calibration={"reference": {"sensor_id": "kpa"}})
    with pytest.raises(InvalidUnit, match="Cel"):
        put(registered, "p2", unit="°C")


def test_register__coefficient_fitted_from_a_reference_period(registered: Database) -> None:
    """0.1 mm for each degree of a day's course is found from ten days, and taken out of the record."""
    put(registered, "t1", kind="temperature", unit="Cel")
    put(registered, "p1")
    hours = range(240)
    celsius = [20 + 5 * math.sin(2 * math.pi * hour / 24) for hour in hours]
    noise = random.Random(1)  # noqa: S311 - it must be repeatable
    publish(registered, "t1", *zip(hours, celsius, strict=True))
    publish(
        registered, "p1", *((h, 3 + 0.1 * (c - 20) + noise.gauss(0, 0.02)) for h, c in zip(hours, celsius, strict=True))
    )
    refresh_aggregates(registered.url)  # TimescaleDB shows late hours with its next refresh only
    fit = {"from": START.isoformat(), "to": (START + 240 * HOUR).isoformat()}
    for _ in range(2):  # the second time it is known
        put(registered, "p1", calibration={"temperature": {"sensor_id": "t1", "fit": fit}})
    recompute_waiting(registered, max_pages=10)
    with registered.transaction() as connection:
        entry = find_sensor_entry(connection, sensor_id="p1")
    assert entry is not None
    temperature = entry.sensor.calibration["temperature"]
    # The slope of 240 points with noise 0.02 over a deviation of 5 / sqrt(2): 0.02 / (3.54 * sqrt(240)) = 0.0004.
    assert temperature["coefficient"] == pytest.approx(0.1, abs=0.002)
    assert 0 < temperature["standard_uncertainty"] < 0.002
    assert temperature["zero"] == pytest.approx(20.0, abs=0.01)
    assert all(abs(v - 3) < 0.1 and good for _, v, good in read(registered, "p1"))


def test_register__nothing_to_fit(registered: Database) -> None:
    """A period without readings tells no coefficient, and is not guessed from."""
    put(registered, "t1", kind="temperature", unit="Cel")
    put(registered, "p1")
    fit = {"from": START.isoformat(), "to": NOW.isoformat()}
    with pytest.raises(TemperatureNotFitted):
        put(registered, "p1", calibration={"temperature": {"sensor_id": "t1", "fit": fit}})
    with pytest.raises(InvalidCalibration):
        put(registered, "p1", calibration={"temperature": {"sensor_id": "t1", "fit": {"from": "today"}}})
