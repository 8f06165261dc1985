"""What a photo's stored measurements say of a required quantity, by the tolerance of now. A pure judgement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.measurement import Quantity, Tolerance, Verdict, Wanted
from storage.evidence import SentMedium

UNDECIDED: Final = "measurement.undecided"
ONE_DIRECTION: Final = "rebar.one_direction"
_MESH_DIRECTIONS: Final = 2
QUANTITY_NAMES: Final = {
    Quantity.REBAR_SPACING: ("钢筋间距", "rebar spacing"),
    Quantity.WIDTH: ("宽度", "width"),
    Quantity.THICKNESS: ("厚度", "thickness"),
}


@dataclass(frozen=True, slots=True)
class PhotoVerdict:
    """Of one photo about one quantity.

    Attributes:
        code: of `cannot_tell` why: the measurement's own code, `UNDECIDED` where value and tolerance leave it open, or
            `ONE_DIRECTION` where of a mesh only the bars of one direction were found.
        figures: of what decides, the gap or value that conforms least: `value_mm`, `u_mm`, `interval_mm`, and of bars
            `direction` and `missing_bars`; empty where nothing was measured.
        finding_id: the finding that stands for a fail.
    """

    media_id: UUID
    quantity: Quantity
    verdict: Verdict
    code: str | None
    figures: dict[str, Any]
    finding_id: UUID | None = None


def judge_photos(photos: Sequence[SentMedium], wanted: Wanted | None) -> list[PhotoVerdict]:
    """The verdicts of all photos about all wanted quantities, in the order of the photos."""
    if wanted is None:
        return []
    judged = [
        judge_photo(photo.id, photo.measurements, quantity=quantity, tolerance=tolerance, board=wanted.board)
        for photo in photos
        for quantity, tolerance in wanted.tolerances.items()
    ]
    return [each for each in judged if each is not None]


def judge_photo(
    media_id: UUID,
    measurements: Sequence[Mapping[str, Any]],
    *,
    quantity: Quantity,
    tolerance: Tolerance,
    board: str,
) -> PhotoVerdict | None:
    """What one photo says of a quantity; None where it was not measured by this board.

    Args:
        media_id: the photo.
        measurements: as stored with it.
        quantity: that is asked for.
        tolerance: as it is required now, whatever it was when the photo was measured.
        board: likewise; values by another one do not count.
    """
    told = [each for each in measurements if each["quantity"] == quantity and each["board"] == board]
    lengths = [length for each in told if "value_mm" in each for length in _list_lengths(each)]
    if not lengths:
        codes = [each["code"] for each in told]
        return PhotoVerdict(media_id, quantity, Verdict.CANNOT_TELL, codes[0], {}) if codes else None
    verdicts = {tolerance.judge(each["value_mm"], each["u_mm"]) for each in lengths}
    verdict = next(each for each in (Verdict.FAIL, Verdict.CANNOT_TELL, Verdict.PASS) if each in verdicts)
    worst = min(lengths, key=lambda each: tolerance.conformity(each["value_mm"], each["u_mm"]))
    code = UNDECIDED if verdict is Verdict.CANNOT_TELL else None
    if verdict is Verdict.PASS and quantity is Quantity.REBAR_SPACING and len(told) < _MESH_DIRECTIONS:
        # Of the bars that were not found nothing is known: they may lie in shade, or not lie there at all.
        verdict, code = Verdict.CANNOT_TELL, ONE_DIRECTION
    return PhotoVerdict(media_id, quantity, verdict, code, worst)


def describe_quantity(verdict: PhotoVerdict) -> dict[str, str]:
    """`{"zh": ..., "en": ...}`: the quantity with its value and interval, as a part of a sentence."""
    chinese, english = QUANTITY_NAMES[verdict.quantity]
    if not verdict.figures:
        return {"zh": chinese, "en": english}
    low, high = verdict.figures["interval_mm"]
    value = f"{verdict.figures['value_mm']:.1f} mm"
    return {
        "zh": f"{chinese} {value}（95 % 区间 {low:.1f} 至 {high:.1f} mm）",
        "en": f"{english} of {value} (95 %: {low:.1f} to {high:.1f} mm)",
    }


def _list_lengths(measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The value itself and each gap, with what they share."""
    shared = {name: measured[name] for name in ("direction",) if name in measured}
    return [
        shared
        | {name: each[name] for name in ("value_mm", "u_mm", "interval_mm")}
        | ({"missing_bars": each["missing_bars"]} if each.get("missing_bars") else {})
        for each in (measured, *measured.get("gaps", ()))
    ]
