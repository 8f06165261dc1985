from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from domain.camera import Camera, ExclusionZone, GroundPoint
from domain.media import Detection
from domain.project import ProjectKind
from vision.hazard import Box, HazardJudgement
from vision.hazard_judgement import judge_photo
from vision.hazard_rules import RulesInForce, change_hazard_rules, load_default_rules
from vision.scene import EarlierView, Scene

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # in Shanghai
WORK = Scene(project_kind=ProjectKind.ROAD, taken_at=NOON, local_time=time(12, 0))
# 40 x 100, feet at (500, 800).
WORKER: Box = (480, 700, 520, 800)


def see(label: str, box: Box, score: float = 0.8) -> Detection:
    """A detection."""
    return Detection(label, score, box)


def judge(
    *detections: Detection, scene: Scene = WORK, changed: dict[str, dict[str, Any]] | None = None
) -> HazardJudgement:
    """Judge a picture of 1,000 x 1,000 px."""
    rules = load_default_rules()
    in_force = RulesInForce(rules) if changed is None else change_hazard_rules(rules, given=changed, version=1)
    return judge_photo(detections, width_px=1000, height_px=1000, in_force=in_force, scene=scene)


def codes(judgement: HazardJudgement) -> list[str]:
    """What was told."""
    return [hazard.code.removeprefix("safety.") for hazard in judgement.hazards]


def make_camera(*zones: ExclusionZone, ground: Sequence[GroundPoint] = ()) -> Camera:
    """A fixed camera."""
    return Camera("p", "c1", "gate", zones, tuple(ground), 0.0, NOON, 3)


def on_ground(x_px: float, y_px: float) -> GroundPoint:
    """As in test_ground_plane: depth 5000 / (y - 500) m."""
    depth = 5000 / (y_px - 500)
    return GroundPoint((x_px / 1000, y_px / 1000), ((x_px - 500) * depth / 1000, depth))


GROUND = [on_ground(100, 700), on_ground(900, 700), on_ground(200, 950), on_ground(800, 950)]


# The worker is 100 px high for 1.7 m. A machine whose lower edge is level with the feet stands at the same depth for
# every camera: its gap of g px is g / 100 * 1.7 m. With 10 % of error at the feet the lowest camera (0.8 heights) has
# them 0.8 / (0.8 + 0.1) = 89 % to 114 % as deep, that is one height of 7.5.
@pytest.mark.parametrize(
    ("machine", "expected", "untold", "why"),
    [
        ((580, 500, 900, 800), ["machinery_reach"], 0, "60 px beside: 1.4 m"),
        ((950, 600, 999, 800), [], 0, "450 px to the middle: 7.65 m"),
        # 2250 / 270 = 8.3 heights for the highest camera, 1.4 m behind; 600 / 50 = 12 for the lowest, 7.7 m behind.
        ((580, 500, 900, 770), [], 1, "30 px higher than the feet: nearly beside, or far behind"),
        # 2250 / 200 = 11.25 heights for the highest camera, 6.4 m behind; above the lowest one's horizon.
        ((580, 500, 900, 700), [], 0, "level with the head: far behind for every camera"),
        ((580, 500, 900, 999), [], 1, "its lower edge is cut by the picture's"),
        ((400, 500, 700, 830), [], 1, "around the worker, whose feet are above its edge: the driver, or behind it"),
    ],
)
def test_machinery__in_body_heights(machine: Box, expected: list[str], untold: int, why: str) -> None:
    """Where no ground is known the person's height scales, and only what every camera agrees upon is told."""
    judgement = judge(see("person", WORKER), see("machinery", machine), see("cone", (0, 0, 9, 9)))
    assert (codes(judgement), judgement.cannot_tell["safety.machinery_reach"]) == (expected, untold), why


def test_machinery__distance_is_told_with_its_interval() -> None:
    """80 - 20 = 60 px from the middle of the feet to the machine are 0.6 heights, 1.0 m; the interval holds it."""
    (hazard,) = judge(see("person", WORKER), see("machinery", (560, 500, 900, 800)), see("cone", (0, 0, 9, 9))).hazards
    low, high = hazard.details["distance_m"]
    assert low <= 1.0 <= high < 2.0
    assert (hazard.details["scale"], hazard.details["rule"], hazard.details["rule_version"]) == (
        "body_height",
        "machinery_reach",
        "1",
    )
    assert hazard.details["figures"]["reach_m"] == 5.0


