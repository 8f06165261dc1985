"""`siteproof import-readings`, as it is typed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from runtime.command_line import main
from storage.database import Database
from tests.integration.iot.conftest import count_rows, registered

__all__ = ["registered"]

ROWS = "2026-07-01 08:00:00,1.5\n2026-07-01 08:01:00,1.6\n"


@pytest.fixture
def folder(registered: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for files, with the command set to the database of `registered`."""
    monkeypatch.setenv("SITEPROOF_DATABASE_URL", registered.url)
    monkeypatch.setenv("SITEPROOF_HOME", str(tmp_path / "home"))
    return tmp_path


def run(*arguments: object) -> Result:
    """Type the command."""
    return CliRunner().invoke(main, ["import-readings", *map(str, arguments)])


def write(path: Path, text: str) -> Path:
    """A file of this text."""
    path.write_text(text, encoding="utf-8")
    return path


def test_import_readings__stores_and_sums_up(registered: Database, folder: Path) -> None:
    """First listed, then stored, then there already."""
    path = write(folder / "a.csv", "Time,Settlement (mm),Battery (V)\n" + ROWS.replace("\n", ",12.5\n"))
    arguments = (path, "--map", "Settlement=s1")
    listed = run(*arguments, "--list")
    assert listed.exit_code == 0, listed.output
    for part in (
        "encoding  utf-8: plain ASCII",
        "Asia/Shanghai, the project's, because the file states none and you said none",
        "year, month, day by ISO 8601",
        "'Settlement (mm)' to sensor s1: mm by the heading",
        "left out  column 'Battery (V)'",
        "first     2026-07-01T00:00:00Z  1.5",
        "last      2026-07-01T00:01:00Z  1.6",
        "rows      2, 0 of them bad",
    ):
        assert part in listed.output
    assert count_rows(registered, "reading") == 0
    assert "stored    2 readings; 0 were there already" in run(*arguments).output
    assert "stored    0 readings; 2 were there already" in run(*arguments).output


def test_import_readings__bad_rows__exit_1(folder: Path) -> None:
    """The good ones are stored, the bad ones told."""
    path = write(folder / "a.csv", "Time (UTC),S1 (mm)\n" + ROWS + "2026-07-01 08:02:00,x\n")
    result = run(path, "--sensor", "s1", "--json")
    assert result.exit_code == 1
    line = json.loads(result.stdout)
    assert (line["stored"], line["bad_rows"]) == (2, 1)
    assert line["bad"][0]["line"] == 4
    assert line["bad"][0]["code"] == "reading.not_a_number"


def test_import_readings__question__exit_2_and_nothing_stored(registered: Database, folder: Path) -> None:
    """A question about one file holds the others too: its answer may go for them."""
    good = write(folder / "a.csv", "Time (UTC),S1 (mm)\n" + ROWS)
    asked = write(folder / "b.csv", "Time (UTC),S1 (mm)\n03/04/2026 08:00:00,1.5\n")
    result = run(good, asked, "--sensor", "s1")
    assert result.exit_code == 2
    assert "[import.unknown_date_order]" in result.output
    assert "--day-first" in result.output
    assert count_rows(registered, "reading") == 0
    assert run(good, asked, "--sensor", "s1", "--day-first").exit_code == 0
    assert count_rows(registered, "reading") == 3


def test_import_readings__unreadable_file__exit_2_and_the_others_imported(
    registered: Database,
    folder: Path,
) -> None:
    """A picture among the files."""
    good = write(folder / "a.csv", "Time (UTC),S1 (mm)\n" + ROWS)
    bad = folder / "b.csv"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    result = run(bad, good, "--sensor", "s1")
    assert result.exit_code == 2
    assert "[import.unreadable_file]" in result.output
    assert count_rows(registered, "reading") == 2


def test_import_readings__slips__are_usage_errors(folder: Path) -> None:
    """A column that no file has, a mapping without a sensor, two answers at once."""
    path = write(folder / "a.csv", "Time (UTC),S1 (mm)\n" + ROWS)
    assert "import.unknown_column" in run(path, "--map", "S1=s1", "--map", "S9=s2").output
    for arguments in ((), ("--map", "S1"), ("--sensor", "s1", "--day-first", "--date-format", "%Y-%m-%d")):
        assert run(path, *arguments).exit_code == 2
