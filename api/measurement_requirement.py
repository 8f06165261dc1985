"""What a milestone may require to be measured: refused when it is set, not when the photos come."""

from collections import Counter
from typing import Any, ClassVar

from domain.errors import Invalid
from domain.measurement import Quantity
from vision.board import parse_board
from vision.lens import parse_lens


class UnknownQuantity(Invalid):
    """A quantity is required that cannot be measured; `known` lists those that can."""

    code: ClassVar[str] = "milestone.unknown_quantity"


class QuantityTwice(Invalid):
    """A quantity is required twice, and a photo does not tell which of the two it shows."""

    code: ClassVar[str] = "milestone.quantity_twice"


class BoardMissing(Invalid):
    """Measurements are required, and no board by which to measure."""

    code: ClassVar[str] = "milestone.board_missing"


def require_measurable(requires: dict[str, Any]) -> None:
    """Refuse what no photo could fulfil.

    Raises:
        UnknownQuantity: it cannot be measured.
        QuantityTwice: it is required twice.
        BoardMissing: no board is named.
        InvalidBoard: the board's specification is malformed.
        InvalidCamera: the calibration is none.
    """
    quantities = [each["quantity"] for each in requires.get("measurements") or ()]
    known = [each.value for each in Quantity]
    for quantity, times in Counter(quantities).items():
        if quantity not in known:
            raise UnknownQuantity(
                f"{quantity[:64]!r} cannot be measured; known are {', '.join(known)}", quantity=quantity, known=known
            )
        if times > 1:
            raise QuantityTwice(f"{quantity} is required {times} times: make a milestone of each", quantity=quantity)
    if "board" in requires:
        parse_board(requires["board"])
    elif quantities:
        raise BoardMissing("measurements need `board`, such as aruco:DICT_6X6_1000:5x4:37.5mm:5mm")
    if "camera" in requires:
        parse_lens(requires["camera"])
