"""Brokers' URLs."""

import pytest

from iot.endpoint import Endpoint, InvalidBrokerUrl, parse_broker_url


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("mqtt://127.0.0.1:1884", Endpoint("127.0.0.1", 1884, is_encrypted=False)),
        ("mqtt://broker", Endpoint("broker", 1883, is_encrypted=False)),
        ("mqtts://broker/", Endpoint("broker", 8883, is_encrypted=True)),
        ("mqtts://us%40er:p%3Aw%2F@broker:1", Endpoint("broker", 1, is_encrypted=True, user="us@er", password="p:w/")),
        ("mqtt://user@[::1]:1883", Endpoint("::1", 1883, is_encrypted=False, user="user")),
    ],
)
def test_parse_broker_url__of_a_broker(url: str, endpoint: Endpoint) -> None:
    """Scheme, user, password, host and port are taken; the ports are those of IANA."""
    assert parse_broker_url(url) == endpoint


@pytest.mark.parametrize(
    "url",
    ["", "broker:1883", "http://broker", "mqtt://", "mqtt://broker:port", "mqtt://broker:99999", "mqtt://b/topic"],
)
def test_parse_broker_url__of_nothing(url: str) -> None:
    """Anything else is refused, and its text, which may hold a password, is not repeated."""
    with pytest.raises(InvalidBrokerUrl) as caught:
        parse_broker_url(url)
    assert "broker:port" not in caught.value.detail


def test_endpoint__keeps_its_password() -> None:
    """Neither its text nor its representation shows the password."""
    endpoint = parse_broker_url("mqtts://user:secret@broker")
    assert "secret" not in f"{endpoint} {endpoint!r}"
