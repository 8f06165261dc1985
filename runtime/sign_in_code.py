"""The QR code that signs a phone in: the phone page's address with the token in its fragment, which no server sees."""

import re
import sys
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import urlsplit

import segno

from domain.errors import Invalid

_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:]+\](:\d{1,5})?")


class InvalidAddress(Invalid):
    """No address that a phone could open."""

    code: ClassVar[str] = "token.invalid_address"


class InvalidCodeFile(Invalid):
    """A file of another kind than SVG or PNG."""

    code: ClassVar[str] = "token.invalid_code_file"


def make_field_page(address: str) -> str:
    """The phone page of a service, `https://` where no scheme is given, because phones show the camera to no other.

    Raises:
        InvalidAddress: it has no host, a path, or another scheme than http and https.
    """
    whole = address if "://" in address else f"https://{address}"
    parts = urlsplit(whole)
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.netloc) or parts.path.strip("/"):
        raise InvalidAddress(f"an address is like https://site.example.org, not {address[:80]!r}")
    return f"{parts.scheme}://{parts.netloc}/field"


def show_code(text: str, *, file: Path | None) -> None:
    """Write the QR code into an SVG or PNG file, else draw it on the standard error.

    Raises:
        InvalidCodeFile: the file is neither.
    """
    code = segno.make_qr(text, error="m")
    if file is None:
        code.terminal(out=sys.stderr, compact=True)
    elif file.suffix.lower() in {".svg", ".png"}:
        code.save(str(file), scale=8)
        # It is as good as the token.
        file.chmod(0o600)
    else:
        raise InvalidCodeFile(f"the QR code is written as .svg or .png, not as {file.suffix[:20]!r}")
