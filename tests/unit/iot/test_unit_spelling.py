"""Units as headings spell them."""

import pytest

from iot.unit_spelling import read_unit, split_heading


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("DMS_CN (um/m)", "DMS_CN", "um/m"),
        ("DMS_CN (um\\m)", "DMS_CN", "um/m"),
        ("DMS [µm/m]", "DMS", "um/m"),
        ("DMS (με)", "DMS", "um/m"),
        ("FRC-01 (kN)", "FRC-01", "kN"),
        ("FRC-02 [kN]", "FRC-02", "kN"),
        ("Air Temperature (°C)", "Air Temperature", "Cel"),
        ("温度（℃）", "温度", "Cel"),
        ("温度(ºC)", "温度", "Cel"),
        ("沉降(mm)", "沉降", "mm"),
        ("沉降【毫米】", "沉降", "mm"),
        ("累计沉降（mm）（平均）", "累计沉降 (平均)", "mm"),
        ("Settlement, mm", "Settlement", "mm"),
        ("Temp °C", "Temp", "Cel"),
        ("Druck [MPa]", "Druck", "MPa"),
        ("Accel (m/s²)", "Accel", "m/s2"),
        ("孔压/kPa", "孔压", "kPa"),
        ("Tilt X [deg]", "Tilt X", "deg"),
        ("Flow (m³/s)", "Flow", "m3/s"),
    ],
)
def test_split_heading__unit(heading: str, name: str, unit: str) -> None:
    """Brackets of any kind, signs of any make, Chinese words."""
    found, text = split_heading(heading)
    assert text is not None
    assert (found, read_unit(text)) == (name, unit)


def test_split_heading__no_unit() -> None:
    """A word behind a name is no unit by its look; brackets that hold none are given back, to be asked about."""
    assert split_heading("Pier m") == ("Pier m", None)
    assert split_heading("S1 (Avg)") == ("S1 (Avg)", None)
    assert split_heading("S1 (north)") == ("S1", "north")
    assert read_unit("north") is None


def test_read_unit__case_that_matters() -> None:
    """MPa and mPa are nine powers of ten apart, kn is a knot in some headings and a kilonewton in others."""
    assert (read_unit("MPa"), read_unit("mPa")) == ("MPa", "mPa")
    assert (read_unit("kN"), read_unit("kn")) == ("kN", None)
    assert read_unit("-") == "1"
