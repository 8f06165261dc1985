"""Encodings proven by bytes, or asked."""

import io

import pytest

from iot.logger_encoding import find_encoding, require_encoding
from iot.logger_file import UnreadableFile
from iot.logger_question import UnknownEncoding


def find(data: bytes) -> str:
    """The encoding found in these bytes."""
    return find_encoding(io.BytesIO(data)).name


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        ("Time,S1 (mm)\n", "ascii", "utf-8"),
        ("时间,沉降(mm)\n", "utf-8", "utf-8"),
        ("时间,沉降(mm)\n", "utf-8-sig", "utf-8-sig"),
        ("时间,沉降(mm)\n2026-01-01 00:00:00,1.5\n" * 9, "utf-16", "utf-16"),
        ("时间,沉降(mm)\n2026-01-01 00:00:00,1.5\n" * 9, "utf-16-le", "utf-16-le"),
        ("时间,沉降(mm)\n2026-01-01 00:00:00,1.5\n" * 9, "utf-16-be", "utf-16-be"),
        ("时间,沉降（mm）,温度（℃）\n", "gb18030", "gb18030"),
        ("Time (-),Air Temperature (°C),\n", "cp1252", "cp1252"),
        ("Zeit;Größe µm/m;Wölbung m²\n", "cp1252", "cp1252"),
    ],
)
def test_find_encoding__text_of_a_logger(text: str, encoding: str, found: str) -> None:
    """Each is told by its mark, its zeros, its validity, or by how its high bytes stand."""
    assert find(text.encode(encoding)) == found


def test_find_encoding__degree_sign__is_no_chinese_character() -> None:
    """B0 43 is `°C` in cp1252 and a rare character in GB18030: it decodes in both, and only one is meant."""
    assert b"(\xb0C)".decode("gb18030") == "(癈)"
    assert find(b"T (\xb0C)\n") == "cp1252"


def test_find_encoding__cyrillic__is_asked() -> None:
    """cp1251 is neither of the two that are told apart, and is not taken for one of them."""
    with pytest.raises(UnknownEncoding, match="--encoding") as caught:
        find("Осадка,мм\n".encode("cp1251"))
    assert caught.value.code == "import.unknown_encoding"


def test_find_encoding__high_bytes_late__are_seen() -> None:
    """The proof may stand behind megabytes of ASCII."""
    rows = b"2026-01-01 00:00:00,1.5\n" * 100_000
    assert find(rows + "备注".encode("gb18030") + b"\n") == "gb18030"


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", b"a" * (3 << 20), b"1,2\n" * 400_000 + b"\0\n"])
def test_find_encoding__no_text__is_refused(data: bytes) -> None:
    """Zero bytes, or a line of megabytes."""
    with pytest.raises(UnreadableFile):
        find(data)


def test_require_encoding__codecs_that_are_no_encodings__are_refused() -> None:
    """Python's codecs hold more than encodings of text."""
    assert require_encoding("GB18030") == "gb18030"
    for name in ("rot13", "zlib", "nonsense"):
        with pytest.raises(UnknownEncoding):
            require_encoding(name)
