"""All of `exif` and fifty photos of `ppe/val` through a running service, and what it said of each."""

from collections import Counter
from pathlib import Path
from typing import Any

import httpx2

from tests.acceptance.conftest import Service, set_up_road, wait_for

PPE_COUNT = 50
MAX_PPE_UNFOUND_PERSONS = 0.3


def list_files(folder: Path) -> list[Path]:
    """Every file but the folder's own words about itself."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() not in {".md", ".txt"})


def send(client: httpx2.Client, project_id: str, path: Path) -> httpx2.Response:
    """Send a file as it is."""
    return client.post(f"/v1/projects/{project_id}/media", files={"file": (path.name, path.read_bytes())})


def wait_until_settled(client: httpx2.Client, media_id: str) -> dict[str, Any]:
    """The medium when nothing more will happen to it."""

    def ask() -> dict[str, Any] | None:
        medium: dict[str, Any] = client.get(f"/v1/media/{media_id}").json()
        return medium if medium["status"] in {"analysed", "failed"} else None

    return wait_for(ask, seconds=600)


def describe(path: Path, medium: dict[str, Any], codes: list[str]) -> str:
    """A line of the report."""
    checks = " ".join(f"{each['check']}={each['code'].partition('.')[2]}" for each in medium["checks"])
    seen = dict(Counter(each["label"] for each in medium["detections"]))
    cells = (path.name, medium["status"], medium["evidence"]["grade"], checks, seen, " ".join(codes))
    return "| " + " | ".join(map(str, cells)) + " |\n"


def test_exif_samples__every_file__is_taken_in_or_refused_with_a_code(
    service: Service, real_data: Path, report: Path
) -> None:
    """No 500, no crash, no lost neighbour, on photos of a hundred makers, some malformed on purpose."""
    set_up_road(service, "real-exif")
    statuses: Counter[int] = Counter()
    with report.open("w", encoding="utf-8") as lines:
        lines.write("| file | status | grade | checks | seen | findings |\n| --- | --- | --- | --- | --- | --- |\n")
        for path in list_files(real_data / "exif"):
            answer = send(service.admin, "real-exif", path)
            statuses[answer.status_code] += 1
            if answer.status_code not in {200, 201}:
                assert answer.status_code in {415, 422}, (path, answer.text)
                lines.write(f"| {path.name} | refused | | {answer.json()['code']} | | |\n")
                continue
            medium = wait_until_settled(service.admin, answer.json()["id"])
            lines.write(describe(path, medium, list_codes(service, medium)))
    print(statuses)  # noqa: T201 - run by hand, to be read
    assert statuses[201] > 80


def test_ppe_val__fifty_photos__find_most_of_the_people(service: Service, real_data: Path, report: Path) -> None:
    """The labelled people of photos that training never saw are found, all but a part."""
    set_up_road(service, "real-ppe")
    labelled = unfound = 0
    with report.open("w", encoding="utf-8") as lines:
        lines.write("| file | status | grade | checks | seen | findings |\n| --- | --- | --- | --- | --- | --- |\n")
        for path in sorted((real_data / "ppe" / "val" / "images").iterdir())[:PPE_COUNT]:
            answer = send(service.admin, "real-ppe", path)
            assert answer.status_code == 201, (path, answer.text)
            medium = wait_until_settled(service.admin, answer.json()["id"])
            assert medium["status"] == "analysed"
            persons = count_persons(real_data / "ppe" / "val" / "labels" / f"{path.stem}.txt")
            seen = sum(each["label"] == "person" for each in medium["detections"])
            labelled += persons
            unfound += max(0, persons - seen)
            lines.write(describe(path, medium, list_codes(service, medium)))
    print(f"{unfound} of {labelled} labelled people have no detection")  # noqa: T201 - run by hand, to be read
    assert unfound <= MAX_PPE_UNFOUND_PERSONS * labelled


def list_codes(service: Service, medium: dict[str, Any]) -> list[str]:
    """The codes of a medium's findings."""
    return [service.admin.get(f"/v1/findings/{each}").json()["code"] for each in medium["finding_ids"]]


def count_persons(label_file: Path) -> int:
    """How many boxes of class 0, person, a YOLO label file holds."""
    return sum(line.split()[0] == "0" for line in label_file.read_text(encoding="utf-8").splitlines() if line)
