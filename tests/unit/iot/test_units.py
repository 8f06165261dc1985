"""UCUM units."""

import pytest

from iot.units import IncompatibleUnits, InvalidUnit, find_conversion, require_unit


@pytest.mark.parametrize(
    "unit", ["mm", "um/m", "kN", "Cel", "10*-6", "m/s2", "Hz", "mm/d", "deg", "'", "[in_i]", "1", "%"]
)
def test_require_unit__of_ucum(unit: str) -> None:
    """Codes of UCUM are taken as they are."""
    assert require_unit(unit) == unit


@pytest.mark.parametrize(
    ("unit", "meant"), [("°C", "Cel"), ("µm", "um"), ("με", "um/m"), ("degC", "Cel"), ("毫米", "mm"), ("m/s^2", "m/s2")]
)
def test_require_unit__what_people_write(unit: str, meant: str) -> None:
    """The error names the code that was meant."""
    with pytest.raises(InvalidUnit, match=meant.replace("[", r"\[")):
        require_unit(unit)


@pytest.mark.parametrize("unit", ["", "furlong", "mm mm", "m//s", "(" * 30, "m" * 41, "\x00", "{", "1e999"])
def test_require_unit__not_a_unit(unit: str) -> None:
    """Anything else is refused with our error, whatever the parser made of it."""
    with pytest.raises(InvalidUnit):
        require_unit(unit)


@pytest.mark.parametrize(
    ("from_unit", "to_unit", "value", "expected"),
    [
        ("m", "mm", 0.5, 500.0),
        ("Cel", "K", 20.0, 293.15),
        ("[degF]", "Cel", 212.0, 100.0),
        ("kN", "N", 1.5, 1500.0),
        ("um/m", "1", 250.0, 2.5e-4),
        ("10*-6", "um/m", 250.0, 250.0),
        ("'", "deg", 30.0, 0.5),
        ("''", "deg", 3600.0, 1.0),
        ("m[H2O]", "kPa", 1.0, 9.80665),  # the conventional metre of water
        ("[in_i]", "mm", 1.0, 25.4),
        ("mm/d", "mm/a", 1.0, 365.25),  # UCUM's year is the Julian one
    ],
)
def test_find_conversion__values(from_unit: str, to_unit: str, value: float, expected: float) -> None:
    """Values of the SI and of NIST SP 811."""
    scale, offset = find_conversion(from_unit, to_unit)
    assert scale * value + offset == pytest.approx(expected, rel=1e-12)


def test_find_conversion__same_unit_changes_nothing() -> None:
    """No rounding where there is nothing to convert."""
    assert find_conversion("mm", "mm") == (1.0, 0.0)


@pytest.mark.parametrize(("from_unit", "to_unit"), [("mm", "kPa"), ("Hz2", "Hz"), ("Cel", "mm")])
def test_find_conversion__incompatible(from_unit: str, to_unit: str) -> None:
    """Units of different quantities do not convert."""
    with pytest.raises(IncompatibleUnits):
        find_conversion(from_unit, to_unit)
