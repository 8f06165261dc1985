"""Checkpoints of the evidence log as C2SP defines them (c2sp.org/tlog-checkpoint): origin, size and root, signed."""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from findings.signed_note import InvalidNote

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES: Final = 3
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log at one size.

    Attributes:
        origin: the log's name, the same as its keys'.
        size: number of entries.
        root: RFC 6962's Merkle tree hash of them, 32 bytes.
    """

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text; ours has no further lines.

    Raises:
        InvalidNote: it is none.
    """
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines[-1] or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise InvalidNote("a checkpoint is an origin, a size and a root")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidNote("a checkpoint's root is written in base64") from error
    if len(root) != _HASH_BYTES:
        raise InvalidNote("a checkpoint's root has 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)
