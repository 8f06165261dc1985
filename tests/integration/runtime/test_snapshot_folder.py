from datetime import UTC, datetime
from pathlib import Path

from domain.clock import SystemClock
from runtime.snapshot_folder import SnapshotFolder


def _folder(tmp_path: Path) -> SnapshotFolder:
    return SnapshotFolder(tmp_path / "in", record=tmp_path / "home" / "sent.txt", clock=SystemClock())


def _names(folder: SnapshotFolder) -> list[str]:
    return [each.path.name for each in folder.list_ready()]


def test_list_ready__waits_until_a_file_stays_as_it_is(tmp_path: Path) -> None:
    """Seen once it may still be written to; grown since, it waits again; what is no picture never comes."""
    (tmp_path / "in" / "day").mkdir(parents=True)
    shot = tmp_path / "in" / "day" / "1.JPG"
    shot.write_bytes(b"half")
    (tmp_path / "in" / "index.txt").write_bytes(b"x")
    (tmp_path / "in" / "empty.jpg").touch()
    folder = _folder(tmp_path)
    assert _names(folder) == []
    shot.write_bytes(b"half and half")
    assert _names(folder) == []
    assert _names(folder) == ["1.JPG"]


def test_mark_sent__is_remembered_through_a_restart(tmp_path: Path) -> None:
    """Also with a last line that was cut off; a file that is written anew is a new one."""
    (tmp_path / "in").mkdir()
    for name in ("1.jpg", "2.jpg"):
        (tmp_path / "in" / name).write_bytes(b"x")
    folder = _folder(tmp_path)
    assert _names(folder) == []
    for each in folder.list_ready():
        if each.path.name == "1.jpg":
            folder.mark_sent(each)
    with (tmp_path / "home" / "sent.txt").open("a") as record:
        record.write("2.jp")
    again = _folder(tmp_path)
    assert _names(again) == []
    assert _names(again) == ["2.jpg"]
    (tmp_path / "in" / "1.jpg").write_bytes(b"another")
    assert _names(again) == ["2.jpg"]
    assert _names(again) == ["1.jpg", "2.jpg"] or _names(again) == ["2.jpg", "1.jpg"]


def test_list_ready__appeared_while_watched__says_when(tmp_path: Path) -> None:
    """What was there before may have waited for years, and tells nothing of the camera's clock."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "old.jpg").write_bytes(b"x")
    folder = _folder(tmp_path)
    assert list(folder.list_ready()) == []
    before = datetime.now(UTC)
    (tmp_path / "in" / "new.jpg").write_bytes(b"x")
    list(folder.list_ready())
    by_name = {each.path.name: each.appeared_at for each in folder.list_ready()}
    assert by_name["old.jpg"] is None
    appeared = by_name["new.jpg"]
    assert appeared is not None
    assert before <= appeared <= datetime.now(UTC)
