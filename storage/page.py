"""Pages of a collection: an opaque cursor over a growing number, so that a walk skips nothing that was there."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from domain.errors import Invalid

MAX_PAGE: Final = 500
DEFAULT_PAGE: Final = 100
MAX_NUMBER: Final = 2**63 - 1  # PostgreSQL's bigint

T = TypeVar("T")


class InvalidCursor(Invalid):
    """A cursor that we did not give out."""

    code: ClassVar[str] = "page.invalid_cursor"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page.

    Attributes:
        items: in the collection's order.
        next: give it as `after` to go on; None where the collection ended.
    """

    items: Sequence[T]
    next: str | None


def encode_cursor(*numbers: int) -> str:
    """An opaque text for the numbers that a page ended with."""
    return base64.urlsafe_b64encode(",".join(map(str, numbers)).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *, count: int = 1) -> tuple[int, ...]:
    """The numbers in a cursor; zeros where there is none, which begins at the start.

    Raises:
        InvalidCursor: it is not one of ours.
    """
    if not cursor:
        return (0,) * count
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        numbers = tuple(int(part) for part in text.split(","))
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor("`after` is not a cursor that was given out here") from error
    if len(numbers) != count or not all(0 <= number <= MAX_NUMBER for number in numbers):
        raise InvalidCursor("`after` is not a cursor that was given out here")
    return numbers


def cut_page(rows: Sequence[tuple[int, T]], *, limit: int) -> Page[T]:
    """Make a page of `limit + 1` rows that were asked for, each with the number that it is ordered by."""
    kept = rows[:limit]
    more = len(rows) > limit
    return Page([item for _, item in kept], encode_cursor(kept[-1][0]) if more else None)
