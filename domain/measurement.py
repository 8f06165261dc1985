"""What can be measured beside a board, and what follows from a length, its uncertainty and a tolerance together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import erf, sqrt
from typing import Any, ClassVar, Final

from domain.errors import Invalid

COVERAGE: Final = 1.96
"""Of a normal distribution, for 95 % (JCGM 100, table G.1)."""

CONFORMANCE: Final = 0.95
"""The probability of conformity from which something passes, and of non-conformity from which it fails (JCGM 106, 7 and
8: both decision rules are guarded, so that what lies between is told to be open)."""


class Quantity(StrEnum):
    """What can be measured beside a board."""

    REBAR_SPACING = "rebar_spacing"
    WIDTH = "width"
    THICKNESS = "thickness"


class Verdict(StrEnum):
    """Of a measurement against its tolerance."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    CANNOT_TELL = "cannot_tell"


class InvalidTolerance(Invalid):
    """A tolerance that is not like `rebar_spacing:200:10`, or whose figures are not above 0."""

    code: ClassVar[str] = "measurement.invalid_tolerance"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a quantity must be: within nominal - tolerance and nominal + tolerance [mm]."""

    nominal_mm: float
    tolerance_mm: float

    def __post_init__(self) -> None:
        """Refuse what no drawing says."""
        if not (0 < self.nominal_mm < float("inf") and 0 < self.tolerance_mm < float("inf")):
            raise InvalidTolerance("nominal and tolerance are above 0")

    def conformity(self, value_mm: float, u_mm: float) -> float:
        """The probability that the true value lies within, for a normal distribution (JCGM 106, 7.3.2)."""
        below, above = ((self.nominal_mm + sign * self.tolerance_mm - value_mm) / u_mm / sqrt(2) for sign in (-1, 1))
        return (erf(above) - erf(below)) / 2

    def judge(self, value_mm: float, u_mm: float) -> Verdict:
        """Pass or fail where it is 95 % sure, else cannot tell."""
        probability = self.conformity(value_mm, u_mm)
        if probability >= CONFORMANCE:
            return Verdict.PASS
        return Verdict.FAIL if probability <= 1 - CONFORMANCE else Verdict.CANNOT_TELL


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured in a milestone's photos.

    Attributes:
        board: the specification of the board that is measured by, as `siteproof print-board` takes it.
        camera: what `siteproof calibrate` wrote of the camera; None reads EXIF.
        tolerances: by quantity, in the order in which they are required.
    """

    board: str
    camera: dict[str, Any] | None
    tolerances: dict[Quantity, Tolerance]


def find_wanted(requires: Mapping[str, Any]) -> Wanted | None:
    """What a milestone's `requires` asks to be measured; None where nothing is, or no board is named.

    What an earlier release stored and no release can measure is passed over, see `list_unoffered`.
    """
    board = requires.get("board")
    tolerances = {
        Quantity(each["quantity"]): Tolerance(each["nominal_mm"], each["tolerance_mm"])
        for each in requires.get("measurements") or ()
        if _is_offered(each)
    }
    return Wanted(board, requires.get("camera"), tolerances) if board and tolerances else None


def lacks_measurement(measurements: Sequence[Mapping[str, Any]], wanted: Wanted) -> bool:
    """Whether something wanted was never looked for by this board, successfully or not."""
    looked_for = {each["quantity"] for each in measurements if each["board"] == wanted.board}
    return not looked_for.issuperset(wanted.tolerances)


def list_unoffered(requires: Mapping[str, Any]) -> list[str]:
    """The quantities that are required and that cannot be measured."""
    return [each["quantity"] for each in requires.get("measurements") or () if not _is_offered(each)]


def _is_offered(requirement: Mapping[str, Any]) -> bool:
    return requirement["quantity"] in set(Quantity) and min(requirement["nominal_mm"], requirement["tolerance_mm"]) > 0
