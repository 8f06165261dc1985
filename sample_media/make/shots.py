"""What every sample medium is: which picture, taken where and when, written how, and what the checks must say of it.

Only facts that were decided when the pictures were made; what a detector sees in them is measured by `verify.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from sample_media.make.places import PLACES

SHANGHAI = timezone(timedelta(hours=8))
TEN = datetime(2026, 11, 20, 10, 0, tzinfo=SHANGHAI)
# When the tests let the media arrive; all of them were taken before.
ARRIVES_AT = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)

ROAD, BRIDGE = PLACES["demo-road"], PLACES["demo-bridge"]

LOCATION_INSIDE = ("pass", "location.inside")
TIME_CONSISTENT = ("pass", "time.consistent")
EDITING_NONE = ("pass", "editing.none_found")
REUSE_UNIQUE = ("pass", "reuse.unique")


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One person in a picture: what they wear."""

    helmet: bool
    vest: bool


SAFE = Worker(helmet=True, vest=True)
BARE_HEAD = Worker(helmet=False, vest=True)
NO_VEST = Worker(helmet=True, vest=False)
NEITHER = Worker(helmet=False, vest=False)


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One file of `sample_media`.

    Attributes:
        file: Its name; the suffix says the format.
        picture: Name of the rendered picture.
        about: What it shows and what it is for.
        project: The project that it is sent to.
        milestone: Of that project.
        minutes: After 10:00 in China on 2026-11-20.
        lonlat: What the GPS said, or none. [deg]
        accuracy_m: GPSHPositioningError. [m]
        bearing_deg: GPSImgDirection, true north. [deg]
        clock: What DateTimeOriginal says where the camera's clock is wrong.
        software: The Software tag.
        edited_minutes: After 10:00, ModifyDate of an edited picture.
        orientation: EXIF Orientation; the stored pixels are turned to match.
        long_side_px: Of the stored picture. [px]
        people: Who is really there.
        things: How many cones, machines and vehicles are really there.
        location: Verdict and code.
        time: Verdict and code.
        editing: Verdict and code.
    """

    file: str
    picture: str
    about: str
    project: str
    milestone: str
    minutes: int
    lonlat: tuple[float, float] | None
    accuracy_m: float = 4.0
    bearing_deg: float = 75.0
    clock: datetime | None = None
    software: str = "Siteproof sample media"
    edited_minutes: int | None = None
    orientation: int = 1
    long_side_px: int = 1280
    people: tuple[Worker, ...] = ()
    things: dict[str, int] = field(default_factory=dict)
    location: tuple[str, str] = LOCATION_INSIDE
    time: tuple[str, str] = TIME_CONSISTENT
    editing: tuple[str, str] = EDITING_NONE

    @property
    def taken_at(self) -> datetime:
        """When it was really taken."""
        return TEN + timedelta(minutes=self.minutes)

    @property
    def distance_m(self) -> float | None:
        """From the boundary of its project: positive outside, negative inside [m]."""
        return None if self.lonlat is None else PLACES[self.project].signed_distance_m(self.lonlat)


SHOTS: tuple[Shot, ...] = (
    Shot(
        file="road-inside-safe.jpg",
        picture="road-inside-safe",
        about="Two workers with helmet and vest on the road; nothing is wrong.",
        project="demo-road",
        milestone="surface",
        minutes=0,
        lonlat=ROAD.beside(60, -2.0),
        people=(SAFE, SAFE),
    ),
    Shot(
        file="road-no-hardhat.jpg",
        picture="road-no-hardhat",
        about="One worker in a vest, bare-headed.",
        project="demo-road",
        milestone="surface",
        minutes=4,
        lonlat=ROAD.beside(95, 1.5),
        people=(BARE_HEAD,),
        things={"cone": 1},
    ),
    Shot(
        file="road-no-vest.jpg",
        picture="road-no-vest",
        about="One worker with a helmet, without a vest.",
        project="demo-road",
        milestone="surface",
        minutes=8,
        lonlat=ROAD.beside(130, 2.5),
        people=(NO_VEST,),
    ),
    Shot(
        file="road-machine.jpg",
        picture="road-machine",
        about="An excavator behind cones, a worker with helmet and vest.",
        project="demo-road",
        milestone="base",
        minutes=12,
        lonlat=ROAD.beside(200, -3.0),
        bearing_deg=60.0,
        people=(SAFE,),
        things={"cone": 3, "machinery": 1},
    ),
    Shot(
        file="road-outside.jpg",
        picture="road-outside",
        about="Taken in a village street two kilometres away.",
        project="demo-road",
        milestone="surface",
        minutes=16,
        lonlat=ROAD.away(135, 2000),
        people=(SAFE,),
        location=("fail", "location.outside"),
    ),
    Shot(
        file="road-edge.jpg",
        picture="road-edge",
        about="Taken 8 m outside of the boundary by a receiver that is good to 20 m: it cannot be told.",
        project="demo-road",
        milestone="surface",
        minutes=20,
        lonlat=ROAD.beside(90, 15.0 + 8.0),
        accuracy_m=20.0,
        people=(SAFE,),
        things={"cone": 3},
        location=("unknown", "location.cannot_tell"),
    ),
    Shot(
        file="road-no-gps.jpg",
        picture="road-no-gps",
        about="Four workers: safe, bare-headed, without a vest, with neither; no position in the file.",
        project="demo-road",
        milestone="surface",
        minutes=24,
        lonlat=None,
        people=(SAFE, BARE_HEAD, NO_VEST, NEITHER),
        location=("unknown", "location.no_position"),
    ),
    Shot(
        file="road-wrong-clock.jpg",
        picture="road-wrong-clock",
        about="A tipper; the camera's clock says 2019, its GPS says 2026.",
        project="demo-road",
        milestone="base",
        minutes=28,
        lonlat=ROAD.beside(240, 3.0),
        bearing_deg=58.0,
        clock=datetime(2019, 11, 20, 10, 28, tzinfo=SHANGHAI),
        people=(SAFE,),
        things={"cone": 1, "vehicle": 1},
        time=("fail", "time.disagreement"),
    ),
    Shot(
        file="road-edited.jpg",
        picture="road-edited",
        about="A bare-headed worker was cloned out; the preview inside the file still shows him.",
        project="demo-road",
        milestone="surface",
        minutes=32,
        lonlat=ROAD.beside(160, -4.0),
        software="Adobe Photoshop 25.0 (Windows)",
        edited_minutes=55,
        people=(SAFE,),
        editing=("warn", "editing.software"),
    ),
    Shot(
        file="road-upright.jpg",
        picture="road-upright",
        about="A worker with neither helmet nor vest; the phone was held upright: EXIF Orientation 6.",
        project="demo-road",
        milestone="surface",
        minutes=36,
        lonlat=ROAD.beside(110, 0.5),
        orientation=6,
        people=(NEITHER,),
        things={"cone": 1},
    ),
    Shot(
        file="bridge-pier.jpg",
        picture="bridge-pier",
        about="A pier in formwork with a staff gauge, a worker with helmet and vest.",
        project="demo-bridge",
        milestone="piers",
        minutes=44,
        lonlat=BRIDGE.to_lonlat(-6.0, -9.0),
        bearing_deg=20.0,
        people=(SAFE,),
    ),
    Shot(
        file="bridge-board.jpg",
        picture="bridge-board",
        about="A rebar mesh with a fiducial board lying on it, to be measured.",
        project="demo-bridge",
        milestone="deck",
        minutes=48,
        lonlat=BRIDGE.to_lonlat(4.0, 1.0),
        bearing_deg=355.0,
    ),
    Shot(
        file="bridge-pier.heic",
        picture="bridge-pier",
        about="The pier again as a phone's HEIC file.",
        project="demo-bridge",
        milestone="piers",
        minutes=45,
        lonlat=BRIDGE.to_lonlat(-6.0, -9.0),
        bearing_deg=20.0,
        people=(SAFE,),
    ),
    Shot(
        file="road-machine.png",
        picture="road-machine",
        about="The excavator again, reduced, as PNG with its EXIF in an eXIf chunk.",
        project="demo-road",
        milestone="base",
        minutes=13,
        lonlat=ROAD.beside(200, -3.0),
        bearing_deg=60.0,
        long_side_px=480,
        people=(SAFE,),
        things={"cone": 3, "machinery": 1},
    ),
    Shot(
        file="road-no-hardhat.webp",
        picture="road-no-hardhat",
        about="The bare-headed worker again as WebP with EXIF.",
        project="demo-road",
        milestone="surface",
        minutes=5,
        lonlat=ROAD.beside(95, 1.5),
        people=(BARE_HEAD,),
        things={"cone": 1},
    ),
)

CLIP = Shot(
    file="road-clip.mp4",
    picture="clip",
    about="Seven seconds from a camera that stands still: a bare-headed worker in a vest walks over the road.",
    project="demo-road",
    milestone="surface",
    minutes=40,
    lonlat=ROAD.beside(120, 4.0),
    long_side_px=640,
    people=(BARE_HEAD,),
    things={"cone": 1},
)
