"""JSON payloads: `{"t": ..., "v": ..., "seq": ...?, "q": ...?}` or a list of them.

Whether the sensor is registered, and what its calibration makes of a value, is not asked here. A message in which
everything is as it should be is taken apart by msgspec, in a fifth of the time; any other is looked at item by item.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Annotated, Any, Final, Literal

import msgspec

from domain.errors import SiteproofError
from iot.payload import (
    EARLIEST,
    MAX_AHEAD,
    MAX_PAYLOAD_BYTES,
    MAX_READINGS,
    BadQuality,
    BadSequence,
    BadTime,
    GaugeReading,
    GaugeReadings,
    NotANumber,
    NotAReading,
    PayloadNotJson,
    PayloadTooLarge,
    Rejected,
    TooManyReadings,
    require_finite,
    require_plausible,
)

_RFC3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)  # datetime.fromisoformat takes more than the standard allows, weeks and bare dates among it
_FINER_THAN_MICROSECONDS: Final = re.compile(rb":\d\d:\d\d\.\d{7}")  # msgspec rounds, datetime cuts
_LEAP_SECOND: Final = ":60"
_SECONDS: Final = slice(16, 19)  # of an RFC 3339 text, with the colon before
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_MIN_BIGINT: Final = -(2**63)
_MAX_BIGINT: Final = 2**63 - 1
_MAX_INTEGER_DIGITS: Final = 400  # a float holds 309; Python refuses to parse more than 4,300
_MISSING: Final = object()

_decode = json.JSONDecoder().decode
# Only for texts with an integer that Python will not parse: it becomes infinity, and is rejected alone.
_decode_leniently = json.JSONDecoder(
    parse_int=lambda digits: int(digits) if len(digits) <= _MAX_INTEGER_DIGITS else float(digits)
).decode


class _PlainReading(msgspec.Struct, gc=False):
    t: Annotated[datetime, msgspec.Meta(tz=True)] | int | float
    v: float
    seq: Annotated[int, msgspec.Meta(ge=_MIN_BIGINT, le=_MAX_BIGINT)] | None = None
    q: Literal["good", "bad"] | None = None


_decode_plain_one = msgspec.json.Decoder(_PlainReading).decode
_decode_plain_list = msgspec.json.Decoder(list[_PlainReading]).decode


def decode_json(payload: bytes, *, arrived_at: datetime) -> GaugeReadings:
    """The readings of one message, in its order; what is wrong with one item does not touch the others.

    Args:
        payload: of the message.
        arrived_at: when the message came. UTC.

    Returns:
        Its readings and what is none; empty for an empty list.

    Raises:
        PayloadTooLarge: it has more than MAX_PAYLOAD_BYTES.
        PayloadNotJson: it is no JSON text in UTF-8.
        NotAReading: it is neither an object nor a list.
        TooManyReadings: the list has more than MAX_READINGS.
    """
    latest = arrived_at + MAX_AHEAD
    plain = _read_plain(payload, latest)
    if plain is not None:
        return plain
    content = parse_json(payload)
    readings = GaugeReadings()
    if type(content) is dict:
        _read_item(content, payload, readings, arrived_at=arrived_at, latest=latest)
        return readings
    if type(content) is not list:
        raise NotAReading("the message is neither an object nor a list of objects")
    if len(content) > MAX_READINGS:
        raise TooManyReadings(f"the message has {len(content)} readings, and {MAX_READINGS} are allowed")
    for item in content:
        _read_item(item, None, readings, arrived_at=arrived_at, latest=latest)
    return readings


def _read_item(
    item: object, payload: bytes | None, readings: GaugeReadings, *, arrived_at: datetime, latest: datetime
) -> None:
    """Add an item as a reading or as what is none, with its own bytes where it has no payload of its own."""
    try:
        readings.append(_reading(item, arrived_at, latest))
    except SiteproofError as error:
        readings.rejected.append(Rejected(json.dumps(item).encode() if payload is None else payload, error))


def _read_plain(payload: bytes, latest: datetime) -> GaugeReadings | None:
    """The readings of a message in which everything is right; None where something must be looked at more closely."""
    if len(payload) > MAX_PAYLOAD_BYTES or _FINER_THAN_MICROSECONDS.search(payload) is not None:
        return None
    t_us: list[int] = []
    v: list[float] = []
    is_bad: list[bool] = []
    seq: list[int | None] = []
    try:
        items = _decode_plain_list(payload) if payload.startswith(b"[") else [_decode_plain_one(payload)]
        if len(items) > MAX_READINGS:
            return None
        for item in items:
            t = item.t
            if type(t) is not datetime:
                t = _EPOCH + timedelta(milliseconds=t)  # type: ignore[arg-type]
            if not EARLIEST <= t <= latest:
                return None
            t_us.append((t - _EPOCH) // _MICROSECOND)
            v.append(item.v)
            is_bad.append(item.q == "bad")
            seq.append(item.seq)
    except (msgspec.MsgspecError, UnicodeDecodeError, OverflowError, RecursionError):
        return None
    return GaugeReadings(t_us, v, is_bad, seq, [])


def parse_json(payload: bytes) -> object:
    """The value of a payload in JSON.

    Raises:
        PayloadTooLarge: it has more than MAX_PAYLOAD_BYTES.
        PayloadNotJson: it is no JSON text in UTF-8.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise PayloadTooLarge(f"the message has {len(payload)} bytes, and {MAX_PAYLOAD_BYTES} are allowed")
    try:
        text = payload.decode("utf-8-sig" if payload.startswith(b"\xef\xbb\xbf") else "utf-8")
        try:
            return _decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:
            return _decode_leniently(text)
    except RecursionError as error:
        raise PayloadNotJson("the message is nested too deeply") from error
    except ValueError as error:
        raise PayloadNotJson(f"the message is not JSON: {error}"[:300]) from error


