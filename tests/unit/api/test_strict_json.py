import pytest

from api.strict_json import MAX_DEPTH, UnreadableBody, parse_strict_json


def test_parse_strict_json__ordinary_json__is_itself() -> None:
    """What every reader reads is accepted."""
    assert parse_strict_json('{"a": [1, 2.5, null, true, "桥"]}'.encode()) == {"a": [1, 2.5, None, True, "桥"]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"NaN",
        b"[Infinity]",
        b"1e999",
        b'"\\u0000"',
        b'"\\ud800"',
        b'{"a\\u0000": 1}',
        b"\xff",
        b"[" * 100_000,
        b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2),
        b"1" * 5000,
    ],
)
def test_parse_strict_json__what_cannot_be_kept__is_refused(body: bytes) -> None:
    """NaN, too large numbers, NUL, half surrogate pairs, other encodings, and depth that would exhaust a reader."""
    with pytest.raises(UnreadableBody):
        parse_strict_json(body)
