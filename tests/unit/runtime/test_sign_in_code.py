import io
from pathlib import Path

import cv2
import numpy as np
import pytest

from domain.errors import Invalid
from runtime.sign_in_code import InvalidAddress, InvalidCodeFile, make_field_page, show_code


def test_make_field_page__without_a_scheme__is_https() -> None:
    """Phones give camera and position to pages by https alone."""
    assert make_field_page("site.example.org") == "https://site.example.org/field"
    assert make_field_page("http://127.0.0.1:8000/") == "http://127.0.0.1:8000/field"
    assert make_field_page("https://[2001:db8::1]:8443") == "https://[2001:db8::1]:8443/field"


@pytest.mark.parametrize(
    "address", ["", "ftp://example.org", "https://", "https://example.org/below", "javascript:alert(1)"]
)
def test_make_field_page__no_address__is_refused(address: str) -> None:
    """A code that no phone can open is of no use."""
    with pytest.raises(InvalidAddress):
        make_field_page(address)


def test_show_code__as_png__is_read_by_another_reader_as_it_was_written(tmp_path: Path) -> None:
    """OpenCV's decoder gives the text back; the file is the owner's alone, for it is as good as the token."""
    text = "https://site.example.org/field#token=sp_" + "x" * 43
    file = tmp_path / "code.png"
    show_code(text, file=file)
    picture = cv2.imdecode(np.fromfile(file, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == text
    assert file.stat().st_mode & 0o077 == 0


def test_show_code__without_a_file__leaves_the_standard_output_to_the_token(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`TOKEN=$(siteproof token create ... --qr ...)` stays the token alone."""
    show_code("https://site.example.org/field#token=sp_x", file=None)
    written = capsys.readouterr()
    assert written.out == ""
    assert len(io.StringIO(written.err).readlines()) > 10


def test_show_code__as_another_file__is_refused(tmp_path: Path) -> None:
    """What was asked for is not guessed."""
    with pytest.raises(InvalidCodeFile) as refused:
        show_code("x", file=tmp_path / "code.pdf")
    assert isinstance(refused.value, Invalid)
