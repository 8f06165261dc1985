"""Readings as columns: gathered, put in order, and written as COPY reads them."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from storage.keyed_reading import BAD, KeyedReading, concatenate, gather

START = datetime(2026, 7, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
READINGS = st.lists(
    st.builds(
        KeyedReading,
        st.integers(1, 3),
        st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as it asks
        | st.sampled_from([START, START + SECOND]),
        st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.integers(0, 3),
        st.none() | st.integers(-(2**63), 2**63 - 1),
    )
)


@given(READINGS)
def test_gather__read_back(readings: list[KeyedReading]) -> None:
    """Columns give back what they were gathered of."""
    assert gather(readings).list_rows() == readings


def test_gather__of_another_zone() -> None:
    """The moment counts, and comes back in UTC."""
    elsewhere = START.astimezone(timezone(timedelta(hours=8)))
    assert [each.t for each in gather([KeyedReading(1, elsewhere, 0.0)]).list_rows()] == [START]


@given(READINGS)
def test_put_in_order__first_of_each(readings: list[KeyedReading]) -> None:
    """By sensor and time, and of several with the same the one that came first."""
    first: dict[tuple[int, datetime], KeyedReading] = {}
    for each in readings:
        first.setdefault((each.sensor_key, each.t), each)
    assert gather(readings).put_in_order().list_rows() == [first[key] for key in sorted(first)]


@given(READINGS)
def test_split__each_sensor(readings: list[KeyedReading]) -> None:
    """Each sensor's readings come together, and no others."""
    ordered = gather(readings).put_in_order()
    found = [(key, own.list_rows()) for key, own in ordered.split()]
    assert [key for key, _ in found] == sorted({each.sensor_key for each in readings})
    assert [each for _, own in found for each in own] == ordered.list_rows()
    assert all(each.sensor_key == key for key, own in found for each in own)


def test_concatenate__keeps_the_order() -> None:
    """One batch after the other, an empty one too."""
    rows = [KeyedReading(2, START, 1.0, seq=3), KeyedReading(1, START, 2.0)]
    assert concatenate([gather(rows[:1]), gather([]), gather(rows[1:])]).list_rows() == rows


def test_leave_out__by_sensor_and_time() -> None:
    """Only what has both is left out. 1,782,864,000 s: `date -u -d 2026-07-01 +%s`."""
    rows = [KeyedReading(1, START, 1.0), KeyedReading(2, START, 2.0), KeyedReading(1, START + SECOND, 3.0)]
    assert gather(rows).leave_out({(1, 1_782_864_000_000_000)}).list_rows() == rows[1:]


def test_list_months__in_utc() -> None:
    """The month of the moment in UTC, each once, also on its first and last microsecond."""
    moments = [START, START - timedelta(microseconds=1), START + SECOND, datetime(1999, 12, 31, 23, tzinfo=UTC)]
    months = gather(KeyedReading(1, t, 0.0) for t in moments).list_months()
    assert months == [date(1999, 12, 1), date(2026, 6, 1), date(2026, 7, 1)]


def test_list_ends__first_and_last() -> None:
    """The times of the first and the last."""
    rows = [KeyedReading(1, START + n * SECOND, 0.0) for n in range(3)]
    assert gather(rows).list_ends() == (START, START + 2 * SECOND)


@given(READINGS)
def test_list_seconds__to_the_last_bit(readings: list[KeyedReading]) -> None:
    """Alarm states hold times as `datetime.timestamp` gives them, so no bit may differ."""
    assert gather(readings).list_seconds() == [each.t.timestamp() for each in readings]


def test_write_copy__by_the_documentation() -> None:
    """Signature, flags and header extension; a row of six fields, each with its size, or -1 for null; the end.

    PostgreSQL's documentation, COPY, "Binary Format". A timestamp is in microseconds since 2000-01-01, and
    2000-01-02 is 86,400,000,000 of them later.
    """
    t = datetime(2000, 1, 2, tzinfo=UTC)
    head = b"PGCOPY\n\377\r\n\0" + struct.pack(">ii", 0, 0)
    key_t_v = struct.pack(">h ii iq id", 6, 4, 7, 8, 86_400_000_000, 8, 1.5)
    bare = key_t_v + struct.pack(">i ih i", -1, 2, 0, -1)
    whole = key_t_v + struct.pack(">id ih iq", 8, -2.5, 2, 1, 8, -9)
    end = struct.pack(">h", -1)
    assert gather([KeyedReading(7, t, 1.5)]).write_copy() == head + bare + end
    assert gather([KeyedReading(7, t, 1.5, -2.5, BAD, -9)]).write_copy() == head + whole + end
    both = gather([KeyedReading(7, t, 1.5, -2.5, BAD, -9), KeyedReading(7, t, 1.5)]).write_copy()
    assert both == head + bare + whole + end


def test_write_copy__of_nothing() -> None:
    """A head and an end."""
    assert gather([]).write_copy() == b"PGCOPY\n\377\r\n\0" + bytes(8) + b"\377\377"
