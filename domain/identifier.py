"""Identifiers that callers give, and those that we make."""

import re
import secrets
from typing import ClassVar, Final
from uuid import UUID

from domain.errors import Invalid

CALLER_ID_PATTERN: Final = r"^[A-Za-z0-9._-]{1,64}$"
AREA_PATTERN: Final = r"^[^/\s]+(/[^/\s]+){0,5}$"
MAX_AREA_LENGTH: Final = 200
EVERYWHERE: Final = "/"  # a token's area only; a project is always somewhere
_PUBLIC_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"  # without 0 o 1 l i: it is read off paper


class InvalidIdentifier(Invalid):
    """An identifier outside of 1 to 64 letters, digits, `.`, `_`, `-`."""

    code: ClassVar[str] = "identifier.invalid"


class InvalidArea(Invalid):
    """An area that is not a path such as `county/town/village`."""

    code: ClassVar[str] = "area.invalid"


def require_caller_id(value: str) -> str:
    """Return `value` if it is an identifier that a caller may give.

    Raises:
        InvalidIdentifier: it is empty, longer than 64, or holds another character.
    """
    # `$` would accept a trailing newline, fullmatch does not.
    if not re.fullmatch(CALLER_ID_PATTERN[1:-1], value) or value in {".", ".."}:
        raise InvalidIdentifier(f"an id is 1 to 64 letters, digits, '.', '_' or '-', not {value[:80]!r}")
    return value


def require_area(value: str) -> str:
    """Return `value` if it is a path of one to six names without white space.

    Raises:
        InvalidArea: it is not.
    """
    if len(value) > MAX_AREA_LENGTH or not re.fullmatch(AREA_PATTERN[1:-1], value):
        raise InvalidArea(f"an area is a path like county/town/village, not {value[:80]!r}")
    return value


def covers_area(outer: str, inner: str) -> bool:
    """Whether `inner` is `outer` or lies below it, by whole names: `a/b` covers `a/b/c`, not `a/bc`; `/` covers all."""
    return outer in {EVERYWHERE, inner} or inner.startswith(outer + "/")


def parse_uuid(value: str) -> UUID | None:
    """The UUID written in `value`; None where it is none, so that a made-up id is simply not found."""
    try:
        return UUID(value)
    except ValueError:
        return None


def make_public_code() -> str:
    """A random code of 10 characters (49 bits) for a project's public page."""
    return "".join(secrets.choice(_PUBLIC_ALPHABET) for _ in range(10))
