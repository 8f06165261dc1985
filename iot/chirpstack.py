"""Uplink events of ChirpStack v4 in JSON, by the protobuf message `UplinkEvent` of its integration API.

Values are what the device profile's codec puts into `object`; nested objects are named by their path, with dots.
A field's sensor is the one that the device's tag `siteproof_<field>` names; or, for the only number of an object, the
tag `sensor_id`; else `<devEui>.<field>`. Fields that no sensor is registered for are passed over as long as there
are others. An event that comes twice is harmless: one row for each sensor and time. The topic names no project, so
whoever may write to it may write to every sensor: the broker's access list must let only the network server do that.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from domain.errors import Invalid, SiteproofError
from iot.bundle import Bundle, Item, make_sensor_id
from iot.json_payload import parse_json, parse_rfc3339, parse_sequence
from iot.payload import (
    MAX_READINGS,
    BadTime,
    GaugeReading,
    NotAReading,
    TooManyReadings,
    require_finite,
    require_plausible,
)

MAX_FIELD: Final = 128  # characters of a field's path; a sensor's id has 64, and a tag may stand for a longer path
_TAG: Final = "siteproof_"
_ONLY_TAG: Final = "sensor_id"


class NoObject(Invalid):
    """An uplink with data that no codec has decoded."""

    code: ClassVar[str] = "chirpstack.no_object"


class WrongDevice(Invalid):
    """An uplink of another device than its topic's."""

    code: ClassVar[str] = "chirpstack.wrong_device"


def read_uplink(payload: bytes, *, dev_eui: str, arrived_at: datetime) -> Bundle:
    """The items of one uplink.

    Args:
        payload: of the message.
        dev_eui: of the topic.
        arrived_at: when it came. UTC.

    Returns:
        An item for each field that is not null; none where the uplink carried no data, as one of MAC commands only.

    Raises:
        PayloadTooLarge: it has more than MAX_PAYLOAD_BYTES.
        PayloadNotJson: it is no JSON text in UTF-8.
        NotAReading: it is not of the form of an event.
        WrongDevice: its device is not the topic's.
        NoObject: no codec has decoded its data.
        TooManyReadings: it has more than MAX_READINGS fields.
        BadTime: it says no time.
        ImplausibleTime: it is not of this time.
        BadSequence: the frame counter is no number.
    """
    event = _require_object(parse_json(payload))
    device = _require_object(event.get("deviceInfo"))
    if str(device.get("devEui")).lower() != dev_eui.lower():
        raise WrongDevice(f"the device is {str(device.get('devEui'))[:40]!r}, and the topic says {dev_eui[:40]!r}")
    if event.get("object") is None:
        if event.get("data"):
            raise NoObject("the uplink is not decoded: set a codec in the device's profile in ChirpStack")
        return Bundle([])
    fields = list(_flatten(_require_object(event["object"])))
    t = require_plausible(_read_time(event), arrived_at=arrived_at)
    seq = parse_sequence(event.get("fCnt"))
    names = _name_sensors(fields, device)
    items = [Item((names[field],), _read_value(value, t, seq)) for field, value in fields if field in names]
    return Bundle(items, skips_unknown=True, skipped=len(fields) - len(items))


def _require_object(given: object) -> dict[str, Any]:
    if type(given) is not dict:
        raise NotAReading("the message is no uplink event of ChirpStack v4")
    return given


def _flatten(decoded: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Each value that is not null with its path; what has a longer one than MAX_FIELD is not gone into."""
    waiting: list[tuple[str, object]] = list(reversed(decoded.items()))
    given = 0
    while waiting:
        path, value = waiting.pop()
        if value is None or len(path) > MAX_FIELD:
            continue
        if type(value) is dict:
            waiting += ((f"{path}.{name}", child) for name, child in reversed(value.items()))
        elif type(value) is list:
            waiting += ((f"{path}.{place}", value[place]) for place in reversed(range(len(value))))
        else:
            given += 1
            if given > MAX_READINGS:
                raise TooManyReadings(f"the message has more than {MAX_READINGS} fields")
            yield path, value


def _name_sensors(fields: Sequence[tuple[str, object]], device: Mapping[str, Any]) -> dict[str, str]:
    """The sensor's id for each field that can have one."""
    tags = {} if device.get("tags") is None else _require_object(device["tags"])
    named = {field: tags.get(_TAG + field) for field, _ in fields}
    numbers = [field for field, value in fields if type(value) in {int, float}]
    if len(numbers) == 1 and named[numbers[0]] is None:
        named[numbers[0]] = tags.get(_ONLY_TAG)
    names = {}
    for field, tag in named.items():
        sensor_id = make_sensor_id(f"{device['devEui']}.{field}" if tag is None else str(tag))
        if sensor_id is not None:
            names[field] = sensor_id
    return names


def _read_value(value: object, t: datetime, seq: int | None) -> GaugeReading | SiteproofError:
    try:
        return GaugeReading(t, require_finite(value), is_bad=False, seq=seq)
    except SiteproofError as error:
        return error


def _read_time(event: Mapping[str, Any]) -> datetime:
    """The event's own time; where that is missing the first gateway's, and then the first network server's."""
    if event.get("time") is not None:
        return _parse_time(event["time"])
    received = event.get("rxInfo")
    entries = [each for each in received if type(each) is dict] if type(received) is list else []
    for name in ("gwTime", "nsTime"):
        times = [_parse_time(each[name]) for each in entries if each.get(name) is not None]
        if times:
            return min(times)
    raise BadTime("the uplink has no `time`, and its `rxInfo` neither")


def _parse_time(given: object) -> datetime:
    if type(given) is not str:
        raise BadTime("a time is a text by RFC 3339")
    return parse_rfc3339(given)
