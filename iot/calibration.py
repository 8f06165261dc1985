"""Calibration: from what a gauge says to the value in the sensor's unit.

A gauge's function first, then its unit's conversion; then what two other sensors have to say: a reference gauge is
subtracted, and the movement by temperature. Where the other sensors' readings come from is `iot.correction`'s business.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from domain.errors import Invalid
from domain.identifier import InvalidIdentifier, require_caller_id
from iot.payload import NotANumber, require_finite
from iot.units import IncompatibleUnits, InvalidUnit, find_conversion

MAX_DEGREE: Final = 6  # gauges' sheets give 2 to 5; more only follows the noise of the few points that it was fitted to
DEFAULT_MAX_AGE_S: Final = 3600.0  # a temperature or a reference of an hour ago; the usual logger's interval [s]
LONGEST_MAX_AGE_S: Final = 7 * 86_400.0
_ZERO_CELSIUS_K: Final = 273.15
_LINEAR: Final = {"scale", "offset"}
_FUNCTIONS: Final = {"polynomial", "vibrating_wire", "thermistor"}
_COMMON: Final = {"unit", "reference", "temperature"}
# Digits are the square of the frequency in Hz over 1000, as readout boxes show them (Geokon, Sisgeo).
_DIGITS: Final = {
    "digits": lambda raw: raw,
    "hertz": lambda raw: raw * raw / 1000,
    "microseconds": lambda raw: 1e9 / (raw * raw),
}


class InvalidCalibration(Invalid):
    """A calibration of none of the known forms, or with numbers by which every reading would be the same."""

    code: ClassVar[str] = "sensor.invalid_calibration"


@dataclass(frozen=True, slots=True)
class Linear:
    """value = scale * raw + offset.

    Attributes:
        scale: of the raw value; not 0. [unit per raw]
        offset: added afterwards. [unit]
    """

    scale: float = 1.0
    offset: float = 0.0

    def __call__(self, raw: float) -> float:
        """The value in the gauge's unit."""
        return self.scale * raw + self.offset


@dataclass(frozen=True, slots=True)
class Polynomial:
    """value = c0 + c1 * raw + c2 * raw^2 + ...

    Attributes:
        coefficients: c0 first, as most gauges' sheets have them last. [unit per raw to the power of the place]
    """

    coefficients: tuple[float, ...]

    def __call__(self, raw: float) -> float:
        """The value in the gauge's unit, by Horner's rule."""
        value = 0.0
        for coefficient in reversed(self.coefficients):
            value = value * raw + coefficient
        return value


@dataclass(frozen=True, slots=True)
class VibratingWire:
    """A wire whose frequency tells its strain: a function of its digits, f^2 / 1000.

    Attributes:
        reading: what the gauge says: `digits`, `hertz`, or the period in `microseconds`.
        function: of the digits.
    """

    reading: str
    function: Linear | Polynomial

    def __call__(self, raw: float) -> float:
        """The value in the gauge's unit."""
        return self.function(_DIGITS[self.reading](raw))


@dataclass(frozen=True, slots=True)
class Thermistor:
    """Degrees Celsius for ohms, by Steinhart and Hart (1968): 1 / T = a + b ln R + c (ln R)^3.

    Attributes:
        a: of the thermistor's sheet. [1/K]
        b: likewise. [1/K]
        c: likewise. [1/K]
    """

    a: float
    b: float
    c: float

    def __call__(self, raw: float) -> float:
        """The temperature. [Cel]."""
        logarithm = math.log(raw)
        return 1 / (self.a + self.b * logarithm + self.c * logarithm**3) - _ZERO_CELSIUS_K


@dataclass(frozen=True, slots=True)
class ReferenceGauge:
    """Another sensor whose value is subtracted, as that of a hydrostatic level's fixed pot.

    Attributes:
        sensor_id: which.
        max_age_s: how old its reading may be; with none so young there is no value. [s]
    """

    sensor_id: str
    max_age_s: float


