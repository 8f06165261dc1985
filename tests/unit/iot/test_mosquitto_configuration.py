"""The text of Mosquitto's configuration."""

from pathlib import Path

import pytest

from iot.mosquitto_configuration import (
    InvalidFolder,
    OpenBrokerOffLoopback,
    make_mosquitto_configuration,
    require_loopback,
)


def test_make_mosquitto_configuration__keeps_everything() -> None:
    """It listens where it is told, persists, and drops nothing of an absent collector."""
    text = make_mosquitto_configuration(Path("/var/lib/siteproof"), host="127.0.0.1", port=1884)
    lines = text.splitlines()
    for line in (
        "listener 1884 127.0.0.1",
        "persistence true",
        "persistence_location /var/lib/siteproof/",
        "max_queued_messages 0",
    ):
        assert line in lines


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_require_loopback__loopback(host: str) -> None:
    """Addresses of this machine alone are accepted."""
    assert require_loopback(host) == host


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.168.1.1", "::", "broker.example", "127.0.0.1\nlistener 1"])  # noqa: S104
def test_require_loopback__reachable(host: str) -> None:
    """A broker without passwords is refused wherever others could reach it."""
    with pytest.raises(OpenBrokerOffLoopback):
        require_loopback(host)


def test_make_mosquitto_configuration__line_break() -> None:
    """A folder's name cannot bring lines of its own."""
    with pytest.raises(InvalidFolder):
        make_mosquitto_configuration(Path("/tmp/a\nallow_anonymous false"), host="127.0.0.1", port=1884)  # noqa: S108
