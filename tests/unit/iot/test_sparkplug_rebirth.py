"""When edge nodes are asked for their births."""

import pytest

from iot.sparkplug import read_sparkplug
from iot.sparkplug_rebirth import REBIRTH_EVERY_S, RebirthLimit, SequenceWatch
from iot.topics import EdgeNode, SparkplugTopic
from tests.sparkplug_payloads import encode

NODE, OTHER = EdgeNode("b1", "gw"), EdgeNode("b1", "gw2")


def find_gaps(*said: tuple[str, int | None], node: EdgeNode = NODE, watch: SequenceWatch | None = None) -> list[bool]:
    """Whether there is a gap before each message of (verb, number)."""
    watch = watch or SequenceWatch()
    return [
        watch.has_gap(read_sparkplug(encode(seq=seq), topic=SparkplugTopic(node, verb, "d" if verb[0] == "D" else "")))
        for verb, seq in said
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([("NBIRTH", 0), ("DBIRTH", 1), ("NDATA", 2), ("DDATA", 3)], [False] * 4),
        ([("NBIRTH", 254), ("NDATA", 255), ("NDATA", 0), ("NDATA", 1)], [False] * 4),  # around again
        ([("NBIRTH", 0), ("NDATA", 1), ("NDATA", 3), ("NDATA", 4)], [False, False, True, False]),
        ([("NBIRTH", 0), ("NDATA", 1), ("NDATA", 1)], [False, False, True]),
        ([("NBIRTH", 0), ("DBIRTH", 2)], [False, True]),
        ([("NBIRTH", 0), ("NDEATH", None), ("NBIRTH", 7), ("NDATA", 8)], [False] * 4),
        ([("NBIRTH", 0), ("NDATA", None), ("NDATA", 1)], [False] * 3),
        ([("NDATA", 9), ("NDATA", 10)], [True, False]),  # what came before it is not known
    ],
)
def test_has_gap__in_one_nodes_messages(said: list[tuple[str, int | None]], expected: list[bool]) -> None:
    """A number that is not the next one, of 0 to 255, is a loss; a birth may begin anywhere."""
    assert find_gaps(*said) == expected


def test_has_gap__of_two_nodes() -> None:
    """Each node counts for itself."""
    watch = SequenceWatch()
    assert find_gaps(("NBIRTH", 0), watch=watch) == [False]
    assert find_gaps(("NBIRTH", 5), node=OTHER, watch=watch) == [False]
    assert find_gaps(("NDATA", 1), watch=watch) == [False]
    assert find_gaps(("NDATA", 6), node=OTHER, watch=watch) == [False]


def test_admit__once_a_minute() -> None:
    """A node is asked once, and again when the time is over; others are asked at once."""
    limit = RebirthLimit()
    assert limit.admit([NODE], now_s=0.0) == [NODE]
    assert limit.admit([NODE, OTHER], now_s=REBIRTH_EVERY_S - 1) == [OTHER]
    assert limit.admit([NODE, OTHER], now_s=REBIRTH_EVERY_S) == [NODE]
