"""A batch of messages in the real database."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.finding import Decision
from domain.sensor import AlarmLevel, SensorKind
from findings.recording import decide_finding
from iot.batch import BatchResult, SensorDirectory, store_batch
from iot.decoding import Message, read_message
from storage.alarm_state import list_alarm_states
from storage.database import Database
from storage.dead_letter import count_dead_letters, list_dead_letters
from storage.reading import latest_readings
from storage.rejudgement import find_waiting_rejudgement
from storage.sensor import put_sensor

START = datetime(2026, 7, 1, tzinfo=UTC)
ARRIVED = START + timedelta(days=1)


def message(sensor: str, *readings: tuple[float, object], project: str = "b1", again: bool = False) -> Message:
    """A message of (seconds, value) readings."""
    items = [{"t": (START + timedelta(seconds=s)).isoformat(), "v": v} for s, v in readings]
    topic = f"siteproof/v1/{project}/{sensor}"
    return read_message(topic, json.dumps(items).encode(), arrived_at=ARRIVED, is_redelivery=again)


def store(database: Database, *messages: Message, directory: SensorDirectory | None = None) -> BatchResult:
    """Store in a transaction of its own."""
    with database.transaction() as connection:
        return store_batch(connection, messages=messages, directory=directory or SensorDirectory())


def test_store_batch__all_kinds(registered: Database) -> None:
    """Readings, dead letters and a finding come out of one batch."""
    result = store(
        registered,
        message("s1", (0, 1.0), (1, "x"), (2, 11.0)),
        message("s2", (0, 1.0)),
        message("nobody", (0, 1.0)),
        message("s1", (5, 1.0), project="b2"),
        read_message("siteproof/v1/b1/s1", b"\xff", arrived_at=ARRIVED),
    )
    assert result == BatchResult(stored=3, duplicate=0, dead=4, findings=1)
    with registered.transaction() as connection:
        counts = count_dead_letters(connection)
        finding = connection.execute("SELECT sensor_id, code, severity, occurred_at FROM finding").fetchone()
        event = connection.execute("SELECT type, subject, occurred_at FROM event").fetchall()
    assert counts == {
        "payload.not_json": 1,
        "reading.not_a_number": 1,
        "reading.unknown_sensor": 1,
        "reading.wrong_project": 1,
    }
    assert finding == ("s1", "sensor.threshold", "minor", START + timedelta(seconds=2))
    assert len(event) == 1


def test_store_batch__again(registered: Database) -> None:
    """The same messages delivered again store nothing, raise nothing and bury nothing."""
    first = (message("s1", (0, 1.0), (1, "x"), (2, 11.0)), message("nobody", (0, 1.0)))
    second = (message("s1", (0, 1.0), (1, "x"), (2, 11.0), again=True), message("nobody", (0, 1.0), again=True))
    store(registered, *first)
    result = store(registered, *second)
    assert (result.stored, result.duplicate, result.findings) == (0, 2, 0)
    with registered.transaction() as connection:
        assert len(list_dead_letters(connection, after=None, limit=9).items) == 2


def test_store_batch__alarm_across_batches(registered: Database) -> None:
    """The alarm goes on where the last batch left it: raised once, cleared, raised again as another episode."""
    results = [
        store(registered, message("s1", (second, value)))
        for second, value in [(0, 11.0), (1, 12.0), (2, 9.8), (3, 9.0), (4, 10.1)]
    ]
    assert [result.findings for result in results] == [1, 0, 0, 0, 1]


def test_store_batch__late_reading_and_alarm(registered: Database) -> None:
    """A late reading is stored and raises nothing by itself; where it may change the history, that is judged again."""
    store(registered, message("s1", (100, 1.0)))
    assert store(registered, message("s1", (60, 2.0))).findings == 0
    with registered.transaction() as connection:
        assert find_waiting_rejudgement(connection, without=[]) is None
    result = store(registered, message("s1", (50, 99.0)))
    assert (result.stored, result.findings) == (1, 0)
    with registered.transaction() as connection:
        state = list_alarm_states(connection, sensor_ids=["s1"])["s1"]
        assert find_waiting_rejudgement(connection, without=[]) == "s1"
    assert state["newest"] == (START + timedelta(seconds=100)).timestamp()


def test_store_batch__cleared_alarm_resolves_its_finding(registered: Database) -> None:
    """What has come back resolves its finding, with an event in the readings' own time."""
    store(registered, message("s1", (0, 11.0), (60, 9.0)))
    with registered.transaction() as connection:
        row = connection.execute("SELECT status, details -> 'resolution' FROM finding").fetchone()
        events = connection.execute("SELECT type, occurred_at FROM event ORDER BY seq").fetchall()
    at = START + timedelta(seconds=60)
    assert row == ("resolved", {"reason": "cleared", "at": at.isoformat()})
    assert events == [("siteproof.finding.recorded", START), ("siteproof.finding.resolved", at)]


