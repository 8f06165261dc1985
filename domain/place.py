"""Positions as given and as converted, and what a zone says about one. The geometry itself is in `geofence`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Position:
    """A point in WGS 84 with where it came from.

    Attributes:
        lon: east positive. [deg]
        lat: north positive. [deg]
        accuracy_m: radius that holds the true place with 68 % probability, as phones give it; None where silent. [m]
        source: who said so: `exif`, `capture` (the sender's word), `container` (a clip's metadata), `project`.
        given_lon: the value as it was given, in `crs`. [deg or m]
        given_lat: likewise. [deg or m]
        crs: the frame of the given value: `wgs84`, `gcj02`, `bd09`, `EPSG:n`.
        altitude_m: above the datum that the source uses. [m]
        bearing_deg: direction of the optical axis from true north, clockwise. [deg]
    """

    lon: float
    lat: float
    accuracy_m: float | None = None
    source: str = "capture"
    given_lon: float | None = None
    given_lat: float | None = None
    crs: str = "wgs84"
    altitude_m: float | None = None
    bearing_deg: float | None = None

    @property
    def is_null_island(self) -> bool:
        """Whether it is 0, 0: what a receiver without a fix writes."""
        return self.lon == 0 and self.lat == 0


class Side(StrEnum):
    """Where a fix with its accuracy lies, seen from a boundary."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    CANNOT_TELL = "cannot_tell"


@dataclass(frozen=True, slots=True)
class Placement:
    """A fix judged against a boundary.

    Attributes:
        side: inside, outside, or cannot tell because the circle of accuracy meets the boundary.
        distance_m: from the boundary line: positive outside, negative inside. [m]
        accuracy_m: the accuracy that was assumed for the judgement. [m]
    """

    side: Side
    distance_m: float
    accuracy_m: float


def position_to_json(position: Position) -> dict[str, Any]:
    """The position as the API and the store write it: WGS 84, with the given value and its frame beside it."""
    written = {
        "lon": position.lon,
        "lat": position.lat,
        "crs": "wgs84",
        "accuracy_m": position.accuracy_m,
        "source": position.source,
        "altitude_m": position.altitude_m,
        "bearing_deg": position.bearing_deg,
    }
    given = {
        "lon": position.lon if position.given_lon is None else position.given_lon,
        "lat": position.lat if position.given_lat is None else position.given_lat,
        "crs": position.crs,
    }
    return {**{key: value for key, value in written.items() if value is not None}, "given": given}


def position_from_json(value: dict[str, Any]) -> Position:
    """The inverse of `position_to_json`, for what we wrote; what comes from outside is parsed in `geofence`."""
    given = value["given"]
    return Position(
        lon=value["lon"],
        lat=value["lat"],
        accuracy_m=value.get("accuracy_m"),
        source=value["source"],
        given_lon=given["lon"],
        given_lat=given["lat"],
        crs=given["crs"],
        altitude_m=value.get("altitude_m"),
        bearing_deg=value.get("bearing_deg"),
    )
