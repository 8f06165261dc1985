"""Silence and drift, as the sweep tells them, in the real database."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from domain.alarm import GaugeFault
from domain.sensor import AlarmLevel, SensorProfile
from iot.alarm_state import state_from_json
from iot.alarm_view import FaultStanding, tell_faults
from iot.gauge_sweep import sweep_drift, sweep_silence
from storage.alarm_state import list_alarm_states
from storage.database import Database
from storage.reading import refresh_aggregates
from storage.sensor import find_sensor
from tests.integration.iot.test_correction import put
from tests.integration.iot.test_rejudgement import LEVELS, START, list_episodes, publish

HOUR = timedelta(hours=1)
DAY = 24 * HOUR


def test_sweep_silence__falls_silent_and_speaks_again(registered: Database) -> None:
    """One finding for a silence, however often it is swept; the next reading ends it, by its own time."""
    put(registered, "g", alarms=LEVELS, stale_after_s=3600.0)
    publish(registered, "g", [(float(n), 1 + n / 100) for n in range(10)])
    assert sweep_silence(registered, now=START + HOUR) == 0
    assert sweep_silence(registered, now=START + 2 * HOUR) == 1
    assert sweep_silence(registered, now=START + 3 * HOUR) == 0
    assert list_episodes(registered, "g") == [("sensor.silent", 9, 120, None, None, "open")]
    publish(registered, "g", [(200.0, 1.0)])
    assert list_episodes(registered, "g") == [("sensor.silent", 9, 120, 200, "cleared", "resolved")]
    assert sweep_silence(registered, now=START + timedelta(minutes=210)) == 0


def test_sweep_silence__never_spoke(registered: Database) -> None:
    """A sensor that was registered and never said anything is silent since then; one without a limit never is."""
    put(registered, "g", stale_after_s=60.0)
    put(registered, "free")
    assert sweep_silence(registered, now=datetime.now(UTC) + HOUR) == 1
    assert [row[0] for row in list_episodes(registered, "g")] == ["sensor.silent"]
    assert list_episodes(registered, "free") == []


def test_sweep_silence__bad_readings_are_no_silence(registered: Database) -> None:
    """A gauge that says that its readings are bad is not silent: the sweep ends what a bad reading cannot."""
    put(registered, "g", stale_after_s=3600.0)
    publish(registered, "g", [(0.0, 1.0)])
    sweep_silence(registered, now=START + 2 * HOUR)
    with registered.transaction() as connection:
        connection.execute(
            "INSERT INTO reading (sensor_key, t, v, q) SELECT key, %s, 1, 1 FROM sensor WHERE id = 'g'",
            (START + 1.9 * HOUR,),
        )
    assert sweep_silence(registered, now=START + 2 * HOUR) == 1
    assert [row[-1] for row in list_episodes(registered, "g")] == ["resolved"]


def test_sweep_silence__level_raised_before_goes_on(registered: Database) -> None:
    """The silence of a gauge ends no alarm."""
    put(registered, "g", alarms=LEVELS, stale_after_s=3600.0)
    publish(registered, "g", [(float(n), 15 + n / 10) for n in range(10)])
    sweep_silence(registered, now=START + 5 * HOUR)
    assert [(row[0], row[-1]) for row in list_episodes(registered, "g")] == [
        ("yellow", "open"),
        ("sensor.silent", "open"),
    ]


def series(days: int, *, slope: float, seed: int, first: int = 0) -> list[tuple[float, float]]:
    """(minute, value) each hour of a gauge that moves by `slope` a day from the first day on."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    hours = range(24 * first, 24 * (first + days))
    return [(60.0 * hour, 1 + slope * max(0, hour - 240) / 24 + draw.gauss(0, 0.05)) for hour in hours]


@pytest.mark.parametrize("moves", ["one", "both"])
def test_sweep_drift__one_drifts_or_the_pier_settles(registered: Database, database_url: str, moves: str) -> None:
    """0.8 mm/d after ten days: of one gauge it is drift, and its yellow is held back; of both it is settlement."""
    levels = (AlarmLevel(level="yellow", action="inspect", above=10.0), AlarmLevel("red", "close it", above=50.0))
    put(registered, "twin", alarms=levels)
    put(registered, "g", alarms=levels, profile=SensorProfile(redundant_with="twin"))
    for day in range(5, 31, 5):
        publish(registered, "g", series(5, slope=0.8, seed=day, first=day - 5))
        publish(registered, "twin", series(5, slope=0.8 if moves == "both" else 0.0, seed=99 + day, first=day - 5))
        refresh_aggregates(database_url)
        sweep_drift(registered, now=START + day * DAY)
    own = [(row[0], row[-1]) for row in list_episodes(registered, "g")]
    other = [row[0] for row in list_episodes(registered, "twin")]
    if moves == "one":
        assert (own, other) == ([("sensor.drifting", "open")], [])
    else:
        assert (own, other) == ([("yellow", "open")], ["yellow"])


def test_sweep_drift__without_a_twin_that_is_there(registered: Database) -> None:
    """A twin that is not registered, and a gauge that names itself, tell nothing: drift cannot be told."""
    put(registered, "g", alarms=LEVELS, profile=SensorProfile(redundant_with="nobody"))
    put(registered, "self", alarms=LEVELS, profile=SensorProfile(redundant_with="self"))
    for sensor_id in ("g", "self"):
        publish(registered, sensor_id, series(20, slope=0.0, seed=1))
    assert sweep_drift(registered, now=START + 20 * DAY) == 0
    with registered.transaction() as connection:
        states = list_alarm_states(connection, sensor_ids=["g", "self"])
        sensor = find_sensor(connection, sensor_id="g")
    assert sensor is not None
    drifting = next(
        each for each in tell_faults(sensor, state_from_json(states["g"])) if each.code is GaugeFault.DRIFTING
    )
    assert drifting.standing is FaultStanding.CANNOT_TELL


def test_sweep_drift__severest_level_is_raised_all_the_same(registered: Database, database_url: str) -> None:
    """Which of two gauges drifts is not known, so the last level is raised, and says that the gauge is in doubt."""
    levels = (AlarmLevel(level="yellow", action="inspect", above=5.0), AlarmLevel("red", "close it", above=10.0))
    put(registered, "twin")
    put(registered, "g", alarms=levels, profile=SensorProfile(redundant_with="twin"))
    for day in range(1, 31):
        publish(registered, "g", series(1, slope=0.8, seed=day, first=day - 1))
        publish(registered, "twin", series(1, slope=0.0, seed=99 + day, first=day - 1))
        refresh_aggregates(database_url)
        sweep_drift(registered, now=START + day * DAY)
    assert [row[0] for row in list_episodes(registered, "g")] == ["sensor.drifting", "red"]
    with registered.transaction() as connection:
        row = connection.execute("SELECT details -> 'is_gauge_doubtful' FROM finding WHERE code = 'sensor.threshold'")
        assert row.fetchall() == [(True,)]
