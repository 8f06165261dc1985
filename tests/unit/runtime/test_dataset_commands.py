from datetime import UTC, datetime
from pathlib import Path

import pytest

from runtime.dataset_commands import InvalidSince, list_labels, parse_since, read_pseudonym_key
from runtime.settings import Settings


def test_parse_since__with_a_zone__is_that_time() -> None:
    """08:00 in Shanghai is midnight in UTC; silent is silent."""
    assert parse_since("2026-11-01T08:00:00+08:00") == datetime(2026, 11, 1, tzinfo=UTC)
    assert parse_since(None) is None


@pytest.mark.parametrize("text", ["2026-11-01T08:00:00", "yesterday", ""])
def test_parse_since__without_a_zone_or_none_at_all__is_refused(text: str) -> None:
    """A guess of eight hours would lose a day's decisions."""
    with pytest.raises(InvalidSince):
        parse_since(text)


def test_read_pseudonym_key__twice__is_the_same_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Made once, 32 bytes, and no other user of the machine reads it."""
    settings = Settings(home=tmp_path / "home")
    key = read_pseudonym_key(settings)
    assert len(key) == 32
    assert read_pseudonym_key(settings) == key
    assert (settings.home / "pseudonym.key").stat().st_mode & 0o077 == 0


def test_list_labels__without_other_models__are_the_shipped_ones_in_their_order(tmp_path: Path) -> None:
    """Ids of an export are those of the shipped model."""
    labels = list_labels(Settings(home=tmp_path))
    assert labels == ("person", "hardhat", "no_hardhat", "vest", "no_vest", "machinery", "vehicle", "cone")
