"""Births, data and deaths of edge nodes, in the order of their arrival, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import SiteproofError
from iot.payload import GaugeReading
from iot.sparkplug import SparkplugMessage
from iot.sparkplug_session import Sessions
from iot.sparkplug_wire import decode_payload
from iot.topics import EdgeNode, SparkplugTopic
from storage.sparkplug import SourceKey, SparkplugSource
from tests.sparkplug_payloads import encode

START = datetime(2026, 7, 1, 8, tzinfo=UTC)
START_MS = 1782892800000  # date -u -d 2026-07-01T08:00:00Z +%s prints 1782892800
NODE = EdgeNode("b1", "gw")
NODE_KEY, DEVICE_KEY = SourceKey("b1", "gw", ""), SourceKey("b1", "gw", "pier")
INT64, DOUBLE = 4, 10


def at(second: int) -> datetime:
    """So many seconds after START."""
    return START + timedelta(seconds=second)


class Story:
    """What one edge node says, second by second, to a collector that may be restarted."""

    def __init__(self) -> None:
        self.sessions = Sessions([], known_groups={"b1"})

    def restart(self) -> None:
        """Go on with what was stored."""
        self.sessions = Sessions(self.sessions._sources.values(), known_groups={"b1"})

    def say(
        self, second: int, verb: str, *metrics: dict[str, object], is_replay: bool = False, follows_gap: bool = False
    ) -> list[str | float]:
        """Let a message come; the values that it says, or the codes of why it does not."""
        payload = decode_payload(encode(*metrics, timestamp=START_MS + 1000 * second))
        topic = SparkplugTopic(NODE, verb, "pier" if verb[0] == "D" else "")
        message = SparkplugMessage(topic, payload, is_replay=is_replay, follows_gap=follows_gap)
        outcomes = [each.outcome for each in self.sessions.apply(message, arrived_at=at(second)).items]
        return [each.code if isinstance(each, SiteproofError) else each.v for each in outcomes]

    def bear(self, second: int, *, bd_seq: int = 0, alias: int = 1, value: float = 0.5) -> list[str | float]:
        """A birth of the node, with one metric by an alias."""
        return self.say(second, "NBIRTH", bd(bd_seq), define(alias, value))

    def die(self, second: int, *, bd_seq: int = 0) -> None:
        """The node's will."""
        assert self.say(second, "NDEATH", bd(bd_seq)) == []

    def is_asked(self) -> bool:
        """Whether the node should be asked for its births; asks anew from here."""
        asked = NODE in self.sessions.rebirths
        self.sessions.rebirths.clear()
        return asked

    def find(self, key: SourceKey) -> SparkplugSource:
        """What is known of a node or device."""
        return self.sessions._sources[key]


def bd(number: int) -> dict[str, object]:
    """The metric that pairs birth and death."""
    return {"name": "bdSeq", "datatype": INT64, "long_value": number}


def define(alias: int, value: float = 0.5, name: str = "level") -> dict[str, object]:
    """A metric of a birth."""
    return {"name": name, "alias": alias, "datatype": DOUBLE, "double_value": value}


def by_alias(alias: int, value: float) -> dict[str, object]:
    """A metric of data."""
    return {"alias": alias, "double_value": value}


def test_apply__birth_and_data() -> None:
    """A birth says values itself, and explains the aliases of the data after it."""
    story = Story()
    assert story.bear(0) == [0.5]
    assert story.say(1, "NDATA", by_alias(1, 1.5)) == [1.5]
    assert not story.is_asked()
    assert story.find(NODE_KEY).is_online


def test_apply__after_a_restart() -> None:
    """What is stored of a birth is enough to understand the data after it."""
    story = Story()
    story.bear(0)
    story.say(1, "DBIRTH", define(2))
    story.restart()
    assert story.say(2, "NDATA", by_alias(1, 1.5)) == [1.5]
    assert story.say(2, "DDATA", by_alias(2, 2.5)) == [2.5]
    assert not story.is_asked()
    assert story.sessions.changed == []


