"""Looks at the sample media with the product's own eyes: compares with the manifest, or writes what is seen into it.

`python -m sample_media.make.verify --model models/weights/siteproof-ppe.json` prints one line a difference and ends
with 1 where there is one; with `--write` the manifest takes what was seen. Positions and times are decided in
`shots.py`, so checks are only ever compared, never written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.examination import Examination, examine
from domain.media import Capture, name_preview
from geofence.boundary import Boundary, parse_boundary
from ingestion.file_format import sniff_format
from ingestion.judgement import Context, judge
from vision.detector_choice import load_detector
from vision.weights import load_manifest

if TYPE_CHECKING:
    from vision.detector import Detector

HERE = Path(__file__).resolve().parents[1]
HEAD_BYTES = 4096

# What another runtime or another decoder may change in a score; nearer to the threshold nothing is promised.
SCORE_MARGIN = 0.05

# Rule of the house for what a finding says about one person.
WORN = {"safety.no_hardhat": "helmet", "safety.no_vest": "vest"}


def judge_checks(
    entry: dict[str, Any], project: dict[str, Any], boundary: Boundary, arrives_at: datetime
) -> dict[str, Any]:
    """Verdict and code of every check at intake."""
    path = HERE / entry["file"]
    with path.open("rb") as file:
        media_format = sniff_format(file.read(HEAD_BYTES))
    context = Context(
        boundary=boundary,
        project_position=None,
        time_zone=project["time_zone"],
        starts_on=date.fromisoformat(project["starts_on"]),
        ends_on=date.fromisoformat(project["ends_on"]),
        received_at=arrives_at,
    )
    judged = judge(path, media_format=media_format, capture=Capture(), context=context)
    return {check.check.value: {"verdict": check.verdict.value, "code": check.code} for check in judged.checks}


def look(entry: dict[str, Any], detector: Detector) -> Examination:
    """Detections and hazards of one medium."""
    path = HERE / entry["file"]
    with path.open("rb") as file:
        media_format = sniff_format(file.read(HEAD_BYTES))
    return examine(path, media_format=media_format, detector=detector)


def summarise(seen: Examination, thresholds: dict[str, float]) -> dict[str, Any]:
    """What the manifest promises of an examination.

    Returns:
        `detections`: least count by label (of a clip, of the frame that shows most); `finding_codes`: of the hazards,
        each once; both only of what lies clearly above its threshold. `unsure`: codes of the hazards that do not.
    """
    by_frame: dict[float | None, Counter[str]] = {}
    for found in seen.detections:
        if found.score >= thresholds[found.label] + SCORE_MARGIN:
            by_frame.setdefault(found.at_s, Counter())[found.label] += 1
    counts: Counter[str] = Counter()
    for frame in by_frame.values():
        counts |= frame
    least = {each.hazard.code: thresholds[each.hazard.details["label"]] + SCORE_MARGIN for each in seen.hazards}
    sure = {each.hazard.code for each in seen.hazards if each.hazard.score >= least[each.hazard.code]}
    return {
        "detections": dict(sorted(counts.items())),
        "finding_codes": sorted(sure),
        "unsure": sorted({each.hazard.code for each in seen.hazards} - sure),
    }


def true_codes(entry: dict[str, Any]) -> list[str]:
    """Hazards that are really in the scene, whether seen or not."""
    people = entry["truth"]["people"]
    return sorted(code for code, thing in WORN.items() if any(not who[thing] for who in people))


def compare(entry: dict[str, Any], checks: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    """Sentences on what differs from the manifest."""
    expected = entry["expected"]
    lines = [
        f"{name}: {checks[name]} instead of {wanted}"
        for name, wanted in expected["checks"].items()
        if name in checks and checks[name] != wanted
    ]
    missing = [code for code in expected.get("finding_codes", []) if code not in seen["finding_codes"] + seen["unsure"]]
    extra = [
        code
        for code in seen["finding_codes"]
        if code not in expected.get("finding_codes", []) + expected.get("unsure", [])
    ]
    lines += [f"not found: {code}" for code in missing] + [f"found beyond the manifest: {code}" for code in extra]
    lines += [
        f"{label}: {seen['detections'].get(label, 0)} seen, {least} promised"
        for label, least in expected.get("detections", {}).items()
        if seen["detections"].get(label, 0) < least
    ]
    return [f"{entry['file']}: {line}" for line in lines]


def main() -> None:
    """Compares or writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the weights' JSON")
    parser.add_argument("--write", action="store_true", help="let the manifest say what was seen")
    parser.add_argument("--marked", type=Path, help="folder for the pictures with their marks")
    arguments = parser.parse_args()
    detector = load_detector(arguments.model, threads=1)
    about = load_manifest(arguments.model)
    thresholds = dict(zip(about.classes, about.threshold_by_class(None), strict=True))
    manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    demo = json.loads((HERE / "demo.json").read_text(encoding="utf-8"))
    projects = {project["id"]: project for project in demo["projects"]}
    boundaries = {name: parse_boundary(project["boundary"]) for name, project in projects.items()}
    arrives_at = datetime.fromisoformat(manifest["arrives_at"])
    differences: list[str] = []
    for entry in manifest["media"]:
        name = entry["project"]
        checks = judge_checks(entry, projects[name], boundaries[name], arrives_at)
        examined = look(entry, detector)
        seen = summarise(examined, thresholds)
        scores = Counter(f"{found.label} {found.score:.2f}" for found in examined.detections if found.at_s is None)
        print(entry["file"], seen, list(scores.elements()), flush=True)
        if arguments.marked:
            arguments.marked.mkdir(parents=True, exist_ok=True)
            (arguments.marked / f"{entry['file']}.jpg").write_bytes(
                examined.previews[name_preview(annotated=True, blurred=False)]
            )
        if arguments.write:
            entry["size_px"] = [examined.width_px, examined.height_px]
            entry["expected"] |= seen
            present = true_codes(entry)
            found = seen["finding_codes"] + seen["unsure"]
            entry["expected"]["not_seen"] = [code for code in present if code not in found]
            entry["expected"]["wrongly_seen"] = [code for code in found if code not in present]
        differences += compare(entry, checks, seen)
    if arguments.write:
        manifest["detector"] = {"name": about.name, "version": about.version, "sha256": about.sha256}
        text = json.dumps(manifest, ensure_ascii=False, indent=2)
        (HERE / "manifest.json").write_text(text + "\n", encoding="utf-8")
    print("\n".join(differences) or "everything as the manifest says")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