@pytest.mark.parametrize(
    ("foot_x", "foot_y", "expected", "untold"),
    # The machine's lower edge runs from -2.5 to 2.5 m at a depth of 25 m (y 700). 20 m (y 750) are 5 m before it,
    # within the error of the reach of 5 m; 22 m (y 727) are 3 m; at y 780 it is 17.9 m, 7 m before it.
    [(500, 727, ["machinery_reach"], 0), (500, 750, [], 1), (500, 780, [], 0)],
)
def test_machinery__on_a_calibrated_camera(foot_x: float, foot_y: float, expected: list[str], untold: int) -> None:
    """With ground points the distance is in metres, and what lies within the error of the reach is not told."""
    person = (foot_x - 8, foot_y - 60, foot_x + 8, foot_y)
    scene = replace(WORK, is_fixed=True, camera=make_camera(ground=GROUND))
    judgement = judge(
        see("person", person), see("machinery", (400, 600, 600, 700)), see("cone", (0, 0, 9, 9)), scene=scene
    )
    assert (codes(judgement), judgement.cannot_tell["safety.machinery_reach"]) == (expected, untold)
    assert all(hazard.details["scale"] == "ground_points" for hazard in judgement.hazards)


def test_machinery__person_who_gives_no_scale__cannot_be_told() -> None:
    """Somebody who kneels, or whose feet are out of the picture, has no known place."""
    machine, cone = see("machinery", (580, 500, 900, 800)), see("cone", (0, 0, 9, 9))
    for person in ((450, 740, 520, 800), (480, 900, 520, 1000)):
        judgement = judge(see("person", person), machine, cone)
        assert (codes(judgement), judgement.cannot_tell["safety.machinery_reach"]) == ([], 1)


PIT = ExclusionZone("pit", "基坑", ((0.4, 0.75), (0.6, 0.75), (0.6, 0.9), (0.4, 0.9)))
AT_EDGE = ExclusionZone("edge", "edge", ((0.0, 0.6), (0.3, 0.6), (0.3, 1.0), (0.0, 1.0)))


@pytest.mark.parametrize(
    ("zone", "person", "expected", "untold", "why"),
    [
        (PIT, (480, 700, 520, 800), ["exclusion_zone"], 0, "feet at (500, 800)"),
        (PIT, (480, 600, 520, 700), [], 0, "feet 50 px above it"),
        (PIT, (480, 800, 520, 960), [], 0, "the body reaches over it, the feet are beyond"),
        (PIT, (480, 653, 520, 753), [], 1, "feet 3 px inside, and a box's edge is off by 10 px"),
        (PIT, (480, 700, 520, 1000), [], 1, "feet out of the picture, the zone below the head"),
        (PIT, (700, 700, 740, 1000), [], 0, "feet out of the picture, the zone not below"),
        (AT_EDGE, (2, 700, 42, 800), ["exclusion_zone"], 0, "a zone drawn to the border goes on beyond it"),
    ],
)
def test_exclusion_zone(zone: ExclusionZone, person: Box, expected: list[str], untold: int, why: str) -> None:
    """Where the feet are counts, not what of the body or its box lies over the zone."""
    scene = Scene(is_fixed=True, camera=make_camera(zone))
    judgement = judge(see("person", person), scene=scene)
    assert (codes(judgement), judgement.cannot_tell["safety.exclusion_zone"]) == (expected, untold), why
    for hazard in judgement.hazards:
        assert (hazard.thing, hazard.details["zone_id"], hazard.details["camera_version"]) == (zone.id, zone.id, 3)


