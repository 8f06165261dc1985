"""A picture's content in 64 bits, and the keys by which likely copies are found without looking at every picture.

Two hashes are alike if few bits differ. A hash is cut into four bands of 16 bits, each of which is a key; whoever
differs in three bits or fewer shares a band. Where a copy differs more, the bits that were least certain differ, so a
search asks besides for what each band would be with its least certain bits turned.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Final

BITS: Final = 64
BANDS: Final = 4
BAND_BITS: Final = BITS // BANDS

ALIKE_BITS: Final = 12
"""Hashes that differ in more bits are not looked at. Of two unrelated hashes one pair in four million is so close
(the sum of C(64, k) for k to 12, over 2^64, is 2.4e-7); copies: see docs/evidence.md."""

_TURNED: Final = 5
"""So many of a band's least certain bits are turned, at most two at once: 1 + 5 + 10 keys a band."""
_TURNED_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class PictureHash:
    """The hash of a picture, or of a part of it.

    Attributes:
        bits: in [0, 2^64).
        uncertain: every bit's number, the least certain first.
    """

    bits: int
    uncertain: tuple[int, ...]


def list_keys(bits: int) -> list[int]:
    """The keys under which a hash is kept, one a band, no two bands' alike.

    Args:
        bits: of the hash.
    """
    return [(band << BAND_BITS) | _cut_band(bits, band) for band in range(BANDS)]


def list_probes(hashed: PictureHash) -> list[int]:
    """The keys under which hashes like this one are looked for; among them its own."""
    probes: list[int] = []
    for band in range(BANDS):
        own = _cut_band(hashed.bits, band)
        weakest = [number // BANDS for number in hashed.uncertain if number % BANDS == band][:_TURNED]
        for count in range(_TURNED_AT_ONCE + 1):
            masks = (sum(1 << place for place in turned) for turned in combinations(weakest, count))
            probes += [(band << BAND_BITS) | (own ^ mask) for mask in masks]
    return probes


def count_different_bits(one: int, other: int) -> int:
    """In how many bits two hashes differ."""
    return (one ^ other).bit_count()


def _cut_band(bits: int, band: int) -> int:
    """Every fourth bit: neighbouring bits tell of neighbouring frequencies, and no band should have the coarse ones."""
    return sum(((bits >> (place * BANDS + band)) & 1) << place for place in range(BAND_BITS))
