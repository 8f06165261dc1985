"""Uplink events of ChirpStack v4 in JSON, by the protobuf message `UplinkEvent` of its integration API.

Values are what the device profile's codec puts into `object`; nested objects are named by their path, with dots.
A field's sensor is the one that the device's tag `siteproof_<field>` names; or, where the object has one number only,
the tag `sensor_id`; else `<devEui>.<field>`. Fields that no sensor is registered for are passed over as long as there
are others. An event that comes twice is harmless: one row for each sensor and time. The topic names no project, so
whoever may write to it may write to every sensor: the broker's access list must let only the network server do that.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from domain.errors import Invalid, SiteproofError
from iot.bundle import Bundle, Item, is_sensor_id
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
    event = parse_json(payload)
    device = _child(event, "deviceInfo")
    if str(device.get("devEui")).lower() != dev_eui.lower():
        raise WrongDevice(f"the device is {str(device.get('devEui'))[:40]!r}, and the topic says {dev_eui[:40]!r}")
    decoded = _require_object(event).get("object")
    if decoded is None:
        if not _require_object(event).get("data"):
            return Bundle([])
        raise NoObject("the uplink is not decoded: set a codec in the device's profile in ChirpStack")
    fields = list(_flatten(_require_object(decoded)))
    t = require_plausible(_read_time(_require_object(event)), arrived_at=arrived_at)
    seq = parse_sequence(_require_object(event).get("fCnt"))
    tags = {} if device.get("tags") is None else _child(device, "tags")
    is_only = sum(type(value) in {int, float} for _, value in fields) == 1
    items = []
    for field, value in fields:
        sensor_id = _find_sensor_id(field, device=device, tags=tags, is_only=is_only)
        if sensor_id is not None:
            items.append(Item((sensor_id,), _read_value(value, t, seq)))
    return Bundle(items, skips_unknown=True, skipped=len(fields) - len(items))


def _require_object(given: object) -> dict[str, Any]:
    if type(given) is not dict:
        raise NotAReading("the message is no uplink event of ChirpStack v4")
    return given


def _child(given: object, name: str) -> dict[str, Any]:
    return _require_object(_require_object(given).get(name))


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


def _find_sensor_id(field: str, *, device: Mapping[str, Any], tags: Mapping[str, Any], is_only: bool) -> str | None:
    tagged = tags.get(_TAG + field)
    if tagged is None and is_only:
        tagged = tags.get(_ONLY_TAG)
    name = f"{device['devEui']}.{field}" if tagged is None else str(tagged)
    return name if is_sensor_id(name) else None


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