@pytest.mark.parametrize("verb", ["NDATA", "DDATA"])
def test_apply__data_before_any_birth(verb: str) -> None:
    """An alias that nothing explains asks for the births; when they have come it is understood."""
    story = Story()
    assert story.say(0, verb, by_alias(1, 1.5)) == ["sparkplug.unknown_alias"]
    assert story.is_asked()
    story.bear(1)
    story.say(1, "DBIRTH", define(1, name="tilt"))
    assert not story.is_asked()
    assert story.say(0, verb, by_alias(1, 1.5), is_replay=True) == [1.5]
    assert not story.find(NODE_KEY if verb == "DDATA" else DEVICE_KEY).valid_from > at(1)


def test_apply__named_data_before_any_birth() -> None:
    """Data by name needs no birth to be stored, and asks for it all the same."""
    story = Story()
    assert story.say(0, "NDATA", {"name": "level", "double_value": 1.5}) == [1.5]
    assert story.is_asked()


def test_apply__alias_that_the_birth_lacks() -> None:
    """The birth that was lost added a metric; the next one, which agrees in all others, explains it backwards."""
    story = Story()
    story.bear(0)
    assert story.say(1, "NDATA", by_alias(1, 1.5), by_alias(2, 2.5)) == ["sparkplug.unknown_alias", 1.5]
    assert story.is_asked()
    story.say(2, "NBIRTH", bd(0), define(1), define(2, name="tilt"))
    assert story.say(1, "NDATA", by_alias(1, 1.5), by_alias(2, 2.5), is_replay=True) == [1.5, 2.5]


def test_apply__alias_that_means_another_metric() -> None:
    """A birth that gives an alias another meaning does not explain what came before it."""
    story = Story()
    story.bear(0, alias=1)
    story.say(1, "NDATA", by_alias(2, 2.5))
    story.say(2, "NBIRTH", bd(0), define(2), define(1, name="tilt"))
    assert story.say(1, "NDATA", by_alias(2, 2.5), is_replay=True) == ["sparkplug.unknown_alias"]
    assert story.say(3, "NDATA", by_alias(1, 2.5)) == [2.5]


def test_apply__death() -> None:
    """After the will the node and its devices are offline, and their aliases mean nothing until the next birth."""
    story = Story()
    story.bear(0)
    story.say(1, "DBIRTH", define(2))
    story.die(5)
    for key in (NODE_KEY, DEVICE_KEY):
        assert (story.find(key).is_online, story.find(key).since) == (False, at(5))
    assert not story.is_asked()
    assert story.say(6, "NDATA", by_alias(1, 1.5)) == ["sparkplug.unknown_alias"]
    assert story.say(6, "DDATA", by_alias(2, 1.5)) == ["sparkplug.unknown_alias"]
    assert story.is_asked()


def test_apply__born_again_with_other_aliases() -> None:
    """A dead letter is read by the session that it came in: before the death by none that is still known."""
    story = Story()
    story.bear(0, bd_seq=0, alias=1)
    story.die(5, bd_seq=0)
    story.bear(10, bd_seq=1, alias=2)
    assert story.say(11, "NDATA", by_alias(2, 2.5)) == [2.5]
    assert story.say(4, "NDATA", by_alias(2, 2.5), is_replay=True) == ["sparkplug.unknown_alias"]
    assert story.say(6, "NDATA", by_alias(2, 2.5), is_replay=True) == [2.5]  # after the death: of the new session


def test_apply__dead_letter_of_a_session_that_has_ended() -> None:
    """As long as no other birth has come, the session before the death explains its own data."""
    story = Story()
    story.bear(0)
    story.die(5)
    assert story.say(4, "NDATA", by_alias(1, 1.5), is_replay=True) == [1.5]
    assert story.say(6, "NDATA", by_alias(1, 1.5), is_replay=True) == ["sparkplug.unknown_alias"]


def test_apply__late_will_of_the_session_before() -> None:
    """A will of another bdSeq than the birth's is of a session before, and changes nothing."""
    story = Story()
    story.bear(0, bd_seq=1)
    story.die(1, bd_seq=0)
    assert story.find(NODE_KEY).is_online
    story.die(2, bd_seq=1)
    assert not story.find(NODE_KEY).is_online


def test_apply__birth_of_another_session_without_a_death() -> None:
    """Another bdSeq is another session: the devices are offline until they are born again."""
    story = Story()
    story.bear(0, bd_seq=0)
    story.say(1, "DBIRTH", define(2))
    story.bear(5, bd_seq=1)
    assert story.find(NODE_KEY).is_online
    assert story.find(NODE_KEY).valid_from == at(5)
    assert (story.find(DEVICE_KEY).is_online, story.find(DEVICE_KEY).since) == (False, at(5))


