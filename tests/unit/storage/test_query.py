from pathlib import Path

import pytest

import storage.query
from storage.query import Queries


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of queries of the test's own."""
    monkeypatch.setattr(storage.query, "_FOLDER", tmp_path)
    return tmp_path


def test_queries__two_statements__are_found_by_name(folder: Path) -> None:
    """Each name has its statement, with its comment and without its semicolon."""
    (folder / "x.sql").write_text("-- name: one\nSELECT 1;\n\n-- name: two\n-- why\nSELECT 2;\n", encoding="utf-8")
    queries = Queries("x")
    assert queries["one"] == "SELECT 1"
    assert queries["two"] == "-- why\nSELECT 2"
    assert queries.names == {"one", "two"}


@pytest.mark.parametrize("text", ["SELECT 1;", "-- name: a\nSELECT 1;\n-- name: a\nSELECT 2;"])
def test_queries__nameless_or_twice_named__are_refused(folder: Path, text: str) -> None:
    """A mistake in a file is told when the process starts, not when the query runs."""
    (folder / "x.sql").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="name"):
        Queries("x")
