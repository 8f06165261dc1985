"""A minute of a building site whose events were counted by hand gives as many findings."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.examination import examine
from domain.camera import Camera, ExclusionZone
from domain.media import MediaFormat
from tests.scripted_clip import Actor, Script, write_clip
from vision.scene import Scene

# A pit between 0.6 and 0.9 of the width, 384 to 576 px, from 260 px down: feet at 300 px stand in it.
_PIT = ExclusionZone("pit", "pit", ((0.6, 0.7), (0.9, 0.7), (0.9, 1.0), (0.6, 1.0)))
_CAMERA = Camera("p", "gate", "gate", (_PIT,), (), 0.0, datetime(2026, 1, 1, tzinfo=UTC), 1)
_SCENE = Scene(is_fixed=True, camera=_CAMERA)

# 1: walks from left to right, bareheaded from 4 s on, and meets the second, who wears everything.
_CROSSES = Actor(way=((2, 40), (12, 340)), bare=((4, 12),))
_IS_MET = Actor(way=((4, 340), (15, 20)), foot_px=306)
# 2: bareheaded, hidden behind a machine for two and a half seconds.
_IS_HIDDEN = Actor(way=((18, 60), (28, 300)), bare=((18, 28),), hidden=((22, 24.5),))
# 3: into the pit, out, and in again, within ten minutes.
_RETURNS = Actor(way=((30, 340), (33, 480), (36, 480), (39, 320), (41, 320), (44, 480), (46, 480)))
# 4: without a vest, out of the picture at the left, and in again five seconds later.
_LEAVES = Actor(way=((31, 200), (36, 2)), plain=((31, 99),))
_COMES_BACK = Actor(way=((41, 2), (45, 150)), plain=((31, 99),))
# 5: beside a machine's tracks.
_NEAR = Actor(way=((50, 210), (58, 215)))
_MACHINE = ((49.0, 59.5), (60.0, 180.0, 190.0, 302.0))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty seconds."""
    return write_clip(tmp_path_factory.mktemp("clip") / "minute.mp4", seconds=60)


def _codes(clip: Path, script: Script) -> list[str]:
    seen = examine(clip, media_format=MediaFormat.MP4, detector=script, scene=_SCENE)
    return sorted(each.hazard.code for each in seen.hazards)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("missed", [0.0, 0.15, 0.3])
def test_examine__a_minute_with_five_events__gives_five_findings(clip: Path, seed: int, missed: float) -> None:
    """Flicker, a crossing, somebody hidden for a while, a return into the zone, one by the border: five events."""
    script = Script(
        actors=(_CROSSES, _IS_MET, _IS_HIDDEN, _RETURNS, _LEAVES, _COMES_BACK, _NEAR),
        machine=(_MACHINE,),
        missed=missed,
        wrong=(14.0, 47.0, 53.0),
        seed=seed,
    )
    assert _codes(clip, script) == [
        "safety.exclusion_zone",
        "safety.machinery_reach",
        "safety.no_hardhat",
        "safety.no_hardhat",
        "safety.no_vest",
    ]


def test_examine__an_event__is_told_by_its_clearest_frame(clip: Path) -> None:
    """The detector is surest at 8.5 s; the first and last samples are those of the bare head, from 4 to before 12 s."""
    script = Script(actors=(_CROSSES,), clearest_at_s=(8.5,))
    (event,) = examine(clip, media_format=MediaFormat.MP4, detector=script, scene=_SCENE).hazards
    assert event.at_s == pytest.approx(8.5)
    assert event.hazard.score == pytest.approx(0.9)
    assert event.hazard.details["first_at_s"] == pytest.approx(4.0)
    assert event.hazard.details["last_at_s"] == pytest.approx(11.75)
    assert event.hazard.details["samples"] == 32


def test_examine__two_bareheaded_people_who_cross__are_two_events(clip: Path) -> None:
    """Neither is lost in the other."""
    other = Actor(way=((4, 340), (15, 20)), foot_px=306, bare=((4, 15),))
    assert _codes(clip, Script(actors=(_CROSSES, other), missed=0.15)) == ["safety.no_hardhat"] * 2


def test_examine__somebody_else_elsewhere_later__is_another_event(clip: Path) -> None:
    """Who turns up at the other end of the picture is not taken for who was there before."""
    others = (
        Actor(way=((2, 60), (8, 100)), bare=((0, 60),)),
        Actor(way=((12, 600), (18, 615)), bare=((0, 60),)),
    )
    assert _codes(clip, Script(actors=others)) == ["safety.no_hardhat"] * 2


def test_examine__a_helmet_that_flickers__is_no_event(clip: Path) -> None:
    """Two samples of every eight see a bare head on somebody with a helmet: more samples say the opposite."""
    times = tuple(t + shift for t in range(3, 12, 2) for shift in (0.0, 0.25, 0.5))
    assert _codes(clip, Script(actors=(Actor(way=((2, 40), (12, 340))),), wrong=times)) == []


def test_examine__a_minute__keeps_detections_of_a_sample_each_second(clip: Path) -> None:
    """Sixty seconds give 240 looks; of one person for ten seconds one look a second is kept, three things each."""
    script = Script(actors=(Actor(way=((2, 40), (12, 340))),))
    seen = examine(clip, media_format=MediaFormat.MP4, detector=script, scene=_SCENE)
    assert script.looks == 240
    # At 2, 3, ... 12 s: eleven samples of a person, a helmet and a vest.
    assert len(seen.detections) == 33
