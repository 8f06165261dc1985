"""What a file says of itself, whichever container said it: the value that readers fill and checks judge."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.place import Position, position_to_json


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a photo's EXIF block or a clip's container says. None where it says nothing that can be understood.

    Attributes:
        taken_local: the camera's clock when it was taken, naive, with its fractions of a second.
        time_tag: which tag `taken_local` is from.
        offset: of the camera's clock from UTC.
        subsec: the digits after the second, as written.
        gps_time: the satellite receiver's time. UTC.
        container_time: a clip's creation time, as its container gives it. UTC.
        position: as written, with source `exif` or `container`; 0, 0 is kept.
        gps_datum: the frame that the file claims for its position, kept and not acted upon.
        orientation: EXIF 2.32, 4.6.5, values 1 to 8.
        has_thumbnail: whether a reduced picture is embedded.
        duration_s: of a clip. [s]
        tags: the printable tags, bounded in number and length.
        problems: codes of what could not be understood, each once.
    """

    taken_local: datetime | None = None
    time_tag: str | None = None
    offset: timedelta | None = None
    subsec: str | None = None
    gps_time: datetime | None = None
    container_time: datetime | None = None
    position: Position | None = None
    gps_datum: str | None = None
    make: str | None = None
    model: str | None = None
    software: str | None = None
    orientation: int = 1
    has_thumbnail: bool = False
    duration_s: float | None = None
    tags: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the file says nothing of what made it and when: what browsers and chat programs leave."""
        return not (self.make or self.model or self.software or self.taken_local or self.container_time)

    def to_json(self) -> dict[str, object]:
        """JSON-ready, without what the file does not say."""
        whole: dict[str, object] = {
            "taken_local": self.taken_local.isoformat() if self.taken_local else None,
            "time_tag": self.time_tag,
            "offset": format_offset(self.offset) if self.offset is not None else None,
            "subsec": self.subsec,
            "gps_time": self.gps_time.isoformat() if self.gps_time else None,
            "container_time": self.container_time.isoformat() if self.container_time else None,
            "position": position_to_json(self.position) if self.position else None,
            "gps_datum": self.gps_datum,
            "make": self.make,
            "model": self.model,
            "software": self.software,
            "orientation": self.orientation,
            "has_thumbnail": self.has_thumbnail,
            "duration_s": self.duration_s,
            "tags": dict(self.tags),
            "problems": list(self.problems),
        }
        return {key: value for key, value in whole.items() if value is not None}


def format_offset(offset: timedelta) -> str:
    """An offset from UTC as `+08:00`."""
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
