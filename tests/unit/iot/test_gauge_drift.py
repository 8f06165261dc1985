"""Two gauges that measure the same thing."""

import random
from datetime import UTC, datetime, timedelta

from iot.gauge_drift import DriftVerdict, judge_drift

START = datetime(2026, 7, 1, tzinfo=UTC)


def make_hours(days: int, *, slope: float = 0.0, sigma: float = 0.1, seed: int = 1) -> dict[datetime, float]:
    """Hourly values of a gauge that drifts by `slope` a day."""
    draw = random.Random(seed)  # noqa: S311 - repeatable, not secret
    return {START + n * timedelta(hours=1): 5 + slope * n / 24 + draw.gauss(0, sigma) for n in range(24 * days)}


def test_judge_drift__together() -> None:
    """Two that settle alike by 10 mm are together, whatever they settle."""
    own, other = make_hours(28, slope=0.4), make_hours(28, slope=0.4, seed=2)
    assert judge_drift(own, other, resolution=0.01).verdict is DriftVerdict.TOGETHER


def test_judge_drift__parted_and_together_again() -> None:
    """0.1 mm a day are 2.35 mm from the middle of the first week (day 3.5) to that of the last three days (26.5)."""
    drift = judge_drift(make_hours(28, slope=0.1), make_hours(28, seed=2), resolution=0.01)
    assert drift.verdict is DriftVerdict.PARTED
    assert drift.base is not None
    assert drift.parting is not None
    assert abs(drift.parting - 2.3) < 0.15
    later = judge_drift(make_hours(28), make_hours(28, seed=2), resolution=0.01, parted_from=drift.base - 3.0)
    assert later.verdict is DriftVerdict.PARTED
    mended = judge_drift(make_hours(28), make_hours(28, seed=2), resolution=0.01, parted_from=0.0)
    assert mended.verdict is DriftVerdict.TOGETHER


def test_judge_drift__cannot_tell() -> None:
    """Nine days are not enough, nor is a gauge alone."""
    assert judge_drift(make_hours(9), make_hours(9), resolution=0.0).verdict is DriftVerdict.CANNOT_TELL
    assert judge_drift(make_hours(28), {}, resolution=0.0).verdict is DriftVerdict.CANNOT_TELL


def test_judge_drift__half_days() -> None:
    """One that is silent by night is compared by day alone: the temperature of the night is no drift."""
    other = {t: v + (3 if t.hour < 12 else 0) for t, v in make_hours(28, seed=2).items()}
    own = {t: v + (3 if t.hour < 12 else 0) for t, v in make_hours(28).items()}
    late = START + timedelta(days=20)
    by_day = {t: v for t, v in own.items() if t.hour >= 12 or t < late}
    assert judge_drift(by_day, other, resolution=0.01).verdict is DriftVerdict.TOGETHER


def test_judge_drift__coarse() -> None:
    """Parting by less than four steps of the gauge is none, though its noise cannot be seen."""
    own = {t: 5.0 if t < START + timedelta(days=14) else 5.3 for t in make_hours(28)}
    other = dict.fromkeys(make_hours(28), 5.0)
    assert judge_drift(own, other, resolution=0.1).verdict is DriftVerdict.TOGETHER
    assert judge_drift(own, other, resolution=0.05).verdict is DriftVerdict.PARTED
