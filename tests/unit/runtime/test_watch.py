from itertools import islice

from runtime.watch import list_waits


def test_list_waits__grow_to_a_minute() -> None:
    """1, 2, 4, 8, 16, 32 s, and a minute from then on."""
    assert list(islice(list_waits(), 8)) == [1, 2, 4, 8, 16, 32, 60, 60]
