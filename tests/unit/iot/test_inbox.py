"""The queue between the two threads."""

import threading

from iot.inbox import Inbox


def test_take__nothing_there() -> None:
    """Nothing comes, nothing is taken."""
    inbox: Inbox[int] = Inbox(max_items=5, max_bytes=100)
    assert inbox.take(max_items=10, linger_s=0.01, wait_s=0.001) == []


def test_take__in_order_up_to_a_batch() -> None:
    """A batch ends with the item that fills it; the rest is the next one."""
    inbox: Inbox[int] = Inbox(max_items=100, max_bytes=100)
    for number in range(5):
        inbox.put(number, items=2, size_bytes=1)
    assert inbox.take(max_items=3, linger_s=0.01, wait_s=0.001) == [0, 1]
    assert inbox.take(max_items=100, linger_s=0.01, wait_s=0.001) == [2, 3, 4]


def test_has_room__by_items_and_bytes() -> None:
    """Either limit closes it, taking opens it again."""
    inbox: Inbox[str] = Inbox(max_items=3, max_bytes=100)
    seen = [inbox.has_room]
    inbox.put("a", items=3, size_bytes=1)
    seen.append(inbox.has_room)
    inbox.take(max_items=9, linger_s=0.01, wait_s=0.001)
    seen.append(inbox.has_room)
    inbox.put("b", items=1, size_bytes=100)
    seen.append(inbox.has_room)
    assert seen == [True, False, True, False]


def test_take__from_another_thread() -> None:
    """Everything put is taken once, in order, whatever the two threads' pace."""
    inbox: Inbox[int] = Inbox(max_items=10**9, max_bytes=10**9)
    count = 20_000

    def put_all() -> None:
        for number in range(count):
            inbox.put(number, items=1, size_bytes=1)

    thread = threading.Thread(target=put_all)
    thread.start()
    taken: list[int] = []
    while len(taken) < count:
        batch = inbox.take(max_items=500, linger_s=0.005, wait_s=5.0)
        assert batch
        taken += batch
    thread.join()
    assert taken == list(range(count))
