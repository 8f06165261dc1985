"""`siteproof check` judges the sample media by the rules that it is given."""

from pathlib import Path
from typing import Any

import pytest

from domain.project import ProjectKind
from runtime.file_check import check_files
from runtime.settings import HAZARD_RULES, read_settings
from vision.hazard_rules import MalformedHazardRules


def check(file: Path, home: Path, *, rules: Path | None = None, kind: ProjectKind | None = None) -> tuple[int, Any]:
    """The exit code, and what is told of the file."""
    told: list[dict[str, Any]] = []
    code = check_files(
        [file],
        settings=read_settings(home=home),
        boundary=None,
        crs=None,
        alignment=None,
        min_score=None,
        rules=rules,
        project_kind=kind,
        tell=told.append,
    )
    return code, told[0]


def write_rules(folder: Path, old: str, new: str) -> Path:
    """The shipped rules with one text replaced."""
    text = HAZARD_RULES.read_text(encoding="utf-8")
    assert old in text
    path = folder / "rules.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_check__bare_head__is_told_unless_the_rule_is_off(repository: Path, tmp_path: Path) -> None:
    """The shipped rules tell it with their name and figures; a file that switches the rule off does not."""
    photo = repository / "sample_media" / "road-no-hardhat.jpg"
    code, told = check(photo, tmp_path)
    (finding,) = [each for each in told["findings"] if each["kind"] == "safety"]
    assert (code, finding["code"], finding["details"]["rule"]) == (1, "safety.no_hardhat", "no_hardhat")
    off = write_rules(tmp_path, "  enabled: true", "  enabled: false")
    assert [each for each in check(photo, tmp_path, rules=off)[1]["findings"] if each["kind"] == "safety"] == []


def test_check__malformed_rules__judges_nothing(repository: Path, tmp_path: Path) -> None:
    """Rules that cannot be read are told before the first photo is judged by others."""
    rules = write_rules(tmp_path, "severity: major", "severity: grave")
    with pytest.raises(MalformedHazardRules, match="line 15"):
        check(repository / "sample_media" / "road-no-hardhat.jpg", tmp_path, rules=rules)


def test_check__two_people_on_a_road__ask_for_cones_only_where_it_is_said_to_be_a_road(
    repository: Path, tmp_path: Path
) -> None:
    """Taken at 10:00 in Shanghai, no cone in it: told or, where the view is too narrow, counted as not told."""
    photo = repository / "sample_media" / "road-inside-safe.jpg"
    silent = check(photo, tmp_path)[1]
    assert "safety.no_cones" not in {each["code"] for each in silent["findings"]} | set(silent["cannot_tell"])
    narrow = check(photo, tmp_path, kind=ProjectKind.ROAD)[1]
    wide = check(
        photo, tmp_path, kind=ProjectKind.ROAD, rules=write_rules(tmp_path, "min_view_m: 10.0", "min_view_m: 1.0")
    )[1]
    assert narrow["cannot_tell"]["safety.no_cones"] == 2
    assert [each["severity"] for each in wide["findings"] if each["code"] == "safety.no_cones"] == ["info"]


def test_check__worker_by_an_excavator__cannot_be_told_without_a_scale(repository: Path, tmp_path: Path) -> None:
    """It stands 4.4 m from the bucket and 6 m from the tracks: too near to 5 m for a height as ruler."""
    told = check(repository / "sample_media" / "road-machine.jpg", tmp_path)[1]
    assert told["findings"] == [] or {each["kind"] for each in told["findings"]} == {"evidence"}
    assert told["cannot_tell"]["safety.machinery_reach"] == 1
