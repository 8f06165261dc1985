import contextlib
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.identifier import InvalidIdentifier
from domain.media import Capture
from ingestion.capture import (
    MAX_CAPTURE_BYTES,
    InvalidClientId,
    InvalidMember,
    InvalidTime,
    MalformedCapture,
    parse_capture,
)

CLIENT_ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


def test_parse_capture__whole() -> None:
    """Every member of the contract is read; what the contract does not know is left out."""
    capture = parse_capture(
        json.dumps(
            {
                "client_id": CLIENT_ID,
                "taken_at": "2026-05-04T09:30:00.250+08:00",
                "position": {"lon": 121.47, "lat": 31.23, "accuracy_m": 8, "crs": "wgs84"},
                "milestone_id": "base-course",
                "camera_id": "cam.1",
                "mood": "good",
            }
        )
    )
    assert capture.client_id == UUID(CLIENT_ID)
    assert capture.taken_at == datetime(2026, 5, 4, 1, 30, 0, 250_000, tzinfo=UTC)
    assert capture.taken_at.tzinfo is UTC
    assert capture.position is not None
    assert (capture.position.lon, capture.position.lat, capture.position.accuracy_m) == (121.47, 31.23, 8)
    assert capture.position.source == "capture"
    assert (capture.milestone_id, capture.camera_id) == ("base-course", "cam.1")


@pytest.mark.parametrize(
    "text", [None, "", b"", "  \n", "{}", b'{"client_id": null, "position": null, "taken_at": null}']
)
def test_parse_capture__silent(text: str | bytes | None) -> None:
    """A sender who says nothing says nothing."""
    assert parse_capture(text) == Capture()


def test_parse_capture__null_island() -> None:
    """0, 0 is let in: the check calls it unknown."""
    position = parse_capture('{"position": {"lon": 0, "lat": 0}}').position
    assert position is not None
    assert position.is_null_island


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        "null",
        '"text"',
        "{'client_id': 1}",
        '{"position": {"lon": NaN, "lat": 1}}',
        '{"position": {"lon": Infinity, "lat": 1}}',
        '{"position": {"lon": -Infinity, "lat": 1}}',
        b"\xff\xfe{}",
        "\ud800",
        "[" * 10_000,
        '{"a":' * 3_000,
        '{"mood": "' + "x" * MAX_CAPTURE_BYTES + '"}',
    ],
)
def test_parse_capture__malformed(text: str | bytes) -> None:
    """What is no JSON object of at most 16 kB is refused, and nesting does not end in a crash."""
    with pytest.raises(MalformedCapture):
        parse_capture(text)


@pytest.mark.parametrize(
    "value", ["", "not-a-uuid", 7, True, {}, "{" + CLIENT_ID[1:-1] + "}", CLIENT_ID.replace("-", ""), CLIENT_ID + "\n"]
)
def test_parse_capture__client_id(value: object) -> None:
    """A shot's id is a UUID in its one way of writing."""
    with pytest.raises(InvalidClientId):
        parse_capture(json.dumps({"client_id": value}))


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-04T09:30:00",
        "2026-05-04",
        "20260504T093000Z",
        "2026-W19-1T09:30:00Z",
        "09:30:00Z",
        "2026-13-04T09:30:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "yesterday",
        "",
        1_777_858_200,
        True,
        [],
    ],
)
def test_parse_capture__time(value: object) -> None:
    """A time without an offset, or in another form, or beyond the calendar, is refused."""
    with pytest.raises(InvalidTime):
        parse_capture(json.dumps({"taken_at": value}))


@pytest.mark.parametrize("value", ["2026-05-04T01:30:00Z", "2026-05-04t01:30:00z", "2026-05-03T20:30:00-05:00"])
def test_parse_capture__time_forms(value: str) -> None:
    """RFC 3339, 5.6, lets T and Z be small and names any offset."""
    assert parse_capture(json.dumps({"taken_at": value})).taken_at == datetime(2026, 5, 4, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("member", ["milestone_id", "camera_id"])
def test_parse_capture__ids(member: str) -> None:
    """Ids are callers' ids: texts of 1 to 64 letters, digits, dots, underlines and hyphens."""
    for wrong in ("", "a b", "a/b", "x" * 65, ".."):
        with pytest.raises(InvalidIdentifier):
            parse_capture(json.dumps({member: wrong}))
    with pytest.raises(InvalidMember):
        parse_capture(json.dumps({member: 5}))


@pytest.mark.parametrize(
    "value", [[], "31,121", {"lon": 1}, {"lon": "a", "lat": 2}, {"lon": 1e999, "lat": 2}, {"lon": 200, "lat": 2}]
)
def test_parse_capture__position(value: object) -> None:
    """A position that is none is refused."""
    with pytest.raises(Invalid):
        parse_capture(json.dumps({"position": value}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
members = st.sampled_from(["client_id", "taken_at", "position", "milestone_id", "camera_id"])
any_position = st.fixed_dictionaries(
    {"lon": json_values, "lat": json_values}, optional={"accuracy_m": json_values, "crs": json_values}
)


@given(st.dictionaries(members, json_values | any_position) | json_values)
def test_parse_capture__any_json(value: object) -> None:
    """Any JSON gives a capture or one of our errors."""
    with contextlib.suppress(Invalid):
        assert isinstance(parse_capture(json.dumps(value)), Capture)


@given(st.binary(max_size=200))
def test_parse_capture__any_bytes(data: bytes) -> None:
    """Any bytes do too."""
    with contextlib.suppress(Invalid):
        assert isinstance(parse_capture(data), Capture)
