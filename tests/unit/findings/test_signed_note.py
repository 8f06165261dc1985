"""The key and the signature are those of golang.org/x/mod/sumdb/note, the bodies those of c2sp.org."""

import base64

import pytest

from findings.checkpoint import Checkpoint, parse_checkpoint
from findings.signed_note import (
    InvalidKey,
    InvalidNote,
    PublicKey,
    SigningKey,
    open_note,
    parse_public_key,
    parse_signing_key,
    sign_note,
)

PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = (
    TEXT + "\n— PeterNeumann"
    " x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_note__go_s_example__is_signed_and_opened_to_the_byte() -> None:
    """Key, key id and signature are what Go's package prints."""
    key = parse_signing_key(PRIVATE)
    assert (key.text, key.public.text) == (PRIVATE, PUBLIC)
    assert sign_note(TEXT, [key]) == NOTE
    assert open_note(NOTE, [parse_public_key(PUBLIC)]) == (TEXT, [key.public])


def test_note__changed__does_not_hold() -> None:
    """A changed text is told; a signature by a key that is not asked for says nothing."""
    key = parse_public_key(PUBLIC)
    with pytest.raises(InvalidNote):
        open_note(NOTE.replace("think", "thank"), [key])
    other = SigningKey("PeterNeumann", bytes(32)).public
    assert open_note(NOTE, [other]) == (TEXT, [])
    assert open_note(sign_note(TEXT, [parse_signing_key(PRIVATE)]), [PublicKey("Other", key.raw)])[1] == []


@pytest.mark.parametrize(
    "note", ["", "text\n", "text\n\n", TEXT + "\n— x\n", TEXT + "\n— x ???\n", NOTE[:-1], TEXT + "\n— x AAAA\n"]
)
def test_note__malformed__is_refused(note: str) -> None:
    """What is no note has a code, not a traceback."""
    with pytest.raises(InvalidNote):
        open_note(note, [parse_public_key(PUBLIC)])


@pytest.mark.parametrize(
    "text",
    ["", "x", "PeterNeumann+c74f20a4+" + PUBLIC[-44:], "a b+c74f20a3+" + PUBLIC[-44:], PUBLIC[:-4], "x+1+AAAA"],
)
def test_key__malformed__is_refused(text: str) -> None:
    """A wrong id, a blank in the name, other lengths."""
    with pytest.raises(InvalidKey):
        parse_public_key(text)
    with pytest.raises(InvalidKey):
        parse_signing_key("PRIVATE+KEY+" + text)


def test_checkpoint__of_the_specification__is_read_and_written() -> None:
    """The body of the example in c2sp.org/tlog-checkpoint."""
    body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = parse_checkpoint(body)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root == base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert checkpoint.text == body
    assert Checkpoint("o", 0, bytes(32)).text == "o\n0\n" + "A" * 43 + "=\n"


@pytest.mark.parametrize(
    "text", ["", "o\n1\n", "o\n01\n" + "A" * 43 + "=\n", "o\n1\nAAAA\n", "\n1\n" + "A" * 43 + "=\n"]
)
def test_checkpoint__malformed__is_refused(text: str) -> None:
    """A leading zero, a short root, an empty origin."""
    with pytest.raises(InvalidNote):
        parse_checkpoint(text)
