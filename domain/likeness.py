"""How far two pictures show the very same thing, measured; what follows from it is judged elsewhere."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Likeness:
    """What laying an earlier picture over a new one shows.

    Attributes:
        matched: how many points of the two agree with one plane mapping (RANSAC inliers).
        matched_share: of the points that looked alike at all, in [0, 1].
        covered: the share of the new picture that the earlier one covers, in [0, 1].
        same: the share of the compared fields that show the same, in [0, 1].
        compared: how many fields had enough texture to be compared.
        is_mirrored: the earlier picture had to be mirrored.
    """

    matched: int
    matched_share: float
    covered: float
    same: float
    compared: int
    is_mirrored: bool = False
