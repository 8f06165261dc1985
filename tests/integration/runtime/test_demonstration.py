import json
from pathlib import Path
from uuid import UUID

from domain.place import Position
from findings.coverage import judge_coverage
from geofence.alignment import format_chainage, parse_alignment
from runtime.demonstration import _CAMERA_SHOTS


def test_demonstration__the_roads_base__has_one_gap_once_the_camera_has_gone_round(repository: Path) -> None:
    """Stations of 80 m on 320 m: the camera's shots at 60, 95, 130 and 200 m leave the last one."""
    folder = repository / "sample_media"
    project = json.loads((folder / "demo.json").read_text(encoding="utf-8"))["projects"][0]
    base = next(each for each in project["milestones"] if each["id"] == "base")
    media = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["media"]
    written = {each["file"]: each["written"]["position"] for each in media}
    photos = [
        (UUID(int=number), Position(written[file]["lon"], written[file]["lat"], written[file]["accuracy_m"]))
        for number, file in enumerate(_CAMERA_SHOTS)
    ]
    every_m = base["requires"]["photos"]["every_m"]
    (gap,) = judge_coverage(parse_alignment(project["alignment"]), photos, every_m=every_m).list_gaps()
    assert [format_chainage(each) for each in gap] == ["K0+240", "K0+320"]
