import json
from datetime import time
from pathlib import Path

import jsonschema
import pytest
import yaml

from vision.hazard_rules import (
    DEFAULT_FILE,
    MalformedHazardRules,
    UnreadableHazardRules,
    WorkingHours,
    load_hazard_rules,
    make_schema,
)

SCHEMA = DEFAULT_FILE.with_name("hazard_rules.schema.json")


def write(folder: Path, old: str, new: str) -> Path:
    """The shipped file with one text replaced."""
    text = DEFAULT_FILE.read_text(encoding="utf-8")
    assert old in text
    path = folder / "rules.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_schema__checked_in__is_what_the_code_says_and_the_file_keeps_it() -> None:
    """Who writes a file of their own checks it against the file that is shipped beside it."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema == make_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(DEFAULT_FILE.read_text(encoding="utf-8")), schema)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("severity: major", "severity: grave", "no_hardhat.severity"),
        ("clear_margin: 0.15", "clear_margin: 15", "no_hardhat.clear_margin"),
        ("clear_margin: 0.15", "clear_margin: .nan", "no_hardhat.clear_margin"),
        ("clear_margin: 0.15", "clear_margin: [0.1]", "no_hardhat.clear_margin"),
        ("enabled: true", 'enabled: "yes"', "no_hardhat.enabled"),
        ("lone_score: 0.6", "lonely_score: 0.6", "no_hardhat.lone_score"),
        ('start: "06:00"', 'start: "6:00"', "no_cones.working_hours.start"),
        ('end: "19:00"', "end: 19:00", "no_cones.working_hours.end"),
        ("project_kinds: [road]", "project_kinds: [path]", "no_cones.project_kinds.0"),
        ("dwell_s: 900", "dwell_s: 0", "lone_worker"),
        ("lone_worker:", "alone_worker:", "lone_worker"),
    ],
)
def test_load_hazard_rules__malformed__names_field_and_line(tmp_path: Path, old: str, new: str, field: str) -> None:
    """Whoever wrote it is sent to the place: the field's own line, or that of the rule that lacks it."""
    path = write(tmp_path, old, new)
    with pytest.raises(MalformedHazardRules) as caught:
        load_hazard_rules(path)
    assert caught.value.facts["field"] == field
    lines = path.read_text(encoding="utf-8").splitlines()
    if field == "lone_worker" and old == "lone_worker:":
        assert "line" not in caught.value.facts
    else:
        rule, _, key = field.partition(".")
        line = lines[int(str(caught.value.facts["line"])) - 1]
        assert line.startswith(f"{rule}:") or key.split(".")[0] in line


def test_load_hazard_rules__bare_time__is_told_to_be_quoted(tmp_path: Path) -> None:
    """YAML 1.1 reads 19:00 as 19 * 60 = 1140, which nobody would find in the sentence "not a string"."""
    with pytest.raises(MalformedHazardRules, match="in quotes"):
        load_hazard_rules(write(tmp_path, 'end: "19:00"', "end: 19:00"))


def test_load_hazard_rules__rule_twice__is_refused(tmp_path: Path) -> None:
    """YAML would silently take the second."""
    with pytest.raises(MalformedHazardRules, match="stands twice"):
        load_hazard_rules(write(tmp_path, "  version: 1\n", "  version: 1\n  version: 2\n"))


@pytest.mark.parametrize("content", [b"", b"a: [1", b"- 1\n", b"\xff\xfe\xfa", b"a: \x00"])
def test_load_hazard_rules__no_yaml_mapping__is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, broken, a list, no UTF-8, a NUL."""
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    with pytest.raises(UnreadableHazardRules):
        load_hazard_rules(path)
    with pytest.raises(UnreadableHazardRules):
        load_hazard_rules(tmp_path / "missing.yaml")


def test_working_hours__over_midnight() -> None:
    """From 22:00 to 05:00 holds at both and not at noon; the end itself is out."""
    night = WorkingHours(start="22:00", end="05:00")
    assert [night.holds(time(hour)) for hour in (22, 23, 0, 4, 5, 12)] == [True, True, True, True, False, False]
    day = WorkingHours(start="06:00", end="19:00")
    assert [day.holds(time(hour)) for hour in (5, 6, 18, 19)] == [False, True, True, False]


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(make_schema(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
