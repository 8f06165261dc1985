"""What is known of a camera's optics, and how surely: focal length, centre and radial distortion."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from domain.errors import Invalid

FILM_DIAGONAL_MM: Final = 43.27
"""Of 36 x 24 mm film, to which 35 mm equivalent focal lengths refer (CIPA DCG-001). [mm]"""

EXIF_FOCAL_SHARE: Final = 0.03
"""Standard uncertainty of a focal length from EXIF, as a share of it: it is written in whole millimetres (26 +/- 0.5 is
1.1 %), some makers count the width and not the diagonal of a 4:3 sensor (4 %), and close focus lengthens it by 1 to
2 %."""

ASSUMED_FOCAL_PER_SIDE: Final = 0.75
"""Of a camera of which nothing is known, in shares of the longer side: see `vision.ground_plane.FOCAL_LENGTH_SHARE`."""

ASSUMED_FOCAL_SHARE: Final = 0.25
"""Phones' wide cameras have 0.36 of the longer side, their main ones 0.67 to 0.78, their tele ones 1.4 and more."""

CENTRE_SHARE: Final = 0.01
"""Standard uncertainty of the optical centre of an uncalibrated camera, in shares of the longer side."""

DISTORTION_SHARE: Final = 0.02
"""Standard uncertainty of k1 of an uncalibrated phone, which corrects its distortion itself and leaves under 1 % at the
corners (where r is about 0.6, so k1 r^2 is 0.7 %)."""

_PARAMETERS: Final = ("ln_focal", "centre_x_px", "centre_y_px", "k1", "k2")
_SAME_ASPECT: Final = 0.01
_MAX_LN_FOCAL: Final = 14.0  # of a million pixels, beyond any lens


class InvalidCamera(Invalid):
    """A camera file that is no calibration, or of a picture of another shape."""

    code: ClassVar[str] = "camera.invalid_calibration"


@dataclass(frozen=True, slots=True, eq=False)
class Lens:
    """A pinhole with square pixels and radial distortion: x_d = x (1 + k1 r^2 + k2 r^4), as OpenCV's.

    Attributes:
        width_px: of the pictures for which it holds. [px]
        height_px: likewise. [px]
        values: (5,) float64: ln of the focal length [px], centre x, y [px], k1, k2.
        covariance: (5, 5) of these.
        source: `calibration`, `exif` or `assumed`.
    """

    width_px: int
    height_px: int
    values: NDArray[np.float64]
    covariance: NDArray[np.float64]
    source: str

    @property
    def focal_px(self) -> float:
        """In pixels of the picture [px]."""
        return float(np.exp(self.values[0]))

    def to_json(self) -> dict[str, Any]:
        """What `read_lens` reads."""
        deviations = np.sqrt(np.diag(self.covariance))
        return {
            "width_px": self.width_px,
            "height_px": self.height_px,
            "source": self.source,
            "focal_px": self.focal_px,
            "focal_u_px": self.focal_px * float(deviations[0]),
            "camera_matrix": [
                [self.focal_px, 0.0, float(self.values[1])],
                [0.0, self.focal_px, float(self.values[2])],
                [0.0, 0.0, 1.0],
            ],
            "distortion": [float(self.values[3]), float(self.values[4]), 0.0, 0.0, 0.0],
            "parameters": list(_PARAMETERS),
            "values": self.values.tolist(),
            "covariance": self.covariance.tolist(),
        }

    def fit_picture(self, width_px: int, height_px: int) -> "Lens":
        """The same lens for a picture of another size of the same shape, or turned upright by a quarter.

        Raises:
            InvalidCamera: the picture has another shape, so it was cropped or is another camera's.
        """
        if (width_px >= height_px) != (self.width_px >= self.height_px):
            return self._turned().fit_picture(width_px, height_px)
        ratio = width_px / self.width_px
        if abs(height_px / self.height_px - ratio) > _SAME_ASPECT * ratio:
            raise InvalidCamera(
                f"the calibration is for {self.width_px} x {self.height_px} px, the photo has {width_px} x {height_px}"
            )
        scale = np.array([1.0, ratio, ratio, 1.0, 1.0])
        values = self.values * scale + (np.log(ratio), 0.0, 0.0, 0.0, 0.0)
        covariance = self.covariance * np.outer(scale, scale)
        return replace(self, width_px=width_px, height_px=height_px, values=values, covariance=covariance)

    def _turned(self) -> "Lens":
        """By a quarter; which way is not known, so the centre is the middle, as surely as it lay near it."""
        middle = np.array([self.width_px / 2 - 0.5, self.height_px / 2 - 0.5])
        away = self.values[1:3] - middle
        values, covariance = self.values.copy(), self.covariance.copy()
        values[1:3] = middle[::-1]
        covariance[1:3, :] = covariance[:, 1:3] = 0.0
        covariance[1:3, 1:3] = np.diag(np.diag(self.covariance)[1:3][::-1] + away[::-1] ** 2)
        return replace(self, width_px=self.height_px, height_px=self.width_px, values=values, covariance=covariance)


