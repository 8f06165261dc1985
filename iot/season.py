"""What the temperature may still have left in a record: a nuisance that the forecast has to allow for.

A consolidation is told from another by bends of a hundredth of the movement, and a wave of the year bends a record of a
year by as much. So the forecast fits the wave beside the law, with what is known of its size beforehand: then one law
does not win over another by a remnant of summer, and the interval knows of it.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from iot.settlement_statistics import FloatArray
from iot.thermal import ThermalMethod, ThermalReason, ThermalRemoval

YEAR_DAYS: Final = 365.25
NO_SEASON: Final = 0.5  # beforehand, that there is none but what the temperature's coefficient tells
# How large a wave of the year may be where no thermometer tells, each equally likely: by the noise of a reading, from
# hardly to be seen to all that is to be seen; or by the wave of the day, where that is seen. The air's own year is two
# to four times its day, and a thick structure follows the day in part only.
SIZES_BY_NOISE: Final = (1.0, 3.0, 10.0, 30.0)
SIZES_BY_DAY: Final = (1.0, 3.0, 10.0)


@dataclass(frozen=True, slots=True, eq=False)
class Season:
    """Courses that may be in a record beside the settlement, and how large they may be.

    Attributes:
        columns: (N, Q).
        deviations_mm: (M, Q): in each of M cases, the standard deviations of the columns' sizes around 0. [mm by unit]
        shares: (M,), how likely each case is beforehand, summing to 1.
    """

    columns: FloatArray
    deviations_mm: FloatArray
    shares: FloatArray

    def choose(self, mine: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> "Season":
        """The season at some of the readings."""
        return Season(self.columns[mine], self.deviations_mm, self.shares)


def no_season(count: int) -> Season:
    """Nothing beside the settlement, for so many readings."""
    return Season(np.zeros((count, 0)), np.zeros((1, 0)), np.ones(1))


def expect_season(thermal: ThermalRemoval, *, noise_mm: float) -> Season:
    """What a record may hold of the season after its thermal movement was taken out.

    With a thermometer: the coefficient's error times the temperature; and a wave of the year of either phase, either
    none, or as large as what the coefficient makes of the temperature, since the year may reach deeper into a structure
    than the days that told the coefficient. Without one: none, or a wave of unknown size.

    Args:
        thermal: the record and what was taken out.
        noise_mm: standard deviation of one reading. [mm]
    """
    phase = 2 * math.pi * thermal.times / YEAR_DAYS
    waves = np.stack([np.cos(phase), np.sin(phase)], axis=1)
    found, degrees = thermal.coefficient_mm_per_k, thermal.temperature_degc
    if found is None or degrees is None:
        sizes, none = _unknown_sizes(thermal, noise_mm)
        return Season(waves, np.repeat(sizes[:, None], 2, axis=1), _share(sizes.size, none=none))
    left = 0.0 if thermal.reason is ThermalReason.REMOVED else found.value
    error = float(np.hypot(left, found.standard_uncertainty))
    wave = float(np.hypot(found.value, found.standard_uncertainty)) * float(np.std(degrees)) * math.sqrt(2)
    swing = (degrees - degrees.mean())[:, None]
    deviations = np.array([[error, 0.0, 0.0], [error, wave, wave]])
    return Season(np.concatenate([swing, waves], axis=1), deviations, np.array([NO_SEASON, 1 - NO_SEASON]))


def _unknown_sizes(thermal: ThermalRemoval, noise_mm: float) -> tuple[FloatArray, bool]:
    if thermal.method is ThermalMethod.DAILY_HARMONIC and thermal.amplitude_mm:
        return thermal.amplitude_mm * np.array(SIZES_BY_DAY), False
    return noise_mm * np.array([0.0, *SIZES_BY_NOISE]), True


def _share(count: int, *, none: bool) -> FloatArray:
    if not none:
        return np.full(count, 1 / count)
    return np.array([NO_SEASON, *np.full(count - 1, (1 - NO_SEASON) / (count - 1))])
