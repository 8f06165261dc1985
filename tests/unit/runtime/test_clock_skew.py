from datetime import UTC, datetime, timedelta

from runtime.clock_skew import ClockSkew

_NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_clock_skew__ahead__is_told_less_the_shortest_delay() -> None:
    """A clock 40 s ahead, shots that come 2, 9 and 30 s late: 38 s, the nearest that can be known."""
    skew = ClockSkew()
    for index, delay_s in enumerate((9, 2, 30)):
        assert skew.ahead_s is None
        at = _NOON + timedelta(minutes=index)
        skew.see(camera_at=at + timedelta(seconds=40), arrived_at=at + timedelta(seconds=delay_s))
    assert skew.ahead_s == 38.0


def test_clock_skew__set_right_again__is_told_after_the_old_shots_are_gone() -> None:
    """Sixty shots with the right clock push out the ones before."""
    skew = ClockSkew()
    skew.see(camera_at=_NOON + timedelta(hours=1), arrived_at=_NOON)
    for _ in range(60):
        skew.see(camera_at=_NOON, arrived_at=_NOON + timedelta(seconds=1))
    assert skew.ahead_s == -1.0
