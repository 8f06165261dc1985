from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest

from domain.camera import Camera, WorkingHours
from domain.camera_health import (
    CameraFault,
    Change,
    HealthState,
    Look,
    must_be_light,
    see_picture,
    state_from_json,
    state_to_json,
)

_NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)
_DARK = Look(is_dark=True, points=bytes(100))
_FROZEN = Look(is_dark=False, points=bytes(range(100)))


def _live(number: int) -> Look:
    """A picture that differs from its neighbours in every point."""
    return Look(is_dark=False, points=bytes((each + number) % 256 for each in range(100)))


def _see(looks: Sequence[Look | None], *, light: bool = True, every_s: float = 300) -> list[Change]:
    """Pictures from noon on; faults that are raised are kept as their recorder would."""
    state, told = HealthState(), []
    for index, look in enumerate(looks):
        at = _NOON + timedelta(seconds=index * every_s)
        state, changes = see_picture(state, look, at=at, must_be_light=light)
        state = state_from_json(state_to_json(state))
        for change in changes:
            if change.is_raised:
                state.faults[change.fault] = "id"
            else:
                del state.faults[change.fault]
        told += changes
    return told


def _after(pictures: int) -> datetime:
    return _NOON + timedelta(seconds=300 * pictures)


def test_see_picture__dark__is_one_episode_from_the_first_dark_picture_to_the_first_light_one() -> None:
    """One dark picture is a lorry; two are a fault, told once, and over with the first light one."""
    assert _see([_live(0), _DARK, _live(1)]) == []
    assert _see([_live(0), _DARK, _DARK, _DARK, _live(1), _live(2)]) == [
        Change(CameraFault.DARK, is_raised=True, at=_after(1), pictures=2),
        Change(CameraFault.DARK, is_raised=False, at=_after(4)),
    ]


def test_see_picture__dark_at_night__is_no_fault() -> None:
    """Neither dark, nor frozen, though every picture is the same."""
    assert _see([_DARK] * 20, light=False) == []


def test_see_picture__same__is_frozen_after_three_pictures_and_ten_minutes() -> None:
    """Pictures five minutes apart: the third one is ten minutes after the first."""
    assert _see([_FROZEN, _FROZEN]) == []
    assert _see([_FROZEN] * 5 + [_live(1)]) == [
        Change(CameraFault.FROZEN, is_raised=True, at=_after(0), pictures=3),
        Change(CameraFault.FROZEN, is_raised=False, at=_after(5)),
    ]
    # A minute apart, ten minutes need eleven pictures.
    assert _see([_FROZEN] * 10, every_s=60) == []
    assert [each.pictures for each in _see([_FROZEN] * 11, every_s=60)] == [11]


def test_see_picture__the_very_same_file__counts_as_the_same_picture() -> None:
    """Its bytes came again, so nobody looked at them again."""
    assert [each.fault for each in _see([_FROZEN, None, None])] == [CameraFault.FROZEN]


@pytest.mark.parametrize(("changed", "is_frozen"), [(10, True), (11, False)])
def test_see_picture__with_a_clock_in_the_picture__is_frozen_all_the_same(changed: int, is_frozen: bool) -> None:  # noqa: FBT001
    """Ten of a hundred points may change, where the clock is written."""
    clocks = [Look(is_dark=False, points=bytes([tick] * changed) + bytes(100 - changed)) for tick in (1, 2, 3, 4)]
    assert bool(_see(list(clocks))) is is_frozen


def test_see_picture__older_than_the_last__changes_nothing() -> None:
    """Photos that waited and come late are no news."""
    state, _ = see_picture(HealthState(), _live(0), at=_NOON, must_be_light=True)
    assert see_picture(state, _DARK, at=_NOON - timedelta(minutes=1), must_be_light=True) == (state, [])


def test_must_be_light__by_working_hours__or_by_day() -> None:
    """Silent: from 06 to 19; a camera's own hours otherwise, over midnight too."""
    at = [datetime.combine(_NOON, time(hour), tzinfo=UTC) for hour in (5, 6, 18, 19)]
    assert [must_be_light(None, local=each) for each in at] == [False, True, True, False]
    night = Camera("p", "c", "c", (), (), 0.0, _NOON, 1, working_hours=WorkingHours("18:00", "06:00"))
    assert [must_be_light(night, local=each) for each in at] == [True, False, True, True]
