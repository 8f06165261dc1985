from dataclasses import replace

from domain.finding import Severity
from vision.clip_hazard import confirm_over_frames
from vision.hazard import Box, Hazard

_HERE: Box = (100, 100, 200, 400)
_THERE: Box = (500, 100, 600, 400)


def _hazard(box: Box, score: float = 0.7, code: str = "safety.no_hardhat") -> Hazard:
    return Hazard(code=code, severity=Severity.MAJOR, title={}, box_xyxy_px=box, score=score, details={})


def test_confirm_over_frames__seen_twice() -> None:
    """One person in two of four samples is one hazard, told by its best frame."""
    best = _hazard((110, 100, 210, 400), 0.9)
    (confirmed,) = confirm_over_frames([(0.0, [_hazard(_HERE)]), (1.0, [best]), (2.0, []), (3.0, [])])
    assert confirmed.hazard is best
    assert (confirmed.best_at_s, confirmed.first_at_s, confirmed.last_at_s, confirmed.samples) == (1.0, 0.0, 1.0, 2)


def test_confirm_over_frames__seen_once() -> None:
    """What one sample of three shows is not confirmed."""
    assert confirm_over_frames([(0.0, [_hazard(_HERE)]), (1.0, []), (2.0, [])]) == []


def test_confirm_over_frames__one_sample() -> None:
    """In a clip of one sample, that one is the majority; of two samples, one is not."""
    assert len(confirm_over_frames([(0.0, [_hazard(_HERE)])])) == 1
    assert confirm_over_frames([(0.0, [_hazard(_HERE)]), (1.0, [])]) == []


def test_confirm_over_frames__two_persons() -> None:
    """Persons apart from each other are joined each with themselves."""
    samples = [
        (float(t), [_hazard(_THERE), _hazard(_HERE)] if t % 2 else [_hazard(_HERE), _hazard(_THERE)]) for t in range(3)
    ]
    confirmed = confirm_over_frames(samples)
    assert [item.samples for item in confirmed] == [3, 3]
    assert {item.hazard.box_xyxy_px for item in confirmed} == {_HERE, _THERE}


def test_confirm_over_frames__two_codes() -> None:
    """The same box under another code is another hazard."""
    pair = [_hazard(_HERE), _hazard(_HERE, code="safety.no_vest")]
    assert len(confirm_over_frames([(0.0, pair), (1.0, pair)])) == 2


def test_confirm_over_frames__other_person_later() -> None:
    """Boxes that do not overlap are not joined, though both are seen once."""
    assert confirm_over_frames([(0.0, [_hazard(_HERE)]), (1.0, [_hazard(_THERE)]), (2.0, [])]) == []


def test_confirm_over_frames__missed_between() -> None:
    """Two missed samples are bridged, three are not."""

    def clip(missed: int) -> list[tuple[float, list[Hazard]]]:
        between: list[tuple[float, list[Hazard]]] = [(float(t + 1), []) for t in range(missed)]
        return [(0.0, [_hazard(_HERE)]), *between, (missed + 1.0, [_hazard(_HERE)])]

    assert len(confirm_over_frames(clip(2))) == 1
    assert confirm_over_frames(clip(3)) == []


def test_confirm_over_frames__nothing() -> None:
    """No samples, no hazards."""
    assert confirm_over_frames([]) == []


def test_confirm_over_frames__whole_view__is_refuted_by_one_sample() -> None:
    """What speaks of all in view is joined wherever its box lies, and one look that shows otherwise is enough."""
    here, there = (replace(_hazard(box, code="safety.no_cones"), whole_view=True) for box in (_HERE, _THERE))
    samples = [(0.0, [here]), (1.0, []), (2.0, []), (3.0, []), (4.0, [there])]
    assert [each.samples for each in confirm_over_frames(samples)] == [2]
    assert confirm_over_frames(samples, refuted={"safety.no_cones"}) == []


def test_confirm_over_frames__that_must_last() -> None:
    """Three seconds from the first sample to the last are enough for a dwell of 3 s, not for one of 4 s."""
    for dwell_s, expected in ((3.0, 1), (4.0, 0)):
        hazard = replace(_hazard(_HERE), dwell_s=dwell_s)
        assert len(confirm_over_frames([(float(t), [hazard]) for t in range(4)])) == expected


def test_confirm_over_frames__two_zones() -> None:
    """The same person in two zones is two hazards."""
    pair = [replace(_hazard(_HERE, code="safety.exclusion_zone"), thing=zone) for zone in ("pit", "edge")]
    assert sorted(each.hazard.thing for each in confirm_over_frames([(0.0, pair), (1.0, pair)])) == ["edge", "pit"]
