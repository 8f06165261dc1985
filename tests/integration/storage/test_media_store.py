from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from storage.media_store import DiskMediaStore, OriginalMissing


def keep(store: DiskMediaStore, content: bytes) -> str:
    """An original in the store; gives back its SHA-256."""
    staging = store.stage(max_bytes=100)
    staging.write(content)
    store.keep(staging.finish())
    return sha256(content).hexdigest()


def test_erase__of_one_original__leaves_every_other_thing(tmp_path: Path) -> None:
    """Its bytes and previews go, also of ids that share their last digits with others'; a second time is nothing."""
    store = DiskMediaStore(tmp_path / "media")
    gone, stays = keep(store, b"gone"), keep(store, b"stays")
    erased, neighbour = UUID(int=0x1AA), UUID(int=0x2AA)
    for each in (erased, neighbour):
        store.put_derived(each, name="preview", content=b"p")
    for _ in range(2):
        store.erase(gone, media_ids=[erased, UUID(int=3)])
    with pytest.raises(OriginalMissing):
        store.open(gone)
    assert store.find_derived(erased, name="preview") is None
    with store.open(stays) as original:
        assert original.read() == b"stays"
    preview = store.find_derived(neighbour, name="preview")
    assert preview is not None
    with preview:
        assert preview.read() == b"p"
