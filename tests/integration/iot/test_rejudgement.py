"""Alarm histories judged again, in the real database."""

import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from domain.finding import Decision
from domain.sensor import AlarmLevel
from findings.recording import decide_finding
from iot.alarm_judgement import choose_superfluous
from iot.batch import SensorDirectory, store_batch
from iot.decoding import read_message
from iot.recomputation import recompute_waiting
from iot.rejudgement import rejudge_waiting
from storage.alarm_state import list_alarm_states
from storage.database import Connection, Database
from storage.rejudgement import is_rejudgement_waiting
from tests.integration.iot.test_correction import put

START = datetime(2026, 7, 1, tzinfo=UTC)
LEVELS = (
    AlarmLevel(level="yellow", action="inspect", above=10.0),
    AlarmLevel(level="red", action="close it", above=20.0),
)
# (level, since, raised, ended, reason, the finding's status), times in minutes
Row = tuple[str | None, float, float, float | None, str | None, str]


def publish(database: Database, sensor_id: str, readings: Sequence[tuple[float, float]]) -> None:
    """Store (minute, value) readings as the collector would."""
    items = [{"t": (START + timedelta(minutes=minute)).isoformat(), "v": v} for minute, v in readings]
    topic = f"siteproof/v1/b1/{sensor_id}"
    message = read_message(topic, json.dumps(items).encode(), arrived_at=START + timedelta(days=400))
    with database.transaction() as connection:
        store_batch(connection, messages=[message], directory=SensorDirectory())


def list_episodes(database: Database, sensor_id: str) -> list[Row]:
    """The recorded episodes with their findings, by their beginning."""

    def minutes(t: datetime | None) -> float | None:
        return None if t is None else (t - START) / timedelta(minutes=1)

    with database.transaction() as connection:
        rows = connection.execute(
            "SELECT coalesce(e.level, e.code), e.since, e.raised_at, e.ended_at, e.end_reason, f.status, f.occurred_at "
            "FROM alarm_episode AS e JOIN finding AS f ON f.id = e.finding_id "
            "WHERE e.sensor_id = %s ORDER BY e.since, e.id",
            (sensor_id,),
        ).fetchall()
    return [(row[0], minutes(row[1]), minutes(row[2]), minutes(row[3]), row[4], row[5]) for row in rows]  # type: ignore[misc]


def quiet(first: int, last: int) -> list[tuple[float, float]]:
    """A normal reading each minute, never twice the same."""
    return [(float(n), 1 + n % 7 / 10) for n in range(first, last)]


def test_rejudge_waiting__late_crossing_is_raised_in_its_own_time(registered: Database) -> None:
    """What a gateway kept for hours holds an alarm that came and went: it is found, at its time, and is over."""
    put(registered, "g", alarms=LEVELS)
    publish(registered, "g", quiet(0, 100))
    publish(registered, "g", quiet(160, 300))
    publish(
        registered, "g", [(float(n), 25 + n % 3 / 100 if 120 <= n < 140 else 1 + n % 7 / 10) for n in range(100, 160)]
    )
    assert list_episodes(registered, "g") == []
    assert rejudge_waiting(registered, max_pages=9) == 1
    assert list_episodes(registered, "g") == [
        ("yellow", 120, 122, 142, "cleared", "resolved"),
        ("red", 120, 122, 142, "cleared", "resolved"),
    ]
    assert rejudge_waiting(registered, max_pages=9) == 0


def test_rejudge_waiting__late_readings_take_an_alarm_back(registered: Database) -> None:
    """Three spikes that came alone were an alarm; their neighbours show what they are: withdrawn, never deleted."""
    put(registered, "g", alarms=LEVELS)
    publish(registered, "g", quiet(0, 100))
    publish(registered, "g", [(100.0, 15.0), (103.0, 16.0), (106.0, 15.5)])
    assert list_episodes(registered, "g") == [("yellow", 100, 106, None, None, "open")]
    publish(registered, "g", [(float(n), 1 + n % 7 / 10) for n in (101, 102, 104, 105, 107, 108)])
    rejudge_waiting(registered, max_pages=9)
    assert list_episodes(registered, "g") == [
        ("yellow", 100, 106, 106, "withdrawn", "resolved"),
        ("sensor.spiking", 107, 107, None, None, "open"),
    ]
    with registered.transaction() as connection:
        state = list_alarm_states(connection, sensor_ids=["g"])["g"]
        row = connection.execute(
            "SELECT details -> 'resolution' ->> 'reason' FROM finding WHERE code = 'sensor.threshold'"
        ).fetchone()
    assert "levels" not in state
    assert row == ("withdrawn",)