@dataclass(frozen=True, slots=True)
class TemperatureCompensation:
    """The movement by temperature, which is subtracted: coefficient * (T - zero).

    Attributes:
        sensor_id: of the temperature.
        max_age_s: how old its reading may be; with none so young there is no value. [s]
        coefficient: movement for each degree. [unit/Cel]
        zero: the temperature at which nothing is subtracted. [Cel]
    """

    sensor_id: str
    max_age_s: float
    coefficient: float
    zero: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a sensor's values come from its raw ones.

    Attributes:
        function: of the gauge.
        scale: from the gauge's unit to the sensor's. [unit per gauge's unit]
        shift: added after that. [unit]
    """

    function: Linear | Polynomial | VibratingWire | Thermistor = Linear()
    scale: float = 1.0
    shift: float = 0.0
    reference: ReferenceGauge | None = None
    temperature: TemperatureCompensation | None = None

    @property
    def is_identity(self) -> bool:
        """Whether the value is the raw value."""
        return (
            not self.depends_on
            and (self.scale, self.shift) == (1, 0)
            and self.function in {Linear(), Polynomial((0.0, 1.0))}
        )

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The other sensors without whose readings there is no value."""
        return tuple(each.sensor_id for each in (self.reference, self.temperature) if each is not None)

    def apply(self, raw: float) -> float:
        """The value in the sensor's unit, before anything of another sensor is subtracted.

        Raises:
            NotANumber: it would not be finite.
        """
        try:
            return require_finite(self.scale * self.function(raw) + self.shift)
        except (ArithmeticError, ValueError) as error:
            raise NotANumber(f"the calibration gives no value for {raw}") from error

    def correct(self, value: float, *, reference: float | None, celsius: float | None) -> float | None:
        """The value with what the other sensors say subtracted; None where one of them is needed and says nothing.

        Args:
            value: as `apply` gives it. [unit]
            reference: the reference gauge's value. [unit]
            celsius: the temperature. [Cel]
        """
        if self.reference is not None:
            if reference is None:
                return None
            value -= reference
        if self.temperature is not None:
            if celsius is None:
                return None
            value -= self.temperature.coefficient * (celsius - self.temperature.zero)
        return value


def parse_calibration(given: Mapping[str, Any], *, unit: str | None = None) -> Calibration:
    """The calibration that a sensor was registered with; an empty one leaves values as they are.

    Args:
        given: at most one gauge's function: `scale` and `offset`, each optional; `polynomial`, `[c0, c1, ...]`;
            `vibrating_wire`, `{"reading": digits, hertz or microseconds, "gauge_factor": g, "zero_digits": r0}` for
            g * (digits - r0), or with a `polynomial` of the digits; `thermistor`, `{"a", "b", "c"}`. And further
            `unit`, the UCUM unit that this gives, where it is not the sensor's; `reference`, `{"sensor_id",
            "max_age_s"}`; `temperature`, `{"sensor_id", "coefficient", "zero", "max_age_s"}`.
        unit: of the sensor; None where no conversion is asked for.

    Raises:
        InvalidCalibration: it is of none of these forms, or has a number that cannot be worked with.
    """
    try:
        functions = sorted(({"scale"} if _LINEAR & set(given) else set()) | (_FUNCTIONS & set(given)))
        if unknown := set(given) - _LINEAR - _FUNCTIONS - _COMMON:
            raise InvalidCalibration(
                "a calibration has `scale` and `offset`, or one of `polynomial`, `vibrating_wire` and `thermistor`,"
                f" and `unit`, `reference` and `temperature`, not {sorted(map(str, unknown))}"
            )
        if len(functions) > 1:
            raise InvalidCalibration(f"a calibration has one function of the gauge, not {functions}")
        function = _PARSERS[functions[0]](given) if functions else Linear()
        scale, shift = _find_conversion(given, function=function, unit=unit)
        return Calibration(
            function=function,
            scale=scale,
            shift=shift,
            reference=_parse_reference(given.get("reference")),
            temperature=_parse_temperature(given.get("temperature")),
        )
    except NotANumber as error:
        raise InvalidCalibration(f"a calibration has finite numbers: {error.detail}") from error


def _parse_linear(given: Mapping[str, Any]) -> Linear:
    linear = Linear(scale=require_finite(given.get("scale", 1.0)), offset=require_finite(given.get("offset", 0.0)))
    if linear.scale == 0:
        raise InvalidCalibration("with a `scale` of 0 every reading would be the same")
    return linear


def _parse_polynomial(given: Mapping[str, Any]) -> Polynomial:
    listed = given["polynomial"]
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not 1 <= len(listed) - 1 <= MAX_DEGREE:
        raise InvalidCalibration(f"`polynomial` is a list of 2 to {MAX_DEGREE + 1} numbers, the constant first")
    coefficients = tuple(require_finite(each) for each in listed)
    if not any(coefficients[1:]):
        raise InvalidCalibration("with a constant `polynomial` every reading would be the same")
    while coefficients[-1] == 0:
        coefficients = coefficients[:-1]
    return Polynomial(coefficients)


def _parse_vibrating_wire(given: Mapping[str, Any]) -> VibratingWire:
    wire = _require_object(given["vibrating_wire"], "vibrating_wire")
    reading = wire.get("reading", "digits")
    if reading not in _DIGITS:
        raise InvalidCalibration(f"`vibrating_wire` has a `reading` of {', '.join(_DIGITS)}, not {str(reading)[:40]!r}")
    if set(wire) - {"reading"} == {"polynomial"}:
        return VibratingWire(reading=reading, function=_parse_polynomial(wire))
    if set(wire) - {"reading"} != {"gauge_factor", "zero_digits"}:
        raise InvalidCalibration("`vibrating_wire` has `gauge_factor` and `zero_digits`, or a `polynomial`")
    factor, zero = require_finite(wire["gauge_factor"]), require_finite(wire["zero_digits"])
    if factor == 0:
        raise InvalidCalibration("with a `gauge_factor` of 0 every reading would be the same")
    return VibratingWire(reading=reading, function=Linear(scale=factor, offset=-factor * zero))


def _parse_thermistor(given: Mapping[str, Any]) -> Thermistor:
    sheet = _require_object(given["thermistor"], "thermistor")
    if set(sheet) != {"a", "b", "c"}:
        raise InvalidCalibration("`thermistor` has `a`, `b` and `c` of the equation of Steinhart and Hart")
    thermistor = Thermistor(*(require_finite(sheet[name]) for name in ("a", "b", "c")))
    if thermistor.b == 0 and thermistor.c == 0:
        raise InvalidCalibration("with this `thermistor` every reading would be the same")
    return thermistor


_PARSERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Linear | Polynomial | VibratingWire | Thermistor]]] = {
    "scale": _parse_linear,
    "polynomial": _parse_polynomial,
    "vibrating_wire": _parse_vibrating_wire,
    "thermistor": _parse_thermistor,
}


