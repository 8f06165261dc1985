"""SenML packs in JSON (RFC 8428): records with base fields, resolved to readings.

Units become UCUM codes here; what they are to a sensor's own unit is not asked.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, NamedTuple

from domain.errors import Invalid, SiteproofError
from iot.bundle import Bundle, Item, make_sensor_id
from iot.json_payload import parse_json
from iot.payload import (
    MAX_READINGS,
    BadTime,
    GaugeReading,
    NotANumber,
    NotAReading,
    TooManyReadings,
    require_finite,
    require_plausible,
)

VERSION: Final = 10  # RFC 8428, section 4.1: the one that it describes
RELATIVE_BELOW_S: Final = float(2**28)  # section 4.5.3: less is relative to now
MAX_BASE_NAME: Final = 256  # characters; a sensor's id has 64 at most, and each dead letter repeats its base
MAX_UNITS: Final = 32  # different ones in a pack; each that is new to us costs a search of UCUM's tables
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BASE_NUMBERS: Final = ("bt", "bv", "bs")
_BASE_TEXTS: Final = ("bn", "bu")
_BASE_FIELDS: Final = frozenset({*_BASE_NUMBERS, *_BASE_TEXTS})
_OTHER_VALUES: Final = {"vs": "text", "vb": "true or false", "vd": "data"}
# SenML's units (RFC 8428, section 12.1; RFC 8798, section 3) that UCUM writes otherwise; all others are the same code.
_UCUM: Final = {
    "/": "1",
    "%RH": "%",
    "%EL": "%",
    "/100": "%",
    "/1000": "[ppth]",
    "ppm": "[ppm]",
    "lat": "deg",
    "lon": "deg",
    "pH": "[pH]",
    "count": "1",
    "B": "By",
    "KiB": "KiBy",
    "GB": "GBy",
    "B/s": "By/s",
    "MB/s": "MBy/s",
    "VA": "V.A",
    "kVA": "kV.A",
    "VAs": "V.A.s",
    "var": "V.A",
    "kvar": "kV.A",
    "vars": "V.A.s",
    "Ah": "A.h",
    "Wh": "W.h",
    "kWh": "kW.h",
    "varh": "V.A.h",
    "kvarh": "kV.A.h",
    "kVAh": "kV.A.h",
    "Wh/km": "W.h/km",
    "beat/min": "/min",
}


class BadBase(Invalid):
    """A base field that cannot be read, so that the records after it would say something else than was meant."""

    code: ClassVar[str] = "senml.bad_base"


class UnknownVersion(Invalid):
    """A pack of a version of SenML that is newer than ours (RFC 8428, section 4.4)."""

    code: ClassVar[str] = "senml.unknown_version"


class MandatoryField(Invalid):
    """A record with a field that must be understood, by the `_` at its end, and is not (RFC 8428, section 4.4)."""

    code: ClassVar[str] = "senml.mandatory_field"


class NotOneValue(Invalid):
    """A record with no value, or several."""

    code: ClassVar[str] = "senml.not_one_value"


class SumWithoutValue(Invalid):
    """A record that only counts up, with a sum and no value: what a sensor shows now cannot be told from it."""

    code: ClassVar[str] = "senml.sum_without_value"


class BadName(Invalid):
    """A record whose whole name, base and own, cannot be a sensor's id even with `.` for `/` and `:`."""

    code: ClassVar[str] = "senml.bad_name"


class BadUnit(Invalid):
    """A unit that is no text, or one more than MAX_UNITS in a pack."""

    code: ClassVar[str] = "senml.bad_unit"


class _Base(NamedTuple):
    bn: str = ""
    bt: float = 0.0
    bu: str | None = None
    bv: float | None = None
    bs: float = 0.0

    def write(self) -> dict[str, object]:
        """The base fields that say something."""
        return {name: value for name, value in self._asdict().items() if value != self._field_defaults[name]}


def read_senml(payload: bytes, *, arrived_at: datetime) -> Bundle:
    """The items of one pack, in its order; what is wrong with one record does not touch the others.

    A record without a unit has the sensor's. A sum beside a value is passed over. Records of base fields only are none.

    Args:
        payload: of the message.
        arrived_at: when it came, to which small times are relative. UTC.

    Raises:
        PayloadTooLarge: it has more than MAX_PAYLOAD_BYTES.
        PayloadNotJson: it is no JSON text in UTF-8.
        NotAReading: it is no list of objects, or an empty one.
        TooManyReadings: it has more than MAX_READINGS records.
        BadBase: a base field cannot be read.
        UnknownVersion: `bver` is greater than VERSION.
    """
    pack = parse_json(payload)
    if type(pack) is not list or not pack:
        raise NotAReading("a SenML pack is a list of records, at least one")
    if len(pack) > MAX_READINGS:
        raise TooManyReadings(f"the message has {len(pack)} records, and {MAX_READINGS} are allowed")
    base, items = _Base(), []
    units: set[str] = set()
    for record in pack:
        if type(record) is not dict:
            raise NotAReading("a record of a SenML pack is an object")
        base = _read_base(record, base)
        if record.keys() - _BASE_FIELDS - {"bver"}:
            items.append(_read_record(record, base, units, arrived_at))
    return Bundle(items)


