"""The text of Mosquitto's configuration."""

from pathlib import Path

import pytest
from paho.mqtt.client import topic_matches_sub

from iot.mosquitto_configuration import (
    _ACL,
    COLLECTOR,
    NETWORK_SERVER,
    InvalidFolder,
    OpenBrokerOffLoopback,
    make_mosquitto_configuration,
    require_loopback,
)
from iot.topics import make_subscriptions


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


def may(user: str, access: str, topic: str) -> bool:
    """Whether the access list lets a user `read` or `write` a topic, by the rules of mosquitto.conf(5)."""
    section = ""
    for line in _ACL.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "user":
            section = rest
        elif kind == "pattern" or (kind == "topic" and section == user):
            granted, _, topic_filter = rest.partition(" ")
            if granted == access and topic_matches_sub(topic_filter.replace("%u", user), topic):
                return True
    return False


SENSOR, SENML = "siteproof/v1/b1/s1", "siteproof/v1/b1/senml"
NODE, DEVICE, COMMAND = "spBv1.0/b1/NDATA/gw", "spBv1.0/b1/DBIRTH/gw/pier", "spBv1.0/b1/NCMD/gw"
UPLINK = "application/a/device/0101010101010101/event/up"


@pytest.mark.parametrize(
    ("user", "access", "allowed"),
    [
        ("b1", "write", {SENSOR, SENML, NODE, DEVICE, COMMAND}),
        ("b1", "read", {COMMAND}),
        ("b2", "write", set()),
        ("b2", "read", set()),
        (NETWORK_SERVER, "write", {UPLINK}),
        (NETWORK_SERVER, "read", set()),
        (COLLECTOR, "write", {COMMAND}),
        (COLLECTOR, "read", {SENSOR, SENML, NODE, DEVICE, COMMAND, UPLINK}),
    ],
)
def test_acl__who_may_what(user: str, access: str, allowed: set[str]) -> None:
    """A project has its own topics, the network server the uplinks; the collector reads all and writes commands."""
    assert {each for each in (SENSOR, SENML, NODE, DEVICE, COMMAND, UPLINK) if may(user, access, each)} == allowed


def test_acl__collector_may_read_what_it_subscribes_to() -> None:
    """Every filter of the collector lies within what it may read."""
    for topic_filter in make_subscriptions(None):
        assert may(COLLECTOR, "read", topic_filter.replace("+", "x").replace("#", "x"))
