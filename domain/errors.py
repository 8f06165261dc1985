"""The base of every expected error and its five kinds.

Concrete errors live beside what raises them; statuses of HTTP live in `api`.
"""

from typing import ClassVar


class SiteproofError(Exception):
    """An expected error, told to a person by its sentence and to a program by its `code`.

    Attributes:
        code: stable, dotted, `package.noun`; part of the contract with other systems.
    """

    code: ClassVar[str] = "siteproof.error"

    def __init__(self, detail: str, **facts: object) -> None:
        """Keep the sentence, and the facts that a program may want beside it."""
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class Invalid(SiteproofError):
    """What was given cannot be accepted, and giving it again would not help."""

    code = "siteproof.invalid"


class NotFound(SiteproofError):
    """There is no such thing, or the asker may not know of it."""

    code = "siteproof.not_found"


class Forbidden(SiteproofError):
    """The asker sees the thing, but may not do this with it."""

    code = "siteproof.forbidden"


class Conflict(SiteproofError):
    """It contradicts what is stored already."""

    code = "siteproof.conflict"


class Unavailable(SiteproofError):
    """A service that we need does not answer; trying again later may help."""

    code = "siteproof.unavailable"
