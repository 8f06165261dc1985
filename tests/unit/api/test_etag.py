import pytest

from api.errors import PreconditionFailed
from api.etag import require_match


@pytest.mark.parametrize(("header", "version"), [(None, None), (None, 3), ('"3"', 3), ('"1", "3"', 3), ("*", 3)])
def test_require_match__silent_or_right__lets_through(header: str | None, version: int | None) -> None:
    """If-Match is honoured where it is sent, and not asked for."""
    require_match(header, version)


@pytest.mark.parametrize(("header", "version"), [('"2"', 3), ("*", None), ('"1"', None), ("3", 3)])
def test_require_match__another_version_or_none__is_refused(header: str, version: int | None) -> None:
    """Who edits what changed, or what is not there, is told so."""
    with pytest.raises(PreconditionFailed):
        require_match(header, version)
