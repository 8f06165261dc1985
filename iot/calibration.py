"""Calibration: from what a gauge says to the value in the sensor's unit. Every kind of it is a class with `apply`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from domain.errors import Invalid
from iot.payload import NotANumber, require_finite

_LINEAR_KEYS: Final = {"scale", "offset"}
MAX_DEGREE: Final = 6  # gauges' sheets give 2 to 5; more only follows the noise of the few points that it was fitted to


class InvalidCalibration(Invalid):
    """A calibration of none of the two forms, or with numbers by which every reading would be the same."""

    code: ClassVar[str] = "sensor.invalid_calibration"


class Calibration(Protocol):
    """How a sensor's values come from its raw ones."""

    @property
    def is_identity(self) -> bool:
        """Whether the value is the raw value."""
        ...

    def apply(self, raw: float) -> float:
        """The value in the sensor's unit.

        Raises:
            NotANumber: it would not be finite.
        """
        ...


@dataclass(frozen=True, slots=True)
class LinearCalibration:
    """value = scale * raw + offset.

    Attributes:
        scale: of the raw value; not 0. [unit per raw]
        offset: added afterwards. [unit]
    """

    scale: float = 1.0
    offset: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Whether the value is the raw value."""
        return self.scale == 1 and self.offset == 0

    def apply(self, raw: float) -> float:
        """The value in the sensor's unit.

        Raises:
            NotANumber: it would not be finite.
        """
        return require_finite(self.scale * raw + self.offset)


@dataclass(frozen=True, slots=True)
class PolynomialCalibration:
    """value = c0 + c1 * raw + c2 * raw^2 + ...

    Attributes:
        coefficients: c0 first, as most gauges' sheets have them last. [unit per raw to the power of the place]
    """

    coefficients: tuple[float, ...]

    @property
    def is_identity(self) -> bool:
        """Whether the value is the raw value."""
        return self.coefficients[:2] == (0, 1) and not any(self.coefficients[2:])

    def apply(self, raw: float) -> float:
        """The value in the sensor's unit, by Horner's rule.

        Raises:
            NotANumber: it would not be finite.
        """
        value = 0.0
        for coefficient in reversed(self.coefficients):
            value = value * raw + coefficient
        return require_finite(value)


def parse_calibration(given: Mapping[str, Any]) -> Calibration:
    """The calibration that a sensor was registered with; an empty one leaves values as they are.

    Args:
        given: `{"scale": a, "offset": b}`, each optional, or `{"polynomial": [c0, c1, ...]}`.

    Raises:
        InvalidCalibration: it is of neither form, or has a number that cannot be worked with.
    """
    try:
        if "polynomial" in given:
            return _parse_polynomial(given)
        return _parse_linear(given)
    except NotANumber as error:
        raise InvalidCalibration(f"a calibration has finite numbers: {error.detail}") from error


def _parse_linear(given: Mapping[str, Any]) -> LinearCalibration:
    if unknown := set(given) - _LINEAR_KEYS:
        raise InvalidCalibration(
            f"a calibration has `scale` and `offset`, or `polynomial` alone, not {sorted(map(str, unknown))}"
        )
    calibration = LinearCalibration(
        scale=require_finite(given.get("scale", 1.0)), offset=require_finite(given.get("offset", 0.0))
    )
    if calibration.scale == 0:
        raise InvalidCalibration("with a `scale` of 0 every reading would be the same")
    return calibration


def _parse_polynomial(given: Mapping[str, Any]) -> PolynomialCalibration:
    if unknown := set(given) - {"polynomial"}:
        raise InvalidCalibration(f"`polynomial` stands alone, without {sorted(map(str, unknown))}")
    listed = given["polynomial"]
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not 1 <= len(listed) - 1 <= MAX_DEGREE:
        raise InvalidCalibration(f"`polynomial` is a list of 2 to {MAX_DEGREE + 1} numbers, the constant first")
    coefficients = tuple(require_finite(each) for each in listed)
    if not any(coefficients[1:]):
        raise InvalidCalibration("with a constant `polynomial` every reading would be the same")
    return PolynomialCalibration(coefficients)
