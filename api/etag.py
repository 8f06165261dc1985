"""Entity tags of resources that people edit: the row's version, strong."""

from api.errors import PreconditionFailed


def make_etag(version: int) -> str:
    """The tag of a version."""
    return f'"{version}"'


def require_match(if_match: str | None, version: int | None) -> None:
    """Let a change pass if If-Match is silent, `*` for a thing that is there, or names its version.

    Args:
        if_match: the header as it came.
        version: of what is stored; None where nothing is.

    Raises:
        PreconditionFailed: somebody changed it in between, or it is not there.
    """
    if if_match is None:
        return
    wanted = [tag.strip() for tag in if_match.split(",")]
    if version is None or ("*" not in wanted and make_etag(version) not in wanted):
        raise PreconditionFailed("it was changed in the meantime: read it again", version=version)