def test_rejudge_waiting__what_a_person_decided_stays(registered: Database) -> None:
    """A finding that a person confirmed stays confirmed, though the episode is withdrawn."""
    put(registered, "g", alarms=LEVELS)
    publish(registered, "g", [*quiet(0, 100), (100.0, 15.0), (103.0, 16.0), (106.0, 15.5)])
    with registered.transaction() as connection:
        row = connection.execute("SELECT id FROM finding").fetchone()
        assert row is not None
        decide_finding(
            connection, finding_id=row[0], decision=Decision.CONFIRMED, reviewed_by="li", reason="I saw the crack"
        )
    publish(registered, "g", [(float(n), 1 + n % 7 / 10) for n in (101, 102, 104, 105)])
    rejudge_waiting(registered, max_pages=9)
    assert list_episodes(registered, "g") == [("yellow", 100, 106, 106, "withdrawn", "confirmed")]


def test_rejudge_waiting__an_end_that_was_none(registered: Database) -> None:
    """Late readings show that the value had not come back: the finding is open again, and no other one is made."""
    put(registered, "g", alarms=LEVELS)
    publish(registered, "g", quiet(0, 60))
    publish(registered, "g", [(60.0, 15.0), (61.0, 16.0), (62.0, 15.0), (63.0, 1.0), (65.0, 2.0), (67.0, 1.5)])
    assert list_episodes(registered, "g") == [("yellow", 60, 62, 67, "cleared", "resolved")]
    publish(registered, "g", [(64.0, 15.1), (64.5, 15.2), (66.0, 15.3), (66.5, 15.4)])
    rejudge_waiting(registered, max_pages=9)
    assert list_episodes(registered, "g") == [("yellow", 60, 62, None, None, "open")]
    with registered.transaction() as connection:
        types = [row[0] for row in connection.execute("SELECT type FROM event ORDER BY tx, seq")]
    assert types == [f"siteproof.finding.{each}" for each in ("recorded", "resolved", "reopened")]


def test_rejudge_waiting__page_by_page_while_the_collector_goes_on(registered: Database) -> None:
    """A long history is judged again in pages, each a transaction; what comes between is judged as ever."""
    put(registered, "g", alarms=LEVELS)
    publish(registered, "g", quiet(0, 10))
    publish(registered, "g", quiet(1500, 2000))
    publish(
        registered, "g", [(float(n), 15 + n % 3 / 100 if 500 <= n < 520 else 1 + n % 7 / 10) for n in range(10, 1500)]
    )
    assert rejudge_waiting(registered, max_pages=2, page=400) == 0
    publish(registered, "g", [(2000.0 + n, 25.0 + n / 100) for n in range(5)])
    live = list_episodes(registered, "g")
    assert [row[0] for row in live] == ["yellow", "red"]
    assert rejudge_waiting(registered, max_pages=20, page=400) == 1
    assert list_episodes(registered, "g") == [("yellow", 500, 502, 522, "cleared", "resolved"), *live]
    with registered.transaction() as connection:
        assert not is_rejudgement_waiting(connection, sensor_id="g")


def test_rejudge_waiting__late_again_behind_the_progress(registered: Database) -> None:
    """A reading before what was judged again already sends judging back, so that nothing is missed."""
    put(registered, "g", alarms=LEVELS)
    publish(registered, "g", quiet(0, 10))
    publish(registered, "g", quiet(1500, 1600))
    publish(registered, "g", [*quiet(10, 700), (700.0, 30.0), *quiet(701, 1500)])
    assert rejudge_waiting(registered, max_pages=2, page=400) == 0
    publish(registered, "g", [(300.2, 15.0), (300.4, 16.0), (300.6, 17.0)])
    assert rejudge_waiting(registered, max_pages=20, page=400) == 1
    assert [row[:3] for row in list_episodes(registered, "g")] == [("yellow", 300.2, 300.6)]


def test_rejudge_waiting__new_calibration(registered: Database) -> None:
    """A scale that was wrong by ten made an alarm: with the right one it is withdrawn, once the values are new."""
    put(registered, "g", alarms=LEVELS)
    publish(registered, "g", [(float(n), 15 + n % 7 / 10) for n in range(50)])
    assert [row[-1] for row in list_episodes(registered, "g")] == ["open"]
    put(registered, "g", alarms=LEVELS, calibration={"scale": 0.1})
    assert rejudge_waiting(registered, max_pages=9) == 0
    recompute_waiting(registered, max_pages=9)
    assert rejudge_waiting(registered, max_pages=9) == 1
    assert list_episodes(registered, "g") == [("yellow", 0, 2, 2, "withdrawn", "resolved")]


