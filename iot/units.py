"""UCUM units: which codes are units, and how values go from one to another. Pint computes, ucumvert reads the codes."""

import math
from functools import cache, lru_cache
from typing import Any, ClassVar, Final

from domain.errors import Invalid

MAX_UNIT: Final = 40  # characters; the longest in use, such as `kN.m/(m.Cel)`, have a dozen
# ucumvert 0.3 reads these two as the minute and the second of time; UCUM 2.1, table 7, has them as those of an arc.
_ARCS: Final = {"'": 60.0, "''": 3600.0}  # of a degree
# What people write instead, so that an error can name the code that they meant.
_MEANT: Final = {
    "°C": "Cel",
    "℃": "Cel",
    "degC": "Cel",
    "°": "deg",
    "µm": "um",
    "μm": "um",
    "με": "um/m",
    "µε": "um/m",
    "microstrain": "um/m",
    "mm/day": "mm/d",
    "m/s^2": "m/s2",
    "m/s²": "m/s2",
    "mmH2O": "mm[H2O]",
    "inch": "[in_i]",
    "psi": "[psi]",
    "毫米": "mm",
    "米": "m",
}


class InvalidUnit(Invalid):
    """A text that is no unit of UCUM."""

    code: ClassVar[str] = "sensor.invalid_unit"


class IncompatibleUnits(Invalid):
    """Two units of different quantities, such as millimetres and kilopascals."""

    code: ClassVar[str] = "sensor.incompatible_units"


def require_unit(unit: str) -> str:
    """The unit as given.

    Raises:
        InvalidUnit: it is no code of UCUM, case sensitive.
    """
    _read_unit(unit)
    return unit


@lru_cache(maxsize=1024)
def find_conversion(from_unit: str, to_unit: str) -> tuple[float, float]:
    """(scale, offset) of value in `to_unit` = scale * value in `from_unit` + offset.

    Raises:
        InvalidUnit: one of them is no unit.
        IncompatibleUnits: they measure different quantities, or a logarithm of one.
    """
    if from_unit == to_unit:
        require_unit(from_unit)
        return 1.0, 0.0
    source, target = _read_unit(from_unit), _read_unit(to_unit)
    try:
        zero, one, two = (
            float(_registry().Quantity(at * source.magnitude, source.units).to(target.units).magnitude)
            / target.magnitude
            for at in (0.0, 1.0, 2.0)
        )
    except Exception as error:  # pint has a dozen kinds for what does not convert
        raise IncompatibleUnits(f"values in {from_unit} cannot be told in {to_unit}") from error
    scale, offset = one - zero, zero
    if not scale or not math.isclose(two, 2 * scale + offset, rel_tol=1e-9, abs_tol=1e-9 * abs(scale)):
        raise IncompatibleUnits(f"values in {from_unit} are not in proportion to those in {to_unit}")
    return _rounded(scale), _rounded(offset)


def _rounded(value: float) -> float:
    """Without what binary fractions leave behind, so that kN in N is 1000 and not 999.9999999999999."""
    return float(f"{value:.13g}")


@lru_cache(maxsize=1024)
def _read_unit(unit: str) -> Any:  # noqa: ANN401 - pint's quantities have no types
    """One of this unit."""
    if not unit or len(unit) > MAX_UNIT:
        raise InvalidUnit(f"a unit is a code of UCUM of 1 to {MAX_UNIT} characters, such as mm")
    if unit in _MEANT:
        raise InvalidUnit(f"{unit!r} is no unit of UCUM here; its code is {_MEANT[unit]!r}")
    registry = _registry()
    if unit in _ARCS:
        return registry.Quantity(1.0 / _ARCS[unit], "degree")
    try:
        one = registry.from_ucum(unit)
        return registry.Quantity(float(one.magnitude), one.units)
    except Exception as error:  # lark and pint have a dozen kinds for what cannot be read
        raise InvalidUnit(f"{unit!r} is no unit of UCUM, such as mm, um/m, kN or Cel") from error


@cache
def _registry() -> Any:  # noqa: ANN401 - pint's registry has no types
    # Here, because loading its tables takes half a second that most processes never need.
    from ucumvert import PintUcumRegistry  # noqa: PLC0415

    return PintUcumRegistry()
