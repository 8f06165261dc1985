"""A board as a PDF page at its true size, written directly: black polygons, a ruler, and the specification as text."""

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from shapely import Polygon, box, unary_union

from domain.errors import Invalid
from vision.board import Board
from vision.board_markers import draw_cells

RULER_MM: Final = 100
"""Of the ruler by which the print's scale is checked. [mm]"""

_POINTS_PER_MM: Final = 72 / 25.4
_MARGIN_MM: Final = 8.0
_FOOT_MM: Final = 26.0
_PAPERS_MM: Final = {  # ISO 216
    "A4": (210.0, 297.0),
    "A3": (297.0, 420.0),
    "A2": (420.0, 594.0),
    "A1": (594.0, 841.0),
    "A0": (841.0, 1189.0),
}
_ENGLISH: Final = (
    "Print at 100 % (actual size). Measure the ruler: it must be 100 mm, within 0.3 mm.",
    "Keep the board flat and its white border free.",
)
_CHINESE: Final = "请按实际大小（100%）打印；量取标尺，应为100 mm，误差不超过0.3 mm；标定板须保持平整，白边不得遮挡。"


class BoardTooLarge(Invalid):
    """The board fits no paper up to A0."""

    code: ClassVar[str] = "board.too_large"


@dataclass(frozen=True, slots=True)
class Paper:
    """A sheet, as it lies. Width and height in millimetres [mm]."""

    name: str
    width_mm: float
    height_mm: float


def choose_paper(board: Board) -> Paper:
    """The smallest of A4 to A0, upright or across, that holds the board, its quiet zone and the foot.

    Raises:
        BoardTooLarge: not even A0 does.
    """
    width, height = board.size_mm
    needed = (width + 2 * max(_MARGIN_MM, board.quiet_mm), height + 2 * max(_MARGIN_MM, board.quiet_mm) + _FOOT_MM)
    for name, (short, long) in _PAPERS_MM.items():
        for sheet in ((short, long), (long, short)):
            if needed[0] <= sheet[0] and needed[1] <= sheet[1]:
                return Paper(name, *sheet)
    raise BoardTooLarge(f"the board of {width:g} x {height:g} mm fits no paper up to A0")


def print_board(board: Board) -> bytes:
    """The board as a PDF of one page, at its true size.

    Chinese stands in a font of the viewer (Adobe-GB1), English in Helvetica, so that no font is needed here. The page
    asks its viewer not to scale it when it is printed; the ruler shows whether that was so.

    Raises:
        BoardTooLarge: not even A0 holds it.
    """
    paper = choose_paper(board)
    content = "\n".join([*_draw_markers(board, paper), *_draw_foot(board, paper)]).encode("ascii")
    size = f"{paper.width_mm * _POINTS_PER_MM:.3f} {paper.height_mm * _POINTS_PER_MM:.3f}"
    return _write_pdf(
        [
            "<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            (
                f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {size}] /Contents 8 0 R"
                " /Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> >>"
            ),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [6 0 R]>>",
            (
                "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /FontDescriptor 7 0 R"
                " /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> >>"
            ),
            (
                "<< /Type /FontDescriptor /FontName /STSong-Light /Flags 6 /FontBBox [-25 -254 1000 880] /ItalicAngle 0"
                " /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >>"
            ),
        ],
        content,
    )


def _draw_markers(board: Board, paper: Paper) -> list[str]:
    middle_x = paper.width_mm / 2
    middle_y = (paper.height_mm - _FOOT_MM) / 2
    cell = board.side_mm / board.cells
    lines = ["0 0 0 rg"]
    for marker_id in board.marker_ids:
        left, top = board.corners_mm(marker_id)[0] + (middle_x, middle_y)
        rows, columns = np.nonzero(~draw_cells(board, marker_id))
        squares = [
            box(left + x * cell, top + y * cell, left + (x + 1) * cell, top + (y + 1) * cell)
            for x, y in zip(columns.tolist(), rows.tolist(), strict=True)
        ]
        # One outline a marker: neighbouring squares would show hairlines between them on screens and in print.
        whole = unary_union(squares, grid_size=1e-6)
        lines += [_outline(part, paper) + " f*" for part in getattr(whole, "geoms", [whole])]
    return lines


def _outline(polygon: Polygon, paper: Paper) -> str:
    rings = [polygon.exterior, *polygon.interiors]
    return " ".join(
        " ".join(f"{_place(x, y, paper)} {'m' if index == 0 else 'l'}" for index, (x, y) in enumerate(ring.coords[:-1]))
        + " h"
        for ring in rings
    )


def _place(x_mm: float, y_mm: float, paper: Paper) -> str:
    """From millimetres right and down of the upper left to a PDF's points right and up of the lower left."""
    return f"{x_mm * _POINTS_PER_MM:.3f} {(paper.height_mm - y_mm) * _POINTS_PER_MM:.3f}"


def _draw_foot(board: Board, paper: Paper) -> list[str]:
    left, top = 12.0, paper.height_mm - _FOOT_MM + 3
    lines = [f"0.2 w {_place(left, top, paper)} m {_place(left + RULER_MM, top, paper)} l S"]
    for mark in range(RULER_MM + 1):
        length = 4.0 if mark % 10 == 0 else 2.5 if mark % 5 == 0 else 1.5
        lines.append(f"{_place(left + mark, top, paper)} m {_place(left + mark, top - length, paper)} l S")
    lines += [_say(f"{mark}", left + mark, top + 2.6, paper) for mark in range(0, RULER_MM + 1, 20)]
    lines.append(_say("mm", left + RULER_MM + 6, top + 2.6, paper))
    lines.append(_say(board.spec, left, top + 7.5, paper, size=9))
    lines += [_say(text, left, top + 11.5 + 3.2 * index, paper) for index, text in enumerate(_ENGLISH)]
    coded = _CHINESE.encode("utf-16-be").hex()
    lines.append(f"BT /F2 7 Tf {_place(left, top + 18.2, paper)} Td <{coded}> Tj ET")
    return lines


def _say(text: str, x_mm: float, y_mm: float, paper: Paper, *, size: int = 7) -> str:
    return f"BT /F1 {size} Tf {_place(x_mm, y_mm, paper)} Td ({text.replace('(', '[').replace(')', ']')}) Tj ET"


def _write_pdf(objects: list[str], content: bytes) -> bytes:
    """A PDF 1.4 file (ISO 32000-1, 7.5): the objects in their order, the page's content as the last of them."""
    bodies = [each.encode("ascii") for each in objects]
    bodies.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, start)
    return bytes(out)
