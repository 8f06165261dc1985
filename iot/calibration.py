"""Calibration: from what a gauge says to the value in the sensor's unit. Every kind of it is a class with `apply`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from domain.errors import Invalid
from iot.payload import NotANumber, require_finite

_LINEAR_KEYS: Final = {"scale", "offset"}


class InvalidCalibration(Invalid):
    """A calibration that is not `{"scale": a, "offset": b}` with finite numbers and a scale other than 0."""

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


def parse_calibration(given: Mapping[str, Any]) -> Calibration:
    """The calibration that a sensor was registered with; an empty one leaves values as they are.

    Raises:
        InvalidCalibration: it names something else than scale and offset, or a number that cannot be worked with.
    """
    if unknown := set(given) - _LINEAR_KEYS:
        raise InvalidCalibration(f"a calibration has `scale` and `offset`, not {sorted(map(str, unknown))}")
    try:
        calibration = LinearCalibration(
            scale=require_finite(given.get("scale", 1.0)), offset=require_finite(given.get("offset", 0.0))
        )
    except NotANumber as error:
        raise InvalidCalibration(f"`scale` and `offset` are finite numbers: {error.detail}") from error
    if calibration.scale == 0:
        raise InvalidCalibration("with a `scale` of 0 every reading would be the same")
    return calibration
