"""A measured quantity with its uncertainty, and its verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt

from domain.measurement import COVERAGE, InvalidTolerance, Quantity, Tolerance, Verdict
from vision.board_pose import Points


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """What was measured, for the overlay: ends in the picture [px], of a line that was found or of a distance."""

    start_px: Points
    end_px: Points
    is_found_line: bool


@dataclass(frozen=True, slots=True)
class Value:
    """A length with the parts of its uncertainty.

    Attributes:
        value_mm: [mm]
        parts_mm: standard uncertainties by cause, independent of each other. [mm]
    """

    value_mm: float
    parts_mm: Mapping[str, float]

    @property
    def u_mm(self) -> float:
        """The combined standard uncertainty (JCGM 100, 5.1.2) [mm]."""
        return sqrt(sum(each**2 for each in self.parts_mm.values()))

    @property
    def interval_mm(self) -> tuple[float, float]:
        """Between these it lies at 95 % [mm]."""
        return self.value_mm - COVERAGE * self.u_mm, self.value_mm + COVERAGE * self.u_mm

    def to_json(self, tolerance: Tolerance | None) -> dict[str, object]:
        """JSON-ready, with its verdict where there is a tolerance."""
        return {
            "value_mm": round(self.value_mm, 3),
            "u_mm": round(self.u_mm, 3),
            "interval_mm": [round(each, 3) for each in self.interval_mm],
            "uncertainty_parts_mm": {name: round(each, 3) for name, each in self.parts_mm.items()},
            "verdict": None if tolerance is None else tolerance.judge(self.value_mm, self.u_mm).value,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Measurement:
    """One quantity in one photo.

    Attributes:
        direction: of rebar spacing, which bars: `1` for those nearer to the board's columns, `2` for the others.
        value: the mean, where there are several gaps.
        gaps: of rebar spacing, each; empty otherwise.
        missing: how many bars seem to be missing after the gap of the same place; empty otherwise.
        segments: for the overlay.
        lines_mm: (2 N, 2) start and end of the N lines that were found, in the board's coordinates. [mm]
    """

    quantity: Quantity
    value: Value
    segments: tuple[Segment, ...]
    lines_mm: Points
    direction: str | None = None
    gaps: tuple[Value, ...] = ()
    missing: tuple[int, ...] = field(default=())

    def judge(self, tolerance: Tolerance) -> Verdict:
        """Of several gaps the worst counts, as with a tape: one that fails fails, one that is open leaves it open."""
        verdicts = {tolerance.judge(each.value_mm, each.u_mm) for each in (*self.gaps, self.value)}
        if Verdict.FAIL in verdicts:
            return Verdict.FAIL
        return Verdict.CANNOT_TELL if Verdict.CANNOT_TELL in verdicts else Verdict.PASS

    def to_json(self, tolerance: Tolerance | None) -> dict[str, object]:
        """JSON-ready: the shape of a line's `measurements`."""
        told: dict[str, object] = {"quantity": self.quantity.value}
        if self.direction is not None:
            told["direction"] = self.direction
        told |= self.value.to_json(None)
        told["verdict"] = None if tolerance is None else self.judge(tolerance).value
        if tolerance is not None:
            told |= {"nominal_mm": tolerance.nominal_mm, "tolerance_mm": tolerance.tolerance_mm}
        if self.gaps:
            told["missing_bars"] = sum(self.missing)
            told["gaps"] = [
                each.to_json(tolerance) | {"missing_bars": missing}
                for each, missing in zip(self.gaps, self.missing, strict=True)
            ]
        told["lines_mm"] = [[round(each, 2) for each in point] for point in self.lines_mm.tolist()]
        return told


def parse_tolerance(text: str) -> tuple[Quantity, Tolerance]:
    """Read `QUANTITY:NOMINAL:TOLERANCE` in millimetres, such as `rebar_spacing:200:10`.

    Raises:
        InvalidTolerance: it is malformed.
    """
    try:
        name, nominal, tolerance = text.split(":")
        return Quantity(name), Tolerance(float(nominal), float(tolerance))
    except ValueError as error:
        known = ", ".join(Quantity)
        raise InvalidTolerance(f"{text!r} is not like rebar_spacing:200:10 (mm); known are {known}") from error
