"""The fiducial board: its specification as text and its markers' places. No pixels: those are in `board_markers.py`."""

import re
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid

FORM: Final = "aruco:DICT_6X6_1000:5x4:37.5mm:5mm, or apriltag:36h11:5x4:37.5mm:5mm; a further :20 is the first id"

_SPEC: Final = re.compile(
    r"(?P<family>aruco|apriltag):(?P<name>[A-Za-z0-9_]+):(?P<columns>\d{1,3})x(?P<rows>\d{1,3})"
    r":(?P<side>\d+(?:\.\d+)?)mm:(?P<gap>\d+(?:\.\d+)?)mm(?::(?P<first>\d{1,5}))?"
)
DICTIONARIES: Final[dict[str, tuple[int, int]]] = {
    **{f"DICT_{bits}X{bits}_{size}": (bits, size) for bits in (4, 5, 6, 7) for size in (50, 100, 250, 1000)},
    "DICT_ARUCO_ORIGINAL": (5, 1024),
    "DICT_ARUCO_MIP_36h12": (6, 250),
    "DICT_APRILTAG_16h5": (4, 30),
    "DICT_APRILTAG_25h9": (5, 35),
    "DICT_APRILTAG_36h10": (6, 2320),
    "DICT_APRILTAG_36h11": (6, 587),
}
"""Cells along a marker's side without its border, and how many markers there are (OpenCV 4, aruco_dictionary.hpp)."""

_MIN_MARKERS: Final = 4
_SIDE_RANGE_MM: Final = (3.0, 1000.0)


class InvalidBoard(Invalid):
    """A board's specification that is malformed, names no dictionary, or asks for more markers than it has."""

    code: ClassVar[str] = "board.invalid_spec"


@dataclass(frozen=True)
class Board:
    """A grid of square markers, numbered row by row from the upper left.

    Coordinates of the board: the origin at its centre, x to the right, y down, z away from who looks at its face. [mm]

    Attributes:
        family: `aruco` or `apriltag`.
        dictionary: as the specification names it.
        columns: markers side by side.
        rows: markers one above the other.
        side_mm: of a marker, black edge to black edge. [mm]
        gap_mm: between neighbouring markers. [mm]
        first_id: of the upper left marker; two boards in one photo need different ids.
    """

    family: str
    dictionary: str
    columns: int
    rows: int
    side_mm: float
    gap_mm: float
    first_id: int = 0

    @property
    def spec(self) -> str:
        """The text that `parse_board` reads."""
        first = f":{self.first_id}" if self.first_id else ""
        size = f"{self.columns}x{self.rows}:{self.side_mm:g}mm:{self.gap_mm:g}mm"
        return f"{self.family}:{self.dictionary}:{size}{first}"

    @property
    def marker_ids(self) -> range:
        """From the upper left, row by row."""
        return range(self.first_id, self.first_id + self.columns * self.rows)

    @property
    def pitch_mm(self) -> float:
        """From a marker to the same place of its neighbour [mm]."""
        return self.side_mm + self.gap_mm

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height, without the quiet zone around [mm]."""
        return self.columns * self.pitch_mm - self.gap_mm, self.rows * self.pitch_mm - self.gap_mm

    @property
    def diagonal_mm(self) -> float:
        """From corner to corner [mm]."""
        return float(np.hypot(*self.size_mm))

    @property
    def quiet_mm(self) -> float:
        """The white border that a print has and that photos must show: two cells of a marker [mm]."""
        return 2 * self.side_mm / self.cells

    @property
    def cells(self) -> int:
        """Cells along a marker's side, its black border included."""
        return DICTIONARIES[self.opencv_name][0] + 2

    @property
    def opencv_name(self) -> str:
        """What OpenCV calls the dictionary, a key of `DICTIONARIES`."""
        return f"DICT_APRILTAG_{self.dictionary}" if self.family == "apriltag" else self.dictionary

    def corners_mm(self, marker_id: int) -> NDArray[np.float64]:
        """(4, 2): a marker's corners, clockwise from its upper left [mm]."""
        row, column = divmod(marker_id - self.first_id, self.columns)
        width, height = self.size_mm
        left, top = column * self.pitch_mm - width / 2, row * self.pitch_mm - height / 2
        square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64) * self.side_mm
        return np.asarray(square + np.array([left, top]), np.float64)

    def outline_mm(self, margin_mm: float = 0.0) -> NDArray[np.float64]:
        """(4, 2): the board's corners, clockwise from the upper left, moved outwards by a margin [mm]."""
        width, height = self.size_mm
        half = (width / 2 + margin_mm, height / 2 + margin_mm)
        return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64) * half


def parse_board(text: str) -> Board:
    """Read a board's specification, see `FORM`.

    Raises:
        InvalidBoard: it is malformed, or no such board can be made; the sentence says why.
    """
    matched = _SPEC.fullmatch(text.strip())
    if matched is None:
        raise InvalidBoard(f"{text!r} is no board; like: {FORM}")
    board = Board(
        family=matched["family"],
        dictionary=matched["name"],
        columns=int(matched["columns"]),
        rows=int(matched["rows"]),
        side_mm=float(matched["side"]),
        gap_mm=float(matched["gap"]),
        first_id=int(matched["first"] or 0),
    )
    if board.opencv_name not in DICTIONARIES:
        raise InvalidBoard(f"there is no dictionary {board.dictionary} of {board.family}; like: {FORM}")
    _, known = DICTIONARIES[board.opencv_name]
    if board.columns * board.rows < _MIN_MARKERS:
        raise InvalidBoard(f"a board needs at least {_MIN_MARKERS} markers")
    if board.marker_ids.stop > known:
        raise InvalidBoard(f"{board.dictionary} has {known} markers, and the board needs up to {board.marker_ids.stop}")
    low, high = _SIDE_RANGE_MM
    if not low <= board.side_mm <= high:
        raise InvalidBoard(f"a marker's side is {low:g} to {high:g} mm, not {board.side_mm:g}")
    if board.gap_mm < board.side_mm / board.cells / 2:
        raise InvalidBoard("the gap is at least half a cell of a marker, or neighbours run together")
    return board
