"""The sender's word about a shot: the `capture` part of an upload, made into a `Capture` or refused."""

import json
from datetime import UTC, datetime
from typing import ClassVar, Final, NoReturn
from uuid import UUID

from domain.errors import Invalid
from domain.identifier import require_caller_id
from domain.media import Capture
from domain.place import Position
from geofence.position import parse_position

MAX_CAPTURE_BYTES: Final = 16 * 1024


class MalformedCapture(Invalid):
    """A `capture` that is no JSON object, or too large a one."""

    code: ClassVar[str] = "capture.malformed"


class InvalidClientId(Invalid):
    """A `client_id` that is no UUID."""

    code: ClassVar[str] = "capture.invalid_client_id"


class InvalidTime(Invalid):
    """A `taken_at` that is no RFC 3339 time with its offset."""

    code: ClassVar[str] = "capture.invalid_time"


class InvalidMember(Invalid):
    """A member of another type than the contract's."""

    code: ClassVar[str] = "capture.invalid_member"


def parse_capture(text: str | bytes | None) -> Capture:
    """The sender's word; missing and blank give an empty one, unknown members are left out.

    Args:
        text: the JSON, at most `MAX_CAPTURE_BYTES`.

    Raises:
        MalformedCapture: too large, not UTF-8, not JSON (NaN and Infinity are not), or not an object.
        InvalidClientId: `client_id` is no UUID.
        InvalidTime: `taken_at` is not RFC 3339 with an offset.
        InvalidMember: a member of the wrong type.
        InvalidIdentifier: `milestone_id` or `camera_id` is no caller's id.
        Invalid: what `geofence.position.parse_position` refuses.
    """
    given = parse_capture_json(text)
    return Capture(
        client_id=_read_client_id(given.get("client_id")),
        taken_at=_read_time(given.get("taken_at")),
        position=_read_position(given.get("position")),
        milestone_id=_read_id(given, "milestone_id"),
        camera_id=_read_id(given, "camera_id"),
    )


def parse_capture_json(text: str | bytes | None) -> dict[str, object]:
    """The JSON object as it was given, for keeping beside what was made of it.

    Raises:
        MalformedCapture: as in `parse_capture`.
    """
    if text is None:
        return {}
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_CAPTURE_BYTES:
        raise MalformedCapture(f"capture may have at most {MAX_CAPTURE_BYTES} bytes")
    if not data.strip():
        return {}
    try:
        given = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise MalformedCapture("capture is not JSON") from error
    if not isinstance(given, dict):
        raise MalformedCapture("capture is not a JSON object")
    return given


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and RFC 8259 does not know."""
    raise ValueError(name)


def _read_client_id(value: object) -> UUID | None:
    if value is None:
        return None
    try:
        # UUID() also takes braces, urn: and missing hyphens; a shot's id has one way of writing.
        if isinstance(value, str) and len(value) == 36:  # noqa: PLR2004 - RFC 9562, 4
            return UUID(value)
    except ValueError:
        pass
    raise InvalidClientId("client_id is not a UUID such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301")


def _read_time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        # fromisoformat reads more of ISO 8601 than RFC 3339 allows: dates alone, weeks, no separators.
        if isinstance(value, str) and value.isascii() and value[10:11] in {"T", "t", " "}:
            taken_at = datetime.fromisoformat(value.upper())
            if taken_at.tzinfo is not None and value[4:5] == value[7:8] == "-" and value[13:14] == ":":
                return taken_at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidTime("taken_at is not a time with its offset such as 2026-05-04T09:30:00+08:00")


def _read_position(value: object) -> Position | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidMember("position is not an object")
    return parse_position(value)


def _read_id(given: dict[str, object], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidMember(f"{name} is not a text")
    return require_caller_id(value)
