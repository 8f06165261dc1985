"""Signed notes as C2SP defines them (c2sp.org/signed-note): a text, and lines of Ed25519 signatures under it."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from domain.errors import Invalid

_ED25519: Final = b"\x01"
_DASH: Final = "\u2014 "
_PRIVATE: Final = "PRIVATE+KEY+"
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_KEY_PARTS: Final = 3
_MAX_SIGNATURES: Final = 100


class InvalidKey(Invalid):
    """A text that is no key of a signed note."""

    code: ClassVar[str] = "log.invalid_key"


class InvalidNote(Invalid):
    """A text that is no signed note, or whose signature does not hold."""

    code: ClassVar[str] = "log.invalid_note"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who signs.

    Attributes:
        name: of the log, without blanks and `+`.
        raw: Ed25519 public key, 32 bytes.
    """

    name: str
    raw: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.raw).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """The key as a line: name, id, type and bytes."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.raw).decode()}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key; `seed` is Ed25519's 32 bytes."""

    name: str
    seed: bytes

    @property
    def public(self) -> PublicKey:
        """Its public half."""
        return PublicKey(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    @property
    def text(self) -> str:
        """The key as a line, to be kept secret."""
        stored = base64.b64encode(_ED25519 + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.public.key_id.hex()}+{stored}"

    def sign(self, text: str) -> str:
        """The signature line for a text, its newline included."""
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{_DASH}{self.name} {base64.b64encode(self.public.key_id + signature).decode()}\n"


def parse_public_key(text: str) -> PublicKey:
    """The key of a line.

    Raises:
        InvalidKey: it is none, or its id is not its own.
    """
    name, key_id, raw = _split_key(text)
    key = PublicKey(name, raw)
    if key.key_id.hex() != key_id:
        raise InvalidKey("the key's id is not that of its bytes")
    return key


def parse_signing_key(text: str) -> SigningKey:
    """The private key of a line.

    Raises:
        InvalidKey: it is none, or its id is not its own.
    """
    if not text.startswith(_PRIVATE):
        raise InvalidKey("a private key begins with PRIVATE+KEY+")
    name, key_id, seed = _split_key(text.removeprefix(_PRIVATE))
    key = SigningKey(name, seed)
    if key.public.key_id.hex() != key_id:
        raise InvalidKey("the key's id is not that of its bytes")
    return key


def sign_note(text: str, keys: Sequence[SigningKey]) -> str:
    """The text with one signature line a key; `text` ends with a newline."""
    return text + "\n" + "".join(key.sign(text) for key in keys)


def open_note(note: str, keys: Sequence[PublicKey]) -> tuple[str, list[PublicKey]]:
    """The note's text, and which of `keys` signed it; signatures of other keys say nothing.

    Raises:
        InvalidNote: it is no note, or a signature in the name of a known key does not hold.
    """
    text, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    signers = []
    for name, key_id, signature in signatures:
        key = known.get((name, key_id))
        if key is None:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, text.encode())
        except InvalidSignature as error:
            raise InvalidNote(f"the signature of {name} does not hold") from error
        signers.append(key)
    return text, signers


def split_note(note: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The note's text, and (name, key id, signature) of each line under it.

    Raises:
        InvalidNote: it is not of that form.
    """
    text, separator, lines = note.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise InvalidNote("a note is a text, an empty line and signatures")
    signatures = [_split_signature(line) for line in lines[:-1].split("\n")]
    if len(signatures) > _MAX_SIGNATURES:
        raise InvalidNote("too many signatures")
    return text + "\n", signatures


def _split_signature(line: str) -> tuple[str, bytes, bytes]:
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2:  # noqa: PLR2004 - a name and a signature
        raise InvalidNote("a line under the note is no signature")
    try:
        content = base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidNote("a signature is not written in base64") from error
    if len(content) <= _ID_BYTES:
        raise InvalidNote("a signature is too short")
    return parts[0], content[:_ID_BYTES], content[_ID_BYTES:]


def _split_key(text: str) -> tuple[str, str, bytes]:
    parts = text.strip().split("+", maxsplit=_KEY_PARTS - 1)
    if len(parts) != _KEY_PARTS or not parts[0] or any(each.isspace() for each in parts[0]):
        raise InvalidKey("a key is a name, an id and base64, joined by +")
    try:
        content = base64.b64decode(parts[2], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidKey("a key's bytes are written in base64") from error
    if content[:1] != _ED25519 or len(content) != 1 + _KEY_BYTES:
        raise InvalidKey("only Ed25519 keys are known here")
    return parts[0], parts[1], content[1:]
