"""Episodes: folding changes, and comparing what was found with what is recorded."""

from uuid import UUID, uuid4

from domain.alarm import EndReason, Episode, EpisodeFound
from iot.alarms import AlarmEnded, AlarmRaised, Change
from iot.episodes import compare_episodes, episode_from_json, episode_to_json, fold_changes
from tests.unit.iot.alarm_cases import ABOVE_10, START, at

FINDING: UUID = uuid4()


def found(since: float, raised: float, ended: float | None = None, level: str = "yellow") -> EpisodeFound:
    """An episode by its seconds."""
    reason = None if ended is None else EndReason.CLEARED
    return EpisodeFound(level, "sensor.threshold", at(since), at(raised), None if ended is None else at(ended), reason)


def recorded(number: int, episode: EpisodeFound) -> Episode:
    """It, recorded."""
    return Episode(number, "pier-1", FINDING, episode)


def test_fold_changes__raised_and_ended() -> None:
    """What ends is ended; what began before goes on or ends; what is raised goes on."""
    raised = AlarmRaised(ABOVE_10, "above", 11.0, 10.0, at(50), at(52))
    changes: list[Change] = [AlarmEnded("yellow", at(0), at(40)), raised]
    folded = fold_changes([found(0, 2)], changes)
    assert [(each.since, each.ended_at) for each in folded] == [(at(0), at(40)), (at(50), None)]
    assert folded[0].end_reason is EndReason.CLEARED


def test_compare_episodes__the_same() -> None:
    """What was found as it is recorded changes nothing."""
    own = found(0, 2, 40)
    comparison = compare_episodes([own], [recorded(1, own)], after=START)
    assert (comparison.new, comparison.changed, comparison.withdrawn) == ([], [], [])


def test_compare_episodes__earlier_split_and_gone() -> None:
    """A beginning earlier is the same alarm; of two halves the first is; what nothing overlaps is withdrawn."""
    old = [recorded(1, found(100, 102, 140)), recorded(2, found(200, 202)), recorded(3, found(300, 302, level="red"))]
    now = [found(90, 95, 140), found(200, 202, 210), found(220, 222)]
    comparison = compare_episodes(now, old, after=START)
    assert [(each.id, to) for each, to in comparison.changed] == [(1, now[0]), (2, now[1])]
    assert comparison.new == [now[2]]
    assert [each.id for each in comparison.withdrawn] == [3]


def test_compare_episodes__raised_before() -> None:
    """What was raised before the part in question is not withdrawn."""
    old = [recorded(1, found(-100, -90))]
    assert compare_episodes([], old, after=START).withdrawn == []


def test_episode_json__there_and_back() -> None:
    """An episode is the same after JSON."""
    for each in (found(0, 2), found(0.25, 2, 40)):
        assert episode_from_json(episode_to_json(each)) == each
