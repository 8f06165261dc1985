from pathlib import Path

import pytest

from domain.media import Detection
from vision.hazard import NO_HARDHAT, View
from vision.hazard_rules import load_default_rules
from vision.person_evaluation import (
    TrueView,
    find_true_persons,
    make_share,
    score_classes,
    score_decisions,
    size_of,
    wilson_interval,
)

VIEW = View(640, 640)
BARE = (Detection("person", 1.0, (200, 100, 300, 400)), Detection("no_hardhat", 1.0, (230, 100, 270, 140)))
SAFE = (Detection("person", 1.0, (400, 100, 500, 400)), Detection("hardhat", 1.0, (430, 100, 470, 140)))
UNSAID = (Detection("person", 1.0, (20, 100, 120, 400)),)
TINY = (Detection("person", 1.0, (600, 600, 612, 630)), Detection("no_hardhat", 1.0, (604, 600, 608, 604)))
LABELS = (*BARE, *SAFE, *UNSAID, *TINY)
TRUTH = TrueView(Path("a.jpg"), VIEW, LABELS)


def decide(*seen: Detection) -> tuple[int, int, int, int]:
    """(right, wrong, unfounded, missed) for the helmet, all sizes, against LABELS."""
    scores = score_decisions([TRUTH], [list(seen)], rules=load_default_rules())
    (score,) = [each for each in scores if (each.code, each.size) == (NO_HARDHAT, "all")]
    tally = score.tally
    return tally.right, tally.wrong, tally.unfounded, tally.missed


def test_score_decisions__by_the_labels_themselves() -> None:
    """One of 300 px lacks it and is told; the one of 30 px is not counted."""
    assert decide(*LABELS) == (1, 0, 0, 0)


def test_score_decisions__nothing_seen__is_a_miss() -> None:
    """A miss is told as a miss."""
    assert decide() == (0, 0, 0, 1)


def test_score_decisions__told_of_the_wrong_of_the_unsaid_and_of_nobody() -> None:
    """A bare head on who wears a helmet is wrong; on somebody of whom nothing is said, and on nobody, unfounded."""
    on_safe = Detection("no_hardhat", 0.9, (430, 100, 470, 140))
    on_unsaid = Detection("no_hardhat", 0.9, (50, 100, 90, 140))
    on_nobody = Detection("no_hardhat", 0.9, (330, 500, 370, 540))
    assert decide(SAFE[0], on_safe) == (0, 1, 0, 1)
    assert decide(UNSAID[0], on_unsaid) == (0, 0, 1, 1)
    assert decide(on_nobody) == (0, 0, 1, 1)


def test_score_decisions__head_alone__is_its_holders() -> None:
    """Where the detector missed the person, the head's box is within the labelled one."""
    assert decide(Detection("no_hardhat", 0.9, (230, 100, 270, 140))) == (1, 0, 0, 0)


def test_find_true_persons__head_in_two_boxes__is_the_nearer_ones() -> None:
    """The head at the top of the left person lies in the right one's box too, at its side."""
    labels = [Detection("person", 1.0, (200, 100, 300, 400)), Detection("person", 1.0, (240, 60, 400, 400))]
    labels.append(Detection("no_hardhat", 1.0, (235, 100, 265, 130)))
    assert [person.lacks for person in find_true_persons(labels, NO_HARDHAT)] == [True, None]


def test_score_classes__found_by_size() -> None:
    """Of two labels of a class and size one is found; another class on the same box finds nothing."""
    seen = [Detection("person", 0.5, (200, 100, 300, 400)), Detection("vest", 0.5, (430, 100, 470, 140))]
    rows = {(row.label, row.size): row for row in score_classes([TRUTH], [seen])}
    assert rows["person", "large"].labels == 3
    assert rows["person", "large"].found.value == pytest.approx(1 / 3)
    assert rows["hardhat", "medium"].found.value == 0
    assert ("hardhat", "small") not in rows


def test_size_of__in_the_networks_pixels() -> None:
    """40 x 40 px of a picture of 640 are medium (1,600 > 1,024), of one of 1,280 small (400)."""
    assert size_of((0, 0, 40, 40), View(640, 640)) == "medium"
    assert size_of((0, 0, 40, 40), View(1280, 720)) == "small"
    assert size_of((0, 0, 200, 200), View(640, 640)) == "large"


def test_wilson_interval__printed_example() -> None:
    """9 of 10: (0.9 + 3.8415 / 20 +- 1.95996 * sqrt(0.09 / 10 + 3.8415 / 400)) / (1 + 3.8415 / 10)."""
    assert wilson_interval(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)


def test_make_share__all_none_and_nothing() -> None:
    """All of 10 right is no certainty: Wilson's lower bound is 10 / (10 + 1.96²); of nothing nothing is known."""
    every = make_share([(5, 0), (5, 0)])
    assert [every.value, every.low, every.high] == pytest.approx([1.0, 10 / (10 + 1.959964**2), 1.0])
    nothing = make_share([])
    assert (nothing.value, nothing.low, nothing.high) == (None, None, None)


def test_make_share__pictures_are_drawn_not_people() -> None:
    """50 right in one picture and 50 wrong in another: drawing two pictures gives 0, 0.5 or 1, so nothing is known."""
    share = make_share([(50, 0), (0, 50)])
    assert (share.value, share.low, share.high) == (0.5, 0.0, 1.0)
