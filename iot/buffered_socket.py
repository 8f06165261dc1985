"""A socket for paho that asks the system seldom: it reads ahead, and sends many small packets as one.

paho asks the socket three times for each message and once for each acknowledgement. Each time the thread lets the
others have Python's lock and waits to get it back, which costs more than everything that paho does beside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from paho.mqtt.client import Client

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

_READ_BYTES: Final = 65_536  # some hundred messages; a TLS record has 16 KiB at most [B]


class BufferedSocket:
    """Around a socket that does not block; what it raises, this raises."""

    def __init__(self, sock: "SocketLike") -> None:
        """Wrap a connected socket."""
        self._sock = sock
        self._received = b""
        self._position = 0
        self._unsent = bytearray()
        self._is_gathering = False

    @property
    def has_unsent(self) -> bool:
        """Whether `flush` has something to do."""
        return bool(self._unsent)

    def pending(self) -> int:
        """How many bytes `recv` gives without asking the system. [B]."""
        own = getattr(self._sock, "pending", None)  # of TLS
        return len(self._received) - self._position + (own() if own is not None else 0)

    def recv(self, buffer_size: int) -> bytes:
        """At most so many bytes; none where the other side has closed. [B]."""
        if self._position == len(self._received):
            self._received = self._sock.recv(max(buffer_size, _READ_BYTES))
            self._position = 0
        start = self._position
        self._position = min(start + buffer_size, len(self._received))
        return self._received[start : self._position]

    def send(self, buffer: bytes | bytearray) -> int:
        """Send as much as goes, or keep all of it while gathering; how many bytes were taken. [B]."""
        if self._is_gathering:
            self._unsent += buffer
            return len(buffer)
        if self._unsent:
            self.flush()
        return self._sock.send(buffer)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """What is sent within is kept until `flush`."""
        self._is_gathering = True
        try:
            yield
        finally:
            self._is_gathering = False

    def flush(self) -> None:
        """Send what was gathered.

        Raises:
            BlockingIOError: the system takes no more just now; the rest is kept.
            OSError: the connection is lost.
        """
        while self._unsent:
            del self._unsent[: self._sock.send(self._unsent)]

    def close(self) -> None:
        """Close it."""
        self._sock.close()

    def fileno(self) -> int:
        """Of the socket, for select."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the socket's own interface
        """As of the socket."""
        self._sock.setblocking(flag)


class BufferedClient(Client):
    """paho's client with a buffered socket; for callers that run the loop themselves."""

    def _create_socket(self) -> BufferedSocket:
        return BufferedSocket(super()._create_socket())
