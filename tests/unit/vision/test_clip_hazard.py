from collections.abc import Sequence
from dataclasses import replace

from domain.finding import Severity
from vision.clip_hazard import ClipLook, HazardEvent, find_events
from vision.hazard import Box, Hazard, HazardJudgement

_WIDTH = 1000.0
_HERE: Box = (100, 100, 200, 400)
_THERE: Box = (700, 100, 800, 400)


def _hazard(box: Box, score: float = 0.7, code: str = "safety.no_hardhat") -> Hazard:
    return Hazard(code=code, severity=Severity.MAJOR, title={}, box_xyxy_px=box, score=score, details={})


def _events(
    samples: Sequence[Sequence[Hazard]], *, step_s: float = 0.25, refuted: frozenset[str] = frozenset()
) -> list[HazardEvent]:
    """Each sample's hazards, one step after the other; every hazard's box is a person's."""
    looks = []
    for index, hazards in enumerate(samples):
        persons = tuple(dict.fromkeys(each.box_xyxy_px for each in hazards))
        judged = HazardJudgement(tuple(hazards), persons=len(persons), refuted=refuted)
        looks.append(ClipLook(index * step_s, _WIDTH, persons, (), judged))
    return find_events(looks)


def test_find_events__three_of_five() -> None:
    """Three samples of five are an event, told by the clearest; two of five, or three spread over six, are none."""
    seen, best = [_hazard(_HERE)], [_hazard(_HERE, 0.9)]
    (event,) = _events([seen, [], best, [], seen, [], []])
    assert event.hazard is best[0]
    assert (event.best_at_s, event.first_at_s, event.last_at_s, event.samples) == (0.5, 0.0, 1.0, 3)
    assert _events([seen, [], [], [], seen, [], []]) == []
    assert _events([seen, [], [], seen, [], seen, []]) == []


def test_find_events__clearest() -> None:
    """The lead over the opposite counts, not the score: 0.8 against 0.5 leads less than 0.7 against nothing."""
    doubted = replace(_hazard(_HERE, 0.8), details={"opposite_score": 0.5})
    plain = _hazard(_HERE, 0.7)
    (event,) = _events([[doubted], [plain], [doubted]])
    assert event.hazard is plain


def test_find_events__as_clear__the_largest() -> None:
    """Of samples with leads of 0.7 both, the one in which the person is larger."""
    larger = _hazard((100, 90, 205, 400), 0.69)
    (event,) = _events([[_hazard(_HERE, 0.7)], [larger], [_hazard(_HERE, 0.7)]])
    assert event.hazard is larger


def test_find_events__short_clips() -> None:
    """In a clip of one sample that one is enough, of two both are, of three two."""
    seen = [_hazard(_HERE)]
    assert [len(_events(clip)) for clip in ([seen], [seen, []], [seen, seen], [seen, [], seen])] == [1, 0, 1, 1]
    assert _events([]) == []


def test_find_events__two_persons_two_codes_two_zones() -> None:
    """People apart from each other, codes and zones are events of their own, in whatever order they are told."""
    two = [_hazard(_HERE), _hazard(_THERE)]
    assert {each.hazard.box_xyxy_px for each in _events([two, two[::-1], two])} == {_HERE, _THERE}
    codes = [_hazard(_HERE), _hazard(_HERE, code="safety.no_vest")]
    assert [each.samples for each in _events([codes] * 4)] == [4, 4]
    zones = [replace(_hazard(_HERE, code="safety.exclusion_zone"), thing=zone) for zone in ("pit", "edge")]
    assert sorted(each.hazard.thing for each in _events([zones] * 3)) == ["edge", "pit"]


def test_find_events__gap() -> None:
    """A gap of 3 s is bridged whatever the rule; a longer one is within a cooldown only."""

    def clip(missed: int, cooldown_s: float) -> list[list[Hazard]]:
        seen = [replace(_hazard(_HERE), cooldown_s=cooldown_s)]
        return [seen] * 3 + [[]] * missed + [seen] * 3

    # Samples a quarter of a second apart: 11 missed ones make a gap of 3 s, 16 one of 4.25 s.
    assert [len(_events(clip(11, 0))), len(_events(clip(16, 0)))] == [1, 2]
    assert [len(_events(clip(16, 4))), len(_events(clip(16, 5)))] == [2, 1]


def test_find_events__who_comes_back() -> None:
    """After four seconds: within their own height or by the picture's same side the same person, else another."""

    def clip(before: Box, after: Box) -> int:
        seen = [[replace(_hazard(box), cooldown_s=600)] for box in (before, after)]
        return len(_events([seen[0]] * 3 + [[]] * 16 + [seen[1]] * 3))

    # A body is 300 px high: 290 px away is within it, 310 px is not.
    assert clip(_HERE, (390, 100, 490, 400)) == 1
    assert clip(_HERE, (410, 100, 510, 400)) == 2
    # By the left side, 350 px further down; in the middle, as far down.
    assert clip((0, 100, 100, 400), (5, 450, 105, 750)) == 1
    assert clip((300, 100, 400, 400), (300, 450, 400, 750)) == 2
    # Half as high: somebody further away.
    assert clip(_HERE, (125, 250, 175, 400)) == 2


def test_find_events__head_without_a_person() -> None:
    """A bare head is its person's, whether the person's box is seen in that sample or not."""
    person, head = _hazard(_HERE), _hazard((130, 105, 170, 145))
    looks = [
        ClipLook(index * 0.25, _WIDTH, persons, (), HazardJudgement((hazard,), persons=len(persons)))
        for index, (hazard, persons) in enumerate([(person, (_HERE,)), (head, ()), (person, (_HERE,)), (head, ())])
    ]
    (event,) = find_events(looks)
    assert event.samples == 4


def test_find_events__more_say_the_opposite() -> None:
    """Four samples tell a bare head and four a helmet on one person: no event; three helmets, and it is one."""

    def clip(cleared: int) -> list[ClipLook]:
        told = HazardJudgement((_hazard(_HERE),), persons=1)
        clear = HazardJudgement((), persons=1, cleared={"safety.no_hardhat": (_HERE,)})
        order = [told, clear, told, clear, told, *[clear] * (cleared - 2), told]
        return [ClipLook(index * 0.25, _WIDTH, (_HERE,), (), judged) for index, judged in enumerate(order)]

    assert [len(find_events(clip(3))), len(find_events(clip(4)))] == [1, 0]


def test_find_events__whole_view__is_refuted_by_one_sample() -> None:
    """What speaks of all in view is joined wherever its box lies, and one look that shows otherwise is enough."""
    here, there = (replace(_hazard(box, code="safety.no_cones"), whole_view=True) for box in (_HERE, _THERE))
    samples = [[here], [here], [], [there], [there]]
    assert [each.samples for each in _events(samples)] == [4]
    assert _events(samples, refuted=frozenset({"safety.no_cones"})) == []


def test_find_events__that_must_last() -> None:
    """Three quarters of a second from the first sample to the last are enough for a dwell of that, not of 1 s."""
    for dwell_s, expected in ((0.75, 1), (1.0, 0)):
        assert len(_events([[replace(_hazard(_HERE), dwell_s=dwell_s)]] * 4)) == expected


def test_find_events__samples_far_apart() -> None:
    """Of a clip so long that its samples lie 2.5 s apart, somebody who walks on at 0.4 heights a second is one."""
    steps = [[_hazard((100.0 + 300 * index, 100, 200.0 + 300 * index, 400))] for index in range(3)]
    (event,) = _events(steps, step_s=2.5)
    assert event.samples == 3
