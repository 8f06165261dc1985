"""Hazards by where people are: near machinery, in a zone, on a road without cones, alone, under a load. Pure.

A person's place is where their feet are. Nobody is told to be somewhere whose feet the picture does not show.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

from shapely import Point, Polygon

from domain.camera import Camera, ExclusionZone
from domain.media import Detection
from domain.project import ProjectKind
from vision.ground_plane import GroundPlane, distance_to_edge, estimate_ground_planes, fit_ground_plane
from vision.hazard import (
    Box,
    Hazard,
    HazardJudgement,
    View,
    box_area,
    box_height,
    box_width,
    shared_area,
)
from vision.hazard_rules import CrowdingUnderLoad, LoneWorker, MachineryReach, NoCones, ZoneEntry

MACHINERY_REACH: Final = "safety.machinery_reach"
EXCLUSION_ZONE: Final = "safety.exclusion_zone"
NO_CONES: Final = "safety.no_cones"
LONE_WORKER: Final = "safety.lone_worker"
CROWDING_UNDER_LOAD: Final = "safety.crowding_under_load"

FOOT_ERROR: Final = 0.1
"""By so much of a person's height the lower edge of their box may be off: of 50 upright persons of the validation
pictures whom the shipped detector finds, half are off by less than 3 %, eight of ten by less than 11 %."""

_MIN_PERSON_PX: Final = 32.0  # as the network saw them; below that a box says too little of where the feet are
_UPRIGHT: Final = 1.5  # times as high as wide: who kneels or is half hidden gives no scale, and no feet
_ABOARD: Final = 0.8  # of a person within a machine's box, feet above its lower edge: its driver, or somebody behind it
_AT_FRAME: Final = 0.01  # a corner of a zone so near to the picture's border is meant to lie on it


def judge_machinery_reach(
    detections: Sequence[Detection], *, view: View, camera: Camera | None, rule: MachineryReach
) -> HazardJudgement:
    """Tell who stands within reach of machinery.

    On a camera with ground points the distance is in metres. On any other picture it is in heights of the person, and
    counts only where every camera between the lowest and the highest that we allow for agrees. Whether the machine's
    engine runs no picture shows.

    Args:
        detections: of one picture.
        view: its frame.
        camera: that took it, where it is a registered one.
        rule: the figures.
    """
    persons = _persons(detections)
    machines = [seen for seen in detections if seen.label in rule.machinery]
    plane = _calibrated(camera, view)
    hazards: list[Hazard] = []
    untold = 0
    for person in persons:
        told = [(machine, _distance(person, machine, view=view, plane=plane, rule=rule)) for machine in machines]
        near = [(span, machine) for machine, span in told if span is not None and span[1] <= rule.reach_m]
        if near:
            span, machine = min(near, key=lambda item: item[0])
            hazards.append(_reach_hazard(person, machine, span, rule=rule, is_calibrated=plane is not None))
        elif any(span is None or span[0] <= rule.reach_m for _, span in told):
            untold += 1
    return HazardJudgement(tuple(hazards), persons=len(persons), cannot_tell={MACHINERY_REACH: untold})


def judge_exclusion_zones(
    detections: Sequence[Detection], *, view: View, zones: Sequence[ExclusionZone], rule: ZoneEntry
) -> HazardJudgement:
    """Tell who stands in a zone: by the middle of the lower edge of their box, not by what of them reaches over it.

    Args:
        detections: of one picture.
        view: its frame.
        zones: of the camera that took it.
        rule: the figures.
    """
    persons = _persons(detections)
    hazards: list[Hazard] = []
    untold = 0
    drawn = [(zone, _draw(zone, view)) for zone in zones]
    for person in persons:
        verdicts = [(zone, _stands_in(person, area, view)) for zone, area in drawn]
        hazards += [_zone_hazard(person, zone, rule) for zone, is_in in verdicts if is_in]
        untold += any(is_in is None for _, is_in in verdicts)
    return HazardJudgement(tuple(hazards), persons=len(persons), cannot_tell={EXCLUSION_ZONE: untold})


def judge_cones(
    detections: Sequence[Detection], *, view: View, project_kind: ProjectKind | None, rule: NoCones
) -> HazardJudgement:
    """Tell that people are at work on a road and no cone is in view, where the view is wide enough to show one.

    Args:
        detections: of one picture.
        view: its frame; its width is scaled by the smallest person who stands whole in it.
        project_kind: silent or another than the rule's: nothing is told.
        rule: the figures.
    """
    persons = _persons(detections)
    if not persons or project_kind not in rule.project_kinds:
        return HazardJudgement((), persons=len(persons))
    if any(seen.label in rule.cones for seen in detections):
        return HazardJudgement((), persons=len(persons), refuted=frozenset({NO_CONES}))
    whole = [person for person in persons if _stands_whole(person, view)]
    widths_m = [view.width_px / box_height(person.box_xyxy_px) * rule.body_height_m for person in whole]
    if not widths_m or max(widths_m) < rule.min_view_m:
        return HazardJudgement((), persons=len(persons), cannot_tell={NO_CONES: len(persons)})
    strongest = max(persons, key=lambda person: person.score)
    hazard = Hazard(
        code=NO_CONES,
        severity=rule.severity,
        title={"zh": "道路施工有人作业，画面中未见锥桶", "en": "People are at work on a road and no cone is in view"},
        box_xyxy_px=strongest.box_xyxy_px,
        score=strongest.score,
        details={"label": "person", "persons": len(persons), "view_m": round(max(widths_m), 1)},
        whole_view=True,
    )
    return HazardJudgement((hazard,), persons=len(persons))


def judge_lone_worker(detections: Sequence[Detection], *, is_fixed: bool, rule: LoneWorker) -> HazardJudgement:
    """Tell that a fixed camera sees one person and nobody else; that it lasts is for the rule's dwell to say.

    Args:
        detections: of one picture.
        is_fixed: whether it is a fixed camera's; behind a phone stands a second person, so nothing is told.
        rule: the figures.
    """
    persons = _persons(detections)
    if not is_fixed or not persons:
        return HazardJudgement((), persons=len(persons))
    if len(persons) > 1:
        return HazardJudgement((), persons=len(persons), refuted=frozenset({LONE_WORKER}))
    hazard = Hazard(
        code=LONE_WORKER,
        severity=rule.severity,
        title={"zh": "画面中长时间只有一人作业", "en": "One person has long been alone in the camera's view"},
        box_xyxy_px=persons[0].box_xyxy_px,
        score=persons[0].score,
        details={"label": "person"},
        whole_view=True,
    )
    return HazardJudgement((hazard,), persons=1)


def judge_crowding_under_load(
    detections: Sequence[Detection], *, view: View, rule: CrowdingUnderLoad
) -> HazardJudgement:
    """Tell that several people stand under a lifted load, as the picture shows it.

    A load in the air touches no ground, so how far behind or before the people it hangs cannot be known from one
    picture; the finding says so.

    Args:
        detections: of one picture.
        view: its frame.
        rule: the figures.
    """
    persons = _persons(detections)
    hazards: list[Hazard] = []
    untold = 0
    for load in (seen for seen in detections if seen.label in rule.loads):
        under = [person for person in persons if _is_under(person.box_xyxy_px, load.box_xyxy_px, rule.margin_bodies)]
        whole = [person for person in under if _is_large_enough(person, view)]
        if len(whole) >= rule.min_persons:
            hazards.append(
                Hazard(
                    code=CROWDING_UNDER_LOAD,
                    severity=rule.severity,
                    title={"zh": "多人站在吊物下方", "en": "Several people stand under a lifted load"},
                    box_xyxy_px=load.box_xyxy_px,
                    score=load.score,
                    details={
                        "label": load.label,
                        "persons": len(whole),
                        "person_boxes_xyxy_px": [[round(value, 1) for value in each.box_xyxy_px] for each in whole],
                        "depth": "not_known",
                    },
                )
            )
        elif len(under) >= rule.min_persons:
            untold += len(under)
    return HazardJudgement(tuple(hazards), persons=len(persons), cannot_tell={CROWDING_UNDER_LOAD: untold})


def _persons(detections: Sequence[Detection]) -> list[Detection]:
    return [seen for seen in detections if seen.label == "person"]


def _calibrated(camera: Camera | None, view: View) -> GroundPlane | None:
    if camera is None or not camera.ground_points:
        return None
    return fit_ground_plane(camera.ground_points, width_px=view.width_px, height_px=view.height_px)


def _distance(
    person: Detection, machine: Detection, *, view: View, plane: GroundPlane | None, rule: MachineryReach
) -> tuple[float, float] | None:
    """Between which distances a person stands from a machine [m]; None where nothing can be said."""
    box, edge = person.box_xyxy_px, machine.box_xyxy_px
    is_cut = edge[3] >= view.height_px - view.border_px
    if is_cut or not _shows_feet(person, view) or _is_aboard(box, edge):
        return None
    planes: Sequence[GroundPlane]
    if plane is not None:
        planes, metres = (plane,), 1.0
    elif _stands_whole(person, view):
        planes = estimate_ground_planes(
            foot_xy_px=_foot(box), body_height_px=box_height(box), width_px=view.width_px, height_px=view.height_px
        )
        metres = rule.body_height_m
    else:
        return None
    x, y = _foot(box)
    error = FOOT_ERROR * box_height(box)
    distances = [
        distance_to_edge(
            each,
            foot_xy_px=(x, y + shift),
            edge_px=(edge[0], edge[2], edge[3]),
            depth=rule.machinery_depth_m / metres,
        )
        for each in planes
        for shift in (-error, 0.0, error)
    ]
    known = [distance * metres for distance in distances if distance is not None]
    if not known:
        return None
    # Above a camera's horizon is as far as one likes.
    return min(known), max(known) if len(known) == len(distances) else math.inf


def _reach_hazard(
    person: Detection, machine: Detection, span_m: tuple[float, float], *, rule: MachineryReach, is_calibrated: bool
) -> Hazard:
    span = [round(value, 1) for value in span_m]
    details: dict[str, Any] = {
        "label": machine.label,
        "machinery_box_xyxy_px": [round(value, 1) for value in machine.box_xyxy_px],
        "distance_m": span,
        "scale": "ground_points" if is_calibrated else "body_height",
        "working": "not_known",
    }
    if not is_calibrated:
        details["distance_bodies"] = [round(value / rule.body_height_m, 1) for value in span_m]
    return Hazard(
        code=MACHINERY_REACH,
        severity=rule.severity,
        title={"zh": "有人处于施工机械作业半径内", "en": "A person stands within reach of machinery"},
        box_xyxy_px=person.box_xyxy_px,
        score=min(person.score, machine.score),
        details=details,
    )


def _is_aboard(person: Box, machine: Box) -> bool:
    within = shared_area(person, machine) >= _ABOARD * box_area(person)
    return within and person[3] < machine[3] - FOOT_ERROR * box_height(person)


def _draw(zone: ExclusionZone, view: View) -> Polygon:
    """The zone in pixels; where it touches the picture's border it goes on beyond."""
    corners = [(_beyond(x) * view.width_px, _beyond(y) * view.height_px) for x, y in zone.polygon]
    return Polygon(corners)


