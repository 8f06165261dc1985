"""When a fixed camera is dark or frozen, judged picture by picture; one fault is one episode. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from domain.camera import Camera, WorkingHours

DAYLIGHT: Final = WorkingHours("06:00", "19:00")
"""Where a camera has no working hours, darkness is a fault within these: those of the rule on cones."""

DARK_PICTURES: Final = 2
"""So many in a row must be dark: a lorry may stand before the lens in one."""

FROZEN_PICTURES: Final = 3
"""So many in a row must be the same."""

FROZEN_FOR: Final = timedelta(minutes=10)
"""And so long: daylight changes within that, and a sensor's noise from one picture to the next."""

SAME_SHARE: Final = 0.9
"""So much of the sampled points must be exactly alike: a clock that is written into the picture may go on."""


class CameraFault(StrEnum):
    """What may be wrong with a camera, as the code of its finding."""

    DARK = "camera.dark"
    FROZEN = "camera.frozen"
    SILENT = "camera.silent"


@dataclass(frozen=True, slots=True)
class Look:
    """What of a picture tells whether the camera sees.

    Attributes:
        is_dark: there is nothing to see in it.
        points: grey values at fixed places, one byte each.
    """

    is_dark: bool
    points: bytes


@dataclass(frozen=True, slots=True)
class HealthState:
    """What a judgement remembers of a camera.

    Attributes:
        seen_at: when the last judged picture was taken. UTC.
        points: of that picture.
        dark: how many in a row were dark.
        dark_since: the first of them.
        same: how many in a row were the same.
        same_since: the first of them.
        faults: by code, the id of the finding of an episode that goes on.
    """

    seen_at: datetime | None = None
    points: bytes = b""
    dark: int = 0
    dark_since: datetime | None = None
    same: int = 0
    same_since: datetime | None = None
    faults: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """A fault that began, or is over.

    Attributes:
        at: since when. UTC.
        pictures: how many in a row show it.
    """

    fault: CameraFault
    is_raised: bool
    at: datetime
    pictures: int = 0


def see_picture(
    state: HealthState, look: Look | None, *, at: datetime, must_be_light: bool
) -> tuple[HealthState, list[Change]]:
    """Judge the next picture of a camera; one that was taken before the last one changes nothing.

    Args:
        state: as the pictures before left it.
        look: of this one; None for the very same file as the one before.
        at: when it was taken. UTC.
        must_be_light: darkness is a fault now; at night it is none, and says nothing.

    Returns:
        The new state, with `faults` left to who records them, and what changed.
    """
    if state.seen_at is not None and at <= state.seen_at:
        return state, []
    is_dark = state.dark > 0 if look is None else look.is_dark
    changes: list[Change] = []
    after = _see_light(state, at, is_dark=is_dark, must_be_light=must_be_light, changes=changes)
    # A dark picture is the same as the next one, and that is not what is wrong with it.
    is_same = look is None or (not is_dark and _are_same(state.points, look.points))
    after = _see_motion(after, at, is_same=is_same, is_dark=is_dark, changes=changes)
    return replace(after, seen_at=at, points=state.points if look is None else look.points), changes


def must_be_light(camera: Camera | None, *, local: datetime) -> bool:
    """Whether a camera should see something at this time of its project's day."""
    hours = DAYLIGHT if camera is None or camera.working_hours is None else camera.working_hours
    return hours.holds(local.time())


def state_to_json(state: HealthState) -> dict[str, Any]:
    """The state for a row."""
    return {
        "seen_at": _to_text(state.seen_at),
        "points": state.points.hex(),
        "dark": state.dark,
        "dark_since": _to_text(state.dark_since),
        "same": state.same,
        "same_since": _to_text(state.same_since),
        "faults": state.faults,
    }


def state_from_json(given: dict[str, Any]) -> HealthState:
    """The state of a row; an empty one where it never was judged."""
    return HealthState(
        seen_at=_from_text(given.get("seen_at")),
        points=bytes.fromhex(given.get("points", "")),
        dark=given.get("dark", 0),
        dark_since=_from_text(given.get("dark_since")),
        same=given.get("same", 0),
        same_since=_from_text(given.get("same_since")),
        faults=dict(given.get("faults", {})),
    )


def _see_light(
    state: HealthState, at: datetime, *, is_dark: bool, must_be_light: bool, changes: list[Change]
) -> HealthState:
    if not is_dark:
        if CameraFault.DARK in state.faults:
            changes.append(Change(CameraFault.DARK, is_raised=False, at=at))
        return replace(state, dark=0, dark_since=None)
    if not must_be_light:
        return replace(state, dark=0, dark_since=None)
    since, dark = state.dark_since or at, state.dark + 1
    if dark >= DARK_PICTURES and CameraFault.DARK not in state.faults:
        changes.append(Change(CameraFault.DARK, is_raised=True, at=since, pictures=dark))
    return replace(state, dark=dark, dark_since=since)


def _see_motion(
    state: HealthState, at: datetime, *, is_same: bool, is_dark: bool, changes: list[Change]
) -> HealthState:
    if is_dark:
        return replace(state, same=0, same_since=None)
    if not is_same:
        if CameraFault.FROZEN in state.faults:
            changes.append(Change(CameraFault.FROZEN, is_raised=False, at=at))
        return replace(state, same=1, same_since=at)
    since, same = state.same_since or at, state.same + 1
    if same >= FROZEN_PICTURES and at - since >= FROZEN_FOR and CameraFault.FROZEN not in state.faults:
        changes.append(Change(CameraFault.FROZEN, is_raised=True, at=since, pictures=same))
    return replace(state, same=same, same_since=since)


def _are_same(before: bytes, after: bytes) -> bool:
    if len(before) != len(after) or not after:
        return False
    return sum(a == b for a, b in zip(before, after, strict=True)) >= SAME_SHARE * len(after)


def _to_text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _from_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
