"""Units as loggers' headings spell them, to the codes of UCUM. What the codes mean is `iot.units`' business."""

import re
import unicodedata
from typing import Final

from iot.units import InvalidUnit, require_unit

_BRACKETED: Final = re.compile(r"[(\[{【〔<「]\s*([^()\[\]{}【】〔〕<>「」]*?)\s*[)\]}】〕>」]")
_BEHIND: Final = re.compile(r"[\s_/,:;|]+([^\s_,:;|]+)$")
# What stands in brackets and is no unit: what was done with the samples.
_NO_UNITS: Final = frozenset(
    (
        *("avg", "mean", "average", "min", "max", "std", "sample", "smp", "raw", "tot", "total"),
        *("平均", "均值", "最大", "最小", "瞬时", "累计", "本次"),
    )
)
# Spellings that mean one unit in any case; the keys are in lower case, after NFKC.
_SPELLINGS: Final = {
    **dict.fromkeys(("°c", "deg c", "degc", "deg.c", "oc", "celsius", "摄氏度", "grad c", "cel"), "Cel"),
    **dict.fromkeys(("°f", "deg f", "degf", "fahrenheit"), "[degF]"),
    **dict.fromkeys(
        ("um/m", "um\\m", "μm/m", "μm\\m", "με", "μstrain", "ustrain", "microstrain", "微应变", "ue"), "um/m"
    ),
    **dict.fromkeys(("mm/m", "mm\\m"), "mm/m"),
    **dict.fromkeys(("mm", "millimeter", "millimetre", "毫米"), "mm"),
    **dict.fromkeys(("cm", "厘米"), "cm"),
    **dict.fromkeys(("um", "μm", "micron", "微米"), "um"),
    **dict.fromkeys(("meter", "metre", "米"), "m"),
    **dict.fromkeys(("千牛", "kilonewton"), "kN"),
    **dict.fromkeys(("牛", "牛顿", "newton"), "N"),
    **dict.fromkeys(("kpa", "千帕"), "kPa"),
    **dict.fromkeys(("兆帕",), "MPa"),
    **dict.fromkeys(("hpa", "百帕"), "hPa"),
    **dict.fromkeys(("bar",), "bar"),
    **dict.fromkeys(("psi",), "[psi]"),
    **dict.fromkeys(("mmh2o",), "mm[H2O]"),
    **dict.fromkeys(("mh2o",), "m[H2O]"),
    **dict.fromkeys(("°", "deg", "degree", "degrees"), "deg"),
    **dict.fromkeys(("arcsec", '"', "″", "角秒"), "''"),
    **dict.fromkeys(("mm/d", "mm/day", "mm/天", "毫米/天", "mm/日"), "mm/d"),
    **dict.fromkeys(("mm/h", "mm/hr", "毫米/时", "毫米/小时"), "mm/h"),
    **dict.fromkeys(("m/s2", "m/s^2", "m/s²", "米/秒2"), "m/s2"),
    **dict.fromkeys(("mm/s", "毫米/秒"), "mm/s"),
    **dict.fromkeys(("hz", "赫兹"), "Hz"),
    **dict.fromkeys(("ohm", "ohms", "ω", "欧姆", "欧"), "Ohm"),
    **dict.fromkeys(("kohm", "kω", "千欧"), "kOhm"),
    **dict.fromkeys(("%", "％", "百分比"), "%"),
    **dict.fromkeys(("m3/s", "m^3/s"), "m3/s"),
    **dict.fromkeys(("inch", "in."), "[in_i]"),
    **dict.fromkeys(("digit", "digits", "1", "模数"), "1"),
    **dict.fromkeys(("kn·m", "kn.m", "knm"), "kN.m"),
}
# Where the case tells units apart: kN is a kilonewton and kn a knot, MPa a million pascals and mPa a thousandth.
_CASED: Final = {"kN": "kN", "KN": "kN", "MPa": "MPa", "MPA": "MPa", "N": "N", "mV": "mV", "m": "m", "K": "K"}
_DIMENSIONLESS: Final = frozenset({"-", "–", "--", "none", "无", "无量纲"})


def read_unit(text: str) -> str | None:
    """The UCUM code of a unit as people write it; None where it is none that we know."""
    tidy = unicodedata.normalize("NFKC", text).strip().replace("µ", "μ")
    if tidy in _CASED:
        return _CASED[tidy]
    if tidy.casefold() in _SPELLINGS:
        return _SPELLINGS[tidy.casefold()]
    if tidy in _DIMENSIONLESS:
        return "1"
    try:
        return require_unit(tidy)
    except InvalidUnit:
        return None


def split_heading(heading: str) -> tuple[str, str | None]:
    """A heading's name, and the text of its unit; None where it has none.

    A unit stands in brackets of any kind, or as one of the unmistakable spellings behind the name. What stands in
    the last brackets is given back even where it is no unit, so that it can be asked about.
    """
    text = unicodedata.normalize("NFKC", heading).strip()
    found = [each for each in _BRACKETED.finditer(text) if each[1].casefold() not in _NO_UNITS and each[1]]
    known = [each for each in found if read_unit(each[1]) is not None] or found
    if known:
        match = known[-1]
        return " ".join((text[: match.start()] + " " + text[match.end() :]).split()), match[1]
    behind = _BEHIND.search(text)
    if behind is not None and is_unmistakable(behind[1]):
        return text[: behind.start()].strip(), behind[1]
    return text, None


def is_unmistakable(text: str) -> bool:
    """Whether a word alone is a unit and hardly anything else: kN, mm or °C, and not m, s or 1."""
    tidy = text.strip().replace("µ", "μ")
    return (len(tidy) > 1 and (tidy in _CASED or tidy.casefold() in _SPELLINGS)) or tidy in {"%", "°"}
