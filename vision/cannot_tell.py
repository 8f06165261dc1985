"""Why a photo cannot be measured: stable codes, each with a sentence in Chinese and English."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """What stands against a measurement."""

    NO_BOARD = "board.not_found"
    WRONG_DICTIONARY = "board.wrong_dictionary"
    WRONG_LAYOUT = "board.wrong_layout"
    MIRRORED = "board.mirrored"
    CUT_OFF = "board.cut_off"
    HIDDEN = "board.hidden"
    BENT = "board.bent"
    TOO_FAR = "board.too_far"
    TOO_OBLIQUE = "board.too_oblique"
    AMBIGUOUS_POSE = "board.ambiguous_pose"
    SCALES_DISAGREE = "board.scales_disagree"
    TOO_BLURRED = "picture.too_blurred"
    FOCAL_LENGTH_UNKNOWN = "camera.focal_length_unknown"
    NO_MESH = "rebar.no_mesh"
    NO_EDGES = "edges.not_found"
    AMBIGUOUS_EDGES = "edges.ambiguous"
    TOO_UNCERTAIN = "measurement.too_uncertain"


SENTENCES: Final = {
    Reason.NO_BOARD: ("照片中未找到标定板", "No marker of the board is seen in the photo"),
    Reason.WRONG_DICTIONARY: ("标定板的字典与给定的不符", "The board in the photo has markers of another dictionary"),
    Reason.WRONG_LAYOUT: ("标定板的行列或编号与给定的不符", "The markers do not lie as the specification says"),
    Reason.MIRRORED: ("照片是镜像的", "The photo is mirrored"),
    Reason.CUT_OFF: ("标定板有一部分在画面之外", "Too much of the board lies outside the photo"),
    Reason.HIDDEN: ("标定板被遮挡过多", "Too much of the board is covered or unreadable"),
    Reason.BENT: ("标定板弯曲，不是平面", "The board is bent"),
    Reason.TOO_FAR: ("标定板在画面中太小，请靠近拍摄", "The board is too small in the photo: go closer"),
    Reason.TOO_OBLIQUE: ("拍摄角度过斜，请正对拍摄", "The board is seen too obliquely: face it"),
    Reason.AMBIGUOUS_POSE: ("标定板的朝向有两种可能", "The board's tilt can be read in two ways: go closer"),
    Reason.SCALES_DISAGREE: (
        "两块标定板的比例不一致，请核对打印尺寸",
        "Two boards disagree in scale: check their prints",
    ),
    Reason.TOO_BLURRED: ("照片过于模糊", "The photo is too blurred"),
    Reason.FOCAL_LENGTH_UNKNOWN: (
        "不知道镜头焦距，且单张照片无法确定：请先标定相机",
        "The focal length is unknown and this photo does not tell it: calibrate the camera",
    ),
    Reason.NO_MESH: ("未找到钢筋网", "No mesh of bars is found beside the board"),
    Reason.NO_EDGES: ("未找到两条边线", "Two edges are not found on the two sides of the board"),
    Reason.AMBIGUOUS_EDGES: ("边线不唯一，请在照片上标出两条边", "More than two edges are possible: mark the two"),
    Reason.TOO_UNCERTAIN: ("测量不确定度过大", "The measurement is too uncertain to be of use"),
}


@dataclass(frozen=True, slots=True)
class CannotTell:
    """An answer: it cannot be measured, and why.

    Attributes:
        facts: numbers behind it, JSON-ready.
    """

    reason: Reason
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def detail(self) -> dict[str, str]:
        """`{"zh": ..., "en": ...}`, one sentence each."""
        chinese, english = SENTENCES[self.reason]
        return {"zh": chinese, "en": english}
