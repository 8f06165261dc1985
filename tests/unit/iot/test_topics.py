"""MQTT topics."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iot.topics import (
    EdgeNode,
    SenmlTopic,
    SensorTopic,
    SilentTopic,
    SparkplugTopic,
    Topic,
    UnknownTopic,
    UplinkTopic,
    make_command_topic,
    make_subscriptions,
    make_topic,
    parse_topic,
)

NODE = EdgeNode("b1", "gateway 1")


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("siteproof/v1/bridge-1/pier.2_a", SensorTopic("bridge-1", "pier.2_a")),
        ("siteproof/v1/b1/senml", SenmlTopic("b1")),
        ("spBv1.0/b1/NBIRTH/gateway 1", SparkplugTopic(NODE, "NBIRTH", "")),
        ("spBv1.0/b1/NDATA/gateway 1", SparkplugTopic(NODE, "NDATA", "")),
        ("spBv1.0/b1/NDEATH/gateway 1", SparkplugTopic(NODE, "NDEATH", "")),
        ("spBv1.0/b1/DBIRTH/gateway 1/pier", SparkplugTopic(NODE, "DBIRTH", "pier")),
        ("spBv1.0/b1/DDATA/gateway 1/pier", SparkplugTopic(NODE, "DDATA", "pier")),
        ("spBv1.0/b1/DDEATH/gateway 1/pier", SparkplugTopic(NODE, "DDEATH", "pier")),
        ("spBv1.0/b1/NCMD/gateway 1", SilentTopic()),
        ("spBv1.0/b1/DCMD/gateway 1/pier", SilentTopic()),
        ("spBv1.0/STATE/host", SilentTopic()),
        ("application/17c82e96/device/0101010101010101/event/up", UplinkTopic("0101010101010101")),
    ],
)
def test_parse_topic__of_each_form(topic: str, expected: Topic) -> None:
    """Each standard's topic says whose payload it carries."""
    parsed = parse_topic(topic)
    assert (type(parsed), parsed) == (type(expected), expected)


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
        "spBv1.0",
        "spBv1.0/b1",
        "spBv1.0/b1/NDATA",
        "spBv1.0/b1/NDATA/",
        "spBv1.0/b1/NDATA/node/device",
        "spBv1.0/b1/DDATA/node",
        "spBv1.0/b1/DDATA/node/device/more",
        "spBv1.0/b1/DATA/node",
        "spBv1.0/b 1/NDATA/node",
        "spBv1.0/b1/NDATA/" + "n" * 129,
        "spBv1.0/b1/NDATA/n\0",
        "spAv1.0/b1/NDATA/node",
        "application/a/device/d/event/join",
        "application/a/device/d/event/up/more",
        "application/" + "a" * 600 + "/device/d/event/up",
    ],
)
def test_parse_topic__of_nothing(topic: str) -> None:
    """Anything else is no topic of ours."""
    with pytest.raises(UnknownTopic):
        parse_topic(topic)


@given(st.lists(st.sampled_from(["spBv1.0", "b1", "NDATA", "DDATA", "STATE", "siteproof", "v1", "senml", "", "é"])))
def test_parse_topic__of_any_parts(parts: list[str]) -> None:
    """No topic does anything but give an answer or UnknownTopic."""
    with suppress(UnknownTopic):
        parse_topic("/".join(parts))


def test_make_topic__read_back() -> None:
    """What is made is what is parsed."""
    assert parse_topic(make_topic(project_id="b1", sensor_id="s1")) == ("b1", "s1")


def test_make_command_topic__of_a_node() -> None:
    """Sparkplug 3.0, chapter 4: commands of a node are on spBv1.0/group/NCMD/node."""
    assert make_command_topic(NODE) == "spBv1.0/b1/NCMD/gateway 1"


def test_make_subscriptions__with_and_without_a_group() -> None:
    """A group makes them shared subscriptions, by MQTT 5's form that Mosquitto also takes from 3.1.1."""
    assert make_subscriptions(None) == ("siteproof/v1/+/+", "spBv1.0/#", "application/+/device/+/event/up")
    assert make_subscriptions("county") == (
        "$share/county/siteproof/v1/+/+",
        "$share/county/spBv1.0/#",
        "$share/county/application/+/device/+/event/up",
    )
