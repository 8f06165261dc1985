"""Canonical JSON (RFC 8785): the one way to write a value, so that its bytes can be hashed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final
from uuid import UUID

import rfc8785

_MAX_EXACT: Final = 2**53 - 1  # RFC 8785, 3.2.2.3: numbers are IEEE 754 doubles


def encode_canonical(value: Mapping[str, Any]) -> bytes:
    """The value as canonical JSON in UTF-8.

    Times are written as RFC 3339 in UTC; ids, integers of 2**53 and beyond, and numbers that are none as text.
    """
    return rfc8785.dumps(_make_plain(value))


def _make_plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return {str(key): _make_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_make_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID) or (isinstance(value, int) and abs(value) > _MAX_EXACT):
        return str(value)
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    # An enum of texts is a text to us, and something else to the library.
    return str(value) if isinstance(value, str) else value
