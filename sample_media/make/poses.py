"""Poses of the people in the rendered scenes, as directions of their limbs (x left, y back, z up; they face -y)."""

from __future__ import annotations

from math import cos, pi, sin

from sample_media.make.humans import Pose

Direction = tuple[float, float, float]

ARMS_DOWN: dict[str, Direction] = {
    "upperarm_l": (0.16, 0.05, -1),
    "lowerarm_l": (0.06, -0.28, -1),
    "upperarm_r": (-0.16, 0.05, -1),
    "lowerarm_r": (-0.06, -0.28, -1),
}
LEGS: dict[str, Direction] = {
    "thigh_l": (0.10, -0.02, -1),
    "calf_l": (0.03, 0.05, -1),
    "thigh_r": (-0.10, -0.02, -1),
    "calf_r": (-0.03, 0.05, -1),
}


def standing(*, look_deg: float = 0.0) -> Pose:
    """Upright, arms hanging; the head turned to the figure's left by some degrees."""
    return Pose(aims=ARMS_DOWN | LEGS, turns={"head": (0.06, 0, look_deg * pi / 180)})


def pointing() -> Pose:
    """Upright, the right arm stretched out to the side and forward."""
    aims = ARMS_DOWN | LEGS | {"upperarm_r": (-0.7, -0.62, -0.12), "lowerarm_r": (-0.72, -0.66, 0.05)}
    return Pose(aims=aims, turns={"head": (0.0, 0, -0.5)})


def reading() -> Pose:
    """Upright, both forearms forward as with a clipboard, the head bent to it."""
    arms: dict[str, Direction] = {
        "upperarm_l": (0.22, -0.12, -1),
        "lowerarm_l": (-0.45, -0.95, 0.15),
        "upperarm_r": (-0.22, -0.12, -1),
        "lowerarm_r": (0.45, -0.95, 0.15),
    }
    return Pose(aims=ARMS_DOWN | LEGS | arms, turns={"head": (0.28, 0, 0)})


def walking(phase: float) -> Pose:
    """A walk; a phase of 1 is two steps."""
    swing = sin(2 * pi * phase)
    left, right = 0.30 * swing, -0.30 * swing
    bend_l, bend_r = max(0.0, cos(2 * pi * phase)), max(0.0, -cos(2 * pi * phase))
    aims: dict[str, Direction] = {
        "thigh_l": (0.05, -left - 0.16 * bend_l, -1),
        "calf_l": (0.02, -left * 0.4 + 0.12 + 0.55 * bend_l, -1),
        "thigh_r": (-0.05, -right - 0.16 * bend_r, -1),
        "calf_r": (-0.02, -right * 0.4 + 0.12 + 0.55 * bend_r, -1),
        "upperarm_l": (0.16, 0.8 * left + 0.03, -1),
        "lowerarm_l": (0.04, 0.8 * left - 0.35, -1),
        "upperarm_r": (-0.16, 0.8 * right + 0.03, -1),
        "lowerarm_r": (-0.04, 0.8 * right - 0.35, -1),
    }
    return Pose(aims=aims, turns={"spine_02": (0.04, 0, 0.08 * swing), "head": (0.0, 0, -0.06 * swing)})
