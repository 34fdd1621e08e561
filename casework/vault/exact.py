"""Exact search on sealed numbers: 128 bits of a keyed hash, under a key of its own for each kind of number.

Without the index key the digests say nothing, not even that two kinds hold the same number. There is no unique constraint
on them, so that nobody learns from a refusal that somebody is known.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from casework.vault.index_keys import IndexKey, index_keys
from casework.vault.keys import expand

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Digest:
    """What stands in the index for one value: its kind, the id of the key, 16 bytes."""

    kind: str
    key_id: str
    digest: bytes


def digest_now(kind: str, normal: str) -> Digest:
    """The digest of a value in its normal form under the key in use. `KeyProblem` without one."""
    return _digest(kind, normal, index_keys().at_hand()[0])


def digests_to_find(kind: str, normal: str) -> list[Digest]:
    """Under every key at hand: while a rotation runs a value may stand under the old or the new one."""
    return [_digest(kind, normal, key) for key in index_keys().at_hand()]


def current_key_id() -> str:
    """The id of the index key in use."""
    return index_keys().at_hand()[0].id


def fingerprint(query: str) -> str:
    """Stands for what was searched in the log. Keyed, so that nobody can try out names on it."""
    return _digest("query", query, index_keys().at_hand()[0]).digest.hex()


def _digest(kind: str, normal: str, key: IndexKey) -> Digest:
    column = _column_key(kind, key)
    return Digest(kind, key.id, hmac.new(column, normal.encode(), hashlib.sha256).digest()[:DIGEST_BYTES])


@lru_cache(maxsize=64)
def _column_key(kind: str, key: IndexKey) -> bytes:
    """HKDF-Expand (RFC 5869) of the root key for one kind of value."""
    return expand(key.raw, b"cw/v1/index/" + kind.encode())
