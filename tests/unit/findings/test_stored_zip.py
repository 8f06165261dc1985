"""What is written is a zip to Python's own reader, and the only one that ours takes."""

import io
import zipfile
from collections.abc import Iterator

import pytest

from findings.stored_zip import NotCanonical, StoredFile, ZipTooLarge, measure_zip, read_zip, store, write_zip

CONTENTS = {"a.txt": b"first", "b/c.bin": bytes(range(256)), "empty": b""}


def write() -> bytes:
    """The zip of the contents."""
    return b"".join(write_zip([store(*each) for each in CONTENTS.items()]))


def read(content: bytes) -> dict[str, bytes]:
    """What our reader gives, in its order."""
    found: dict[str, bytes] = {}

    def take(name: str, size: int, chunks: Iterator[bytes]) -> None:
        found[name] = b"".join(chunks)
        assert len(found[name]) <= size

    assert read_zip(io.BytesIO(content), take) == list(found)
    return found


def test_zip__written__is_read_by_python_and_by_ourselves() -> None:
    """Every reader understands it: stored, in order, with right checksums and sizes."""
    content = write()
    assert len(content) == measure_zip([store(*each) for each in CONTENTS.items()])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {each: archive.read(each) for each in archive.namelist()} == CONTENTS
        assert {each.compress_type for each in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {each.date_time for each in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert read(content) == CONTENTS
    assert read(b"".join(write_zip([]))) == {}


def test_zip__any_bit_flipped__is_found() -> None:
    """Each of the eight bits of every byte."""
    content = write()
    assert read(content) == CONTENTS
    for position in range(len(content)):
        for bit in range(8):
            changed = bytearray(content)
            changed[position] ^= 1 << bit
            with pytest.raises(NotCanonical):
                read(bytes(changed))


def test_zip__any_byte_cut_or_added__is_found() -> None:
    """Cut short anywhere, or with a byte more anywhere."""
    content = write()
    for position in range(len(content) + 1):
        if position < len(content):
            with pytest.raises(NotCanonical):
                read(content[:position])
        for added in (b"\x00", b"P"):
            with pytest.raises(NotCanonical):
                read(content[:position] + added + content[position:])


def test_zip__of_another_writer__is_refused_although_it_holds_the_same() -> None:
    """Python's own zip of the same files, with comments, compressed, or with something before it."""
    for compression, comment, before in (
        (zipfile.ZIP_STORED, b"", b""),
        (zipfile.ZIP_STORED, b"note", b""),
        (zipfile.ZIP_DEFLATED, b"", b""),
        (zipfile.ZIP_STORED, b"", b"#!/bin/sh\n"),
    ):
        stream = io.BytesIO()
        stream.write(before)
        with zipfile.ZipFile(stream, "a", compression) as archive:
            archive.comment = comment
            for name, content in CONTENTS.items():
                archive.writestr(name, content)
        with pytest.raises(NotCanonical):
            read(stream.getvalue())


def test_zip__beyond_four_gigabytes__is_refused() -> None:
    """What would need Zip64 is told before a byte is written."""
    with pytest.raises(ZipTooLarge):
        measure_zip([StoredFile("a", 2**32, 0, list)])
