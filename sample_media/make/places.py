"""The demo's two places in WGS 84: boundaries, alignments, milestones; and positions in and around them.

`python -m sample_media.make.places` writes `sample_media/demo.json`. Distances are measured in a metric projection
around each place (transverse Mercator on the ellipsoid, scale 1 at its middle), true to a centimetre
over a few kilometres.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from shapely import LineString, Point, Polygon, orient_polygons, transform
from shapely.geometry import mapping

Points = NDArray[np.float64]

HERE = Path(__file__).resolve().parents[1]
CORRIDOR_M = 15.0
ROAD_LONLAT = ((120.0600, 30.2900), (120.0617, 30.2902), (120.0631, 30.2909))
BRIDGE_LONLAT = (120.0700, 30.2950)
BRIDGE_SIZE_M = (80.0, 40.0)
# Seven decimals of a degree are a centimetre.
DECIMALS = 7


@dataclass(frozen=True, kw_only=True)
class Place:
    """One project on the ground, in metres around its middle and in WGS 84.

    Attributes:
        alignment: x east, y north. [m]
        boundary: The same. [m]
        middle_lonlat: Origin of the metric frame.
    """

    alignment: LineString
    boundary: Polygon
    middle_lonlat: tuple[float, float]

    def to_lonlat(self, x_m: float, y_m: float) -> tuple[float, float]:
        """From the metric frame to degrees, rounded to a centimetre."""
        lon, lat = projection(self.middle_lonlat, is_inverse=True).transform(x_m, y_m)
        return round(lon, DECIMALS), round(lat, DECIMALS)

    def beside(self, chainage_m: float, offset_m: float) -> tuple[float, float]:
        """The point beside the alignment at a chainage, positive to its left, in degrees."""
        here = self.alignment.interpolate(chainage_m)
        ahead = self.alignment.interpolate(chainage_m + 0.01)
        x, y = (ahead.x - here.x) / 0.01, (ahead.y - here.y) / 0.01
        return self.to_lonlat(here.x - y * offset_m, here.y + x * offset_m)

    def away(self, bearing_deg: float, distance_m: float) -> tuple[float, float]:
        """The point at a bearing and distance from the middle, in degrees."""
        angle = bearing_deg * pi / 180
        return self.to_lonlat(distance_m * sin(angle), distance_m * cos(angle))

    def signed_distance_m(self, lonlat: tuple[float, float]) -> float:
        """Distance from the boundary: positive outside, negative inside [m]."""
        point = Point(projection(self.middle_lonlat, is_inverse=False).transform(*lonlat))
        distance = float(self.boundary.exterior.distance(point))
        return -distance if self.boundary.contains(point) else distance

    def geojson(self, shape: LineString | Polygon) -> dict[str, Any]:
        """A shape of the metric frame as a GeoJSON geometry."""
        turn = projection(self.middle_lonlat, is_inverse=True)

        def to_degrees(points: Points) -> Points:
            return np.column_stack(turn.transform(points[:, 0], points[:, 1])).round(DECIMALS)

        return dict(mapping(transform(orient_polygons(shape), to_degrees)))


def projection(middle_lonlat: tuple[float, float], *, is_inverse: bool) -> Transformer:
    """Between WGS 84 degrees (lon, lat) and metres around a point."""
    lon, lat = middle_lonlat
    metric = f"+proj=tmerc +lat_0={lat} +lon_0={lon} +k=1 +ellps=WGS84 +units=m"
    frames = (metric, "EPSG:4326") if is_inverse else ("EPSG:4326", metric)
    return Transformer.from_crs(*frames, always_xy=True)


def road() -> Place:
    """The village road: a bend in the middle, a corridor of 15 m to each side, cut straight at both ends."""
    middle = ROAD_LONLAT[1]
    turn = projection(middle, is_inverse=False)
    line = LineString([turn.transform(*lonlat) for lonlat in ROAD_LONLAT])
    corridor = line.buffer(CORRIDOR_M, cap_style="flat", join_style="mitre")
    return Place(alignment=line, boundary=corridor, middle_lonlat=middle)


def bridge() -> Place:
    """The small bridge: an axis of 50 m from west to east in a rectangle of 80 by 40 m."""
    half_x, half_y = BRIDGE_SIZE_M[0] / 2, BRIDGE_SIZE_M[1] / 2
    rectangle = Polygon([(-half_x, -half_y), (half_x, -half_y), (half_x, half_y), (-half_x, half_y)])
    return Place(alignment=LineString([(-25, 0), (25, 0)]), boundary=rectangle, middle_lonlat=BRIDGE_LONLAT)


PLACES = {"demo-road": road(), "demo-bridge": bridge()}

DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "demo-road": {
        "name": "清溪村村道 Qingxi village road",
        "kind": "road",
        "area": "demo-county/east-town/qingxi",
        "milestones": [
            {"id": "subgrade", "title": "路基 Subgrade", "planned_on": "2026-10-31"},
            {
                "id": "base",
                "title": "基层 Base course",
                "planned_on": "2026-11-15",
                "after": ["subgrade"],
                # Of its four stations the samples and the demo's camera show three: K0+240 to the end stays a gap.
                "requires": {"photos": {"every_m": 80}},
            },
            {"id": "surface", "title": "面层 Concrete surface", "planned_on": "2026-12-10", "after": ["base"]},
        ],
    },
    "demo-bridge": {
        "name": "清溪小桥 Qingxi footbridge",
        "kind": "bridge",
        "area": "demo-county/east-town/qingxi",
        "milestones": [
            {"id": "foundation", "title": "基础 Foundation", "planned_on": "2026-10-20"},
            {"id": "piers", "title": "桥墩 Piers", "planned_on": "2026-11-25", "after": ["foundation"]},
            {"id": "deck", "title": "桥面 Deck", "planned_on": "2026-12-20", "after": ["piers"]},
        ],
    },
}


def describe(project_id: str) -> dict[str, Any]:
    """What `demo.json` says of one project."""
    place, words = PLACES[project_id], DESCRIPTIONS[project_id]
    lon, lat = place.middle_lonlat
    return {
        "id": project_id,
        "name": words["name"],
        "kind": words["kind"],
        "area": words["area"],
        "time_zone": "Asia/Shanghai",
        "starts_on": "2026-09-01",
        "ends_on": "2027-01-31",
        "position": {"type": "Point", "coordinates": [lon, lat]},
        "boundary": {
            "type": "Feature",
            "properties": {"crs": "wgs84"},
            "geometry": place.geojson(place.boundary),
        },
        "alignment": {
            "type": "Feature",
            "properties": {"crs": "wgs84", "start_chainage_m": 0.0, "length_m": round(place.alignment.length, 2)},
            "geometry": place.geojson(place.alignment),
        },
        "milestones": words["milestones"],
    }


def main() -> None:
    """Writes `demo.json`."""
    text = json.dumps({"projects": [describe(name) for name in PLACES]}, ensure_ascii=False, indent=2)
    (HERE / "demo.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
