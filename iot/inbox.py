"""The bounded queue between the thread that reads from the broker and the one that stores."""

import threading
from collections import deque
from time import monotonic
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_TICK_S: Final = 0.003  # how long nothing must come before a batch counts as whole; a commit takes as long


class Inbox(Generic[T]):
    """A queue for one putting and one taking thread, bounded by what its items weigh.

    The putting thread asks `has_room` before it reads more, so a single item may go over the limit, never two.
    """

    def __init__(self, *, max_items: int, max_bytes: int) -> None:
        """Make an empty one.

        Args:
            max_items: readings that may wait; each message counts one at least.
            max_bytes: of payload that may wait. [B]
        """
        self._max_items, self._max_bytes = max_items, max_bytes
        self._queue: deque[tuple[T, int, int]] = deque()
        self._arrived = threading.Event()
        # Each pair of numbers is written by one thread only, so neither needs a lock.
        self._put_items = self._put_bytes = self._taken_items = self._taken_bytes = 0

    @property
    def has_room(self) -> bool:
        """Whether another item may be put."""
        return (
            self._put_items - self._taken_items < self._max_items
            and self._put_bytes - self._taken_bytes < self._max_bytes
        )

    def put(self, item: T, *, items: int, size_bytes: int) -> None:
        """Put one, whatever room there is."""
        self._put_items += items
        self._put_bytes += size_bytes
        self._queue.append((item, items, size_bytes))
        if not self._arrived.is_set():
            self._arrived.set()

    def take(self, *, max_items: int, linger_s: float, wait_s: float) -> list[T]:
        """Take a batch: what has gathered once nothing more comes for a moment, or `linger_s` after it began.

        Args:
            max_items: the batch ends when it holds so many; one heavy item may go over it.
            linger_s: the longest that the batch waits for more. [s]
            wait_s: the longest to wait for a first one. [s]

        Returns:
            The batch; empty where nothing came.
        """
        if not self._queue:
            self._arrived.clear()
            # Asked again, because one may have come between the question and the clearing.
            if not self._queue and not self._arrived.wait(wait_s):
                return []
        self._linger(max_items, linger_s)
        batch: list[T] = []
        weight = 0
        while self._queue and weight < max_items:
            item, items, size_bytes = self._queue.popleft()
            batch.append(item)
            weight += items
            self._taken_items += items
            self._taken_bytes += size_bytes
        return batch

    def _linger(self, max_items: int, linger_s: float) -> None:
        deadline = monotonic() + linger_s
        seen = -1
        pause = threading.Event()
        while seen != self._put_items and self._put_items - self._taken_items < max_items and monotonic() < deadline:
            seen = self._put_items
            pause.wait(_TICK_S)
