"""HTML made of elements: every text that goes in comes out as text, because only an element is markup."""

import html
from typing import Final

_VOID: Final = frozenset({"br", "img", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already. Made here, and of what `segno` draws; never of anything from outside."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | int | bool | None) -> Markup:
    """An element.

    Args:
        name: of the tag.
        children: markup stays, all other text is escaped.
        attributes: `class_` and `for_` are written without the underscore, others with hyphens for underscores; None
            and False leave one out, True writes it without a value.
    """
    written = "".join(_write(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Markup:
    """Several elements and texts, one after the other."""
    return Markup("".join(each if isinstance(each, Markup) else html.escape(each, quote=False) for each in children))


def _write(key: str, value: str | int | bool | None) -> str:  # noqa: FBT001 - an attribute may be one
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