def test_apply__rebirth_within_a_session() -> None:
    """The answer to our asking is the same session: its devices stay online."""
    story = Story()
    story.bear(0)
    story.say(1, "DBIRTH", define(2))
    story.bear(5)
    assert story.find(DEVICE_KEY).is_online
    assert story.find(NODE_KEY).since == at(0)


def test_apply__device_dies_alone() -> None:
    """A device's death leaves its node online."""
    story = Story()
    story.bear(0)
    story.say(1, "DBIRTH", define(2))
    assert story.say(2, "DDEATH") == []
    assert story.find(NODE_KEY).is_online
    assert not story.find(DEVICE_KEY).is_online
    assert story.say(3, "DDATA", by_alias(2, 1.0)) == ["sparkplug.unknown_alias"]


def test_apply__device_is_born_before_its_node() -> None:
    """The node's own birth was lost: it is online, and asked for it."""
    story = Story()
    assert story.say(0, "DBIRTH", define(2)) == [0.5]
    assert story.is_asked()
    assert story.say(1, "DDATA", by_alias(2, 2.5)) == [2.5]
    assert story.say(1, "NDATA", by_alias(1, 1.5)) == ["sparkplug.unknown_alias"]


def test_apply__session_of_which_only_the_death_came() -> None:
    """Its data is never explained by the session after it."""
    story = Story()
    story.bear(0, bd_seq=0)
    story.die(2, bd_seq=0)
    story.say(4, "NDATA", by_alias(1, 1.5))
    story.die(6, bd_seq=1)
    story.bear(8, bd_seq=2)
    assert story.say(4, "NDATA", by_alias(1, 1.5), is_replay=True) == ["sparkplug.unknown_alias"]
    assert story.say(7, "NDATA", by_alias(1, 1.5), is_replay=True) == [1.5]


def test_apply__device_heard_of_in_a_session_before() -> None:
    """What an unborn device said before its node's death is not explained by its birth after it."""
    story = Story()
    story.say(0, "DDATA", by_alias(2, 2.5))
    story.die(2, bd_seq=0)
    story.bear(4, bd_seq=1)
    story.say(4, "DBIRTH", define(2))
    assert story.say(0, "DDATA", by_alias(2, 2.5), is_replay=True) == ["sparkplug.unknown_alias"]


def test_apply__death_that_comes_again() -> None:
    """A will that is delivered twice changes nothing the second time."""
    story = Story()
    story.bear(0)
    story.die(2)
    story.die(9)
    assert story.find(NODE_KEY).since == at(2)


def test_apply__gap() -> None:
    """After a gap the node is asked for its births, whatever the message says."""
    story = Story()
    story.bear(0)
    assert story.say(1, "NDATA", by_alias(1, 1.5), follows_gap=True) == [1.5]
    assert story.is_asked()


def test_apply__another_ones_group() -> None:
    """Nodes of a group that is no project are never asked."""
    story = Story()
    story.sessions = Sessions([], known_groups=set())
    story.say(0, "NDATA", by_alias(1, 1.5), follows_gap=True)
    story.say(1, "DBIRTH", define(2))
    assert not story.is_asked()


def test_apply__replayed_birth_and_death() -> None:
    """A dead letter tells nothing of its node now; a birth's own values are read by itself."""
    story = Story()
    story.bear(5, alias=1)
    assert story.say(0, "NBIRTH", bd(0), define(9, 7.5), is_replay=True) == [7.5]
    assert story.say(0, "NDEATH", bd(0), is_replay=True) == []
    assert story.find(NODE_KEY).is_online
    assert story.say(6, "NDATA", by_alias(9, 1.0)) == ["sparkplug.unknown_alias"]


def test_apply__reading_is_whole() -> None:
    """The reading has the message's time and no quality of its own."""
    story = Story()
    message = SparkplugMessage(
        SparkplugTopic(NODE, "NBIRTH", ""), decode_payload(encode(define(1), timestamp=START_MS, seq=0))
    )
    (item,) = story.sessions.apply(message, arrived_at=at(0)).items
    assert item.outcome == GaugeReading(START, 0.5, is_bad=False, seq=0)
    assert item.sensor_ids == ("level", "gw.level")
