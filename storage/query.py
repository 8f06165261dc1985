"""Named queries: `.sql` files with a `-- name: x` line before each statement, loaded once a process."""

import re
from functools import cache
from pathlib import Path
from typing import Final, LiteralString, cast

_FOLDER: Final = Path(__file__).parent / "queries"
_NAME: Final = re.compile(r"^-- name: (?P<name>[a-z0-9_]+)\s*$", re.MULTILINE)


class Queries:
    """The statements of one `.sql` file, by name."""

    def __init__(self, stem: str) -> None:
        """Load `storage/queries/<stem>.sql`.

        Raises:
            ValueError: the file names one statement twice, or begins without a name.
        """
        text = (_FOLDER / f"{stem}.sql").read_text(encoding="utf-8")
        head, *parts = _NAME.split(text)
        if any(line and not line.startswith("--") for line in head.splitlines()):
            raise ValueError(f"{stem}.sql: a statement before the first name")
        names = parts[0::2]
        if len(set(names)) != len(names):
            raise ValueError(f"{stem}.sql: a name stands twice")
        self._statements = dict(zip(names, (part.strip().rstrip(";") for part in parts[1::2]), strict=True))
        self._stem = stem

    def __getitem__(self, name: str) -> LiteralString:
        """The statement called `name`.

        Raises:
            KeyError: there is none, which is a mistake of ours.
        """
        # The text comes from our own package, which is what LiteralString is there to promise.
        return cast("LiteralString", self._statements[name])

    @property
    def names(self) -> frozenset[str]:
        """All names in the file."""
        return frozenset(self._statements)


@cache
def load_queries(stem: str) -> Queries:
    """The queries of `storage/queries/<stem>.sql`, read once a process."""
    return Queries(stem)
