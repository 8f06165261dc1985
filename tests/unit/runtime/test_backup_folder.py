import hashlib
from pathlib import Path

import pytest

from runtime.backup_folder import MANIFEST, BackupDamaged, NoBackup, UnknownBackupFormat, is_plain_path, open_backup
from runtime.restore import find_needed_epoch
from storage.table_copy import ClusterClock, RowTally

EPOCH = 2**32


def test_row_tally__rows_in_another_order__come_to_the_same() -> None:
    """The sum of both rows' digests, by hand; a row more or another row comes to another sum."""
    tally, turned, other = RowTally(), RowTally(), RowTally()
    tally.add(b"a\t1\nb\t2\n")
    turned.add(b"b\t2\n")
    turned.add(b"a\t1\n")
    other.add(b"a\t1\nb\t3\n")
    heads = [hashlib.sha256(row).hexdigest()[:32] for row in (b"a\t1", b"b\t2")]
    assert tally.rows == 2
    assert int(tally.digest, 16) == (int(heads[0], 16) + int(heads[1], 16)) % 2**128
    assert (turned.rows, turned.digest) == (2, tally.digest)
    assert other.digest != tally.digest


@pytest.mark.parametrize(
    ("clock", "needed"),
    [
        # The same cluster is above everything that it gave out.
        (ClusterClock(system=7, next_tx=900), None),
        (ClusterClock(system=7, next_tx=500), 1),
        # Another one may have given out the same numbers, so it must be in a later epoch.
        (ClusterClock(system=8, next_tx=900), 1),
        (ClusterClock(system=8, next_tx=EPOCH + 3), None),
    ],
)
def test_find_needed_epoch__by_cluster(clock: ClusterClock, needed: int | None) -> None:
    """A backup of cluster 7 at its transaction 800, in epoch 0."""
    assert find_needed_epoch(clock, system=7, next_tx=800) == needed


def test_find_needed_epoch__of_a_restored_cluster__is_the_next_one() -> None:
    """A second restore goes one further."""
    assert find_needed_epoch(ClusterClock(8, EPOCH + 9), system=7, next_tx=EPOCH + 800) == 2


@pytest.mark.parametrize("path", ["/etc/passwd", "home/../../x", "..", "home\\..\\x"])
def test_is_plain_path__leading_out__is_none(path: str) -> None:
    """A manifest that somebody made up must not write anywhere else."""
    assert not is_plain_path(path)
    assert is_plain_path("home/models/a..b/weights.onnx")


def test_open_backup__of_what_is_none__says_so(tmp_path: Path) -> None:
    """An empty folder; a manifest without its sum; one that does not belong to it; one of a later format."""
    with pytest.raises(NoBackup):
        open_backup(tmp_path)
    manifest = tmp_path / MANIFEST
    manifest.write_bytes(b'{"format": 2}')
    with pytest.raises(BackupDamaged):
        open_backup(tmp_path)
    (tmp_path / "manifest.sha256").write_text(f"{'0' * 64}  {MANIFEST}\n")
    with pytest.raises(BackupDamaged):
        open_backup(tmp_path)
    (tmp_path / "manifest.sha256").write_text(f"{hashlib.sha256(manifest.read_bytes()).hexdigest()}  {MANIFEST}\n")
    with pytest.raises(UnknownBackupFormat):
        open_backup(tmp_path)
