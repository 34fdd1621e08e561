"""The envelope around one sealed value.

    0  1  format 0x01
    1  1  suite: 1 = AES-256-GCM
    2  4  dek_version, u32 big-endian
    6  12 nonce, random
    18 n  ciphertext with its 16-byte tag

The plaintext is a type tag and the value, padded (ISO/IEC 7816-4) to 32, 64, 128, 256 … bytes, so that short value
sets do not leak by their length. The associated data bind the header, the field, the row and the subject: a value moved
anywhere else does not open. Put back in its own place an old value does open, as long as its key version lives: the
record's versions and the audit log are what shows that, not the envelope.
"""

from __future__ import annotations

import json
import os
import struct
import uuid
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from casework.vault.grant import SealedError

FORMAT = 1
AES_256_GCM = 1
HEADER = struct.Struct(">BBI")
NONCE_BYTES = 12
TAG_BYTES = 16
BODY_AT = HEADER.size + NONCE_BYTES
SMALLEST = BODY_AT + 32 + TAG_BYTES
NEWEST_DEK_VERSION = 2**32 - 1

_OURS = bytes((FORMAT, AES_256_GCM))
_END = 0x80


def seal(key: AESGCM, dek_version: int, field: str, row: uuid.UUID, subject: uuid.UUID, value: Any) -> bytes:
    """The envelope of `value`: str, int, bool, date, bytes, or anything JSON can hold. TypeError for the rest."""
    header = _OURS + dek_version.to_bytes(4, "big")
    nonce = os.urandom(NONCE_BYTES)
    try:
        start = _starts[field][header]
    except KeyError:
        start = _start_of(field, header)
    bound = start + row.int.to_bytes(16, "big") + subject.int.to_bytes(16, "big")
    return header + nonce + key.encrypt(nonce, _pad(encode(value)), bound)


def dek_version_of(envelope: bytes) -> int:
    """Which version of the data key opens it. `SealedError` when this is no envelope of ours."""
    if len(envelope) < SMALLEST:
        raise SealedError("the sealed value is cut short")
    if not envelope.startswith(_OURS):
        raise SealedError("the sealed value has an unknown format")
    return int.from_bytes(envelope[2:6], "big")


def is_envelope(stored: object) -> bool:
    """Whether these bytes look like an envelope of ours. Says nothing about what is inside."""
    return isinstance(stored, bytes) and len(stored) >= SMALLEST and stored.startswith(_OURS)


def open_envelope(key: AESGCM, envelope: bytes, field: str, row: uuid.UUID, subject: uuid.UUID) -> Any:
    """The value back, of the type it was sealed with. `SealedError` when anything about it was changed or moved."""
    # The most used lines of the product, so each step is spelled out instead of called. A header that is none of ours
    # has no start to bind to, which is looked into only then.
    try:
        start = _starts[field][envelope[:6]]
    except KeyError:
        dek_version_of(envelope)
        start = _start_of(field, envelope[:6])
    try:
        padded = key.decrypt(
            envelope[6:18],
            envelope[18:],
            start + row.int.to_bytes(16, "big") + subject.int.to_bytes(16, "big"),
        ).rstrip(b"\x00")
    except (InvalidTag, ValueError):  # a nonce that is cut short is a ValueError
        dek_version_of(envelope)
        raise SealedError("the sealed value does not belong here or was changed") from None
    try:
        if padded[0] == _TEXT and padded[-1] == _END:
            return padded[1:-1].decode()
        return decode(_unpad(padded))
    except (SealedError, UnicodeDecodeError, IndexError) as problem:
        reason = str(problem) if isinstance(problem, SealedError) else "the sealed value is not what it says"
    # Raised out here, after the plaintext is dropped, so that no traceback with local variables holds it.
    del padded
    raise SealedError(reason)


def associated_data(header: bytes, field: str, row: uuid.UUID, subject: uuid.UUID) -> bytes:
    """What the envelope is bound to: `"cw1" ‖ header ‖ length-prefixed field id ‖ row ‖ subject`."""
    return _start(field, header) + row.bytes + subject.bytes


_starts: dict[str, dict[bytes, bytes]] = {}
"""The part of the associated data that field and header make, by both: fields are few, and so are key versions."""
_MOST_STARTS = 256


def _start_of(field: str, header: bytes) -> bytes:
    """The start of the associated data, remembered."""
    known = _starts.setdefault(field, {})
    if len(known) >= _MOST_STARTS:  # changed headers must not fill the memory
        known.clear()
    start = known[header] = _start(field, header)
    return start


def _start(field: str, header: bytes) -> bytes:
    name = field.encode()
    return b"".join((b"cw1", header, struct.pack(">H", len(name)), name))


_TEXT, _INT, _BOOL, _DATE, _BYTES, _JSON = range(1, 7)


def encode(value: Any) -> bytes:
    """The type tag and the value's bytes. TypeError for what would not come back as it was; it never quotes it."""
    try:
        if isinstance(value, bool):
            return bytes((_BOOL, value))
        if isinstance(value, str):
            return b"\x01" + value.encode()
        if isinstance(value, int):
            return bytes((_INT,)) + str(value).encode()
        if isinstance(value, datetime):
            raise TypeError("a moment is not sealed as a date: seal its text")
        if isinstance(value, date):
            return bytes((_DATE,)) + value.isoformat().encode()
        if isinstance(value, bytes):
            return bytes((_BYTES,)) + value
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
        return bytes((_JSON,)) + text.encode()
    except ValueError:  # half a surrogate pair, a number of thousands of digits, NaN
        raise TypeError(f"a {type(value).__name__} like this cannot be sealed") from None


_DECODERS: dict[int, Callable[[bytes], Any]] = {
    _TEXT: bytes.decode,
    _INT: lambda raw: int(raw.decode()),
    _BOOL: lambda raw: raw == b"\x01",
    _DATE: lambda raw: date.fromisoformat(raw.decode()),
    _BYTES: lambda raw: raw,
    _JSON: lambda raw: json.loads(raw),
}


def decode(raw: bytes) -> Any:
    """The value behind `encode`. `SealedError` for an unknown tag or bytes that are none of its values."""
    decoder = _DECODERS.get(raw[0]) if raw else None
    if decoder is None:
        raise SealedError("the sealed value has an unknown type")
    try:
        return decoder(raw[1:])
    except (ValueError, RecursionError):  # either would quote what it could not read
        raise SealedError("the sealed value is not of the type it says") from None


def _pad(raw: bytes) -> bytes:
    length = len(raw)
    # The smallest power of two, 32 at least, that leaves room for the mark of the end.
    return (raw + b"\x80").ljust(1 << length.bit_length() if length > 31 else 32, b"\x00")


def _unpad(padded: bytes) -> bytes:
    """Takes the mark of the end away; the zeros behind it are gone already."""
    if not padded.endswith(b"\x80"):
        raise SealedError("the sealed value is padded wrongly")
    return padded[:-1]