def _find_conversion(given: Mapping[str, Any], *, function: object, unit: str | None) -> tuple[float, float]:
    stated = given.get("unit", "Cel" if isinstance(function, Thermistor) else None)
    if stated is None or unit is None:
        return 1.0, 0.0
    if not isinstance(stated, str):
        raise InvalidCalibration("`unit` is a code of UCUM")
    try:
        return find_conversion(stated, unit)
    except (InvalidUnit, IncompatibleUnits) as error:
        raise InvalidCalibration(f"`unit`: {error.detail}") from error


def _parse_reference(given: object) -> ReferenceGauge | None:
    if given is None:
        return None
    reference = _require_object(given, "reference")
    if unknown := set(reference) - {"sensor_id", "max_age_s"}:
        raise InvalidCalibration(f"`reference` has `sensor_id` and `max_age_s`, not {sorted(map(str, unknown))}")
    return ReferenceGauge(sensor_id=_parse_sensor_id(reference), max_age_s=_parse_max_age(reference))


def _parse_temperature(given: object) -> TemperatureCompensation | None:
    if given is None:
        return None
    temperature = _require_object(given, "temperature")
    if not {"coefficient", "zero"} <= set(temperature):
        raise InvalidCalibration("`temperature` has a `coefficient` and a `zero`, or a time to `fit` them from")
    known = {"sensor_id", "max_age_s", "coefficient", "zero", "standard_uncertainty", "fit"}
    if unknown := set(temperature) - known:
        raise InvalidCalibration(f"`temperature` has {', '.join(sorted(known))}, not {sorted(map(str, unknown))}")
    return TemperatureCompensation(
        sensor_id=_parse_sensor_id(temperature),
        max_age_s=_parse_max_age(temperature),
        coefficient=require_finite(temperature["coefficient"]),
        zero=require_finite(temperature["zero"]),
    )


def _require_object(given: object, name: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise InvalidCalibration(f"`{name}` is an object")
    return given


def _parse_sensor_id(given: Mapping[str, Any]) -> str:
    try:
        return require_caller_id(str(given.get("sensor_id", "")))
    except InvalidIdentifier as error:
        raise InvalidCalibration(f"`sensor_id`: {error.detail}") from error


def _parse_max_age(given: Mapping[str, Any]) -> float:
    age_s = require_finite(given.get("max_age_s", DEFAULT_MAX_AGE_S))
    if not 0 < age_s <= LONGEST_MAX_AGE_S:
        raise InvalidCalibration(f"`max_age_s` lies between 0 and {LONGEST_MAX_AGE_S:.0f}")
    return age_s
