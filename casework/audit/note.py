"""Signed notes, checkpoints and witness cosignatures, byte for byte as the public specifications write them.

Ed25519 only. A signature type is the byte that enters the key id: 0x01 signs the note text itself, 0x04 is a witness's
timestamped cosignature of a checkpoint.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint and https://c2sp.org/tlog-cosignature
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
COSIGNATURE_V1 = 0x04

MAX_SIGNATURES = 100
MAX_NOTE_BYTES = 1_000_000

_DASH = "\u2014 "
_SKEY_PREFIX = "PRIVATE+KEY+"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Signature(NamedTuple):
    """One signature line. ``blob`` is what follows the key id; ``time`` is Unix seconds, for a cosignature only."""

    name: str
    key_id: bytes
    blob: bytes
    time: int | None = None

    @property
    def line(self) -> str:
        return f"{_DASH}{self.name} {_b64(self.key_id + self.blob)}\n"


class OpenedNote(NamedTuple):
    """The text of a note and the signatures on it that were verified, in order, one for each known key."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under a name. Raises ValueError for a bad name, an unknown type, or a key that is not 32 bytes."""

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.kind not in (ED25519, COSIGNATURE_V1):
            raise ValueError(f"unknown signature type {self.kind:#04x}")
        if len(self.public) != 32:
            raise ValueError("an Ed25519 public key has 32 bytes")

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name || 0x0A || type || public key)."""
        return sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """The key as one line of text: ``name+hex(key id)+base64(type || public key)``."""
        return f"{self.name}+{self.key_id.hex()}+{_b64(bytes((self.kind,)) + self.public)}"

    @classmethod
    def from_vkey(cls, vkey: str) -> Verifier:
        """The opposite of ``vkey``. Raises ValueError unless every character is as ``vkey`` would write it."""
        name, _, key = _split_key(vkey)
        verifier = cls(name, key[1:], key[0])
        if verifier.vkey != vkey:
            raise ValueError("the key id does not belong to this verifier key")
        return verifier

    def verify(self, text: str, blob: bytes) -> bool:
        """Whether ``blob`` is this key's signature of the note text (of the timestamped text, for a cosigner)."""
        message = text.encode()
        if self.kind == COSIGNATURE_V1:
            if len(blob) != 72 or blob[0] & 0x80:
                return False
            message, blob = _cosigned(text, cosignature_time(blob)), blob[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(blob, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key under a name, of either type. Its text form holds the secret and must not be printed or logged."""

    name: str
    seed: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        if len(self.seed) != 32:
            raise ValueError("an Ed25519 private key has 32 bytes")
        if self.verifier.name != self.name:
            raise ValueError("a signer and its verifier differ in name")

    def __repr__(self) -> str:
        return f"Signer({self.verifier.vkey})"

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self._private.public_key().public_bytes_raw(), self.kind)

    @property
    def skey(self) -> str:
        """The secret as one line of text: ``PRIVATE+KEY+name+hex(key id)+base64(type || seed)``."""
        key_id = self.verifier.key_id.hex()
        return f"{_SKEY_PREFIX}{self.name}+{key_id}+{_b64(bytes((self.kind,)) + self.seed)}"

    @classmethod
    def from_skey(cls, skey: str) -> Signer:
        """The opposite of ``skey``. Raises ValueError unless every character is as ``skey`` would write it."""
        if not skey.startswith(_SKEY_PREFIX):
            raise ValueError("not a signing key")
        name, _, key = _split_key(skey.removeprefix(_SKEY_PREFIX))
        signer = cls(name, key[1:], key[0])
        if signer.skey != skey:
            raise ValueError("the key id does not belong to this signing key")
        return signer

    def sign(self, text: str, time: int | None = None) -> Signature:
        """Signs a note text. A cosigner needs ``time`` (Unix seconds); raises ValueError without it."""
        if self.kind == ED25519:
            return Signature(self.name, self.verifier.key_id, self._private.sign(text.encode()))
        if time is None or not 0 <= time < 1 << 63:
            raise ValueError("a cosignature needs its time in Unix seconds")
        blob = time.to_bytes(8, "big") + self._private.sign(_cosigned(text, time))
        return Signature(self.name, self.verifier.key_id, blob, time)


def generate_key(name: str, kind: int = ED25519) -> Signer:
    """A new random key. Raises ValueError when the name is empty or has a space or a plus sign."""
    _check_name(name)
    return Signer(name, Ed25519PrivateKey.generate().private_bytes_raw(), kind)


def sign_note(text: str, signers: Sequence[Signer], time: int | None = None) -> bytes:
    """The signed note: the text, a blank line, one line for each signer. Raises ValueError for a text that no note
    may hold. ``time`` (Unix seconds) is needed when a signer is a cosigner."""
    _check_text(text)
    if not signers:
        raise ValueError("a note needs a signature")
    return (text + "\n" + "".join(signer.sign(text, time).line for signer in signers)).encode()


def add_signature(note: bytes, signer: Signer, time: int | None = None) -> bytes:
    """The same note with one more signature at its end. The caller has verified the note before.

    Raises ValueError when it has as many signatures already as a note may have.
    """
    text, signatures = split_note(note)
    if len(signatures) >= MAX_SIGNATURES:
        raise ValueError(f"the note has {MAX_SIGNATURES} signatures already")
    return note + signer.sign(text, time).line.encode()


def split_note(note: bytes) -> tuple[str, list[Signature]]:
    """The text and all signatures of a note, nothing verified. Raises ValueError when the note is malformed."""
    if not isinstance(note, bytes | bytearray):
        raise ValueError("a note is text or bytes")
    if len(note) > MAX_NOTE_BYTES:
        raise ValueError("the note is too long")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("the note is not UTF-8") from error
    at = whole.rfind("\n\n")
    if at < 0:
        raise ValueError("the note has no blank line before its signatures")
    text, tail = whole[: at + 1], whole[at + 2 :]
    _check_text(text)
    if not tail.endswith("\n"):
        raise ValueError("the note has no signature line, or the last one does not end")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise ValueError(f"the note has more than {MAX_SIGNATURES} signatures")
    return text, [_parse_line(line) for line in lines]


def open_note(note: bytes | str, verifiers: Iterable[Verifier | str] | Verifier | str) -> OpenedNote:
    """Verifies a note, given as bytes or as text, by keys given as such or as verifier key lines (one, or several).
    Signatures by other keys are ignored.

    Raises ValueError when the note is malformed, when a signature by a known key is wrong, when no known key signed, or
    when note or keys are of another type.
    """
    text, signatures = split_note(note.encode() if isinstance(note, str) else note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in _verifiers(verifiers)}
    verified: dict[tuple[str, bytes], Signature] = {}
    for signature in signatures:
        who = signature[:2]
        if who not in known or who in verified:
            continue
        if not known[who].verify(text, signature.blob):
            raise ValueError(f"the signature by {signature.name}+{signature.key_id.hex()} is wrong")
        if known[who].kind == COSIGNATURE_V1:
            signature = signature._replace(time=cosignature_time(signature.blob))
        verified[who] = signature
    if not verified:
        raise ValueError("no known key signed the note")
    return OpenedNote(text, tuple(verified.values()))


def _verifiers(keys: object) -> list[Verifier]:
    read: list[Verifier] = []
    for key in keys if isinstance(keys, Iterable) and not isinstance(keys, str) else [keys]:
        if isinstance(key, str):
            key = Verifier.from_vkey(key.strip())
        if not isinstance(key, Verifier):
            raise ValueError("the keys are verifier keys, as such or as lines")
        read.append(key)
    return read


def cosignature_time(blob: bytes) -> int:
    """The Unix time in a cosignature's blob (u64, then 64 bytes). Raises ValueError when it is not one."""
    if len(blob) != 72:
        raise ValueError("a cosignature has 72 bytes")
    return int.from_bytes(blob[:8], "big")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log signs: who it is, how many leaves it has, and their Merkle root (32 bytes)."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin:
            raise ValueError("a checkpoint needs its origin on one line")
        if not 0 <= self.size < 1 << 63:
            raise ValueError(f"{self.size} is not a tree size")
        if len(self.root) != 32:
            raise ValueError("the root of a checkpoint has 32 bytes")
        if any(not line or "\n" in line for line in self.extensions):
            raise ValueError("an extension of a checkpoint is one line that is not empty")

    def format(self) -> str:
        """The note text, with its last newline."""
        return "\n".join((self.origin, str(self.size), _b64(self.root), *self.extensions, ""))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The opposite of ``format``. Raises ValueError for any other spelling, such as a size with leading zeros."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop():
            raise ValueError("a checkpoint has at least three lines, and the last one ends")
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            raise ValueError(f"{size!r} is not a tree size")
        return cls(origin, int(size), _unb64(root), tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """The checkpoint as a signed note. Raises ValueError unless the key's name is the log's origin."""
    if signer.name != checkpoint.origin or signer.kind != ED25519:
        raise ValueError("a log signs its checkpoints with the key that has its name")
    return sign_note(checkpoint.format(), [signer])


def open_checkpoint(note: bytes, log_key: Verifier) -> Checkpoint:
    """The checkpoint in a note that the log signed. Raises ValueError unless ``log_key`` signed it under its name."""
    checkpoint = Checkpoint.parse(open_note(note, [log_key]).text)
    if checkpoint.origin != log_key.name:
        raise ValueError(f"the checkpoint of {checkpoint.origin} is signed by another log, {log_key.name}")
    return checkpoint


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _parse_line(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise ValueError("a line after the blank line is not a signature")
    _check_name(name)
    data = _unb64(encoded)
    if len(data) < 5:
        raise ValueError("a signature is too short")
    return Signature(name, data[:4], data[4:])


def _split_key(text: str) -> tuple[str, str, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise ValueError("a key has a name, a key id and the key, with + between")
    name, key_id, encoded = parts
    key = _unb64(encoded)
    if not key:
        raise ValueError("the key is empty")
    return name, key_id, key


def _check_name(name: str) -> None:
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise ValueError("a key name is not empty and has no space and no plus sign")


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise ValueError("the text of a note ends with a newline")
    if _CONTROL.search(text):
        raise ValueError("the text of a note has a control character")


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str) -> bytes:
    """Standard base64 in its one canonical spelling; a second spelling would let a note change unseen."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    if _b64(data) != text:
        raise ValueError("not canonical base64")
    return data
