from pathlib import Path

import pytest

from findings.checkpoint import Checkpoint
from findings.signed_note import InvalidKey, SigningKey, sign_note
from runtime.log_home import DiskLogHome

FIRST, SECOND = (SigningKey("log", bytes([each]) * 32) for each in (1, 2))


def make_head(size: int) -> str:
    """A signed head of this size."""
    return sign_note(Checkpoint("log", size, bytes(32)).text, [FIRST])


def test_head__older_than_what_is_kept__changes_nothing_unless_it_is_declared(tmp_path: Path) -> None:
    """Two processes may write their heads in any order."""
    home = DiskLogHome(tmp_path / "home")
    assert home.read_head() is None
    for size, kept in ((9, 9), (10, 10), (9, 10), (10, 10)):
        home.write_head(make_head(size))
        assert home.read_head() == make_head(kept)
    home.write_head(make_head(3), whatever_was=True)
    assert home.read_head() == make_head(3)


def test_keys__kept_and_forgotten__are_secret_and_whole(tmp_path: Path) -> None:
    """The newest last; nothing but the files that are meant is left; a damaged file is told."""
    home = DiskLogHome(tmp_path / "home")
    assert home.list_keys() == []
    for each in (FIRST, SECOND):
        home.add_key(each)
    assert home.list_keys() == [FIRST, SECOND]
    home.forget_other_keys(SECOND)
    assert home.list_keys() == [SECOND]
    file = tmp_path / "home" / "keys"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert sorted(each.name for each in (tmp_path / "home").iterdir()) == ["keys", "lock"]
    file.write_text(SECOND.text[:-8], encoding="utf-8")
    with pytest.raises(InvalidKey):
        home.list_keys()
