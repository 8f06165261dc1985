"""Real photos of a folder that is not part of the project: `make test-real`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import service

__all__ = ["service"]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder; without it these tests cannot be run, which is a failure."""
    folder = Path(os.environ["SITEPROOF_REAL_DATA"])
    assert (folder / "exif").is_dir(), f"{folder} has no folder exif"
    return folder


@pytest.fixture
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file to look at beside the pictures."""
    path = tmp_path_factory.mktemp("real") / "report.md"
    yield path
    print(f"\nreport: {path}")  # noqa: T201 - run by hand, to be read
