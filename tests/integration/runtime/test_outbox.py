from pathlib import Path

import pytest

from runtime.outbox import Outbox, OutboxFull


def _put(outbox: Outbox, name: str, content: bytes = b"x" * 100) -> Path:
    path = outbox.reserve(".jpg", name=name)
    path.write_bytes(content)
    outbox.accept(path, capture={"client_id": name})
    return path


def test_outbox__accepted__is_there_after_a_restart_oldest_first(tmp_path: Path) -> None:
    """What is removed is gone, what is not comes again."""
    outbox = Outbox(tmp_path, max_bytes=10_000)
    for name in ("2", "1", "3"):
        _put(outbox, name)
    again = Outbox(tmp_path, max_bytes=10_000)
    seen = []
    while (shot := again.find_oldest()) is not None:
        seen.append((shot.capture["client_id"], shot.path.read_bytes()))
        again.remove(shot)
    assert seen == [(name, b"x" * 100) for name in ("1", "2", "3")]
    assert again.size_bytes() == 0


def test_outbox__killed_before_it_accepted__leaves_nothing(tmp_path: Path) -> None:
    """A half-written shot is none: it was not promised."""
    outbox = Outbox(tmp_path, max_bytes=10_000)
    outbox.reserve(".jpg", name="1").write_bytes(b"half")
    again = Outbox(tmp_path, max_bytes=10_000)
    assert (again.find_oldest(), again.size_bytes()) == (None, 0)


def test_outbox__killed_while_it_removed__forgets_the_rest(tmp_path: Path) -> None:
    """The bytes go first, and a note without bytes is no shot."""
    outbox = Outbox(tmp_path, max_bytes=10_000)
    _put(outbox, "1").unlink()
    _put(outbox, "2")
    shot = Outbox(tmp_path, max_bytes=10_000).find_oldest()
    assert shot is not None
    assert shot.capture == {"client_id": "2"}


def test_outbox__full__takes_nothing_new_and_keeps_what_it_has(tmp_path: Path) -> None:
    """Refused shots take room too, for they are kept."""
    outbox = Outbox(tmp_path, max_bytes=150)
    _put(outbox, "1", b"x" * 200)
    with pytest.raises(OutboxFull):
        outbox.reserve(".jpg", name="2")
    shot = outbox.find_oldest()
    assert shot is not None
    outbox.set_aside(shot, reason="not a picture")
    assert outbox.find_oldest() is None
    assert sorted(path.read_bytes() for path in (tmp_path / "refused").iterdir()) == [b"not a picture", b"x" * 200]
    with pytest.raises(OutboxFull):
        outbox.reserve(".jpg", name="2")