def _read_base(record: Mapping[str, Any], base: _Base) -> _Base:
    for name in record:
        if name.startswith("b") and name.endswith("_"):
            raise BadBase(f"the base field {name[:60]!r} must be understood, and is not")
    _require_version(record.get("bver", VERSION))
    changed: dict[str, Any] = {}
    for name in _BASE_NUMBERS:
        if name in record:
            try:
                changed[name] = require_finite(record[name])
            except NotANumber as error:
                raise BadBase(f"`{name}`: {error.detail}") from error
    for name in _BASE_TEXTS:
        if name in record:
            if type(record[name]) is not str or len(record[name]) > MAX_BASE_NAME:
                raise BadBase(f"`{name}` is a text of at most {MAX_BASE_NAME} characters")
            changed[name] = record[name]
    return base._replace(**changed) if changed else base


def _require_version(version: object) -> None:
    if type(version) is not int or version < 1:
        raise BadBase("`bver` is a positive whole number")
    if version > VERSION:
        raise UnknownVersion(f"SenML of version {str(version)[:20]} is newer than {VERSION}")


def _read_record(record: dict[str, Any], base: _Base, units: set[str], arrived_at: datetime) -> Item:
    sensor_ids: tuple[str, ...] = ()
    unit: str | None = None
    outcome: GaugeReading | SiteproofError
    try:
        sensor_ids = (_read_name(record, base),)
        for name in record:
            if name.endswith("_"):
                raise MandatoryField(f"the field {name[:60]!r} must be understood, and is not")
        unit = _read_unit(record, base, units)
        v = _read_value(record, base)
        outcome = GaugeReading(_read_time(record, base, arrived_at), v, is_bad=False, seq=None)
    except SiteproofError as error:
        outcome = error
    return Item(sensor_ids, outcome, unit, [base.write() | {k: v for k, v in record.items() if k not in _BASE_FIELDS}])


def _read_name(record: Mapping[str, Any], base: _Base) -> str:
    own = record.get("n", "")
    if type(own) is not str:
        raise BadName("`n` is a text")
    sensor_id = make_sensor_id(base.bn + own)
    if sensor_id is None:
        raise BadName(f"the name, with `.` for `/` and `:`, is a sensor's id, not {(base.bn + own)[:80]!r}")
    return sensor_id


def _read_unit(record: Mapping[str, Any], base: _Base, units: set[str]) -> str | None:
    unit = record.get("u", base.bu)
    if unit is None or unit == "":
        return None
    if type(unit) is not str:
        raise BadUnit("`u` is a text")
    units.add(unit)
    if len(units) > MAX_UNITS:
        raise BadUnit(f"the message has more than {MAX_UNITS} different units")
    return _UCUM.get(unit, unit)


def _read_value(record: Mapping[str, Any], base: _Base) -> float:
    """The resolved value; section 4.5.4 takes a missing one for 0 where there is a base value to add it to."""
    others = [name for name in _OTHER_VALUES if name in record]
    if len(others) + ("v" in record) > 1:
        raise NotOneValue("a record has one value")
    if others:
        raise NotANumber(f"the value is {_OTHER_VALUES[others[0]]}, and a sensor's is a number")
    if "v" in record:
        return require_finite(require_finite(record["v"]) + (base.bv or 0.0))
    if "s" in record:
        raise SumWithoutValue("the record has a sum and no value")
    if base.bv is None:
        raise NotOneValue("the record has no value")
    return base.bv


def _read_time(record: Mapping[str, Any], base: _Base, arrived_at: datetime) -> datetime:
    """The resolved time: seconds since 1970, or, below 2**28, before and after the arrival."""
    try:
        seconds = base.bt + require_finite(record.get("t", 0))
        start = arrived_at if seconds < RELATIVE_BELOW_S else _EPOCH
        t = start + timedelta(seconds=seconds)
    except NotANumber as error:
        raise BadTime(f"`t`: {error.detail}") from error
    except OverflowError as error:
        raise BadTime("the time lies beyond all calendars") from error
    return require_plausible(t, arrived_at=arrived_at)
