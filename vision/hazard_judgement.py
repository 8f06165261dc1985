"""All hazard rules over one picture: which hold now, what each says, and what must have lasted. Pure."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Any, Final

from domain.media import Detection
from vision.hazard import Box, Hazard, HazardJudgement, View, judge_hardhats, judge_vests
from vision.hazard_rules import Rule, RulesInForce
from vision.scene import EarlierView, Scene
from vision.surroundings import (
    judge_cones,
    judge_crowding_under_load,
    judge_exclusion_zones,
    judge_lone_worker,
    judge_machinery_reach,
)

_COMMON: Final = frozenset({"version", "enabled", "severity"})
_GAPS_IN_DWELL: Final = 2
"""A time that must last is covered by photos if no gap between two of them is longer than this part of it."""


def judge_hazards(
    detections: Sequence[Detection], *, width_px: float, height_px: float, in_force: RulesInForce, scene: Scene
) -> HazardJudgement:
    """Judge one picture by every rule that holds at its time; what must last is told all the same, with its `dwell_s`.

    Args:
        detections: of one picture.
        width_px: of the original, upright. [px]
        height_px: likewise. [px]
        in_force: the rules.
        scene: what is known of the shot.

    Returns:
        Hazards strongest first, each with its rule, the rule's version and figures in `details`.
    """
    view = View(width_px, height_px)
    persons = sum(seen.label == "person" for seen in detections)
    hazards: list[Hazard] = []
    cannot_tell: dict[str, int] = {}
    refuted: set[str] = set()
    cleared: dict[str, tuple[Box, ...]] = {}
    for name, rule in in_force.rules.by_name().items():
        holds = rule.enabled and _holds(rule, scene.local_time)
        if holds is None:
            cannot_tell[f"safety.{name}"] = persons
        if not holds:
            continue
        judged = _judge(name, detections, view=view, in_force=in_force, scene=scene)
        hazards += [_name_rule(each, name, rule, in_force, scene) for each in judged.hazards]
        cannot_tell |= judged.cannot_tell
        refuted |= judged.refuted
        cleared |= judged.cleared
    hazards.sort(key=lambda hazard: -hazard.score)
    return HazardJudgement(tuple(hazards), persons, cannot_tell, frozenset(refuted), cleared)


def judge_photo(
    detections: Sequence[Detection], *, width_px: float, height_px: float, in_force: RulesInForce, scene: Scene
) -> HazardJudgement:
    """Judge a photo, with what the same camera showed before for the rules that ask how long something has lasted.

    Arguments and result as of `judge_hazards`; what must last and is not known to have lasted counts as `cannot_tell`.
    """
    judged = judge_hazards(detections, width_px=width_px, height_px=height_px, in_force=in_force, scene=scene)
    if not any(hazard.dwell_s > 0 for hazard in judged.hazards):
        return judged
    earlier = [(view, _judge_earlier(view, in_force, scene)) for view in scene.earlier]
    numbers: Counter[tuple[str, str]] = Counter()
    lasting: list[Hazard] = []
    cannot_tell = dict(judged.cannot_tell)
    for hazard in judged.hazards:
        if hazard.dwell_s <= 0:
            lasting.append(hazard)
            continue
        numbers[hazard.code, hazard.thing] += 1
        lasts_s = _lasts_s(hazard, numbers[hazard.code, hazard.thing], earlier, scene)
        if lasts_s >= hazard.dwell_s:
            lasting.append(replace(hazard, details=hazard.details | {"lasts_s": round(lasts_s, 1)}))
        else:
            cannot_tell[hazard.code] = cannot_tell.get(hazard.code, 0) + 1
    return replace(judged, hazards=tuple(lasting), cannot_tell=cannot_tell)


def longest_dwell_s(in_force: RulesInForce) -> float:
    """So far back a fixed camera's photos are asked for; 0 where no rule does. [s]."""
    return max((rule.dwell_s for rule in in_force.rules.by_name().values() if rule.enabled), default=0.0)


def _holds(rule: Rule, local_time: time | None) -> bool | None:
    if rule.working_hours is None:
        return True
    return None if local_time is None else rule.working_hours.holds(local_time)


def _judge(
    name: str, detections: Sequence[Detection], *, view: View, in_force: RulesInForce, scene: Scene
) -> HazardJudgement:
    rules = in_force.rules
    zones = () if scene.camera is None else scene.camera.zones
    judges: dict[str, Callable[[], HazardJudgement]] = {
        "no_hardhat": lambda: judge_hardhats(detections, view=view, rule=rules.no_hardhat),
        "no_vest": lambda: judge_vests(detections, view=view, rule=rules.no_vest),
        "machinery_reach": lambda: judge_machinery_reach(
            detections, view=view, camera=scene.camera, rule=rules.machinery_reach
        ),
        "exclusion_zone": lambda: judge_exclusion_zones(detections, view=view, zones=zones, rule=rules.exclusion_zone),
        "no_cones": lambda: judge_cones(detections, view=view, project_kind=scene.project_kind, rule=rules.no_cones),
        "lone_worker": lambda: judge_lone_worker(detections, is_fixed=scene.is_fixed, rule=rules.lone_worker),
        "crowding_under_load": lambda: judge_crowding_under_load(detections, view=view, rule=rules.crowding_under_load),
    }
    return judges[name]()


def _name_rule(hazard: Hazard, name: str, rule: Rule, in_force: RulesInForce, scene: Scene) -> Hazard:
    figures = {key: value for key, value in rule.model_dump(mode="json").items() if key not in _COMMON}
    named: dict[str, Any] = {"rule": name, "rule_version": in_force.version_of(name), "figures": figures}
    if scene.camera is not None:
        named |= {"camera_id": scene.camera.id, "camera_version": scene.camera.version}
    return replace(hazard, details=hazard.details | named, dwell_s=rule.dwell_s, cooldown_s=rule.cooldown_s)


def _judge_earlier(view: EarlierView, in_force: RulesInForce, scene: Scene) -> Counter[tuple[str, str]]:
    then = replace(scene, taken_at=view.taken_at, local_time=view.local_time, earlier=())
    judged = judge_hazards(
        view.detections, width_px=view.width_px, height_px=view.height_px, in_force=in_force, scene=then
    )
    return Counter((hazard.code, hazard.thing) for hazard in judged.hazards)


def _lasts_s(
    hazard: Hazard, number: int, earlier: Sequence[tuple[EarlierView, Counter[tuple[str, str]]]], scene: Scene
) -> float:
    """How long the camera's photos, one after the other, have shown as many of this hazard; 0 if only this one does."""
    if scene.taken_at is None:
        return 0.0
    since = scene.taken_at
    longest_gap = timedelta(seconds=hazard.dwell_s / _GAPS_IN_DWELL)
    for view, shown in reversed(earlier):
        if since - view.taken_at > longest_gap or shown[hazard.code, hazard.thing] < number:
            break
        since = view.taken_at
    return (scene.taken_at - since).total_seconds()
