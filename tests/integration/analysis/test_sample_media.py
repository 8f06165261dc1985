import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path


def test_sample_media__judged_and_examined__gives_what_its_manifest_says(repository: Path) -> None:
    """Each sample's checks, detections and hazards are those of the manifest, seen by the weights in the repository."""
    command = [sys.executable, "-m", "sample_media.make.verify", "--model", "models/weights/siteproof-ppe.json"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything as the manifest says" in done.stdout


def test_sample_media__manifest__has_every_kind_that_the_demo_shows(repository: Path) -> None:
    """Inside, outside, cannot tell, no position, wrong clock, edited; both hazards; every file as it was made."""
    folder = repository / "sample_media"
    media = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["media"]
    codes = {check["code"] for entry in media for check in entry["expected"]["checks"].values()}
    assert {"location.inside", "location.outside", "location.cannot_tell", "location.no_position"} <= codes
    assert {"time.consistent", "time.disagreement", "editing.software"} <= codes
    found = {code for entry in media for code in entry["expected"]["finding_codes"]}
    assert {"safety.no_hardhat", "safety.no_vest"} <= found
    assert {entry["media_type"] for entry in media} == {
        "image/jpeg",
        "image/png",
        "image/webp",
        "image/heic",
        "video/mp4",
    }
    for entry in media:
        assert sha256((folder / entry["file"]).read_bytes()).hexdigest() == entry["sha256"], entry["file"]
