"""MQTT topics."""

import pytest

from iot.topics import UnknownTopic, make_subscriptions, make_topic, parse_topic


def test_parse_topic__of_a_sensor() -> None:
    """The third part is the project, the fourth the sensor."""
    topic = parse_topic("siteproof/v1/bridge-1/pier.2_a")
    assert (topic.project_id, topic.sensor_id) == ("bridge-1", "pier.2_a")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "siteproof/v1/b1",
        "siteproof/v1/b1/s1/more",
        "siteproof/v2/b1/s1",
        "other/v1/b1/s1",
        "/siteproof/v1/b1/s1",
        "siteproof/v1//s1",
        "siteproof/v1/b1/",
        "siteproof/v1/b1/s 1",
        "siteproof/v1/b1/s1\0",
        "siteproof/v1/b1/..",
        "siteproof/v1/b1/" + "s" * 65,
    ],
)
def test_parse_topic__of_nothing(topic: str) -> None:
    """Anything else is no topic of ours."""
    with pytest.raises(UnknownTopic):
        parse_topic(topic)


def test_make_topic__read_back() -> None:
    """What is made is what is parsed."""
    assert parse_topic(make_topic(project_id="b1", sensor_id="s1")) == ("b1", "s1")


def test_make_subscriptions__with_and_without_a_group() -> None:
    """A group makes it a shared subscription, by MQTT 5's form that Mosquitto also takes from 3.1.1."""
    assert make_subscriptions(None) == "siteproof/v1/+/+"
    assert make_subscriptions("county") == "$share/county/siteproof/v1/+/+"