def test_store_batch__cleared_alarm_that_a_person_confirmed(registered: Database) -> None:
    """What a person has confirmed stays confirmed when the value comes back."""
    store(registered, message("s1", (0, 11.0)))
    with registered.transaction() as connection:
        (finding_id,) = connection.execute("SELECT id FROM finding").fetchone() or (None,)
        assert isinstance(finding_id, UUID)
        decide_finding(
            connection, finding_id=finding_id, decision=Decision.CONFIRMED, reviewed_by="li", reason="seen on site"
        )
    store(registered, message("s1", (60, 9.0)))
    with registered.transaction() as connection:
        assert connection.execute("SELECT status FROM finding").fetchall() == [("confirmed",)]
        assert connection.execute("SELECT end_reason FROM alarm_episode").fetchall() == [("cleared",)]


def test_store_batch__out_of_range_raises_nothing(registered: Database) -> None:
    """A value that the gauge cannot give is stored as bad and no alarm."""
    with registered.transaction() as connection:
        put_sensor(
            connection,
            sensor_id="s3",
            project_id="b1",
            kind=SensorKind.SETTLEMENT,
            unit="mm",
            range_max=50.0,
            alarms=[AlarmLevel(level="red", action="close it", above=20.0, for_n=1)],
        )
    assert store(registered, message("s3", (0, 9999.0))).findings == 0
    assert store(registered, message("s3", (1, 21.0))).findings == 1


def test_store_batch__sensor_changed(registered: Database) -> None:
    """A sensor registered or changed a moment ago is known to the next batch of the same process."""
    directory = SensorDirectory()
    assert store(registered, message("s9", (0, 1.0)), directory=directory).dead == 1
    with registered.transaction() as connection:
        put_sensor(connection, sensor_id="s9", project_id="b1", kind=SensorKind.RAIN, unit="mm")
    assert store(registered, message("s9", (1, 1.0)), directory=directory).stored == 1
    with registered.transaction() as connection:
        put_sensor(
            connection,
            sensor_id="s9",
            project_id="b1",
            kind=SensorKind.RAIN,
            unit="mm",
            calibration={"scale": 10},
        )
    store(registered, message("s9", (2, 1.0)), directory=directory)
    with registered.transaction() as connection:
        assert latest_readings(connection, sensor_ids=["s9"])["s9"].v == 10.0


def test_store_batch__nothing(registered: Database) -> None:
    """An empty batch is no work."""
    assert store(registered) == BatchResult(stored=0, duplicate=0, dead=0, findings=0)


def test_store_batch__topic_with_nul(registered: Database) -> None:
    """A topic that PostgreSQL's text cannot hold is kept all the same."""
    assert store(registered, read_message("a\0b", b"\0", arrived_at=ARRIVED)).dead == 1
    with registered.transaction() as connection:
        (letter,) = list_dead_letters(connection, after=None, limit=9).items
    assert (letter.topic, letter.payload, letter.code) == ("a\ufffdb", b"\0", "topic.unknown")
