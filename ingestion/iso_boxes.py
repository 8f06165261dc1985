"""Boxes of ISO base media files (ISO/IEC 14496-12), the house of HEIC and MP4: finding them, within bounds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from ingestion.file_format import MalformedMedia

# Bounds on hostile files: the HEIC files of the ExifRead samples take at most 273 steps; a picture of 200 megapixels
# in tiles of 512 has some 760 items, which take a few thousand. 30,000 steps take some 0.2 s.
_MAX_STEPS: Final = 30_000
MAX_HEADER_BYTES: Final = 16 << 20


class StepBudget:
    """How many boxes and table rows of one file may still be looked at: nested boxes share it."""

    def __init__(self, steps: int = _MAX_STEPS) -> None:
        self._left = steps

    def spend(self) -> None:
        """Take one step.

        Raises:
            MalformedMedia: none is left.
        """
        self._left -= 1
        if self._left < 0:
            raise MalformedMedia("the file holds more boxes than any camera writes")


@dataclass(frozen=True, slots=True)
class Box:
    """A box within a buffer.

    Attributes:
        kind: its four characters.
        body: what follows its header.
        budget: the file's, shared with the boxes within.
    """

    kind: bytes
    body: memoryview
    budget: StepBudget = field(default_factory=StepBudget)

    def number(self, start: int, size: int) -> int:
        """The big-endian number of `size` bytes at `start` of the body.

        Raises:
            MalformedMedia: the body ends before it.
        """
        return read_number(self.body, start, size)


def read_number(data: memoryview, start: int, size: int) -> int:
    """The big-endian number of `size` bytes at `start`; a size of 0 gives 0.

    Raises:
        MalformedMedia: `data` ends before it.
    """
    if start < 0 or start + size > len(data):
        raise MalformedMedia("a box of the file ends before its content does")
    return int.from_bytes(data[start : start + size], "big")


def read_top_box(file: BinaryIO, kind: bytes) -> Box:
    """The first box of this kind at the top level of a file.

    Args:
        file: seekable, at its start.
        kind: four characters.

    Raises:
        MalformedMedia: there is none, it is cut short, or it is larger than `MAX_HEADER_BYTES`.
    """
    for _ in range(_MAX_STEPS):
        start = file.tell()
        head = file.read(16)
        size = int.from_bytes(head[:4], "big")
        head_size = 8
        if size == 1:
            size, head_size = int.from_bytes(head[8:16], "big"), 16
        if len(head) < 8 or 0 < size < head_size or size >= 1 << 62:  # noqa: PLR2004
            break
        if head[4:8] == kind:
            return _read_body(file, kind=kind, start=start + head_size, size=size and size - head_size)
        if size == 0:
            break  # it reaches to the end of the file
        file.seek(start + size)
    raise MalformedMedia(f"the file has no readable '{kind.decode('latin-1')}' box, so nothing is known of it")


def _read_body(file: BinaryIO, *, kind: bytes, start: int, size: int) -> Box:
    """The body of a top-level box; a size of 0 reaches to the end of the file."""
    if size > MAX_HEADER_BYTES:
        raise MalformedMedia("the file's header is larger than any camera writes")
    file.seek(start)
    body = file.read(size or MAX_HEADER_BYTES)
    if len(body) < size:
        raise MalformedMedia("the file is cut short within its header")
    return Box(kind=kind, body=memoryview(body))


def list_boxes(outer: Box, *, start: int = 0) -> Iterator[Box]:
    """The boxes one after another within `outer`, from `start` of its body on; a tail too short for one is passed over.

    Raises:
        MalformedMedia: a box reaches beyond `outer`, or the file's budget is spent.
    """
    at, data = start, outer.body
    while at + 8 <= len(data):
        outer.budget.spend()
        size, head_size = read_number(data, at, 4), 8
        if size == 1:
            size, head_size = read_number(data, at + 8, 8), 16
        elif size == 0:
            size = len(data) - at
        if size < head_size or at + size > len(data):
            raise MalformedMedia("a box of the file reaches beyond the one around it")
        yield Box(kind=bytes(data[at + 4 : at + 8]), body=data[at + head_size : at + size], budget=outer.budget)
        at += size


def find_box(outer: Box | None, kind: bytes) -> Box | None:
    """The first box of this kind within `outer`; None where there is none, or no `outer`.

    Raises:
        MalformedMedia: as in `list_boxes`.
    """
    return next((box for box in list_boxes(outer) if box.kind == kind), None) if outer is not None else None