# 1,000 px are 1000 / 100 * 1.7 = 17 m at the worker's depth; at a height of 200 px 8.5 m, below the 10 m asked for.
@pytest.mark.parametrize(
    ("seen", "scene", "expected", "untold"),
    [
        ([see("person", WORKER)], WORK, ["no_cones"], 0),
        ([see("person", WORKER), see("cone", (600, 700, 620, 740))], WORK, [], 0),
        ([see("person", (460, 600, 540, 800))], WORK, [], 1),
        ([], WORK, [], 0),
        ([see("person", WORKER)], replace(WORK, project_kind=ProjectKind.BRIDGE), [], 0),
        ([see("person", WORKER)], replace(WORK, local_time=time(19, 0)), [], 0),
        ([see("person", WORKER)], replace(WORK, local_time=time(18, 59)), ["no_cones"], 0),
        ([see("person", WORKER)], replace(WORK, local_time=None), [], 1),
    ],
)
def test_no_cones(seen: list[Detection], scene: Scene, expected: list[str], untold: int) -> None:
    """People on a road in working hours, a wide view, no cone: told; too narrow, or the hour not known: cannot tell."""
    judgement = judge(*seen, scene=scene)
    assert (codes(judgement), judgement.cannot_tell.get("safety.no_cones", 0)) == (expected, untold)


def make_earlier(*minutes_and_persons: tuple[int, int]) -> tuple[EarlierView, ...]:
    """Photos so many minutes before, with so many people."""
    return tuple(
        EarlierView(NOON - timedelta(minutes=minutes), time(11), 1000, 1000, tuple([see("person", WORKER)] * persons))
        for minutes, persons in minutes_and_persons
    )


@pytest.mark.parametrize(
    ("earlier", "expected", "why"),
    [
        ([(15, 1), (10, 1), (5, 1)], ["lone_worker"], "alone for 15 minutes"),
        ([(14, 1), (10, 1), (5, 1)], [], "14 minutes"),
        ([(15, 1), (10, 2), (5, 1)], [], "somebody was there 10 minutes ago"),
        ([(15, 1), (10, 0), (5, 1)], [], "nobody was to be seen 10 minutes ago"),
        ([(15, 1)], [], "nobody knows what was in between: 15 minutes are more than half of the dwell"),
        ([(16, 2), (15, 1), (8, 1), (1, 1)], ["lone_worker"], "two before, then alone for 15"),
        ([], [], "one photo"),
    ],
)
def test_lone_worker(earlier: list[tuple[int, int]], expected: list[str], why: str) -> None:
    """A fixed camera's photos, one after the other, must show one person for the whole dwell."""
    scene = Scene(taken_at=NOON, local_time=time(12), is_fixed=True, earlier=make_earlier(*earlier))
    judgement = judge(see("person", WORKER), scene=scene)
    assert codes(judgement) == expected, why
    assert judgement.cannot_tell.get("safety.lone_worker", 0) == 1 - len(expected)


def test_lone_worker__on_a_phones_photo__is_not_asked() -> None:
    """Behind a phone stands a second person."""
    judgement = judge(see("person", WORKER), scene=Scene(earlier=make_earlier((15, 1), (10, 1), (5, 1)), taken_at=NOON))
    assert codes(judgement) == []
    assert judgement.cannot_tell.get("safety.lone_worker", 0) == 0


LOAD = (420.0, 200.0, 580.0, 300.0)
ENABLED = {"crowding_under_load": {"enabled": True}}


@pytest.mark.parametrize(
    ("persons", "expected"),
    [
        ([WORKER, (540, 700, 580, 800)], ["crowding_under_load"]),
        ([WORKER], []),
        # Its middle at 800 is 220 px beside the load, its height 100: more than one height away.
        ([WORKER, (780, 700, 820, 800)], []),
        # Higher than the load's lower edge: not under it.
        ([WORKER, (540, 100, 580, 200)], []),
    ],
)
def test_crowding_under_load(persons: list[Box], expected: list[str]) -> None:
    """Two under a load are told, once for the load; that depth is not known is said."""
    detections = [see("person", box) for box in persons] + [see("lifted_load", LOAD, 0.7)]
    judgement = judge(*detections, scene=Scene(), changed=ENABLED)
    assert codes(judgement) == expected
    for hazard in judgement.hazards:
        assert (hazard.box_xyxy_px, hazard.details["persons"], hazard.details["depth"]) == (LOAD, 2, "not_known")
        assert hazard.details["rule_version"] == "1+1"


def test_crowding_under_load__not_enabled__is_not_judged() -> None:
    """The shipped model does not know loads, so the shipped rule is off."""
    detections = [see("person", WORKER), see("person", (540, 700, 580, 800)), see("lifted_load", LOAD)]
    assert codes(judge(*detections, scene=Scene())) == []
