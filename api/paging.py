"""The two query parameters of every collection."""

from typing import Annotated, TypeVar

from fastapi import Depends, Query

from api.schemas import Collection
from storage.page import DEFAULT_PAGE, MAX_PAGE, Page

S = TypeVar("S")
V = TypeVar("V")


def _lower_limit(
    limit: Annotated[int, Query(ge=1, description=f"at most {MAX_PAGE}; more is lowered to it")] = DEFAULT_PAGE,
) -> int:
    return min(limit, MAX_PAGE)


Limit = Annotated[int, Depends(_lower_limit)]
After = Annotated[str | None, Query(description="the `next` of the page before", max_length=200)]


def make_collection(page: Page[S], items: list[V]) -> Collection[V]:
    """The wire's shape of a page whose items were turned into views."""
    return Collection[V](items=items, next=page.next)