def test_rejudge_waiting__new_levels_do_not_judge_the_past(registered: Database) -> None:
    """Levels hold from when they are given: late data of before neither raises by them nor takes back what was."""
    put(registered, "g", alarms=LEVELS)
    publish(registered, "g", [*quiet(0, 50), *[(50.0 + n, 12.0 + n / 10) for n in range(10)]])
    put(registered, "g", alarms=[AlarmLevel(level="yellow", action="inspect", above=5.0)])
    publish(registered, "g", [(float(n), 1 + n % 7 / 10) for n in range(60, 80)])
    before = list_episodes(registered, "g")
    assert [row[:4] for row in before] == [("yellow", 50, 52, 62)]
    publish(registered, "g", [(20.2, 8.0), (20.4, 8.1), (20.6, 8.2)])
    rejudge_waiting(registered, max_pages=9)
    assert list_episodes(registered, "g") == before


@pytest.mark.parametrize("seed", range(6))
def test_rejudge_waiting__any_order_gives_the_same_history(registered: Database, seed: int) -> None:
    """However late the readings come, once all are judged the history is that of their order in time."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    readings = quiet(0, 900)
    for _ in range(6):
        first, height = draw.randrange(20, 850), draw.choice([12.0, 15.0, 25.0, 60.0])
        for n in range(first, first + draw.choice([1, 2, 5, 40])):
            readings[n] = (float(n), height + n % 5 / 10)
    put(registered, "ordered", alarms=LEVELS)
    publish(registered, "ordered", readings)
    put(registered, "shuffled", alarms=LEVELS)
    blocks = [readings[n : n + 60] for n in range(0, 900, 60)]
    draw.shuffle(blocks)
    for block in blocks:
        publish(registered, "shuffled", block)
        if draw.random() < 0.3:
            rejudge_waiting(registered, max_pages=draw.choice([1, 9]), page=200)
    rejudge_waiting(registered, max_pages=99, page=200)
    history = [row for row in list_episodes(registered, "shuffled") if row[4] != "withdrawn"]
    assert [row[:5] for row in history] == [row[:5] for row in list_episodes(registered, "ordered")]


def test_store_batch__two_collectors_at_once(registered: Database) -> None:
    """Two collectors that share a sensor reading by reading record each alarm once, and lose none."""
    readings = quiet(0, 400)
    for n in range(200, 240):
        readings[n] = (float(n), 15 + n % 5 / 10)
    put(registered, "ordered", alarms=LEVELS)
    publish(registered, "ordered", readings)
    put(registered, "shared", alarms=LEVELS)

    def collect(own: Sequence[tuple[float, float]]) -> None:
        for first in range(0, len(own), 10):
            publish(registered, "shared", own[first : first + 10])

    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(collect, readings[0::2]), pool.submit(collect, readings[1::2])]:
            job.result()
    rejudge_waiting(registered, max_pages=9)
    assert [row[:5] for row in list_episodes(registered, "shared") if row[4] != "withdrawn"] == [
        row[:5] for row in list_episodes(registered, "ordered")
    ]


def count_checkpoints(connection: Connection, sensor_id: str) -> int:
    """How many states are kept of a sensor."""
    row = connection.execute("SELECT count(*) FROM alarm_checkpoint WHERE sensor_id = %s", (sensor_id,)).fetchone()
    assert row is not None
    return int(row[0])


def test_checkpoints__are_few_after_a_year(registered: Database) -> None:
    """After a year of daily batches about two for each doubling of age are left: 365 days are some 9 doublings."""
    put(registered, "g", alarms=LEVELS)
    for day in range(365):
        publish(registered, "g", [(1440.0 * day, 1 + day % 7 / 10)])
    with registered.transaction() as connection:
        assert 8 <= count_checkpoints(connection, "g") <= 24


def test_choose_superfluous__gaps_grow_with_age() -> None:
    """After thinning the gap behind each checkpoint is at most about its age; the oldest and the two newest stay."""
    kept: list[float] = []
    for n in range(10_000):
        kept.append(float(n))
        gone = set(choose_superfluous(kept))
        kept = [each for each in kept if each not in gone]
    assert (kept[0], kept[-1]) == (0.0, 9999.0)
    assert len(kept) <= 30
    for older, younger in pairwise(kept):
        assert younger - older <= max(1.0, 9999.0 - younger + 1)
