"""When edge nodes of Sparkplug are asked for their births: messages lost, by their numbers, and how often to ask."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from iot.sparkplug import SparkplugMessage
from iot.topics import EdgeNode

REBIRTH_EVERY_S: Final = 60.0  # for one node; a birth of some thousand metrics over a mobile network takes seconds [s]
_MAX_NODES: Final = 10_000  # remembered for either purpose; a county has some hundreds
_SEQUENCE: Final = 256


class SequenceWatch:
    """Finds lost messages by the numbers that an edge node counts its messages with, 0 to 255 and around again.

    Only for a collector that receives all of them: of those who share the messages, each sees gaps everywhere. Brokers
    keep the order of one publisher's messages, so a number that is not the next one is a loss, not a delay.
    """

    def __init__(self) -> None:
        """Begin without having heard of any node."""
        self._last: OrderedDict[EdgeNode, int] = OrderedDict()

    def has_gap(self, message: SparkplugMessage) -> bool:
        """Whether messages of this node may be missing before this one.

        Data comes with QoS 0, which no broker keeps for an absent collector: a node of which nothing was heard yet may
        have said something before, unless this is its birth.

        Args:
            message: the next one that came.
        """
        node, seq = message.topic.node, message.payload.seq
        if seq is None or message.topic.verb == "NDEATH":  # a death has no number
            return False
        last = self._last.pop(node, None)
        self._last[node] = seq
        if len(self._last) > _MAX_NODES:
            self._last.popitem(last=False)
        return message.topic.verb != "NBIRTH" and (last is None or seq != (last + 1) % _SEQUENCE)


class RebirthLimit:
    """Lets each edge node be asked for its births once in REBIRTH_EVERY_S at most."""

    def __init__(self) -> None:
        """Begin without having asked any."""
        self._asked: OrderedDict[EdgeNode, float] = OrderedDict()

    def admit(self, nodes: Iterable[EdgeNode], *, now_s: float) -> list[EdgeNode]:
        """Those of these nodes that may be asked now.

        Args:
            nodes: that should be asked.
            now_s: by a clock that never goes back. [s]
        """
        admitted = []
        for node in nodes:
            if now_s - self._asked.get(node, -REBIRTH_EVERY_S) < REBIRTH_EVERY_S:
                continue
            self._asked[node] = now_s
            self._asked.move_to_end(node)
            admitted.append(node)
            if len(self._asked) > _MAX_NODES:
                self._asked.popitem(last=False)
        return admitted
