import pytest

from domain.identifier import (
    InvalidArea,
    InvalidIdentifier,
    covers_area,
    make_public_code,
    parse_uuid,
    require_area,
    require_caller_id,
)


@pytest.mark.parametrize("value", ["a", "A.b_c-9", "x" * 64])
def test_require_caller_id__letters_digits_and_three_marks__are_accepted(value: str) -> None:
    """1 to 64 of letters, digits, dot, underscore and hyphen."""
    assert require_caller_id(value) == value


@pytest.mark.parametrize("value", ["", "x" * 65, "a/b", "a b", "é", "a\n", "..", "."])
def test_require_caller_id__anything_else__is_refused(value: str) -> None:
    """A path trick or a line break is no id."""
    with pytest.raises(InvalidIdentifier):
        require_caller_id(value)


@pytest.mark.parametrize("value", ["", "/", "a//b", "/a", "a/", "a b", "a/b/c/d/e/f/g", "a" * 201])
def test_require_area__no_path_of_names__is_refused(value: str) -> None:
    """An area is one to six names; everywhere (`/`) is a token's word, not a project's."""
    with pytest.raises(InvalidArea):
        require_area(value)


def test_require_area__chinese_names__are_accepted() -> None:
    """Names are in the people's own writing."""
    assert require_area("某县/东镇/清溪村") == "某县/东镇/清溪村"


@pytest.mark.parametrize(
    ("outer", "inner", "covers"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", True),
        ("a/b", "a/bc", False),
        ("a/b/c", "a/b", False),
        ("/", "a", True),
    ],
)
def test_covers_area__by_whole_names(outer: str, inner: str, *, covers: bool) -> None:
    """An area covers what lies below it, not what begins with the same letters."""
    assert covers_area(outer, inner) is covers


def test_parse_uuid__nonsense__is_none() -> None:
    """A made-up id is not found, not an error."""
    assert parse_uuid("nonsense") is None


def test_make_public_code__twice__differs_and_is_readable() -> None:
    """Codes are read off paper: no letter that looks like another."""
    codes = {make_public_code() for _ in range(100)}
    assert len(codes) == 100
    assert not set("".join(codes)) & set("0o1il")
