"""A clip of a minute whose truth is known, and a detector that sees it as badly as a script says.

Each frame carries its number as black and white squares, which the detector reads, so that the truth goes through
encoding, sampling and decoding like any clip.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import ClassVar, Final

import av
import numpy as np

from domain.media import Detection
from vision.detector import Sight
from vision.picture import Picture

WIDTH: Final = 640
HEIGHT: Final = 360
RATE: Final = 8
_BITS: Final = 10
_SIDE: Final = 16

Span = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Actor:
    """A person 120 px high who walks in straight lines.

    Attributes:
        way: (time [s], x of the feet [px]) in order; there from the first time to the last.
        bare: when the head is bare; else it wears a helmet.
        plain: when there is no vest.
        hidden: when something stands before them.
        foot_px: y of the feet. [px]
    """

    way: tuple[tuple[float, float], ...]
    bare: tuple[Span, ...] = ()
    plain: tuple[Span, ...] = ()
    hidden: tuple[Span, ...] = ()
    foot_px: float = 300.0

    def stand(self, at_s: float) -> Box | None:
        """Their box; None where they are not in the picture, or hidden."""
        if not self.way[0][0] <= at_s <= self.way[-1][0] or _holds(self.hidden, at_s):
            return None
        times, places = zip(*self.way, strict=True)
        x = float(np.interp(at_s, times, places))
        return max(0.0, x - 22), self.foot_px - 120, min(float(WIDTH), x + 22), self.foot_px


@dataclass
class Script:
    """What a detector sees, and how badly.

    Attributes:
        actors: the people.
        machine: (span, box) of each machine.
        missed: the share of things that it misses, one by one.
        wrong: times at which it sees a bare head and no vest on everybody. [s]
        clearest_at_s: when it is surest of what is missing. [s]
        seed: of the misses.
    """

    model_name: ClassVar = "script 1"
    model_hashes: ClassVar = {"script": "0" * 64}

    actors: tuple[Actor, ...]
    machine: tuple[tuple[Span, Box], ...] = ()
    missed: float = 0.0
    wrong: tuple[float, ...] = ()
    clearest_at_s: tuple[float, ...] = ()
    seed: int = 0
    looks: int = field(default=0)

    def look(self, picture: Picture) -> Sight:
        """See `Detector.look`."""
        at_s = read_number(picture) / RATE
        self.looks += 1
        chance = Random(f"{self.seed} {at_s}")  # noqa: S311 - a script, no secret
        seen = [each for each in self._list(at_s) if chance.random() >= self.missed]
        return Sight(tuple(sorted(seen, key=lambda each: -each.score)))

    def _list(self, at_s: float) -> Iterator[Detection]:
        lead = 0.9 if any(abs(at_s - each) < 0.1 for each in self.clearest_at_s) else 0.6
        is_wrong = any(abs(at_s - each) < 0.1 for each in self.wrong)
        for actor in self.actors:
            box = actor.stand(at_s)
            if box is None:
                continue
            left, top, right, _ = box
            yield Detection("person", 0.8, box)
            head = (left + 12, top, right - 12, top + 16)
            bare = _holds(actor.bare, at_s) or is_wrong
            yield Detection("no_hardhat" if bare else "hardhat", lead, head)
            plain = _holds(actor.plain, at_s) or is_wrong
            yield Detection("no_vest" if plain else "vest", lead, (left + 4, top + 20, right - 4, top + 65))
        for span, box in self.machine:
            if _holds((span,), at_s):
                yield Detection("machinery", 0.9, box)


def write_clip(path: Path, *, seconds: float, preset: str = "ultrafast") -> Path:
    """Encode the numbered frames; from x264's preset `superfast` on some refer to later ones."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": preset})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(round(seconds * RATE)):
            pixels = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
            for bit in range(_BITS):
                pixels[:_SIDE, bit * _SIDE : (bit + 1) * _SIDE] = 255 * (number >> bit & 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def read_number(picture: Picture) -> int:
    """The number that a frame carries."""
    middle = _SIDE // 2
    return sum((int(picture.pixels[middle, bit * _SIDE + middle, 1]) > 128) << bit for bit in range(_BITS))


def _holds(spans: tuple[Span, ...], at_s: float) -> bool:
    return any(start <= at_s < end for start, end in spans)
