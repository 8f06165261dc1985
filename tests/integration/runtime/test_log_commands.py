"""The log's commands on a real database, in a home of their own."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from domain.clock import SystemClock
from findings.signed_note import parse_public_key
from runtime.command_line import main
from runtime.doctor import examine_installation
from runtime.log_home import DiskLogHome
from runtime.log_keeper import LogKeeper
from runtime.settings import read_settings
from storage.database import Database


@pytest.fixture
def home(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose settings name the test's database, with a published log of one entry."""
    monkeypatch.setenv("SITEPROOF_HOME", str(tmp_path))
    monkeypatch.setenv("SITEPROOF_DATABASE_URL", database_url)
    database = Database(database_url)
    LogKeeper(database, DiskLogHome(tmp_path / "evidence-log"), SystemClock()).publish()
    database.close()
    return tmp_path / "evidence-log"


def run(*arguments: str) -> Result:
    """What the command says, and its exit code."""
    return CliRunner().invoke(main, arguments)


def find_log_row() -> tuple[str, str]:
    """State and advice of the doctor's row."""
    return next(row[1:] for row in examine_installation(read_settings()) if row[0] == "evidence log")


def test_log__healthy__is_checked_and_its_key_rotated(home: Path) -> None:
    """Two entries after the rotation; the printed key is the one that is kept."""
    assert "1 entries" in run("log", "check").output
    rotated = run("log", "rotate-key")
    assert rotated.exit_code == 0
    (kept,) = DiskLogHome(home).list_keys()
    assert parse_public_key(rotated.output.strip()) == kept.public
    assert "2 entries" in run("log", "check").output
    assert find_log_row() == ("2 entries, as last published; 0 facts wait for their place", "")
    refused = run("log", "accept-restore", "--reason", "x")
    assert (refused.exit_code, "log.nothing_restored" in refused.output) == (2, True)


def test_log__whose_head_is_gone__is_told_by_the_doctor_until_it_is_accepted(home: Path) -> None:
    """Every command refuses with the code and the way out."""
    (home / "head").unlink()
    state, advice = find_log_row()
    assert state == "log.restored"
    assert "siteproof log accept-restore" in advice
    for command in ("check", "rotate-key"):
        refused = run("log", command)
        assert (refused.exit_code, "log.restored" in refused.output) == (2, True)
    accepted = run("log", "accept-restore", "--reason", "the file was lost")
    assert accepted.exit_code == 0
    assert accepted.output == (home / "head").read_text(encoding="utf-8")
    assert "2 entries" in run("log", "check").output


@pytest.mark.usefixtures("home")
def test_erase__of_nothing__is_refused() -> None:
    """An id that is none, and one that nobody has."""
    for media_id in ("x", "00000000-0000-0000-0000-000000000001"):
        refused = run("erase", media_id, "--basis", "law")
        assert (refused.exit_code, "erase.unknown_medium" in refused.output) == (2, True)
