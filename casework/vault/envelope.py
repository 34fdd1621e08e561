"""The envelope around one sealed value.

    0  1  format 0x01
    1  1  suite: 1 = AES-256-GCM
    2  4  dek_version, u32 big-endian
    6  12 nonce, random
    18 n  ciphertext with its 16-byte tag

The plaintext is a type tag and the value, padded (ISO/IEC 7816-4) to 32, 64, 128, 256 … bytes, so that short value
sets do not leak by their length. The associated data bind the header, the field, the row and the subject: a value moved
anywhere else does not open.
"""

from __future__ import annotations

import json
import os
import struct
import uuid
from collections.abc import Callable
from datetime import date
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


def seal(key: AESGCM, dek_version: int, field: str, row: uuid.UUID, subject: uuid.UUID, value: Any) -> bytes:
    """The envelope of `value`: str, int, bool, date, bytes, or anything JSON can hold. TypeError for the rest."""
    header = HEADER.pack(FORMAT, AES_256_GCM, dek_version)
    nonce = os.urandom(NONCE_BYTES)
    bound = associated_data(header, field, row, subject)
    return header + nonce + key.encrypt(nonce, _pad(encode(value)), bound)


def dek_version_of(envelope: bytes) -> int:
    """Which version of the data key opens it. `SealedError` when this is no envelope of ours."""
    if len(envelope) < SMALLEST:
        raise SealedError("the sealed value is cut short")
    form, suite, version = HEADER.unpack_from(envelope)
    if form != FORMAT or suite != AES_256_GCM:
        raise SealedError("the sealed value has an unknown format")
    return int(version)


def open_envelope(key: AESGCM, envelope: bytes, field: str, row: uuid.UUID, subject: uuid.UUID) -> Any:
    """The value back, of the type it was sealed with. `SealedError` when anything about it was changed or moved."""
    dek_version_of(envelope)
    bound = associated_data(envelope[: HEADER.size], field, row, subject)
    try:
        padded = key.decrypt(envelope[HEADER.size : BODY_AT], envelope[BODY_AT:], bound)
    except InvalidTag:
        raise SealedError("the sealed value does not belong here or was changed") from None
    return decode(_unpad(padded))


def associated_data(header: bytes, field: str, row: uuid.UUID, subject: uuid.UUID) -> bytes:
    """What the envelope is bound to: `"cw1" ‖ header ‖ length-prefixed field id ‖ row ‖ subject`."""
    name = field.encode()
    return b"cw1" + header + struct.pack(">H", len(name)) + name + row.bytes + subject.bytes


_TEXT, _INT, _BOOL, _DATE, _BYTES, _JSON = range(1, 7)


def encode(value: Any) -> bytes:
    """The type tag and the value's bytes."""
    if isinstance(value, bool):
        return bytes((_BOOL, value))
    if isinstance(value, str):
        return bytes((_TEXT,)) + value.encode()
    if isinstance(value, int):
        return bytes((_INT,)) + str(value).encode()
    if isinstance(value, date):
        return bytes((_DATE,)) + value.isoformat().encode()
    if isinstance(value, bytes):
        return bytes((_BYTES,)) + value
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return bytes((_JSON,)) + text.encode()


_DECODERS: dict[int, Callable[[bytes], Any]] = {
    _TEXT: bytes.decode,
    _INT: lambda raw: int(raw.decode()),
    _BOOL: lambda raw: raw == b"\x01",
    _DATE: lambda raw: date.fromisoformat(raw.decode()),
    _BYTES: lambda raw: raw,
    _JSON: lambda raw: json.loads(raw),
}


def decode(raw: bytes) -> Any:
    """The value behind `encode`. `SealedError` for an unknown tag."""
    decoder = _DECODERS.get(raw[0]) if raw else None
    if decoder is None:
        raise SealedError("the sealed value has an unknown type")
    return decoder(raw[1:])


def _pad(raw: bytes) -> bytes:
    size = 32
    while size < len(raw) + 1:
        size *= 2
    return raw + b"\x80" + bytes(size - len(raw) - 1)


def _unpad(padded: bytes) -> bytes:
    stripped = padded.rstrip(b"\x00")
    if not stripped.endswith(b"\x80"):
        raise SealedError("the sealed value is padded wrongly")
    return stripped[:-1]
