from datetime import UTC, datetime, timedelta

import pytest

from api import throttle
from api.throttle import Throttle, name_address

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)


def test_throttle__beyond_its_limit__waits_for_the_next_window() -> None:
    """Two an hour for each; another key has its own count; after an hour it starts anew, with another salt."""
    counted = Throttle(limit=2)
    assert [counted.take("a", now=NOW) for _ in range(3)] == [True, True, False]
    assert counted.take("b", now=NOW)
    salt = counted._salt
    assert not counted.take("a", now=NOW + timedelta(minutes=59, seconds=59))
    assert counted.take("a", now=NOW + timedelta(hours=1))
    assert counted._salt != salt


def test_throttle__what_it_keeps__is_no_address() -> None:
    """Nothing in it can be read as whom it counted."""
    counted = Throttle(limit=2)
    counted.take("203.0.113.7", now=NOW)
    assert all(b"203" not in key for key in counted._counts)


def test_throttle__more_keys_than_it_keeps__share_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded, and a crowd of addresses gets no more through than one."""
    monkeypatch.setattr(throttle, "MAX_KEYS", 3)
    counted = Throttle(limit=2)
    passed = [counted.take(f"k{number}", now=NOW) for number in range(10)]
    assert passed == [True] * 3 + [True] * 2 + [False] * 5
    assert len(counted._counts) == 4


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        (None, "", True),
        ("testclient", "other", False),
    ],
)
def test_name_address__of_two__is_one_where_a_subscriber_is_one(
    one: str | None,
    other: str,
    is_same: bool,  # noqa: FBT001 - a table of cases
) -> None:
    """An IPv6 subscriber has a /64 at least (RFC 6177), and a mapped IPv4 address is that address."""
    assert (name_address(one) == name_address(other)) is is_same