def read_lens(path: Path) -> Lens:
    """A calibration that `siteproof calibrate` wrote.

    Raises:
        InvalidCamera: the file cannot be read or is none.
    """
    try:
        return parse_lens(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InvalidCamera(f"{path} cannot be read: {error.strerror}") from error
    except (InvalidCamera, ValueError, RecursionError) as error:
        raise InvalidCamera(f"{path} is no calibration of `siteproof calibrate`") from error


def parse_lens(told: Mapping[str, Any]) -> Lens:
    """The same from its JSON.

    Raises:
        InvalidCamera: it is none.
    """
    try:
        lens = Lens(
            width_px=int(told["width_px"]),
            height_px=int(told["height_px"]),
            values=np.array(told["values"], np.float64),
            covariance=np.array(told["covariance"], np.float64),
            source=str(told["source"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise InvalidCamera("this is no calibration of `siteproof calibrate`") from error
    if not _is_sound(lens):
        raise InvalidCamera("this is no calibration of `siteproof calibrate`")
    return lens


def _is_sound(lens: Lens) -> bool:
    if lens.values.shape != (5,) or lens.covariance.shape != (5, 5) or min(lens.width_px, lens.height_px) < 1:
        return False
    if not (np.isfinite(lens.values).all() and np.isfinite(lens.covariance).all()):
        return False
    is_symmetric = np.allclose(lens.covariance, lens.covariance.T, rtol=1e-6)
    return is_symmetric and 0 < lens.values[0] < _MAX_LN_FOCAL and np.linalg.eigvalsh(lens.covariance).min() > 0


def guess_lens(width_px: int, height_px: int, *, tags: Mapping[str, str]) -> Lens:
    """The lens of a camera that was not calibrated: the focal length from EXIF where it says one, else a wide guess.

    Args:
        width_px: of the upright picture. [px]
        height_px: likewise. [px]
        tags: `ingestion.metadata.Metadata.tags`; only `EXIF FocalLengthIn35mmFilm` (whole millimetres) is read.
    """
    longer = max(width_px, height_px)
    equivalent_mm = _read_number(tags.get("EXIF FocalLengthIn35mmFilm"))
    if equivalent_mm is None:
        focal_px, share, source = ASSUMED_FOCAL_PER_SIDE * longer, ASSUMED_FOCAL_SHARE, "assumed"
    else:
        focal_px = equivalent_mm / FILM_DIAGONAL_MM * float(np.hypot(width_px, height_px))
        share, source = EXIF_FOCAL_SHARE, "exif"
    values = np.array([np.log(focal_px), width_px / 2 - 0.5, height_px / 2 - 0.5, 0.0, 0.0])
    # k2 is held at nought within a thousandth: one coefficient is all that a corrected picture leaves to be told.
    deviations = np.array([share, CENTRE_SHARE * longer, CENTRE_SHARE * longer, DISTORTION_SHARE, 1e-3])
    return Lens(width_px, height_px, values, np.diag(deviations**2), source)


def _read_number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 5 <= number <= 2000 else None  # noqa: PLR2004 - fisheyes to telescopes; 0 is EXIF's unknown
