"""The socket that reads ahead and sends together."""

import socket
from collections.abc import Iterator

import pytest

from iot.buffered_socket import BufferedSocket

Pair = tuple[BufferedSocket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Ours, which does not block, and the other end of the connection."""
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    buffered = BufferedSocket(ours)
    yield buffered, theirs
    buffered.close()
    theirs.close()


def test_recv__reads_ahead(pair: Pair) -> None:
    """Few bytes are asked for, all that came are there, in order, without asking the system again."""
    ours, theirs = pair
    theirs.sendall(b"abcdef")
    assert ours.pending() == 0
    assert ours.recv(1) == b"a"
    assert ours.pending() == 5
    theirs.sendall(b"gh")
    assert (ours.recv(2), ours.recv(100), ours.recv(100)) == (b"bc", b"def", b"gh")
    with pytest.raises(BlockingIOError):
        ours.recv(1)


def test_recv__the_other_end_is_gone(pair: Pair) -> None:
    """What came before the end is given first, then nothing, as a socket says that it is closed."""
    ours, theirs = pair
    theirs.sendall(b"ab")
    theirs.close()
    assert (ours.recv(1), ours.recv(1), ours.recv(1)) == (b"a", b"b", b"")


def test_send__gathered(pair: Pair) -> None:
    """Within `gathering` nothing goes out; then all of it in order, before what is sent later."""
    ours, theirs = pair
    theirs.settimeout(0)
    with ours.gathering():
        assert (ours.send(b"ab"), ours.send(b"c")) == (2, 1)
    with pytest.raises(BlockingIOError):
        theirs.recv(10)
    assert ours.send(b"d") == 1
    assert theirs.recv(10) == b"abcd"


def test_flush__the_system_takes_no_more(pair: Pair) -> None:
    """The rest is kept, nothing else overtakes it, and it goes out when there is room again."""
    ours, theirs = pair
    gathered = bytes(range(256)) * 16_384
    with ours.gathering():
        ours.send(gathered)
    for attempt in (ours.flush, lambda: ours.send(b"x")):
        with pytest.raises(BlockingIOError):
            attempt()
    received = bytearray()
    while ours.has_unsent:
        received += theirs.recv(1_000_000)
        try:
            ours.flush()
        except BlockingIOError:
            continue
    theirs.settimeout(0)
    while len(received) < len(gathered):
        received += theirs.recv(1_000_000)
    assert received == gathered
