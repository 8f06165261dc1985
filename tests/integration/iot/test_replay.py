"""Dead letters tried again, in the real database."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.sensor import DeadLetter, SensorKind
from iot import replay
from iot.batch import BatchResult, SensorDirectory, store_batch
from iot.decoding import Message, read_message
from iot.replay import ReplayResult, replay_dead_letters
from runtime.sensors import show_dead_letters
from storage.database import Connection, Database
from storage.dead_letter import list_dead_letters, store_dead_letters
from storage.reading import latest_readings
from storage.sensor import put_sensor

START = datetime(2026, 7, 1, tzinfo=UTC)


def bury(database: Database, *letters: tuple[str, bytes]) -> None:
    """Let these (sensor, payload) come, a second apart, of which none can be stored."""
    with database.transaction() as connection:
        messages = [
            read_message(f"siteproof/v1/b1/{sensor}", payload, arrived_at=START + timedelta(seconds=second))
            for second, (sensor, payload) in enumerate(letters)
        ]
        result = store_batch(connection, messages=messages, directory=SensorDirectory())
        assert (result.stored, result.dead) == (0, len(letters))


def register(database: Database, sensor_id: str) -> None:
    """Register a sensor that was forgotten."""
    with database.transaction() as connection:
        put_sensor(connection, sensor_id=sensor_id, project_id="b1", kind=SensorKind.TILT, unit="deg")


def list_all(database: Database) -> list[DeadLetter]:
    """All dead letters that are there."""
    with database.transaction() as connection:
        return list(list_dead_letters(connection, after=None, limit=500).items)


def reading(second: int, value: float) -> bytes:
    """The payload of one reading."""
    return f'{{"t": "2026-07-01T00:00:{second:02}Z", "v": {value}}}'.encode()


def test_replay_dead_letters__after_the_sensor_was_registered(registered: Database) -> None:
    """What came too early is stored now; what is still wrong stays, with the time when it first came."""
    bury(registered, ("late", reading(1, 1.5)), ("late", b"junk"), ("late", reading(2, 2.5)), ("nobody", reading(3, 1)))
    register(registered, "late")
    result = replay_dead_letters(registered, chunk=2)
    assert result == ReplayResult(taken=4, stored=2, dead=2)
    with registered.transaction() as connection:
        assert latest_readings(connection, sensor_ids=["late"])["late"].v == 2.5
    left = [(each.code, each.payload, each.received_at) for each in list_all(registered)]
    assert left == [
        ("payload.not_json", b"junk", START + timedelta(seconds=1)),
        ("reading.unknown_sensor", reading(3, 1), START + timedelta(seconds=3)),
    ]


def test_replay_dead_letters__twice(registered: Database) -> None:
    """Again, nothing is stored twice and nothing more remains."""
    bury(registered, ("late", reading(1, 1.5)), ("nobody", reading(3, 1)))
    register(registered, "late")
    replay_dead_letters(registered)
    assert replay_dead_letters(registered) == ReplayResult(taken=1, dead=1)
    assert len(list_all(registered)) == 1


def test_replay_dead_letters__of_one_code_or_topic(registered: Database) -> None:
    """Only what is asked for is touched."""
    bury(registered, ("late", reading(1, 1.5)), ("late", b"junk"), ("later", reading(1, 1.5)))
    register(registered, "late")
    register(registered, "later")
    assert replay_dead_letters(registered, code="payload.not_json") == ReplayResult(taken=1, dead=1)
    assert replay_dead_letters(registered, topic_prefix="siteproof/v1/b1/later") == ReplayResult(taken=1, stored=1)
    assert {each.topic for each in list_all(registered)} == {"siteproof/v1/b1/late"}


def test_replay_dead_letters__the_database_refuses_one(registered: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One letter that cannot be stored stays a dead letter and does not hold the others."""
    bury(registered, *(("late", reading(second, second)) for second in range(5)))
    register(registered, "late")

    def refuse_one(connection: Connection, *, messages: list[Message], directory: SensorDirectory) -> BatchResult:
        if any(b'"v": 3' in each.payload for each in messages):
            raise ValueError("what no decoder foresaw")
        return store_batch(connection, messages=messages, directory=directory)

    monkeypatch.setattr(replay, "store_batch", refuse_one)
    assert replay_dead_letters(registered) == ReplayResult(taken=5, stored=4, dead=1)
    assert [(each.code, each.payload) for each in list_all(registered)] == [("reading.unstorable", reading(3, 3))]


def test_show_dead_letters__hostile_bytes(registered: Database) -> None:
    """Control characters of a stranger reach no terminal, and a letter is one line."""
    letter = DeadLetter("t\x1b[2J", b"\xff\n\x1b]0;x\x07", "payload.not_json", "no\rJSON", START)
    with registered.transaction() as connection:
        store_dead_letters(connection, dead_letters=[letter])
    lines: list[str] = []
    show_dead_letters(registered, code=None, topic_prefix="t", tell=lines.append)
    assert lines == ["2026-07-01T00:00:00+00:00\tpayload.not_json\tt\\x1b[2J\tno\\rJSON\t\\xff\\n\\x1b]0;x\\x07"]