def _reading(item: Any, arrived_at: datetime, latest: datetime) -> GaugeReading:  # noqa: ANN401 - whatever JSON can hold
    if type(item) is not dict:
        raise NotAReading("an item is not an object with a time and a value")
    t = _time(item.get("t"))
    if not EARLIEST <= t <= latest:
        require_plausible(t, arrived_at=arrived_at)
    v = item.get("v", _MISSING)
    if v is _MISSING:
        raise NotANumber("the value `v` is missing")
    if type(v) is not float or not isfinite(v):
        v = require_finite(v)
    return GaugeReading(
        t,
        v,
        _is_bad(item["q"]) if "q" in item else False,
        parse_sequence(item["seq"]) if "seq" in item else None,
    )


def _time(given: object) -> datetime:
    try:
        if type(given) is str:
            return _rfc3339(given)
        if type(given) is int or type(given) is float:
            return _EPOCH + timedelta(milliseconds=given)
    except (ValueError, OverflowError) as error:
        raise BadTime(f"the time cannot be read: {str(given)[:60]}") from error
    raise BadTime("the time `t` is missing" if given is None else f"the time cannot be read: {str(given)[:60]}")


def parse_rfc3339(text: str) -> datetime:
    """A time by RFC 3339. UTC.

    Raises:
        BadTime: it is of another form, or there is no such time.
    """
    try:
        return _rfc3339(text)
    except (ValueError, OverflowError) as error:
        raise BadTime(f"the time cannot be read: {text[:60]}") from error


def _rfc3339(text: str) -> datetime:
    if _RFC3339.fullmatch(text) is None:
        raise BadTime(f"the time is not RFC 3339 with an offset, such as 2026-07-01T08:00:00Z: {text[:60]!r}")
    if text[_SECONDS] == _LEAP_SECOND:  # RFC 3339, section 5.7 allows it; datetime has none
        return _rfc3339(text[:16] + ":59" + text[19:]) + timedelta(seconds=1)
    t = datetime.fromisoformat(text.upper())
    return t if t.tzinfo is UTC else t.astimezone(UTC)


def _is_bad(given: object) -> bool:
    if given == "good" or given is None:
        return False
    if given == "bad":
        return True
    raise BadQuality(f"the quality is good or bad, not {str(given)[:60]!r}")


def parse_sequence(given: object) -> int | None:
    """A gauge's own counter, where it says one.

    Raises:
        BadSequence: it is not a whole number of 64 bits.
    """
    if given is None:
        return None
    if type(given) is int and _MIN_BIGINT <= given <= _MAX_BIGINT:
        return given
    raise BadSequence("the sequence number is not a whole number of 64 bits")