def _beyond(share: float) -> float:
    return -1.0 if share <= _AT_FRAME else 2.0 if share >= 1 - _AT_FRAME else share


def _stands_in(person: Detection, area: Polygon, view: View) -> bool | None:
    if not _shows_feet(person, view):
        # Feet are below what is seen of somebody: where the zone is nowhere below, they are not in it.
        return None if area.intersects(_below(person.box_xyxy_px, view)) else False
    foot = Point(_foot(person.box_xyxy_px))
    if area.exterior.distance(foot) < FOOT_ERROR * box_height(person.box_xyxy_px):
        return None
    return bool(area.contains(foot))


def _below(box: Box, view: View) -> Polygon:
    """Where the feet of somebody may be whose feet are not seen: anywhere below the top of their box."""
    x_min, y_min, x_max, _ = box
    end = 2 * view.height_px
    return Polygon([(x_min, y_min), (x_max, y_min), (x_max, end), (x_min, end)])


def _zone_hazard(person: Detection, zone: ExclusionZone, rule: ZoneEntry) -> Hazard:
    return Hazard(
        code=EXCLUSION_ZONE,
        severity=rule.severity,
        title={"zh": f"有人进入禁入区“{zone.name}”", "en": f"A person is in the exclusion zone {zone.name}"},
        box_xyxy_px=person.box_xyxy_px,
        score=person.score,
        details={"label": "person", "zone_id": zone.id, "foot_xy_px": [round(v, 1) for v in _foot(person.box_xyxy_px)]},
        thing=zone.id,
    )


def _is_under(person: Box, load: Box, margin_bodies: float) -> bool:
    middle, margin = (person[0] + person[2]) / 2, margin_bodies * box_height(person)
    return load[0] - margin <= middle <= load[2] + margin and load[3] <= person[3]


def _foot(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, box[3]


def _is_large_enough(person: Detection, view: View) -> bool:
    return box_height(person.box_xyxy_px) >= _MIN_PERSON_PX * view.network_pixel


def _shows_feet(person: Detection, view: View) -> bool:
    """Whether the box ends at the feet: not at the picture's border, and of somebody who stands."""
    box = person.box_xyxy_px
    is_upright = box_height(box) >= _UPRIGHT * box_width(box)
    return _is_large_enough(person, view) and is_upright and box[3] < view.height_px - view.border_px


def _stands_whole(person: Detection, view: View) -> bool:
    """Whether the box is as high as the person: feet and head in the picture."""
    return _shows_feet(person, view) and person.box_xyxy_px[1] > view.border_px
